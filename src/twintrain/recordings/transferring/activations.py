"""Which of several layers of one shape is which, by what they compute where their order does not tell it."""

import itertools
from collections.abc import Callable, Iterator

import numpy as np

from twintrain.recordings.comparing.layer_pair import gap
from twintrain.recordings.comparing.side import Side
from twintrain.recordings.transferring.holders import Holder
from twintrain.recordings.transferring.pairing import Pairs

# What rounding in float32 may have grown to where two networks compute the same.
AGREE = 1e-3
# How many other orders are tried: each is a pass through the model.
MOST_TRIES = 60


def output_error(source: Side, target: Side) -> float:
    """The largest error of the model's outputs; inf where there are others, or of other shapes."""
    ours, theirs = source.recording.outputs, target.recording.outputs
    if len(ours) != len(theirs) or not ours:
        return np.inf
    return max(gap(source.tensor(a), target.tensor(b)) for a, b in zip(ours, theirs, strict=True))


def settled(
    source: Side,
    run: Callable[[Pairs], Side],
    holders: tuple[list[Holder], list[Holder]],
    pairs: Pairs,
    groups: list[Pairs],
) -> tuple[Pairs, float]:
    """The pairs with which the model gives what the source gave, and by how much it still differs.

    Other orders within groups of one shape are tried only where the rows are the recording's, and no layer gives
    another output for the same input: such a layer is another one in any order.

    Args:
        run: what the model computes with the weights of such pairs.
        groups: pairs that could be exchanged for each other.
    """
    target = run(pairs)
    error = output_error(source, target)
    if error <= AGREE or not _is_of_same_rows(source, target) or _differs_alone(source, target, holders, pairs):
        return pairs, error
    for tried in itertools.islice(_orders(pairs, groups), MOST_TRIES):
        found = output_error(source, run(tried))
        if found <= AGREE:
            return tried, found
    return pairs, error


def _is_of_same_rows(source: Side, target: Side) -> bool:
    ours, theirs = source.recording.inputs, target.recording.inputs
    return len(ours) == len(theirs) and all(
        gap(source.tensor(a), target.tensor(b)) <= AGREE for a, b in zip(ours, theirs, strict=True)
    )


def _differs_alone(source: Side, target: Side, holders: tuple[list[Holder], list[Holder]], pairs: Pairs) -> bool:
    """Whether the first pair of layers that part do so for the same input."""
    for ours, theirs in sorted(pairs, key=lambda pair: _place(holders[1][pair[1]])):
        places = holders[0][ours].place, holders[1][theirs].place
        if None in places:
            continue
        a, b = source.calls[places[0]], target.calls[places[1]]  # type: ignore[index]
        if not (a.inputs and b.inputs and a.outputs and b.outputs):
            continue
        if gap(source.tensor(a.inputs[0]), target.tensor(b.inputs[0])) > AGREE:
            return False
        if gap(source.tensor(a.outputs[0]), target.tensor(b.outputs[0])) > AGREE and a.op == b.op:
            return True
    return False


def _place(holder: Holder) -> float:
    return np.inf if holder.place is None else holder.place


def _orders(pairs: Pairs, groups: list[Pairs]) -> Iterator[Pairs]:
    """Pairs with one group in another order, then with all groups of one size in the same other order, then any."""
    sizes = sorted({len(group) for group in groups})
    alike = [[group for group in groups if len(group) == size] for size in sizes]
    for chosen in ([[group] for group in groups], alike):
        for together in chosen:
            for order in itertools.islice(itertools.permutations(range(len(together[0]))), 1, None):
                yield _exchanged(pairs, [(group, order) for group in together])
    for orders in itertools.product(*(itertools.permutations(range(len(group))) for group in groups)):
        yield _exchanged(pairs, list(zip(groups, orders, strict=True)))


def _exchanged(pairs: Pairs, orders: list[tuple[Pairs, tuple[int, ...]]]) -> Pairs:
    partners = dict(pairs)
    for group, order in orders:
        partners |= {ours: group[at][1] for (ours, _), at in zip(group, order, strict=True)}
    return sorted(partners.items())
