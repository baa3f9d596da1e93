"""What a network is asked of each row where that is more than one thing: what follows from the class beside it."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from twintrain.data.dataset import Dataset
from twintrain.errors import UserError, shown, unknown
from twintrain.settings.sections.data import Further


class Target(BaseModel):
    """One of several targets.

    Attributes:
        labels: names of its classes.
        of_class: which of them a row has, for each class of the data set.
    """

    model_config = ConfigDict(frozen=True)

    task: Literal["binary", "multiclass"]
    labels: list[str]
    of_class: list[int]

    @property
    def outputs(self) -> int:
        """Number of its outputs: 1 for a binary task, else one a label."""
        return 1 if self.task == "binary" else len(self.labels)


def targets_of(name: str, dataset: Dataset, further: Further) -> dict[str, Target]:
    """All targets by name: the data set's own, which is called as its column, and then the further ones.

    Raises:
        UserError: the data set has no classes, a target has the name of its own, or the labels of a target are not of
            each class once.
    """
    if not dataset.labels:
        raise UserError(f"preprocess.further: targets follow from the class, and {name} has none; expected null")
    if dataset.target in further:
        raise UserError(f"preprocess.further: '{dataset.target}' is what {name} has already; expected another name")
    own = Target(task=dataset.task, labels=dataset.labels, of_class=[*range(len(dataset.labels))])
    return {dataset.target: own} | {target: _grouped(target, groups, dataset) for target, groups in further.items()}


def _grouped(name: str, groups: Mapping[str, list[str]], dataset: Dataset) -> Target:
    """A target whose labels stand for groups of classes."""
    found: dict[str, int] = {}
    for place, (label, classes) in enumerate(groups.items()):
        where = f"preprocess.further.{name}.{label}"
        for each in classes:
            if each not in dataset.labels:
                raise unknown(f"class in {where}:", each, dataset.labels)
            if each in found:
                raise UserError(f"{where}: expected each class under one label, got {shown(each)} again")
            found[each] = place
    if missing := [each for each in dataset.labels if each not in found]:
        raise UserError(f"preprocess.further.{name}: expected a label for each class, got none for {shown(missing[0])}")
    task = "binary" if len(groups) == 2 else "multiclass"
    return Target(task=task, labels=[*groups], of_class=[found[each] for each in dataset.labels])
