"""The report with the champion in it: which version it is, what the gate has found, and how to use it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from twintrain import project
from twintrain.evaluation.report_page import CHAMPION_PLACE
from twintrain.html_template import render
from twintrain.registry.gate import Check


def write_page(
    conclusion: str, checks: Sequence[Check] = (), skipped: Sequence[str] = (), has_champion: bool = True
) -> None:
    """Writes results/champion.html from results/report.html; none is left where there is no report.

    It is a page of its own because the report is a stage's output, and DVC would run that stage again if another
    command had changed it.

    Args:
        checks: those that were made.
        skipped: names of those that were not.
        has_champion: whether there is one to serve.
    """
    if not project.REPORT.is_file():
        project.CHAMPION_PAGE.unlink(missing_ok=True)
        return
    section = render(
        Path(__file__).with_name("champion.html.jinja"),
        conclusion=conclusion,
        checks=checks,
        skipped=skipped,
        has_champion=has_champion,
        when=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )
    report = project.REPORT.read_text(encoding="utf-8")
    project.write_text(project.CHAMPION_PAGE, report.replace(CHAMPION_PLACE, section, 1))
