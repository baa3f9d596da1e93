"""Why running statistics part after the first step: momentum, the biased variance, and statistics that are kept."""

from collections.abc import Collection, Iterator

from twintrain.recordings.comparing.causes import Cause, named_pair
from twintrain.recordings.comparing.comparison import error
from twintrain.recordings.comparing.training.differences import Finding, cause_of, is_same, needed
from twintrain.recordings.comparing.training.pairs import STATISTICS, Pairs
from twintrain.recordings.comparing.training.trained import Trained
from twintrain.recordings.contents import Call

BOUND = {"float64": 1e-9, "float32": 1e-4}
# PyTorch's running variance is of the unbiased one; what normalises a batch is the biased one in both.
UNBIASED = {"torch": True, "keras": False}


def statistics_causes(sides: tuple[Trained, Trained], pairs: Pairs) -> Iterator[Cause]:
    """A cause for each batch norm whose statistics part, or are kept by one side alone."""
    for calls in pairs.calls:
        if calls[0].op == calls[1].op == "batch_norm" and all(set(STATISTICS) <= set(call.weights) for call in calls):
            cause = _kept(sides, calls) or _of_layer(sides, calls)
            if cause:
                yield cause


def _kept(sides: tuple[Trained, Trained], calls: tuple[Call, Call]) -> Cause | None:
    """The statistics of one side stay as they are."""
    moved = [
        max(
            error(side.weights(0)[call.weights[role]], side.weights(side.fit.steps[0])[call.weights[role]])
            for role in STATISTICS
        )
        for side, call in zip(sides, calls, strict=True)
    ]
    if all(moved) or not any(moved):
        return None
    at = 0 if moved[0] else 1
    trains = any(calls[at].weights.get(role) in sides[at].gradients for role in ("gamma", "beta"))
    saying = f"{sides[at].title}'s running statistics move, {sides[1 - at].title}'s are kept"
    if not trains:
        saying = f"it is frozen in both, and {saying}"
    finding = Finding("statistics kept" if trains else "frozen batch norm updates", saying, "with them kept")
    return cause_of(named_pair(calls[0].name, calls[1].name), [finding], moved[at], 0.0)


def _of_layer(sides: tuple[Trained, Trained], calls: tuple[Call, Call]) -> Cause | None:
    momenta = [call.options.get("momentum") for call in calls]
    recordings = [side.side.recording for side in sides]
    unbiased = [UNBIASED.get(each.framework, False) for each in recordings]
    if any(not isinstance(momentum, float) or momentum >= 1 for momentum in momenta):
        return None
    rows = [each.count_of_statistic(call, STATISTICS[0]) for each, call in zip(recordings, calls, strict=True)]
    before, after = (
        [[side.weights(at)[call.weights[role]] for role in STATISTICS] for side, call in zip(sides, calls, strict=True)]
        for at in (0, 1)
    )
    # Mean and biased variance of the reference's batch.
    batch = [(new - momenta[0] * old) / (1 - momenta[0]) for old, new in zip(before[0], after[0], strict=True)]
    batch[1] = batch[1] * _share(unbiased[0], rows[0]) ** -1

    def left(some: Collection[str]) -> float:
        kept = momenta["momentum" in some]
        given = batch[0], batch[1] * _share(unbiased["biased variance" in some], rows[1])
        expected = [kept * old + (1 - kept) * new for old, new in zip(before[1], given, strict=True)]
        return max(error(a, b) for a, b in zip(after[1], expected, strict=True))

    names = [] if is_same(*momenta) else ["momentum"]
    names += ["biased variance"] if unbiased[0] != unbiased[1] else []
    bound = BOUND[sides[0].pass_]
    if left(()) <= bound or (found := needed(names, left, bound)) is None:
        return None
    findings = [_finding(sides, name, momenta, unbiased[1]) for name in found]
    return cause_of(named_pair(calls[0].name, calls[1].name), findings, left(()), left(found))


def _finding(sides: tuple[Trained, Trained], name: str, momenta: list[float], is_other_unbiased: bool) -> Finding:
    titles = sides[0].title, sides[1].title
    if name == "momentum":
        saying = f"{titles[1]} has momentum {momenta[1]:.6g}, {titles[0]} {momenta[0]:.6g}"
        saying += " (the share of the old statistics that is kept)"
        return Finding("momentum of statistics", saying, "with the same momentum")
    at = 1 if is_other_unbiased else 0
    saying = f"{titles[at]} keeps the unbiased variance, {titles[1 - at]} the biased one"
    return Finding("biased variance", saying, "with the same")


def _share(is_unbiased: bool, rows: int) -> float:
    """What the variance that is kept is of the biased one."""
    return rows / (rows - 1) if is_unbiased and rows > 1 else 1.0
