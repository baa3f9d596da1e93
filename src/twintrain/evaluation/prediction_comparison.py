"""Two models' predictions of the same rows: by how much one is better, and what of it chance explains."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from twintrain.errors import UserError, shown
from twintrain.evaluation import digits
from twintrain.evaluation.comparison import (
    classes_of,
    compare_networks,
    cross_entropies,
)
from twintrain.evaluation.decision import better_one
from twintrain.evaluation.given_predictions import codes, given_predictions
from twintrain.evaluation.mean_comparison import Predictions, absolute_errors, root_mean_square
from twintrain.evaluation.paired_accuracy import effective_counts, exact_p_value
from twintrain.evaluation.sampling import Sampling
from twintrain.evaluation.scores import area_under_roc
from twintrain.evaluation.seed_comparison import compare_seeds
from twintrain.evaluation.verdict import verdict

MARGIN = 0.01
# The key of each score's difference and interval in what `compare_networks` finds.
KEYS = {"accuracy": "accuracy", "AUC": "auc", "cross entropy": "loss", "MAE": "mae", "RMSE": "rmse"}


@dataclass(frozen=True)
class Score:
    """A score of both models.

    Attributes:
        difference: first less second.
        ci95: 95 % interval of the difference over the choice of rows; None where there is none.
    """

    name: str
    first: float
    second: float
    difference: float
    ci95: list[float] | None


@dataclass(frozen=True)
class PredictionComparison:
    """What two models' predictions tell of the models.

    Attributes:
        names: how the two are called.
        verdict: which is better, whether chance explains it, whether they are equivalent within the margin; one
            sentence, and with several seeds another.
        scores: of classes accuracy, of probabilities AUC and cross entropy (nats) too, of numbers MAE and RMSE.
        figures: all that was found, by the names of docs/comparison.md; `mcnemar_exact_p` of rows without groups.
    """

    names: tuple[str, str]
    verdict: str
    scores: list[Score]
    figures: dict[str, Any]

    @property
    def equivalent(self) -> bool:
        """Whether they are shown to be equally good within the margin (TOST); of a single row they never are."""
        return bool(self.figures.get("equivalent"))

    @property
    def better(self) -> str | None:
        """The one that is better by more than chance and more than the margin explain; None where neither is."""
        place = None if self.equivalent else better_one(self.figures)
        return None if place is None else self.names[place]

    @property
    def differs(self) -> bool:
        """Whether a difference is shown; that none is does not show that there is none (`equivalent`)."""
        return self.better is not None

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain values for JSON."""
        said = {"differs": self.differs, "better": self.better, "equivalent": self.equivalent}
        return {**dataclasses.asdict(self), **said}

    def __str__(self) -> str:
        cells = [("", *self.names, "difference", "95 % interval")]
        for score in self.scores:
            ends = "" if score.ci95 is None else " to ".join(map(digits.difference, score.ci95))
            both = (digits.measured(value, 6) for value in (score.first, score.second))
            cells.append((score.name, *both, digits.difference(round(score.difference, 12)), ends))
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in cells]
        return "\n".join([self.verdict, "", *lines, "", *_tests(self.figures)])


