"""Verifies an experiment's twins: a process a framework records what it computes, and the records are compared."""

import hashlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twintrain.evaluation.comparison import mixture
from twintrain.settings.frameworks import TITLES
from twintrain.settings.params import Params
from twintrain.system import project
from twintrain.system.activity import Activity
from twintrain.training.workers.launchers import shared_folder
from twintrain.verification.causes import find_causes
from twintrain.verification.checks import certain_checks
from twintrain.verification.layers import diff_all, roundings
from twintrain.verification.parity_report import parity
from twintrain.verification.records import STEPS, precisions
from twintrain.verification.workers import checks_of_workers, collect_checks, run_together, run_workers

# What only lengthens a training, watches it or cuts it into blocks makes no other twins; the stage does not list it.
TRAINING_LENGTH = {
    *("epochs", "early_stopping", "restore_best_weights", "checkpoint_every", "log_gradients", "block_bytes"),
}
OTHER_SECTIONS = dict.fromkeys(("evaluate", "compare", "registry", "verify", "drift", "serving", "tracking"), True)


def why_no_twins(params: Params) -> str:
    """Why there is nothing to verify, as a sentence; empty where there is."""
    if params.mode == "native":
        return "Native: each framework has its own defaults, so these are no twins."
    if len(params.frameworks) < 2:
        return "One framework alone has no twin."
    return ""


def unverified(params: Params, reason: str) -> dict[str, Any]:
    """The content of results/parity.json where nothing was verified.

    Args:
        reason: why not, as a sentence.
    """
    return {**parity(params, settings_digest(params), [], "", 0.0), "passed": None, "reason": reason}


def count_steps(params: Params) -> int:
    """How many steps `verify_twins` tells of."""
    return 3 + (len(params.frameworks) if params.train.workers > 1 else 0)


def verify_twins(params: Params, fill: Callable[[Path], None], activity: Activity | None = None) -> dict[str, Any]:
    """Verifies twins, whatever comes out.

    Args:
        fill: writes what the workers read into the folder that it is given.
        activity: is told of each step.

    Returns:
        the content of results/parity.json.

    Raises:
        UserError: a framework could not build or train its network.
    """
    started = time.perf_counter()
    begin, detail = (activity.begin, activity.detail) if activity else (str, str)
    names = " and ".join(TITLES[name] for name in params.frameworks)
    with tempfile.TemporaryDirectory(prefix="twintrain-verify-", dir=shared_folder(params.train.launcher)) as path:
        folder = Path(path)
        begin("the rows are made ready")
        fill(folder)
        begin(f"{names} record their layers and {STEPS[-1]} training steps")
        run_workers(folder, params.frameworks, tell=detail)
        dtypes = precisions(params.train.dtype)
        begin("the records are compared")
        diffs = diff_all(folder, params.frameworks, dtypes)
        are_own = Path(params.model).suffix == ".py"
        checks = collect_checks(folder, params.frameworks, dtypes, diffs, are_own)
        if params.train.workers > 1:
            for name in params.frameworks:
                begin(f"{params.train.workers} workers of {TITLES[name]} record what they do together")
                run_together(folder, name, params.train.workers, params.train.launcher)
                checks += checks_of_workers(folder, name, dtypes, params.train.workers)
        checks = certain_checks(checks, params.train.optimizer.name)
        causes = find_causes(folder, params.frameworks, checks, diffs)
        facts = {name: project.read_json(folder / f"{name}.json") for name in params.frameworks}
    mixed = mixture({name: found["device"] for name, found in facts.items()}, params.compare.allow_mixed)
    seconds = time.perf_counter() - started
    return parity(params, settings_digest(params), checks, mixed, seconds, causes, roundings(diffs) if are_own else [])


def settings_digest(params: Params) -> str:
    """The sha256 of the settings that twins are made by."""
    settings = params.model_dump(exclude={"train": TRAINING_LENGTH, **OTHER_SECTIONS})
    return hashlib.sha256(repr(settings).encode()).hexdigest()
