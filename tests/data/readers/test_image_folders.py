"""Folders of images as people have them: what is a class, what a part, what is set aside, and that it is said."""

import random
import tarfile
import unicodedata
import zipfile
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from PIL import Image

from twintrain.data.dataset import Dataset, checked_folders, load_dataset, raw_files
from twintrain.data.files import files_in, folder_digest
from twintrain.data.own import adoption
from twintrain.data.own.adoption import adopt
from twintrain.data.own.image_inference import infer_images
from twintrain.data.own.sources import check_source
from twintrain.data.own.wishes import Wishes
from twintrain.data.readers.image_folders import find_folders, place_of
from twintrain.data.readers.reading import read_raw
from twintrain.errors import UserError
from twintrain.settings.yaml_files import read_yaml

SHARED = Path(__file__).parents[4] / "shared/cases/images"
ROOT = Path("photos")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(counts, ending="png", root=ROOT):
    """So many images of noise in each folder, each another one."""
    for folder, count in counts.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(list(folder.encode()))
        for number in range(count):
            pixels = rng.integers(0, 256, (6, 8, 3), np.uint8)
            Image.fromarray(pixels).save(root / folder / f"{number}.{ending}")


def infer_and_read(path=ROOT, folders=None):
    """What is found, and what the reader makes of that description: the class and part of each row kept."""
    check_source(path, "images")
    found = infer_images(path, folders)
    described = {"title": "x", "origin": "x", "licence": "x", "files": {"photos/": ""}, **found.description}
    dataset = Dataset.model_validate(described)
    data = read_raw([path], dataset, "drop" if found.bad_rows else "error")
    assert (len(data.labels), len(data.rejected)) == (found.rows, found.bad_rows)
    assert (data.part is not None) == found.has_test
    parts = [""] * found.rows if data.part is None else data.part.tolist()
    return found, [(dataset.labels[code], part) for code, part in zip(data.labels, parts, strict=True)]


def said(found, words):
    """The one warning that has these words."""
    (warning,) = [warning for warning in found.warnings if words in warning]
    return warning


# Levels of folders


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (["cat", "dog"], "class"),
        (["cat/indoor", "cat/outdoor", "dog/indoor"], "class"),
        (["cat", "dog/indoor"], "class"),
        (["animals/cat", "animals/dog"], "any/class"),
        (["a/b/cat", "a/b/dog/indoor"], "any/any/class"),
        (["Train/cat", "Test/cat", "Train/dog", "VALIDATION/dog"], "part/class"),
        (["training/cat", "training/dog", "testing/cat/indoor"], "part/class"),
        (["photos", "photos/cat", "photos/dog"], "any/class"),
        (["train/cat", "train/dog"], "part/class"),
        (["test/cat", "test/dog"], "any/class"),
        (["set/train/cat", "set/test/dog"], "any/part/class"),
        (["train/images/cat", "test/images/dog"], "part/any/class"),
        (["cat/train", "cat/test", "dog/train", "dog/test"], "class/part"),
        (["cat/train", "cat/test", "dog"], "class"),
        (["one/train/cat", "two/train/dog", "two/test/dog"], "any/part/class"),
        (["train", "test"], "part/class"),
        (["train", "bus", "car"], "class"),
        ([], "class"),
    ],
)
def test_levels_are_found_by_the_names_of_all_folders(folders, expected):
    names = [PurePosixPath(folder, "0.png") for folder in folders]
    assert find_folders(names) == checked_folders(expected) == expected
    assert find_folders([*names, PurePosixPath("0.png")]) == expected