def compare_predictions(
    labels: Any,
    a: Any,
    b: Any,
    *,
    groups: Any = None,
    seeds: Sequence[tuple[Any, Any]] = (),
    margin: float = MARGIN,
    names: tuple[str, str] = ("a", "b"),
) -> PredictionComparison:
    """Compares what two models predict of the same rows, none of which either was trained on.

    Args:
        labels: (rows,) of integers, booleans or words: classes; of floats, (rows,) or (rows, outputs): numbers.
        a, b: of each model, of classes either these (rows,), or probabilities (rows, classes), or those of the second
            of two classes (rows,); of numbers, numbers of the shape of the labels.
        groups: (rows,), integers or words; rows of one group were drawn together (a patient, a day).
        seeds: of more trainings of both that differ in their seed alone, the predictions of the same rows, in pairs.
        margin: below 1; accuracies that differ by less count as equal; of numbers, a share of the smaller error.
        names: how the two are called.

    Raises:
        UserError: arrays do not fit each other, have numbers that are not finite, or are of another kind.
    """
    if not isinstance(margin, int | float) or not 0 < margin < 1:
        raise UserError(f"margin is {shown(margin)}; expected a share above 0 and below 1")
    pair = given_predictions(labels, a, b, names)
    rows = len(pair[0]["label"])
    sampling = Sampling(groups=None if groups is None else codes(groups, "groups", rows))
    figures = compare_networks(*pair, margin, sampling)
    if "mcnemar_p" in figures and groups is None:
        figures["mcnemar_exact_p"] = exact_p_value(figures["only_first_right"], figures["only_second_right"])
    if not all(isinstance(each, list | tuple) and len(each) == 2 for each in seeds):
        raise UserError("seeds are no pairs; expected a list of the predictions (a, b) of each further training")
    more = [
        given_predictions(labels, *each, (f"{names[0]} of seed {at}", f"{names[1]} of seed {at}"))
        for at, each in enumerate(seeds, 1)
    ]
    if more:
        figures["seeds"] = _over_seeds([pair, *more], margin, sampling)
    return PredictionComparison(names, verdict(figures, *names), _scores(pair, figures), figures)


def _over_seeds(pairs: list[tuple[Predictions, Predictions]], margin: float, sampling: Sampling) -> Any:
    is_of_numbers = "prediction" in pairs[0][0]
    name = "mae" if is_of_numbers else "eval_acc"
    sides = [
        [{"seed": seed, name: _main_score(found)} for seed, found in enumerate(side)]
        for side in zip(*pairs, strict=True)
    ]
    rows = None
    if not is_of_numbers:
        right = [classes_of(found) == found["label"] for found in pairs[0]]
        rows = effective_counts(*right, sampling).rows
    return compare_seeds(*sides, name, margin, rows)


def _main_score(found: Predictions) -> float:
    if "prediction" in found:
        return float(absolute_errors(found["prediction"], found["label"]).mean())
    return float((classes_of(found) == found["label"]).mean())


def _scores(pair: tuple[Predictions, Predictions], figures: dict[str, Any]) -> list[Score]:
    ours, theirs = (_scores_of(found) for found in pair)
    return [
        Score(name, ours[name], theirs[name], figures[f"{key}_difference"], figures.get(f"{key}_ci95"))
        for name, key in KEYS.items()
        if name in ours and f"{key}_difference" in figures
    ]


def _scores_of(found: Predictions) -> dict[str, float]:
    labels = found["label"]
    if "prediction" in found:
        return {"MAE": _main_score(found), "RMSE": root_mean_square(found["prediction"], labels)}
    scores = {"accuracy": _main_score(found)}
    if "probability" in found:
        area = area_under_roc(found["probability"], labels)
        scores |= {} if area is None else {"AUC": area}
        scores["cross entropy"] = float(cross_entropies(found["probability"], labels).mean())
    return scores


def _tests(figures: dict[str, Any]) -> list[str]:
    groups = f" in {figures['groups']:,} groups" if "groups" in figures else ""
    found = [f"{figures['rows']:,} rows{groups}"]
    if "mcnemar_p" in figures:
        exact = f" (exact {digits.p_value(figures['mcnemar_exact_p'])})" if "mcnemar_exact_p" in figures else ""
        counts = f"right for one alone: {figures['only_first_right']:,} and {figures['only_second_right']:,}"
        found += [counts, f"McNemar p {digits.p_value(figures['mcnemar_p'])}{exact}"]
    if "equivalence_p" in figures:
        margin = f"margin {figures['margin']:g}, equivalent within {digits.measured(figures['equivalent_within'], 3)}"
        found.append(f"TOST p {digits.p_value(figures['equivalence_p'])} at {margin}")
    return ["; ".join(found)]
