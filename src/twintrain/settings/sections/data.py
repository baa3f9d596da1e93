"""How raw data becomes the arrays of the split."""

import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from twintrain.errors import shown
from twintrain.settings.sections.section import MAX_NAMES, Rows, Section, Seed

NAME = re.compile(r"[a-z][a-z0-9_]{,49}")  # files and figures are called after it
Further = dict[str, dict[str, list[str]]]


class Ingest(Section):
    """From raw files to shards of one validated table or array.

    Attributes:
        engine: what the workers are: processes of this machine, or tasks of Ray Data, here or on a cluster.
        pin: what DVC keeps of the shards: their bytes, or the manifest alone, which lists them.
    """

    bad_rows: Literal["error", "drop"] = "error"
    classes: list[str] | None = Field(None, min_length=2, max_length=MAX_NAMES)
    engine: Literal["local", "ray"] = "local"
    workers: int = Field(1, ge=1, le=100_000)
    pin: Literal["bytes", "manifest"] = "bytes"

    @field_validator("classes", mode="before")
    @classmethod
    def _digits_are_labels(cls, classes: Any) -> Any:
        return _as_labels(classes)

    @field_validator("classes")
    @classmethod
    def _differ(cls, classes: list[str] | None) -> list[str] | None:
        if classes and len(set(classes)) < len(classes):
            raise ValueError(f"expected each class once, got {shown(classes)}")
        return classes


class Preprocess(Section):
    """Encoding that learns nothing from the data.

    Attributes:
        further: targets beside the data set's own that follow from the class: of each its labels, and of each label
            the classes that it stands for; null: none.
    """

    categorical: Literal["codes", "onehot"] = "codes"
    target: Literal["labels", "input"] = "labels"
    # Not there where it is null: digests of settings are then those of earlier versions.
    further: Further | None = Field(None, exclude_if=lambda further: further is None)

    @field_validator("further", mode="before")
    @classmethod
    def _digits_are_labels(cls, further: Any) -> Any:
        if not isinstance(further, dict):
            return further
        return {
            name: {label: _as_labels(classes) for label, classes in labels.items()}
            if isinstance(labels, dict)
            else labels
            for name, labels in further.items()
        }

    @field_validator("further")
    @classmethod
    def _are_targets(cls, further: Further | None) -> Further | None:
        for name, labels in (further or {}).items():
            if not NAME.fullmatch(name):
                raise ValueError(
                    f"expected names of small letters, digits and _ after a letter, 50 at most, got {shown(name)}"
                )
            if len(labels) < 2:
                raise ValueError(f"{name}: expected two labels or more with their classes, got {len(labels)}")
            if empty := [label for label, classes in labels.items() if not classes]:  # else it may be a constant
                raise ValueError(f"{name}: expected classes under each label, got none for {shown(empty[0])}")
        return further


def _as_labels(classes: Any) -> Any:
    """`[0, 1]` means the labels "0" and "1"."""
    if not isinstance(classes, list):
        return classes
    return [str(label) if type(label) is int else label for label in classes]


class Split(Section):
    """Train, validation and test rows.

    `val` and `test` are shares of all rows; with `method: given`, upstream gives the test rows, and `val` is the share
    of all others.

    Attributes:
        group: a column of the table; rows that have the same value there are all in one part.
        time: a column of numbers or dates: the oldest rows are trained on, newer ones validated, the newest tested.
        train_rows: how many of the training rows are kept, drawn as the parts are; null: all.
    """

    method: Literal["stratified", "given", "same"] = "stratified"
    seed: Seed = 0
    val: float = Field(0.1, gt=0, lt=1)
    test: float = Field(0.2, gt=0, lt=1)
    train_rows: Rows | None = None
    scale: Literal["none", "standard"] = "none"
    scale_target: Literal["none", "standard"] = "none"
    group: str | None = None
    time: str | None = None

    @model_validator(mode="after")
    def _is_drawn_in_one_way(self) -> "Split":
        given = [name for name in ("group", "time") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError("expected group or time, got both: one of them draws the parts")
        if given and self.method != "stratified":
            raise ValueError(f"{given[0]} draws all parts; expected method: stratified, got {self.method}")
        return self

    @model_validator(mode="after")
    def _leaves_rows_to_train(self) -> "Split":
        if self.method != "given" and self.val + self.test >= 1:
            raise ValueError(f"val + test must leave rows to train on: expected under 1, got {self.val + self.test:g}")
        return self

    @model_validator(mode="after")
    def _same_rows_are_all(self) -> "Split":
        if self.method == "same" and self.train_rows is not None:
            raise ValueError(f"train_rows: with method: same, all rows are trained on; got {self.train_rows}")
        return self
