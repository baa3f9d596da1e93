"""Which holder of weights of one model is which of another."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from twintrain.errors import UserError, cut, did_you_mean
from twintrain.recordings.comparing.matching import aligned
from twintrain.recordings.transferring.holders import ALONE, Holder, bare, is_optional, plain_name

Pairs = list[tuple[int, int]]
# What a pair is worth: that it fits, that both have the same arrays, that both have one name.
FITS, SAME_ARRAYS, SAME_NAME = 1.0, 0.5, 0.25


def pair(
    source: Sequence[Holder],
    target: Sequence[Holder],
    colours: tuple[Sequence[int], Sequence[int]],
    given: Mapping[str, str],
) -> Pairs:
    """Pairs places of the source's holders with places of the target's.

    What lies in the graph where nothing else does goes by that. The others of one kind and shape go by their names
    where all of them have the same ones on both sides, else by their order; what is left then goes in any order.

    Args:
        colours: numbers of where holders lie, see `places.colours`.
        given: names of the target's layers by those of the source's, which go before all else.

    Raises:
        UserError: there is no layer of such a name, or the two do not fit.
    """
    found = _given(source, target, given)
    found += _by_places(source, target, colours, found)
    found += _by_names(source, target, found)
    while added := _by_order(source, target, found):
        found += added
    return sorted(found)


def groups(
    source: Sequence[Holder],
    target: Sequence[Holder],
    pairs: Pairs,
    colours: tuple[Sequence[int], Sequence[int]],
    given: Mapping[str, str],
) -> list[Pairs]:
    """Pairs that could be exchanged for each other, by kind and shape, where neither user, names nor places tell."""
    found: dict[tuple[object, ...], Pairs] = defaultdict(list)
    named = {plain_name(name) for name in given} | {plain_name(name) for name in given.values()}
    for ours, theirs in pairs:
        names = {plain_name(source[ours].name), plain_name(target[theirs].name)}
        is_placed = colours[0][ours] == colours[1][theirs] and colours[0].count(colours[0][ours]) == 1
        if len(names) > 1 and not names & named and not is_placed:
            found[source[ours].signature].append((ours, theirs))
    return [group for group in found.values() if len(group) > 1]


def fits(a: Holder, b: Holder) -> bool:
    """Whether arrays of one could be those of the other."""
    if a.family == b.family == ALONE:
        return bare(*a.arrays.values()) == bare(*b.arrays.values())
    common = a.arrays.keys() & b.arrays.keys()
    needed = [{role for role in each.arrays if not is_optional(role)} for each in (a, b)]
    same = all(bare(a.arrays[role]) == bare(b.arrays[role]) for role in common)
    return a.family == b.family and bool(common) and needed[0] == needed[1] and same


def _given(source: Sequence[Holder], target: Sequence[Holder], given: Mapping[str, str]) -> Pairs:
    found: Pairs = []
    for ours, theirs in given.items():
        places = []
        for name, side, whose in ((ours, source, "recording"), (theirs, target, "model")):
            places.append([at for at, holder in enumerate(side) if holder.name == name])
            if not places[-1]:
                known = did_you_mean(name, {holder.name for holder in side})
                raise UserError(f"pairs: the {whose} has no layer with weights called '{cut(name)}'{known}")
        for a, b in zip(*places, strict=False):
            if not fits(source[a], target[b]):
                words = (f"{each.name} ({each.family}, {_shapes(each)})" for each in (source[a], target[b]))
                raise UserError(f"pairs: {' and '.join(words)} do not fit; expected one kind and one shape")
            found.append((a, b))
    return found


def _shapes(holder: Holder) -> str:
    return ", ".join(f"{role} {array.shape}" for role, array in holder.arrays.items())


def _left(source: Sequence[Holder], target: Sequence[Holder], found: Pairs) -> tuple[list[int], list[int]]:
    taken = [{pair[at] for pair in found} for at in (0, 1)]
    return tuple([at for at in range(len(side)) if at not in taken[k]] for k, side in enumerate((source, target)))  # type: ignore[return-value]


def _by_places(
    source: Sequence[Holder], target: Sequence[Holder], colours: tuple[Sequence[int], Sequence[int]], found: Pairs
) -> Pairs:
    """Those of which each side has one of a colour."""
    ours, theirs = (
        {colours[k][at]: at for at in left if [colours[k][other] for other in left].count(colours[k][at]) == 1}
        for k, left in enumerate(_left(source, target, found))
    )
    return [
        (at, theirs[colour])
        for colour, at in ours.items()
        if colour in theirs and fits(source[at], target[theirs[colour]])
    ]


def _by_names(source: Sequence[Holder], target: Sequence[Holder], found: Pairs) -> Pairs:
    """Of each kind and shape all, where names tell them apart and are the same on both sides."""
    sides: list[dict[tuple[object, ...], list[int]]] = [defaultdict(list), defaultdict(list)]
    for by_signature, side, left in zip(sides, (source, target), _left(source, target, found), strict=True):
        for at in left:
            by_signature[side[at].signature].append(at)
    added: Pairs = []
    for signature, ours in sides[0].items():
        theirs = sides[1].get(signature, [])
        named = [
            {plain_name(side[at].name): at for at in places} for side, places in ((source, ours), (target, theirs))
        ]
        if len(ours) == len(theirs) == len(named[0]) and named[0].keys() == named[1].keys():
            added += [(at, named[1][name]) for name, at in named[0].items()]
    return [(a, b) for a, b in added if fits(source[a], target[b])]


def _by_order(source: Sequence[Holder], target: Sequence[Holder], found: Pairs) -> Pairs:
    """As many as can be paired in their order on both sides."""
    ours, theirs = _left(source, target, found)
    scores = np.array([[_score(source[a], target[b]) for b in theirs] for a in ours]).reshape(len(ours), len(theirs))
    return [(ours[a], theirs[b]) for a, b in aligned(scores)]


def _score(a: Holder, b: Holder) -> float:
    if not fits(a, b):
        return 0.0
    same_arrays, same_name = a.arrays.keys() == b.arrays.keys(), plain_name(a.name) == plain_name(b.name)
    return FITS + SAME_ARRAYS * same_arrays + SAME_NAME * same_name
