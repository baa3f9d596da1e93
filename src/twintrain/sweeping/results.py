"""What a sweep leaves: the best settings to train both twins with, a table of the trials, pictures."""

import shlex
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twintrain.settings.presets import apply_overrides, read_preset, save_preset
from twintrain.settings.yaml_files import to_scalar, write_yaml
from twintrain.sweeping.space import Space, Sweep
from twintrain.sweeping.study import BEST_EPOCH, REASON, RUN, SECONDS, STATE, Study
from twintrain.system import project

if TYPE_CHECKING:
    import optuna
    import pandas as pd

FOLDER = project.RESULTS / "sweeps"
SAVED_BY_A_SWEEP = "The best of a sweep"


def trials_table(study: Study, space: Space) -> "pd.DataFrame":
    """One row a finished trial: how it ended, its value, and what it was trained with."""
    import pandas as pd

    return pd.DataFrame(
        {
            "trial": trial.number,
            "state": trial.user_attrs.get(STATE),
            "value": trial.value,
            "best_epoch": None if trial.user_attrs.get(BEST_EPOCH) is None else trial.user_attrs[BEST_EPOCH] + 1,
            "epochs": len(trial.intermediate_values),
            "train_seconds": round(trial.user_attrs.get(SECONDS) or 0, 3),
            **space.overrides(trial.params),
            "reason": trial.user_attrs.get(REASON, ""),
            "run_id": trial.user_attrs.get(RUN),
        }
        for trial in study.finished()
    )


def save_results(study: Study, space: Space, sweep: Sweep) -> list[Path]:
    """Writes trials.csv, best.yaml and, from two complete trials on, the pictures; returns their paths."""
    folder = FOLDER / study.name
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "trials.csv"]
    trials_table(study, space).to_csv(paths[0], index=False)
    best = study.best()
    if best is None:
        return paths
    paths.append(folder / "best.yaml")
    write_yaml(paths[-1], space.overrides(best.params))
    return paths + _plots(study.optuna, sweep, folder)


def save_best_preset(name: str, preset: str, overrides: dict[str, Any], note: str) -> Path:
    """Writes a preset with a trial's settings in the place of its own; an earlier one by a sweep is replaced.

    Args:
        overrides: of all parameters that differ from the preset's, by their dotted names.
    """
    content = read_preset(preset)
    apply_overrides(content, overrides)
    return save_preset(name, content, f"{SAVED_BY_A_SWEEP}: {note}")


def is_free(preset: str) -> bool:
    """Whether a sweep may write a preset: there is none of that name, or one that a sweep has written."""
    path = project.PRESETS / f"{preset}.yaml"
    return not path.exists() or (path.is_file() and path.read_bytes().startswith(f"# {SAVED_BY_A_SWEEP}".encode()))


def command_line(preset: str, overrides: dict[str, Any]) -> str:
    """The command that trains both twins with these settings."""
    arguments = " ".join(f"--{name} {shlex.quote(to_scalar(value))}" for name, value in overrides.items())
    return f'make run ARGS="--preset {preset} {arguments}"'


def described(overrides: dict[str, Any]) -> str:
    """Settings in one line; numbers of many digits are shortened."""
    return ", ".join(
        f"{name} {f'{value:.4g}' if isinstance(value, float) else to_scalar(value)}"
        for name, value in overrides.items()
    )


def _plots(study: "optuna.Study", sweep: Sweep, folder: Path) -> list[Path]:
    """Optuna's pictures of the values over the trials, and of how much each parameter decides."""
    import matplotlib

    matplotlib.use("agg")  # no window, whatever the machine has
    import matplotlib.pyplot as plt
    import optuna
    from optuna.visualization.matplotlib import plot_optimization_history, plot_param_importances

    complete = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    if len({trial.value for trial in complete}) < 2:
        return []
    paths = []
    for name, plot in (("history", plot_optimization_history), ("importances", plot_param_importances)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            axes = plot(study, target_name=sweep.metric) if name == "history" else plot(study)
        paths.append(folder / f"{name}.png")
        axes.figure.set_size_inches(8, 5)
        axes.figure.savefig(paths[-1], bbox_inches="tight")
        plt.close(axes.figure)
    return paths
