"""Whether workers on several machines have the same packages and code: else they would part without a word."""

import hashlib
import importlib.metadata
import json
import platform
from pathlib import Path

from twintrain.errors import UserError
from twintrain.settings.frameworks import packages
from twintrain.training.workers.worker import Worker

PACKAGE = Path(__file__).parents[2]


def check_likeness(worker: Worker, framework: str) -> None:
    """Has all workers compare what they train with; returns once all are there.

    Raises:
        UserError: one has other packages or other code than the first, or does not come.
    """
    ours = {"Python": platform.python_version()}
    ours |= {name: importlib.metadata.version(name) for name in ("numpy", *packages(framework))}
    ours["code of twintrain"] = code_digest()
    first, *others = map(json.loads, worker.exchange(json.dumps(ours)))
    for rank, theirs in enumerate(others, start=1):
        for name, value in first.items():
            if theirs.get(name) != value:
                raise UserError(
                    f"worker {rank} has {name} {theirs.get(name)}, worker 0 {value}; expected the same for all workers"
                )


def code_digest() -> str:
    """The first letters of the sha256 of the package's modules, by name and content."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]
