"""Runs the comparison: applies a preset and overrides to params.yaml, gets the data, reproduces, prints the table.

python -m pipelines.run                                     the experiment in params.yaml as it stands
python -m pipelines.run --preset car --train.epochs 20      a preset, and any parameter of params.yaml
python -m pipelines.run --target train@torch                one stage and what it needs
python -m pipelines.run --isolated --train.seed 1           in a copy, beside others; leaves results/isolated/…
python -m pipelines.run --data my.csv --target column       data of your own: described, put into own/, trained on
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from twintrain import tracking
from twintrain.command_line import locks
from twintrain.command_line.commands import run_command
from twintrain.command_line.dvc_command import get_data, run_dvc
from twintrain.command_line.experiment import experiment_parser, read_experiment
from twintrain.command_line.fixed_params import as_written, check_params_as_read, params_as_read
from twintrain.command_line.project_copy import project_copy
from twintrain.data.readers.form_options import add_form_options, form_options
from twintrain.errors import UserError, unknown
from twintrain.evaluation import cost
from twintrain.registry import outcomes
from twintrain.report import statements, verdict_note
from twintrain.report.ui_links import LOCAL, comparison_page, run_page, ui_address
from twintrain.settings.overrides import CURRENT, NOT_GIVEN, parse_overrides
from twintrain.settings.params import Params
from twintrain.settings.presets import changed_params, save_params
from twintrain.settings.yaml_files import read_yaml
from twintrain.system import project
from twintrain.system.language import asked_language
from twintrain.system.stored import DamagedFileError

TASKS = ("classes", "regression")
ORDERS = ("dmy", "mdy", "ymd")
REGISTRY = "registry.enabled"  # off in a copy: of many trainings some look good by luck
STAGES = ("ingest", "preprocess", "split", "verify", "baseline", "train", "evaluate", "cost", "compare")


class Asked(NamedTuple):
    """The experiment that the command line asks for.

    Attributes:
        content: what params.yaml is to become.
        params: the same, as typed parameters.
        read: the sha256 of the params.yaml that it was made of.
    """

    content: dict[str, Any]
    params: Params
    read: str


class Found(NamedTuple):
    """What came of a run; nothing, where it was of one stage.

    Attributes:
        metrics: results/metrics.json.
        is_new: it is another one than before, and not for its cost alone.
        trained: MLflow's runs of the trainings.
        outcome: what became of them in the registry.
    """

    metrics: dict[str, Any] = {}  # noqa: RUF012 (never changed)
    is_new: bool = False
    trained: Sequence[Any] = ()
    outcome: outcomes.Outcome | None = None


def run() -> int:
    """Runs the command and returns its exit status."""
    asked_language()  # what cannot be spoken is said before the trainings, not after them
    known, rest = _parse(sys.argv[1:])
    if known.isolated == "true":
        _run_isolated(known, rest)
        return 0
    with locks.experiment():
        asked = _read(known, rest)
        get_data(asked.params)
        _print_found(known, _reproduce(known, asked), project.RESULTS)
    return 0


def _run_isolated(known: argparse.Namespace, rest: list[str]) -> None:
    """Runs in a copy of the project, of which the results and the parameters stay."""
    asked = _read(known, rest if REGISTRY in parse_overrides(rest) else [*rest, f"--{REGISTRY}", "false"])
    params = asked.params
    get_data(params)
    with project_copy() as copy:
        with copy.entered():
            found = _reproduce(known, asked)
        folder = None if known.target else copy.keep_results(f"{params.dataset}-{params.model_name}")
    _print_found(known, found, folder)


def _reproduce(arguments: argparse.Namespace, asked: Asked) -> Found:
    """Has DVC run the experiment in this folder."""
    check_params_as_read(asked.read)  # to get the data may have taken its time
    save_params(asked.content)
    params = asked.params
    written = as_written()
    preset = None if arguments.preset in CURRENT else arguments.preset
    before = _results_before()
    with tracking.experiment_run(asked.content, params.tracking, preset) as parent:
        if arguments.target in (None, "cost", "compare"):
            cost.forget_if_loaded(project.COST)
        if failed := run_dvc("repro", *([arguments.target] if arguments.target else []), environment=written):
            why = failed.reason or "see above"
            rest = "" if arguments.isolated == "true" else "; what ran before it is kept and will not run again"
            raise UserError(f"a stage failed: {why}{rest}")
        parent.tag_children(tracking.lock_tags())
        if arguments.target:
            return Found()
        metrics = _read_results()
        parent.log_metrics(_headline_metrics(metrics))
        parent.set_note(verdict_note.summary(metrics, ui_address()))
        trained = parent.find(_trainings(metrics))
        from twintrain.registry import promotion  # with all that compares networks: half of what a command imports

        outcome = promotion.promote_new(metrics, params, parent) if trained else None
        if metrics != before and not outcome:  # DVC may have restored a report without running a stage
            project.CHAMPION_PAGE.unlink(missing_ok=True)
    is_new = cost.without_cost(metrics) != cost.without_cost(before)
    return Found(metrics, is_new, trained, outcome)


def _print_found(arguments: argparse.Namespace, found: Found, folder: Path | None) -> None:
    """Prints what came of a run, and where its results are."""
    if folder is None or arguments.target:
        print(f"{arguments.target} is up to date; make ui shows its run, and make run compares both")
        return
    statements.print_comparison(found.metrics)
    if not found.is_new:
        print("Nothing has changed since these trainings, so nothing was trained again.")
    if found.outcome:
        outcomes.print_outcome(found.outcome)
    elif folder == project.RESULTS:
        outcomes.print_last_outcome()
    champion, page = (folder / path.relative_to(project.RESULTS) for path in (project.CHAMPION_PAGE, project.REPORT))
    print(f"\nReport: {champion if champion.is_file() else page}")
    _print_next(found.metrics, found.trained)


def _read_results() -> dict[str, Any]:
    return project.read_json(project.METRICS) if project.METRICS.is_file() else {}


def _results_before() -> dict[str, Any]:
    """The results as they are; none where they are damaged, since DVC makes them anew then."""
    try:
        return _read_results()
    except DamagedFileError:
        return {}


def _trainings(metrics: dict[str, Any]) -> list[tracking.Ref]:
    """The runs of the trainings."""
    return [tracking.Ref.of(metrics[name]) for name in statements.frameworks_of(metrics)]


def _print_next(metrics: dict[str, Any], trained: Sequence[Any]) -> None:
    """Prints where to look; MLflow has no runs to look at where it was not there, or of results made elsewhere."""
    if not trained:
        waiting = {ref.journal for ref in _trainings(metrics)} & tracking.journal_keys()
        reason = (
            "MLflow does not have the runs of these trainings yet; make sync brings them there"
            if waiting
            else "These results are from DVC's cache and their runs not in this store; dvc repro --force makes new ones"
        )
        print(f"{reason}.")
        return
    ui, runs = ui_address(), [run.info.run_id for run in trained]
    experiment = trained[0].info.experiment_id
    score = statements.watched_score(metrics)
    page = run_page(ui, experiment, runs[0]) if len(runs) == 1 else comparison_page(ui, experiment, runs, score)
    print(f"Next: {'make ui, then ' if ui == LOCAL else ''}open {page}")


def _parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options of this command, and what is left: parameters."""
    parser = experiment_parser("run", __doc__)
    parser.add_argument(
        "--target", help="a stage of dvc.yaml, such as train@torch; default: all; with --data: the column to predict"
    )
    parser.add_argument(
        "--data", help="data of your own: a .csv, .tsv or .parquet (also .gz, .zip), a folder of images, an .npz"
    )
    parser.add_argument(
        "--folders", help="of --data, what levels of folders are: class, part/class, any/class, …; default: as it seems"
    )
    parser.add_argument("--task", help="of --data: classes or regression; default: as the column seems")
    parser.add_argument("--date-order", help="of --data: dmy, mdy or ymd, where dates leave it open")
    add_form_options(parser)
    parser.add_argument(
        "--isolated",
        nargs="?",
        choices=("true", "false"),
        const="true",
        default="false",
        help="run in a copy of the project, beside other commands; params.yaml and results/ stay as they are",
    )
    known, rest = parser.parse_known_args(arguments)
    for name in ("data", "target", "task", "date_order", "folders"):
        # As MLflow hands on what was not given.
        if getattr(known, name) in NOT_GIVEN:
            setattr(known, name, None)
    known.form = form_options(known)
    said = {name.replace("_", "-"): getattr(known, name) for name in ("task", "date_order", "folders", *known.form)}
    if not known.data and (given := [f"--{name} {value}" for name, value in said.items() if value is not None]):
        option = given[0].partition(" ")[0]
        raise UserError(f"{option} says how --data is looked at; expected --data FILE_OR_FOLDER, got {given[0]}")
    if known.data and known.isolated == "true":
        raise UserError("--isolated leaves this folder as it is; run --data without it, and then --preset NAME with it")
    return known, rest


