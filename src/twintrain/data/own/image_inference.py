"""What a folder of images that nobody described seems to hold."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from twintrain.data.files import folders_in
from twintrain.data.own.class_counts import (
    CLASS_ROWS,
    count_text,
    frequent,
    imbalance_note,
    left_out,
    named,
    near_names_note,
    rare_note,
)
from twintrain.data.own.found import Found, task_of
from twintrain.data.readers.image_folders import Place, find_folders, place_of
from twintrain.data.readers.images import files_of
from twintrain.errors import UserError

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff")
TARGET = "label"
# The longer side of the usual image, at most.
LARGEST_SIDE = 64
GREY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B", "F")
# Of a class: one to train on and one to validate on.
LEAST_TO_TRAIN_ON = 2
# Of the files that are no images.
LISTED = 3
BESIDE = "expected all images below the folders of parts, or none"
SAY = "--folders says how folders are meant: class, part/class, any/class, …"


@dataclass
class _Gathered:
    """What lies in a folder or an archive.

    Attributes:
        names: of the images.
        sizes: (height, width) of each.
        unreadable: the other files, with why they are no images.
        empty: folders, as if a file lay in each.
        twice: names of images with the same bytes, of which the first was there before.
    """

    names: list[PurePosixPath] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    modes: set[str] = field(default_factory=set)
    unreadable: list[tuple[PurePosixPath, str]] = field(default_factory=list)
    empty: list[PurePosixPath] = field(default_factory=list)
    twice: list[tuple[PurePosixPath, PurePosixPath]] = field(default_factory=list)


def infer_images(path: Path, folders: str | None = None) -> Found:
    """Looks at the names of all images and at their headers: classes, parts, usual size, grey or colour.

    Args:
        path: a folder, or an archive.
        folders: what the levels of folders are, as `image_folders` has it; None: as it seems.

    Raises:
        UserError: no images, images outside of class folders, or fewer than two classes of enough images.
    """
    gathered = _gather(path)
    levels = folders or find_folders(gathered.names)
    places = [place_of(name, levels) for name in gathered.names]
    _check_places(path, gathered, places, is_guess=folders is None)
    counts = Counter(place.label for place in places if place.label)
    parts = Counter(place for place in places if place.label)
    has_test = any(place.part == "test" for place in parts)
    labels = [label for label in frequent(counts) if not has_test or not _lacking(label, parts)]
    notes = [
        *near_names_note(sorted(counts)),
        *_class_notes(counts, parts, has_test),
        *_empty_notes(gathered, levels, counts),
        *_loose_notes(gathered.names, places, has_test),
    ]
    if len(labels) < 2:
        found = ", ".join(f"{label}: {counts[label]:,}" for label in sorted(counts))
        raise UserError(
            f"{path}: expected at least two classes of {CLASS_ROWS} images, got {found}; "
            f"{'; '.join(notes)}; folders were taken as {levels}: {SAY}"
        )
    kept = sum(counts[label] for label in labels)
    shape = [*_usual_size(gathered.sizes), 1 if gathered.modes <= set(GREY_MODES) else 3]
    return Found(
        description={
            "task": task_of(labels),
            "format": "images",
            "folders": levels,
            "target": TARGET,
            "labels": labels,
            "image_shape": shape,
        },
        rows=kept,
        lines=[
            ("images", _shape_text(shape), _sizes_text(gathered.sizes)),
            *((label, "class", _counts_text(label, parts)) for label in labels),
        ],
        warnings=[
            *_unreadable_notes(gathered.unreadable),
            *notes,
            *imbalance_note(counts, labels, "image"),
            *_nested_notes(gathered.names, levels),
            *_val_notes(parts, has_test),
            *_twice_notes(gathered.twice, levels),
        ],
        smallest_class=min(counts[label] for label in labels),
        bad_rows=len(gathered.unreadable) + len(places) - kept,
        has_test=has_test,
        assumed=[] if folders else [_assumption(gathered.names, places, labels, levels)],
    )


def _gather(path: Path) -> _Gathered:
    # Imports Pillow, half of whose time is that of its formats.
    from twintrain.data.readers.image_header import BadImageError, image_header

    found, seen = _Gathered(), {}
    for name, content in files_of([path]):
        try:
            with image_header(content) as image:
                found.sizes.append(image.size[::-1])
                found.modes.add(image.mode)
        except BadImageError as error:
            found.unreadable.append((name, str(error)))
            continue
        found.names.append(name)
        first = seen.setdefault(hashlib.blake2b(content, digest_size=16).digest(), name)
        if first is not name and first.parent != name.parent:
            found.twice.append((first, name))
    if path.is_dir():
        found.empty = [PurePosixPath(folder.relative_to(path).as_posix(), "file") for folder in folders_in(path)]
    return found


def _check_places(path: Path, gathered: _Gathered, places: list[Place], is_guess: bool) -> None:
    if not places:
        reasons = "".join(f"; {name} {reason}" for name, reason in gathered.unreadable[:1])
        raise UserError(f"{path}: expected images in at least two folders, one a class, got no images{reasons}")
    if not any(place.label for place in places):
        raise UserError(f"{path}: expected a folder a class, got '{gathered.names[0]}' outside of them; {SAY}")
    there = dict.fromkeys(place.part for place in places if place.label)
    if "test" in there and "" in there:
        beside = next(name for name, place in zip(gathered.names, places, strict=True) if place == (place.label, ""))
        raise UserError(f"{path}: {BESIDE}, got '{beside}'; {SAY}")
    classes = {place.label for place in places}
    called = {place_of(PurePosixPath(label, "file"), "part").part for label in classes} - {""}
    if is_guess and called >= {"train", "test"}:
        beside = next(label for label in sorted(classes) if label)
        raise UserError(f"{path}: {BESIDE}, got {named(sorted(classes - {''}))} side by side; {SAY}")


def _lacking(label: str, parts: Counter[Place]) -> str:
    """Of which part a class has too few images, where test images are given."""
    if not parts[Place(label, "test")]:
        return "test"
    trained = sum(rows for place, rows in parts.items() if place.label == label and place.part != "test")
    return "train" if trained < LEAST_TO_TRAIN_ON else ""


def _class_notes(counts: Counter[str], parts: Counter[Place], has_test: bool) -> list[str]:
    notes = rare_note(counts, "image")
    lacking = {label: _lacking(label, parts) if has_test else "" for label in frequent(counts)}
    for part, least in (("test", 1), ("train", LEAST_TO_TRAIN_ON)):
        labels = [label for label in lacking if lacking[label] == part]
        notes += left_out(labels, counts, f"of fewer than {count_text(least, 'image')} in {part}", "image")
    return notes


def _empty_notes(gathered: _Gathered, levels: str, counts: Counter[str]) -> list[str]:
    others = [*gathered.empty, *(name for name, _ in gathered.unreadable)]
    labels = sorted({place_of(name, levels).label for name in others} - {*counts, ""})
    return [f"{label} has no images" for label in labels]


def _loose_notes(names: list[PurePosixPath], places: list[Place], has_test: bool) -> list[str]:
    """Images in no class folder: they have no label."""
    loose = [(name, place.part) for name, place in zip(names, places, strict=True) if not place.label]
    if not loose:
        return []
    said = f"{count_text(len(loose), 'image')} in no class folder set aside ({named(str(name) for name, _ in loose)})"
    if not any(part == "test" for _, part in loose):
        return [said]
    drawn = "" if has_test else ", and test rows are drawn from the others"
    return [
        f"{said}: without a class they cannot be tested on{drawn}; put them into a folder of their own, which "
        "python -m pipelines.predict --input FOLDER --output classes.csv tells the classes of after training"
    ]


def _nested_notes(names: list[PurePosixPath], levels: str) -> list[str]:
    depth = len(levels.split("/"))
    deeper = sorted({name.parent.parts[depth] for name in names if len(name.parent.parts) > depth})
    if not deeper:
        return []
    inner = "/".join([*("part" if level == "part" else "any" for level in levels.split("/")), "class"])
    return [
        f"class folders hold folders ({named(deeper)}), whose images are of the outer class; "
        f"--folders {inner} makes the inner ones classes"
    ]


def _val_notes(parts: Counter[Place], has_test: bool) -> list[str]:
    rows = sum(count for place, count in parts.items() if place.part == "val")
    if not rows:
        return []
    drawn = "validation rows are" if has_test else "validation and test rows are"
    return [f"{count_text(rows, 'image')} of val are mixed with those of train, from which {drawn} drawn"]


def _twice_notes(twice: list[tuple[PurePosixPath, PurePosixPath]], levels: str) -> list[str]:
    def label(name: PurePosixPath) -> str:
        return place_of(name, levels).label

    found = [f"{first} = {second}" for first, second in twice if label(first) != label(second)]
    if not found:
        return []
    return [f"{count_text(len(found), 'image')} in two classes, the same to the byte ({named(found)}): which is right?"]


def _counts_text(label: str, parts: Counter[Place]) -> str:
    counts = {place.part: rows for place, rows in sorted(parts.items()) if place.label == label}
    split = "" if set(counts) == {""} else f" ({', '.join(f'{rows:,} in {part}' for part, rows in counts.items())})"
    return f"{sum(counts.values()):,} images{split}"


def _assumption(names: list[PurePosixPath], places: list[Place], labels: list[str], levels: str) -> str:
    name, place = next((name, place) for name, place in zip(names, places, strict=True) if place.label in labels)
    part = f" and part {place.part}" if place.part else ""
    return f"its folders are {levels}, so {name} is of class {place.label}{part}: --folders LEVELS says otherwise"


def _usual_size(sizes: list[tuple[int, int]]) -> list[int]:
    """Median height and width, made smaller together until they are no larger than LARGEST_SIDE."""
    height, width = np.median(sizes, axis=0)
    share = min(1.0, LARGEST_SIDE / max(height, width))
    return [max(1, round(float(side) * share)) for side in (height, width)]


def _shape_text(shape: list[int]) -> str:
    height, width, channels = shape
    return f"{height} × {width}, {'grey' if channels == 1 else 'colour'}"


def _sizes_text(sizes: list[tuple[int, int]]) -> str:
    (low, high) = (min(sizes), max(sizes))
    if low == high:
        return f"all are {low[0]} × {low[1]}"
    return f"from {low[0]} × {low[1]} to {high[0]} × {high[1]}, resized"


def _unreadable_notes(files: Iterable[tuple[PurePosixPath, str]]) -> list[str]:
    reasons = [f"{name} {reason}" for name, reason in files]
    more = f"; and {len(reasons) - LISTED} more" if len(reasons) > LISTED else ""
    return [f"{count_text(len(reasons), 'file')} set aside: {'; '.join(reasons[:LISTED])}{more}"] if reasons else []
