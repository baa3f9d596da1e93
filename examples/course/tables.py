"""The tables of docs/course.md: how figures are written, and where they go."""

import re
from pathlib import Path
from typing import Any

from twintrain.errors import UserError

DOCUMENT = Path("docs/course.md")
DOCUMENTED = ("as the course has it", "mended")
# What the two figures of a measurement are, where it is not DOCUMENTED.
COLUMNS = {
    "scored_on_training_rows": ("training rows", "test rows"),
    "last_weights": ("last epoch", "best epoch"),
    "vanishing_gradient": ("sigmoid", "ReLU"),
    "gates": ("rows of four whose label gets more than 0.501", "loss"),
}


def training_table(name: str, torch: list[list[Any]], keras: list[list[Any]]) -> str:
    """One line a row: what was measured, and two figures, each of PyTorch / Keras."""
    rows = [
        [what, *(f"{figure(first)} / {figure(second)}" for first, second in zip(in_torch, in_keras, strict=True))]
        for (what, *in_torch), (_, *in_keras) in zip(torch, keras, strict=True)
    ]
    rows = [[cell.replace("– / –", "–") for cell in row] for row in rows]
    return markdown(["PyTorch / Keras", *COLUMNS.get(name, DOCUMENTED)], rows)


def statement_table(name: str, rows: list[list[str]]) -> str:
    """One line a row: what the course has, what comes out, what is right."""
    written = "written" if name == "code" else "said"
    comes_out = "PyTorch" if name == "code" else "what comes out"
    return markdown([written, comes_out, "right"], rows)


def figure(value: float | None) -> str:
    """Counts as they are, shares and losses to four digits, smaller ones by their size."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4f}" if value == 0 or abs(value) >= 0.01 else f"{value:.1e}"


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """A table, cells in one line each."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def with_tables(text: str, tables: dict[str, str], document: Path = DOCUMENT) -> str:
    """Puts each table between its own marker and the next end of a document's text.

    Raises:
        UserError: the text has no place for a table.
    """
    for name, table in tables.items():
        place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not place.search(text):
            raise UserError(f"{document}: expected <!-- {name} --> and <!-- end --> around the table of {name}")
        text = place.sub(lambda match, table=table: f"{match[1]}{table}\n{match[2]}", text)
    return text


def write_tables(tables: dict[str, str], document: Path) -> None:
    """Puts tables into a document, all or none.

    Raises:
        UserError: it has no place for one of them.
    """
    text = with_tables(document.read_text(encoding="utf-8"), tables, document)
    partial = document.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(document)
