"""What two networks are compared by: the accuracy of classes, the error of numbers, the overlap of masks."""

from collections.abc import Collection
from dataclasses import dataclass

from twintrain.evaluation import digits


@dataclass(frozen=True)
class Measure:
    """A score of networks, and the words for its differences.

    Attributes:
        key: of the differences in a comparison, KEY_difference and KEY_ci95.
        score: of a network in results/metrics.json.
        title: what it is called in a table.
        noun: what margins are a share of; of the accuracy, whose margins are in points, the accuracy itself.
        sign: 1 where more is better, −1 where less is.
        equal: two networks with the same.
        better: one that is better by a size.
        won: the same, said of a winner against a loser.
    """

    key: str
    score: str
    title: str
    noun: str
    sign: int
    equal: str
    better: str
    won: str

    @property
    def is_mean(self) -> bool:
        """Whether it is a mean of numbers of the rows, which are told as they are; else a count of rows, in points."""
        return self is not ACCURACY

    def text(self, value: float, signed: bool = False) -> str:
        """A value or difference: an accuracy in points, others in three digits."""
        return digits.measured(value, 3, signed) if self.is_mean else digits.points(value, signed)


ACCURACY = Measure(
    *("accuracy", "eval_acc", "accuracy", "accuracy", 1),
    equal="are equally accurate",
    better="is {} points more accurate",
    won="{} points more accurate than {}",
)
ERROR = Measure(
    *("mae", "mae", "mean absolute error", "error", -1),
    equal="err equally, but for rounding",
    better="errs less by {} in the mean",
    won="it errs by {} less than {} in the mean",
)
OVERLAP = Measure(
    *("iou", "iou", "mean IoU", "IoU", 1),
    equal="cover the masks equally, but for rounding",
    better="covers the masks better, by {} of IoU in the mean",
    won="its masks have {} of IoU more than those of {} in the mean",
)
MEASURES = (ACCURACY, ERROR, OVERLAP)


def measure_of(comparison: Collection[str]) -> Measure:
    """What two networks were compared by, from the names of what was found."""
    return next((measure for measure in MEASURES if f"{measure.key}_difference" in comparison), ACCURACY)
