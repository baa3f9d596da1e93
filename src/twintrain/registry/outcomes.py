"""What has become of finished trainings at the gate: printed, and left in results/ and in MLflow."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from twintrain.data.files import sha256_of
from twintrain.registry import champion_page, gate
from twintrain.registry.gate import Check
from twintrain.registry.versions import despite_note
from twintrain.registry.winner import Way, way_despite_baseline, ways_to_ask
from twintrain.report.verdict_note import plain_text
from twintrain.settings.frameworks import TITLES
from twintrain.system import project
from twintrain.tracking import Run

COLOURS = {"✓": "green", "!": "yellow", "✗": "red"}


@dataclass(frozen=True)
class Outcome:
    """What has become of the trainings.

    Attributes:
        name: of the registered model.
        versions: of each framework.
        candidate: the framework that was proposed.
        checks: those that were made; none where the candidate was the champion already.
        passed: whether the candidate is the champion now, or would be.
        conclusion: one sentence.
        champion: the version that is it now; None where there is none.
    """

    name: str
    versions: dict[str, Any]
    candidate: str
    checks: list[Check]
    passed: bool
    conclusion: str
    champion: Any | None

    @property
    def skipped(self) -> list[str]:
        """Names of the checks that were not made, since one before them has failed."""
        made = {check.name for check in self.checks}
        return [] if self.passed else [name for name in gate.COSTLY if name not in made]

    @property
    def is_despite(self) -> bool:
        """Whether the gate lets the candidate through because the user has overruled a check."""
        return self.passed and not all(check.passed for check in self.checks)

    @property
    def note(self) -> str:
        """What must be known of the champion: why it is one despite the baseline; else empty."""
        return despite_note(self.champion)

    @property
    def ways(self) -> list[Way]:
        """What the user may do next where there is no champion to ask."""
        if self.champion:
            return []
        refused = [check.name for check in self.checks if check.stops]
        despite = [way_despite_baseline()] if refused == [gate.BASELINE] else []
        return [*ways_to_ask(self.versions[self.candidate]), *despite]

    @property
    def tags(self) -> dict[str, str]:
        """For MLflow: `gate`, passed, overruled or failed, and `gate_reason`, the failed checks or else all."""
        telling = [check for check in self.checks if not check.passed] or self.checks
        reasons = [f"{check.name}: {check.text}" for check in telling] or [self.conclusion]
        word = "overruled" if self.is_despite else "passed" if self.passed else "failed"
        return {"gate": word, "gate_reason": " ".join(reasons)}


def record(outcome: Outcome, run: Run) -> None:
    """Leaves the outcome in results/ and on the run of the command."""
    run.set_tags(outcome.tags)
    content = {
        "results": sha256_of(project.METRICS),
        "model": outcome.name,
        "version": int(outcome.versions[outcome.candidate].version),
        "framework": outcome.candidate,
        "passed": outcome.passed,
        "checks": [asdict(check) for check in outcome.checks],
        "conclusion": outcome.conclusion,
        "note": outcome.note,
        "next": [way._asdict() for way in outcome.ways],
    }
    project.write_json(project.GATE, content)
    champion_page.write_page(outcome.conclusion, outcome.champion, outcome.checks, outcome.skipped, outcome.ways)
    run.log_artifacts(*filter(Path.is_file, (project.GATE, project.CHAMPION_PAGE)))


def is_of_gate() -> bool:
    """Whether the results were led to the gate already, and the page that says so is still there."""
    has_page = project.GATE.is_file() and project.CHAMPION_PAGE.is_file()
    return has_page and project.read_json(project.GATE).get("results") == sha256_of(project.METRICS)


def markdown(outcome: Outcome) -> str:
    """The conclusion and the checks, for the note of a run."""
    checks = [f"- {check.mark} {check.name}: {plain_text(check.text)}" for check in outcome.checks]
    note = [plain_text(outcome.note), ""] if outcome.note else []
    return "\n".join([f"**{plain_text(outcome.conclusion)}**", "", *note, *checks])


def print_outcome(outcome: Outcome) -> None:
    """Prints the versions, a line a check, the conclusion, and what to do where there is no champion."""
    lines = []
    if outcome.checks:
        made = ", ".join(f"{TITLES[name]} is version {each.version}" for name, each in outcome.versions.items())
        lines.append(escape(f"\n{outcome.name}: {made}; {TITLES[outcome.candidate]} is proposed as champion"))
        lines += [
            f"  [{COLOURS[check.mark]}]{check.mark}[/] {check.name}: {escape(check.text)}" for check in outcome.checks
        ]
        lines += [f"  – {name}: not looked at" for name in outcome.skipped]
    _print_end(lines, outcome.conclusion, outcome.note, outcome.ways)


def print_last_outcome() -> None:
    """Prints what to do where the gate has left the results without a champion before."""
    found = project.read_json(project.GATE) if is_of_gate() else {}
    if ways := [Way(**way) for way in found.get("next", ())]:
        _print_end([""], found["conclusion"], found["note"], ways)


def _print_end(lines: Sequence[str], conclusion: str, note: str, ways: Sequence[Way]) -> None:
    end = filter(None, [conclusion, note, *map(str, ways)])
    Console().print(*lines, *map(escape, end), sep="\n", soft_wrap=True, highlight=False)
