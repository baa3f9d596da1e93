import json

import numpy as np
import pytest

from twintrain.verification.checks import Check, Twin, certain_checks, check_reload, compare_twins
from twintrain.verification.records import (
    GRADIENTS,
    INITIAL,
    LOGITS,
    PREDICTIONS,
    RELOADED,
    RELOADED_WEIGHTS,
    SAVED,
    STATISTICS,
    TRACE,
    TRAINING_LOSS,
    TRAINING_METRIC,
    Record,
    precisions,
    weights_after,
)
from twintrain.verification.tolerances import FLOAT64, LEAST_ULPS, SELF_ERRORS, changed_by, least_tolerance

EPS32 = float(np.finfo(np.float32).eps)


def record(**changes):
    """Two layers' arrays of ones, some of them moved by so much."""
    names = {
        LOGITS: ("logits",),
        GRADIENTS: ("a_0/kernel", "b_1/kernel"),
        STATISTICS: ("a_0/mean", "b_1/mean"),
    }
    arrays = {what: {name: np.ones(3) for name in found} for what, found in names.items()}
    for what, moved in changes.items():
        for name, size in moved.items():
            arrays[what][name] = arrays[what][name] + size
    return Record({"a_0/kernel": (3,), "b_1/kernel": (3,)}, arrays)


def checked(other, perturbed=None, dtype="float64"):
    found = compare_twins(Twin(record(), perturbed or record()), Twin(other, other), "keras", dtype)
    return {check.name: check for check in found}


def test_equal_records_pass_every_check_and_have_no_error():
    checks = checked(record())
    assert list(checks) == ["parameters and shapes", LOGITS, GRADIENTS, STATISTICS]
    assert all(check.passed and check.error == 0 for check in checks.values())
    assert checks[LOGITS].tolerance == 1e-12
    assert checks[GRADIENTS].tolerance == 1e-10


def test_arrays_without_numbers_are_the_same():
    empty = Record(arrays={GRADIENTS: {"dense_0/bias": np.zeros(0)}})
    (_, check) = compare_twins(Twin(empty, empty), Twin(empty, empty), "keras", "float64")
    assert (check.passed, check.error) == (True, 0.0)


def test_first_layer_that_differs_is_named():
    check = checked(record(**{STATISTICS: {"a_0/mean": 1e-9, "b_1/mean": 1e-3}}))[STATISTICS]
    assert not check.passed
    assert check.where == "a_0/mean"
    assert check.error == pytest.approx(1e-3, rel=1e-9)


def test_wrong_gradient_is_looked_for_from_the_loss_backwards():
    check = checked(record(**{GRADIENTS: {"a_0/kernel": 1.0, "b_1/kernel": 1e-6}}))[GRADIENTS]
    assert check.where == "b_1/kernel"


def test_largest_error_is_named_where_all_is_well():
    check = checked(record(**{STATISTICS: {"a_0/mean": 1e-15, "b_1/mean": 1e-14}}))[STATISTICS]
    assert check.passed
    assert check.where == "b_1/mean"


def test_error_is_relative_to_large_values_alone():
    large, other = Record(arrays={LOGITS: {"logits": np.array([1e6, 1.0])}}), np.array([1e6 + 1, 1.0])
    moved = Record(arrays={LOGITS: {"logits": other}})
    (_, check) = compare_twins(Twin(large, large), Twin(moved, moved), "keras", "float64")
    assert check.error == pytest.approx(1e-6)


def test_a_check_of_networks_that_give_nan_is_written_as_json():
    arrays = {name: {"a_0/kernel": np.full(3, np.nan)} for name in (INITIAL, weights_after(1))}
    nan = Record(arrays=arrays)
    (_, check) = compare_twins(Twin(nan, nan), Twin(nan, nan), "keras", "float64")
    found = json.loads(json.dumps(check.to_json(), allow_nan=False))
    assert (found["failed"], found["error"], found["untrained"], found["where"]) == (True, None, None, "a_0/kernel")


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_what_is_not_finite_never_passes(broken):
    check = checked(record(**{LOGITS: {"logits": broken}}), record(**{LOGITS: {"logits": 1.0}}))[LOGITS]
    assert not check.passed


def test_array_of_another_shape_never_passes():
    other = record()
    other.arrays[LOGITS]["logits"] = np.ones((3, 1))
    assert checked(other)[LOGITS].error == np.inf


def test_missing_array_is_named_with_both_shapes():
    other = Record({"a_0/kernel": (3,)}, {})
    (check,) = compare_twins(Twin(record(), record()), Twin(other, other), "keras", "float64")
    assert (check.name, check.error, check.passed) == ("parameters and shapes", 1.0, False)
    assert check.where == "b_1/kernel: (3,) in the reference, absent in keras"


