"""A folder for services: other users may enter it, since PostgreSQL does not run as root."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def services_folder() -> Iterator[Path]:
    """Makes one, and removes it; those of pytest are its user's alone."""
    folder = Path(tempfile.mkdtemp(prefix="services-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
