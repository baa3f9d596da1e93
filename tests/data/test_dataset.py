import hashlib
from pathlib import Path

import pytest

from twintrain.data.dataset import Dataset, load_dataset, raw_files, raw_folder
from twintrain.data.feature import Feature
from twintrain.data.files import folder_digest
from twintrain.settings.yaml_files import validated

ROOT = Path(__file__).resolve().parents[2]
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
        ({**TABLE, "labels": ["a"]}, "a binary task has 2 labels, got 1"),
        ({**TABLE, "labels": ["0", 1]}, "'labels.1': expected a valid string, got 1"),
        ({**TABLE, "titel": "x"}, "unknown parameter 'titel'; did you mean 'title'?"),
        ({**TABLE, "task": "multiclass", "labels": ["a"]}, "a multiclass task has at least 2 labels, got 1"),
        ({**TABLE, "task": "regression"}, "a regression predicts a number; expected no labels"),
        (
            {**TABLE, "task": "ranking"},
            "'task': expected 'binary', 'multiclass', 'regression' or 'segmentation', got 'ranking'",
        ),
        ({**TABLE, "features": {"a": [1, 2]}}, "'features.a.categories.0': expected a valid string, got 1"),
        ({**TABLE, "features": {"a": {"min": "0"}}}, "'features.a.min': expected a valid number, got '0'"),
        (
            {**TABLE, "features": {"a": {"text": {"length": 0}}}},
            "'features.a.text.length': expected 1 to 100,000, got 0",
        ),
        (
            {**TABLE, "features": {"a": {"text": {}, "date": "%Y"}}},
            "'features.a': expected one of categories, date and text, got date and text",
        ),
        (
            {**TABLE, "features": {"b": "text", "a": "text", "c": "numeric", "d": {"used": False}}},
            "'a' is text, whose words are the steps of the only input that a network has; "
            "expected used: false for b, c",
        ),
        (
            {**TABLE, "features": {"a": {"text": {}, "missing": True, "missing_marks": ["-"]}}},
            "'features.a': missing_marks are for other columns; a text is missing where it is empty",
        ),
        ({**TABLE, "features": {"a": {"mn": 0}}}, "unknown parameter 'features.a.mn'; did you mean 'min'?"),
        (
            {**TABLE, "sources": ["ftp://a"]},
            "'sources': expected URLs that begin with http:// or https://, got ftp://a",
        ),
        (
            {**TABLE, "kaggle": "owner/name"},
            "mirror, archive and kaggle say how files are fetched; expected sources too, if only []",
        ),
        (
            {**TABLE, "sources": [], "archive": "a.tar"},
            "expected a .zip as archive, got a.tar; a tar can be a file itself",
        ),
        (
            {**TABLE, "sources": [], "files": {"pictures/": "0" * 64}},
            "folders are not fetched; expected files, or a zip or tar of the folder",
        ),
        (
            {**TABLE, "image_shape": [1, 1, 1]},
            "format: table is described by features, got features and image_shape",
        ),
        (PIXELS, "format: pixels is described by image_shape, got neither"),
        ({**TABLE, "format": "pixels"}, "format: pixels is described by image_shape, got features"),
        ({**TABLE, "format": "npz"}, "format: npz is described by image_shape or sample_shape, got features"),
        ({**PIXELS, "sample_shape": []}, "'sample_shape': expected at least 1 item, got []"),
        ({**PIXELS, "image_shape": [28, 28]}, "'image_shape': expected at least 3 items, got [28, 28]"),
    ],
)
def test_mistake_in_a_description_is_one_line(content, message, error_of):
    assert error_of(validated, Dataset, content, "demo.yaml") == f"demo.yaml: {message}"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("diabets", "unknown dataset 'diabets'; did you mean 'diabetes'?"),
        ("../presets/car", "unknown dataset '../presets/car'; conf/datasets has them all"),
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


def test_file_that_is_fetched_says_how_to_fetch_it(described, error_of):
    fetched = described.model_copy(update={"sources": []})
    Path("data/demo/a.csv").write_bytes(RAW[:-5])
    message = error_of(raw_files, "demo", fetched)
    assert message.endswith("; get it back with: python -m pipelines.fetch demo --force")
    Path("data/demo/a.csv").unlink()
    assert error_of(raw_files, "demo", fetched) == (
        "data/demo/a.csv is missing; get it with: python -m pipelines.fetch demo"
    )


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


@pytest.mark.parametrize(
    ("folder", "sources", "place", "again"),
    [
        (None, None, "data/demo", "dvc pull data.dvc"),
        (None, [], "fetched/demo", "python -m pipelines.fetch demo"),
        ("own/demo", None, "own/demo", "python -m pipelines.run --data PATH/a.csv"),
        ("/disk/demo", None, "/disk/demo", "python -m pipelines.run --data PATH/a.csv"),
    ],
)
def test_description_says_where_files_lie_and_how_they_come_back(folder, sources, place, again, project, error_of):
    dataset = validated(Dataset, {**TABLE, "files": {"a.csv": ""}, "path": folder, "sources": sources}, "demo.yaml")
    assert raw_folder("demo", dataset) == Path(place)
    assert error_of(raw_files, "demo", dataset) == f"{place}/a.csv is missing; get it with: {again}"


@pytest.mark.parametrize("folder", ["../demo", "own/../../demo", "build/demo", "."])
def test_folder_that_a_copy_of_the_project_would_lack_is_refused(folder, error_of):
    assert error_of(validated, Dataset, {**TABLE, "files": {"a.csv": ""}, "path": folder}, "demo.yaml") == (
        f"demo.yaml: 'path': expected a folder in data or own or fetched, or one from the root on, got {folder}"
    )


@pytest.fixture
def folder(project):
    """A data set that is a folder, and its description."""
    path = project / "data/demo/photos"
    (path / "cat").mkdir(parents=True)
    (path / "cat/a.png").write_bytes(b"1")
    described = {**PIXELS, "format": "images", "image_shape": [1, 1, 1], "files": {"photos/": folder_digest(path)}}
    return validated(Dataset, described, "demo.yaml")


def test_folder_is_described_by_its_digest(folder):
    assert raw_files("demo", folder) == [Path("data/demo/photos")]


def test_folder_that_is_altered_or_missing_is_refused(folder, error_of):
    Path("data/demo/photos/cat/b.png").write_bytes(b"2")
    assert error_of(raw_files, "demo", folder).startswith(
        "data/demo/photos is not the file that conf/datasets/demo.yaml describes: expected sha256 "
    )
    Path("data/demo/photos").rename("data/demo/other")
    assert error_of(raw_files, "demo", folder) == "data/demo/photos is missing; get it with: dvc pull data.dvc"


def test_chosen_classes_are_the_labels_in_their_own_order(error_of):
    dataset = validated(Dataset, {**TABLE, "task": "multiclass", "labels": ["a", "b", "c"]}, "demo.yaml")
    assert dataset.of_classes(None) == dataset
    assert (dataset.of_classes(["c", "a"]).labels, dataset.of_classes(["c", "a"]).outputs) == (["c", "a"], 2)
    assert error_of(dataset.of_classes, ["a", "d"]) == "ingest.classes: no class 'd' in Demo; known: a, b, c"


def test_regression_has_no_classes_to_choose(error_of):
    dataset = validated(Dataset, {**TABLE, "task": "regression", "labels": []}, "demo.yaml")
    assert error_of(dataset.of_classes, ["a", "b"]) == (
        "ingest.classes: Demo has a number to predict and no classes; expected null"
    )
