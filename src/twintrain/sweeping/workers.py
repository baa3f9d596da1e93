"""The workers of a command: threads that ask for trials, run each in a process of its own, and tell of what it found.

A worker knows of the others, of this command or another one, by the study alone.
"""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twintrain import tracking
from twintrain.command_line.experiment import check_experiment
from twintrain.errors import UserError
from twintrain.settings.params import Params
from twintrain.sweeping import results
from twintrain.sweeping.space import Space, Sweep, trial_content
from twintrain.sweeping.study import RUN, Study, TakenAwayError
from twintrain.sweeping.trials import Data, Metrics, Outcome, Stop, run_trial
from twintrain.system.activity import Activity
from twintrain.system.cpus import cpus_each
from twintrain.training.logged import logged_params

if TYPE_CHECKING:
    import optuna

# Trials in a row that may fail for another reason than a loss that is no number.
FAILURES = 3
# How often a trial is tried whose process is killed, as by a system that lacks memory.
ATTEMPTS = 3
STATUS = {"diverged": "FAILED", "failed": "FAILED", "killed": "KILLED"}  # of the MLflow runs of trials, else FINISHED
LOOK_SECONDS = 1.0  # while others are at the last trials


@dataclass(frozen=True)
class Search:
    """What a command line asks for.

    Attributes:
        content: of the params.yaml that trials start from.
        given: parameters of the command line, which do not vary.
        trials: how many are to be finished in all.
        save_as: name of a preset to write.
        workers: how many trials are run side by side.
        storage: a database that others join; None: a file of this folder.
        study: its name there.
    """

    preset: str
    content: dict[str, Any]
    params: Params
    sweep: Sweep
    space: Space
    given: dict[str, Any]
    trials: int
    save_as: str | None
    workers: int
    storage: str | None
    study: str

    @property
    def framework(self) -> str:
        """The one that trials are trained in."""
        return self.params.frameworks[0]


def run_workers(search: Search, study: Study, run: tracking.Run, activity: Activity) -> None:
    """Runs trials until all of the study have ended, those of other commands too.

    Args:
        activity: is told how many trials are finished, and which epoch the last one that said so has had.

    Raises:
        UserError: too many trials in a row have failed.
        KeyboardInterrupt: trials that were at work do not count.
    """
    with contextlib.closing(Data(study.folder)) as data, ThreadPoolExecutor(search.workers, "worker") as threads:
        workers = _Workers(search, run, data, activity)
        running = [threads.submit(workers.work, study.of_worker()) for _ in range(search.workers)]
        try:
            for ended in as_completed(running):
                ended.result()
        except BaseException:
            workers.stop.set()
            raise


