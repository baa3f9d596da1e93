import json

import numpy as np
import pytest
from made_recordings import Maker, Network, image_network, residual_network, sequence_network

from twintrain.errors import UserError
from twintrain.recordings.comparing.diff import diff

SLOPE = {"hidden": {"options": {"negative_slope": float(np.float32(0.1))}}}


@pytest.mark.parametrize("network", [image_network, sequence_network, residual_network])
@pytest.mark.parametrize("passes", [("float64", "float64 perturbed"), ("float32", "float32 perturbed")])
def test_a_right_port_is_the_same(network, passes):
    found = diff(network("torch", passes=passes), network("keras", passes=passes))
    assert (found.verdict, found.passed, found.first, found.cause) == ("same", True, None, None)
    assert all(row.verdict == "same" for row in found.layers + found.weights)
    found.assert_equal()


def test_recordings_may_be_paths(tmp_path):
    for framework in ("torch", "keras"):
        image_network(framework).save(tmp_path / f"{framework}.npz")
    found = diff(tmp_path / "torch.npz", str(tmp_path / "keras.npz"))
    assert found.titles == ("PyTorch", "Keras")
    assert found.passed


def test_a_constant_in_float32_is_rounding_and_is_named():
    found = diff(image_network("torch"), image_network("keras", {"leaky1": SLOPE, "leaky3": SLOPE}))
    assert (found.verdict, found.passed, found.first) == ("rounding", True, None)
    assert [row.name for row in found.layers if row.rounded] == ["leaky1", "leaky3"]
    assert "leaky1 (leaky_relu) keeps its constants in float32" in str(found)


@pytest.mark.parametrize(
    ("mistake", "place"),
    [({"leaky3": {"options": {"negative_slope": 0.3}}}, "leaky3"), ({"flatten_permute": "left out"}, "flatten")],
)
def test_rounding_hides_no_mistake_behind_it(mistake, place):
    found = diff(image_network("torch"), image_network("keras", {"leaky1": SLOPE, **mistake}))
    assert (found.verdict, found.first.name) == ("different", place)
    assert [row.name for row in found.layers if row.verdict == "different"] == [place]
    with pytest.raises(AssertionError, match=place):
        found.assert_equal()


def test_an_error_that_came_in_is_not_a_layers_own():
    found = diff(image_network("torch"), image_network("keras", {"bn1": {"options": {"epsilon": 1e-2}}}))
    row = next(row for row in found.layers if row.name == "conv2")
    assert row.came_in > 1e-4
    assert row.error > 1e-4
    assert (row.alone < 1e-14, row.verdict) == (True, "same")


def test_a_layer_that_is_not_known_is_judged_by_the_jump():
    def recorded(framework, slope):
        maker = Maker(framework)
        x = maker.input(np.random.default_rng(0).normal(size=(4, 5)))
        x = maker.call("before", "tanh", [x])
        x = maker.call("own", "leaky_relu", [x], {"negative_slope": slope})
        x = maker.call("after", "tanh", [x])
        recording = maker.recording(x)
        recording.calls[1] = recording.calls[1]._replace(op=None, kind="Own", options={})
        return recording

    assert diff(recorded("torch", 0.1), recorded("keras", 0.1)).verdict == "same"
    found = diff(recorded("torch", 0.1), recorded("keras", 0.2))
    assert (found.verdict, found.first.name, found.first.alone) == ("different", "own", None)


def test_an_input_that_the_other_does_not_take_is_told():
    def recorded(framework, count):
        maker = Maker(framework)
        inputs = [maker.input(np.random.default_rng(number).normal(size=(4, 5))) for number in range(count)]
        return maker.recording(maker.call("sum", "add" if count > 1 else "tanh", inputs))

    told = "PyTorch takes 2 inputs, Keras 1; expected as many in one order: the last are compared with nothing"
    found = diff(recorded("torch", 2), recorded("keras", 1))
    assert (found.verdict, told in found.notes, told in str(found)) == ("different", True, True)
    assert not any("takes" in note for note in diff(recorded("torch", 2), recorded("keras", 2)).notes)


def test_other_weights_are_said_first():
    def change(weights):
        return {**weights, "bias": (weights["bias"][0] + 1, "C")}

    found = diff(image_network("torch"), image_network("keras", {"dense2": {"weights": change}}))
    lines = str(found).splitlines()
    assert lines[0].startswith("the weights differ: 1 of 20 arrays; those of dense2, bias, differ by")
    assert found.cause.mistake == "other bias"


def test_a_kernel_in_the_order_of_another_flatten_is_a_right_port():
    def reorder(weights):
        kernel = weights["kernel"][0].reshape(8, 2, 2, 16).transpose(1, 2, 0, 3).reshape(32, 16)
        return {**weights, "kernel": (kernel, "IO")}

    mistakes = {"flatten_permute": "left out", "dense1": {"weights": reorder}}
    found = diff(image_network("torch"), image_network("keras", mistakes))
    assert (found.verdict, found.first) == ("same", None)
    assert "in another order on the way: flatten, dense1" in str(found)
    assert "same numbers in another order" in str(found)


