"""Diagrams in Mermaid, as pictures: a site that shows them by itself would carry 3.5 MB of script.

python -m website.diagrams    draws those that are new or changed, with npm's mermaid in a chromium, into diagrams/
"""

import hashlib
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

from twintrain.errors import UserError
from website.documents import FENCE, documents
from website.parsers import ROOT

FOLDER = ROOT / "website/diagrams"
MERMAID = "mermaid@11.17.2"
WORK = ROOT / "build/mermaid"
# One picture for both themes: lines and words in the colour of the text around it.
STYLE = {
    "startOnLoad": False,
    "theme": "base",
    "htmlLabels": False,
    "flowchart": {"htmlLabels": False, "useMaxWidth": True},
    "themeVariables": {
        "fontFamily": "inherit",
        "primaryColor": "#8884",
        "primaryBorderColor": "#888",
        "lineColor": "#888",
        "primaryTextColor": "#888",
    },
    "themeCSS": ".label, .nodeLabel, text, tspan { fill: currentColor !important; }",
}


def diagram_file(source: str) -> Path:
    """The picture of a diagram, which is named by what it was drawn from."""
    return FOLDER / f"{hashlib.sha256(source.encode()).hexdigest()[:16]}.svg"


def diagrams_in(text: str) -> Iterator[str]:
    """The sources of the diagrams of a document."""
    return (fence[3] for fence in FENCE.finditer(text) if fence[2] == "mermaid")


def all_diagrams() -> set[str]:
    """The sources of all diagrams."""
    texts = [(ROOT / path).read_text("utf-8") for path in documents() if (ROOT / path).is_file()]
    return {source for text in texts for source in diagrams_in(text)}


def with_pictures(text: str) -> str:
    """A document with pictures in the place of its diagrams."""

    def picture(fence: re.Match[str]) -> str:
        if fence[2] != "mermaid":
            return fence[0]
        file = diagram_file(fence[3])
        if not file.is_file():
            raise UserError("a diagram of docs/ is new or has changed, and has no picture yet; type: make diagrams")
        return f'```{{raw}} html\n<figure class="diagram">{file.read_text("utf-8")}</figure>\n```\n'

    return FENCE.sub(picture, text)


def draw() -> None:
    """Draws what has no picture, and removes the pictures of what is gone."""
    from playwright.sync_api import sync_playwright

    wanted = {diagram_file(source): source for source in all_diagrams()}
    for file in set(FOLDER.glob("*.svg")) - wanted.keys():
        file.unlink()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page()
        page.set_content("<!doctype html><body></body>")
        page.add_script_tag(path=_mermaid())
        page.evaluate("style => mermaid.initialize(style)", STYLE)
        for file, source in wanted.items():
            if not file.is_file():
                name = f"diagram-{file.stem}"
                svg = page.evaluate("([name, source]) => mermaid.render(name, source).then(r => r.svg)", [name, source])
                file.write_text(svg + "\n", "utf-8")
                print(file.relative_to(ROOT))
        browser.close()


def _mermaid() -> Path:
    """Npm's script, fetched once into build/."""
    script = WORK / "package/dist/mermaid.min.js"
    if not script.is_file():
        WORK.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", "--silent", MERMAID], cwd=WORK, check=True)
        with tarfile.open(next(WORK.glob("*.tgz"))) as archive:
            archive.extract("package/dist/mermaid.min.js", WORK, filter="data")
    return script


if __name__ == "__main__":
    draw()
