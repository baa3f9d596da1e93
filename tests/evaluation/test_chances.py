"""The figures of docs/comparison.md are those of benchmarks/chances.py: those that take seconds are counted anew."""

import itertools
import sys

import pytest
from project_clone import ROOT

sys.path.append(str(ROOT / "benchmarks"))

import chances


def documented(name):
    text = chances.DOCUMENT.read_text("utf-8")
    return text.split(f"<!-- chances {name} -->\n")[1].split("\n<!-- end -->")[0].splitlines()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "rows"), [("exact", 8), ("alike", 4), ("widths", 1)])
def test_figures_of_the_document_are_those_that_come_out(name, rows):
    header, *found = itertools.islice(chances.TABLES[name](), 1 + rows)
    assert documented(name)[: 2 + rows] == chances.markdown(header, found).splitlines()


def test_no_documented_chance_is_above_what_is_promised():
    for name, columns in {"exact": (2, 3), "groups": (2, 4), "alike": (2,), "errors": (2,)}.items():
        _, _, *rows = documented(name)
        assert rows
        for row in rows:
            cells = [cell.strip() for cell in row.strip("|").split("|")]
            assert all(float(cells[column]) <= (0.08 if name == "errors" else 0.06) for column in columns), row
