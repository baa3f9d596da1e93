"""Opens the study of a sweep: one of this folder for one command at a time, or one in a database that others join."""

import contextlib
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twintrain.command_line import locks
from twintrain.errors import UserError
from twintrain.settings.params import Params
from twintrain.sweeping.identity import identity, study_digest
from twintrain.sweeping.space import Space, Sweep
from twintrain.sweeping.storage import SQLITE, open_storage, shown
from twintrain.sweeping.study import BUDGET, Study
from twintrain.tracking.store_address import check_database

if TYPE_CHECKING:
    import optuna

FOLDER = Path("build/sweeps")
# Of a study that others join: what must be the same on all machines.
IDENTITY = "identity"
# For what another command is about to write: it has made the study a moment ago, or was killed then.
PATIENCE_SECONDS, LOOK_SECONDS = 15, 0.2


@contextlib.contextmanager
def open_study(name: str, sweep: Sweep, space: Space, params: Params, trials: int) -> Iterator[Study]:
    """Opens the study of a preset in this folder, for one command at a time.

    Raises:
        UserError: another command is at it.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    if (database := FOLDER / f"{name}.db").exists():
        check_database(database)
    with locks.hold(f"sweep {name}", "wait for its end, or interrupt it"):
        import optuna

        storage = open_storage(f"{SQLITE}{database}")
        digest = study_digest(params, sweep, space)
        known = optuna.get_all_study_names(storage)
        found = optuna.create_study(
            study_name=digest, storage=storage, load_if_exists=True, **_judged_by(sweep, params)
        )
        study = Study(name, found, storage, space, params.train.seed, FOLDER / name)
        study.is_new = digest not in known
        study.replaces = study.is_new and bool(known)
        study.remember(BUDGET, trials)
        yield study


@contextlib.contextmanager
def join_study(address: str, name: str, sweep: Sweep, space: Space, params: Params, trials: int) -> Iterator[Study]:
    """Opens a study of a database, which commands of other folders and machines may be at.

    Raises:
        UserError: the database does not answer, the study is of another experiment, or others are at work on it towards
            another number of trials.
    """
    import optuna

    storage = open_storage(address)
    with contextlib.ExitStack() as stack:
        ours, is_new = identity(params, sweep, space), True
        judged = _judged_by(sweep, params)
        try:
            found = optuna.create_study(study_name=name, storage=storage, **judged)
        except optuna.exceptions.DuplicatedStudyError:
            found = optuna.load_study(study_name=name, storage=storage, pruner=judged["pruner"])
            theirs = wait_for(found, IDENTITY)
            _check_same(ours, theirs, found, f"the study {name} in {shown(address)}")
            is_new = theirs is None
        folder = stack.enter_context(_free_folder(name))
        study = Study(name, found, storage, space, params.train.seed, folder)
        study.is_new = is_new
        if is_new:
            study.remember(BUDGET, trials)
            study.remember(IDENTITY, ours)
        elif study.budget != trials:
            study.fail_silent()
            _check_idle(study, trials)
            study.remember(BUDGET, trials)
        yield study


def wait_for(study: "optuna.Study", key: str) -> Any:
    """What a study remembers, as soon as the command that has made it has said so; None if it does not."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while key not in (found := study.user_attrs) and time.monotonic() < give_up:
        time.sleep(LOOK_SECONDS)
    return found.get(key)


def _judged_by(sweep: Sweep, params: Params) -> dict[str, Any]:
    from optuna.pruners import MedianPruner

    # Half of a small sweep's trials would be Hyperband's own comparisons; the median needs a handful to compare.
    pruner = MedianPruner(n_startup_trials=5, n_warmup_steps=params.train.epochs // 10)
    return {"direction": sweep.direction, "pruner": pruner}


def _check_same(ours: dict[str, str], theirs: dict[str, str] | None, found: "optuna.Study", described: str) -> None:
    way_out = "expected the same on every machine, or a study of its own: --study NAME"
    if theirs is None:
        if found.get_trials(deepcopy=False):
            raise UserError(f"{described} is of no sweep; {way_out}")
        return  # the command that has made it was killed at once
    if others := [part for part in ours if ours[part] != theirs.get(part)]:
        versions = f" ({theirs.get('packages')}; here {ours['packages']})" if "packages" in others else ""
        raise UserError(f"{described} is of another experiment: other {' and '.join(others)}{versions}; {way_out}")


def _check_idle(study: Study, trials: int) -> None:
    if any(trial.state.name == "RUNNING" for trial in study.trials()):
        raise UserError(
            f"--trials: others are at work on the study {study.name} towards {study.budget} trials, got {trials}; "
            f"expected --trials {study.budget}, or wait for their end"
        )


@contextlib.contextmanager
def _free_folder(name: str) -> Iterator[Path]:
    """A folder for a command's own files: others may be at the same study in this folder, of another machine too."""
    with contextlib.ExitStack() as stack:
        for number in itertools.count(1):
            with contextlib.suppress(locks.AtWorkError):
                stack.enter_context(locks.hold(f"sweep {name} {number}", "take another number"))
                break
        yield FOLDER / f"{name}.{number}"