def test_padding_of_its_own_is_part_of_the_convolution_that_follows():
    def recorded(framework):
        net = Network(framework)
        x = net.image(8, 8, 3)
        if framework == "keras":
            x = net.plain("pad", "pad", x, padding=[[1, 1], [1, 1]], axes=[1, 2], mode="constant", value=0.0)
        x = net.conv("conv", x, (3, 3, 3, 4), ((1, 1), (1, 1)) if framework == "torch" else ((0, 0), (0, 0)), strides=2)
        return net.maker.recording(x)

    found = diff(recorded("torch"), recorded("keras"))
    assert (found.verdict, [row.name for row in found.layers]) == ("same", ["input", "conv"])


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (2, 1, 0)])
def test_branches_may_run_in_any_order(order):
    def recorded(framework):
        net = Network(framework)
        x = net.dense("before", net.rows(6), (6, 4))
        drawn = [(net.drawn(4, 4), net.drawn(4)) for _ in range(3)]
        made = {}
        for at in range(3) if framework == "torch" else order:
            weights = {"kernel": (drawn[at][0], "IO"), "bias": (drawn[at][1], "C")}
            inside = net.maker.call(f"branch{at}", "dense", [x], {}, weights)
            made[at] = net.plain(f"tanh{at}", "tanh", inside)
        return net.maker.recording(net.plain("add", "add", *(made[at] for at in range(3))))

    found = diff(recorded("torch"), recorded("keras"))
    assert found.verdict == "same", str(found)
    assert all(row.name == row.other_name for row in found.layers)
    assert not found.reference_alone


def test_a_layer_that_the_other_side_writes_out_is_the_same_unless_it_gives_something_else():
    def recorded(framework, mean=4.0):
        net = Network(framework)
        x = net.image(8, 8, 3)
        options = {"size": [2, 2], "strides": [2, 2], "padding": "valid", "count_include_pad": True}
        pooled = net.pool("pool", "avg_pool", x, **options)
        if framework == "torch":
            # The sum of a window, then its mean.
            net.maker.values[pooled] = {pass_: 4 * array for pass_, array in net.maker.values[pooled].items()}
            pooled_sum, values = pooled, net.maker.values[pooled]
            pooled = net.plain("mean", "tanh", pooled_sum)
            net.maker.values[pooled] = {pass_: array / mean for pass_, array in values.items()}
            net.maker.calls[-1] = net.maker.calls[-1]._replace(op=None, kind="div")
        return net.maker.recording(net.plain("tanh", "tanh", pooled))

    found = diff(recorded("torch"), recorded("keras"))
    assert found.verdict == "same", str(found)
    assert (found.reference_alone, found.other_alone) == (["pool", "mean"], ["pool"])
    assert not diff(recorded("torch", mean=4.5), recorded("keras")).passed


def test_one_side_may_take_the_last_step_itself():
    def recorded(framework):
        net = Network(framework)
        x = net.rows(6, 3)
        weights = {"kernel": (net.drawn(3, 16), "IO"), "recurrent_kernel": (net.drawn(4, 16), "IO")}
        every = framework == "torch"
        x = net.maker.call("lstm", "lstm", [x], {"return_sequences": every, "gates": "ifgo"}, weights)
        if every:
            x = net.maker.call("take", "flatten", [x], {}, {})
            last = net.maker.values[net.maker.calls[0].outputs[0]]
            net.maker.values[x] = {pass_: array[:, -1] for pass_, array in last.items()}
            net.maker.calls[-1] = net.maker.calls[-1]._replace(op=None, kind="getitem")
        return net.maker.recording(net.dense("dense", x, (4, 2)))

    found = diff(recorded("torch"), recorded("keras"))
    assert (found.verdict, found.reference_alone) == ("same", ["take"])


@pytest.mark.parametrize("counts", [(2, 1), (1, 2), (3, 2)], ids=str)
def test_another_number_of_outputs_is_different(counts):
    def recorded(framework, count):
        net = Network(framework)
        x = net.dense("before", net.rows(6), (6, 4))
        outputs = [net.dense(f"head{at}", x, (4, 2)) for at in range(3)]
        return net.maker.recording(*outputs[:count])

    found = diff(recorded("torch", counts[0]), recorded("keras", counts[1]))
    assert (found.verdict, found.passed, found.first) == ("different", False, None)
    assert found.cause.mistake == "number of outputs"
    assert f"PyTorch gives {counts[0]} output" in str(found)
    assert f"Keras {counts[1]}; expected as many" in str(found)


def test_momentum_is_told_although_it_changes_no_output():
    found = diff(image_network("torch"), image_network("keras", {"bn1": {"options": {"momentum": 0.99}}}))
    assert found.verdict == "same"
    assert "bn1 has momentum 0.9 and 0.99, which changes nothing of these outputs" in found.notes


def test_a_diff_is_plain_values_for_json():
    mistake = {"conv1": {"options": {"padding": "valid"}}, "pool1": {"options": {"ceil_mode": True}}}
    found = json.loads(json.dumps(diff(image_network("torch"), image_network("keras", mistake)).to_dict()))
    assert found["passed"] is False
    assert found["first"]["name"] == found["cause"]["name"] == "conv1"
    assert found["first"]["error"] is None  # the shapes do not fit


def test_recordings_of_other_rows_are_an_error():
    made = []
    for rows in (3, 4):
        maker = Maker("torch")
        x = maker.input(np.ones((rows, 2)))
        made.append(maker.recording(maker.call("tanh", "tanh", [x])))
    with pytest.raises(UserError, match="recordings are of 3 and 4 rows; expected the same rows"):
        diff(*made)


def test_recordings_of_other_precisions_are_an_error():
    with pytest.raises(UserError, match="no precision in common: float32 and float64"):
        diff(image_network("torch", passes=("float32",)), image_network("keras", passes=("float64",)))
