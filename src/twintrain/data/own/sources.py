"""Files and folders that the user names: whether they can be read at all, before anything is."""

import stat
from pathlib import Path

from twintrain.data.files import walk
from twintrain.errors import UserError, kind_of


def check_source(path: Path, expected: str) -> None:
    """Checks a file or a folder of the user's.

    Args:
        expected: what it should be, for the message.

    Raises:
        UserError: it is not there, empty, or no file or folder (a FIFO would be waited for); a folder holds a link
            that leads out of it, nowhere or in a circle, or another thing that is no file.
    """
    if not str(path).isprintable():
        raise UserError(f"{path}: expected a name without line breaks and other control characters")
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{path} is not there; expected {expected}") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}; expected {expected}") from None
    if stat.S_ISDIR(found.st_mode):
        _check_folder(path)
    elif not stat.S_ISREG(found.st_mode):
        raise UserError(f"{path} is {kind_of(found.st_mode)}; expected {expected}")
    elif not found.st_size:
        raise UserError(f"{path} is empty; expected {expected}")


def _check_folder(folder: Path) -> None:
    root = folder.resolve()
    for place, folders, files in walk(folder):
        for path in (place / name for name in (*folders, *files)):
            if path.is_symlink():
                _check_link(path, root)
            if not (path.is_file() or path.is_dir()):
                raise UserError(f"{path} is {kind_of(path.stat().st_mode)}; expected files alone in {folder}")


def _check_link(link: Path, root: Path) -> None:
    """A link inside of the folder is what it leads to; what lies outside was not given to us."""
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):  # the latter of links in a circle
        raise UserError(f"{link} is a link that leads nowhere; remove it, or put the file in its place") from None
    if not target.is_relative_to(root):
        kind = "folder" if target.is_dir() else "file"
        raise UserError(
            f"{link} is a link that leads out of the folder, to {target}; put the {kind} itself in its place"
        )
