"""What two networks are compared by: the accuracy of classes, the error of numbers, the overlap of masks."""

from collections.abc import Collection
from dataclasses import dataclass

from twintrain.evaluation import digits
from twintrain.system.language import msg


@dataclass(frozen=True)
class Measure:
    """A score of networks, and the words for its differences.

    Attributes:
        key: of the differences in a comparison, KEY_difference and KEY_ci95.
        score: of a network in results/metrics.json.
        title: what it is called in a table.
        noun: what margins are a share of; of the accuracy, whose margins are in points, the accuracy itself.
        sign: 1 where more is better, −1 where less is.
        equal: what is said of two networks, {first} and {second}, with the same.
        better: of one, {name}, that is better by {size}.
        won: the same, of a winner against {loser}.
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
    *("accuracy", "eval_acc", msg("accuracy"), "accuracy", 1),
    equal=msg("{first} and {second} are equally accurate"),
    better=msg("{name} is {size} points more accurate"),
    won=msg("{size} points more accurate than {loser}"),
)
ERROR = Measure(
    *("mae", "mae", msg("mean absolute error"), msg("error"), -1),
    equal=msg("{first} and {second} err equally, but for rounding"),
    better=msg("{name} errs less by {size} in the mean"),
    won=msg("it errs by {size} less than {loser} in the mean"),
)
OVERLAP = Measure(
    *("iou", "iou", msg("mean IoU"), msg("IoU"), 1),
    equal=msg("{first} and {second} cover the masks equally, but for rounding"),
    better=msg("{name} covers the masks better, by {size} of IoU in the mean"),
    won=msg("its masks have {size} of IoU more than those of {loser} in the mean"),
)
MEASURES = (ACCURACY, ERROR, OVERLAP)


def measure_of(comparison: Collection[str]) -> Measure:
    """What two networks were compared by, from the names of what was found."""
    return next((measure for measure in MEASURES if f"{measure.key}_difference" in comparison), ACCURACY)
