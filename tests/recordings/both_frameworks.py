"""Has a worker record in both frameworks at once, each in a process of its own."""

from pathlib import Path

import pytest
from worker_process import finish, start_worker

FRAMEWORKS = ("torch", "keras")


def recorded_in_both(script: str, folders: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders by framework, in which a worker has recorded."""
    found = {framework: folders.mktemp(framework) for framework in FRAMEWORKS}
    for worker in [start_worker(script, framework, folder) for framework, folder in found.items()]:
        finish(worker)
    return found
