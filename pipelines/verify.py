"""Shows whether an experiment's twins are twins; params.yaml stays as it is.

python -m pipelines.verify                                          the experiment in params.yaml
python -m pipelines.verify --preset car --model my_twin.py          a preset, and any parameter of params.yaml
python -m pipelines.verify --native                                 what the frameworks' own defaults differ in
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from twintrain import tracking
from twintrain.command_line import locks
from twintrain.command_line.commands import run_command
from twintrain.command_line.dvc_command import get_data, run_dvc
from twintrain.command_line.experiment import experiment_parser, read_experiment
from twintrain.command_line.fixed_params import as_written
from twintrain.data.prepare.preparation import prepare
from twintrain.errors import UserError
from twintrain.settings.params import Params, check_params
from twintrain.settings.yaml_files import read_yaml
from twintrain.system import project
from twintrain.system.activity import Activity
from twintrain.verification import parity_report, workers
from twintrain.verification.twins import count_steps, verify_twins

# Of experiments that are not the current one, each in a folder of its name.
OTHERS = Path("build/verify")
NATIVE = project.RESULTS / "native.json"
NATIVE_TWINS = {"torch", "keras"}


def verify() -> int:
    """Runs the command and returns its exit status: 0 for twins, 1 for others."""
    with locks.experiment():
        return _verify(*_read_arguments(sys.argv[1:]))


def _verify(native: bool, content: dict[str, Any], params: Params) -> int:
    get_data(params)
    tags = {"stage": "verify", "dataset": params.dataset, "model": params.model_name, "mode": params.mode}
    with tracking.experiment_run(content, params.tracking, command="verify") as parent:
        if native:
            with tracking.child_run(parent, "verify --native", tags) as run:
                _list_differences(params, run)
            return 0
        is_current = content == read_yaml(project.PARAMS)
        if is_current:
            page = _verify_current()
        else:
            with tracking.child_run(parent, "verify", tags) as run:
                page = _verify_other(params, run)
    parity = project.read_json(page.with_suffix(".json"))
    parity_report.print_checks(parity)
    print(f"\nReport: {page}")
    if is_current and parity["passed"]:
        print("Next: make run")
    return 0 if parity["passed"] else 1


def _verify_current() -> Path:
    """Has DVC run the stage `verify`, if it has not as things are now, and returns the page."""
    if failed := run_dvc("repro", "verify", environment=as_written()):
        raise UserError(f"a stage failed: {failed.reason or 'see above'}")
    return project.PARITY_PAGE


def _verify_other(params: Params, run: tracking.Run) -> Path:
    """Verifies another experiment, and returns the page."""
    with Activity("verify", count_steps(params)) as activity:
        found = verify_twins(
            params, lambda folder: workers.write_experiment(folder, params, *prepare(params)), activity
        )
    return parity_report.write_parity(found, OTHERS / f"{params.dataset}-{params.model_name}", run)


def _list_differences(params: Params, run: tracking.Run) -> None:
    with tempfile.TemporaryDirectory(prefix="twintrain-verify-") as path, Activity("verify", 3) as activity:
        folder = Path(path)
        activity.begin("the rows are made ready")
        workers.write_experiment(folder, params, *prepare(params))
        activity.begin("both frameworks describe their defaults")
        workers.run_workers(folder, list(NATIVE_TWINS), workers.NATIVE_WORKER, "describe", tell=activity.detail)
        activity.begin("Keras trains with each difference alone")
        workers.run_workers(folder, ["keras"], workers.NATIVE_WORKER, "measure")
        differences = project.read_json(folder / "differences.json", list)
    project.RESULTS.mkdir(exist_ok=True)
    project.write_json(NATIVE, differences)
    run.log_artifacts(NATIVE)
    parity_report.print_differences(params, differences)
    print(f"\nAs numbers: {NATIVE}")


def _read_arguments(arguments: list[str]) -> tuple[bool, dict[str, Any], Params]:
    parser = experiment_parser("verify", __doc__)
    parser.add_argument(
        "--native",
        nargs="?",
        choices=("true", "false"),
        const="true",
        default="false",
        help="list what the frameworks' own defaults differ in, and what each difference does",
    )
    known, rest = parser.parse_known_args(arguments)
    content, params = read_experiment(known.preset, rest)
    if known.native == "true":
        return True, content, _checked_for_native(params)
    if len(params.frameworks) < 2:
        raise UserError(f"verify compares frameworks; expected two or more, got frameworks: {params.frameworks}")
    if params.mode != "aligned":
        raise UserError("native networks are no twins; expected mode: aligned, or --native to list what differs")
    if not params.verify.enabled:
        raise UserError("verify.enabled is false; expected true, to verify: --verify.enabled true")
    return False, content, params


def _checked_for_native(params: Params) -> Params:
    if Path(params.model).suffix == ".py":
        raise UserError("verify --native lists what a layer list leaves open, and a twin of your own has none")
    if params.train.initial_model:
        raise UserError("verify --native lists how weights are drawn too; expected train.initial_model: null")
    if set(params.frameworks) != NATIVE_TWINS:
        raise UserError(f"verify --native is about torch and keras; got frameworks: {params.frameworks}")
    # An optimizer that Keras lacks has no defaults of Keras's.
    return check_params({**params.model_dump(), "mode": "native"}, str(project.PARAMS))


if __name__ == "__main__":
    run_command(verify)