class _Workers:
    """What the workers of a command share."""

    def __init__(self, search: Search, run: tracking.Run, data: Data, activity: Activity) -> None:
        self.search, self.run, self.data, self.activity = search, run, data, activity
        self.stop = Stop()
        self._own = search.space.suggestion(search.content)
        self._telling = threading.Lock()
        self._failures = 0
        self._has_waited = False

    def work(self, study: Study) -> None:
        """Runs one trial after another."""
        while not (self.stop.is_set() or study.is_done()):
            tracking.end_runs(self.run, study.fail_silent())
            trial = study.ask(self._own)
            if trial is None:
                self._wait(study)
                continue
            try:
                self._run_trial(study, trial)
            except TakenAwayError:
                self._say(f"trial {trial.number} was given to another worker, since this one could not be heard of")

    def _wait(self, study: Study) -> None:
        with self._telling:
            if not self._has_waited and self.search.storage:
                print("All trials have begun; waiting for the last ones to end", flush=True)
            self._has_waited = True
        self.stop.wait(LOOK_SECONDS)

    def _run_trial(self, study: Study, trial: "optuna.Trial") -> None:
        """Runs a trial and tells study, MLflow and terminal of it."""
        started = time.perf_counter()
        search = self.search
        with self._telling:
            self.activity.begin(f"{len(study.finished())} of {study.budget} trials are finished, {trial.number} begins")
        overrides = search.space.overrides(trial.params)
        tags = {"stage": "sweep", "trial": trial.number, "preset": search.preset, "framework": search.framework}
        with tracking.child_run(self.run, f"trial {trial.number}", tags) as child:
            try:
                with study.alive(trial):
                    trial.set_user_attr(RUN, child.id)
                    outcome = self._train(trial, overrides, child)
                    outcome = self._end(study, trial, outcome)
            except TakenAwayError:
                child.status = "KILLED"
                raise
            except BaseException:
                study.abandon(trial)
                raise
            value = outcome.value(search.sweep.metric)
            child.set_tags({"state": outcome.state, **({"reason": outcome.reason} if outcome.reason else {})})
            child.log_metrics({} if value is None else {f"best_{search.sweep.metric}": value})
            child.status = STATUS.get(outcome.state, "FINISHED")
        with self._telling:
            self._tell_of(study, trial, outcome, overrides, time.perf_counter() - started)
        self._count(outcome)

    def _end(self, study: Study, trial: "optuna.Trial", outcome: Outcome) -> Outcome:
        """Ends a trial in the study; one whose process was killed is tried again, but not for ever."""
        if outcome.state == "killed" and study.attempts(trial) >= ATTEMPTS:
            outcome = Outcome("failed", f"its process was killed {ATTEMPTS} times; is there enough memory?")
        if outcome.state == "killed":
            study.abandon(trial)
        else:
            study.tell(trial, outcome, outcome.value(self.search.sweep.metric))
        return outcome

    def _tell_of(
        self, study: Study, trial: "optuna.Trial", outcome: Outcome, overrides: dict[str, Any], seconds: float
    ) -> None:
        best, metric = study.best(), self.search.sweep.metric
        value = outcome.value(metric)
        is_best = best is not None and best.number == trial.number
        if is_best:
            self.run.log_metrics({f"best_{metric}": value}, step=trial.number)
        said = outcome.reason or (f"{metric} {value:.4f}" if value is not None else "")
        said += " (the best so far)" if is_best else "; it is tried again" if outcome.state == "killed" else ""
        line = [f"trial {trial.number}", outcome.state, said, f"{len(outcome.epochs)} epochs", f"{seconds:.1f} s"]
        print(": ".join([", ".join(filter(None, line)), results.described(overrides)]), flush=True)

    def _say(self, text: str) -> None:
        with self._telling:
            print(text, flush=True)

    def _count(self, outcome: Outcome) -> None:
        with self._telling:
            self._failures = self._failures + 1 if outcome.state == "failed" else 0
            if self._failures >= FAILURES:
                raise UserError(f"{FAILURES} trials in a row have failed, the last one so: {outcome.reason}")

    def _train(self, trial: "optuna.Trial", overrides: dict[str, Any], child: tracking.Run) -> Outcome:
        search, data = self.search, self.data
        try:
            params = check_experiment(trial_content(search.content, overrides))
        except UserError as error:  # settings that do not go together
            return Outcome("failed", str(error))
        params = _sharing_processors(params, search.workers)
        rows = data.of(params)

        def on_start(parameters: int) -> None:
            settings = logged_params(params, data.schema(params), search.framework, parameters)
            child.log_params({**overrides, **settings})

        def on_epoch(epoch: int, metrics: Metrics) -> bool:
            child.log_metrics(metrics, step=epoch)
            self.activity.detail(f"trial {trial.number} in epoch {epoch + 1}/{params.train.epochs}")
            trial.report(metrics[search.sweep.metric], epoch)
            return epoch + 1 < params.train.epochs and trial.should_prune()

        return run_trial(params, rows, data.folder / f"trial-{trial.number}", on_start, on_epoch, self.stop)


def _sharing_processors(params: Params, workers: int) -> Params:
    """Gives each of several trials side by side its part of the processors."""
    if workers == 1 or params.train.threads:
        return params
    return params.model_copy(update={"train": params.train.model_copy(update={"threads": cpus_each(workers)})})
