"""The documents of the site: which there are, in which order, and their links as the site has them."""

import posixpath
import re
from collections.abc import Callable, Iterator

from twintrain.settings.yaml_files import read_yaml
from website.parsers import ROOT

HOME = "docs/index.md"
FENCE = re.compile(r"^(```+)([^\n]*)\n(.*?)^\1\n", re.M | re.S)
ANCHOR = re.compile(r'^<a id="([\w-]+)"></a>', re.M)  # at a paragraph; Sphinx has a form of its own
LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)#\s]+)")  # the path alone, without an anchor


def navigation() -> dict[str, list[str]]:
    """The documents below each heading, by their paths from the root of the project."""
    return read_yaml(ROOT / "website/navigation.yaml")


def documents() -> list[str]:
    """All documents; those without a folder that are no files are made."""
    return [HOME, *(path for paths in navigation().values() for path in paths)]


def page_of(path: str) -> str:
    """The file of the site that a file of the project becomes: docs/ is its root, and other files lie in files/."""
    if path.endswith(".md"):
        return path.removeprefix("docs/").replace("/README", "").lower()
    return path.removeprefix("docs/") if path.endswith(".png") else f"files/{path}"


def with_links_of_site(text: str, path: str) -> str:
    """A document with links to what files are called in the site; those to no file stay, for Sphinx to find."""
    here = posixpath.dirname(page_of(path)) or "."

    def target(link: re.Match[str]) -> str:
        found = _from_root(link[1], path)
        return posixpath.relpath(page_of(found), here) if (ROOT / found).is_file() else link[1]

    return outside_fences(text, lambda prose: ANCHOR.sub(r"(\1)=\n", LINK.sub(target, prose)))


def linked_files(text: str, path: str) -> Iterator[str]:
    """What a document shows or links to that is no document: pictures, scripts, settings."""
    found = []
    outside_fences(text, lambda prose: found.extend(LINK.findall(prose)) or prose)
    return (file for file in (_from_root(link, path) for link in found) if not file.endswith(".md"))


def outside_fences(text: str, change: Callable[[str], str]) -> str:
    """Changes what stands outside of blocks of code."""
    parts, last = [], 0
    for fence in FENCE.finditer(text):
        parts += [change(text[last : fence.start()]), fence[0]]
        last = fence.end()
    return "".join([*parts, change(text[last:])])


def _from_root(link: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), link))