@pytest.mark.parametrize("seed", range(30))
def test_any_layout_gives_its_classes_and_parts_back(seed):
    """Wrappers, parts above or below the classes, in any case, and folders within classes, drawn at random."""
    rng = random.Random(seed)
    wrappers = [f"w{level}" for level in range(rng.randint(0, 2))]
    classes = rng.sample(["cat", "dog", "owl", "Ähre", "1", "2.0"], rng.randint(2, 4))
    spelt = {
        "train": ["train", "Train", "TRAINING"],
        "val": ["val", "Valid", "validation"],
        "test": ["test", "Testing"],
    }
    spelt = {part: rng.choice(names) for part, names in spelt.items()}
    parts, is_below = rng.choice([[""], ["train", "test"], ["train", "val"], [*spelt]]), rng.random() < 0.3
    inner = rng.choice([[""], ["", "near", "far"]]) if not is_below else [""]
    expected = {}
    for part in parts:
        for label in classes:
            for deeper in inner:
                pair = [spelt[part]] if part else []
                levels = [label, *pair] if is_below else [*pair, label]
                name = PurePosixPath(*wrappers, *levels, *([deeper] if deeper else []), "0.png")
                expected[name] = (label, part)
    folders = find_folders(expected)
    assert {name: tuple(place_of(name, folders)) for name in expected} == expected


def test_descriptions_that_say_nothing_of_folders_are_read_as_before():
    places = {name: tuple(place_of(PurePosixPath(name), None)) for name in ("a/cat/0.png", "test/cat/0.png", "0.png")}
    assert places == {"a/cat/0.png": ("cat", ""), "test/cat/0.png": ("cat", "test"), "0.png": ("", "")}


@pytest.mark.parametrize(
    "folders", ["", "part", "class/class", "part/class/part", "cat/dog", "class/", "Class", "class/any"]
)
def test_other_levels_are_refused(folders, error_of):
    write({"cat": 6, "dog": 6})
    line = error_of(adopt, ROOT, Wishes(folders=folders))
    assert line == f"--folders: expected class, part/class, any/class or the like, got {folders}"


# Kinds of folders


def test_folders_in_class_folders_are_of_the_class_unless_said_otherwise():
    write({f"{label}/{place}": 5 for label in ("cat", "dog") for place in ("indoor", "outdoor")})
    found, rows = infer_and_read()
    assert (found.description["folders"], rows) == ("class", [("cat", "")] * 10 + [("dog", "")] * 10)
    assert "(indoor, outdoor)" in said(found, "--folders any/class makes the inner ones classes")
    found, rows = infer_and_read(folders="any/class")
    assert found.assumed == []
    assert {label for label, _ in rows} == {"indoor", "outdoor"}
    assert found.warnings == []


def test_parts_are_known_in_capitals_and_val_is_said_to_be_mixed():
    write({f"{part}/{label}": 5 for label in ("cat", "dog") for part in ("Train", "Test", "Validation")})
    found, rows = infer_and_read()
    assert rows == [(label, part) for part in ("test", "train", "train") for label in ("cat", "dog") for _ in range(5)]
    assert said(found, "val") == "10 images of val are mixed with those of train, from which validation rows are drawn"
    assert ("cat", "class", "15 images (5 in test, 5 in train, 5 in val)") in found.lines
    assert found.assumed == [
        "its folders are part/class, so Test/cat/0.png is of class cat and part test: --folders LEVELS says otherwise"
    ]


def test_train_and_val_alone_are_one_set():
    write({f"{part}/{label}": 5 for label in ("cat", "dog") for part in ("train", "val")})
    found, rows = infer_and_read()
    assert (len(rows), found.has_test) == (20, False)
    assert said(found, "val").endswith("from which validation and test rows are drawn")


def test_rare_classes_are_set_aside():
    write({"cat": 5, "dog": 16, "bird": 4})
    found, rows = infer_and_read()
    assert {label for label, _ in rows} == {"cat", "dog"}
    assert said(found, "bird") == "1 class of fewer than 5 images left out ('bird'): 4 images set aside"
    assert said(found, "imbalanced").startswith("the classes are imbalanced: 'dog' has 16 images, 'cat' 5;")


def test_rare_classes_alone_are_refused_by_their_numbers(error_of):
    write({"cat": 6, "dog": 4})
    line = error_of(infer_images, ROOT)
    assert line.startswith("photos: expected at least two classes of 5 images, got cat: 6, dog: 4; 1 class of fewer")