def test_float64_allows_more_than_its_bound_only_where_the_reference_parts_from_itself():
    calm = checked(record(**{GRADIENTS: {"a_0/kernel": 5e-10}}))[GRADIENTS]
    assert (calm.passed, calm.is_chaotic, calm.tolerance) == (False, False, FLOAT64[GRADIENTS])
    wild = checked(record(**{GRADIENTS: {"a_0/kernel": 5e-10}}), record(**{GRADIENTS: {"a_0/kernel": 1e-10}}))[
        GRADIENTS
    ]
    assert (wild.passed, wild.is_chaotic) == (True, True)
    assert wild.tolerance == pytest.approx(SELF_ERRORS * 1e-10, rel=1e-5)
    assert wild.to_json()["ratio"] == pytest.approx(5, rel=1e-4)


def test_float32_tolerance_comes_from_the_reference_itself():
    perturbed = record(**{LOGITS: {"logits": 1e-5}})
    assert checked(record(), perturbed, "float32")[LOGITS].tolerance == pytest.approx(1e-4, rel=1e-5)
    assert checked(record(), None, "float32")[LOGITS].tolerance == LEAST_ULPS * EPS32


def test_the_framework_that_rounds_more_decides_what_is_allowed():
    other = record()
    rounded = Twin(other, record(**{LOGITS: {"logits": 1e-5}}))
    found = {check.name: check for check in compare_twins(Twin(record(), record()), rounded, "keras", "float32")}
    assert found[LOGITS].tolerance == pytest.approx(1e-4, rel=1e-5)


def test_framework_that_parts_from_itself_without_end_allows_nothing_for_it():
    check = checked(record(**{LOGITS: {"logits": 4.0}}), record(**{LOGITS: {"logits": np.inf}}))[LOGITS]
    assert (check.passed, check.tolerance) == (False, FLOAT64[LOGITS])


def test_records_of_nothing_but_shapes_never_pass():
    empty = Record({"a_0/kernel": (3,)}, {})
    (check,) = compare_twins(Twin(empty, empty), Twin(empty, empty), "keras", "float64")
    assert not check.passed


def test_what_one_framework_alone_recorded_never_passes():
    other = record()
    del other.arrays[STATISTICS]
    other.arrays[GRADIENTS]["c_2/kernel"] = np.ones(3)
    found = checked(other)
    assert [check.name for check in found.values() if not check.passed] == [GRADIENTS, STATISTICS]
    assert found[GRADIENTS].where == "c_2/kernel"
    assert found[GRADIENTS].to_json()["error"] is None


def test_reloaded_weights_must_be_the_same_bits():
    arrays = {
        weights_after(200): {"a_0/kernel": np.ones(3, np.float32)},
        RELOADED_WEIGHTS: {"a_0/kernel": np.ones(3, np.float32) + np.float32(EPS32)},
        PREDICTIONS: {"logits": np.zeros(3)},
        SAVED: {"outputs": np.zeros(3)},
        RELOADED: {"outputs": np.zeros(3) + 1e-6},
    }
    weights, outputs = check_reload(Record({}, arrays), "torch", "float32")
    assert (weights.tolerance, weights.passed, weights.where) == (0.0, False, "a_0/kernel")
    assert (outputs.tolerance, outputs.passed) == (LEAST_ULPS * EPS32, True)


def test_record_comes_back_as_it_was_written(tmp_path):
    written = record(**{STATISTICS: {"a_0/mean": 0.5}})
    written.save(tmp_path / "record.npz")
    read = Record.load(tmp_path / "record.npz")
    assert read.shapes == written.shapes
    assert {what: list(found) for what, found in read.arrays.items()} == {
        what: list(found) for what, found in written.arrays.items()
    }
    np.testing.assert_array_equal(read.arrays[STATISTICS]["a_0/mean"], written.arrays[STATISTICS]["a_0/mean"])


def of_training(losses, metric):
    return Record({}, {TRAINING_LOSS: {"a": np.array(losses)}, TRAINING_METRIC: {"a": np.array(metric)}})


def test_a_training_metric_is_compared_where_rounding_cannot_have_changed_it():
    own, perturbed = of_training([1.0, 2.0, 3.0], [0.5, 0.5, 0.5]), of_training([1.0, 2.0, 3.1], [0.5, 0.5, 0.4])
    for metric, fails in (([0.5, 0.5, 0.9], False), ([0.5, 0.4, 0.5], True)):
        other = Twin(of_training([1.0, 2.0, 3.0], metric), of_training([1.0, 2.0, 3.0], metric))
        found = {check.name: check for check in compare_twins(Twin(own, perturbed), other, "keras", "float64")}
        assert found[TRAINING_METRIC].failed == fails
    # In float32 a row that is nearly tied is right in one alone: the loss is compared.
    found = {check.name: check for check in compare_twins(Twin(own, own), other, "keras", "float32")}
    assert TRAINING_METRIC not in found
    assert not found[TRAINING_LOSS].failed


