"""conf/datasets/NAME.yaml: where raw files come from, how they are read, what they should hold."""

import hashlib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from twintrain import project
from twintrain.errors import UserError, unknown
from twintrain.yaml_files import read_yaml, validated


class Feature(BaseModel):
    """One column: a number (with bounds, if it has any) or one of a fixed list of categories."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    categories: list[str] | None = Field(None, min_length=1)
    min: float | None = None
    max: float | None = None

    @field_validator("categories")
    @classmethod
    def _differ(cls, categories: list[str] | None) -> list[str] | None:
        if categories and len(set(categories)) < len(categories):
            raise ValueError(f"expected each category once, got {categories}")
        return categories


class Dataset(BaseModel):
    """A data set as conf/datasets/ describes it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    title: str
    origin: str
    licence: str
    task: Literal["binary", "multiclass"]
    format: Literal["table", "pixels"]
    files: dict[str, str] = Field(min_length=1, description="file name: sha256")
    header: bool = True
    target: str
    labels: list[str] = Field(min_length=2, description="as they stand in the file, in the order of the classes")
    features: dict[str, Feature] | None = None
    image_shape: list[int] | None = Field(None, min_length=3, max_length=3)

    @field_validator("features", mode="before")
    @classmethod
    def _short_forms(cls, features: Any) -> Any:
        """A column is written `numeric`, as its bounds {min: 0}, or as its list of categories."""
        if not isinstance(features, dict):
            return features
        return {
            name: {} if feature == "numeric" else {"categories": feature} if isinstance(feature, list) else feature
            for name, feature in features.items()
        }

    @model_validator(mode="after")
    def _fits_its_format(self) -> "Dataset":
        if (self.format == "table") != (self.features is not None):
            raise ValueError("a table has features, pixels have none")
        if (self.format == "pixels") != (self.image_shape is not None):
            raise ValueError("pixels have an image_shape [height, width, channels], a table has none")
        if self.task == "binary" and len(self.labels) != 2:
            raise ValueError(f"a binary task has 2 labels, got {len(self.labels)}")
        if len(set(self.labels)) < len(self.labels):
            raise ValueError(f"expected each label once, got {self.labels}")
        if self.target in (self.features or ()):
            raise ValueError(f"the target '{self.target}' cannot be a feature too")
        return self

    @property
    def outputs(self) -> int:
        """Number of logits: one for a binary task, else one a class."""
        return 1 if self.task == "binary" else len(self.labels)


def load_dataset(name: str) -> Dataset:
    """Reads conf/datasets/NAME.yaml.

    Raises:
        UserError: there is no such data set, or its description has a mistake.
    """
    if name not in project.names_in(project.DATASETS):
        raise unknown("dataset", name, project.names_in(project.DATASETS))
    path = project.DATASETS / f"{name}.yaml"
    return validated(Dataset, read_yaml(path), str(path))


def raw_files(name: str, dataset: Dataset) -> list[Path]:
    """Returns the raw files of a data set, after checking that each is there and unaltered.

    Raises:
        UserError: a file is missing, truncated or altered.
    """
    paths = []
    for file_name, expected in dataset.files.items():
        path = project.DATA / name / file_name
        if not path.is_file():
            raise UserError(f"{path} is missing; get it with: dvc pull data.dvc")
        received = hashlib.sha256(path.read_bytes()).hexdigest()
        if received != expected:
            raise UserError(
                f"{path} is not the file that conf/datasets/{name}.yaml describes: expected sha256 {expected[:12]}…, "
                f"got {received[:12]}… ({path.stat().st_size:,} bytes); "
                "get it back with: git checkout data.dvc && dvc checkout --force data.dvc"
            )
        paths.append(path)
    return paths