def test_classes_that_the_given_test_images_lack_are_set_aside():
    write({f"{part}/{label}": 6 for label in ("cat", "dog") for part in ("train", "test")})
    write({"train/owl": 9, "test/yak": 7, "train/yak": 1})
    found, rows = infer_and_read()
    assert {label for label, _ in rows} == {"cat", "dog"}
    assert "('owl'): 9 images set aside" in said(found, "of fewer than 1 image in test")
    assert "('yak'): 8 images set aside" in said(found, "of fewer than 2 images in train")


def test_empty_class_folders_are_said():
    write({"cat": 5, "dog": 5, "bird": 0, "notes": 0, ".git": 0})
    (ROOT / "notes/a.txt").write_text("x")
    found, _ = infer_and_read()
    assert [warning for warning in found.warnings if "no images" in warning] == [
        "bird has no images",
        "notes has no images",
    ]


@pytest.mark.parametrize(("ending", "form"), [("webp", "WebP"), ("bmp", "BMP"), ("tif", "TIFF"), ("tiff", "TIFF")])
@pytest.mark.parametrize("archive", [False, True])
def test_other_formats_are_read(ending, form, archive, project, monkeypatch):
    monkeypatch.chdir(project)
    write({"cat": 5, "dog": 5}, ending)
    source = ROOT
    if archive:
        source = Path("photos.zip")
        with zipfile.ZipFile(source, "w") as packed:
            for file in files_in(ROOT):
                packed.write(file)
    adopt(source, Wishes())
    dataset = load_dataset("photos")
    assert dataset.folders == ("any/class" if archive else "class")
    data = read_raw(raw_files("photos", dataset), dataset, "error")
    expected = [np.array(Image.open(file).convert("RGB")) for file in files_in(ROOT)]
    assert np.array_equal(data.array, expected), form


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: Image.fromarray(np.full((6, 8), 200 * 257, np.uint16)), 200),
        (lambda: Image.new("CMYK", (8, 6), (0, 0, 0, 55)), 200),
        (lambda: Image.new("LA", (8, 6), (0, 0)), 255),
        (lambda: Image.new("1", (8, 6), 1), 255),
        (lambda: Image.new("F", (8, 6), 0.5), "has pixels of 32 bits; expected 8 or 16"),
        (lambda: Image.new("I", (8, 6), 70000), "has pixels of 32 bits; expected 8 or 16"),
    ],
    ids=["16 bits", "CMYK", "transparent", "black and white", "float32", "int32"],
)
def test_tiffs_of_every_kind_of_pixel_are_grey_of_8_bits_or_named(make, expected):
    write({"cat": 5, "dog": 5})
    make().save(ROOT / "cat/a.tif")
    found = infer_images(ROOT)
    described = {"title": "x", "origin": "x", "licence": "x", "files": {"photos/": ""}, **found.description}
    data = read_raw([ROOT], Dataset.model_validate(described), "drop")
    if isinstance(expected, str):
        assert data.rejected.tolist() == [f"cat/a.tif {expected}"]
    else:
        assert (data.array[5] == expected).all()


def test_pages_and_frames_after_the_first_do_not_matter():
    write({"cat": 5, "dog": 5})
    first, second = Image.new("RGB", (8, 6), (9, 9, 9)), Image.new("RGB", (8, 6), (200, 9, 9))
    for name in ("a.tiff", "b.webp"):
        first.save(
            ROOT / "cat" / name, save_all=True, append_images=[second], **({"lossless": True} if "webp" in name else {})
        )
    _, rows = infer_and_read()
    assert len(rows) == 12
    described = {
        "title": "x",
        "origin": "x",
        "licence": "x",
        "files": {"photos/": ""},
        **infer_images(ROOT).description,
    }
    assert (read_raw([ROOT], Dataset.model_validate(described), "error").array[5:7] == 9).all()


def test_files_beside_the_class_folders_are_named_and_set_aside():
    write({"cat": 5, "dog": 5})
    for name in ("README.md", "labels.csv", "cat/notes.txt"):
        (ROOT / name).write_text("x")
    found, rows = infer_and_read()
    assert (len(rows), found.bad_rows) == (10, 3)
    warning = said(found, "3 files set aside")
    assert all(f"{name} is no JPEG" in warning for name in ("README.md", "labels.csv", "cat/notes.txt"))


