"""Says how far new rows are from the rows that the twins were trained on, column by column.

python -m pipelines.drift --input new.csv                     exit status 3 if a column has drifted, 0 if none has
python -m pipelines.drift --input new.csv --drift.psi 0.1     with other limits than those of params.yaml
"""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from twintrain import tracking
from twintrain.command_line.commands import command_parser, run_command
from twintrain.command_line.section_params import section_params
from twintrain.data.dataset import Dataset, load_dataset
from twintrain.data.readers.form_options import add_form_options, form_options
from twintrain.data.schema import Schema
from twintrain.errors import UserError
from twintrain.registry.winner import example_input, make_command
from twintrain.settings.overrides import NOT_GIVEN
from twintrain.settings.params import Params, load_params
from twintrain.system import project
from twintrain.system.stored import load_array, read_model

if TYPE_CHECKING:
    from twintrain.serving.column_drift import ColumnDrift

DRIFTED = 3
REPORT = project.RESULTS / "drift.json"


def drift() -> int:
    """Runs the command and returns its exit status."""
    path, form, params = _read_arguments(sys.argv[1:])
    from twintrain.serving.column_drift import find_drift, new_columns, training_columns  # with pandas and SciPy

    trained_on = Schema.load(project.SPLIT).dataset  # params.yaml may have gone on to another one
    dataset = read_model(project.PREPROCESSED / "dataset.json", Dataset)
    features = load_array(project.PREPROCESSED / "features.npy", mmap_mode="r")
    before = training_columns(features, load_array(project.SPLIT / "train" / "index.npy", kinds="iu", axes=1), dataset)
    try:
        now = new_columns(path, dataset, form)
    except UserError as error:
        if trained_on == params.dataset:
            raise
        way = f"these are no rows of {trained_on}, which was trained on last; train on {params.dataset} first"
        raise UserError(f"{error}; {way}", "make run") from None
    found = find_drift(before, now, dataset, params.drift.psi, params.drift.ks)
    drifted = [column.name for column in found if column.has_drifted]
    rows = {"training_rows": len(before), "new_rows": len(now)}
    _print(found, f"{path}, {len(now):,} rows, beside {len(before):,} training rows of {trained_on}")
    project.RESULTS.mkdir(exist_ok=True)
    limits = {"psi": params.drift.psi, "ks": params.drift.ks}
    columns = [column.as_dict() for column in found]
    project.write_json(REPORT, {"input": str(path), **rows, "limits": limits, "drifted": drifted, "columns": columns})
    tags = {"stage": "drift", "dataset": trained_on, "input": str(path), "drifted": ", ".join(drifted)[:5000]}
    with tracking.stage_run("drift", tags, params.tracking) as run:
        run.log_params({"dataset": trained_on, **{f"drift.{name}": value for name, value in limits.items()}})
        run.log_metrics({**rows, "drifted_columns": len(drifted), **_metrics(found)})
        run.log_artifacts(REPORT)
    print(f"drift: {_conclusion(drifted, len(found))} All figures: {REPORT}")
    return DRIFTED if drifted else 0


def _metrics(found: "list[ColumnDrift]") -> dict[str, float]:
    """PSI by column, under names that MLflow takes; of two columns that come to the same name the larger one."""
    nearest_first = sorted(found, key=lambda column: column.psi)
    names = [re.sub(r"[^\w. -]", "_", column.name) for column in nearest_first]
    by_column = {f"psi/{name}": column.psi for name, column in zip(names, nearest_first, strict=True)}
    return {**by_column, "psi_max": nearest_first[-1].psi}


def _conclusion(drifted: list[str], columns: int) -> str:
    if not drifted:
        return f"none of {columns} columns has drifted."
    return f"{len(drifted)} of {columns} columns {'have' if len(drifted) > 1 else 'has'} drifted: {', '.join(drifted)}."


def _print(found: "list[ColumnDrift]", title: str) -> None:
    table = Table(title=escape(title), title_justify="left")
    table.add_column("column", overflow="fold", min_width=16)
    for heading in ("PSI", "KS", "p", "missing", "unreadable"):
        table.add_column(heading, justify="right", no_wrap=True)
    for column in found:
        distance = "–" if column.ks is None else f"{column.ks:.3f}"
        missing = "{:.1%} → {:.1%}".format(*column.missing) if any(column.missing) else "–"
        unreadable = f"{column.unreadable:.1%}" if column.unreadable else "–"
        figures = (f"{column.psi:.3f}", distance, f"{column.p:.2g}", missing, unreadable)
        table.add_row(escape(column.name), *figures, style="bold" if column.has_drifted else None)
    Console().print(table)


def _read_arguments(arguments: list[str]) -> tuple[Path, dict[str, Any], Params]:
    parser = command_parser("drift", __doc__, "--drift.psi, --drift.ks: other limits than those of params.yaml")
    parser.add_argument("--input", default="", help="new rows, in a form that the data set has or --data takes")
    add_form_options(parser)
    known, rest = parser.parse_known_args(arguments)
    if known.input in NOT_GIVEN:
        way = make_command("drift", ["--input", example_input(_trained_on(load_params()))])
        raise UserError("drift needs new rows to look at; expected --input FILE, as in", way)
    refusal = "drift looks at what was trained last; expected --drift.psi or --drift.ks"
    params, _ = section_params("drift", rest, refusal)
    return Path(known.input), form_options(known), params


def _trained_on(params: Params) -> Dataset:
    """The data set that was trained on last, or is about to be."""
    described = project.PREPROCESSED / "dataset.json"
    return read_model(described, Dataset) if described.is_file() else load_dataset(params.dataset)


if __name__ == "__main__":
    run_command(drift)
