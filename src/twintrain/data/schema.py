"""What a set of arrays means: written beside them as schema.json by ingest, preprocess and split."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from twintrain import project
from twintrain.config import Preprocess
from twintrain.data.dataset import Dataset
from twintrain.errors import UserError


class Schema(BaseModel):
    """The network's view of a data set.

    Attributes:
        input_shape: shape of one sample; images are (height, width, channels).
        input_dtype: "float" (of the training's precision) or "int64" (category codes).
        categories: number of categories of each column, when the input is category codes.
        outputs: number of logits: 1 for a binary task, else one a class.
    """

    model_config = ConfigDict(frozen=True)

    dataset: str
    task: Literal["binary", "multiclass"]
    labels: list[str]
    input_shape: list[int]
    input_dtype: Literal["float", "int64"]
    categories: list[int] | None
    feature_names: list[str] | None
    outputs: int

    @property
    def is_image(self) -> bool:
        return len(self.input_shape) == 3

    def save(self, folder: Path) -> None:
        project.write_json(folder / "schema.json", self.model_dump())

    @classmethod
    def load(cls, folder: Path) -> "Schema":
        return cls.model_validate(project.read_json(folder / "schema.json"))


def network_schema(name: str, dataset: Dataset, preprocess: Preprocess) -> Schema:
    """Derives, without reading any data, what the network will be given.

    Raises:
        UserError: codes are asked of a table that also has numeric columns.
    """
    shared = {"dataset": name, "task": dataset.task, "labels": dataset.labels, "outputs": dataset.outputs}
    if dataset.image_shape:
        return Schema(
            **shared, input_shape=dataset.image_shape, input_dtype="float", categories=None, feature_names=None
        )
    categorical = {key: feature.categories for key, feature in dataset.features.items() if feature.categories}
    if not categorical or preprocess.categorical == "onehot":
        names = onehot_names(dataset)
        return Schema(**shared, input_shape=[len(names)], input_dtype="float", categories=None, feature_names=names)
    if numeric := dataset.features.keys() - categorical.keys():
        raise UserError(
            f"preprocess.categorical: codes needs a table of categories alone, but '{min(numeric)}' of {name} "
            "is numeric; expected preprocess.categorical: onehot"
        )
    sizes = [len(values) for values in categorical.values()]
    return Schema(
        **shared,
        input_shape=[len(sizes)],
        input_dtype="int64",
        categories=sizes,
        feature_names=list(categorical),
    )


def onehot_names(dataset: Dataset) -> list[str]:
    """Names of the columns after one-hot encoding: `age`, `safety=low`, `safety=med` …"""
    names = []
    for name, feature in dataset.features.items():
        names += [f"{name}={value}" for value in feature.categories] if feature.categories else [name]
    return names
