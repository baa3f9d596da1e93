"""Runs each preset of a family in turn, under one MLflow experiment, and puts them side by side in a table.

python -m pipelines.family overfit                     all presets overfit_*; params.yaml and results/ stay as they are
python -m pipelines.family overfit --train.epochs 5    with any parameter of params.yaml
python -m pipelines.family overfit --document true     writes the table into docs/ too, where it has its place
"""

import argparse
import shlex
import sys
from pathlib import Path

from twintrain import tracking
from twintrain.command_line import locks
from twintrain.command_line.commands import ANY_PARAMETER, command_parser, run_command
from twintrain.command_line.dvc_command import get_data
from twintrain.command_line.experiment import read_experiment
from twintrain.command_line.project_copy import ProjectCopy, project_copy
from twintrain.errors import UserError, unknown
from twintrain.report.family_table import Row, family_rows, markdown, print_table, replace_table
from twintrain.settings.params import load_params
from twintrain.settings.presets import families
from twintrain.system import project
from twintrain.system.activity import Activity

FAMILIES = project.RESULTS / "families"
DOCUMENTS = Path("docs")


def family() -> int:
    """Runs the command and returns its exit status: 1 where a preset failed."""
    known, overrides = _read_arguments(sys.argv[1:])
    with locks.hold(f"family {known.name}", "wait for its end"):
        return _run_all(known, overrides)


def _run_all(known: argparse.Namespace, overrides: list[str]) -> int:
    presets = families()[known.name]
    # All that can be checked is, before the first of them runs.
    for preset in presets:
        get_data(read_experiment(preset, overrides)[1])
    folder = project.fresh_folder(FAMILIES / known.name)
    rows: list[Row] = []
    failed: list[str] = []
    with project_copy(known.name) as copy, Activity("family", len(presets), alike=True) as activity:
        for preset in presets:
            activity.begin(preset)
            try:
                rows += _run(copy, preset, overrides, folder / f"{preset}.log")
            except UserError as error:  # one that diverges is no reason to lose the others
                failed.append(preset)
                print(f"  failed: {error}", flush=True)
    if failed and not rows:
        raise UserError(f"all presets of {known.name} have failed, see above")
    names = {tracking.Ref.of(row): f"{row['preset']} {row['framework']}" for row in rows}
    tracking.name_runs(names, load_params().tracking)
    print_table(known.name, rows)
    written = _written(known.name, overrides, rows)
    project.write_text(folder / "table.md", written)
    if known.document == "true":
        _document(known.name, written)
    print(f"Table: {folder / 'table.md'}. Next: make ui, then open the experiment '{known.name}' and compare its runs")
    return 1 if failed else 0


def _run(copy: ProjectCopy, preset: str, overrides: list[str], log: Path) -> list[Row]:
    copy.restore(str(project.PARAMS))
    log.write_text(copy.run("--preset", preset, *overrides), encoding="utf-8")
    return family_rows(preset, copy.folder)


def _written(name: str, overrides: list[str], rows: list[Row]) -> str:
    command = f"python -m pipelines.family {name} {shlex.join(overrides)}".strip()
    return f"Written by `{command}`:\n\n{markdown(rows)}"


def _document(name: str, written: str) -> None:
    for path in sorted(DOCUMENTS.glob("*.md")):
        before = path.read_text(encoding="utf-8")
        after = replace_table(before, name, written)
        if after != before:
            project.write_text(path, after)


def _read_arguments(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = command_parser("family", __doc__, ANY_PARAMETER)
    parser.add_argument("name", help="what the names of the presets begin with: overfit, optimizers, activations …")
    parser.add_argument("--document", choices=("true", "false"), default="false", help="write the table into docs/")
    known, rest = parser.parse_known_args(arguments)
    if known.name not in families():
        raise unknown("family", known.name, families())
    return known, rest


if __name__ == "__main__":
    run_command(family)
