"""Registers the trainings that results/ is of, and leads the better one through the gate to the alias `champion`.

python -m pipelines.promote    `make run` does the same at its end; exit status 0 where the gate was passed, else 1
python -m pipelines.promote --despite baseline --because 'we need answers, and a linear model is as good'
"""

from typing import Any

from twintrain import tracking
from twintrain.command_line import locks
from twintrain.command_line.commands import command_parser, run_command
from twintrain.command_line.dvc_command import everything_is_up_to_date
from twintrain.errors import UserError, cut
from twintrain.registry import gate, outcomes
from twintrain.registry.versions import registered_name, store_errors
from twintrain.settings.overrides import NOT_GIVEN
from twintrain.settings.params import load_params
from twintrain.system import project

LONGEST_REASON = 500


def promote() -> int:
    """Runs the command and returns its exit status."""
    despite = _read_reason(_read_arguments())
    with locks.experiment():
        return _promote(despite)


def _promote(despite: str) -> int:
    from twintrain.registry import promotion  # with all that compares networks

    params = load_params()
    if not params.registry.enabled:
        raise UserError("registry.enabled is false; expected true, to register and promote what was trained")
    if not project.METRICS.is_file() or not everything_is_up_to_date():
        raise UserError("results/ is not of the settings, data and code as they are now; make run brings it up to date")
    name = registered_name(params.dataset, params.model_name)
    with store_errors():
        client = tracking.connect(params.tracking.experiment)  # refuses before anything is written
    with tracking.parent_run(f"promote {name}", {"stage": "promote"}, params.tracking) as run:
        if run.id is None:
            raise UserError("promoting needs MLflow's store, which does not answer; is MLFLOW_TRACKING_URI right?")
        with store_errors():
            outcome = promotion.promote(project.read_json(project.METRICS), params, client, run, despite)
        outcomes.record(outcome, run)
    outcomes.print_outcome(outcome)
    if despite and (note := _note_of_reason(outcome)):
        print(note)
    return 0 if outcome.passed else 1


def _note_of_reason(outcome: outcomes.Outcome) -> str:
    """What has become of a reason that moved nothing; empty where it has."""
    if outcome.is_despite:
        return ""
    if not outcome.passed:
        return "Nothing but the baseline's check can be overruled."
    why = "The gate passes without" if outcome.checks else "Nothing is left to be decided by"
    return f"{why} --despite baseline, so the reason is not noted."


def _read_arguments() -> Any:
    parser = command_parser("promote", __doc__)
    parser.add_argument("--despite", default="", metavar=gate.BASELINE, help="promote, although it does as well")
    parser.add_argument("--because", default="", metavar="REASON", help="why; it stays with the champion")
    return parser.parse_args()


def _read_reason(arguments: Any) -> str:
    """Why the baseline's check is overruled; empty where it is not."""
    despite, because = ("" if value in NOT_GIVEN else value for value in (arguments.despite, arguments.because))
    if despite not in ("", gate.BASELINE):
        raise UserError(f"--despite {cut(despite)}: expected {gate.BASELINE}, the one check that can be overruled")
    reason = " ".join(because.split())
    if not despite and reason:
        raise UserError(f"--because says why a check is overruled; expected --despite {gate.BASELINE} beside it")
    if despite and not reason:
        raise UserError(f"--despite {despite} needs your reason, which stays with the champion: --because 'REASON'")
    if len(reason) > LONGEST_REASON or not reason.isprintable():
        raise UserError(f"--because: expected at most {LONGEST_REASON} characters of text, got {cut(reason)}")
    return reason


if __name__ == "__main__":
    run_command(promote)
