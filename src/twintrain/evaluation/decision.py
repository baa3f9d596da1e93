"""Which of two trained networks to take, and why."""

from typing import Any

from twintrain.evaluation import digits
from twintrain.evaluation.equivalence import ALPHA
from twintrain.evaluation.measures import measure_of
from twintrain.settings.frameworks import TITLES
from twintrain.system.language import say

# A share of the mean absolute error that float32 sums in another order make in a training of some thousand steps.
ROUNDING = 1e-5
# Of two that cost alike, one may take some percent less in one process than in the next.
CHEAPER = 0.9


def decide(comparison: dict[str, Any], entries: dict[str, dict[str, Any]]) -> tuple[str, str]:
    """The winner, and one sentence that says why.

    The better one wins, if the difference is more than chance explains: that of the test rows, and with several seeds
    that of the seeds too. All else is a tie, and so is a difference within the margin (equivalence): then the cheaper
    one wins, by the latency of one row. Cost decides nothing where it was measured beside other work, or the interval
    of the ratio includes a tie, which is all that is less than a tenth: then it is the first one.

    Args:
        comparison: what `comparison` found of the first framework less the second.
        entries: by framework the figures of each, the first one first, with what `cost.measured_cost` found.

    Returns:
        the winner's name.
        reason: names both by their titles.
    """
    better = better_one(comparison)
    if better is None or comparison.get("equivalent"):
        winner, why = _cheaper(entries)
        return winner, say("A tie, {tie}; {why}.", tie=_why_tied(comparison, better), why=why)
    winner, loser = list(entries) if better == 0 else list(entries)[::-1]
    chance = say("on all the rows that there are")
    if is_tested(comparison):
        chance = say("more than {choice} explains", choice=choice(comparison))
        chance = say("{chance} and more than the seeds do", chance=chance) if "seeds" in comparison else chance
    advantage = _advantage(comparison, TITLES[loser])
    return winner, say(
        "{name} is better: {advantage}, {chance}.", name=TITLES[winner], advantage=advantage, chance=chance
    )


def alone(framework: str) -> tuple[str, str]:
    """What `decide` gives where there is nothing to compare with."""
    return framework, say("{name} was trained alone.", name=TITLES[framework])


def better_one(comparison: dict[str, Any]) -> int | None:
    """0 or 1, the one that is better by more than chance; None where neither is."""
    difference = gain(comparison)
    if not is_significant(comparison):
        return None
    if "seeds" in comparison:
        low, high = comparison["seeds"]["ci95"]
        mean = comparison["seeds"]["mean_difference"]
        if low <= 0 <= high or mean * measure_of(comparison).sign * difference < 0:
            return None
    return 0 if difference > 0 else 1


def is_significant(comparison: dict[str, Any]) -> bool:
    """Whether the difference is more than the choice of test rows explains; where these are all, than the margin."""
    if not gain(comparison):
        return False
    if not is_tested(comparison):
        return abs(comparison.get("relative_difference", gain(comparison))) > comparison["margin"]
    measure = measure_of(comparison)
    if measure.is_mean:
        return bool(ends := comparison[f"{measure.key}_ci95"]) and not ends[0] <= 0 <= ends[1]
    return comparison["mcnemar_p"] < ALPHA


def gain(comparison: dict[str, Any]) -> float:
    """By how much the first is better, as `measures.measure_of` has it; 0 for what is but rounding of a mean."""
    measure = measure_of(comparison)
    if measure.is_mean and abs(comparison["relative_difference"]) < ROUNDING:
        return 0.0
    return measure.sign * comparison[f"{measure.key}_difference"]


def is_tested(comparison: dict[str, Any]) -> bool:
    """Whether the rows are a sample, so that chance can be told."""
    return "mcnemar_p" in comparison or f"{measure_of(comparison).key}_ci95" in comparison


def has_no_interval(comparison: dict[str, Any]) -> bool:
    """Whether nothing is known of what chance did: of means that differ by as much on nearly all rows."""
    measure = measure_of(comparison)
    return measure.is_mean and is_tested(comparison) and comparison[f"{measure.key}_ci95"] is None


def why_no_interval(comparison: dict[str, Any]) -> str:
    """A clause."""
    if comparison.get("groups") == 1:
        return say("and one group of rows tells no interval")
    return say("by as much on nearly all test rows, which tells no interval")


