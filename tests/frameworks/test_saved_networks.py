"""Saved networks are loaded only where nothing in them can run code: doctored files, and those of earlier versions."""

import json
import zipfile

import pytest
from doctored import KERAS, OLD_PT2, PICKLE, PLACES, SAMPLE_INPUTS, doctored_keras, doctored_pt2, good_pt2, members_of
from worker_process import run_worker

from pipelines import convert
from twintrain.frameworks import keras_archive
from twintrain.frameworks.pt2_archive import leave_out_samples, load_checked
from twintrain.serving.plain import check_model
from twintrain.serving.process import ScoringProcess
from twintrain.serving.server import Server
from twintrain.settings.params import Serving


@pytest.fixture(scope="module")
def doctored(tmp_path_factory):
    return doctored_pt2(tmp_path_factory.mktemp("doctored"))


def test_archive_of_tensors_and_a_graph_is_passed_on_member_by_member(tmp_path):
    good = good_pt2(tmp_path / "good.pt2")
    with zipfile.ZipFile(load_checked(good)) as passed:
        found = {name.removeprefix("model/"): passed.read(name) for name in passed.namelist()}
    members = members_of(good)
    assert found.keys() == members.keys()
    assert all(found[name] == members[name] for name in members if "json" not in name)
    assert b"stack_trace" in members["models/model.json"]
    assert b"stack_trace" not in found["models/model.json"]


REFUSED = {
    "sample inputs": "data/sample_inputs/model.pt is a pickle, as earlier versions saved it",
    "weights": "data/weights/model_weights_config.json says that a tensor is pickled",
    "weights of an early form": "data/weights/model.pt is none of the members of such a file",
    "constants": "data/constants/model_constants_config.json says that a tensor is pickled",
    "constants of an early form": "data/constants/model.pt is none of the members",
    "formula": "models/model.json has expr_str \"__import__('pathlib')",
    "function": "models/model.json has target 'torch.os.system'",
    "module": "models/model.json has in_spec",
    "custom object": "data/constants/model_constants_config.json has path_name 'custom_obj_0'",
    "opaque object": "data/constants/opaque_obj_0 is none of the members",
    "extra": "extra/notes is none of the members",
    "library": "data/aotinductor/model/model.so is none of the members",
    "file": "models/model.json has target 'torch.ops.aten.save.default'",
    "guards": "models/model.json holds code that checks inputs (guards_code)",
    "name": "models/model.json has name 'a; b'",
    "not a program": "models/model.json is not of the form that it should have",
    "deep": "models/model.json is not of the form that it should have",
    "other mark": "byteorder is none of the members",
}


@pytest.mark.parametrize("place", REFUSED)
def test_file_that_may_run_code_is_refused_by_name(doctored, place, error_of):
    path = doctored[place]
    message = error_of(load_checked, path)
    assert message.startswith(f"{path} is not loaded, since it may run code: {REFUSED[place]}")
    assert "\n" not in message


def test_every_doctored_place_is_tried(doctored):
    assert doctored.keys() == REFUSED.keys()


def _packed(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members_of(OLD_PT2).items():
            archive.writestr(f"model/{name}", content)


def _twice(path):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("model/data/weights/weight_0", PICKLE)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda path: path.write_bytes(b"PK"), "File is not a zip file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "File is not a zip file"),
        (lambda path: path.unlink(), "No such file"),
        (_packed, "it is no archive of torch.export.save"),
        (_twice, "it is no archive of torch.export.save"),
    ],
    ids=["no zip", "cut off", "missing", "compressed", "a member twice"],
)
def test_other_files_are_refused(tmp_path, change, reason, error_of):
    path = good_pt2(tmp_path / "model.pt2")
    change(path)
    message = error_of(load_checked, path)
    assert message.startswith(f"{path} cannot be read as a saved PyTorch network: ")
    assert reason in message


