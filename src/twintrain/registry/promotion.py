"""From finished trainings to versions in the registry, and through the gate to the champion."""

import sys
from typing import Any

from twintrain.errors import UserError
from twintrain.registry import gate
from twintrain.registry.challenge import challenge
from twintrain.registry.gate import Check
from twintrain.registry.outcomes import Outcome, is_of_gate, markdown, record
from twintrain.registry.versions import (
    CHAMPION,
    DESPITE,
    ROLLED_BACK,
    Versions,
    described,
    registered_name,
    uri_of,
)
from twintrain.report import statements
from twintrain.report.ui_links import ui_address
from twintrain.report.verdict_note import summary
from twintrain.serving.evaluated import evaluated_rows
from twintrain.serving.packaging import NAME, log_scorer
from twintrain.serving.smoke import smoke_test
from twintrain.settings.params import Params, Serving
from twintrain.system import project
from twintrain.tracking import Ref, Run, connect, find_run, journal_keys, model_of, reason_of

# Of a training run, what its version says too.
RUN_TAGS = ("framework", "mode", "git_commit", "dvc_lock", "data")
SEEN_ROWS = " It was tested on other rows, and may have been trained on some of these, which is to its advantage."
SCORES = ("eval_acc", "auc_score", "rmse", "mae", "iou", "test_loss", "latency_1_ms")


def promote(metrics: dict[str, Any], params: Params, client: Any, run: Run, despite: str = "") -> Outcome:
    """Registers each framework's training and leads the better one to the gate.

    Args:
        metrics: results/metrics.json; build/ has the networks that it is of.
        client: of MLflow, see `tracking.connect`.
        run: the one that is open.
        despite: the user's reason to overrule the baseline's check, should it fail; empty: nothing is overruled.

    Raises:
        UserError: MLflow does not have the runs of these trainings, or build/ has others.
    """
    versions = Versions(client, registered_name(metrics["dataset"], metrics["model"]))
    registered = {
        framework: _registered(versions, client, framework, metrics, params, run)
        for framework in statements.frameworks_of(metrics)
    }
    framework = metrics["comparison"]["winner"]
    candidate, champion = registered[framework], versions.alias(CHAMPION)
    checks: list[Check] = []
    if is_champion := champion is not None and champion.version == candidate.version:
        passed, conclusion = True, f"{described(candidate)} is the champion already"
    else:
        checks = _checks(metrics, framework, candidate, champion, params.serving, despite)
        passed = not any(check.stops for check in checks)
        why = "".join(check.despite for check in checks)
        conclusion = _moved(versions, candidate, champion, params.registry.promote, why) if passed else _kept(champion)
    conclusion = f"{versions.name}: {conclusion}."
    outcome = Outcome(versions.name, registered, framework, checks, passed, conclusion, versions.alias(CHAMPION))
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
        print(f"warning: nothing was promoted, results are kept: {reason_of(error)}", file=sys.stderr)
        return None
    return outcome


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
    metrics: dict[str, Any], framework: str, candidate: Any, champion: Any | None, serving: Serving, despite: str
) -> list[Check]:
    """The checks up to the first costly one that fails; what is free is looked at in any case."""
    baseline = metrics["baseline"]
    checks = [
        gate.check_twins(metrics["verification"]),
        gate.overruled(gate.check_baseline(gate.lead(baseline["comparisons"][framework]), baseline["name"]), despite),
    ]
    if ROLLED_BACK in candidate.tags:
        checks.append(gate.failed_as_rolled_back(candidate.tags[ROLLED_BACK]))
    for check in (
        lambda: _champion_check(metrics, framework, candidate, champion),
        lambda: _smoke_check(framework, candidate, serving),
    ):
        if not any(each.stops for each in checks):
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


def _moved(versions: Versions, candidate: Any, champion: Any | None, moves: bool, despite: str) -> str:
    if not moves:
        return f"{described(candidate)} would become the champion, but registry.promote is false"
    now = versions.alias(CHAMPION)
    if (now and now.version) != (champion and champion.version):
        raise UserError(f"another command has moved the champion of {versions.name} meanwhile; type: make promote")
    # Before the alias moves, so that no champion is without its reason.
    if despite:
        versions.tag(candidate, {DESPITE: despite})
    else:
        versions.untag(candidate, DESPITE)
    versions.promote(candidate)
    former = f", {described(champion)} keeps the alias previous" if champion else ""
    return f"{described(candidate)} is the champion now{former}"


def _kept(champion: Any | None) -> str:
    return f"{described(champion)} stays the champion" if champion else "no champion yet"
