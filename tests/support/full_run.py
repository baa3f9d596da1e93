"""A command that meets a full disk, and is typed again when there is room."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from interrupted_run import AFTER, START, Template, call
from run_leftovers import leftovers
from small_disk import small_disk

# The one line that a user is to see.
EXPECTED = re.compile(
    r"error: .*the disk at (?P<disk>\S+) is full \([\d,]+ of [\d,]+ MiB are free\): make room \(.+\) and type the "
    r"command again: it goes on where it stopped.*"
)


class Case(NamedTuple):
    """A full disk.

    Attributes:
        part: of the command that meets it: `start` (the pull), a stage, or `after` (the registry).
        share: of what that part writes there is room for.
        small: what lies on the small disk: the project, MLflow's store alone, or the temporary files.
    """

    part: str
    share: float
    small: str = "project"


def cases(template: Template, shares: list[float]) -> Iterator[Case]:
    """All of them."""
    for part in (START, *template.stages, AFTER):
        yield from (Case(part, share) for share in shares)
    training = next(stage for stage in template.stages if stage.startswith("train@"))
    for small in ("store", "temporary"):
        yield from (Case(training, share, small) for share in shares)


def try_full(template: Template, case: Case) -> dict[str, object]:
    """Runs a part of the command on a small disk, makes room, runs it again, and says what is wrong then."""
    stage = template.stages[0] if case.part == START else case.part
    snapshots = [*(f"before/{name}" for name in (*template.stages, AFTER)), "end"]
    before, undisturbed = (
        template.folder / snapshots[snapshots.index(f"before/{stage}") + further] for further in (0, 1)
    )
    arguments = [*template.arguments, *([] if stage == AFTER else ["--target", stage])]
    place = template.project if case.small == "project" else template.folder / case.small
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{place}/mlflow.db"} if case.small == "store" else {}
    with small_disk(place) as disk:
        template.restore(case.part)
        needed = _size(template.folder / "end/data") if case.part == START else _written(before, undisturbed)
        disk.leave(int(case.share * (needed if case.small == "project" else 2**20)))
        first = call(template.project, arguments, **store)
        disk.make_room()
        again = call(template.project, arguments, **store)
        wrong = leftovers(template.project, undisturbed, (place if store else template.project) / "mlflow.db")
    said = [line for line in first.said.splitlines() if line.startswith(("error:", "warning:"))]
    wrong += _of_the_line(said, first.status, place)
    wrong += ["a traceback"] if "Traceback" in first.said + again.said else []
    wrong += [f"exit status {again.status} when there was room"] if again.status else []
    row: dict[str, object] = {**case._asdict(), "exit": first.status, "exit_again": again.status, "lines": said}
    row |= {"seconds": [round(first.seconds, 1), round(again.seconds, 1)], "wrong": wrong}
    return row | ({"said": first.said[-3000:], "said_again": again.said[-3000:]} if wrong else {})


def _of_the_line(said: list[str], status: int | None, place: Path) -> list[str]:
    """What is wrong with what the user has seen; a disk that was large enough after all is well."""
    if status == 0:
        return []
    errors = [line for line in said if line.startswith("error:")]
    wrong = [f"exit status {status}"] if status != 1 else []
    if len(errors) != 1:
        return [*wrong, f"{len(errors)} lines of error: {errors}"]
    found = EXPECTED.fullmatch(errors[0])
    return [*wrong, *([] if found and found["disk"] == str(place) else [f"another line: {errors[0]}"])]


def _written(before: Path, after: Path) -> int:
    """The bytes that a part of the command has written, at least."""
    kinds = ("build", "results", ".dvc", "mlruns", "mlflow.db")
    return sum(max(_size(after / kind) - _size(before / kind), 0) for kind in kinds)


def _size(place: Path) -> int:
    files = [place] if place.is_file() else place.rglob("*")
    return sum(path.lstat().st_size for path in files if path.is_file())
