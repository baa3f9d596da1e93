"""docs/vocabulary.md: a line for each kind that the contract tests have, and none is too far."""

import re
from itertools import product

import pytest
from conftest import ROOT
from engine_rows import TOLERANCES
from vocabulary import vocabulary

TEXT = (ROOT / "docs/vocabulary.md").read_text("utf-8")
# The contract tests' own: after 100 steps, and of losses in relation to what is above 1.
LARGEST = {
    "layers": (TOLERANCES["forward"], TOLERANCES["gradients"], 1e-9),
    "activations": (TOLERANCES["forward"], TOLERANCES["gradients"], 1e-9),
    "losses": (1e-14, 1e-14),
    "optimizers": (1e-12,),
}


def lines_of(table: str) -> dict[str, list[str]]:
    """Cells of a table by what its first one names."""
    text = re.search(rf"<!-- {table} -->\n(.*?)\n?<!-- end -->", TEXT, re.DOTALL)[1]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]
    return {name.strip("`"): cells for name, *cells in rows}


@pytest.mark.parametrize("table", LARGEST)
def test_every_kind_of_the_contract_has_its_line_with_as_many_rows(table: str):
    expected = {name: str(len(rows)) for name, rows in vocabulary()[table].items()}
    assert {name: cells[0] for name, cells in lines_of(table).items()} == expected


@pytest.mark.parametrize("table", LARGEST)
def test_no_figure_is_beyond_what_the_contract_allows(table: str):
    for (name, cells), (number, largest) in product(lines_of(table).items(), enumerate(LARGEST[table])):
        figures = [float(cell.split(" / ")[number]) for cell in cells[1:]]
        assert len(figures) >= 3, name
        assert max(figures) <= largest, name
