"""What a comparison found, in sentences: the same on the terminal, in reports and in notes."""

from typing import Any

from twintrain.evaluation import digits
from twintrain.evaluation.decision import (
    choice,
    gain,
    has_no_interval,
    is_significant,
    is_tested,
    margin_text,
    why_no_interval,
)
from twintrain.evaluation.equivalence import ALPHA
from twintrain.evaluation.measures import ERROR, Measure, measure_of
from twintrain.system.language import say

# Of fewer test rows nothing that is said is a result.
FEW_ROWS = 50


def verdict(comparison: dict[str, Any], first: str, second: str) -> str:
    """Which trained network is better, whether chance explains it, whether the two are equivalent.

    One sentence of the trained networks, and with several seeds another of the trainings.

    Args:
        comparison: an entry `comparison` of results/metrics.json.
        first, second: titles of the frameworks.
    """
    found = [_difference(comparison, first, second), _equivalence(comparison), _agreement(comparison)]
    sentences = [_warning(comparison) + "; ".join(filter(None, found)) + "."]
    if "seeds" in comparison:
        sentences.append(_over_seeds(comparison, first, second))
    return " ".join(sentences)


def against_baseline(comparisons: dict[str, dict[str, Any]], baseline: str) -> str:
    """One sentence: by how much networks are better than a baseline, or that they are not.

    Args:
        comparisons: what `compare_with_baseline` found of each network, by its title, less the baseline.
    """
    unit = _unit(measure_of(next(iter(comparisons.values()))))
    standings = "; ".join(f"{title} {_standing(found)}" for title, found in comparisons.items())
    found = next(iter(comparisons.values()))
    shown = {"baseline": baseline, "unit": unit, "standings": standings}
    said = say("Against the baseline, {baseline}, in {unit}: {standings}.", **shown)
    if "rows" in found:
        said = say(
            "Against the baseline, {baseline}, on {rows}, in {unit}: {standings}.", rows=_test_rows(found), **shown
        )
    return f"{warning}{said[0].lower()}{said[1:]}" if (warning := _warning(found)) else said


def _unit(measure: Measure) -> str:
    if not measure.is_mean:
        return say("points of accuracy")
    title = say(measure.title)
    return say("{title}, less is better", title=title) if measure is ERROR else title


def _warning(comparison: dict[str, Any]) -> str:
    is_few = is_tested(comparison) and comparison.get("rows", FEW_ROWS) < FEW_ROWS
    return say("{rows} test rows are too few to tell much: ", rows=comparison["rows"]) if is_few else ""


def _test_rows(comparison: dict[str, Any]) -> str:
    """`the 154 test rows`; results of version 0.1.0 do not say how many they are."""
    return (
        say("the {rows} test rows", rows=digits.count(comparison["rows"]))
        if "rows" in comparison
        else say("the test rows")
    )


def _difference(comparison: dict[str, Any], first: str, second: str) -> str:
    """`Keras is 3.00 points more accurate (95 % interval 1.10 to 4.90), more than the choice …`."""
    measure, better = measure_of(comparison), gain(comparison)
    if not better:
        return say(measure.equal, first=first, second=second)
    said = say(measure.better, name=first if better > 0 else second, size=measure.text(abs(better)))
    if not is_tested(comparison):
        return said
    if has_no_interval(comparison):
        return f"{said}, {why_no_interval(comparison)}"
    ends = comparison[f"{measure.key}_ci95"]
    # From the better one's side: where the first one's error is less, or it is less accurate, the signs change.
    ends = ends if comparison[f"{measure.key}_difference"] > 0 else [-end for end in ends][::-1]
    low, high = map(measure.text, ends)
    interval = say("95 % interval {low} to {high}", low=low, high=high)
    test = "" if measure.is_mean else f" (McNemar p {_p(comparison['mcnemar_p'], 3)})"
    shown = {"said": said, "interval": interval, "choice": choice(comparison), "test": test}
    if is_significant(comparison):
        return say("{said} ({interval}), more than {choice} explains{test}", **shown)
    return say("{said} ({interval}), no more than {choice} explains{test}", **shown)


