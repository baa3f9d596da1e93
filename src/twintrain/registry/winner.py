"""The winner of results/ in the registry, and what to type where no champion answers: all as it can be pasted."""

import shlex
from collections.abc import Sequence
from typing import Any, NamedTuple

from twintrain.data.dataset import Dataset
from twintrain.data.schema import Schema
from twintrain.registry.versions import Versions, registered_name, uri_of
from twintrain.system import project
from twintrain.tracking import Ref, find_run

# What a shell, or make, would make something else of within double quotes.
SPECIAL = frozenset('"\\$`!')


class Way(NamedTuple):
    """What a user may do next: what it is for, and the command."""

    words: str
    command: str

    def __str__(self) -> str:
        return f"{self.words}: {self.command}"


def winner_of_results(client: Any, versions: Versions) -> Any | None:
    """The version of the network that results/ names the winner; None where they are of another model, or not known.

    Args:
        client: of MLflow.
    """
    metrics = project.read_json(project.METRICS) if project.METRICS.is_file() else None
    if not metrics or registered_name(metrics["dataset"], metrics["model"]) != versions.name:
        return None
    framework = metrics["comparison"].get("winner")  # which earlier results do not say
    run = find_run(client, Ref.of(metrics[framework])) if framework else None
    return run and versions.of_run(run.info.run_id)


def ways_to_ask(version: Any) -> list[Way]:
    """How rows are answered by a version that is no champion.

    Args:
        version: of the network that was trained last.
    """
    model = ["--model", uri_of(version)]
    rows = ["--input", example_input(Schema.load(project.SPLIT)), "--output", "answers.csv"]
    return [
        Way("Answers without one", make_command("predict", [*rows, *model])),
        Way("The same over HTTP", make_command("serve", model)),
    ]


def way_despite_baseline() -> Way:
    """How a network that the baseline's check alone has refused becomes the champion."""
    return Way(
        "A champion despite the baseline",
        make_command("promote", ["--despite", "baseline", "--because", "YOUR REASON"]),
    )


def make_command(target: str, arguments: Sequence[str]) -> str:
    """`make TARGET ARGS="…"`, quoted so that the command gets these arguments, whatever is in them."""
    words = shlex.join(arguments).replace("$", "$$")
    quoted = shlex.quote(words) if SPECIAL & set(words) else f'"{words}"'
    return f"make {target} ARGS={quoted}"


def example_input(rows: Dataset | Schema) -> str:
    """What a file of new rows may be called, by what was trained on."""
    if isinstance(rows, Dataset):
        return _called(bool(rows.features), bool(rows.image_shape))
    return _called(bool(rows.feature_names), rows.is_image)


def _called(is_table: bool, is_image: bool) -> str:
    return "new.csv" if is_table else "photos/" if is_image else "new.npy"
