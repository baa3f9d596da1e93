"""Answers the rows of a file, chunk by chunk, with the champion or any other registered model of this project.

python -m pipelines.predict --input new.csv --output answers.csv
python -m pipelines.predict --input photos/ --output answers.parquet --model models:/NAME/3 --bad-rows drop

The output has the number of each row (of images the name of the file), its label and the probability of each class; of
a regression the prediction.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from twintrain import tracking
from twintrain.command_line.commands import command_parser, run_command
from twintrain.data.dataset import Dataset
from twintrain.data.prepare.encoder import Encoder
from twintrain.data.readers.form_options import add_form_options, form_options
from twintrain.errors import UserError, unknown
from twintrain.registry.champion import chosen_model
from twintrain.serving.answer_file import AnswerFile
from twintrain.serving.imputing import fill_missing
from twintrain.serving.new_rows import NewRows, read_new_rows
from twintrain.serving.packaging import load_description, load_recipe
from twintrain.serving.process import ScoringProcess
from twintrain.serving.raw_input import read_rows
from twintrain.settings.overrides import NOT_GIVEN
from twintrain.settings.params import load_params

BAD_ROWS = ("error", "drop", "impute")
LISTED_ROWS = 3


def predict() -> int:
    """Runs the command and returns its exit status."""
    arguments = _read_arguments(sys.argv[1:])
    params = load_params()
    output = AnswerFile(Path(arguments.output))
    model_uri = chosen_model(arguments.model, params, "predict", sys.argv[1:])
    dataset = load_description(model_uri)
    chunks, filled = read_new_rows(Path(arguments.input), dataset, arguments.form), Counter()
    if arguments.bad_rows == "impute":
        chunks = _imputed(chunks, _encoder(model_uri, dataset), filled)
    tags = {"stage": "predict", "dataset": params.dataset, "model_uri": model_uri, "input": arguments.input}
    started = time.perf_counter()
    with tracking.stage_run("predict", tags, params.tracking) as run:
        counts = _answer_all(_shown(chunks), dataset, model_uri, output, arguments.bad_rows == "drop")
        counts["filled_values"] = filled.total()
        counts["seconds"] = round(time.perf_counter() - started, 3)
        run.log_metrics(counts)
    dropped = f", {counts['bad_rows']:,} bad ones left out" if counts["bad_rows"] else ""
    for what, many in filled.most_common():
        print(f"filled by the training rows, {many:,} missing: {what}")
    print(f"predict: {counts['rows']:,} rows answered by {model_uri}{dropped}: {output.path}")
    return 0


def _encoder(model_uri: str, dataset: Dataset) -> Encoder:
    if not dataset.features:
        raise UserError("--bad-rows impute fills the columns of a table; expected error or drop")
    return load_recipe(model_uri).encoder


def _imputed(chunks: Iterator[NewRows], encoder: Encoder, filled: Counter[str]) -> Iterator[NewRows]:
    """The rows without missing values; `filled` counts them."""
    for chunk in chunks:
        rows, counts = fill_missing(chunk.rows, encoder)
        filled.update(counts)
        yield replace(chunk, rows=rows)


def _answer_all(
    chunks: Iterator[NewRows], dataset: Dataset, model_uri: str, output: AnswerFile, drop: bool
) -> dict[str, float]:
    counts = {"rows": 0, "bad_rows": 0}
    with ScoringProcess(model_uri) as process, output:
        for chunk in chunks:
            answers, bad = _answers(chunk, dataset, process)
            if bad and not drop:
                raise _bad_rows(bad, chunk.path)
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


def _bad_rows(bad: list[str], path: Path) -> UserError:
    more = f"; and {len(bad) - LISTED_ROWS:,} more" if len(bad) > LISTED_ROWS else ""
    fill = "; missing values can be filled by the training rows: --bad-rows impute" if any(map(_lacks, bad)) else ""
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


def _read_arguments(arguments: list[str]) -> Any:
    parser = command_parser("predict", __doc__)
    parser.add_argument("--input", required=True, help="as the files of the data set are, or an array, or images")
    parser.add_argument("--output", required=True, help="a .csv or .parquet, which is replaced if it is there")
    parser.add_argument("--model", help="default: the champion of params.yaml's data set and model")
    parser.add_argument(
        "--bad-rows",
        default="error",
        help="error (default): list them and stop; drop: leave them out; impute: fill them",
    )
    add_form_options(parser)
    known = parser.parse_args(arguments)
    known.form = form_options(known)
    for name in ("input", "output"):
        if getattr(known, name) in NOT_GIVEN:
            raise UserError(f"predict needs both: --input FILE --output FILE.csv; --{name} is empty")
    if Path(known.input).resolve() == Path(known.output).resolve():
        raise UserError(f"--output {known.output} is the input; expected another file")
    known.bad_rows = "error" if known.bad_rows in NOT_GIVEN else known.bad_rows
    if known.bad_rows not in BAD_ROWS:
        raise unknown("--bad-rows", known.bad_rows, BAD_ROWS)
    return known


if __name__ == "__main__":
    run_command(predict)
