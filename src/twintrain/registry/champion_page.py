"""The report with the champion in it: which version it is, what the gate has found, and how to use it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twintrain.registry.gate import Check
from twintrain.registry.versions import despite_note
from twintrain.registry.winner import Way
from twintrain.report.html_template import CHAMPION_PLACE, render
from twintrain.system import project


def write_page(
    conclusion: str,
    champion: Any | None,
    checks: Sequence[Check] = (),
    skipped: Sequence[str] = (),
    ways: Sequence[Way] = (),
) -> None:
    """Writes results/champion.html from results/report.html; none is left where there is no report.

    It is a page of its own because the report is a stage's output, and DVC would run that stage again if another
    command had changed it.

    Args:
        champion: the version that is it now; None where there is none to serve.
        checks: those that were made.
        skipped: names of those that were not.
        ways: what the user may do without one.
    """
    if not project.REPORT.is_file():
        project.CHAMPION_PAGE.unlink(missing_ok=True)
        return
    section = render(
        Path(__file__).with_name("champion.html.jinja"),
        conclusion=conclusion,
        note=despite_note(champion),
        checks=checks,
        skipped=skipped,
        ways=ways,
        has_champion=champion is not None,
        when=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )
    report = project.REPORT.read_text(encoding="utf-8")
    project.write_text(project.CHAMPION_PAGE, report.replace(CHAMPION_PLACE, section, 1))
