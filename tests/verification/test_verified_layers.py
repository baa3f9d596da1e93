"""The check of layers, of recordings and rows made by hand."""

import numpy as np
import pytest
from made_recordings import image_network

from twintrain.recordings.comparing.diff import Diff, diff
from twintrain.recordings.comparing.rows import Row
from twintrain.verification.layers import REASON, RECORDING, check_layers, diff_layers
from twintrain.verification.records import OUTPUTS
from twintrain.verification.tolerances import FLOAT64, LEAST_ULPS, PERTURBATION_ULPS, SELF_ERRORS

EPSILON = {"bn2": {"options": {"epsilon": 1e-5}}}


def checked(*rows, verdict="different", first=None, dtype="float64"):
    outputs = [Row("output", "output", "output", 0.0, 0.0)]
    return check_layers(Diff(verdict, ("a", "b"), dtype, list(rows), outputs, [], first), "keras", dtype)


def row(name, error, other_name=None, op="dense", **settings):
    return Row(name, other_name or name, op, 0.0, error, **settings)


def recorded(folder, mistakes=None):
    for framework in ("torch", "keras"):
        made = image_network(framework, mistakes if framework == "keras" else None)
        made.save(folder / RECORDING.format(framework, "float64"))
    return diff_layers(folder, "torch", "keras", "float64")


def test_layers_that_give_the_same_pass(tmp_path):
    check = check_layers(recorded(tmp_path), "keras", "float64")
    assert (check.name, check.framework, check.dtype, check.passed) == (OUTPUTS, "keras", "float64", True)
    assert check.error < check.tolerance
    assert check.tolerance >= FLOAT64[OUTPUTS]


def test_layer_that_parts_by_itself_is_named(tmp_path):
    check = check_layers(recorded(tmp_path, EPSILON), "keras", "float64")
    assert (check.failed, check.where) == (True, "bn2")


def test_it_is_named_although_another_is_above_the_bound_before_it():
    found = row("b", 1e-3)
    assert checked(row("a", 1e-9), found, first=found).where == "b"
    assert checked(row("a", 1e-9), found).where == "a"


def test_largest_error_for_what_is_allowed_is_named_where_all_is_well():
    check = checked(row("a", 1e-14, self_error=1e-12), row("b", 5e-15), verdict="same")
    assert (check.passed, check.where, check.error) == (True, "b", 5e-15)


def test_outputs_count_as_layers_do():
    outputs = [Row("output", "output", "output", 0.0, 1e-3)]
    check = check_layers(Diff("different", ("a", "b"), "float64", [row("a", 0.0)], outputs, []), "keras", "float64")
    assert (check.failed, check.where) == (True, "output")


@pytest.mark.parametrize("error", [np.nan, np.inf])
def test_what_is_no_number_never_passes(error):
    assert checked(row("a", error, self_error=np.inf)).failed


def test_network_that_gives_no_numbers_never_passes(tmp_path):
    image_network("torch").save(tmp_path / RECORDING.format("torch", "float64"))
    (tmp_path / RECORDING.format("keras", "float64")).with_suffix(REASON).write_text("the model gives NaN")
    found = diff_layers(tmp_path, "torch", "keras", "float64")
    check = check_layers(found, "keras", "float64")
    assert (check.failed, check.where) == (True, "not recorded: the model gives NaN")
    (tmp_path / RECORDING.format("keras", "float64")).with_suffix(REASON).unlink()
    assert check_layers(diff_layers(tmp_path, "torch", "keras", "float64"), "keras", "float64").failed


def test_rounding_is_allowed_as_to_weights_changed_like_those_of_the_other_checks():
    own = 1e-6  # for eight units in the last place
    check = checked(row("a", 1e-6, self_error=own), verdict="same", dtype="float32")
    assert check.tolerance == pytest.approx(SELF_ERRORS * own * PERTURBATION_ULPS / 8)
    assert checked(row("a", 0.0), verdict="same", dtype="float32").tolerance == LEAST_ULPS * np.finfo(np.float32).eps


def test_numbers_in_another_order_on_the_way_are_no_error_where_the_networks_are_the_same():
    assert checked(row("a", 1.0, op="flatten"), verdict="same").passed
    assert checked(row("a", 1.0, op="flatten")).failed
    assert checked(row("a", 1.0, op="dense"), verdict="same").failed


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("dense_3", "dense_3"), "dense_3"),
        (("conv2d_0.1", "conv2d_0"), "conv2d_0"),
        (("twin.0", "conv2d"), "twin.0 / conv2d"),
        (("dense_30", "dense_3"), "dense_30 / dense_3"),
    ],
)
def test_layers_are_called_by_their_name_in_the_list_or_by_both(names, said):
    assert checked(row(names[0], 1.0, names[1])).where == said


def test_recordings_of_the_same_network_twice_agree_to_the_bit():
    assert check_layers(diff(image_network("torch"), image_network("torch")), "torch", "float64").error == 0.0
