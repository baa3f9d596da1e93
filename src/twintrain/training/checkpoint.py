"""Checkpoints: all that a training needs to go on as if it had never stopped, in one file, whole or not at all."""

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from twintrain.errors import first_line
from twintrain.system.stored import load_arrays

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
        """Reads the checkpoint of this very training; None if there is none.

        One that is damaged is removed with a line: the training begins anew.
        """
        try:
            return cls._read(path, fingerprint)
        except FileNotFoundError:
            return None
        except Exception as error:  # whatever a damaged file brings up: it must not cost the training
            print(f"note: {path} is damaged ({first_line(error)}), so the training begins anew", file=sys.stderr)
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            return None

    @classmethod
    def _read(cls, path: Path, fingerprint: str) -> "Checkpoint | None":
        arrays = load_arrays(path, "description", scalars=True)
        described = json.loads(str(arrays.pop("description")))
        if described["fingerprint"] != fingerprint:
            return None
        groups: dict[str, Arrays] = {"weights": {}, "state": {}, "best_weights": {}}
        for name, array in arrays.items():
            group, _, member = name.partition(":")
            groups[group][member] = array
        return cls(fingerprint=fingerprint, history=described["history"], **groups)
