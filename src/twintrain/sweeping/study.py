"""The study behind a sweep: Optuna's memory of trials, from which an interrupted sweep goes on."""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twintrain.command_line import locks
from twintrain.settings.params import Params
from twintrain.sweeping.space import Space, Sweep
from twintrain.sweeping.trials import Outcome
from twintrain.system import project
from twintrain.tracking.store_address import check_database

if TYPE_CHECKING:
    import optuna

FOLDER = Path("build/sweeps")
# What changes no training and no validation rows.
NOT_DECISIVE = {"frameworks": True, "evaluate": True, "baseline": True, "compare": True, "tracking": True}
# Keys of what a trial remembers beside Optuna's own; `reason` is of one that failed or diverged.
STATE, REASON, RUN, BEST_EPOCH, SECONDS = "state", "reason", "run_id", "best_epoch", "seconds"


class Study:
    """Trials so far of one space, settings and data set.

    Attributes:
        name: of the preset.
        is_new: no trial has been started.
        replaces: another study of the same preset was there before, with other settings, space or data.
    """

    def __init__(self, name: str, digest: str, sweep: Sweep, space: Space, params: Params) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        storage = optuna.storages.RDBStorage(f"sqlite:///{FOLDER / name}.db")
        known = optuna.get_all_study_names(storage)
        self.name = name
        self.is_new = digest not in known
        self.replaces = self.is_new and bool(known)
        self.space, self.seed = space, params.train.seed
        # Half of a small sweep's trials would be Hyperband's own comparisons; the median needs a handful to compare.
        self.optuna = optuna.create_study(
            study_name=digest,
            storage=storage,
            direction=sweep.direction,
            pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=params.train.epochs // 10),
            load_if_exists=True,
        )

    def finished(self) -> "list[optuna.trial.FrozenTrial]":
        """Trials that came to an end of their own, good or bad, in order; one that was interrupted did not."""
        from optuna.trial import TrialState

        ended = self.optuna.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL))
        return [trial for trial in ended if trial.state != TrialState.FAIL or REASON in trial.user_attrs]

    def fail_abandoned(self) -> list[str]:
        """Marks trials that a killed command has left running, and returns their MLflow runs."""
        from optuna.trial import TrialState

        abandoned = self.optuna.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        for trial in abandoned:
            self.optuna.tell(trial.number, state=TrialState.FAIL)
        return [trial.user_attrs[RUN] for trial in abandoned if trial.user_attrs.get(RUN)]

    def ask(self, own: dict[str, Any] | None) -> "optuna.Trial":
        """Starts the next trial; the first one has the preset's own settings, if the space has them.

        Every trial has a sampler of its own seed, so that an interrupted sweep goes on with the proposals that it
        would have had.
        """
        import optuna

        done = len(self.finished())
        seed = int(np.random.SeedSequence([self.seed, done]).generate_state(1)[0])
        self.optuna.sampler = optuna.samplers.TPESampler(seed=seed)
        if not done and own is not None and not self.optuna.get_trials(states=(optuna.trial.TrialState.WAITING,)):
            self.optuna.enqueue_trial(own)
        return self.optuna.ask(self.space.distributions())

    def tell(self, trial: "optuna.Trial", outcome: Outcome, value: float | None) -> None:
        """Ends a trial. One that diverged counts as a pruned one, so that the sampler keeps away from where it was."""
        from optuna.trial import TrialState

        found = {STATE: outcome.state, BEST_EPOCH: outcome.best_epoch, SECONDS: outcome.seconds}
        for key, attribute in {**found, **({REASON: outcome.reason} if outcome.reason else {})}.items():
            trial.set_user_attr(key, attribute)
        states = {"complete": TrialState.COMPLETE, "failed": TrialState.FAIL}
        state = states.get(outcome.state, TrialState.PRUNED)
        self.optuna.tell(trial, value if state == TrialState.COMPLETE else None, state)

    def abandon(self, trial: "optuna.Trial") -> None:
        """Ends a trial that was interrupted: it does not count."""
        from optuna.trial import TrialState

        self.optuna.tell(trial, state=TrialState.FAIL)

    def best(self) -> "optuna.trial.FrozenTrial | None":
        """The best trial that was trained to its end; None if there is none."""
        from optuna.trial import TrialState

        complete = self.optuna.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        return self.optuna.best_trial if complete else None

    def remember(self, key: str, value: Any) -> None:
        """Keeps something with the study."""
        self.optuna.set_user_attr(key, value)

    def remembered(self, key: str) -> Any:
        """What `remember` kept; None if nothing."""
        return self.optuna.user_attrs.get(key)


@contextlib.contextmanager
def open_study(name: str, sweep: Sweep, space: Space, params: Params) -> Iterator[Study]:
    """Opens the study of a preset, for one command at a time.

    Raises:
        UserError: another command is at it.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    if (database := FOLDER / f"{name}.db").exists():
        check_database(database)
    with locks.hold(f"sweep {name}", "wait for its end, or interrupt it"):
        yield Study(name, study_digest(params, sweep, space), sweep, space, params)


def study_digest(params: Params, sweep: Sweep, space: Space) -> str:
    """Changes with whatever makes trials incomparable: the space, the other settings, models and the data set."""
    entries = {name: entry if isinstance(entry, list) else entry.model_dump() for name, entry in space.entries.items()}
    settings = params.model_dump(exclude=NOT_DECISIVE)
    described = json.dumps([settings, params.frameworks[0], sweep.metric, entries], sort_keys=True)
    digest = hashlib.sha256(described.encode())
    models = {params.model, *entries.get("model", [])}
    for path in [*map(Path, sorted(models)), project.DATASETS / f"{params.dataset}.yaml"]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
