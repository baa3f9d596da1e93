"""--data: what it writes, what it takes as written, what it refuses."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from twintrain.data.dataset import load_dataset, raw_files
from twintrain.data.own.adoption import adopt
from twintrain.data.own.first_settings import STEPS, first_settings
from twintrain.data.own.found import Found
from twintrain.data.own.wishes import Wishes
from twintrain.data.readers.reading import read_raw
from twintrain.settings.params import Params
from twintrain.settings.yaml_files import read_yaml, validated, write_yaml
from twintrain.training.batches import epoch_batches

DESCRIPTION = Path("conf/datasets/my.yaml")
PRESET = Path("conf/presets/my.yaml")


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    x = rng.normal(size=80)
    return pd.DataFrame({"x": x.round(3), "city": ["Busan", "Seoul"] * 40, "y": np.where(x > 0, "yes", "no")})


@pytest.fixture
def my(project, table):
    """A table that has been described; the folder is that of the project."""
    table.to_csv("my.csv", index=False)
    adopt(Path("my.csv"), Wishes("y"))
    return table


def params_of(preset):
    return validated(Params, {"frameworks": ["torch"], **read_yaml(preset)}, str(preset))


def test_table_is_described_and_copied(my):
    dataset = load_dataset("my")
    assert (dataset.task, dataset.labels, list(dataset.features)) == ("binary", ["no", "yes"], ["x", "city"])
    assert dataset.files == {"my.csv": hashlib.sha256(Path("my.csv").read_bytes()).hexdigest()}
    assert raw_files("my", dataset) == [Path("own/my/my.csv")]
    assert DESCRIPTION.read_text("utf-8").startswith("# Found in my.csv; correct what is wrong. It is never written")


def test_settings_fit_the_data(my):
    params = params_of(PRESET)
    assert (params.dataset, params.model, params.preprocess.categorical) == (
        "my",
        "conf/models/wide_and_deep.yaml",
        "onehot",
    )
    assert (params.split.scale, params.ingest.bad_rows, params.train.batch_size) == ("standard", "error", 32)


@pytest.mark.parametrize("rows", [10, 60, 5_000, 20_000, 150_000])
def test_networks_of_tables_take_as_many_steps_whatever_the_rows(rows):
    found = Found({"task": "binary"}, rows, [], [], smallest_class=None)
    preset = first_settings("my", found, Wishes())
    train = validated(Params, {"frameworks": ["torch"], **preset}, "preset").train
    trained_on = round(0.7 * rows)
    steps = train.epochs * len(epoch_batches(trained_on, train.batch_size, seed=0, epoch=0))
    assert 0.95 * STEPS <= steps <= 1.05 * STEPS
    assert (train.early_stopping.patience, train.threads) == (train.epochs // 5, 1)
    assert train.regularization.l2 == pytest.approx(1 / trained_on, rel=0.05)


def test_what_the_user_has_written_is_never_written_again(my, capsys):
    DESCRIPTION.write_text(DESCRIPTION.read_text("utf-8").replace("title: my", "title: Mine"), "utf-8")
    write_yaml(PRESET, {**read_yaml(PRESET), "train": {"epochs": 7}}, ["Mine."])
    before = DESCRIPTION.read_bytes(), PRESET.read_bytes()
    adopt(Path("my.csv"), Wishes("y"))
    assert (DESCRIPTION.read_bytes(), PRESET.read_bytes()) == before
    assert capsys.readouterr().out.splitlines()[-1] == (
        "my: described in conf/datasets/my.yaml, which is taken as it is written"
    )


def test_data_that_an_earlier_version_has_put_into_data_stays_there(my):
    DESCRIPTION.write_text(DESCRIPTION.read_text("utf-8").replace("path: own/my\n", ""), "utf-8")
    Path("own").rename("data")
    pd.concat([my, my]).to_csv("my.csv", index=False)
    adopt(Path("my.csv"), Wishes("y"))
    assert raw_files("my", load_dataset("my")) == [Path("data/my/my.csv")]
    assert not Path("own").exists()


def test_settings_that_were_deleted_are_made_anew(my, capsys):
    DESCRIPTION.write_text(DESCRIPTION.read_text("utf-8").replace("title: my", "title: Mine"), "utf-8")
    described, settings = DESCRIPTION.read_bytes(), PRESET.read_bytes()
    PRESET.unlink()
    adopt(Path("my.csv"), Wishes())
    assert (DESCRIPTION.read_bytes(), PRESET.read_bytes()) == (described, settings)
    assert capsys.readouterr().out.splitlines()[-1] == "Written: conf/presets/my.yaml"


def test_link_is_called_by_its_own_name_and_taken_again(project, table):
    table.to_csv("4f2a91", index=False)
    Path("my.csv").symlink_to("4f2a91")
    for _ in range(2):
        assert adopt(Path("my.csv"), Wishes("y")) == "my"
    assert Path("own/my/my.csv").read_bytes() == Path("4f2a91").read_bytes()
    assert not Path("own/my/my.csv").is_symlink()


def test_another_file_that_fits_is_taken(my, capsys):
    pd.concat([my, my]).to_csv("my.csv", index=False)
    adopt(Path("my.csv"), Wishes("y"))
    assert "my.csv is new and fits; conf/datasets/my.yaml has its checksum now" in capsys.readouterr().out
    assert len(Path("own/my/my.csv").read_text("utf-8").splitlines()) == 161
    assert raw_files("my", load_dataset("my"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda table: table.rename(columns={"city": "City"}),
            "my.csv is not what conf/datasets/my.yaml describes: column 'city' is missing; did you mean 'City'?",
        ),
        (
            lambda table: table.assign(x=["large", *table["x"][1:]]),
            "my.csv is not what conf/datasets/my.yaml describes: 1 row with no number within the bounds in 'x' "
            "('large')",
        ),
        (
            lambda table: table.assign(y=["maybe", "perhaps", *table["y"][2:]]),
            "my.csv is not what conf/datasets/my.yaml describes: 2 rows with a new category of 'y' "
            "('maybe', 'perhaps')",
        ),
        (
            lambda table: table.assign(x=["", "", *table["x"][2:]]),
            "my.csv is not what conf/datasets/my.yaml describes: 2 rows with no value of 'x' ('')",
        ),
    ],
    ids=["column gone", "type changed", "new label", "missing values"],
)
def test_another_file_of_another_kind_is_refused(change, message, my, error_of):
    before = DESCRIPTION.read_bytes(), Path("own/my/my.csv").read_bytes()
    change(my).to_csv("my.csv", index=False)
    anew = "; correct one of them, or delete conf/datasets/my.yaml to have it found anew"
    assert error_of(adopt, Path("my.csv"), Wishes("y")) == message + anew
    assert (DESCRIPTION.read_bytes(), Path("own/my/my.csv").read_bytes()) == before


def test_new_category_is_refused_where_others_are_not_taken(my, error_of):
    content = read_yaml(DESCRIPTION)
    content["features"]["city"]["other"] = False
    write_yaml(DESCRIPTION, content)
    my.assign(city=["Jeju", *my["city"][1:]]).to_csv("my.csv", index=False)
    assert "1 row with a new category of 'city' ('Jeju')" in error_of(adopt, Path("my.csv"), Wishes("y"))


@pytest.mark.parametrize(
    ("name", "wishes", "message"),
    [
        (
            "gone.csv",
            Wishes("y"),
            "gone.csv is not there; expected a table (.csv, .tsv, .txt, .data, .xlsx, .parquet …; ",
        ),
        (
            "notes.docx",
            Wishes("y"),
            "notes.docx: expected a table (.csv, .tsv, .txt, .data, .xlsx, .parquet …; ",
        ),
        ("car.csv", Wishes("y"), "conf/datasets/car.yaml describes other data (car.data); give car.csv another name"),
        ("new.csv", Wishes(), "which column of new.csv is to be predicted? expected --target NAME; known: x, city, y"),
        ("new.csv", Wishes("Y"), "new.csv has no column 'Y'; known: city, x, y"),
        ("new.csv", Wishes("y", group="citty"), "new.csv has no column 'citty'; did you mean 'city'?"),
        ("new.csv", Wishes("y", time="city"), "split.time: expected numbers or dates without missing ones in 'city'"),
        ("car_tuned.csv", Wishes("y"), "there is a preset 'car_tuned' of other data; give car_tuned.csv another name"),
        ("current.csv", Wishes("y"), "there is a preset 'current' of other data; give current.csv another name"),
        ("my.csv", Wishes("x"), "conf/datasets/my.yaml has target: y, got --target x; correct it there, or delete "),
    ],
)
def test_unusable_request_is_one_line_and_writes_nothing(name, wishes, message, my, error_of):
    for file in ("notes.docx", "car.csv", "new.csv", "car_tuned.csv", "current.csv"):
        my.to_csv(file, index=False)
    before = sorted(Path("conf").rglob("*.yaml")), sorted(Path("own").rglob("*"))
    assert error_of(adopt, Path(name), wishes).startswith(message)
    assert (sorted(Path("conf").rglob("*.yaml")), sorted(Path("own").rglob("*"))) == before


def image_folder(folder, channels=3, test=False):
    rng = np.random.default_rng(0)
    for part in ("train", "test") if test else ("",):
        for label in ("cats", "dogs"):
            place = Path(folder, part, label)
            place.mkdir(parents=True)
            for number in range(6):
                pixels = rng.integers(0, 256, (40, 100, channels), np.uint8).squeeze()
                Image.fromarray(pixels).save(place / f"{number}.png")


@pytest.mark.parametrize(
    ("channels", "test", "shape", "method"),
    [(3, False, [26, 64, 3], "stratified"), (1, True, [26, 64, 1], "given")],
)
def test_folder_of_images_is_described_and_copied(channels, test, shape, method, project):
    image_folder("pets", channels, test)
    adopt(Path("pets"), Wishes())
    dataset = load_dataset("pets")
    assert (dataset.format, dataset.labels, dataset.image_shape) == ("images", ["cats", "dogs"], shape)
    assert raw_files("pets", dataset) == [Path("own/pets/pets")]
    params = params_of(Path("conf/presets/pets.yaml"))
    assert (params.model_name, params.split.method, params.split.scale) == ("image_cnn", method, "none")


def test_another_folder_of_other_classes_is_refused(project, error_of):
    image_folder("pets")
    adopt(Path("pets"), Wishes())
    before = Path("conf/datasets/pets.yaml").read_bytes()
    Path("pets/dogs").rename("pets/birds")
    assert error_of(adopt, Path("pets"), Wishes()) == (
        "pets is not what conf/datasets/pets.yaml describes: there is no class 'dogs'; there is a new class 'birds'; "
        "correct one of them, or delete conf/datasets/pets.yaml to have it found anew"
    )
    assert Path("conf/datasets/pets.yaml").read_bytes() == before
    assert Path("own/pets/pets/dogs").is_dir()


def test_files_that_the_reader_does_not_take_are_set_aside_and_said(project, capsys):
    image_folder("pets")
    Image.new("RGB", (8, 8)).save("pets/cats/7.ppm")
    Image.new("1", (20_000, 20_000)).save("pets/dogs/large.png")
    Path("pets/dogs/notes.txt").write_text("mind the dog", "utf-8")
    adopt(Path("pets"), Wishes())
    assert params_of(Path("conf/presets/pets.yaml")).ingest.bad_rows == "drop"
    assert (
        "mind: 3 files set aside: cats/7.ppm is no JPEG, PNG, GIF, WebP, BMP or TIFF; dogs/large.png has too many "
        "pixels; expected at most 100,000,000; dogs/notes.txt is no JPEG, PNG, GIF, WebP, BMP or TIFF"
    ) in capsys.readouterr().out


def test_folder_of_other_formats_says_which_are_expected(project, error_of):
    for label in ("cats", "dogs"):
        Path("pets", label).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(f"pets/{label}/0.ppm")
    assert error_of(adopt, Path("pets"), Wishes()) == (
        "pets: expected images in at least two folders, one a class, got no images; cats/0.ppm is no JPEG, PNG, "
        "GIF, WebP, BMP or TIFF"
    )


def test_folder_has_no_column_to_predict(project, error_of):
    image_folder("pets")
    assert error_of(adopt, Path("pets"), Wishes("cats")) == (
        "--target cats: expected a table, got pets, which has no columns"
    )


def test_images_outside_of_class_folders_are_refused(project, error_of):
    Path("pets").mkdir()
    Image.new("L", (4, 4)).save("pets/cat.png")
    assert error_of(adopt, Path("pets"), Wishes()) == (
        "pets: expected a folder a class, got 'cat.png' outside of them; --folders says how folders are meant: class, "
        "part/class, any/class, …"
    )


@pytest.mark.parametrize(
    ("features", "labels", "expected", "model"),
    [
        (np.zeros((30, 7)), np.arange(30) % 3, {"task": "multiclass", "sample_shape": [7]}, "wide_and_deep"),
        (np.zeros((30, 9, 2)), np.linspace(0, 1, 30), {"task": "regression", "sample_shape": [9, 2]}, "lstm"),
        (np.zeros((30, 8, 8), np.uint8), np.arange(30) % 2, {"task": "binary", "image_shape": [8, 8, 1]}, "image_cnn"),
        (np.full((30, 8, 8, 3), 255.0), np.arange(30) % 2, {"image_shape": [8, 8, 3]}, "image_cnn"),
        # Pixels from 0 to 1 already.
        (np.full((30, 8, 8, 1), 0.5), np.arange(30) % 2, {"image_shape": None, "sample_shape": [8, 8, 1]}, "image_cnn"),
    ],
)
def test_arrays_are_described_by_their_shape(features, labels, expected, model, project):
    np.savez("mine.npz", features=features, labels=labels)
    adopt(Path("mine.npz"), Wishes())
    dataset = load_dataset("mine")
    assert {key: getattr(dataset, key) for key in expected} == expected
    assert params_of(Path("conf/presets/mine.yaml")).model_name == model


@pytest.mark.parametrize(
    ("features", "labels", "message"),
    [
        (
            np.zeros((30, 7)),
            np.eye(3)[np.arange(30) % 3],
            "mine.npz: labels: expected (30,), one a row, got (30, 3); of one-hot labels: labels.argmax(axis=1)",
        ),
        (
            np.zeros(30),
            np.arange(30) % 2,
            "mine.npz: features: expected (rows, numbers), (rows, steps, channels) or (rows, height, width, channels), "
            "got (30,)",
        ),
    ],
)
def test_arrays_of_another_shape_are_refused_before_anything_is_written(features, labels, message, project, error_of):
    np.savez("mine.npz", features=features, labels=labels)
    assert error_of(adopt, Path("mine.npz"), Wishes()) == message
    assert not Path("conf/datasets/mine.yaml").exists()


def test_a_link_inside_the_folder_is_the_file_that_it_leads_to(project):
    image_folder(project / "pets")
    link = project / "pets/cats/again.png"
    link.symlink_to(sorted((project / "pets/cats").iterdir())[0])
    adopt(project / "pets", Wishes())
    copied = project / "own/pets/pets/cats/again.png"
    assert not copied.is_symlink()
    assert copied.read_bytes() == link.read_bytes()


def test_a_link_that_leads_out_of_the_folder_brings_nothing_into_data(project, error_of):
    image_folder(project / "pets")
    (project / "secret.png").write_bytes(b"secret")
    (project / "pets/cats/other.png").symlink_to(project / "secret.png")
    said = error_of(adopt, project / "pets", Wishes())
    assert said.startswith(
        f"{project}/pets/cats/other.png is a link that leads out of the folder, to {project}/secret.png"
    )
    assert not (project / "own").exists()


def test_rare_classes_and_rows_of_no_number_are_set_aside_of_arrays_too(project, capsys):
    labels = np.repeat(["cat", "Cat ", "dog", "owl"], [10, 5, 40, 4])
    features = np.random.default_rng(0).normal(size=(59, 3)).astype(np.float32)
    features[20, 1] = np.nan
    np.savez("mine.npz", features=features, labels=labels)
    adopt(Path("mine.npz"), Wishes())
    dataset = load_dataset("mine")
    assert dataset.labels == ["Cat ", "cat", "dog"]
    assert params_of(Path("conf/presets/mine.yaml")).ingest.bad_rows == "drop"
    data = read_raw(raw_files("mine", dataset), dataset, "drop")
    assert (len(data.labels), len(data.rejected)) == (54, 5)
    said = capsys.readouterr().out
    for line in (
        "mind: 1 class of fewer than 5 rows left out ('owl'): 4 rows set aside\n",
        "mind: 'Cat ' and 'cat' are nearly equal names, and taken as 2 classes",
        "mind: the classes are imbalanced: 'dog' has 40 rows, 'Cat ' 5;",
        "mind: 1 row of numbers that are not finite: set aside\n",
    ):
        assert line in said


def test_classes_that_given_test_rows_of_arrays_lack_are_set_aside(project, capsys):
    labels = np.repeat([True, False], 10)
    x, y = np.zeros((20, 3)), np.repeat([0, 1, 2, 10], 5)
    np.savez("mine.npz", x_train=x, y_train=y, x_test=x[:15], y_test=y[:15])
    adopt(Path("mine.npz"), Wishes())
    assert load_dataset("mine").labels == ["0", "1", "2"]
    assert "mind: 1 class of one part alone left out ('10'): 5 rows set aside\n" in capsys.readouterr().out
    np.savez("truths.npz", features=x, labels=labels)
    adopt(Path("truths.npz"), Wishes())
    dataset = load_dataset("truths")
    assert read_raw(raw_files("truths", dataset), dataset, "error").labels.tolist() == [1] * 10 + [0] * 10


def test_arrays_of_rare_classes_alone_are_refused(project, error_of):
    np.savez("mine.npz", features=np.zeros((14, 3)), labels=np.repeat([0, 1, 2], [10, 2, 2]))
    assert error_of(adopt, Path("mine.npz"), Wishes()) == (
        "mine.npz: expected at least two classes of 5 rows, in each part, got 0: 10, 1: 2, 2: 2"
    )
