"""Readers of arrays: IDX files, the archives of CIFAR and STL-10, SVHN's MATLAB files and NumPy archives."""

import gzip
import hashlib
import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from twintrain.data.dataset import Dataset, load_dataset
from twintrain.data.readers.reading import read_raw
from twintrain.settings.yaml_files import validated

ROOT = Path(__file__).resolve().parents[3]
MIRROR = ROOT.parent / "shared/data"
MEND = "; mend them, or set them aside: ingest.bad_rows: drop"
RANDOM = np.random.default_rng(0)

DESCRIBED = {"title": "Demo", "origin": "tests", "licence": "none", "task": "multiclass", "files": {"raw": ""}}
CLASSES = {"target": "kind", "labels": ["cat", "dog", "owl"]}
IDX = {**DESCRIBED, **CLASSES, "format": "idx", "image_shape": [2, 3, 1]}
CIFAR = {**DESCRIBED, **CLASSES, "format": "cifar", "image_shape": [32, 32, 3]}
STL = {**DESCRIBED, **CLASSES, "format": "stl10", "image_shape": [96, 96, 3]}
DIGITS = [str(digit) for digit in range(10)]
SVHN = {**DESCRIBED, "target": "digit", "labels": DIGITS, "format": "svhn", "image_shape": [32, 32, 3]}
IMAGES = {**DESCRIBED, **CLASSES, "format": "npz", "image_shape": [2, 3, 1]}
SEQUENCES = {**DESCRIBED, **CLASSES, "format": "npz", "sample_shape": [4, 2]}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def read(kind, *names, bad_rows="error", classes=None):
    return read_raw([Path(name) for name in names], validated(Dataset, kind, "demo.yaml"), bad_rows, classes)


# IDX


def idx(array, kind=0x08):
    return bytes([0, 0, kind, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()


TRAIN, TEST = RANDOM.integers(0, 256, (5, 2, 3)), RANDOM.integers(0, 256, (2, 2, 3))
IDX_FILES = {
    "train-images-idx3-ubyte.gz": gzip.compress(idx(TRAIN)),
    "train-labels-idx1-ubyte.gz": gzip.compress(idx(np.array([0, 1, 2, 1, 0]))),
    "t10k-images-idx3-ubyte.gz": gzip.compress(idx(TEST)),
    "t10k-labels-idx1-ubyte.gz": gzip.compress(idx(np.array([2, 1]))),
}
IMAGES_FILE, LABELS_FILE = list(IDX_FILES)[:2]


def read_idx(changed=None, **options):
    files = {name: content for name, content in {**IDX_FILES, **(changed or {})}.items() if content is not None}
    for name, content in files.items():
        Path(name).write_bytes(content)
    return read(IDX, *files, **options)


def test_idx_files_become_images_with_training_rows_first():
    data = read_idx()
    assert (data.array.dtype, data.array.shape, data.table) == (np.uint8, (7, 2, 3, 1), None)
    assert np.array_equal(data.array[..., 0], np.concatenate([TRAIN, TEST]))
    assert (data.labels.tolist(), data.labels.dtype) == ([0, 1, 2, 1, 0, 2, 1], np.int64)
    assert data.part.tolist() == ["train"] * 5 + ["test"] * 2
    assert data.rejected.empty


def test_idx_files_may_be_plain_and_without_a_test_set():
    names = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"]
    for name in names:
        Path(name).write_bytes(gzip.decompress(IDX_FILES[f"{name}.gz"]))
    data = read(IDX, *names)
    assert (len(data.labels), data.part) == (5, None)


def test_order_of_the_files_does_not_matter():
    read_idx()
    assert np.array_equal(read(IDX, *reversed(IDX_FILES)).array, read(IDX, *IDX_FILES).array)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            IMAGES_FILE,
            idx(TRAIN)[:-7],
            "is truncated or too long: expected 30 bytes after its header, got 23",
        ),
        (LABELS_FILE, idx(np.arange(5)) + b"x", "is truncated or too long: expected 5 bytes after its header, got 6"),
        (LABELS_FILE, idx(np.arange(5))[:6], "is truncated: expected a header of 8 bytes, got 6"),
        (IMAGES_FILE, idx(TRAIN, kind=0x0D), "is no IDX file: expected the magic number 00000803, got 00000d03"),
        (IMAGES_FILE, idx(np.arange(5)), "is no IDX file: expected the magic number 00000803, got 00000801"),
        (LABELS_FILE, b"<html>", "is no IDX file: expected the magic number 00000801, got 3c68746d"),
        (LABELS_FILE, b"", "is no IDX file: expected the magic number 00000801, got nothing"),
        (IMAGES_FILE, idx(TRAIN.reshape(5, 3, 2)), "expected image_shape [2, 3, 1], got images of [3, 2, 1]"),
        (LABELS_FILE, idx(np.arange(4)), "expected 5 labels, one an image, got 4"),
    ],
)
def test_unusable_idx_file_is_refused(name, content, message, error_of):
    found = error_of(read_idx, {name: gzip.compress(content)})
    assert found in (f"{name} {message}", f"{name}: {message}")


