"""Files of weights that others have written: what is in them is what our networks then hold, in both frameworks."""

import zipfile

import h5py
import numpy as np
import pytest
from weight_file_worker import FILES, NO_ARRAYS, network
from worker_process import finish, run_worker, start_worker

from twintrain.models.freezing import freeze_layers
from twintrain.models.initial_weights import draw_weights
from twintrain.training.transfer import Trained, start_from
from twintrain.training.weight_files.layer_order import in_order
from twintrain.training.weight_files.reading import read_weights

EVERY_FILE = [path for files in FILES.values() for path in files]
STEM, NORM = np.zeros((8, 3, 3, 3)), [np.zeros(8)] * 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files of both frameworks, and what ours made of them."""
    folder = tmp_path_factory.mktemp("weight-files")
    for what in ("write", "read"):
        for worker in [start_worker("weight_file_worker.py", what, framework, folder) for framework in FILES]:
            finish(worker)
    return folder


@pytest.fixture(scope="module")
def found(folder):
    of_files = {path: array for name in FILES for path, array in np.load(folder / f"write-{name}.npz").items()}
    return of_files, {name: dict(np.load(folder / f"read-{name}.npz")) for name in FILES}


def of_torch(**layers):
    """Arrays as a state_dict of PyTorch's has them."""
    return {f"{name}/{number}": array for name, arrays in layers.items() for number, array in enumerate(arrays)}


@pytest.mark.slow
@pytest.mark.parametrize("path", EVERY_FILE)
def test_networks_of_ours_give_what_the_network_of_the_file_gave(found, path):
    theirs, ours = found
    for framework in FILES:
        np.testing.assert_allclose(ours[framework][path], theirs[path], rtol=1e-12, atol=1e-12, err_msg=framework)


@pytest.mark.slow
@pytest.mark.parametrize("path", EVERY_FILE)
def test_both_frameworks_hold_the_very_numbers_of_the_file(found, folder, path):
    arrays = read_weights(folder / path).found_in(network(path.partition(".")[0])).arrays
    assert len(arrays) == len(network(path.partition(".")[0]).weights())
    for framework in FILES:
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[1][framework][f"{path}|{name}"], array, err_msg=name)


@pytest.mark.slow
def test_what_is_no_state_dict_is_one_line_and_runs_nothing(folder, error_of):
    expected = "expected a state_dict, as torch.save(model.state_dict(), …) writes it, got"
    (folder / "text.pth").write_text("no weights")
    for name, got in (
        ("whole.pth", "objects, which could run code"),
        ("no_tensors.pth", "one with weights, which is no tensor"),
        ("number.pth", "one with 0 for a name"),
        *((f"{name}.pth", f"{name} without an array of real numbers in the file") for name in NO_ARRAYS),
        ("packed.pth", "a compressed archive, as PyTorch saves none"),
        ("text.pth", "what PyTorch cannot read (UnpicklingError)"),
    ):
        assert error_of(read_weights, folder / name) == f"{folder / name}: {expected} {got}"


def test_layers_are_taken_in_their_order_and_the_head_is_drawn_anew():
    target = network("image")
    given = Trained(of_torch(stem=[STEM + 1], norm=[*NORM], slopes=[np.zeros(8)]), [], layout="torch")
    start = start_from(freeze_layers(target, ["conv2d_0", "batch_norm_1"]), draw_weights(target, 0), given)
    assert start.loaded == ["conv2d_0", "batch_norm_1", "activation_2"]
    assert str(start).startswith(
        "loaded: conv2d_0 from stem, batch_norm_1 from norm, activation_2 from slopes; freshly"
    )
    assert np.array_equal(start.weights["conv2d_0/kernel"], np.ones((3, 3, 3, 8)))


@pytest.mark.parametrize(
    ("layers", "end"),
    [
        ({"stem": [STEM]}, "the file has no layer left for batch_norm_1 ((8,), (8,), (8,), (8,))"),
        ({"stem": [STEM[:4]]}, "stem ((4, 3, 3, 3)) of the file does not fit conv2d_0 ((3, 3, 3, 8))"),
        ({"stem": [STEM, NORM[0]]}, "stem ((8, 3, 3, 3), (8,)) of the file does not fit conv2d_0 ((3, 3, 3, 8))"),
        (
            {"stem": [STEM], "norm": NORM[:3]},
            "norm ((8,), (8,), (8,)) of the file does not fit batch_norm_1 ((8,), (8,), (8,), (8,))",
        ),
    ],
)
def test_the_first_layer_that_does_not_fit_is_told(layers, end):
    assert in_order(network("image"), of_torch(**layers), "torch").end == end


def test_a_frozen_layer_behind_it_is_refused_with_the_reason(error_of):
    target = freeze_layers(network("image"), ["batch_norm_1"])
    given = Trained(of_torch(stem=[STEM], norm=NORM[:3]), [], layout="torch")
    assert error_of(start_from, target, draw_weights(target, 0), given) == (
        "train.freeze: batch_norm_1 would keep freshly drawn weights, since train.initial_model has none that fit: "
        "norm ((8,), (8,), (8,)) of the file does not fit batch_norm_1 ((8,), (8,), (8,), (8,)); expected frozen "
        "layers that it has"
    )


