"""Searches for better settings on the validation rows and says how to train both twins with the best.

params.yaml stays as it is.

python -m pipelines.sweep --preset car --trials 20                 20 trials in all; the same command again goes on
python -m pipelines.sweep --preset car --train.epochs 100          a parameter that is given is not varied
python -m pipelines.sweep --preset car --save-as car_best          the best also as conf/presets/car_best.yaml
"""

import argparse
import contextlib
import re
import sys
import time
from dataclasses import dataclass
from typing import Any

from twintrain import tracking
from twintrain.command_line.commands import run_command
from twintrain.command_line.dvc_command import get_data
from twintrain.command_line.experiment import check_experiment, experiment_parser, read_experiment, schema_of
from twintrain.errors import UserError
from twintrain.settings.overrides import CURRENT, NOT_GIVEN, parse_overrides
from twintrain.settings.params import Params
from twintrain.sweeping import results
from twintrain.sweeping.space import Space, Sweep, check_metric, read_sweep, trial_content
from twintrain.sweeping.study import BEST_EPOCH, FOLDER, RUN, Study, open_study
from twintrain.sweeping.trials import Data, Metrics, Outcome, run_trial
from twintrain.system import project
from twintrain.training.logged import logged_params

# A study remembers the MLflow run that its trials are below.
PARENT = "parent_run_id"
# Trials in a row that may fail for another reason than a loss that is no number.
FAILURES = 3


@dataclass(frozen=True)
class Search:
    """What a command line asks for.

    Attributes:
        content: of the params.yaml that trials start from.
        given: parameters of the command line, which do not vary.
        trials: how many are to be finished in all.
        save_as: name of a preset to write.
    """

    preset: str
    content: dict[str, Any]
    params: Params
    sweep: Sweep
    space: Space
    given: dict[str, Any]
    trials: int
    save_as: str | None


def sweep() -> None:
    """Runs the command."""
    search = _read_arguments(sys.argv[1:])
    get_data(search.params)
    with open_study(search.preset, search.sweep, search.space, search.params) as study:
        tags = {"stage": "sweep", "preset": search.preset, "dataset": search.params.dataset, **_framework(search)}
        resumed = study.remembered(PARENT)
        with tracking.parent_run(f"sweep {search.preset}", tags, search.params.tracking, resumed) as run:
            _announce(search, study)
            tracking.end_runs(run, study.fail_abandoned())
            if run.id:
                study.remember(PARENT, run.id)
            try:
                _run_trials(search, study, run)
            except KeyboardInterrupt:
                done = len(study.finished())
                print(f"{done} of {search.trials} trials are finished; the same command goes on from here", flush=True)
                raise
            _conclude(search, study, run)


def _run_trials(search: Search, study: Study, run: tracking.Run) -> None:
    own = search.space.suggestion(search.content)
    failures = 0
    with contextlib.closing(Data(FOLDER / search.preset)) as data:
        while len(study.finished()) < search.trials:
            outcome = _run_trial(search, study, run, data, own)
            failures = failures + 1 if outcome.state == "failed" else 0
            if failures == FAILURES:
                raise UserError(f"{FAILURES} trials in a row have failed, the last one so: {outcome.reason}")


def _run_trial(search: Search, study: Study, run: tracking.Run, data: Data, own: dict[str, Any] | None) -> Outcome:
    """Runs the next trial and tells study, MLflow and terminal of it."""
    started = time.perf_counter()
    trial = study.ask(own)
    overrides = search.space.overrides(trial.params)
    tags = {"stage": "sweep", "trial": trial.number, "preset": search.preset, **_framework(search)}
    with tracking.child_run(run, f"trial {trial.number}", tags) as child:
        try:
            trial.set_user_attr(RUN, child.id)
            outcome = _train(search, trial, overrides, child, data)
        except BaseException:
            study.abandon(trial)
            raise
        value = _value(search.sweep, outcome)
        child.set_tags({"state": outcome.state, **({"reason": outcome.reason} if outcome.reason else {})})
        child.log_metrics({} if value is None else {f"best_{search.sweep.metric}": value})
        child.status = "FAILED" if outcome.state in ("diverged", "failed") else "FINISHED"
        study.tell(trial, outcome, value)
    best = study.best()
    is_best = best is not None and best.number == trial.number
    if is_best:
        run.log_metrics({f"best_{search.sweep.metric}": value}, step=trial.number)
    said = outcome.reason or (f"{search.sweep.metric} {value:.4f}" if value is not None else "")
    said += " (the best so far)" if is_best else ""
    seconds = time.perf_counter() - started
    line = [f"trial {trial.number}", outcome.state, said, f"{len(outcome.epochs)} epochs", f"{seconds:.1f} s"]
    print(": ".join([", ".join(filter(None, line)), results.described(overrides)]), flush=True)
    return outcome


