"""Runs the presets of conf/gallery.yaml in a copy of the project; writes docs/results.md, in two languages, of them.

python -m pipelines.gallery                       every preset, one seed; what is done already is not done again
python -m pipelines.gallery --only car,xor        some presets
python -m pipelines.gallery --seeds 3             seeds 0, 1 and 2 of the training
python -m pipelines.gallery --again               also what is done already
"""

import argparse
import platform
from typing import Any

import psutil

from twintrain.command_line import locks
from twintrain.command_line.commands import command_parser, run_command
from twintrain.command_line.dvc_command import get_data
from twintrain.command_line.experiment import read_experiment
from twintrain.command_line.project_copy import ProjectCopy, project_copy
from twintrain.errors import UserError
from twintrain.report import gallery_table
from twintrain.report.gallery_page import PAGE, WRITTEN, pages
from twintrain.report.gallery_table import System
from twintrain.system import project
from twintrain.system.activity import Activity

DONE = project.RESULTS / "gallery.json"
EXPERIMENT = "gallery"


def main() -> int:
    """Runs the command and returns its exit status: 1 where a preset failed."""
    arguments = _read_arguments()
    with locks.hold("gallery", "wait for its end"):
        return _run_all(arguments)


def _run_all(arguments: argparse.Namespace) -> int:
    systems = gallery_table.load_systems(arguments.only)
    project.RESULTS.mkdir(exist_ok=True)
    done = project.read_json(DONE) if DONE.is_file() else {}
    seeds = arguments.seeds
    wanted = [system for system in systems if arguments.again or _key(system.preset, seeds) not in done]
    failed = _fetch(wanted)
    wanted = [system for system in wanted if system.preset not in failed]
    with project_copy(EXPERIMENT) as copy, Activity("gallery", len(wanted), alike=True) as activity:
        for system in wanted:
            activity.begin(system.preset)
            try:
                row = gallery_table.row(system, _run(copy, system, seeds))
            except UserError as error:
                failed[system.preset] = str(error)
                print(f"  failed: {error}", flush=True)
                continue
            done[_key(system.preset, seeds)] = row
            project.write_json(DONE, done)
            print(f"  {row['PyTorch']} / {row['Keras']}, target {row['target']}", flush=True)
    _write_pages(done, failed, seeds)
    print(f"{PAGE}: {len(done)} rows" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


def _key(preset: str, seeds: int) -> str:
    """What a row is kept under in results/gallery.json."""
    return f"{preset}, {seeds} seeds"


def _fetch(systems: list[System]) -> dict[str, str]:
    """Gets what data sets lack into the project, since a copy takes its own away; says by preset why that failed."""
    failed = {}
    for system in systems:
        try:
            get_data(read_experiment(system.preset, system.arguments)[1])
        except UserError as error:
            failed[system.preset] = str(error)
            print(f"{system.preset} failed: {error}", flush=True)
    return failed


def _run(copy: ProjectCopy, system: System, seeds: int) -> list[dict[str, Any]]:
    """results/metrics.json of each seed."""
    found = []
    for seed in range(seeds):
        # A preset without its section would inherit that of the one before.
        copy.restore("params.yaml")
        copy.run("--preset", system.preset, *system.arguments, *(["--train.seed", str(seed)] if seeds > 1 else []))
        found.append(project.read_json(copy.folder / project.METRICS))
    return found


def _write_pages(done: dict[str, Any], failed: dict[str, str], seeds: int) -> None:
    """Writes the pages: rows that were made elsewhere, and as those of here, stay as they are."""
    arguments = f' ARGS="--seeds {seeds}"' if seeds > 1 else ""
    before = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    known = gallery_table.rows_of(before) if WRITTEN.format(arguments=arguments) in before else {}
    presets = [system.preset for system in gallery_table.load_systems() if system.preset not in failed]
    found = {preset: done.get(_key(preset, seeds), known.get(preset)) for preset in presets}
    rows = [row for row in found.values() if row]
    for page, text in pages(rows, failed, arguments, psutil.cpu_count(), platform.machine()).items():
        page.parent.mkdir(parents=True, exist_ok=True)
        project.write_text(page, text)


def _read_arguments() -> argparse.Namespace:
    parser = command_parser("gallery", __doc__)
    parser.add_argument("--only", type=lambda names: names.split(","), help="presets, comma-separated")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds of the training, from 0")
    parser.add_argument("--again", action="store_true", help="run also what results/gallery.json has")
    arguments = parser.parse_args()
    if arguments.seeds < 1:
        raise UserError(f"--seeds: expected at least 1, got {arguments.seeds}")
    return arguments


if __name__ == "__main__":
    run_command(main)
