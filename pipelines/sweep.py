"""Searches for better settings on the validation rows and says how to train both twins with the best.

params.yaml stays as it is.

python -m pipelines.sweep --preset car --trials 20                 20 trials in all; the same command again goes on
python -m pipelines.sweep --preset car --train.epochs 100          a parameter that is given is not varied
python -m pipelines.sweep --preset car --save-as car_best          the best also as conf/presets/car_best.yaml
python -m pipelines.sweep --preset car --workers 2                 two trials side by side
python -m pipelines.sweep --preset car --storage postgresql+psycopg://USER@HOST/DATABASE
                                                                   the same on other machines joins the study
"""

import argparse
import contextlib
import re
import sys
from typing import Any

from twintrain import tracking
from twintrain.command_line import locks
from twintrain.command_line.commands import run_command
from twintrain.command_line.dvc_command import get_data
from twintrain.command_line.experiment import check_experiment, experiment_parser, read_experiment, schema_of
from twintrain.errors import UserError, cut
from twintrain.settings.overrides import CURRENT, NOT_GIVEN, parse_overrides
from twintrain.sweeping import results
from twintrain.sweeping.opening import join_study, open_study, wait_for
from twintrain.sweeping.space import Space, check_metric, read_sweep, trial_content
from twintrain.sweeping.storage import SQLITE, check_storage, shown, told
from twintrain.sweeping.study import BEST_EPOCH, Study
from twintrain.sweeping.workers import Search, run_workers
from twintrain.system import project
from twintrain.system.activity import Activity

# A study remembers the MLflow run that its trials are below.
PARENT = "parent_run_id"


def sweep() -> None:
    """Runs the command."""
    search = _read_arguments(sys.argv[1:])
    with told(search.storage or SQLITE), _opened(search) as study:
        get_data(search.params)
        tags = {"stage": "sweep", "preset": search.preset, "dataset": search.params.dataset}
        tags["framework"] = search.framework
        with tracking.parent_run(f"sweep {study.name}", tags, search.params.tracking, _parent(search, study)) as run:
            if not search.storage or not study.remembered(PARENT):
                # Empty where the store gives no id: nobody who joins waits for one.
                study.remember(PARENT, run.id or study.remembered(PARENT) or "")
            _announce(search, study)
            if not search.storage:
                tracking.end_runs(run, study.fail_abandoned())  # nobody else is at work here
            try:
                with Activity("sweep") as activity:
                    run_workers(search, study, run, activity)
            except KeyboardInterrupt:
                done = len(study.finished())
                print(f"{done} of {study.budget} trials are finished; the same command goes on from here", flush=True)
                raise
            with locks.hold(f"results of sweep {study.name}"):
                _conclude(search, study, run)


def _opened(search: Search) -> contextlib.AbstractContextManager[Study]:
    asked = (search.sweep, search.space, search.params, search.trials)
    return join_study(search.storage, search.study, *asked) if search.storage else open_study(search.preset, *asked)


def _parent(search: Search, study: Study) -> str | None:
    """The MLflow run to go on with; of a study that another command has just made, as soon as that has one."""
    return wait_for(study.optuna, PARENT) if search.storage and not study.is_new else study.remembered(PARENT)


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
    if search.storage:
        found = "new" if study.is_new else "joined"
        print(
            f"The study {study.name} in {shown(search.storage)} is {found}; workers of this command: {search.workers}"
        )
    print(f"Sweep of {search.preset} in {search.framework}, {', '.join(search.space.entries)}", flush=True)


def _read_arguments(arguments: list[str]) -> Search:
    """Checks all that can be checked before anything is written or run."""
    parser = experiment_parser("sweep", __doc__)
    parser.add_argument("--trials", default="20", help="how many are to be finished in all, those before included")
    parser.add_argument("--workers", default="1", help="how many trials are run side by side")
    parser.add_argument("--storage", default="", help="database of a study that the same command elsewhere joins")
    parser.add_argument("--study", default="", help="name of the study in that database; the preset's, if not given")
    parser.add_argument("--save-as", default="", help="name of a preset to write, with the best settings")
    known, rest = parser.parse_known_args(arguments)
    if known.preset in CURRENT:
        raise UserError("a sweep needs a preset, whose section sweep says what to vary; expected --preset NAME")
    trials, workers = _count("trials", known.trials, 6), _count("workers", known.workers, 4)
    storage = None if known.storage in NOT_GIVEN else check_storage(known.storage)
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
    save_as, study = _free_name(known), _study_name(known)
    return Search(known.preset, content, params, sweep, space, given, trials, save_as, workers, storage, study)


def _is_fixed(name: str, given: dict[str, Any]) -> bool:
    return any(name == other or name.startswith(f"{other}.") or other.startswith(f"{name}.") for other in given)


def _count(name: str, given: str, digits: int) -> int:
    if not re.fullmatch(rf"0*[1-9][0-9]{{0,{digits - 1}}}", given):
        raise UserError(f"--{name}: expected a whole number from 1 to {10**digits - 1}, got '{cut(given)}'")
    return int(given)


def _study_name(known: argparse.Namespace) -> str:
    if known.study in NOT_GIVEN:
        return known.preset
    if known.storage in NOT_GIVEN:
        raise UserError("--study names a study of a database; expected --storage too, or neither")
    if not re.fullmatch(r"\w[\w-]*", known.study):
        raise UserError(f"--study: '{cut(known.study)}' is no name; expected letters, digits, _ and - as in car_2")
    return known.study


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
