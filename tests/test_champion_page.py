"""results/champion.html: the report, with the gate's decision in the one place that is kept for it."""

import re

import pytest
from report_cases import full_metrics, material

from twintrain import project
from twintrain.evaluation.report_page import CHAMPION_PLACE, html_page
from twintrain.registry import champion_page
from twintrain.registry.gate import Check

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def report(tmp_path, monkeypatch):
    """The text of results/report.html, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    project.RESULTS.mkdir()
    # What the data calls itself is no place for the champion.
    project.REPORT.write_text(html_page(full_metrics(dataset=CHAMPION_PLACE), material()), "utf-8")
    return project.REPORT.read_text("utf-8")


def section() -> str:
    (found,) = re.findall('<section id="champion">.*?</section>', project.CHAMPION_PAGE.read_text("utf-8"), re.DOTALL)
    return found


def test_report_says_where_the_champion_stands(report):
    assert report.count(CHAMPION_PLACE) == 1
    assert "champion.html" in CHAMPION_PLACE


def test_page_is_the_report_with_checks_and_conclusion(report):
    checks = [Check("twins", True, "Verified."), Check("baseline", False, "No better than logistic.")]
    champion_page.write_page("m-n: no champion yet.", checks, ["smoke test"], has_champion=False)
    assert project.CHAMPION_PAGE.read_text("utf-8").replace(section(), CHAMPION_PLACE) == report
    text = re.sub("<[^>]*>", "", section())
    assert "m-n: no champion yet.\n" in text
    assert "✓ twins: Verified.\n" in text
    assert "✗ baseline: No better than logistic.\n" in text
    assert "– smoke test: not looked at\n" in text
    assert re.search(r"As of \d{4}-\d\d-\d\d \d\d:\d\d UTC\.", text)
    assert "make serve" not in text
    assert project.REPORT.read_text("utf-8") == report


def test_a_champion_can_be_served(report):
    champion_page.write_page("m-n: version 2 is the champion again.")
    assert "make serve" in section()
    assert "<li>" not in section()


def test_text_stays_text(report):
    champion_page.write_page(EVIL, [Check("twins", True, EVIL)])
    assert EVIL not in section()
    assert section().count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2


def test_without_a_report_no_page_is_left(report):
    champion_page.write_page("m-n: version 2 is the champion now.")
    project.REPORT.unlink()
    champion_page.write_page("m-n: version 3 is the champion now.")
    assert not project.CHAMPION_PAGE.exists()
