"""Raw files and folders on disk: which files a folder holds, and their checksums."""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath

from twintrain.errors import UserError

LEFT_BY_FILE_MANAGERS = ("__MACOSX", "Thumbs.db", "desktop.ini")


def walk(folder: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yields each folder with the names of its folders and files, top down; links to folders are followed.

    Raises:
        UserError: a link to a folder that the link itself lies in, which would have no end.
    """
    for place, folders, files in os.walk(folder, followlinks=True):
        for name in folders:
            if Path(place, name).is_symlink():
                _refuse_circle(Path(place, name), folder)
        yield Path(place), folders, files


def _refuse_circle(link: Path, folder: Path) -> None:
    target = link.resolve()
    if any(parent.resolve() == target for parent in link.parents if parent.is_relative_to(folder)):
        raise UserError(f"{link} is a link to a folder that it lies in itself; remove it")


def files_in(folder: Path) -> list[Path]:
    """The files of a folder and its folders in the order of their paths, without hidden ones."""
    files = [place / name for place, _, names in walk(folder) for name in names]
    shown = [path for path in files if path.is_file() and not is_hidden(path.relative_to(folder))]
    return sorted(shown, key=lambda path: path.relative_to(folder).as_posix())


def folders_in(folder: Path) -> list[Path]:
    """The folders below a folder, without hidden ones."""
    folders = [place / name for place, names, _ in walk(folder) for name in names]
    return [path for path in folders if not is_hidden(path.relative_to(folder))]


def is_hidden(path: PurePath) -> bool:
    """Whether a file was left behind by a file manager, and not put there by somebody."""
    return any(part.startswith(".") or part in LEFT_BY_FILE_MANAGERS for part in path.parts)


def copy_whole(source: Path, place: Path) -> None:
    """Copies a file, or a folder with all but its hidden files, whole or not at all; links become what they lead to."""
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(place.name + ".partial")
    if source.is_dir():
        shutil.rmtree(partial, ignore_errors=True)
        for file in files_in(source):
            (partial / file.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, partial / file.relative_to(source))
        shutil.rmtree(place, ignore_errors=True)
    else:
        shutil.copyfile(source, partial)
    partial.replace(place)


def folder_digest(folder: Path) -> str:
    """The sha256 of a folder: of the lines `SHA256  RELATIVE/PATH` of its files in the order of their paths.

    Hidden files, which file managers leave behind, do not count.
    """
    return digest_of(digests_in(folder))


def digests_in(folder: Path) -> dict[str, str]:
    """The sha256 of the files of a folder, in the order of their paths, which are relative to it."""
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in files_in(folder)}


def digest_of(digests: Mapping[str, str]) -> str:
    """The sha256 of a folder that has these files, as `digests_in` gives them."""
    return hashlib.sha256("".join(f"{digest}  {name}\n" for name, digest in digests.items()).encode()).hexdigest()


def sha256_of(path: Path) -> str:
    """The sha256 of a file, read piece by piece."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
