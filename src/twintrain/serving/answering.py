"""Answers the rows of a file by a model, chunk by chunk, and tells of those that it cannot answer."""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from twintrain.data.dataset import Dataset
from twintrain.data.prepare.encoder import Encoder
from twintrain.errors import UserError
from twintrain.serving.answer_file import AnswerFile
from twintrain.serving.imputing import fill_missing
from twintrain.serving.new_rows import NewRows
from twintrain.serving.packaging import load_recipe
from twintrain.serving.process import ScoringProcess
from twintrain.serving.raw_input import read_rows

LISTED_ROWS = 3


def encoder_of(model_uri: str, dataset: Dataset) -> Encoder:
    """What fills missing values, as the training rows say.

    Raises:
        UserError: the model is of no table, or of texts.
    """
    if not dataset.features or dataset.text:
        raise UserError("--bad-rows impute fills numbers, categories and dates of a table; expected error or drop")
    return load_recipe(model_uri).encoder


def imputed(chunks: Iterator[NewRows], encoder: Encoder, filled: Counter[str]) -> Iterator[NewRows]:
    """The rows without missing values; `filled` counts them."""
    for chunk in chunks:
        rows, counts = fill_missing(chunk.rows, encoder)
        filled.update(counts)
        yield replace(chunk, rows=rows)


def answer_all(
    chunks: Iterator[NewRows], dataset: Dataset, model_uri: str, output: AnswerFile, drop: bool
) -> dict[str, float]:
    """Writes the answers to all rows, and returns the numbers of `rows` and of `bad_rows`.

    Args:
        drop: whether rows that cannot be answered are left out.

    Raises:
        UserError: there are such rows and they are not, or there is no other.
    """
    counts = {"rows": 0, "bad_rows": 0}
    with ScoringProcess(model_uri) as process, output:
        for chunk in _shown(chunks):
            answers, bad = _answers(chunk, dataset, process)
            if bad and not drop:
                raise _bad_rows(bad, chunk.path, dataset)
            counts["rows"] += len(answers)
            counts["bad_rows"] += len(bad)
            if len(answers):
                output.append(answers)
            for line in bad:
                print(f"left out: {line}", file=sys.stderr)
        if not counts["rows"]:
            bad = f": all {counts['bad_rows']:,} are bad" if counts["bad_rows"] else ""
            raise UserError(f"there is no row to answer{bad}")
    return counts


def _answers(chunk: NewRows, dataset: Dataset, process: ScoringProcess) -> tuple[pd.DataFrame, list[str]]:
    """The answers to good rows, and where each bad one stands and why."""
    bad = chunk.bad
    if not len(bad):
        try:
            return _numbered(process.score(chunk.rows), chunk), []
        except UserError:
            # The model tells of the first bad row alone; if there is none, the reason is another one.
            bad = read_rows(chunk.rows, dataset)[1]
            if not len(bad):
                raise
    listed = [f"{chunk.place_of(row)}: {why}" for row, why in bad.items()]
    good = pd.RangeIndex(len(chunk.rows)).difference(bad.index)
    if not len(good):
        return pd.DataFrame(), listed
    kept = chunk.of_places(good.to_numpy())
    return _numbered(process.score(kept.rows), kept), listed


def _numbered(answers: pd.DataFrame, chunk: NewRows) -> pd.DataFrame:
    answers.insert(0, chunk.called, chunk.names)
    return answers


def _bad_rows(bad: list[str], path: Path, dataset: Dataset) -> UserError:
    can_be_filled = any(map(_lacks, bad)) and not dataset.text
    more = f"; and {len(bad) - LISTED_ROWS:,} more" if len(bad) > LISTED_ROWS else ""
    fill = "; missing values can be filled by the training rows: --bad-rows impute" if can_be_filled else ""
    return UserError(
        f"{path}: {'; '.join(bad[:LISTED_ROWS])}{more}; mend them, or leave them out: --bad-rows drop{fill}"
    )


def _lacks(line: str) -> bool:
    return ": no value in " in line


def _shown(chunks: Iterator[NewRows]) -> Iterator[NewRows]:
    """Shows on a terminal how many rows have been read."""
    console = Console()
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} rows"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        for chunk in chunks:
            yield chunk
            progress.advance(task, len(chunk.names))
