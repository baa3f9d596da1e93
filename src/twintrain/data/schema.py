"""What a set of arrays means: written beside them as schema.json by ingest, preprocess and split."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from twintrain.data.dataset import Dataset
from twintrain.data.feature import RESERVED, Feature
from twintrain.data.targets import Target, targets_of
from twintrain.errors import UserError
from twintrain.settings.sections.data import Preprocess
from twintrain.settings.sections.losses import TASK_METRICS
from twintrain.system import project
from twintrain.system.stored import read_model

DATE_PARTS = ("year", "month", "day", "weekday")

FILE_NAME = "schema.json"


class Schema(BaseModel):
    """The network's view of a data set.

    Attributes:
        input_shape: shape of one sample; images are (height, width, channels).
        input_dtype: "float" (of the training's precision) or "int64" (category codes, token ids).
        categories: number of categories of each column, when the input is category codes.
        tokens: number of token ids, when the input is a text; see `prepare.tokens`.
        labels: names of the classes; none where numbers or masks are predicted.
        vocabulary: of a text, a digest of the words that its ids stand for, once training rows have said which.
        columns: of each encoded column of a table, the column that it is of.
        outputs: number of outputs: 1 for a binary task or a number, one a class, one a number of a reconstructed input,
            one a pixel of a mask; of several targets those of all.
        targets: where there are several, all of them by name in the order of their outputs; `task` and `labels` are
            those of the first, whose labels are the ones that the rows have.
    """

    model_config = ConfigDict(frozen=True)

    dataset: str
    task: Literal["binary", "multiclass", "regression", "reconstruction", "segmentation"]
    labels: list[str]
    input_shape: list[int]
    input_dtype: Literal["float", "int64"]
    categories: list[int] | None
    feature_names: list[str] | None
    outputs: int
    tokens: int | None = None
    vocabulary: str | None = None
    columns: list[str] | None = None
    # Not written where there is one, as in files of earlier versions.
    targets: dict[str, Target] = Field({}, exclude_if=lambda targets: not targets)

    @property
    def places_of_targets(self) -> dict[str, slice]:
        """Where the outputs of each of several targets stand among all."""
        places, start = {}, 0
        for name, target in self.targets.items():
            places[name] = slice(start, start + target.outputs)
            start += target.outputs
        return places

    @property
    def further(self) -> list[str]:
        """Names of the targets after the first of several."""
        return [*self.targets][1:]

    def of_target(self, name: str) -> "Schema":
        """The same of one of several targets alone."""
        target = self.targets[name]
        alone = {"task": target.task, "labels": target.labels, "outputs": target.outputs, "targets": {}}
        return self.model_copy(update=alone)

    def places_by_name(self) -> dict[str, list[int]]:
        """Where the encoded columns of each column are, from 0, by its name; those of one encoded column by its own."""
        places: dict[str, list[int]] = {}
        for place, column in enumerate(self.columns or ()):
            places.setdefault(column, []).append(place)
        return {name: [place] for place, name in enumerate(self.feature_names or ())} | places

    @property
    def input_dims(self) -> tuple[int, ...]:
        """How many codes, or token ids, there are at each place of a sample; none of numbers."""
        return (self.tokens,) * self.input_shape[0] if self.tokens else tuple(self.categories or ())

    @property
    def is_image(self) -> bool:
        return len(self.input_shape) == 3

    @property
    def metric(self) -> str:
        """What is watched beside the loss: accuracy of classes, mae (mean absolute error) of numbers, iou of masks."""
        return TASK_METRICS[self.task]

    def save(self, folder: Path) -> None:
        project.write_json(folder / FILE_NAME, self.model_dump())

    @classmethod
    def load(cls, folder: Path) -> "Schema":
        return read_model(folder / FILE_NAME, cls)


def network_schema(dataset_name: str, dataset: Dataset, preprocess: Preprocess) -> Schema:
    """Derives, without reading any data, what the network will be given and asked.

    Raises:
        UserError: codes are asked of a table that also has numeric columns, or codes or words to be given back, or
            further targets do not follow from the classes.
    """
    schema = _schema_of_labels(dataset_name, dataset, preprocess)
    if preprocess.target == "labels" and preprocess.further:
        targets = targets_of(dataset_name, dataset, preprocess.further)
        outputs = sum(target.outputs for target in targets.values())
        return schema.model_copy(update={"outputs": outputs, "targets": targets})
    if preprocess.target == "labels":
        return schema
    if preprocess.further:
        raise UserError("preprocess.further: targets follow from labels, and target: input has none; expected null")
    if schema.tokens:
        raise UserError("preprocess.target: input needs numbers to give back, and words are none; expected labels")
    if schema.categories:
        raise UserError(
            "preprocess.target: input needs numbers to give back, and category codes are none; "
            "expected preprocess.categorical: onehot"
        )
    outputs = math.prod(schema.input_shape)
    return schema.model_copy(update={"task": "reconstruction", "labels": [], "outputs": outputs})


def _schema_of_labels(dataset_name: str, dataset: Dataset, preprocess: Preprocess) -> Schema:
    shared = {"dataset": dataset_name, "task": dataset.task, "labels": dataset.labels, "outputs": dataset.outputs}
    if dataset.array_shape:
        return Schema(
            **shared, input_shape=dataset.array_shape, input_dtype="float", categories=None, feature_names=None
        )
    if text := dataset.text:
        ((name, _),) = dataset.inputs.items()
        return Schema(
            **shared,
            input_shape=[text.length],
            input_dtype="int64",
            categories=None,
            feature_names=[f"{name} {place}" for place in range(1, text.length + 1)],
            tokens=RESERVED + text.words,
        )
    categorical = [key for key, feature in dataset.inputs.items() if feature.categories]
    if not categorical or preprocess.categorical == "onehot":
        names = onehot_names(dataset.inputs)
        columns = [name for name, feature in dataset.inputs.items() for _ in onehot_names({name: feature})]
        return Schema(
            **shared,
            input_shape=[len(names)],
            input_dtype="float",
            categories=None,
            feature_names=names,
            columns=columns,
        )
    if others := dataset.inputs.keys() - set(categorical):
        name = min(others)
        kind = "numeric" if dataset.inputs[name].kind == "number" else "a date"
        raise UserError(
            f"preprocess.categorical: codes needs a table of categories alone, but '{name}' of {dataset_name} "
            f"is {kind}; expected preprocess.categorical: onehot"
        )
    return Schema(
        **shared,
        input_shape=[len(categorical)],
        input_dtype="int64",
        categories=[code_places(dataset.inputs[name]) for name in categorical],
        feature_names=categorical,
        columns=categorical,
    )


def onehot_names(features: Mapping[str, Feature]) -> list[str]:
    """Names of the columns after one-hot encoding, in order: `age`, `age missing`, `safety=low`, `safety=med` …

    They follow from the description alone, so that a network is known to fit before any row is read.
    """
    names = []
    for name, feature in features.items():
        if feature.categories:
            names += [f"{name}={value}" for value in feature.categories]
            names += [f"{name}=other"] if feature.other else []
        elif feature.date:
            names += [f"{name} {part}" for part in (*date_parts(feature), "elapsed_days")]
        else:
            names.append(name)
        names += [f"{name} missing"] if feature.missing else []
    return names


def date_parts(feature: Feature) -> tuple[str, ...]:
    """What a date is taken apart into, besides the days elapsed since the first one; pandas's names."""
    return (*DATE_PARTS, "hour") if "%H" in feature.date or "%I" in feature.date else DATE_PARTS


def code_places(feature: Feature) -> int:
    """Number of codes of a column of categories: the categories, then `other`, then missing, where it has them."""
    return len(feature.categories) + feature.other + feature.missing
