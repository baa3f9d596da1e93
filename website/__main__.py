"""Builds the site: what `make docs` runs. A warning is an error: a dead link, an anchor or a picture that is not there.

python -m website           into build/docs
python -m website FOLDER    into FOLDER/docs
"""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from twintrain.errors import UserError
from website.accessible import make_accessible
from website.api_reference import api_page
from website.command_reference import command_page
from website.diagrams import with_pictures
from website.documents import HOME, documents, linked_files, navigation, page_of, with_links_of_site
from website.parameter_reference import parameter_page
from website.parsers import ROOT

MADE: dict[str, Callable[[], str]] = {
    "command-line.md": command_page,
    "parameters.md": parameter_page,
    "python.md": api_page,
}
STRICT = ["--quiet", "--fail-on-warning", "--keep-going", "--fresh-env"]


def build(folder: Path) -> int:
    """Builds the site anew and returns the exit status."""
    sources, site = folder / "docs-sources", folder / "docs"
    try:
        write_sources(sources)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    shutil.rmtree(site, ignore_errors=True)
    if failed := run_sphinx(sources, site):
        print(f"error: see above; {sources}/NAME.md is made of docs/NAME.md, readme.md of README.md", file=sys.stderr)
        return failed
    make_accessible(site)
    print(f"{site / 'index.html'}: open it in a browser; it needs no server and no network")
    return 0


def run_sphinx(sources: Path, site: Path) -> int:
    """Has Sphinx make pages of Markdown; returns its exit status, which is not 0 after a warning."""
    from sphinx.cmd.build import main

    trees = sources.with_name("docs-trees")  # what it has read, for which it would look in the site
    return main([*STRICT, "-c", str(ROOT / "website"), "-d", str(trees), str(sources), str(site)])


def write_sources(folder: Path) -> None:
    """Writes what Sphinx reads: all pages side by side, with links as they are there, and the files that they name.

    Raises:
        UserError: a diagram has no picture.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for path in documents():
        text = MADE[path]() if path in MADE else (ROOT / path).read_text("utf-8")
        _write(folder / page_of(path), with_pictures(with_links_of_site(text, path)) + _tables_of_contents(path))
        for file in linked_files(text, path):
            if (ROOT / file).is_file():
                _write(folder / page_of(file), (ROOT / file).read_bytes())


def _write(file: Path, content: str | bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)


def _tables_of_contents(path: str) -> str:
    """The navigation, which Sphinx wants to have on the first page."""
    return "".join(_tables()) if path == HOME else ""


def _tables() -> Iterator[str]:
    for heading, paths in navigation().items():
        pages = "\n".join(_entry(path) for path in paths)
        yield f"\n```{{toctree}}\n:hidden:\n:caption: {heading}\n\n{pages}\n```\n"


def _entry(path: str) -> str:
    """A line of the navigation; a README's title would be that of the whole."""
    page = page_of(path).removesuffix(".md")
    return f"README <{page}>" if path.startswith("README") else page


if __name__ == "__main__":
    sys.exit(build(Path(*sys.argv[1:]) if sys.argv[1:] else Path("build")))