@pytest.mark.slow
def test_stock_pytorch_runs_what_is_refused_here(doctored, tmp_path):
    """The doctored files are no straw men: each of these does something when PyTorch alone loads and calls it."""
    (tmp_path / "planting.py").write_text("from pathlib import Path\nPath('planted').touch()\n", encoding="utf-8")
    run_worker("archive_worker.py", "loads", tmp_path, *doctored.values())
    assert set(json.loads((tmp_path / "done.json").read_text(encoding="utf-8"))) == PLACES.keys()


@pytest.mark.slow
def test_nothing_is_unpickled_when_our_networks_are_loaded(tmp_path):
    run_worker("archive_worker.py", "does_not_unpickle", tmp_path)


def test_file_of_an_earlier_version_is_refused_and_can_be_converted(tmp_path, monkeypatch, capsys, error_of):
    path = tmp_path / "model.pt2"
    path.write_bytes(OLD_PT2.read_bytes())
    assert error_of(load_checked, path).endswith(f"to leave it out, type: python -m pipelines.convert {path}")
    monkeypatch.setattr("sys.argv", ["convert", str(path)])
    convert.convert()
    assert "converted" in capsys.readouterr().out
    assert members_of(path) == members_of(OLD_PT2) | {SAMPLE_INPUTS: b""}
    load_checked(path)
    monkeypatch.setattr("sys.argv", ["convert", str(tmp_path / "nothing.pt2")])
    assert error_of(convert.convert).startswith(f"there is no file {tmp_path}/nothing.pt2; expected one, or a model")


def test_conversion_leaves_what_it_cannot_read_as_it_is(tmp_path, error_of):
    path = tmp_path / "model.pt2"
    path.write_bytes(b"no archive")
    assert "cannot be read" in error_of(leave_out_samples, path)
    assert path.read_bytes() == b"no archive"
    assert list(tmp_path.iterdir()) == [path]


def test_keras_file_of_an_earlier_version_is_read():
    keras_archive.check(KERAS)


MODEL = """
import mlflow

class Nothing(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input

mlflow.models.set_model(Nothing())
"""


@pytest.mark.slow
def test_model_of_an_earlier_version_is_not_loaded_before_it_is_converted(
    store_folder, tmp_path, monkeypatch, capsys, error_of
):
    import mlflow.pyfunc

    network = tmp_path / "network"
    network.mkdir()
    (network / "model.pt2").write_bytes(OLD_PT2.read_bytes())
    (tmp_path / "code.py").write_text(MODEL, encoding="utf-8")
    artifacts, requirements = {"network": str(network)}, ["mlflow"]
    with mlflow.start_run():
        logged = mlflow.pyfunc.log_model(
            name="scorer", python_model=str(tmp_path / "code.py"), artifacts=artifacts, pip_requirements=requirements
        )
    reason = f"{logged.model_uri}: model.pt2 is not loaded, since it may run code: {SAMPLE_INPUTS} is a pickle"
    mend = f"python -m pipelines.convert {logged.model_uri}"
    for load in (check_model, ScoringProcess, lambda uri: Server(uri, Serving()).__enter__()):
        message = error_of(load, logged.model_uri)
        assert message.startswith(reason)
        assert message.endswith(mend)
    monkeypatch.setattr("sys.argv", ["convert", logged.model_uri])
    convert.convert()
    *steps, told = capsys.readouterr().out.splitlines()
    assert [step[:11] for step in steps] == ["convert 1/3", "convert 2/3", "convert 3/3"]
    assert told == f"{logged.model_uri}: converted, its pickle is left out"
    with ScoringProcess(logged.model_uri) as process:
        assert process.score(5) == 5


def _layer(**entry):
    return lambda config: config["config"]["layers"][1].update(entry)


def _constant(dtype):
    return _layer(constant={"class_name": "__numpy__", "config": {"value": [1], "dtype": dtype}})


