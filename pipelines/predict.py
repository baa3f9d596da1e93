"""Answers the rows of a file, chunk by chunk, with the champion or any other registered model of this project.

python -m pipelines.predict --input new.csv                     into results/answers.csv
python -m pipelines.predict --input new.csv --output answers.csv
python -m pipelines.predict --input photos/ --output answers.parquet --model models:/NAME/3 --bad-rows drop

The output has the number of each row (of images the name of the file), its label and the probability of each class; of
a regression the prediction.
"""

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from twintrain import tracking
from twintrain.command_line.commands import command_parser, run_command
from twintrain.data.dataset import load_dataset
from twintrain.data.readers.form_options import add_form_options, form_options
from twintrain.errors import UserError, unknown
from twintrain.registry.champion import chosen_model
from twintrain.registry.winner import example_input, make_command
from twintrain.serving.answer_file import AnswerFile
from twintrain.settings.overrides import NOT_GIVEN
from twintrain.settings.params import load_params
from twintrain.system import project

ANSWERS = project.RESULTS / "answers.csv"
BAD_ROWS = ("error", "drop", "impute")


def predict() -> int:
    """Runs the command and returns its exit status."""
    arguments = _read_arguments(sys.argv[1:])
    from twintrain.serving.answering import answer_all, encoder_of, imputed  # with pandas and all readers
    from twintrain.serving.new_rows import read_new_rows
    from twintrain.serving.packaging import load_description

    params = load_params()
    given = AnswerFile(Path(arguments.output)) if arguments.output else None
    model_uri = chosen_model(arguments.model, params, "predict", sys.argv[1:])
    dataset = load_description(model_uri)
    chunks, filled = read_new_rows(Path(arguments.input), dataset, arguments.form), Counter()
    if arguments.bad_rows == "impute":
        chunks = imputed(chunks, encoder_of(model_uri, dataset), filled)
    output = given or _default_output()
    tags = {"stage": "predict", "dataset": params.dataset, "model_uri": model_uri, "input": arguments.input}
    started = time.perf_counter()
    with tracking.stage_run("predict", tags, params.tracking) as run:
        counts = answer_all(chunks, dataset, model_uri, output, arguments.bad_rows == "drop")
        counts["filled_values"] = filled.total()
        counts["seconds"] = round(time.perf_counter() - started, 3)
        run.log_metrics(counts)
    dropped = f", {counts['bad_rows']:,} bad ones left out" if counts["bad_rows"] else ""
    for what, many in filled.most_common():
        print(f"filled by the training rows, {many:,} missing: {what}")
    print(f"predict: {counts['rows']:,} rows answered by {model_uri}{dropped}: {output.path}")
    return 0


def _default_output() -> AnswerFile:
    ANSWERS.parent.mkdir(exist_ok=True)
    return AnswerFile(ANSWERS)


def _read_arguments(arguments: list[str]) -> Any:
    parser = command_parser("predict", __doc__)
    parser.add_argument("--input", default="", help="as the files of the data set are, or an array, or images")
    parser.add_argument("--output", default="", help=f"a .csv or .parquet, replaced if it is there; default: {ANSWERS}")
    parser.add_argument("--model", help="default: the champion of params.yaml's data set and model")
    parser.add_argument(
        "--bad-rows",
        default="error",
        help="error (default): list them and stop; drop: leave them out; impute: fill them",
    )
    add_form_options(parser)
    known = parser.parse_args(arguments)
    known.form = form_options(known)
    if known.input in NOT_GIVEN:
        way = make_command("predict", ["--input", example_input(load_dataset(load_params().dataset))])
        raise UserError("predict needs rows to answer; expected --input FILE, as in", way)
    if known.output in NOT_GIVEN:
        known.output = ""
    if Path(known.input).resolve() == Path(known.output or ANSWERS).resolve():
        raise UserError(f"--output {known.output or ANSWERS} is the input; expected another file")
    known.bad_rows = "error" if known.bad_rows in NOT_GIVEN else known.bad_rows
    if known.bad_rows not in BAD_ROWS:
        raise unknown("--bad-rows", known.bad_rows, BAD_ROWS)
    return known


if __name__ == "__main__":
    run_command(predict)
