import hashlib
from pathlib import Path

import pytest

from twintrain.data.dataset import Dataset, Feature, load_dataset, raw_files
from twintrain.yaml_files import validated

ROOT = Path(__file__).resolve().parents[1]
DATASETS = sorted(path.stem for path in (ROOT / "conf/datasets").glob("*.yaml"))

TABLE = {
    "title": "Demo",
    "origin": "written for the tests",
    "licence": "public domain",
    "task": "binary",
    "format": "table",
    "files": {"demo.csv": "0" * 64},
    "target": "y",
    "labels": ["no", "yes"],
    "features": {"age": {"min": 0, "max": 120}, "size": "numeric", "colour": ["red", "blue"]},
}
PIXELS = {**{key: value for key, value in TABLE.items() if key != "features"}, "format": "pixels"}


@pytest.mark.parametrize("name", DATASETS)
def test_description_is_valid_and_says_where_the_data_is_from(name, project):
    dataset = load_dataset(name)
    assert all([dataset.title, dataset.origin, dataset.licence])
    assert all(len(bytes.fromhex(sha256)) == 32 for sha256 in dataset.files.values())
    assert len(set(dataset.labels)) == len(dataset.labels)


def test_short_forms_of_features_are_written_out():
    features = validated(Dataset, TABLE, "demo.yaml").features
    assert features == {
        "age": Feature(min=0, max=120),
        "size": Feature(),
        "colour": Feature(categories=["red", "blue"]),
    }


def test_description_survives_json():
    dataset = validated(Dataset, TABLE, "demo.yaml")
    assert Dataset.model_validate_json(dataset.model_dump_json()) == dataset


@pytest.mark.parametrize(
    ("task", "labels", "outputs"),
    [("binary", ["a", "b"], 1), ("multiclass", ["a", "b"], 2), ("multiclass", list("abcd"), 4)],
)
def test_binary_task_has_one_output_else_one_a_class(task, labels, outputs):
    assert validated(Dataset, {**TABLE, "task": task, "labels": labels}, "demo.yaml").outputs == outputs


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({**TABLE, "labels": ["a", "b", "c"]}, "a binary task has 2 labels, got 3"),
        ({**TABLE, "labels": ["a"]}, "'labels': expected at least 2 items, got ['a']"),
        ({**TABLE, "labels": ["0", 1]}, "'labels.1': expected a valid string, got 1"),
        ({**TABLE, "titel": "x"}, "unknown parameter 'titel'; did you mean 'title'?"),
        ({**TABLE, "task": "regression"}, "'task': expected 'binary' or 'multiclass', got 'regression'"),
        ({**TABLE, "features": {"a": [1, 2]}}, "'features.a.categories.0': expected a valid string, got 1"),
        ({**TABLE, "features": {"a": {"min": "0"}}}, "'features.a.min': expected a valid number, got '0'"),
        ({**TABLE, "features": {"a": {"mn": 0}}}, "unknown parameter 'features.a.mn'; did you mean 'min'?"),
        ({**TABLE, "image_shape": [1, 1, 1]}, "pixels have an image_shape [height, width, channels], a table has none"),
        (PIXELS, "pixels have an image_shape [height, width, channels], a table has none"),
        ({**PIXELS, "format": "table"}, "a table has features, pixels have none"),
        ({**TABLE, "format": "pixels"}, "a table has features, pixels have none"),
        ({**PIXELS, "image_shape": [28, 28]}, "'image_shape': expected at least 3 items, got [28, 28]"),
    ],
)
def test_mistake_in_a_description_is_one_line(content, message, error_of):
    assert error_of(validated, Dataset, content, "demo.yaml") == f"demo.yaml: {message}"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("diabets", "unknown dataset 'diabets'; did you mean 'diabetes'?"),
        ("../presets/car", f"unknown dataset '../presets/car'; known: {', '.join(DATASETS)}"),
    ],
)
def test_unknown_dataset_is_refused(name, message, project, error_of):
    assert error_of(load_dataset, name) == message


RAW = b"x,y\n1,no\n2,yes\n"


@pytest.fixture
def described(project):
    """A data set of two files, both as described."""
    folder = project / "data/demo"
    folder.mkdir(parents=True)
    files = {"a.csv": RAW, "b.csv": RAW * 2}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return validated(Dataset, {**TABLE, "files": sums}, "demo.yaml")


def test_unaltered_files_come_in_the_order_of_the_description(described):
    assert raw_files("demo", described) == [Path("data/demo/a.csv"), Path("data/demo/b.csv")]


def test_missing_file_says_how_to_get_it(described, error_of):
    Path("data/demo/b.csv").unlink()
    assert error_of(raw_files, "demo", described) == "data/demo/b.csv is missing; get it with: dvc pull data.dvc"


@pytest.mark.parametrize(
    ("content", "size"),
    [(RAW[:-5], "10"), (b"", "0"), (RAW.replace(b"2", b"3"), "15"), (RAW + b" " * 2000, "2,015")],
    ids=["truncated", "empty", "altered", "longer"],
)
def test_file_that_is_not_the_described_one_is_refused(content, size, described, error_of):
    Path("data/demo/a.csv").write_bytes(content)
    expected, received = (hashlib.sha256(text).hexdigest()[:12] for text in (RAW, content))
    assert error_of(raw_files, "demo", described) == (
        "data/demo/a.csv is not the file that conf/datasets/demo.yaml describes: "
        f"expected sha256 {expected}…, got {received}… ({size} bytes); "
        "get it back with: git checkout data.dvc && dvc checkout --force data.dvc"
    )