def test_numbers_that_a_network_adds_are_no_code(tmp_path):
    for dtype in ("float32", "float64", "int64", "bool", "bfloat16"):
        keras_archive.check(doctored_keras(tmp_path / "model.keras", _constant(dtype)))


KERAS_REFUSED = {
    "lambda": (_layer(class_name="Lambda"), {}, "config.json names Lambda of keras.layers"),
    "module": (_layer(module="subprocess", class_name="Popen"), {}, "config.json names Popen of subprocess"),
    "function": (
        lambda config: config["config"]["layers"][2]["config"].update(
            activation={"module": "builtins", "class_name": "function", "config": "exec", "registered_name": "function"}
        ),
        {},
        "config.json names function of builtins",
    ),
    "download": (_layer(module="keras.utils", class_name="get_file"), {}, "config.json names get_file of keras.utils"),
    "function of a known module": (
        _layer(class_name="deserialize"),
        {},
        "config.json names deserialize of keras.layers",
    ),
    "user's class": (_layer(registered_name="mine>Dense"), {}, "config.json names Dense of keras.layers"),
    "no module": (_layer(module=None), {}, "config.json names Dense of None"),
    "file of words": (_layer(class_name="TextVectorization"), {}, "config.json names TextVectorization"),
    "text for numbers": (_constant("U999999999"), {}, "config.json names __numpy__ of None"),
    "objects for numbers": (_constant("object"), {}, "config.json names __numpy__ of None"),
    "member": (lambda _: None, {"assets/run.py": b""}, "assets/run.py is none of its members"),
    "strange": (_layer(class_name=["Dense"]), {}, "config.json is not of the form that it should have"),
}


@pytest.mark.parametrize("what", KERAS_REFUSED)
def test_keras_file_that_may_run_code_is_refused_by_name(tmp_path, what, error_of):
    change, more, reason = KERAS_REFUSED[what]
    path = doctored_keras(tmp_path / "model.keras", change, **more)
    message = error_of(keras_archive.check, path)
    assert message.startswith(f"{path} is not loaded, since it may run code: {reason}")


def test_damaged_keras_file_is_refused(tmp_path, error_of):
    path = tmp_path / "model.keras"
    path.write_bytes(KERAS.read_bytes()[:-50])
    assert error_of(keras_archive.check, path).startswith(f"{path} cannot be read as a saved Keras network: ")


def _written(path, method, content):
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("config.json", content)
        archive.writestr("metadata.json", "{}")
        archive.writestr("model.weights.h5", "")
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_keras_file_that_grows_when_it_is_read_is_refused_unread(tmp_path, method, monkeypatch, error_of):
    path = _written(tmp_path / "model.keras", method, b"[" + b" " * 2**22 + b"]")
    assert path.stat().st_size < 2**16
    monkeypatch.setattr(zipfile.ZipFile, "read", None)
    assert error_of(keras_archive.check, path) == (
        f"{path} cannot be read as a saved Keras network: config.json is compressed, as Keras saves none"
    )


def test_keras_file_with_weights_that_grow_is_refused(tmp_path, error_of):
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(KERAS) as good, zipfile.ZipFile(path, "w") as archive:
        for name in good.namelist():
            method = zipfile.ZIP_DEFLATED if name == "model.weights.h5" else zipfile.ZIP_STORED
            archive.writestr(name, good.read(name), method)
    assert error_of(keras_archive.check, path).endswith("model.weights.h5 is compressed, as Keras saves none")


def test_keras_file_with_a_description_that_no_network_has_is_refused_unread(tmp_path, monkeypatch, error_of):
    path = _written(tmp_path / "model.keras", zipfile.ZIP_STORED, b"[" + b" " * 2**24 + b"]")
    monkeypatch.setattr(zipfile.ZipFile, "read", None)
    assert error_of(keras_archive.check, path).endswith("config.json has 16,777,218 bytes, expected at most 16,777,216")