def choice(comparison: dict[str, Any]) -> str:
    """Where the chance lies: `the choice of test rows`, or `the choice of the 20 test groups`."""
    if "groups" in comparison:
        return say("the choice of the {groups} test groups", groups=comparison["groups"])
    return say("the choice of test rows")


def margin_text(comparison: dict[str, Any], share: float) -> str:
    """A margin in words: `1.0 points`, or of means `1.0 % of the error`."""
    text = f"{100 * share:.6g}"
    text += "" if "." in text else ".0"
    measure = measure_of(comparison)
    if measure.is_mean:
        return say("{number} % of the {noun}", number=text, noun=say(measure.noun))
    return say("{number} points", number=text)


def _why_tied(comparison: dict[str, Any], better: int | None) -> str:
    if comparison.get("equivalent"):
        equal = say("equivalent within {margin}", margin=margin_text(comparison, comparison["margin"]))
        if "seeds" in comparison and not _seeds_are_equivalent(comparison["seeds"]):
            count = comparison["seeds"]["count"]
            equal = say(
                "{equal} with the first seed (over the {count} seeds that is not shown)", equal=equal, count=count
            )
        return say("{equal}, though the difference is more than chance", equal=equal) if better is not None else equal
    if not gain(comparison):
        return say("equally good")
    if not is_tested(comparison):
        margin = margin_text(comparison, comparison["margin"])
        return say("a difference of no more than {margin}", margin=margin)
    if has_no_interval(comparison):
        return say("a difference of which chance is not known, {why}", why=why_no_interval(comparison))
    if is_significant(comparison):
        return say("a difference of no more than the seeds explain")
    return say("a difference of no more than {choice} explains", choice=choice(comparison))


def _seeds_are_equivalent(seeds: dict[str, Any]) -> bool:
    return seeds["equivalence_p"] is not None and seeds["equivalence_p"] < ALPHA


def _cheaper(entries: dict[str, dict[str, Any]]) -> tuple[str, str]:
    first, second = entries
    latencies = [entries[name].get("latency_1_ms") for name in entries]
    if None in latencies or "latency_1_ratio_ci95" not in entries[first]:
        return first, say("no latencies are known, so the first one is taken, {name}", name=TITLES[first])
    if cheap := cheaper_one(entries):
        dear = second if cheap == first else first
        shown = {"cheap": TITLES[cheap], "dear": TITLES[dear], "times": _answers(entries, cheap, dear)}
        return cheap, say("{cheap} is cheaper than {dear}, {times}", **shown)
    why = say("since no difference of a tenth is shown ({times})", times=_answers(entries, first, second))
    if entries[first]["inference_loaded"]:
        why = other_work(entries[first])
    return first, say("cost decides nothing, {why}, so the first one is taken, {name}", why=why, name=TITLES[first])


def cheaper_one(entries: dict[str, dict[str, Any]]) -> str | None:
    """The one of two networks that takes a tenth less time for sure; None where neither does, or nothing can be told.

    Args:
        entries: by name what `cost.measured_cost` found.
    """
    for name, other in zip(entries, list(entries)[::-1], strict=True):
        _, high = entries[name]["latency_1_ratio_ci95"][other]
        if high <= CHEAPER and not entries[name]["inference_loaded"]:
            return name
    return None


def _answers(entries: dict[str, dict[str, Any]], name: str, other: str) -> str:
    """`0.5 ms a row against 1 ms, 48 to 52 % of it`."""
    low, high = (100 * end for end in entries[name]["latency_1_ratio_ci95"][other])
    its, others = (digits.milliseconds(entries[each]["latency_1_ms"]) for each in (name, other))
    shown = {"its": its, "others": others, "low": f"{low:.0f}", "high": f"{high:.0f}"}
    return say("{its} ms a row against {others} ms, {low} to {high} % of it", **shown)


def other_work(entry: dict[str, Any]) -> str:
    """`since other work kept 1.9 of 2 CPUs busy meanwhile`.

    Args:
        entry: the figures of a network.
    """
    busy, cpus = digits.tenths(entry["inference_load"]), entry["inference_cpus"]
    return say("since other work kept {busy} of {cpus} CPUs busy meanwhile", busy=busy, cpus=cpus)


def _advantage(comparison: dict[str, Any], loser: str) -> str:
    measure = measure_of(comparison)
    return say(measure.won, size=measure.text(abs(comparison[f"{measure.key}_difference"])), loser=loser)