def test_idx_header_that_announces_too_much_costs_no_memory(error_of):
    header = bytes([0, 0, 8, 3]) + np.array([2**32 - 1, 2**16, 2**16], ">u4").tobytes()
    message = error_of(read_idx, {IMAGES_FILE: gzip.compress(header + bytes(10))})
    announced = "18,446,744,069,414,584,320 bytes"
    assert message == f"{IMAGES_FILE} is truncated or too long: expected {announced} after its header, got 10"


def test_damaged_gzip_of_idx_is_refused(error_of):
    message = error_of(read_idx, {IMAGES_FILE: IDX_FILES[IMAGES_FILE][:-4]})
    expected = "it ends too early, so part of it is lost"
    assert message == f"{IMAGES_FILE} is damaged: {expected}"


def test_missing_half_of_a_pair_is_refused(error_of):
    names = ", ".join(name for name in IDX_FILES if name != LABELS_FILE)
    assert error_of(read_idx, {LABELS_FILE: None}) == f".: expected one file train-labels…, got 0 among {names}"


def test_unknown_idx_label_makes_a_bad_row(error_of):
    bad = {LABELS_FILE: gzip.compress(idx(np.array([0, 1, 2, 3, 255])))}
    reasons = "row 4: unknown label '3' in kind; row 5: unknown label '255' in kind"
    assert error_of(read_idx, bad) == f"{IMAGES_FILE}: 2 bad rows ({reasons}){MEND}"
    data = read_idx(bad, bad_rows="drop")
    assert data.rejected.to_dict() == {4: "unknown label '3' in kind", 5: "unknown label '255' in kind"}
    assert np.array_equal(data.array[..., 0], np.concatenate([TRAIN[:3], TEST]))
    assert data.part.tolist() == ["train"] * 3 + ["test"] * 2


# Some classes


def test_chosen_classes_are_numbered_in_their_own_order():
    data = read_idx(classes=["owl", "cat"])
    assert data.labels.tolist() == [1, 0, 1, 0]
    assert np.array_equal(data.array[..., 0], np.concatenate([TRAIN[[0, 2, 4]], TEST[:1]]))
    assert data.part.tolist() == ["train"] * 3 + ["test"]


def test_chosen_classes_must_be_there(error_of):
    one = {LABELS_FILE: gzip.compress(idx(np.zeros(5))), "t10k-labels-idx1-ubyte.gz": gzip.compress(idx(np.ones(2)))}
    message = "expected at least two classes, got only 'cat'; there is nothing to learn"
    assert error_of(read_idx, one, classes=["owl", "cat"]) == f"{IMAGES_FILE}: {message}"
    assert error_of(read_idx, classes=["owls", "cat"]) == (
        "ingest.classes: no class 'owls' in Demo; did you mean 'owl'?"
    )


# CIFAR

