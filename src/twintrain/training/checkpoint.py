"""Checkpoints: all that a training needs to go on as if it had never stopped, in one file, whole or not at all."""

import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]


def under(group: str, arrays: Arrays) -> Arrays:
    """The arrays named `group/NAME`, by NAME."""
    return {name.removeprefix(f"{group}/"): array for name, array in arrays.items() if name.startswith(f"{group}/")}


@dataclass(frozen=True)
class Checkpoint:
    """A training after some epoch.

    Attributes:
        fingerprint: which training it is of.
        weights: the network now; best_weights: the network at its best epoch.
        state: the backend's optimizer and random generators.
        history: the fields of a History.
    """

    fingerprint: str
    weights: Arrays
    state: Arrays
    best_weights: Arrays
    history: dict[str, Any]

    def save(self, path: Path) -> None:
        """Writes beside the old checkpoint and then takes its place, so that a crash leaves one of the two."""
        groups = {"weights": self.weights, "state": self.state, "best_weights": self.best_weights}
        arrays = {f"{group}:{name}": array for group, members in groups.items() for name, array in members.items()}
        described = json.dumps({"fingerprint": self.fingerprint, "history": self.history})
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(file, description=np.array(described), **arrays)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    @classmethod
    def load(cls, path: Path, fingerprint: str) -> "Checkpoint | None":
        """Reads the checkpoint of this very training; None if there is none, or none that can be read."""
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = dict(file)
            described = json.loads(str(arrays.pop("description")))
            if described["fingerprint"] != fingerprint:
                return None
            groups: dict[str, Arrays] = {"weights": {}, "state": {}, "best_weights": {}}
            for name, array in arrays.items():
                group, _, member = name.partition(":")
                groups[group][member] = array
            return cls(fingerprint=fingerprint, history=described["history"], **groups)
        except (FileNotFoundError, zipfile.BadZipFile, ValueError, EOFError, KeyError, TypeError, NotImplementedError):
            return None
