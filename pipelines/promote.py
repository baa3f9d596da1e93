"""Registers the trainings that results/ is of, and leads the better one through the gate to the alias `champion`.

python -m pipelines.promote    `make run` does the same at its end; exit status 0 where the gate was passed, else 1
"""

from twintrain import locks, project, tracking
from twintrain.commands import command_parser, run_command
from twintrain.config import load_params
from twintrain.dvc_command import everything_is_up_to_date
from twintrain.errors import UserError
from twintrain.registry import promotion
from twintrain.registry.versions import registered_name, store_errors


def promote() -> int:
    """Runs the command and returns its exit status."""
    command_parser("promote", __doc__).parse_args()
    with locks.experiment():
        return _promote()


def _promote() -> int:
    params = load_params()
    if not params.registry.enabled:
        raise UserError("registry.enabled is false; expected true, to register and promote what was trained")
    if not project.METRICS.is_file() or not everything_is_up_to_date():
        raise UserError("results/ is not of the settings, data and code as they are now; make run brings it up to date")
    name = registered_name(params.dataset, params.model_name)
    with tracking.parent_run(f"promote {name}", {"stage": "promote"}, params.tracking) as run:
        if run.id is None:
            raise UserError("promoting needs MLflow's store, which does not answer; is MLFLOW_TRACKING_URI right?")
        with store_errors():
            client = tracking.connect(params.tracking.experiment)
            outcome = promotion.promote(project.read_json(project.METRICS), params, client, run)
        promotion.record(outcome, run)
    promotion.print_outcome(outcome)
    return 0 if outcome.passed else 1


if __name__ == "__main__":
    run_command(promote)
