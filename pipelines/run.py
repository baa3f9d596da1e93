"""Runs the comparison: applies a preset and overrides to params.yaml, gets the data, reproduces, prints the table.

python -m pipelines.run                                     the experiment in params.yaml as it stands
python -m pipelines.run --preset car --train.epochs 20      a preset, and any parameter of params.yaml
python -m pipelines.run --target train@torch                one stage and what it needs
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import urllib.parse
from pathlib import Path
from typing import Any

from twintrain import project, tracking
from twintrain.commands import run_command
from twintrain.config import Params, check_params
from twintrain.data.dataset import load_dataset, raw_files
from twintrain.data.schema import network_schema
from twintrain.errors import UserError, unknown
from twintrain.evaluation import report
from twintrain.models.network import load_network
from twintrain.overrides import parse_overrides
from twintrain.presets import changed_params, save_params
from twintrain.yaml_files import read_yaml

# What MLproject hands on for "no preset": its default, or an empty value as MLflow quotes it.
NO_PRESET = ("current", "", "''")
UI = "http://localhost:5000/#"
RESULTS_FILE = project.RESULTS / "metrics.json"
STAGES = ("ingest", "preprocess", "split", "train", "evaluate", "compare")


def run() -> int:
    """Runs the command and returns its exit status."""
    arguments, content, params = _read_arguments(sys.argv[1:])
    _adapt_to_git()
    _get_data(params)
    save_params(content)
    preset = "current" if arguments.preset in NO_PRESET else arguments.preset
    tags = {"stage": "run", "preset": preset, "dataset": params.dataset, "model": params.model, "mode": params.mode}
    before = _read_results()
    with tracking.parent_run(f"{params.model} on {params.dataset}", tags, params.tracking.experiment) as parent:
        if _dvc("repro", *([arguments.target] if arguments.target else [])):
            raise UserError("a stage failed, see above; what ran before it is kept and will not run again")
        parent.tag_children(tracking.lock_tags())
        if not arguments.target:
            metrics = _read_results()
            parent.log_metrics(_headline_metrics(metrics))
            known = parent.knows(_trained_runs(metrics))
    if arguments.target:
        print(f"{arguments.target} is up to date; make ui shows its run, and make run compares both")
    else:
        report.print_comparison(metrics)
        if metrics == before:
            print("Nothing has changed since these trainings, so nothing was trained again.")
        _print_next(metrics, parent.experiment_id if known else None)
    return 0


def _read_results() -> dict[str, Any]:
    return project.read_json(RESULTS_FILE) if RESULTS_FILE.is_file() else {}


def _trained_runs(metrics: dict[str, Any]) -> list[str]:
    """The MLflow runs of the trainings; none where they were not tracked."""
    return [metrics[name]["run_id"] for name in report.frameworks_of(metrics) if metrics[name]["run_id"]]


def _print_next(metrics: dict[str, Any], experiment_id: str | None) -> None:
    """Prints where to look; there is no experiment where this store does not have the runs."""
    print(f"\nReport: {project.RESULTS / 'report.html'}")
    runs = _trained_runs(metrics)
    if not runs:
        print("Tracking was off, so MLflow has no runs of these trainings; dvc repro --force makes new ones.")
    elif experiment_id is None:
        print("These results are from DVC's cache and their runs not in this store; dvc repro --force makes new ones.")
    elif len(runs) == 1:
        print(f"Next: make ui, then open {UI}/experiments/{experiment_id}/runs/{runs[0]}")
    else:
        quoted = [urllib.parse.quote(json.dumps(ids, separators=(",", ":"))) for ids in (runs, [experiment_id])]
        print("Next: make ui, then open {}/compare-runs?runs={}&experiments={}".format(UI, *quoted))


def _read_arguments(arguments: list[str]) -> tuple[argparse.Namespace, dict[str, Any], Params]:
    """Checks all that can be checked before anything is written or run."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.run",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="--PARAMETER VALUE: any parameter of params.yaml, by its dotted name",
        allow_abbrev=False,
    )
    parser.add_argument("--preset", default="current", help="a file of conf/presets; current: params.yaml as it stands")
    parser.add_argument("--target", help="a stage of dvc.yaml, such as train@torch; default: all")
    known, rest = parser.parse_known_args(arguments)
    preset = None if known.preset in NO_PRESET else known.preset
    content = changed_params(read_yaml(project.PARAMS), preset, parse_overrides(rest))
    params = check_params(content, str(project.PARAMS))
    targets = [f"{s}@{f}" if s in ("train", "evaluate") else s for s in STAGES for f in params.frameworks]
    if known.target and known.target not in targets:
        raise unknown("target", known.target, dict.fromkeys(targets))
    schema = network_schema(params.dataset, load_dataset(params.dataset), params.preprocess)
    load_network(params.model, params.mode, schema).check_batch_size(params.train.batch_size)
    return known, content, params


def _adapt_to_git() -> None:
    """DVC refuses to work outside git unless told so; a copy of the project without .git tells it."""
    told = Path(".dvc/config.local")
    without_git = not Path(".git").exists()
    is_told = told.is_file() and "no_scm = true" in told.read_text(encoding="utf-8")
    if without_git and not is_told:
        _dvc("config", "--local", "core.no_scm", "true")
    elif is_told and not without_git:
        _dvc("config", "--local", "--unset", "core.no_scm")


def _get_data(params: Params) -> None:
    """Pulls data/ if it is absent, and checks the files of the data set."""
    if not project.DATA.is_dir():
        print("Getting data/ from the DVC remote", flush=True)
        if _dvc("pull", "--quiet", "data.dvc"):
            raise UserError(
                "the data could not be pulled, see above; expected the remote in .dvc/config to hold data.dvc's files"
            )
    raw_files(params.dataset, load_dataset(params.dataset))


def _dvc(*arguments: str) -> int:
    """Runs DVC in this very interpreter's environment, its stages too, and returns its exit status.

    DVC gets a process group of its own, so that an interrupted command ends the running stage with DVC: an orphan
    would go on training, and the next command would train beside it.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    command = [sys.executable, "-m", "dvc", *arguments]
    process = subprocess.Popen(command, env={**os.environ, "PATH": path}, start_new_session=True)
    try:
        return process.wait()
    except KeyboardInterrupt:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise


def _headline_metrics(metrics: dict[str, Any]) -> dict[str, float]:
    comparison = {
        name: metrics["comparison"][name] for name in ("accuracy_difference", "agreement") if metrics["comparison"]
    }
    return {**comparison, **{f"{name}_eval_acc": metrics[name]["eval_acc"] for name in report.frameworks_of(metrics)}}


if __name__ == "__main__":
    run_command(run)