def test_a_check_that_allows_as_much_as_an_untrained_network_differs_by_does_not_pass():
    name = weights_after(200)
    trained, start = {name: {"a_0/kernel": np.full(3, 1.2)}}, {INITIAL: {"a_0/kernel": np.ones(3)}}
    for moved, is_telling in ((1e-3, True), (0.1, False)):
        own = Record({}, {**trained, **start})
        perturbed = Record({}, {name: {"a_0/kernel": np.full(3, 1.2 + moved)}, **start})
        (_, found) = compare_twins(Twin(own, perturbed), Twin(own, own), "keras", "float64")
        assert (found.is_telling, found.passed, found.failed) == (is_telling, is_telling, False)


def trace(*names, parts_at=0, of=()):
    """Arrays that move a tenth a step, some of them another way from a step on."""
    steps = np.arange(9.0)
    return {name: 0.1 * steps + (0.05 * (steps >= parts_at) if name in of else 0.0) for name in names}


@pytest.mark.parametrize(
    ("parted", "where"),
    [
        ("abcde", "step 3 parts 5 of 5 arrays at once: not a layer, but what makes steps of gradients"),
        ("abcd", "step 3 parts 4 of 5 arrays at once: not a layer, but what makes steps of gradients"),
        ("bcd", "b"),
        ("c", "c"),
    ],
)
def test_a_step_that_parts_all_arrays_is_named_and_else_the_array(parted, where):
    name, arrays = weights_after(10), "abcde"
    own, other = (
        Record({}, {name: {a: np.array([a in moved]) for a in arrays}, TRACE: trace(*arrays, parts_at=3, of=moved)})
        for moved in ("", parted)
    )
    (_, found) = compare_twins(Twin(own, own), Twin(other, other), "keras", "float64")
    assert found.where == where


def test_constants_in_float32_allow_what_they_may_grow_to_and_no_more():
    perturbed = record(**{LOGITS: {"logits": 2e-15}})
    check = checked(record(**{LOGITS: {"logits": 1e-9}}), perturbed)[LOGITS]
    assert check.failed
    rounded = check.allowing(1e-9)
    # What a change of 1e-15 does, for a change of 1e-9.
    assert rounded.tolerance == pytest.approx(SELF_ERRORS * 2e-15 * 1e-9 / 1e-15, rel=0.2)
    assert (rounded.passed, rounded.is_rounded, rounded.is_chaotic) == (True, True, False)
    assert checked(record(**{LOGITS: {"logits": 1e-6}}), perturbed)[LOGITS].allowing(1e-9).failed
    assert check.allowing(0.0) is check


def test_constants_in_float32_allow_nothing_where_nothing_is_to_differ():
    check = check_reload(
        Record({}, {weights_after(200): {"a": np.ones(3)}, RELOADED_WEIGHTS: {"a": np.ones(3) + 1e-9}}), "a", "float64"
    )[0]
    assert check.allowing(1e-9) is check


@pytest.mark.parametrize("rule", ["lion", "rprop", "adam"])
def test_signs_that_rounding_turns_are_not_judged_in_float32(rule):
    names = [GRADIENTS, *(weights_after(steps) for steps in (1, 200)), TRAINING_LOSS, PREDICTIONS, RELOADED_WEIGHTS]
    checks = [Check(name, "keras", dtype, 1.0, 0.5, "", 0.1) for dtype in ("float64", "float32") for name in names]
    found = [(check.dtype, check.name) for check in certain_checks(checks, rule)]
    kept = names if rule == "adam" else [GRADIENTS, RELOADED_WEIGHTS]
    assert found == [("float64", name) for name in names] + [("float32", name) for name in kept]


@pytest.mark.parametrize(("dtype", "epsilon"), [("bfloat16", 2**-7), ("float16", 2**-10)])
def test_half_precision_allows_four_times_what_a_framework_parts_from_itself(dtype, epsilon):
    perturbed = record(**{LOGITS: {"logits": 1.0}})
    assert checked(record(), perturbed, dtype)[LOGITS].tolerance == pytest.approx(4.0)
    assert checked(record(), None, dtype)[LOGITS].tolerance == least_tolerance(LOGITS, dtype) == 2 * epsilon
    assert changed_by(dtype) == epsilon / 2


def test_steps_of_half_precision_are_judged_without_the_change_that_they_begin_with():
    def trained(began, moved):
        found = record()
        found.arrays[INITIAL] = {"a_0/kernel": np.full(3, began)}
        found.arrays[weights_after(1)] = {"a_0/kernel": np.full(3, began + moved)}
        return found

    twin = Twin(trained(0.5, 0.25), trained(0.625, 0.375))
    assert twin.self_error(weights_after(1)) == 0.25
    assert twin.self_error_of_steps(weights_after(1)) == 0.125


def test_half_precision_is_recorded_beside_float64():
    assert precisions("float32") == precisions("float64") == ("float64", "float32")
    assert precisions("bfloat16") == ("float64", "bfloat16")