def _train(search: Search, trial: Any, overrides: dict[str, Any], child: tracking.Run, data: Data) -> Outcome:
    try:
        params = check_experiment(trial_content(search.content, overrides))
    except UserError as error:  # settings that do not go together
        return Outcome("failed", str(error))
    rows = data.of(params)

    def on_start(parameters: int) -> None:
        settings = logged_params(params, data.schema(params), params.frameworks[0], parameters)
        child.log_params({**overrides, **settings})

    def on_epoch(epoch: int, metrics: Metrics) -> bool:
        child.log_metrics(metrics, step=epoch)
        trial.report(metrics[search.sweep.metric], epoch)
        return epoch + 1 < params.train.epochs and trial.should_prune()

    return run_trial(params, rows, data.folder / f"trial-{trial.number}", on_start, on_epoch)


def _value(sweep: Sweep, outcome: Outcome) -> float | None:
    """The metric of the epoch whose weights the training keeps."""
    return outcome.epochs[outcome.best_epoch][sweep.metric] if outcome.state == "complete" else None


def _conclude(search: Search, study: Study, run: tracking.Run) -> None:
    """Writes, logs and prints what was found."""
    paths = results.save_results(study, search.space, search.sweep)
    run.log_artifacts(*paths)
    best = study.best()
    if best is None:
        raise UserError(f"none of {len(study.finished())} trials was trained to its end, see {paths[0]}")
    overrides = search.space.overrides(best.params)
    run.set_tags({"best_trial": best.number, **{f"best.{name}": value for name, value in overrides.items()}})
    print(f"\nBest of {len(study.finished())} trials: trial {best.number}, {search.sweep.metric} {best.value:.4f}")
    for name, value in overrides.items():
        print(f"  {name}: {value}")
    changed = {**search.given, **overrides}
    if search.save_as:
        note = f"trial {best.number} of {search.preset}, {search.sweep.metric} {best.value:.4f} in epoch "
        path = results.save_best_preset(
            search.save_as, search.preset, changed, f"{note}{best.user_attrs[BEST_EPOCH] + 1}"
        )
        print(f"Preset: {path}")
        print(f'Train both twins with it: make run ARGS="--preset {search.save_as}"')
    else:
        print(f"Train both twins with it: {results.command_line(search.preset, changed)}")
    print(f"Trials, settings and pictures: {paths[0].parent}")


def _announce(search: Search, study: Study) -> None:
    done = len(study.finished())
    if study.replaces:
        print(f"Settings, space or data are not those of the last sweep of {search.preset}: a new study starts.")
    if done:
        print(f"{done} trials are finished already; this goes on to {search.trials}.")
    framework = search.params.frameworks[0]
    print(f"Sweep of {search.preset} in {framework}, {', '.join(search.space.entries)}", flush=True)


def _framework(search: Search) -> dict[str, str]:
    return {"framework": search.params.frameworks[0]}


def _read_arguments(arguments: list[str]) -> Search:
    """Checks all that can be checked before anything is written or run."""
    parser = experiment_parser("sweep", __doc__)
    parser.add_argument("--trials", default="20", help="how many are to be finished in all, those before included")
    parser.add_argument("--save-as", default="", help="name of a preset to write, with the best settings")
    known, rest = parser.parse_known_args(arguments)
    if known.preset in CURRENT:
        raise UserError("a sweep needs a preset, whose section sweep says what to vary; expected --preset NAME")
    given = parse_overrides(rest)
    sweep = read_sweep(known.preset)
    source = str(project.PRESETS / f"{known.preset}.yaml")
    entries = Space(sweep.space, source).entries
    # A section that is given fixes what is in it.
    varied = {name: entry for name, entry in entries.items() if not _is_fixed(name, given)}
    if not varied:
        raise UserError(f"all parameters that {source} would vary are given, so there is nothing to search for")
    content, params = read_experiment(known.preset, rest)
    check_metric(sweep, schema_of(params))
    space = Space({name: sweep.space[name] for name in varied}, source)
    for example in space.examples():
        try:
            check_experiment(trial_content(content, example))
        except UserError as error:
            raise UserError(f"{source}: sweep.space, {results.described(example)}: {error}") from None
    return Search(known.preset, content, params, sweep, space, given, _count(known), _free_name(known))


def _is_fixed(name: str, given: dict[str, Any]) -> bool:
    return any(name == other or name.startswith(f"{other}.") or other.startswith(f"{name}.") for other in given)


def _count(known: argparse.Namespace) -> int:
    if not re.fullmatch(r"0*[1-9][0-9]{0,5}", known.trials):
        raise UserError(f"--trials: expected a whole number from 1 to 999999, got '{known.trials}'")
    return int(known.trials)


def _free_name(known: argparse.Namespace) -> str | None:
    if known.save_as in NOT_GIVEN:
        return None
    if known.save_as in CURRENT or not re.fullmatch(r"\w[\w-]*", known.save_as):
        raise UserError(
            f"--save-as: '{known.save_as}' is no name of a preset; expected letters, digits, _ and - as in car_best"
        )
    if not results.is_free(known.save_as):
        path = project.PRESETS / f"{known.save_as}.yaml"
        raise UserError(f"--save-as: {path} was written by hand; expected a name that is free")
    return known.save_as


if __name__ == "__main__":
    run_command(sweep)
