"""A candidate beside the champion, which answers the candidate's test rows anew."""

import contextlib
import time
from typing import Any

import numpy as np
import pandas as pd

from twintrain.data.raw_rows import raw_rows
from twintrain.data.schema import Schema
from twintrain.errors import UserError
from twintrain.evaluation.comparison import compare_networks
from twintrain.evaluation.cost import median_interval
from twintrain.evaluation.mean_comparison import row_means
from twintrain.evaluation.stored_predictions import load_predictions, predicted_name
from twintrain.evaluation.stored_sampling import stored_sampling
from twintrain.registry.gate import Check, Latency, check_champion, lead, standing
from twintrain.serving.process import ScoringProcess
from twintrain.serving.recipe import answer_columns, answer_names
from twintrain.system import project

# One row at a time, after some that load and compile what the first ones do.
WARM_UP_CALLS = 5
TIMED_CALLS = 100
OTHER_QUESTION = (
    "What answers another question needs a model of another name; "
    "or take the alias champion off that version in MLflow, and type: make promote"
)


def challenge(candidate_uri: str, champion_uri: str, framework: str, margin: float, note: str = "") -> Check:
    """Whether a candidate may take the champion's place.

    The candidate's answers are those that `evaluate` has stored, the champion's are made anew, of the same raw rows.

    Args:
        framework: whose network, in build/, is the candidate.
        margin: what counts as equal: of accuracies a difference, of means a share of the champion's.
        note: what must be known to read the figures.
    """
    schema = Schema.load(project.SPLIT)
    predictions = load_predictions(project.EVALUATE / framework)
    rows = raw_rows(project.INGESTED, predictions["index"])
    values = predicted_name(predictions)
    with contextlib.ExitStack() as processes:
        try:
            champion = processes.enter_context(ScoringProcess(champion_uri))
            answers = {**predictions, values: _answers(champion, rows, schema)}
        except UserError as error:
            reason = f"The champion cannot answer these test rows: {str(error).rstrip('.')}. {OTHER_QUESTION}"
            return Check("champion", False, reason)
        found = lead(compare_networks(predictions, answers, margin, stored_sampling(predictions["index"])))
        if (means := row_means(answers)) is not None:
            margin *= float(means.mean())
        latency = None
        if standing(found, margin) == "tie":
            candidate = processes.enter_context(ScoringProcess(candidate_uri))
            latency = measured_latency(candidate, champion, rows[:1])
    return check_champion(found, margin, latency, note)


def measured_latency(candidate: ScoringProcess, champion: ScoringProcess, row: Any) -> Latency:
    """Milliseconds from one raw row to its answer, both by turns, so that a busy machine hinders both alike."""
    for process in (candidate, champion):
        for _ in range(WARM_UP_CALLS):
            process.score(row)
    seconds = np.empty((TIMED_CALLS, 2))
    for call in range(TIMED_CALLS):
        # Whoever comes second may find the machine warmed up.
        for place, process in [(0, candidate), (1, champion)][:: 1 if call % 2 else -1]:
            seconds[call, place] = _seconds(process, row)
    ratios = seconds[:, 0] / seconds[:, 1]
    return Latency(*(1000 * np.median(seconds, axis=0)), *median_interval(ratios))


def _seconds(process: ScoringProcess, row: Any) -> float:
    start = time.perf_counter()
    process.score(row)
    return time.perf_counter() - start


def _answers(champion: ScoringProcess, rows: Any, schema: Schema) -> np.ndarray:
    """float64 (rows, classes) or (rows, outputs)."""
    # Whoever has registered the champion: it may be a model of another project.
    answers, columns = pd.DataFrame(champion.score(rows)), answer_columns(schema)
    known = [str(name) for name in answers.columns if not columns.get(name) and name != "label"]
    wanted = [name for name, has_labels in columns.items() if not has_labels]
    if sorted(known) != sorted(wanted):
        raise UserError(f"it gives {_listed(known)}, the candidate {_listed(wanted)}")
    return answers[answer_names(schema)].to_numpy(np.float64)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" … ({len(names)})" if len(names) > 4 else "")
