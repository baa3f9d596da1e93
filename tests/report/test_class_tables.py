"""What networks have alike is told once, what differs beside it."""

from copy import deepcopy

from report_cases import per_class

from twintrain.report.class_tables import NO_DIFFERENCE, by_class, listed, matrices

ONE = per_class(["cat", "dog", "hen"])


def other():
    """One more cat is taken for a dog."""
    found = deepcopy(ONE)
    found["confusion"][0][0] -= 1
    found["confusion"][0][1] += 1
    found["classes"][0]["recall"] -= 0.01
    return found


def test_equal_networks_have_one_matrix():
    (matrix,) = matrices({"PyTorch": ONE, "Keras": deepcopy(ONE)})
    assert matrix.title == "PyTorch and Keras"
    assert matrix.cells[0] == [("90", 0.9), ("10", 0.1), ("0", 0.0)]


def test_networks_that_differ_have_their_difference_beside_it():
    own, less = matrices({"PyTorch": ONE, "Keras": other()})
    assert (own.title, less.title) == ("PyTorch", "PyTorch less Keras")
    assert less.cells[0] == [("+1", 1.0), ("-1", 1.0), (NO_DIFFERENCE, 0.0)]
    assert less.cells[1] == [(NO_DIFFERENCE, 0.0)] * 3


def test_scores_by_class_have_differences_alone_of_the_others():
    titles, rows = by_class({"PyTorch": ONE, "Keras": deepcopy(ONE), "Keras on JAX": other()})
    assert titles == ["PyTorch and Keras", "PyTorch less Keras on JAX"]
    assert rows[0][:6] == ["cat", "100", "0.900", "0.900", "0.990", "0.900"]
    assert rows[0][6:] == [NO_DIFFERENCE, "+0.010", NO_DIFFERENCE, NO_DIFFERENCE]


def test_names_are_listed():
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
