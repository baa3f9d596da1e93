"""Proves, or disproves, that an experiment's twins are twins; params.yaml stays as it is.

python -m pipelines.verify                                          the experiment in params.yaml
python -m pipelines.verify --preset car --model my_twin.py          a preset, and any parameter of params.yaml
python -m pipelines.verify --native                                 what the frameworks' own defaults differ in
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from twintrain import project, tracking
from twintrain.command_line import locks
from twintrain.command_line.commands import run_command
from twintrain.command_line.dvc_command import everything_is_up_to_date, get_data, run_dvc
from twintrain.command_line.experiment import experiment_parser, read_experiment
from twintrain.data.prepare.preparation import prepare
from twintrain.errors import UserError
from twintrain.evaluation.comparison import mixture
from twintrain.settings.params import Params, check_params
from twintrain.settings.yaml_files import read_yaml
from twintrain.verification import parity_report, workers
from twintrain.verification.checks import Check
from twintrain.verification.seal import PARITY, experiment_digest

PAGE = project.RESULTS / "parity.html"
NATIVE = project.RESULTS / "native.json"
NATIVE_TWINS = {"torch", "keras"}


def verify() -> int:
    """Runs the command and returns its exit status: 0 for twins, 1 for others."""
    with locks.experiment():
        return _verify(*_read_arguments(sys.argv[1:]))


def _verify(native: bool, content: dict[str, Any], params: Params) -> int:
    get_data(params)
    tags = {"stage": "verify", "dataset": params.dataset, "model": params.model_name, "mode": params.mode}
    name = f"verify {params.model_name} on {params.dataset}"
    project.RESULTS.mkdir(exist_ok=True)
    with tracking.parent_run(name, tags, params.tracking) as run:
        if native:
            _list_differences(params, run)
            return 0
        parity = _verify_twins(params, run)
    parity_report.print_checks(parity)
    print(f"\nReport: {PAGE}")
    if _renew_comparison(content) and parity["passed"] and params.registry.enabled:
        print("Next: make promote")
    return 0 if parity["passed"] else 1


def _verify_twins(params: Params, run: tracking.Run) -> dict[str, Any]:
    started = time.perf_counter()
    checks, mixed = _checks(params)
    parity = parity_report.parity(params, experiment_digest(params), checks, mixed, time.perf_counter() - started)
    project.write_json(PARITY, parity)
    project.write_text(PAGE, parity_report.html_page(parity))
    run.log_artifacts(PARITY, PAGE)
    return parity


def _list_differences(params: Params, run: tracking.Run) -> None:
    with tempfile.TemporaryDirectory(prefix="twintrain-verify-") as path:
        folder = Path(path)
        workers.write_experiment(folder, params, *prepare(params))
        workers.run_workers(folder, list(NATIVE_TWINS), workers.NATIVE_WORKER, "describe")
        workers.run_workers(folder, ["keras"], workers.NATIVE_WORKER, "measure")
        differences = project.read_json(folder / "differences.json", list)
    project.write_json(NATIVE, differences)
    run.log_artifacts(NATIVE)
    parity_report.print_differences(params, differences)
    print(f"\nAs numbers: {NATIVE}")


def _checks(params: Params) -> tuple[list[Check], str]:
    """All checks, and what the frameworks ran on if that was not the same."""
    with tempfile.TemporaryDirectory(prefix="twintrain-verify-") as path:
        folder = Path(path)
        workers.write_experiment(folder, params, *prepare(params))
        workers.run_workers(folder, params.frameworks)
        facts = {name: project.read_json(folder / f"{name}.json") for name in params.frameworks}
        devices = {name: found["device"] for name, found in facts.items()}
        return workers.collect_checks(folder, params.frameworks), mixture(devices, params.compare.allow_mixed)


def _renew_comparison(content: dict[str, Any]) -> bool:
    """Has the report of the comparison say what was found, if it is of this experiment and up to date.

    Returns:
        whether it now does.
    """
    if content != read_yaml(project.PARAMS) or not everything_is_up_to_date():
        return False
    return run_dvc("repro", "--quiet", "--force", "--single-item", "compare") == 0


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
