"""What processes that do not live any more have left: runs to be closed, lines to be brought, models to be removed."""

import time
from pathlib import Path
from typing import Any, NamedTuple

from twintrain.tracking.budget import Budget
from twintrain.tracking.courier import Courier
from twintrain.tracking.delivery import OWNER
from twintrain.tracking.journal import (
    CALLS,
    Journal,
    damaged_journals,
    first_line,
    journal_folders,
    journal_keys,
    remove_empty,
)
from twintrain.tracking.lookup import JOURNAL
from twintrain.tracking.owner import Owner

SEARCHED = 1000
QUIET_SECONDS = 300  # a stage that lives writes what it takes of the machine every second


def abandoned_journals(after: str = "") -> list[Journal]:
    """Journals of processes that have ended, the oldest first.

    Args:
        after: a key; of later ones alone.
    """
    return [Journal.load(folder) for folder in journal_folders(after) if _is_abandoned(folder)]


def _is_abandoned(folder: Path) -> bool:
    """Whether a process seems to have ended; that it has, `hold` says.

    Of another machine, which may be this one by another name, nothing is known but when it wrote last.
    """
    line = first_line(folder)
    owner = line and Owner.parse(line["owner"])
    if owner is None or owner.is_of_here:
        return owner is None or owner.is_dead()
    return time.time() - (folder / CALLS).stat().st_mtime > QUIET_SECONDS


def take_abandoned(courier: Courier) -> list[Journal]:
    """Has what processes that have ended left behind brought along; a run that had not ended is KILLED."""
    remove_empty()
    return take_later(courier, "")


def take_later(courier: Courier, key: str) -> list[Journal]:
    """As `take_abandoned`, of the journals that were begun after the one with a key."""
    with courier.taking():
        found = [journal for journal in abandoned_journals(key) if journal.hold()]
        for journal in found:
            if not journal.has_ended:
                status = None if journal.calls[0]["call"] == "join" else "KILLED"
                journal.append("end", status=status, time=journal.calls[-1]["time"])  # the last that is known of it
            courier.take(journal)
    return found


class Synced(NamedTuple):
    """What a synchronization has found.

    Attributes:
        before: number of runs that were not whole in the store.
        left: number of those that still are not.
        reasons: why.
    """

    before: int
    left: int
    reasons: list[str]


def synchronize() -> Synced:
    """Brings to the store what processes that have ended left behind, however long that takes."""
    courier = Courier(Budget.endless())
    try:
        found = take_abandoned(courier)
        courier.wait(is_told=False)
        if not courier.reasons:
            courier.ask(close_orphans)
        keys = journal_keys()
        left = [journal for journal in found if journal.key in keys]
        damaged = damaged_journals()
        reasons = [f"{path} is damaged: it does not say of which run it is; move it away" for path in damaged]
        return Synced(len(found) + len(damaged), len(left) + len(damaged), [*courier.reasons, *reasons])
    finally:
        courier.close()


def close_orphans(client: Any) -> None:
    """Closes runs as KILLED, and removes models, whose process is dead and whose journal is not here.

    They are of a copy of the project that was removed, or of a disk that was lost.
    """
    known = journal_keys()
    experiments = [found.experiment_id for found in client.search_experiments()]
    running = client.search_runs(experiments, f"attributes.status = 'RUNNING' AND {_of_here()}", max_results=SEARCHED)
    for run in running:
        if run.data.tags.get(JOURNAL) not in known and _is_dead(run.data.tags):
            client.set_terminated(run.info.run_id, "KILLED")
    for experiment in experiments:
        for model in client.search_logged_models([experiment], _of_here()):  # MLflow 3.17 finds none by its status
            is_half = model.status == "PENDING" and model.tags.get(JOURNAL, "").rpartition("-")[0] not in known
            if is_half and _is_dead(model.tags):
                client.delete_logged_model(model.model_id)


def _of_here() -> str:
    return f"tags.{OWNER} LIKE '{Owner.here().host} %'"


def _is_dead(tags: dict[str, str]) -> bool:
    owner = Owner.parse(tags.get(OWNER, ""))
    return owner is not None and owner.is_dead()
