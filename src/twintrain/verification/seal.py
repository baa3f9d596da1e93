"""Whether an experiment's twins were verified, as results/parity.json says."""

import hashlib
from pathlib import Path
from typing import Any

import twintrain
from twintrain import project
from twintrain.settings.params import Params
from twintrain.verification.records import STEPS

PARITY = project.RESULTS / "parity.json"
# What the twins are made of; the length of a training, its checkpoints, blocks, threads and further seeds change
# nothing about them.
TRAINING_LENGTH = {
    *("epochs", "early_stopping", "restore_best_weights", "checkpoint_every", "log_gradients", "block_bytes"),
    *("dtype", "threads", "seeds"),
}
OTHER_SECTIONS = dict.fromkeys(("evaluate", "compare", "registry", "drift", "tracking"), True)
CODE = ("data", "frameworks", "models", "training", "verification")


def experiment_digest(params: Params) -> str:
    """Changes with whatever can make twins of other twins: settings, model and data set, code, pinned packages."""
    settings = params.model_dump(exclude={"train": TRAINING_LENGTH, **OTHER_SECTIONS})
    digest = hashlib.sha256(repr(settings).encode())
    root = Path(twintrain.__file__).parent
    code = sorted(path for name in CODE for path in (root / name).rglob("*.py"))
    files = [Path(params.model), project.DATASETS / f"{params.dataset}.yaml", Path("requirements.txt")]
    for path in [*files, root / "config.py", *code]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def seal(params: Params) -> dict[str, Any]:
    """What is known of this very experiment.

    Returns:
        verified: True, False (checks failed) or None (never verified as it is now).
        text: one sentence that says so, and in what respect not.
    """
    if params.mode == "native":
        return {"verified": None, "text": "Native: each framework has its own defaults, so these are no twins."}
    if len(params.frameworks) < 2:
        return {"verified": None, "text": "One framework alone has no twin."}
    parity = project.read_json(PARITY) if PARITY.exists() else None
    if parity is None:
        return {"verified": None, "text": "Whether these are twins was not verified; make verify does it."}
    if parity["experiment"] != experiment_digest(params):
        return {"verified": None, "text": "Verified was another experiment or other code; make verify does it again."}
    failed = [check for check in parity["checks"] if check["failed"]]
    if parity["passed"]:
        return {"verified": True, "text": f"Verified twins: {passed_text(parity['checks'])}."}
    respects = "; ".join(dict.fromkeys(f"{check['name']} ({check['dtype']}), {check['where']}" for check in failed[:3]))
    return {"verified": False, "text": f"Not twins: {len(failed)} checks failed, first in {respects}."}


def passed_text(checks: list[dict[str, Any]]) -> str:
    """How many checks passed, of what was looked at, and what was too chaotic to tell."""
    dtypes = " and ".join(dict.fromkeys(check["dtype"] for check in checks))
    looked_at = f"passed over {STEPS[-1]} training steps in {dtypes}"
    untold = [check for check in checks if not check["passed"]]
    if not untold:
        return f"all {len(checks)} checks {looked_at}"
    names = ", ".join(dict.fromkeys(f"{check['name']} ({check['dtype']})" for check in untold))
    return f"{len(checks) - len(untold)} of {len(checks)} checks {looked_at}; too chaotic to tell: {names}"
