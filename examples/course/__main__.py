"""Measures what the mistakes of the course do, and prints the tables of docs/course.md.

python -m examples.course                    all but xor, in minutes
python -m examples.course softmax_twice xor  these alone
python -m examples.course --write            puts the tables into docs/course.md
"""

import argparse
import os
import tempfile
from pathlib import Path

from examples.course.tables import DOCUMENT, statement_table, training_table, write_tables
from examples.course.workers import run, run_in_both
from twintrain.command_line.commands import run_command
from twintrain.errors import unknown
from twintrain.system import project

TRAININGS = (
    "flattened_targets",
    "own_predictions",
    "softmax_twice",
    "relu_before_the_loss",
    "scored_on_training_rows",
    "last_weights",
    "vanishing_gradient",
    "gates",
    "xor",
)
STATEMENTS = ("code", "losses_and_activations", "optimizers", "arithmetic")
TABLES = (*TRAININGS, "evaluated_at_step_0", *STATEMENTS)
# Twenty trainings of 10,001 steps.
ON_REQUEST = ("xor",)
EVALUATIONS = 10


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.course", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=", ".join(TABLES))
    parser.add_argument("--write", action="store_true", help=f"put the tables into {DOCUMENT}")
    arguments = parser.parse_args()
    for name in arguments.tables:
        if name not in TABLES:
            raise unknown("table", name, TABLES)
    tables = measured(arguments.tables or [name for name in TABLES if name not in ON_REQUEST])
    for name, table in tables.items():
        print(f"{name}\n\n{table}\n")
    if arguments.write:
        write_tables(tables, DOCUMENT)


def measured(names: list[str]) -> dict[str, str]:
    """The tables of these names, each in Markdown."""
    trainings = [name for name in TRAININGS if name in names]
    statements = [name for name in STATEMENTS if name in names]
    tables = {}
    with tempfile.TemporaryDirectory(prefix="twintrain-course-") as path:
        folder = Path(path)
        if trainings:
            torch, keras = map(project.read_json, run_in_both("trainings", folder, ".json", *trainings))
            tables |= {name: training_table(name, torch[name], keras[name]) for name in trainings}
        if "evaluated_at_step_0" in names:
            rows = evaluated_at_step_0(folder)
            tables["evaluated_at_step_0"] = training_table("evaluated_at_step_0", rows, rows)
        if statements:
            out = folder / "statements.json"
            run(["statements", str(out)])
            found = project.read_json(out)
            tables |= {name: statement_table(name, found[name]) for name in statements}
    return tables


def evaluated_at_step_0(folder: Path) -> list[list]:
    """An accuracy of each epoch, logged to MLflow at step 0 every time, and at the step of its epoch."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiment = client.create_experiment("course", (folder / "artifacts").as_uri())
    histories = []
    for at_step in (lambda epoch: 0, lambda epoch: epoch):
        run = client.create_run(experiment).info.run_id
        for epoch in range(EVALUATIONS):
            client.log_metric(run, "eval_acc", 1 - 0.5**epoch, step=at_step(epoch))
        histories.append(client.get_metric_history(run, "eval_acc"))
    return [
        ["values in MLflow", *map(len, histories)],
        ["places on the axis of steps", *(len({metric.step for metric in history}) for history in histories)],
    ]


if __name__ == "__main__":
    run_command(main)