def _equivalence(comparison: dict[str, Any]) -> str:
    """`equivalent within 1.0 points (TOST p = 0.0031)`."""
    return _tost(comparison, comparison, say("test rows")) if "equivalence_p" in comparison else ""


def _tost(comparison: dict[str, Any], tested: dict[str, Any], drawn: str) -> str:
    margin = margin_text(comparison, comparison["margin"])
    p = tested["equivalence_p"]
    if p is not None and p < ALPHA:
        return say("equivalent within {margin} (TOST p {p})", margin=margin, p=_p(p, 2))
    why = f"TOST p {_p(p, 2)}" if p is not None else say("two {drawn} never show it", drawn=drawn)
    said = say("not shown to be equivalent within {margin} ({why})", margin=margin, why=why)
    if is_significant(comparison) or "equivalence_needs" not in tested:
        return said
    needed = digits.rounded_count(tested["equivalence_needs"])
    shown = {"said": said, "needed": needed, "drawn": drawn}
    return say("{said}: that would take about {needed} {drawn}, were they equally good", **shown)


def _p(p: float, places: int) -> str:
    shown = digits.p_value(p, places)
    return shown if shown.startswith("<") else f"= {shown}"


def _agreement(comparison: dict[str, Any]) -> str:
    if measure_of(comparison).is_mean:
        size = digits.measured(comparison["largest_prediction_difference"], 3)
        return say("their predictions of {rows} differ by {size} at most", rows=_test_rows(comparison), size=size)
    kappa = f" (kappa {comparison['kappa']:.3f})" if "kappa" in comparison else ""
    agreement = comparison["agreement"]
    # 100.0% are all rows, and not all but a few.
    share = say("more than 99.9%") if 0.9995 <= agreement < 1 else f"{agreement:.1%}"
    return say("they agree on {share} of {rows}{kappa}", share=share, rows=_test_rows(comparison), kappa=kappa)


def _over_seeds(comparison: dict[str, Any], first: str, second: str) -> str:
    """`Over 3 seeds (…): PyTorch 95.20 ± 0.30 and Keras 95.00 ± 0.40, a difference of +0.20 (95 % interval …)`."""
    seeds, measure = comparison["seeds"], measure_of(comparison)
    scores = [
        f"{title} {measure.text(seeds[f'{which}_mean'])} ± {measure.text(seeds[f'{which}_std'])}"
        for title, which in ((first, "first"), (second, "second"))
    ]
    what = say(measure.title) if measure.is_mean else say("accuracy in %")
    mean, low, high = (measure.text(value, signed=True) for value in (seeds["mean_difference"], *seeds["ci95"]))
    shown = {"count": seeds["count"], "what": what, "first": scores[0], "second": scores[1]}
    return say(
        "Over {count} seeds (mean ± deviation of the {what}): {first} and {second}, a difference of {mean} "
        "(95 % interval {low} to {high}, paired by seed); {equivalence}.",
        **shown,
        mean=mean,
        low=low,
        high=high,
        equivalence=_tost(comparison, seeds, say("seeds")),
    )


def _standing(comparison: dict[str, Any]) -> str:
    """`+3.00 (95 % interval +1.40 to +4.60), better`."""
    measure = measure_of(comparison)
    difference, interval = comparison[f"{measure.key}_difference"], comparison.get(f"{measure.key}_ci95")
    standing = say("better") if measure.sign * difference > 0 else say("worse") if difference else say("equal")
    if has_no_interval(comparison):
        return f"{measure.text(difference, signed=True)}, {why_no_interval(comparison)}"
    if interval is None:
        return f"{measure.text(difference, signed=True)}, {standing}"
    low, high = interval
    if low == high == 0:
        return say("does as well on every one of them")  # so that no sample of them has a spread
    if low <= 0 <= high:
        standing = say("no difference shown")
        if difference:
            standing = say("no more than {choice} explains", choice=choice(comparison))
    value, low, high = (measure.text(each, signed=True) for each in (difference, low, high))
    return say(
        "{value} (95 % interval {low} to {high}), {standing}", value=value, low=low, high=high, standing=standing
    )
