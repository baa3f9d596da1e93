"""From finished trainings to versions in the registry, and through the gate to the champion."""

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from twintrain import project
from twintrain.config import Params, Serving
from twintrain.data.files import sha256_of
from twintrain.errors import UserError, first_line
from twintrain.evaluation import report
from twintrain.evaluation.report_summary import plain_text, summary
from twintrain.frameworks import TITLES
from twintrain.registry import champion_page, gate
from twintrain.registry.challenge import challenge
from twintrain.registry.gate import Check
from twintrain.registry.versions import CHAMPION, ROLLED_BACK, Versions, described, registered_name, uri_of
from twintrain.serving.evaluated import evaluated_rows
from twintrain.serving.packaging import NAME, log_scorer
from twintrain.serving.smoke import smoke_test
from twintrain.tracking import Ref, Run, connect, find_run, journal_keys, model_of
from twintrain.ui_links import ui_address

# Of a training run, what its version says too.
RUN_TAGS = ("framework", "mode", "git_commit", "dvc_lock", "data")
SEEN_ROWS = " It was tested on other rows, and may have been trained on some of these, which is to its advantage."
SCORES = ("eval_acc", "auc_score", "rmse", "mae", "test_loss", "latency_1_ms")


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
        has_champion: whether there is one now.
    """

    name: str
    versions: dict[str, Any]
    candidate: str
    checks: list[Check]
    passed: bool
    conclusion: str
    has_champion: bool

    @property
    def skipped(self) -> list[str]:
        """Names of the checks that were not made, since one before them has failed."""
        made = {check.name for check in self.checks}
        return [] if self.passed else [name for name in gate.COSTLY if name not in made]

    @property
    def tags(self) -> dict[str, str]:
        """For MLflow: `gate`, passed or failed, and `gate_reason`, the failed checks or else all."""
        telling = [check for check in self.checks if not check.passed] or self.checks
        reasons = [f"{check.name}: {check.reason}" for check in telling] or [self.conclusion]
        return {"gate": "passed" if self.passed else "failed", "gate_reason": " ".join(reasons)}


def promote(metrics: dict[str, Any], params: Params, client: Any, run: Run) -> Outcome:
    """Registers each framework's training and leads the better one to the gate.

    Args:
        metrics: results/metrics.json; build/ has the networks that it is of.
        client: of MLflow, see `tracking.connect`.
        run: the one that is open.

    Raises:
        UserError: MLflow does not have the runs of these trainings, or build/ has others.
    """
    versions = Versions(client, registered_name(metrics["dataset"], metrics["model"]))
    registered = {
        framework: _registered(versions, client, framework, metrics, params, run)
        for framework in report.frameworks_of(metrics)
    }
    framework = metrics["comparison"]["winner"]
    candidate, champion = registered[framework], versions.alias(CHAMPION)
    checks: list[Check] = []
    if is_champion := champion is not None and champion.version == candidate.version:
        passed, conclusion = True, f"{described(candidate)} is the champion already"
    else:
        checks = _checks(metrics, framework, candidate, champion, params.serving)
        passed = all(check.passed for check in checks)
        conclusion = _moved(versions, candidate, champion, params.registry.promote) if passed else _kept(champion)
    has_champion = versions.alias(CHAMPION) is not None
    conclusion = f"{versions.name}: {conclusion}."
    outcome = Outcome(versions.name, registered, framework, checks, passed, conclusion, has_champion)
    if not is_champion:
        versions.tag(candidate, outcome.tags)
    return outcome


def promote_new(metrics: dict[str, Any], params: Params, run: Run) -> Outcome | None:
    """Promotes results that were not led to the gate yet; whatever hinders it costs no result, and comes again.

    Args:
        run: of the command that made them.
    """
    if not params.registry.enabled or is_of_gate():
        return None
    try:
        if run.is_behind():
            raise UserError("MLflow does not have all of their runs yet; type: make sync")
        outcome = promote(metrics, params, connect(params.tracking.experiment), run)
        record(outcome, run)
        run.set_note(f"{summary(metrics, ui_address())}\n{markdown(outcome)}")
    except Exception as error:  # whatever MLflow, its store or a process that answers rows throws
        print(f"warning: nothing was promoted, results are kept: {first_line(error)}", file=sys.stderr)
        return None
    return outcome


def is_of_gate() -> bool:
    """Whether the results were led to the gate already, and the page that says so is still there."""
    has_page = project.GATE.is_file() and project.CHAMPION_PAGE.is_file()
    return has_page and project.read_json(project.GATE).get("results") == sha256_of(project.METRICS)


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
    }
    project.write_json(project.GATE, content)
    champion_page.write_page(outcome.conclusion, outcome.checks, outcome.skipped, outcome.has_champion)
    run.log_artifacts(*filter(Path.is_file, (project.GATE, project.CHAMPION_PAGE)))


def markdown(outcome: Outcome) -> str:
    """The conclusion and the checks, for the note of a run."""
    checks = [f"- {'✓' if check.passed else '✗'} {check.name}: {plain_text(check.reason)}" for check in outcome.checks]
    return "\n".join([f"**{plain_text(outcome.conclusion)}**", "", *checks])


def print_outcome(outcome: Outcome) -> None:
    """Prints the versions, a line a check, and the conclusion."""
    lines = []
    if outcome.checks:
        made = ", ".join(f"{TITLES[name]} is version {each.version}" for name, each in outcome.versions.items())
        lines.append(escape(f"\n{outcome.name}: {made}; {TITLES[outcome.candidate]} is proposed as champion"))
        lines += [f"  {_mark(check)} {check.name}: {escape(check.reason)}" for check in outcome.checks]
        lines += [f"  – {name}: not looked at" for name in outcome.skipped]
    Console().print(*lines, escape(outcome.conclusion), sep="\n", soft_wrap=True, highlight=False)


def _mark(check: Check) -> str:
    return "[green]✓[/]" if check.passed else "[red]✗[/]"


def _registered(
    versions: Versions, client: Any, framework: str, metrics: dict[str, Any], params: Params, opened: Run
) -> Any:
    """The version of a framework's training, made if there is none."""
    ref = Ref.of(metrics[framework])
    if ref != Ref.of(project.read_json(project.TRAIN / framework / "run.json")):
        raise UserError("results/ and build/ are of different trainings; make them one: dvc repro")
    run = _run(client, ref)
    run_id = run.info.run_id
    tags = {
        **{name: run.data.tags[name] for name in RUN_TAGS if name in run.data.tags},
        "seed": str((params.train.seeds or [params.train.seed])[0]),
        "test_digest": metrics["comparison"]["test_digest"],
        **{name: str(metrics[framework][name]) for name in SCORES if name in metrics[framework]},
    }
    found = versions.of_run(run_id)
    if found is None:
        model = model_of(client, run, NAME)
        uri = model.model_uri if model else log_scorer(framework, Ref(run_id, None), opened)
        return versions.register(uri, run_id, tags)
    versions.tag(found, {name: value for name, value in tags.items() if found.tags.get(name) != value})
    return found


