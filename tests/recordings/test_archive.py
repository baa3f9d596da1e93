import dataclasses
import json
import stat

import numpy as np
import pytest
from made_recordings import image_network
from rewritten_recordings import message, rewritten

from twintrain.errors import UserError
from twintrain.recordings import npz
from twintrain.recordings.archive import Recording, load
from twintrain.recordings.contents import Call, Tensor, Weight
from twintrain.recordings.npz import FORMAT

NAMES = ["float32/tensor/0", "float32/tensor/1", "weight/body.weight"]


@pytest.fixture
def recording():
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=(2, 3)).astype(np.float32) for name in NAMES}
    call = Call("body", "Linear", "dense", {}, [0], [1], {"kernel": "body.weight"})
    return Recording(
        framework="torch",
        versions={"torch": "2.11.0"},
        device="cpu",
        rows=2,
        training=False,
        passes=["float32"],
        inputs=[0],
        outputs=[1],
        tensors=[Tensor((2, 3)), Tensor((2, 3))],
        calls=[call],
        weights=[Weight("body.weight", (2, 3), "OI", True)],
        arrays=arrays,
        left_out={"float64": "the model has a layer – “x” – that is of float32"},
    )


@pytest.fixture
def path(recording, tmp_path):
    recording.save(tmp_path / "a.npz")
    return tmp_path / "a.npz"


def test_what_is_loaded_is_what_was_saved(recording, path):
    loaded = load(path)
    for field in dataclasses.fields(Recording):
        if field.name != "arrays":
            assert getattr(loaded, field.name) == getattr(recording, field.name), field.name
    assert all(np.array_equal(loaded.arrays[name], recording.arrays[name]) for name in NAMES)
    assert loaded.tensor("float32", 1).dtype == np.float32
    assert np.array_equal(loaded.tensor("float32", 1), recording.arrays["float32/tensor/1"])
    assert np.array_equal(loaded.weight("float32", "body.weight"), recording.arrays["weight/body.weight"])


def test_file_is_of_plain_arrays_and_says_its_format(path):
    with np.load(path, allow_pickle=False) as stored:
        header = json.loads(stored["recording"].tobytes().decode("utf-8"))
        assert {*NAMES, "recording"} == {*stored}
    assert header["format"] == FORMAT == 1
    assert header["tensors"] == [{"shape": [2, 3]}] * 2
    assert header["weights"] == [{"name": "body.weight", "shape": [2, 3], "axes": "OI", "trainable": True}]
    assert header["calls"][0] == {
        **{"name": "body", "kind": "Linear", "op": "dense", "options": {}, "inputs": [0], "outputs": [1]},
        **{"weights": {"kernel": "body.weight"}, "axes": {}},
    }


def test_loaded_recording_can_be_saved_again(path, tmp_path):
    load(path).save(path)
    load(path).save(tmp_path / "b.npz")
    assert load(tmp_path / "b.npz").calls == load(path).calls


def test_array_that_is_not_there_is_named(recording):
    with pytest.raises(UserError, match="no array 'float64/tensor/0'; its passes are float32"):
        recording.tensor("float64", 0)


def test_failed_save_leaves_the_former_file_and_no_other(recording, path):
    before = path.read_bytes()
    broken = dataclasses.replace(recording, arrays={"float32/tensor/0": np.array([object()])})
    with pytest.raises(ValueError, match="allow_pickle"):
        broken.save(path)
    assert path.read_bytes() == before
    assert [*path.parent.iterdir()] == [path]


def test_saved_file_can_be_read_by_those_who_may_read_others(recording, tmp_path):
    (tmp_path / "other").write_text("")
    recording.save(tmp_path / "a.npz")
    assert stat.S_IMODE((tmp_path / "a.npz").stat().st_mode) == stat.S_IMODE((tmp_path / "other").stat().st_mode)


