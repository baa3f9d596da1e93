"""Puts the champion before the present one back in its place; the same command undoes it.

python -m pipelines.rollback                        of the data set and model in params.yaml
python -m pipelines.rollback --model car-car_embedding
"""

from twintrain import tracking
from twintrain.command_line.commands import command_parser, run_command
from twintrain.errors import UserError
from twintrain.registry import champion_page
from twintrain.registry.versions import Versions, checked_name, described, despite_note, registered_name, store_errors
from twintrain.settings.overrides import CURRENT
from twintrain.settings.params import load_params
from twintrain.system import project


def rollback() -> None:
    """Runs the command."""
    params = load_params()
    name = _read_name(registered_name(params.dataset, params.model_name))
    with store_errors():
        versions = Versions(tracking.connect(params.tracking.experiment), name)
        versions.before_roll_back()  # refuses before anything is written
    with tracking.parent_run(f"rollback {name}", {"stage": "rollback"}, params.tracking) as run:
        if run.id is None:
            raise UserError("a rollback needs MLflow's store, which does not answer; is MLFLOW_TRACKING_URI right?")
        with store_errors():
            champion, former = versions.roll_back()
        run.set_tags({"registered_model": name, "champion": champion.version, "previous": former.version})
    conclusion = f"{name}: {described(champion)} is the champion again, and {described(former)} the previous one"
    if project.GATE.is_file() and project.read_json(project.GATE)["model"] == name:
        champion_page.write_page(f"{conclusion}.", champion)
    print(f"{conclusion}; the same command undoes it")
    if note := despite_note(champion):
        print(note)


def _read_name(current: str) -> str:
    parser = command_parser("rollback", __doc__)
    parser.add_argument("--model", default=current, help=f"the name of a registered model; default: {current}")
    given = parser.parse_args().model
    return current if given in CURRENT else checked_name(given)


if __name__ == "__main__":
    run_command(rollback)
