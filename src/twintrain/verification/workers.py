"""Starts one worker a framework and collects what they record."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from twintrain.data.parts import PARTS, Part
from twintrain.data.schema import FILE_NAME as SCHEMA_FILE
from twintrain.data.schema import Schema
from twintrain.errors import UserError
from twintrain.recordings.comparing.diff import Diff
from twintrain.settings.frameworks import TITLES
from twintrain.settings.params import Params
from twintrain.system import project
from twintrain.system.cpus import cpus_each
from twintrain.system.processes import LOOK_SECONDS, worker_environment
from twintrain.training.initial_model import hand_on
from twintrain.training.workers.launchers import launcher
from twintrain.verification.checks import Check, Twin, check_frozen, check_reload, compare_twins
from twintrain.verification.layers import Diffs, check_layers, rounding
from twintrain.verification.records import PREDICTIONS, Record
from twintrain.verification.sides import side, title

WORKER = ("-m", "twintrain.verification.recorder")
NATIVE_WORKER = ("-m", "twintrain.verification.native_worker")


def write_experiment(folder: Path, params: Params, schema: Schema, parts: dict[str, Part]) -> None:
    """Writes what the workers read."""
    _write_settings(folder, params)
    schema.save(folder)
    for name, part in parts.items():
        part.save(folder / name)


def link_experiment(folder: Path, params: Params, split: Path) -> None:
    """Writes what the workers read, with the rows where the stage split has left them."""
    _write_settings(folder, params)
    for name in (SCHEMA_FILE, *PARTS):
        (folder / name).symlink_to((split / name).absolute())


def _write_settings(folder: Path, params: Params) -> None:
    threads = params.train.threads or cpus_each(len(params.frameworks))
    train = params.train.model_copy(update={"threads": threads})
    shared = params.model_copy(update={"train": train})
    project.write_json(folder / "experiment.json", shared.model_dump())
    hand_on(params, folder)


def run_workers(
    folder: Path,
    frameworks: list[str],
    worker: tuple[str, ...] = WORKER,
    *options: str,
    tell: Callable[[str], None] = str,
) -> None:
    """Runs one process a framework, all at once, and waits for them.

    Args:
        tell: is told how far they are, in words.

    Raises:
        UserError: a worker failed; what it said last goes along.
    """
    logs = {framework: folder / f"{framework}.log" for framework in frameworks}
    processes = {}
    for framework, log in logs.items():
        command = [sys.executable, *worker, framework, str(folder), *options]
        with log.open("w") as output:
            processes[framework] = subprocess.Popen(command, env=worker_environment(), stdout=output, stderr=output)
    try:
        failed = _wait_for(processes, tell)
    finally:
        for process in processes.values():
            process.terminate()
            process.wait()
    if failed:
        raise UserError(f"{TITLES[failed[0]]}: {_reason(logs[failed[0]])}")


def _wait_for(processes: dict[str, "subprocess.Popen[bytes]"], tell: Callable[[str], None]) -> list[str]:
    """Waits until all have ended; returns the frameworks of those that failed."""
    running = dict(processes)
    while running:
        for framework in [name for name, process in running.items() if process.poll() is not None]:
            running.pop(framework)
            done = " and ".join(TITLES[name] for name in processes if name not in running)
            tell(f"{done} done" if running else "")
        time.sleep(LOOK_SECONDS if running else 0)
    return [framework for framework, process in processes.items() if process.returncode]


def run_together(folder: Path, framework: str, count: int, launcher_name: str) -> None:
    """Has several workers of one framework record what they do together.

    Raises:
        UserError: they cannot train together.
    """
    try:
        launcher(launcher_name)([sys.executable, *WORKER, framework, str(folder)], count, folder)
    except UserError as error:
        raise UserError(f"{title(side(framework, count))}: {error}") from None


def _reason(log: Path) -> str:
    """The error that a worker ended with; all that it said, if that is a traceback."""
    said = log.read_text(encoding="utf-8", errors="replace").strip()
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    return errors[-1].removeprefix("error: ") if errors else said or "it ended without a message"


def collect_checks(
    folder: Path, frameworks: list[str], dtypes: tuple[str, ...], diffs: Diffs, are_own: bool
) -> list[Check]:
    """All checks: every framework against the first one, and each against itself after a reload.

    Args:
        dtypes: the precisions that were recorded.
        diffs: of the layers, see `diff_all`.
        are_own: whether the networks are of the user's own file, whose layers may keep constants in float32; ours do
            not.
    """
    reference, *others = frameworks
    checks = []
    for dtype in dtypes:
        twins = {
            name: Twin(*(Record.load(folder / f"{name}-{dtype}{end}.npz") for end in ("", "-perturbed")))
            for name in frameworks
        }
        for name in others:
            found = checks_of_pair(twins[reference], twins[name], diffs.get((name, dtype)), name, dtype)
            allowed = rounding(diffs[name, dtype]) if are_own else 0.0
            checks += [check.allowing(allowed) for check in found]
        for name in frameworks:
            checks += check_frozen(twins[name].record, name, dtype)
            checks += check_reload(twins[name].record, name, dtype, twins[name].self_error(PREDICTIONS))
    return checks


def checks_of_workers(folder: Path, framework: str, dtypes: tuple[str, ...], count: int) -> list[Check]:
    """What several workers do together, against what one of them does."""
    name, checks = side(framework, count), []
    for dtype in dtypes:
        alone = Twin(*(Record.load(folder / f"{framework}-{dtype}{end}.npz") for end in ("", "-perturbed")))
        together = Record.load(folder / f"{name}-{dtype}.npz")
        # The tolerance comes from the one alone: the others may be wrong.
        checks += compare_twins(alone, Twin(together, together), name, dtype)
    return checks


def checks_of_pair(reference: Twin, other: Twin, found: Diff | str | None, framework: str, dtype: str) -> list[Check]:
    """A framework against the reference, in the order of the computation; shapes alone where these differ.

    Args:
        found: the diff of the layers, or why there is none; None where they are not recorded.
    """
    shapes, *rest = compare_twins(reference, other, framework, dtype)
    if not shapes.passed:
        return [shapes]
    layers = [] if found is None else [check_layers(found, framework, dtype)]
    return [shapes, *layers, *rest]