CODES = np.array([0, 1, 2, 1, 0, 2], np.uint8)
PICTURES = RANDOM.integers(0, 256, (6, 32, 32, 3), np.uint8)
RECORDS = np.concatenate([CODES[:, None], PICTURES.transpose(0, 3, 1, 2).reshape(6, -1)], axis=1)
BATCHES = {f"data_batch_{number}.bin": RECORDS[number - 1].tobytes() for number in range(1, 6)}
CIFAR_FILES = {"batches.meta.txt": b"cat\ndog\nowl\n\n", **BATCHES, "test_batch.bin": RECORDS[5].tobytes()}


def save_tar(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            if content is not None:
                entry = tarfile.TarInfo(f"folder/{name}")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))


def read_cifar(changed=None, **options):
    save_tar("cifar.tar.gz", {**CIFAR_FILES, "readme.html": b"hello", **(changed or {})})
    return read(CIFAR, "cifar.tar.gz", **options)


def test_cifar_records_become_images_with_channels_last():
    data = read_cifar()
    assert np.array_equal(data.array, PICTURES)
    assert (data.array.dtype, data.array.flags.c_contiguous) == (np.uint8, True)
    assert data.labels.tolist() == CODES.tolist()
    assert data.part.tolist() == ["train"] * 5 + ["test"]


def test_cifar_names_its_labels_itself():
    data = read_cifar({"batches.meta.txt": b"owl\r\ndog\r\ncat\r\n"})
    assert data.labels.tolist() == [2, 1, 0, 1, 2, 0]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"data_batch_3.bin": None}, "cifar.tar.gz lacks data_batch_3.bin; expected CIFAR-10's binary version"),
        (
            {"test_batch.bin": None, "batches.meta.txt": None},
            "cifar.tar.gz lacks batches.meta.txt, test_batch.bin; expected CIFAR-10's binary version",
        ),
        (
            {"data_batch_2.bin": bytes(3072)},
            "cifar.tar.gz: data_batch_2.bin: expected records of 3,073 bytes each, got 3,072 bytes in all",
        ),
        (
            {"data_batch_2.bin": b""},
            "cifar.tar.gz: data_batch_2.bin: expected records of 3,073 bytes each, got 0 bytes in all",
        ),
        (
            {"batches.meta.txt": b"cat\ndog\n"},
            "cifar.tar.gz: batches.meta.txt: expected the labels cat, dog, owl, got cat, dog",
        ),
        (
            {"data_batch_2.bin": b"\x0b" + bytes(3072)},
            f"cifar.tar.gz: 1 bad row (row 2: unknown label '11' in kind){MEND}",
        ),
    ],
)
def test_unusable_cifar_archive_is_refused(changed, message, error_of):
    assert error_of(read_cifar, changed) == message


def test_cut_cifar_archive_is_refused(error_of):
    read_cifar()
    path = Path("cifar.tar.gz")
    path.write_bytes(path.read_bytes()[:-2000])
    assert "is damaged: it ends too early" in error_of(read, CIFAR, "cifar.tar.gz")


def test_cifar_of_another_shape_is_refused(error_of):
    message = "cifar.tar.gz: format: cifar is one archive of images of shape [32, 32, 3]"
    assert error_of(read, {**CIFAR, "image_shape": [8, 8, 3]}, "cifar.tar.gz") == message


# CIFAR-100

SUPERCLASSES = np.array([1, 0, 1, 0, 0, 1], np.uint8)
FINE_RECORDS = np.concatenate([SUPERCLASSES[:, None], RECORDS], axis=1)
CIFAR100_FILES = {
    "train.bin": FINE_RECORDS[:4].tobytes(),
    "test.bin": FINE_RECORDS[4:].tobytes(),
    "coarse_label_names.txt": b"bird\npet\n",
    "fine_label_names.txt": b"cat\ndog\nowl\n",
}


def read_cifar100(changed=None, labels=("cat", "dog", "owl")):
    save_tar("cifar.tar.gz", {**CIFAR100_FILES, **(changed or {})})
    return read({**CIFAR, "labels": list(labels)}, "cifar.tar.gz")


