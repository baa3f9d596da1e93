import pytest
from made_recordings import Network, image_network, residual_network

from twintrain.errors import UserError
from twintrain.recordings.comparing.matching import match
from twintrain.recordings.comparing.side import Side


def matched(reference, other, pairs=None):
    sides = Side(reference, "float64", "a"), Side(other, "float64", "b")
    found = match(*sides, pairs)
    names = [(sides[0].calls[a].name, sides[1].calls[b].name) for a, b in found.pairs]
    alone = [
        [side.calls[at].name for at in places]
        for side, places in zip(sides, (found.reference_alone, found.other_alone), strict=True)
    ]
    return names, *alone


def test_layers_of_one_name_are_matched_and_what_one_side_alone_has_is_listed():
    names, ours, theirs = matched(image_network("torch"), image_network("keras"))
    assert all(a == b for a, b in names)
    assert (len(names), ours, theirs) == (17, [], ["flatten_permute"])


def test_branches_may_be_run_in_either_order():
    names, ours, theirs = matched(residual_network("torch"), residual_network("keras"))
    assert ("main", "main") in names
    assert ("short", "short") in names
    assert (ours, theirs) == ([], [])


def test_a_layer_that_is_left_out_moves_no_other():
    names, ours, _ = matched(image_network("torch"), image_network("keras", {"relu2": "left out"}))
    assert all(a == b for a, b in names)
    assert ours == ["relu2"]


def test_another_activation_is_matched_in_its_place():
    names, *_ = matched(image_network("torch"), image_network("keras", {"relu2": {"op": "elu"}}))
    assert ("relu2", "relu2") in names


def equal_layers(*names, mistakes=None):
    net = Network("torch", mistakes)
    x = net.rows(4)
    for name in names:
        x = net.dense(name, x, (4, 4))
    return net.maker.recording(x)


def test_layers_of_one_shape_are_matched_by_their_numbers():
    names, ours, theirs = matched(equal_layers("a", "b", "c"), equal_layers("a", "b", "c", mistakes={"b": "left out"}))
    assert (names, ours, theirs) == ([("a", "a"), ("c", "c")], ["b"], [])


def test_pairs_override():
    names, *_ = matched(equal_layers("a", "b"), equal_layers("c", "d"), {"a": "d"})
    assert ("a", "d") in names


@pytest.mark.parametrize(("pairs", "whose"), [({"aa": "c"}, "reference"), ({"a": "e"}, "other recording")])
def test_pairs_of_unknown_names_are_an_error(pairs, whose):
    with pytest.raises(UserError, match=f"pairs: the {whose} has no layer"):
        matched(equal_layers("a", "b"), equal_layers("c", "d"), pairs)


def test_layers_on_branches_in_another_order_are_matched_although_they_differ():
    def branches(framework, slope):
        net = Network(framework)
        x = net.rows(4)
        first = net.dense("first", x, (4, 4))
        if framework == "torch":
            first = net.plain("leaky", "leaky_relu", first, negative_slope=slope)
        second = net.dense("second", x, (4, 4))
        if framework == "keras":
            first = net.plain("leaky", "leaky_relu", first, negative_slope=slope)
        return net.maker.recording(net.plain("sum", "add", first, second))

    names, ours, theirs = matched(branches("torch", 0.1), branches("keras", 0.3))
    assert (sorted(names)[1], ours, theirs) == (("leaky", "leaky"), [], [])


def test_the_softmax_of_scores_is_no_function_of_an_array_of_as_many_numbers():
    def attention(framework, function):
        net = Network(framework)
        x = net.rows(4)
        if function == "softmax":
            scores = net.plain("scores", "reshape", x, shape=[2, 2])
            scores = net.plain("function", "softmax", scores, axis=-1)
            return net.maker.recording(net.plain("joined", "reshape", scores, shape=[4]))
        return net.maker.recording(net.plain("function", function, x))

    names, ours, theirs = matched(attention("torch", "gelu"), attention("keras", "softmax"))
    assert ("function", "function") not in names
    assert ours == ["function"]
    assert "function" in theirs
    # Of one shape the one may have been written for the other.
    names, *_ = matched(equal_functions("torch", "gelu"), equal_functions("keras", "softmax"))
    assert ("function", "function") in names


def equal_functions(framework, function):
    net = Network(framework)
    return net.maker.recording(net.plain("function", function, net.rows(4)))
