"""A real file system that is full soon: a tmpfs, which only root can mount."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

PAGE = 4096
LARGE = "2g"


class SmallDisk:
    """A disk in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def leave(self, free: int) -> None:
        """Leaves so many bytes free."""
        used = shutil.disk_usage(self.folder).used
        self._remount(f"{(used + free) // PAGE * PAGE + PAGE}")

    def make_room(self) -> None:
        """Lets it be large again."""
        self._remount(LARGE)

    def _remount(self, size: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", self.folder], check=True, capture_output=True)


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """Mounts one; it is large at first.

    Raises:
        subprocess.CalledProcessError: nothing can be mounted here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={LARGE}", "tmpfs", folder]
    subprocess.run(mount, check=True, capture_output=True, text=True)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def why_not() -> str:
    """Why nothing can be mounted here; empty where it can."""
    if os.name != "posix" or os.geteuid() != 0:
        return "only root can mount a small disk"
    try:
        with tempfile.TemporaryDirectory() as folder, small_disk(Path(folder) / "disk"):
            return ""
    except (OSError, subprocess.CalledProcessError) as error:
        return f"nothing can be mounted here: {getattr(error, 'stderr', error)}"
