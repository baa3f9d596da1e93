"""The study behind a sweep: Optuna's memory of trials, from which an interrupted sweep goes on and others join it."""

import contextlib
import copy
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from twintrain.sweeping import slots
from twintrain.sweeping.slots import REASON, STANDS_FOR
from twintrain.sweeping.space import Space
from twintrain.sweeping.storage import HEARTBEAT_SECONDS
from twintrain.sweeping.trials import Outcome

if TYPE_CHECKING:
    import optuna
    from optuna.storages import RDBStorage

# Keys of what a trial remembers beside Optuna's own.
STATE, RUN, BEST_EPOCH, SECONDS, WORKER = "state", "run_id", "best_epoch", "seconds", "worker"
# Of what a study remembers: how many trials there are to be in all, by all workers.
BUDGET = "trials"
# Trials that are drawn without regard to each other.
STARTUP_TRIALS = 10


class TakenAwayError(Exception):
    """A trial was given to another worker, since this one was silent for too long."""


class Study:
    """Trials so far of one space, settings and data set.

    Attributes:
        name: of the preset, or of a study that others may join.
        folder: for files of this command alone.
        is_new: this command has made it.
        replaces: another study of the same preset was there before, with other settings, space or data.
    """

    def __init__(
        self, name: str, study: "optuna.Study", storage: "RDBStorage", space: Space, seed: int, folder: Path
    ) -> None:
        self.name, self.optuna, self.storage = name, study, storage
        self.space, self.seed, self.folder = space, seed, folder
        self.is_new = self.replaces = False
        self._vouched: set[int] = set()

    def of_worker(self) -> Self:
        """The same study for a thread of its own."""
        import optuna

        other = copy.copy(self)
        other.optuna = optuna.load_study(
            study_name=self.optuna.study_name, storage=self.storage, pruner=self.optuna.pruner
        )
        return other

    @property
    def budget(self) -> int:
        """How many trials are to end in all."""
        return int(self.remembered(BUDGET))

    def trials(self) -> "list[optuna.trial.FrozenTrial]":
        """All trials, in order, as they are in the database now."""
        return self.optuna.get_trials(deepcopy=False)

    def finished(self) -> "list[optuna.trial.FrozenTrial]":
        """Trials that came to an end of their own, good or bad, in order; one that was interrupted did not."""
        return list(filter(slots.has_ended, self.trials()))

    def is_done(self) -> bool:
        """Whether all trials of the budget have ended."""
        return slots.is_done(self.trials(), self.budget)

    def fail_abandoned(self) -> list[str]:
        """Marks all trials that run as such that nobody ends, and returns their MLflow runs."""
        from optuna.trial import TrialState

        running = self.optuna.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        for trial in running:
            self.optuna.tell(trial.number, state=TrialState.FAIL)
        return _runs(running)

    def fail_silent(self) -> list[str]:
        """As `fail_abandoned`, of those trials alone whose worker has not been heard of for the time of grace."""
        import optuna

        running = self.optuna.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,))
        for trial in running:
            # Its worker may have been killed before it could say that it lives, and nothing is known of it for ever.
            if WORKER not in trial.user_attrs and trial.number not in self._vouched:
                self._vouched.add(trial.number)
                self.storage.record_heartbeat(trial._trial_id)
        optuna.storages.fail_stale_trials(self.optuna)
        numbers = {trial.number for trial in running}
        return _runs([trial for trial in self.trials() if trial.number in numbers and slots.is_lost(trial)])

    def ask(self, own: dict[str, Any] | None) -> "optuna.Trial | None":
        """Starts a trial: again one that nobody has ended, else a new one; None while others are at all there are.

        The first one has the preset's own settings, if the space has them. Every trial has a sampler whose seed is its
        place in their order, so that it is proposed the same whichever worker asks, as far as it does not depend on how
        others end: the first ones, and all of them where one worker alone is at work.
        """
        from optuna.exceptions import UpdateFinishedTrialError

        budget = self.budget
        self._try_again(budget)
        trials = self.trials()
        if slots.is_spent(trials, budget) and not any(trial.state.name == "WAITING" for trial in trials):
            return None
        trial = self.optuna.ask()
        try:
            return trial if self._begin(trial, budget, own) else None
        except UpdateFinishedTrialError:  # it took so long that another worker was given the trial
            return None

    def _begin(self, trial: "optuna.Trial", budget: int, own: dict[str, Any] | None) -> bool:
        """Draws the parameters of a trial, if it is needed."""
        self.storage.record_heartbeat(trial._trial_id)
        trial.set_user_attr(WORKER, f"{socket.gethostname()}:{os.getpid()}")
        trials = self.trials()
        frozen = next(each for each in trials if each.number == trial.number)
        if not slots.is_needed(frozen, trials, budget):  # another worker was faster
            self.abandon(trial)
            return False
        self.optuna.sampler = self._sampler(slots.slots(trials).index(slots.slot_of(frozen)), own)
        self.space.suggest(trial)
        return True

    @contextlib.contextmanager
    def alive(self, trial: "optuna.Trial") -> Iterator[None]:
        """Says meanwhile, again and again, that the worker of a trial lives.

        Raises:
            TakenAwayError: it has not, for too long.
        """
        import optuna

        has_ended = threading.Event()

        def beat() -> None:
            while not has_ended.wait(HEARTBEAT_SECONDS):
                with contextlib.suppress(Exception):  # a database that is away for a moment
                    self.storage.record_heartbeat(trial._trial_id)

        thread = threading.Thread(target=beat, name=f"heartbeat {trial.number}", daemon=True)
        thread.start()
        try:
            yield
        except optuna.exceptions.UpdateFinishedTrialError:
            raise TakenAwayError from None
        finally:
            has_ended.set()

    def tell(self, trial: "optuna.Trial", outcome: Outcome, value: float | None) -> None:
        """Ends a trial. One that diverged counts as a pruned one, so that the sampler keeps away from where it was.

        Raises:
            TakenAwayError: another worker has been given the trial.
        """
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        found = {STATE: outcome.state, BEST_EPOCH: outcome.best_epoch, SECONDS: outcome.seconds}
        states = {"complete": TrialState.COMPLETE, "failed": TrialState.FAIL}
        state = states.get(outcome.state, TrialState.PRUNED)
        try:
            for key, attribute in {**found, **({REASON: outcome.reason} if outcome.reason else {})}.items():
                trial.set_user_attr(key, attribute)
            told = self.optuna.tell(
                trial, value if state == TrialState.COMPLETE else None, state, skip_if_finished=True
            )
        except UpdateFinishedTrialError:
            raise TakenAwayError from None
        if told.state != state:
            raise TakenAwayError

    def abandon(self, trial: "optuna.Trial") -> None:
        """Ends a trial that was interrupted: it does not count, and whoever asks next tries it again."""
        from optuna.trial import TrialState

        self.optuna.tell(trial, state=TrialState.FAIL, skip_if_finished=True)

    def attempts(self, trial: "optuna.Trial") -> int:
        """How often the parameters of a trial have been tried, this time included."""
        slot = trial.user_attrs.get(STANDS_FOR, trial.number)
        return sum(slots.slot_of(other) == slot for other in self.trials())

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

    def _try_again(self, budget: int) -> None:
        """Has trials that nobody has ended wait for a worker, with the parameters that they had."""
        from optuna.trial import TrialState, create_trial

        for lost in slots.abandoned(self.trials(), budget):
            again = create_trial(
                state=TrialState.WAITING,
                params=lost.params,
                distributions=lost.distributions,
                user_attrs={STANDS_FOR: slots.slot_of(lost)},
            )
            self.optuna.add_trial(again)

    def _sampler(self, place: int, own: dict[str, Any] | None) -> "optuna.samplers.BaseSampler":
        from optuna.samplers import PartialFixedSampler, RandomSampler, TPESampler

        seed = int(np.random.SeedSequence([self.seed, place]).generate_state(1)[0])
        if place == 0 and own is not None:
            return PartialFixedSampler(own, RandomSampler(seed))
        # What is at work elsewhere counts as a bad trial, so that workers do not all look at the same place.
        return RandomSampler(seed) if place < STARTUP_TRIALS else TPESampler(seed=seed, constant_liar=True)


def _runs(trials: "list[optuna.trial.FrozenTrial]") -> list[str]:
    return [trial.user_attrs[RUN] for trial in trials if trial.user_attrs.get(RUN)]
