"""What the folders of images stand for, level by level from the outermost: `class`, `part/class`, `any/class`, …

Folders below the last level that is named do not matter.
"""

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}


class Place(NamedTuple):
    """Where an image lies.

    Attributes:
        label: the name of its class folder; empty where it lies in none.
        part: "train", "val" or "test"; empty where no folder says.
    """

    label: str
    part: str


def place_of(name: PurePosixPath, folders: str | None) -> Place:
    """Tells an image's class and part by the folders in its name.

    Args:
        folders: what their levels are; None: the innermost one is the class, and the one above it may be a part.
    """
    found = name.parent.parts
    if folders is None:
        named = dict(zip(("class", "part"), reversed(found), strict=False))
    else:
        named = dict(zip(folders.split("/"), found, strict=False))
    return Place(named.get("class", ""), _part(named.get("part", "")))


def _part(folder: str) -> str:
    return PARTS.get(folder.casefold(), "")


def find_folders(names: Iterable[PurePosixPath]) -> str:
    """Finds out what the levels of folders are.

    A level of which all folders are called as parts are, train among them, is that of parts. That of classes is the
    first one below it (or above it where there is none below); folders that hold but one other folder are left out.
    """
    paths = {name.parent.parts for name in names} - {()}
    levels = [{path[i] for path in paths if len(path) > i} for i in range(max(map(len, paths), default=0))]
    top = _below_wrappers(levels, 0)
    deep = [i for i in range(top, len(levels)) if i == top or all(len(path) > i for path in paths)]
    part = next((i for i in deep if _are_parts(levels[i])), None)
    if part is None:
        named = {top: "class"}
    elif part + 1 == len(levels) and part > top:
        named = {top: "class", part: "part"}
    else:
        named = {part: "part", _below_wrappers(levels, part + 1): "class"}
    return "/".join(named.get(i, "any") for i in range(max(named) + 1))


def _below_wrappers(levels: list[set[str]], start: int) -> int:
    """The first level from `start` on that has several folders, or is that of parts, or is the last."""
    level = start
    while level + 1 < len(levels) and len(levels[level]) == 1 and not _are_parts(levels[level]):
        level += 1
    return level


def _are_parts(names: set[str]) -> bool:
    parts = set(map(_part, names))
    return "" not in parts and "train" in parts
