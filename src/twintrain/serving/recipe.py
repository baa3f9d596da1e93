"""What a network needs besides its weights to answer raw rows; JSON that goes along with a logged model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from twintrain.data.dataset import Dataset
from twintrain.data.prepare.encoder import Encoder
from twintrain.data.prepare.fitting import Fitted
from twintrain.data.prepare.scaling import output_scaler, unscale
from twintrain.data.schema import Schema
from twintrain.evaluation.metrics import logits_of, mask_probabilities, probabilities
from twintrain.settings.sections.precision import array_dtype
from twintrain.system import project
from twintrain.system.stored import read_model

FILE_NAME = "recipe.json"


class Recipe(BaseModel):
    """How raw rows become what a network is given, and how what it gives becomes answers.

    Attributes:
        dtype: of the rows that the network is given.
        has_head: whether the network ends in probabilities of its own, and not in logits.
        dataset: what raw rows look like; of the classes that the network knows.
        task: the network's view of them.
        encoder: of a table; None for arrays.
        scalers: as scaler.json of the split has them.
    """

    model_config = ConfigDict(frozen=True)

    framework: str
    dtype: Literal["float32", "float64"]
    has_head: bool
    dataset: Dataset
    task: Schema
    encoder: Encoder | None
    scalers: dict[str, Any]

    @classmethod
    def of_training(cls, framework: str) -> "Recipe":
        """The recipe of the network that `train` has left in build/."""
        trained = project.read_json(project.TRAIN / framework / "training.json")
        return cls(
            framework=framework,
            dtype=array_dtype(trained["dtype"]),
            has_head=bool(trained.get("head")),
            dataset=read_model(project.INGESTED / "dataset.json", Dataset),
            task=Schema.load(project.SPLIT),
            encoder=project.read_json(project.SPLIT / "encoder.json", (dict, type(None))),
            scalers=project.read_json(project.SPLIT / "scaler.json"),
        )

    @classmethod
    def load(cls, path: Path) -> "Recipe":
        return read_model(path, cls)

    def save(self, path: Path) -> None:
        project.write_json(path, self.model_dump())

    def given(self, numbers: np.ndarray) -> np.ndarray:
        """What the network is given of rows that `raw_input.as_features` has checked: codes, or its own precision."""
        given = Fitted(self.encoder, self.scalers, self.task.task == "reconstruction").given(numbers)
        return given.astype(self.dtype, copy=False) if given.dtype.kind == "f" else given

    def answers(self, outputs: np.ndarray) -> pd.DataFrame:
        """What the outputs of the network (rows, outputs) mean, as `table_of_answers`."""
        if self.task.targets:
            places = self.task.places_of_targets.items()
            first, *_ = found = {name: probabilities(outputs[:, place]) for name, place in places}
            return table_of_answers(found.pop(first), self.task, found)
        if self.task.labels:
            values = probabilities(logits_of(outputs) if self.has_head else outputs)
        elif self.task.task == "segmentation":
            values = mask_probabilities(outputs)
        else:
            values = unscale(outputs, output_scaler(self.scalers, self.task.task))
        return table_of_answers(values, self.task)


def answer_names(task: Schema) -> list[str]:
    """The columns of answers besides `label`.

    A probability a class; the number predicted; the numbers given back; a probability a pixel to be the object's.
    """
    if task.labels:
        return [f"probability_{label}" for label in task.labels]
    if task.outputs == 1:
        return ["prediction"]
    what = "pixel" if task.task == "segmentation" else "value"
    return task.feature_names or [f"{what}_{place}" for place in range(task.outputs)]


def answer_columns(task: Schema) -> dict[str, bool]:
    """All columns of answers, and whether each has labels; the name of a further target goes before its columns."""
    first = {"label": True} if task.labels else {}
    further = {
        f"{name}_{column}": has_labels
        for name in task.further
        for column, has_labels in answer_columns(task.of_target(name)).items()
    }
    return first | dict.fromkeys(answer_names(task), False) | further


def table_of_answers(values: np.ndarray, task: Schema, further: Mapping[str, np.ndarray] | None = None) -> pd.DataFrame:
    """Answers as a table.

    Args:
        values: float64 (rows, classes): probabilities; (rows, outputs): numbers in their own unit; (rows, pixels).
        further: probabilities of the targets after the first, by name.

    Returns:
        a column for each of `answer_names`; of classes `label` before them, the most probable one. Then the same of
        each further target, its name before theirs.
    """
    answers = pd.DataFrame(values, columns=answer_names(task))
    if task.labels:
        answers.insert(0, "label", np.array(task.labels, dtype=object)[values.argmax(axis=1)])
    others = [
        table_of_answers(found, task.of_target(name)).add_prefix(f"{name}_") for name, found in (further or {}).items()
    ]
    return pd.concat([answers, *others], axis=1) if others else answers