def test_cifar_100_has_the_classes_or_the_superclasses_that_are_asked_for():
    data = read_cifar100()
    assert np.array_equal(data.array, PICTURES)
    assert data.labels.tolist() == CODES.tolist()
    assert data.part.tolist() == ["train"] * 4 + ["test"] * 2
    assert read_cifar100(labels=["bird", "pet"]).labels.tolist() == SUPERCLASSES.tolist()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"test.bin": None}, "cifar.tar.gz lacks test.bin; expected CIFAR-100's binary version"),
        (
            {"train.bin": RECORDS[0].tobytes()},
            "cifar.tar.gz: train.bin: expected records of 3,074 bytes each, got 3,073 bytes in all",
        ),
        (
            {"fine_label_names.txt": b"cat\ndog\n"},
            "cifar.tar.gz: fine_label_names.txt: expected the labels cat, dog, owl, got cat, dog",
        ),
    ],
)
def test_unusable_cifar_100_archive_is_refused(changed, message, error_of):
    assert error_of(read_cifar100, changed) == message


# STL-10

LARGE = RANDOM.integers(0, 256, (5, 96, 96, 3), np.uint8)
COLUMNS_FIRST = LARGE.transpose(0, 3, 2, 1)
STL_FILES = {
    "class_names.txt": b"owl\ncat\ndog\n",
    "fold_indices.txt": b"0 1\n",
    "train_X.bin": COLUMNS_FIRST[:3].tobytes(),
    "train_y.bin": bytes([2, 3, 1]),
    "test_X.bin": COLUMNS_FIRST[3:].tobytes(),
    "test_y.bin": bytes([1, 3]),
    "unlabeled_X.bin": bytes(10),
}


def read_stl(changed=None, **options):
    save_tar("stl.tar.gz", {**STL_FILES, **(changed or {})})
    return read(STL, "stl.tar.gz", **options)


def test_stl_images_are_turned_upright_and_labels_count_from_one():
    data = read_stl()
    assert np.array_equal(data.array, LARGE)
    assert (data.array.dtype, data.array.flags.c_contiguous) == (np.uint8, True)
    assert data.labels.tolist() == [0, 1, 2, 2, 1]
    assert data.part.tolist() == ["train"] * 3 + ["test"] * 2


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"test_y.bin": None}, "stl.tar.gz lacks test_y.bin; expected STL-10's binary version"),
        (
            {"train_X.bin": bytes(9)},
            "stl.tar.gz: train_X.bin: expected images of 27,648 bytes each, got 9 bytes in all",
        ),
        ({"test_y.bin": bytes([1])}, "stl.tar.gz: test_y.bin: expected 2 labels, one an image, got 1"),
        (
            {"class_names.txt": b"cat\ndog\n"},
            "stl.tar.gz: class_names.txt: expected the labels cat, dog, owl, got cat, dog",
        ),
        (
            {"test_y.bin": bytes([0, 4])},
            f"stl.tar.gz: 2 bad rows (row 4: unknown label '0' in kind; row 5: unknown label '4' in kind){MEND}",
        ),
    ],
)
def test_unusable_stl_archive_is_refused(changed, message, error_of):
    assert error_of(read_stl, changed) == message


# SVHN


def read_svhn(images=PICTURES, digits=(1, 10, 9, 3, 10, 5), **options):
    codes = np.array(digits, np.uint8)[:, None]
    for name, rows in (("train", slice(4)), ("test", slice(4, None))):
        arrays = {"X": images[rows].transpose(1, 2, 3, 0), "y": codes[rows]}
        savemat(f"{name}_32x32.mat", arrays, do_compression=True)
    return read(SVHN, "train_32x32.mat", "test_32x32.mat", **options)


def test_svhn_has_ten_for_a_nought():
    data = read_svhn()
    assert np.array_equal(data.array, PICTURES)
    assert (data.array.dtype, data.array.flags.c_contiguous) == (np.uint8, True)
    assert data.labels.tolist() == [1, 0, 9, 3, 0, 5]
    assert data.part.tolist() == ["train"] * 4 + ["test"] * 2


def test_unknown_digit_of_svhn_makes_a_bad_row(error_of):
    message = f"train_32x32.mat: 1 bad row (row 3: unknown label '11' in digit){MEND}"
    assert error_of(read_svhn, digits=(1, 2, 11, 3, 4, 5)) == message