def test_images_in_no_class_folder_are_set_aside_and_said_before_anything_is_written(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    write({f"{part}/{label}": 6 for label in ("cat", "dog") for part in ("train", "test")})
    write({"test": 3})
    _, rows = infer_and_read()
    assert len(rows) == 24
    copied, printed = adoption._copied, []
    monkeypatch.setattr(adoption, "_copied", lambda *names: printed.append(capsys.readouterr().out) or copied(*names))
    adopt(ROOT, Wishes())
    (line,) = [line for line in printed[0].splitlines() if "no class folder" in line]
    assert line.startswith(
        "mind: 3 images in no class folder set aside (test/0.png, test/1.png, test/2.png): without a"
    )
    assert "python -m pipelines.predict --input FOLDER" in line


def test_a_test_folder_without_classes_leaves_test_rows_to_be_drawn():
    write({"train/cat": 6, "train/dog": 6, "test": 3})
    found, rows = infer_and_read()
    assert (found.has_test, len(rows)) == (False, 12)
    assert "and test rows are drawn from the others" in said(found, "no class folder")


def test_identical_pictures_in_two_classes_are_pointed_out():
    write({"cat": 6, "dog": 6})
    (ROOT / "dog/copy.png").write_bytes((ROOT / "cat/3.png").read_bytes())
    (ROOT / "cat/copy.png").write_bytes((ROOT / "cat/4.png").read_bytes())
    found, _ = infer_and_read()
    assert (
        said(found, "two classes")
        == "1 image in two classes, the same to the byte (cat/3.png = dog/copy.png): which is right?"
    )


@pytest.mark.parametrize(("one", "other"), [("Cat", "cat"), ("cat", "cat "), ("é", unicodedata.normalize("NFD", "é"))])
def test_nearly_equal_names_of_classes_are_pointed_out(one, other):
    write({one: 5, other: 5, "dog": 5})
    found, rows = infer_and_read()
    assert len({label for label, _ in rows}) == 3
    assert f"'{one}'" in said(found, "nearly equal names")
    assert f"'{other}'" in said(found, "nearly equal names")


def test_class_folders_beside_those_of_parts_are_refused(error_of):
    write({"train/cat": 5, "test/cat": 5, "dog": 5})
    assert error_of(infer_images, ROOT) == (
        "photos: expected all images below the folders of parts, or none, got dog, test, train side by side; --folders "
        "says how folders are meant: class, part/class, any/class, …"
    )


# Links


def test_a_linked_folder_inside_the_given_one_is_followed_and_copied_as_files(project, monkeypatch):
    monkeypatch.chdir(project)
    write({"cat": 5, "originals/dog": 5})
    (ROOT / "dog").symlink_to("originals/dog")
    (ROOT / "cat/again.png").symlink_to("0.png")
    adopt(ROOT, Wishes(folders="class"))
    dataset = load_dataset("photos")
    assert dataset.labels == ["cat", "dog", "originals"]
    copies = [path for path in Path("own/photos/photos").rglob("*") if path.suffix]
    assert len(copies) == 16
    assert not any(path.is_symlink() for path in copies)
    assert folder_digest(ROOT) == dataset.files["photos/"]
    assert raw_files("photos", dataset)


@pytest.mark.parametrize(
    ("link", "target", "words"),
    [
        ("cat/all", "..", "photos/cat/all is a link to a folder that it lies in itself; remove it"),
        ("cat/all", "../cat", "photos/cat/all is a link to a folder that it lies in itself; remove it"),
        ("bird", "../birds", "photos/bird is a link that leads out of the folder, to "),
        ("cat/secret.png", "../../birds/0.png", "photos/cat/secret.png is a link that leads out of the folder, to "),
        ("cat/none.png", "none.png", "photos/cat/none.png is a link that leads nowhere"),
    ],
)
def test_links_that_lead_out_nowhere_or_around_are_named_and_refused(link, target, words, error_of):
    write({"cat": 5, "dog": 5})
    write({"birds": 5}, root=Path())
    (ROOT / link).symlink_to(target)
    assert error_of(check_source, ROOT, "images").startswith(words)


def test_links_between_two_folders_have_no_end(error_of):
    write({"cat": 5, "dog": 5})
    (ROOT / "cat/dogs").symlink_to("../dog")
    check_source(ROOT, "images")
    (ROOT / "dog/cats").symlink_to("../cat")
    assert error_of(check_source, ROOT, "images").endswith("is a link to a folder that it lies in itself; remove it")


def test_links_in_an_archive_stay_refused(error_of):
    write({"cat": 5, "dog": 5})
    (ROOT / "bird").symlink_to("cat")
    with tarfile.open("photos.tar", "w") as archive:
        archive.add(ROOT)
    assert error_of(infer_images, Path("photos.tar")) == (
        "photos.tar: 'photos/bird' is a link or a device; only files are read"
    )


# What is there already, and what was shared


def test_described_levels_are_kept_and_another_wish_is_refused(project, monkeypatch, error_of):
    monkeypatch.chdir(project)
    write({f"{label}/{place}": 5 for label in ("cat", "dog") for place in ("indoor", "outdoor")})
    adopt(ROOT, Wishes(folders="any/class"))
    write({"cat/indoor": 6})
    adopt(ROOT, Wishes())
    assert read_yaml(Path("conf/datasets/photos.yaml"))["folders"] == "any/class"
    assert error_of(adopt, ROOT, Wishes(folders="class")).startswith(
        "conf/datasets/photos.yaml has folders: any/class, got --folders class; correct it there"
    )


def test_folders_are_of_images_alone(project, monkeypatch, error_of):
    monkeypatch.chdir(project)
    np.savez("mine.npz", features=np.zeros((20, 3)), labels=np.arange(20) % 2)
    line = "--folders class: expected a folder of images, got mine.npz"
    assert error_of(adopt, Path("mine.npz"), Wishes(folders="class")) == line
    adopt(Path("mine.npz"), Wishes())
    assert error_of(adopt, Path("mine.npz"), Wishes(folders="class")) == line


CASES = {
    "i07_nested": ({"cat": 12, "dog": 12}, "class", "--folders any/class makes the inner ones classes"),
    "i08_train_capital": ({"cat": 16, "dog": 16}, "part/class", "8 images of val are mixed with those of train"),
    "i08b_train_val": ({"cat": 14, "dog": 14}, "part/class", "12 images of val are mixed with those of train"),
    "i09_single_image_class": ({"cat": 8, "dog": 8}, "class", "left out ('bird'): 1 image set aside"),
    "i09b_empty_class": ({"cat": 8, "dog": 8}, "class", ""),
    "i11_webp_bmp_tiff": ({"cat": 12, "dog": 18}, "class", ""),
    "i11b_all_webp": ({"cat": 6, "dog": 6}, "class", ""),
    "i14_text_files": ({"cat": 6, "dog": 6}, "class", "3 files set aside: README.md is no JPEG"),
    "i23_duplicate_images": ({"cat": 18, "dog": 6}, "class", "6 images in two classes, the same to the byte"),
    "i26_test_extra": ({"cat": 12, "dog": 12}, "part/class", "3 images in no class folder set aside"),
}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared cases are not here")
@pytest.mark.parametrize("case", CASES)
def test_shared_case_is_right(case):
    counts, folders, warning = CASES[case]
    found, rows = infer_and_read(SHARED / case / "photos")
    labels = [label for label, _ in rows]
    assert ({label: labels.count(label) for label in counts}, len(rows)) == (counts, sum(counts.values()))
    assert found.description["folders"] == folders
    assert any(warning in said for said in found.warnings) if warning else found.warnings == []


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared cases are not here")
def test_shared_links_are_refused_or_set_aside():
    """Where a checkout keeps links as the text of their targets, they are no images."""
    folder = SHARED / "i15_symlinks/photos"
    if (folder / "bird").is_symlink():
        with pytest.raises(UserError, match="leads out of the folder"):
            check_source(folder, "images")
    else:
        assert said(infer_images(folder), "3 files set aside: bird is no JPEG")