def _run(client: Any, ref: Ref) -> Any:
    if run := find_run(client, ref):
        return run
    if ref.journal in journal_keys():
        raise UserError("MLflow does not have the runs of these trainings yet; type: make sync")
    named = f"run {ref.run_id}" if ref.run_id else "run of a training"
    raise UserError(f"MLflow's store has no {named}, which was made elsewhere; make new ones: dvc repro --force")


def _checks(
    metrics: dict[str, Any], framework: str, candidate: Any, champion: Any | None, serving: Serving
) -> list[Check]:
    """The checks up to the first costly one that fails; what is free is looked at in any case."""
    baseline = metrics["baseline"]
    checks = [
        gate.check_twins(metrics["verification"]),
        gate.check_baseline(gate.lead(baseline["comparisons"][framework]), baseline["name"]),
    ]
    if ROLLED_BACK in candidate.tags:
        checks.append(gate.failed_as_rolled_back(candidate.tags[ROLLED_BACK]))
    for check in (
        lambda: _champion_check(metrics, framework, candidate, champion),
        lambda: _smoke_check(framework, candidate, serving),
    ):
        if all(each.passed for each in checks):
            checks.append(check())
    return checks


def _champion_check(metrics: dict[str, Any], framework: str, candidate: Any, champion: Any | None) -> Check:
    if champion is None:
        return Check("champion", True, "There is none yet.")
    is_same = champion.tags.get("test_digest") == metrics["comparison"]["test_digest"]
    note = "" if is_same else SEEN_ROWS
    return challenge(uri_of(candidate), uri_of(champion), framework, metrics["comparison"]["margin"], note)


def _smoke_check(framework: str, candidate: Any, serving: Serving) -> Check:
    found = smoke_test(uri_of(candidate), *evaluated_rows(framework), serving)
    return Check("smoke test", found.passed, f"{found.reason}.")


def _moved(versions: Versions, candidate: Any, champion: Any | None, moves: bool) -> str:
    if not moves:
        return f"{described(candidate)} would become the champion, but registry.promote is false"
    now = versions.alias(CHAMPION)
    if (now and now.version) != (champion and champion.version):
        raise UserError(f"another command has moved the champion of {versions.name} meanwhile; type: make promote")
    versions.promote(candidate)
    former = f", {described(champion)} keeps the alias previous" if champion else ""
    return f"{described(candidate)} is the champion now{former}"


def _kept(champion: Any | None) -> str:
    return f"{described(champion)} stays the champion" if champion else "no champion yet"