def test_unusable_svhn_file_is_refused(error_of):
    message = (
        "expected X of uint8 [32, 32, 3, images] and y of [images, 1], got X of uint8 [8, 32, 3, 4] and y of [4, 1]"
    )
    assert error_of(read_svhn, PICTURES[:, :8]) == f"train_32x32.mat: {message}"
    read_svhn()
    assert (
        error_of(read, SVHN, "test_32x32.mat") == ".: expected one file train… and one file test…, got test_32x32.mat"
    )
    whole = Path("test_32x32.mat").read_bytes()
    for content in (b"", b"<html>", whole[:90], whole[:-100], whole[:200] + bytes(300) + whole[500:]):
        Path("test_32x32.mat").write_bytes(content)
        assert "test_32x32.mat" in error_of(read, SVHN, "train_32x32.mat", "test_32x32.mat")


# NPZ

NUMBERS = RANDOM.normal(size=(3, 4, 2))
GREY = RANDOM.integers(0, 256, (3, 2, 3, 1), np.uint8)
NAMES = np.array(["cat", "dog", "owl"])


def read_npz(kind, bad_rows="error", **arrays):
    np.savez_compressed("raw.npz", **arrays)
    return read(kind, "raw.npz", bad_rows=bad_rows)


@pytest.mark.parametrize("features", [GREY, GREY[..., 0], GREY.astype(np.int64), GREY.astype(np.float32)])
def test_images_of_an_npz_are_bytes(features):
    data = read_npz(IMAGES, features=features, labels=NAMES)
    assert (data.array.dtype, data.labels.tolist(), data.part) == (np.uint8, [0, 1, 2], None)
    assert np.array_equal(data.array, GREY)


@pytest.mark.parametrize(
    ("shape", "features"), [([4, 2], NUMBERS), ([8], NUMBERS.reshape(3, 8)), ([2, 2, 2], NUMBERS.reshape(3, 2, 2, 2))]
)
def test_numbers_of_an_npz_are_taken_as_they_are(shape, features):
    data = read_npz({**SEQUENCES, "sample_shape": shape}, features=features, labels=NAMES)
    assert data.array.dtype == np.float32
    assert np.array_equal(data.array, features.astype(np.float32))


@pytest.mark.parametrize(
    "labels", [np.array([2, 0, 1]), np.array([[2], [0], [1]], np.uint8), np.array(["2", "0", "1"])]
)
def test_labels_of_an_npz_are_numbers_or_text(labels):
    data = read_npz({**SEQUENCES, "labels": ["0", "1", "2"]}, features=NUMBERS, labels=labels)
    assert data.labels.tolist() == [2, 0, 1]


@pytest.mark.parametrize("labels", [np.array([0.5, -1, 1e-7]), np.array([[3], [1], [2]]), np.float32([0.1, 2, 3])])
def test_labels_of_a_regression_are_numbers(labels):
    kind = {**SEQUENCES, "task": "regression", "labels": []}
    data = read_npz(kind, features=NUMBERS, labels=labels)
    assert data.labels.dtype == np.float64
    assert np.array_equal(data.labels, labels.reshape(3, 1))


def test_number_to_predict_that_is_not_finite_makes_a_bad_row(error_of):
    kind = {**SEQUENCES, "task": "regression", "labels": []}
    message = error_of(read_npz, kind, features=NUMBERS, labels=np.array([1, np.nan, 2]))
    assert message == f"raw.npz: 1 bad row (row 2: 'nan' in kind is not a number){MEND}"


