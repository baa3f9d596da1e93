"""What makes trials comparable: two workers may share a study only where all of it is the same."""

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from twintrain.settings.params import Params
from twintrain.sweeping.space import Space, Sweep
from twintrain.system import project

# What changes no training and no validation rows.
NOT_DECISIVE = {"frameworks": True, "evaluate": True, "baseline": True, "compare": True, "tracking": True}
CODE = Path(__file__).parents[1]
PACKAGES = {"torch": ("torch",), "keras": ("keras", "tensorflow"), "keras-torch": ("keras", "torch")}
PACKAGES |= {"keras-jax": ("keras", "jax")}


def study_digest(params: Params, sweep: Sweep, space: Space) -> str:
    """Changes with whatever makes trials incomparable: the space, the other settings, models and the data set."""
    digest = hashlib.sha256(_settings(params, sweep, space).encode())
    for path in [*_models(params, space), _data_set(params)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def identity(params: Params, sweep: Sweep, space: Space) -> dict[str, str]:
    """Digests, and versions, of all that must be the same on machines that share a study, by what they are of."""
    settings = _settings(params, sweep, space).encode()
    return {
        "settings": hashlib.sha256(settings).hexdigest()[:16],
        "model": _digest(_models(params, space)),
        "data set": _digest([_data_set(params)]),
        "code": _digest(sorted(CODE.rglob("*.py"))),
        "packages": _versions("numpy", "optuna", *PACKAGES[params.frameworks[0]]),
    }


def _settings(params: Params, sweep: Sweep, space: Space) -> str:
    settings = params.model_dump(exclude=NOT_DECISIVE)
    return json.dumps([settings, params.frameworks[0], sweep.metric, _entries(space)], sort_keys=True)


def _entries(space: Space) -> dict[str, Any]:
    return {name: entry if isinstance(entry, list) else entry.model_dump() for name, entry in space.entries.items()}


def _models(params: Params, space: Space) -> list[Path]:
    return [Path(path) for path in sorted({params.model, *_entries(space).get("model", [])})]


def _data_set(params: Params) -> Path:
    return project.DATASETS / f"{params.dataset}.yaml"


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)} ".encode() + content)
    return digest.hexdigest()[:16]


def _versions(*packages: str) -> str:
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