@pytest.mark.parametrize("to", ["no folder/a.npz", "file/a.npz", "folder"])
def test_place_that_cannot_be_written(recording, tmp_path, to):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=r"cannot be written: .*expected to= in a folder that is there"):
        recording.save(tmp_path / to)


def test_a_folder_that_vanishes_is_told_of_the_file_that_was_asked_for(recording, tmp_path, monkeypatch):
    to = tmp_path / "folder/a.npz"
    to.parent.mkdir()

    def after_it_is_gone(*given, write=npz.write):
        to.parent.rmdir()
        write(*given)

    monkeypatch.setattr(npz, "write", after_it_is_gone)
    with pytest.raises(UserError) as error:
        recording.save(to)
    assert str(error.value) == f"{to} cannot be written: No such file or directory; {npz.EXPECTED_PLACE}"


def test_no_such_file(tmp_path):
    assert "a.npz is not there; expected a file that twintrain.record" in message(tmp_path / "a.npz")
    assert "is a folder" in message(tmp_path)


def test_no_npz(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(3))
    assert "is no .npz file; expected" in message(tmp_path / "a.npy")


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.99])
def test_truncated_file(path, kept):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    assert "is cut off or damaged; record it again" in message(path)


def test_damaged_array_is_found_when_it_is_read(recording, tmp_path):
    # So long that reading its beginning does not yet show it.
    arrays = {**recording.arrays, "float32/tensor/0": np.random.default_rng(0).normal(size=(2, 50_000))}
    recording = dataclasses.replace(recording, arrays=arrays, tensors=[Tensor((2, 50_000)), Tensor((2, 3))])
    recording.save(tmp_path / "a.npz")
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[300_000:300_100] = bytes(100)
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"array 'float32/tensor/0' is damaged: .*record it again"):
        load(tmp_path / "a.npz").tensor("float32", 0)


def test_pickled_objects_are_refused_unread(path):
    rewritten(path, **{"float32/tensor/0": np.array([{}])})
    assert "has pickled objects in 'float32/tensor/0.npy', which could run any code" in message(path)


def test_other_format(path):
    rewritten(path, lambda header: header.update(format=2))
    assert "is of format 2, and this twintrain (" in message(path)


def test_npz_of_something_else(path):
    rewritten(path, recording=None)
    assert "has no entry 'recording'; expected" in message(path)


def test_header_that_is_no_json(path):
    rewritten(path, recording=np.zeros(4, np.uint8))
    assert "has a header that cannot be read; record it again" in message(path)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda header: header.pop("calls"), "no field 'calls'"),
        (lambda header: header.update(rows="x"), "invalid literal"),
        (lambda header: header["calls"][0].pop("op"), "op"),
        (lambda header: header["calls"][0].update(inputs=[7]), "a tensor is used that is not described"),
        (lambda header: header["calls"][0]["weights"].update(bias="b"), "a weight is used that is not described"),
    ],
)
def test_damaged_header(path, change, expected):
    rewritten(path, change)
    assert "has a damaged header: " in (said := message(path))
    assert expected in said


def test_header_that_names_arrays_that_are_not_there(path):
    rewritten(path, lambda header: header.update(passes=["float64"]))
    assert "has no array 'float64/tensor/0', which its header names" in message(path)
    rewritten(path, **{"weight/body.weight": None})
    assert "has no array 'weight/body.weight', which its header names" in message(path)


def test_array_of_another_shape_than_the_header_says(path):
    rewritten(path, **{"float32/tensor/1": np.zeros((3, 3), np.float32)})
    assert "has 'float32/tensor/1' of shape (3, 3), and its header says (2, 3)" in message(path)


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_a_statistic_is_of_all_rows_and_places_of_a_channel(framework):
    recording = image_network(framework)
    call = next(call for call in recording.calls if call.name == "bn1")
    assert recording.count_of_statistic(call, "moving_variance") == recording.rows * 9 * 9