def test_npz_with_a_test_set_keeps_it_apart():
    data = read_npz(SEQUENCES, x_train=NUMBERS[:2], y_train=NAMES[:2], x_test=NUMBERS[2:], y_test=NAMES[2:])
    assert np.array_equal(data.array, NUMBERS.astype(np.float32))
    assert (data.labels.tolist(), data.part.tolist()) == ([0, 1, 2], ["train", "train", "test"])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_number_that_is_not_finite_makes_a_bad_row(value, error_of):
    features = NUMBERS.copy()
    features[1, 2, 0] = value
    message = error_of(read_npz, SEQUENCES, features=features, labels=NAMES)
    assert message == f"raw.npz: 1 bad row (row 2: a number that is not finite){MEND}"
    data = read_npz(SEQUENCES, "drop", features=features, labels=NAMES)
    assert (data.labels.tolist(), data.rejected.to_dict()) == ([0, 2], {2: "a number that is not finite"})


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [256, -1, 0.5, np.nan])
def test_pixel_of_an_npz_that_is_no_byte_makes_a_bad_row(value, error_of):
    features = GREY.astype(np.float64)
    features[2, 0, 0, 0] = value
    message = error_of(read_npz, IMAGES, features=features, labels=NAMES)
    assert message == f"raw.npz: 1 bad row (row 3: a pixel that is not a whole number from 0 to 255){MEND}"


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"x": NUMBERS},
            "raw.npz: expected arrays features and labels, or x_train, y_train, x_test, y_test; got x",
        ),
        (
            {"x_train": NUMBERS, "y_train": NAMES},
            "raw.npz: expected arrays features and labels, or x_train, y_train, x_test, y_test; got x_train, y_train",
        ),
        ({"features": NUMBERS[:2], "labels": NAMES}, "raw.npz: labels: expected (2,), one a row, got (3,)"),
        (
            {"features": NUMBERS, "labels": np.eye(3)},
            "raw.npz: labels: expected (3,), one a row, got (3, 3); of one-hot labels: labels.argmax(axis=1)",
        ),
        (
            {"features": NUMBERS, "labels": np.arange(3.0)},
            "raw.npz: labels: expected whole numbers or text, got float64",
        ),
        (
            {"features": NUMBERS[:, :3], "labels": NAMES},
            "raw.npz: features: expected (rows, 4, 2), got (3, 3, 2)",
        ),
        ({"features": NUMBERS.astype(str), "labels": NAMES}, "raw.npz: features: expected numbers, got <U32"),
        (
            {"features": NUMBERS, "labels": np.array(["cat", "dog", "cow"])},
            f"raw.npz: 1 bad row (row 3: unknown label 'cow' in kind){MEND}",
        ),
        (
            {"features": NUMBERS, "labels": np.array(["cat"] * 3)},
            "raw.npz: expected at least two classes, got only 'cat'; there is nothing to learn",
        ),
        ({"features": NUMBERS[:0], "labels": NAMES[:0]}, "raw.npz has no rows; expected samples of cat, dog, owl"),
    ],
)
def test_unusable_npz_is_refused(arrays, message, error_of):
    assert error_of(read_npz, SEQUENCES, **arrays) == message


class Planted:
    """What a hostile pickle would do on loading."""

    def __reduce__(self):
        return Path("planted").touch, ()


def test_nothing_in_an_npz_is_unpickled(error_of):
    message = error_of(read_npz, SEQUENCES, features=NUMBERS, labels=np.array([Planted()] * 3, dtype=object))
    expected = "it holds Python objects, which are never loaded; save arrays of numbers or text"
    assert message == f"raw.npz is no readable NumPy archive: {expected}"
    Path("raw.npz").write_bytes(pickle.dumps(Planted()))
    assert error_of(read, SEQUENCES, "raw.npz").startswith("raw.npz is damaged or no archive")
    assert not Path("planted").exists()


def test_cut_npz_is_refused(error_of):
    read_npz(SEQUENCES, features=NUMBERS, labels=NAMES)
    Path("raw.npz").write_bytes(Path("raw.npz").read_bytes()[:-30])
    assert error_of(read, SEQUENCES, "raw.npz") == (
        "raw.npz is damaged or no archive: it has no list of files where such an archive has it, so it is cut off or "
        "something else"
    )


# Series

WAVES = {**DESCRIBED, "task": "regression", "format": "series", "target": "next", "sample_shape": [50, 1]}
FORMULA = "formula: sine_waves\nrows: 10000\nsteps: 50\ntest_rows: 1000\nseed: 42\nnoise: 0.1\n"


