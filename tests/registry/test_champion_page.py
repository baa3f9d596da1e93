"""results/champion.html: the report, with the gate's decision in the one place that is kept for it."""

import html
import re
from types import SimpleNamespace

import pytest
from report_cases import full_metrics, material

from twintrain.registry import champion_page
from twintrain.registry.gate import Check, overruled
from twintrain.registry.versions import DESPITE
from twintrain.registry.winner import Way
from twintrain.report.html_template import CHAMPION_PLACE
from twintrain.report.page import html_page
from twintrain.system import project

EVIL = "<script>alert(1)</script>"
CHAMPION = SimpleNamespace(version="2", tags={"framework": "keras"})
DESPITE_BASELINE = SimpleNamespace(version="2", tags={"framework": "keras", DESPITE: f"We need {EVIL}."})


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
    ways = [Way("Answers without one", 'make predict ARGS="--model models:/m-n/1"')]
    champion_page.write_page("m-n: no champion yet.", None, checks, ["smoke test"], ways)
    assert project.CHAMPION_PAGE.read_text("utf-8").replace(section(), CHAMPION_PLACE) == report
    text = re.sub("<[^>]*>", "", section())
    assert "m-n: no champion yet.\n" in text
    assert "✓ twins: Verified.\n" in text
    assert "✗ baseline: No better than logistic.\n" in text
    assert "– smoke test: not looked at\n" in text
    assert re.search(r"As of \d{4}-\d\d-\d\d \d\d:\d\d UTC\.", text)
    assert "make serve" not in text
    assert "Answers without one: make predict ARGS=&#34;--model models:/m-n/1&#34;\n" in text
    assert project.REPORT.read_text("utf-8") == report


def test_a_champion_can_be_served(report):
    champion_page.write_page("m-n: version 2 is the champion again.", CHAMPION)
    assert "make serve" in section()
    assert "<li>" not in section()
    assert "despite" not in section()


def test_a_champion_despite_the_baseline_says_why_and_the_check_does(report):
    check = overruled(Check("baseline", False, "No better than logistic."), f"We need {EVIL}.")
    champion_page.write_page("m-n: version 2 is the champion now.", DESPITE_BASELINE, [check])
    assert '<span class="failed">! baseline:</span>' in section()
    text = html.unescape(re.sub("<[^>]*>", "", section()))
    assert f"! baseline: No better than logistic. Overruled: We need {EVIL}.\n" in text
    assert f"version 2 (Keras), was promoted despite the baseline, because: We need {EVIL}.\n" in text


def test_why_it_is_one_stays_when_the_checks_are_gone(report):
    champion_page.write_page("m-n: version 2 is the champion again.", DESPITE_BASELINE)
    assert "was promoted despite the baseline, because: We need &lt;script&gt;" in section()


def test_text_stays_text(report):
    champion_page.write_page(EVIL, CHAMPION, [Check("twins", True, EVIL)])
    assert EVIL not in section()
    assert section().count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2


def test_without_a_report_no_page_is_left(report):
    champion_page.write_page("m-n: version 2 is the champion now.", CHAMPION)
    project.REPORT.unlink()
    champion_page.write_page("m-n: version 3 is the champion now.", CHAMPION)
    assert not project.CHAMPION_PAGE.exists()
