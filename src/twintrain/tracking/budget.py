"""How long a command may wait for MLflow's store, in all its stages together."""

import math
import os
import time
from pathlib import Path
from typing import Self

from twintrain.system.watched import dvc_above, name_of
from twintrain.tracking.journal import journals_folder
from twintrain.tracking.owner import Owner

SPENT = "TWINTRAIN_TRACKING_SPENT"  # the file in which a command and its stages note what they have waited
PARENT_NOTE = ".parent"  # the end of the name of a file in which stages find the run above theirs


class Budget:
    """Seconds that are left.

    Attributes:
        seconds: that there were.
        file: in which all processes of the command note what they have spent.
    """

    def __init__(self, seconds: float, file: Path) -> None:
        self.seconds = seconds
        self.file = file

    @classmethod
    def of_command(cls, seconds: float) -> Self:
        """That of the command which this process belongs to; a `dvc repro` typed by hand is one too."""
        if SPENT in os.environ:
            return cls(seconds, Path(os.environ[SPENT]))
        folder = journals_folder()
        folder.mkdir(parents=True, exist_ok=True)
        _remove_old(folder)
        return cls(seconds, folder / f"{command_owner()}.spent")

    @classmethod
    def endless(cls) -> Self:
        """For a command that has nothing else to do."""
        return cls(math.inf, journals_folder() / f"{Owner.here()}.spent")

    @property
    def left(self) -> float:
        """Seconds that are left; none if there is no more."""
        try:
            spent = sum(map(float, self.file.read_text(encoding="utf-8").split()))
        except (FileNotFoundError, ValueError):
            spent = 0.0
        return max(0.0, self.seconds - spent)

    def is_first_to_say(self) -> bool:
        """Whether no process of the command has said yet that the store fails."""
        try:
            self.file.with_suffix(".said").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def spend(self, started: float) -> None:
        """Notes a wait that began at a `time.monotonic()` and ends now."""
        if self.seconds == math.inf:
            return
        with self.file.open("a", encoding="utf-8") as file:
            file.write(f"{time.monotonic() - started:.3f}\n")


def command_owner() -> Owner:
    """The process that is the command which this one belongs to: DVC, where that runs it as a stage; else this one."""
    here, dvc = Owner.here(), dvc_above()
    return here if dvc is None else here._replace(process=name_of(dvc))


def _remove_old(folder: Path) -> None:
    for path in (path for end in (".spent", ".said", PARENT_NOTE) for path in folder.glob(f"*{end}")):
        owner = Owner.parse(path.stem)
        if owner and owner.is_dead():
            path.unlink(missing_ok=True)