def test_layers_of_keras_are_in_order_within_their_class(tmp_path):
    path = tmp_path / "some.weights.h5"
    with h5py.File(path, "w") as file:
        for layer in [f"dense_{number}" for number in range(10, 0, -1)] + ["dense"]:
            file[f"layers/{layer}/vars/0"] = np.zeros((1, 1))
    assert [*read_weights(path).arrays] == ["dense/0", *(f"dense_{number}/0" for number in range(1, 11))]


def test_layers_inside_of_layers_are_refused(tmp_path, error_of):
    path = tmp_path / "some.weights.h5"
    with h5py.File(path, "w") as file:
        file["layers/functional/layers/dense/vars/0"] = np.zeros((1, 1))
    assert error_of(read_weights, path) == (
        "layers/functional has arrays in layers, inside of it; expected layers that hold their arrays themselves: save "
        "the weights of an inner model by itself"
    )


def test_bytes_of_another_file_are_not_read(tmp_path, error_of):
    secret, path = tmp_path / "secret.bin", tmp_path / "some.weights.h5"
    np.ones(4).tofile(secret)
    with h5py.File(path, "w") as file:
        file.create_group("layers/dense/vars").create_dataset("0", (4,), "f8", external=[(str(secret), 0, 32)])
    said = f"{path}: expected what Keras saves: .weights.h5, .keras or .h5, got what cannot be read: "
    assert error_of(read_weights, path) == f"{said}0 is no array of floating numbers that the file itself holds"
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["kernel"] = np.zeros(4)
    with h5py.File(path, "w") as file:
        file["layers/dense/vars/0"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/kernel")
    assert error_of(read_weights, path).startswith(said)


def test_an_array_without_its_bytes_in_the_file_is_refused(tmp_path, error_of):
    path = tmp_path / "some.weights.h5"
    with h5py.File(path, "w") as file:
        file.create_group("layers/dense/vars").create_dataset("0", (10**7, 10**6), "f4")  # 36 TiB that nobody wrote
    assert "0 is no array of floating numbers that the file itself holds" in error_of(read_weights, path)


def test_a_file_that_ends_too_early_is_one_line(tmp_path, error_of):
    path = tmp_path / "some.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.weights.h5", b"weights")
    content = bytearray(path.read_bytes())
    place = content.find(b"PK\x01\x02") + 20  # its two sizes in the directory
    content[place : place + 8] = b"\xff\xff\xff\x7f" * 2
    path.write_bytes(content)
    assert error_of(read_weights, path).startswith(f"{path}: expected what Keras saves")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({}, "expected arrays of layers, got none"),
        ({"dense_0/kernel": np.array(["a"])}, "expected arrays of numbers, got dense_0/kernel of <U1"),
        (
            {"dense_0/kernel": np.array([0, np.nan])},
            "expected weights that are numbers, got NaN or infinity in dense_0/kernel",
        ),
        (
            {"dense_0/kernel": np.zeros(2), "outputs": np.array(["a"]), "layout": np.array("rows")},
            "expected layout: torch or keras or keras by class, got rows",
        ),
    ],
)
def test_what_no_network_could_start_with_is_refused(tmp_path, error_of, arrays, said):
    np.savez(tmp_path / "own.npz", **arrays)
    assert error_of(read_weights, tmp_path / "own.npz") == f"{tmp_path}/own.npz: {said}"


def test_what_is_no_file_of_keras_is_one_line(tmp_path, error_of):
    for name in ("text.h5", "text.keras", "empty.h5", "packed.keras"):
        (tmp_path / name).write_text("no weights" if name.startswith("text") else "")
    with h5py.File(tmp_path / "empty.h5", "w") as file:
        file.create_group("layers")
    with zipfile.ZipFile(tmp_path / "packed.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", b"0" * 1000)
    for path in sorted(tmp_path.iterdir()):
        said = error_of(read_weights, path)
        assert said.startswith(f"{path}: expected what Keras saves: .weights.h5, .keras or .h5, got "), said
        assert "\n" not in said


def test_arrays_by_our_names_need_no_order(tmp_path, error_of):
    target = network("tokens")
    arrays = {name: array for name, array in reversed(draw_weights(target, 1).items()) if "conv1d" in name}
    np.savez(tmp_path / "own.npz", **arrays)
    start = start_from(target, draw_weights(target, 0), read_weights(tmp_path / "own.npz"))
    assert start.loaded == ["conv1d_1"]
    assert np.array_equal(start.weights["conv1d_1/kernel"], arrays["conv1d_1/kernel"])
    (tmp_path / "own.npz").write_bytes(b"PK")
    assert error_of(read_weights, tmp_path / "own.npz").startswith(f"{tmp_path}/own.npz: expected a NumPy archive, got")


def test_a_file_is_handed_on_as_it_was_read(tmp_path):
    given = Trained(of_torch(stem=[STEM], norm=NORM), [], layout="torch")
    given.save(tmp_path / "initial.npz")
    found = Trained.load(tmp_path / "initial.npz")
    assert (found.layout, found.outputs, [*found.arrays]) == ("torch", [], [*given.arrays])


@pytest.mark.slow
def test_mobilenet_is_torchvisions_in_outputs(tmp_path):
    for framework in ("torch", "keras"):
        run_worker("mobilenet_worker.py", framework, tmp_path)
    logits = {path.stem: np.load(path)["logits"] for path in tmp_path.glob("*.npz")}
    assert np.abs(logits["torchvision"]).max() > 0.01
    for framework in FILES:
        np.testing.assert_allclose(logits[framework], logits["torchvision"], rtol=0, atol=1e-12, err_msg=framework)