def read_waves(text=FORMULA, **changes):
    Path("waves.yaml").write_text(text)
    return read({**WAVES, **changes}, "waves.yaml")


def test_series_are_those_of_the_book():
    data = read_waves()
    assert (data.array.shape, data.array.dtype) == ((10000, 50, 1), np.float32)
    assert (data.labels.shape, data.labels.dtype) == ((10000, 1), np.float64)
    assert data.part.tolist() == ["train"] * 9000 + ["test"] * 1000
    # What the book's notebook finds for the naive forecast, the last value given, on its validation rows.
    errors = data.array[7000:9000, -1, 0] - data.labels[7000:9000, 0].astype(np.float32)
    assert np.square(errors).mean() == pytest.approx(0.020211367, rel=1e-6)


def test_series_follow_their_formula():
    data = read_waves(FORMULA.replace("noise: 0.1", "noise: 0"))
    series = np.append(data.array[3, :, 0], data.labels[3])
    f1, f2, o1, o2 = np.random.RandomState(42).rand(4, 10000)[:, 3]
    t = np.arange(51) / 50
    expected = 0.5 * np.sin((t - o1) * (10 * f1 + 10)) + 0.2 * np.sin((t - o2) * (20 * f2 + 20))
    assert series == pytest.approx(expected, abs=1e-6)
    noise = read_waves().array - data.array
    assert (noise.min(), noise.max()) == pytest.approx((-0.05, 0.05), abs=1e-4)


def test_series_are_pinned_and_change_with_the_seed():
    first = read_waves()
    assert first.array[0, :3, 0] == pytest.approx([0.4596948, 0.31486678, 0.12497123], abs=1e-7)
    assert first.labels[-1, 0] == pytest.approx(0.050528232, abs=1e-8)
    assert not np.array_equal(first.array, read_waves(FORMULA.replace("42", "43")).array)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FORMULA.replace("rows: 10000", "rows: 0"), "waves.yaml: 'rows': expected 1 to 100,000,000, got 0"),
        (FORMULA + "stepz: 3\n", "waves.yaml: unknown parameter 'stepz'; did you mean 'steps'?"),
        (
            FORMULA.replace("sine_", "square_"),
            "waves.yaml: 'formula': expected 'sine_waves', got 'square_waves'; did you mean 'sine_waves'?",
        ),
        (
            FORMULA.replace("1000\n", "10000\n", 2),
            "waves.yaml: test_rows must leave rows to train on: expected under 10000, got 10000",
        ),
        (FORMULA.replace("50", "40"), "waves.yaml: expected sample_shape [50, 1], got series of [40, 1]"),
    ],
)
def test_mistake_in_a_formula_is_one_line(text, message, error_of):
    assert error_of(read_waves, text) == message


def test_series_have_no_classes(error_of):
    classes = {"task": "binary", "labels": ["a", "b"]}
    message = "waves.yaml: format: series is one file, and its task a regression"
    assert error_of(read_waves, **classes) == message


# Real files


def published(name):
    dataset = load_dataset(name)
    folders = [ROOT / "data", MIRROR]
    found = [folder for folder in folders if all((folder / name / file).is_file() for file in dataset.files)]
    if not found:
        pytest.skip(f"the published files of {name} are not in {' or '.join(map(str, folders))}")
    paths = [found[0] / name / file for file in dataset.files]
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths] == list(dataset.files.values())
    return read_raw(paths, dataset, "error")


@pytest.mark.parametrize(
    ("name", "train", "test", "mean"),
    [
        # Mean pixels of the training images, as published for both: 0.1307 and 0.2860.
        ("mnist", 60000, 10000, 0.1307),
        ("fashion_mnist", 60000, 10000, 0.2860),
        ("cifar10_subset", 5438, 1017, None),
    ],
)
def test_published_files_are_read_whole(name, train, test, mean, monkeypatch):
    monkeypatch.chdir(ROOT)
    data = published(name)
    assert ((data.part == "train").sum(), (data.part == "test").sum()) == (train, test)
    assert np.unique(data.labels).tolist() == list(range(10))
    if mean:
        assert (data.array[data.part == "train"].mean() / 255).round(4) == mean