def _read(known: argparse.Namespace, rest: list[str]) -> Asked:
    """Checks all that can be checked before anything is written or run."""
    read = params_as_read()
    if known.data:
        known.preset, known.target = _adopt(known, parse_overrides(rest)), None
    content, params = read_experiment(known.preset, rest)
    targets = [f"{s}@{f}" if s in ("train", "evaluate") else s for s in STAGES for f in params.frameworks]
    if known.target and known.target not in targets:
        raise unknown("target", known.target, dict.fromkeys(targets))
    return Asked(content, params, read)


def _adopt(known: argparse.Namespace, overrides: dict[str, Any]) -> str:
    """Makes a data set of the user's own data, and returns its name, which is that of its preset."""
    if known.preset not in CURRENT:
        raise UserError(f"--data has settings of its own; expected no --preset, got {known.preset}")
    for name, value, taken in (("task", known.task, TASKS), ("date-order", known.date_order, ORDERS)):
        if value not in (None, *taken):
            raise unknown(name, value, taken)
    changed_params(read_yaml(project.PARAMS), None, overrides)  # refuses unknown ones while nothing is written
    from twintrain.data.own.adoption import adopt  # with the readers of all formats, which a run seldom needs
    from twintrain.data.own.wishes import Wishes

    given = {name: overrides.get(f"split.{name}") for name in ("group", "time")}
    # A name such as 2020 is read as a number.
    split = {name: None if value is None else str(value) for name, value in given.items()}
    wishes = Wishes(known.target, known.task, **split, form=known.form, order=known.date_order, folders=known.folders)
    return adopt(Path(known.data), wishes)


def _headline_metrics(metrics: dict[str, Any]) -> dict[str, float]:
    score, difference = statements.headline_score(metrics)
    comparison = {
        name: metrics["comparison"][name] for name in (difference, "agreement") if name in metrics["comparison"]
    }
    return {**comparison, **{f"{name}_{score}": metrics[name][score] for name in statements.frameworks_of(metrics)}}


if __name__ == "__main__":
    run_command(run)
