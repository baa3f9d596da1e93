"""Train, validation and test rows."""

import numpy as np

from twintrain.data.parts import PARTS
from twintrain.errors import UserError
from twintrain.settings.sections.data import Split

MANY_ROWS = 1_000_000
# Of so many rows of a class, chance alone leaves each part its share.
ENOUGH_ROWS = 1000
# Rows of those of one to four inputs.
TRUTH_TABLES = (2, 4, 8, 16)


def split_rows(
    labels: np.ndarray,
    split: Split,
    part: np.ndarray | None = None,
    group: np.ndarray | None = None,
    time: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Draws the row numbers of each part, in ascending order: each class in equal shares, numbers at random.

    Of more than MANY_ROWS rows each one is drawn for itself, in little memory; the shares of a class of n rows are then
    met up to 1 / √n or so.

    Args:
        labels: int64 classes (rows,), or numbers (rows, outputs).
        split: how.
        part: "train" or "test" of each row, where upstream gives a test set; for `split.method: given`.
        group: int64, (rows,): rows of one number stay together; None: each row is on its own.
        time: float64, (rows,): older rows are trained on, newer ones tested; None: rows are drawn at random.

    Raises:
        UserError: a class has too few rows to be in all three parts, or no test rows are given.
    """
    if split.method == "same" and group is None and time is None:
        return dict.fromkeys(PARTS, np.arange(len(labels)))
    # Numbers are of one class: any row may be in any part.
    classes = labels if labels.ndim == 1 else np.zeros(len(labels), np.int8)
    if group is not None or time is not None:
        parts = _by_group(group, split) if time is None else _by_time(time, split)
        _check_classes_of(parts, classes, "split.time" if group is None else "split.group")
    elif len(labels) > MANY_ROWS and split.method == "stratified":
        parts = _by_lot(classes, split)
        _check_classes_of(parts, classes, "split")
    else:
        parts = _by_class(classes, split, part, has_classes=labels.ndim == 1)
    return _kept(parts, classes, split)


def _by_class(classes: np.ndarray, split: Split, part: np.ndarray | None, has_classes: bool) -> dict[str, np.ndarray]:
    """Draws rows of each class in equal shares, but for test rows that are given."""
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(classes))
    is_given = split.method == "given"
    if is_given and part is None:
        raise UserError(
            "split.method: given takes the test rows that a data set comes with, and this one has none; "
            "expected split.method: stratified"
        )
    try:
        if is_given:
            rest, test = rows[part == "train"], rows[part == "test"]
        else:
            rest, test = train_test_split(rows, test_size=split.test, stratify=classes, random_state=split.seed)
        share = split.val if is_given else split.val / (1 - split.test)
        train, val = train_test_split(rest, test_size=share, stratify=classes[rest], random_state=split.seed)
        parts = {"train": np.sort(train), "val": np.sort(val), "test": np.sort(test)}
    except ValueError:
        parts = {}
    different = len(np.unique(classes))
    if not parts or any(len(np.unique(classes[part])) < different for part in parts.values()):
        counts = np.bincount(classes)
        smallest = f" with {counts[counts > 0].min()} in the smallest class" if has_classes else ""
        raise UserError(
            f"split: expected {'every class' if smallest else 'rows'} in train, val and test, but {len(rows)} rows"
            f"{smallest} are too few for val: {split.val:g} and "
            f"test: {'as given' if is_given else format(split.test, 'g')}; {_mend(len(rows), has_classes)}"
        )
    return parts


def _mend(rows: int, has_classes: bool) -> str:
    """What to do about too few rows; a truth table has all rows that there are, a power of two."""
    if rows in TRUTH_TABLES:
        return "for truth tables there is split.method: same"
    return "expected larger shares or more rows" + (", or ingest.classes without that class" if has_classes else "")


def _kept(parts: dict[str, np.ndarray], classes: np.ndarray, split: Split) -> dict[str, np.ndarray]:
    """Draws `split.train_rows` of the training rows; the other parts stay."""
    rows, wanted, different = parts["train"], split.train_rows, len(np.unique(classes))
    if wanted is None:
        return parts
    if not different <= wanted <= len(rows):
        raise UserError(
            f"split.train_rows: expected from {different}, the number of classes, to {len(rows)}, all training rows; "
            f"got {wanted}"
        )
    return {**parts, "train": rows[sample(len(rows), classes[rows], wanted, split.seed)]}


def sample(rows: int, classes: np.ndarray | None, wanted: int, seed: int) -> np.ndarray:
    """Draws so many of the rows' numbers, in ascending order: each class in equal shares, as far as it has the rows.

    Of more than MANY_ROWS rows they are drawn whatever their class, in the memory of those that are drawn.

    Args:
        classes: of these rows; None: numbers are predicted.
    """
    from sklearn.model_selection import train_test_split

    if wanted >= rows:
        return np.arange(rows)
    if rows > MANY_ROWS:
        return np.sort(np.random.default_rng(seed).choice(rows, wanted, replace=False))
    try:
        drawn, _ = train_test_split(np.arange(rows), train_size=wanted, stratify=classes, random_state=seed)
    except ValueError:  # a class of one row, or fewer rows left out than there are classes
        drawn = np.random.default_rng(seed).permutation(rows)[:wanted]
    return np.sort(drawn)


def _by_lot(classes: np.ndarray, split: Split) -> dict[str, np.ndarray]:
    """Draws each row for itself, but for the rows of rare classes, which are dealt out by their shares."""
    rows = len(classes)
    generator = np.random.default_rng(split.seed)
    part = np.empty(rows, np.uint8)
    for start in range(0, rows, MANY_ROWS):
        lots = generator.random(min(MANY_ROWS, rows - start))
        # In the order of PARTS: above both shares, above that of test alone, below it.
        part[start : start + len(lots)] = (lots < split.test + split.val).astype(np.uint8) + (lots < split.test)
    counts = np.bincount(classes)
    for rare in np.flatnonzero((counts > 0) & (counts < ENOUGH_ROWS)):
        dealt = generator.permutation(np.flatnonzero(classes == rare))
        ends = np.cumsum([max(1, round(share * len(dealt))) for share in (split.test, split.val)])
        for place, cut in zip((2, 1, 0), np.split(dealt, ends), strict=True):
            part[cut] = place
    return {name: np.flatnonzero(part == place) for place, name in enumerate(PARTS)}


def _by_group(group: np.ndarray, split: Split) -> dict[str, np.ndarray]:
    """Draws groups; shares are of the groups, so those of the rows are met as far as groups are alike."""
    from sklearn.model_selection import GroupShuffleSplit

    rows, different = np.arange(len(group)), len(np.unique(group))
    if different < len(PARTS):
        raise UserError(f"split.group: expected at least {len(PARTS)} groups, one a part, got {different}")

    def drawn(rows: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
        different = len(np.unique(group[rows]))
        taken = min(max(round(share * different), 1), different - 1)
        shuffle = GroupShuffleSplit(1, test_size=taken, random_state=split.seed)
        first, second = next(shuffle.split(rows, groups=group[rows]))
        return rows[first], rows[second]

    rest, test = drawn(rows, split.test)
    train, val = drawn(rest, split.val / (1 - split.test))
    return {"train": np.sort(train), "val": np.sort(val), "test": np.sort(test)}


def _by_time(time: np.ndarray, split: Split) -> dict[str, np.ndarray]:
    """Cuts the rows in the order of time; rows of the same moment stay in the order of the file."""
    order, rows = np.argsort(time, kind="stable"), len(time)
    ends = [rows - round(rows * (split.val + split.test)), rows - round(rows * split.test)]
    return dict(zip(PARTS, map(np.sort, np.split(order, ends)), strict=True))


def _check_classes_of(parts: dict[str, np.ndarray], classes: np.ndarray, cause: str) -> None:
    there = np.bincount(classes) > 0
    for name, index in parts.items():
        found = np.bincount(classes[index], minlength=len(there)) > 0
        if (lacking := np.flatnonzero(there & ~found)).size:
            mend = "larger shares of split.val and split.test" + ("" if "time" in cause else ", or another split.seed")
            raise UserError(f"{cause} leaves no row of class number {lacking[0]} to {name}; expected {mend}")
