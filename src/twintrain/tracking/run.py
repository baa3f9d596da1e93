"""An open run: what is logged goes into its journal, and from there to MLflow.

Tracking never costs a result: nothing here waits longer for a store than `tracking.budget_seconds` allows, and nothing
that MLflow says is raised.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from twintrain.data.chunks import row_blocks
from twintrain.errors import first_line
from twintrain.tracking.hand_over import AnyCourier
from twintrain.tracking.journal import Journal, Ref
from twintrain.tracking.lineage import project_tags
from twintrain.tracking.lookup import find_run
from twintrain.tracking.recovery import take_abandoned
from twintrain.tracking.store import mlflow_module, pinned_requirements

CONTEXT = "TWINTRAIN_CONTEXT"  # what `context_tags` of the command above are
LONGEST_NOTE = 8000  # characters; MLflow's limit for a tag


class Run:
    """A run.

    Attributes:
        id: the run's id; None if the store has not given one in time.
        experiment_id: the experiment that it is in; None as `id`.
        model_id: the id of the model that was logged; None before, or as `id`.
        status: what the run is to end with, where that is not how the process went on.
    """

    def __init__(self, courier: AnyCourier, journal: Journal) -> None:
        self.courier = courier
        self.journal = journal
        self.status: str | None = None
        self.id: str | None = None
        self.experiment_id: str | None = None
        self.model_id: str | None = None
        courier.take(journal)

    @property
    def ref(self) -> Ref:
        """How others name it, whether the store has it already or not."""
        return Ref(self.id, self.journal.key)

    def find(self, refs: list[Ref]) -> list[Any]:
        """MLflow's runs, where the store has them all; DVC's cache may bring back results of runs made elsewhere."""
        found = self.courier.ask(lambda client: [find_run(client, ref) for ref in refs])
        return found if found and all(found) else []

    def tag_children(self, tags: dict[str, str]) -> None:
        """Sets tags on this run and on those below it, which have ended."""
        take_abandoned(self.courier)
        self.journal.append("tree_tags", tags=tags)

    def log_params(self, params: dict[str, Any]) -> None:
        """Logs parameters."""
        self.journal.append("params", params={name: str(value) for name, value in params.items()})

    def set_tags(self, tags: dict[str, Any]) -> None:
        """Sets tags; unlike a parameter, a tag may be set again."""
        self.journal.append("tags", tags={name: str(value) for name, value in tags.items()})

    def refer(self, tag: str, ref: Ref) -> None:
        """Sets a tag to the id of another run, if there is one."""
        if any(ref):
            self.journal.append("reference", tag=tag, run=ref)

    def set_note(self, markdown: str) -> None:
        """Sets the text that the UI shows as the run's description."""
        self.set_tags({"mlflow.note.content": markdown[:LONGEST_NOTE]})

    def log_metrics(self, metrics: dict[str, float], step: int = 0) -> None:
        """Logs metrics at a step."""
        if metrics:
            numbers = {name: float(value) for name, value in metrics.items()}
            self.journal.append("metrics", metrics=numbers, step=step, model=None)

    def log_artifacts(self, *paths: Path) -> None:
        """Logs files."""
        log_files(self.journal, paths)

    def log_dataset(self, features: np.ndarray, labels: np.ndarray, name: str, context: str) -> None:
        """Logs arrays as a dataset input with their digest; only the digest and the shapes are stored."""
        # MLflow's own digest looks at the first 10,000 numbers alone: a dozen images.
        digest = hashlib.sha256()
        for array in (features, labels):
            for block in row_blocks(array):
                digest.update(np.ascontiguousarray(block))
        arrays = [[str(array.dtype), list(array.shape)] for array in (features, labels)]
        tags = project_tags()
        self.journal.append(
            "arrays", name=name, context=context, digest=digest.hexdigest()[:32], arrays=arrays, tags=tags
        )

    def log_model(self, save: Callable[..., Any], example: np.ndarray, outputs: int, requirements: list[str]) -> None:
        """Logs a model with signature, input example and pinned requirements.

        Args:
            save: writes an MLflow model into the folder `path`, given an example and MLflow's arguments (a framework's
                `saving.save_mlflow_model`).
            example: some rows of features.
            outputs: number of logits of a row.
        """
        with TemporaryDirectory(dir=self.journal.folder) as folder:
            path = Path(folder) / "model"
            if attempt("the model", save_model, save, path, example, outputs, requirements) is None:
                return
            place = self.journal.keep(path)
        number = self.journal.append("model", folder=place, name="model", tags=context_tags())
        self.model_id = self.courier.wait_for(self.journal, number).get("model_id")

    def is_behind(self) -> bool:
        """Whether the store lacks anything that was logged so far, when what is on its way has had its time."""
        take_abandoned(self.courier)
        self.courier.wait(is_told=False)
        return self.courier.is_behind

    def begin(self) -> None:
        """Waits for the store to give the run its id."""
        answer = self.courier.wait_for(self.journal, 0)
        self.id, self.experiment_id = answer.get("run_id"), answer.get("experiment_id")

    def end(self, status: str | None) -> None:
        """Ends the run, or with None leaves its status to whoever opened it, and waits for what is on its way."""
        self.journal.append("end", status=status)
        self.journal.sync_to_disk()
        self.courier.wait()


def log_files(journal: Journal, paths: tuple[Path, ...] | list[Path]) -> None:
    """Takes files into a journal; one that is not there is named, and costs nothing else."""
    for path in paths:
        try:
            place = journal.keep(path)
        except FileNotFoundError:
            print(f"warning: {path} is not there, and was not logged", file=sys.stderr)
            continue
        journal.append("artifact", file=place)


def attempt(what: str, action: Callable[..., Any], *arguments: Any) -> Any | None:
    """What somebody else's code returns; None, with a warning, where it fails."""
    try:
        return action(*arguments)
    except OSError:  # a full disk is for the command to tell of
        raise
    except Exception as error:  # whatever MLflow throws, or what it imports
        print(f"warning: {what} was not logged, outputs are kept: {first_line(error)}", file=sys.stderr)
        return None


def context_tags() -> dict[str, str]:
    """What MLflow itself says of the process: user, source, commit; nothing where it cannot be imported.

    A command that has asked tells its stages; they differ from it in their source.
    """
    if CONTEXT in os.environ:
        return {**json.loads(os.environ[CONTEXT]), "mlflow.source.name": sys.argv[0]}
    try:
        mlflow_module()
        from mlflow.tracking.context.registry import resolve_tags

        return {name: str(value) for name, value in resolve_tags().items() if value is not None}
    except Exception:  # an import that fails has been told of by the courier
        return {}


def save_model(
    save: Callable[..., Any], path: Path, example: np.ndarray, outputs: int, requirements: list[str]
) -> Path:
    """Writes an MLflow model with signature, input example and pinned requirements; arguments as of `Run.log_model`."""
    mlflow_module()
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    inputs = Schema([TensorSpec(example.dtype, (-1, *example.shape[1:]))])
    logits_dtype = example.dtype if example.dtype.kind == "f" else np.dtype("float32")
    signature = ModelSignature(inputs, Schema([TensorSpec(logits_dtype, (-1, outputs))]))
    pinned = pinned_requirements(["mlflow", "numpy", *requirements])
    save(example=example, path=path, signature=signature, pip_requirements=pinned)
    return path
