"""Masks of steps: which layers are given one, what they hand on, and what padding would be computed with by."""

from pathlib import Path
from typing import Any

import pytest
from made_schema import schema_of
from twin_cases import function, one, placed

from twintrain.models.network import Network, place_layers

TOKENS = schema_of([5], categories=[9] * 5)
PADDED = one("embedding", input="tokens", output_dim=4, mask_zero=True)
LOGITS = one("dense", units="outputs")
LSTM = one("lstm", units=3)


def place(*layers: Any) -> Network:
    return place_layers([*layers, LOGITS], "m", "aligned", TOKENS, Path("m.yaml"))


def masks(*layers: Any) -> dict[str, str]:
    """The masks that are taken, by the layers that take them, parts of wrappers included."""
    return {layer.name: layer.mask for layer in place(PADDED, *layers).walk() if layer.mask}


def test_without_mask_zero_nothing_is_padding():
    network = place(one("embedding", input="tokens"), "flatten")
    assert not any(layer.mask or layer.output_mask for layer in network.walk())


@pytest.mark.parametrize(
    "between",
    [
        [],
        [one("dense", units=3), function("softmax"), one("dropout", rate=0.1)],
        ["layer_norm", "rms_norm", "unit_norm", "positional_embedding", one("spatial_dropout", rate=0.1)],
        [one("residual", layers=[one("multi_head_attention", num_heads=1)])],
        [one("inception", branches=[[one("gru", units=2, return_sequences=True)], []])],
        [one("bidirectional", layer=one("lstm", units=2, return_sequences=True))],
        [one("time_distributed", layer=one("reshape", target_shape=[2, 2])), one("time_distributed", layer="flatten")],
    ],
)
def test_a_mask_is_handed_on_by_what_looks_at_each_step_alone_or_leaves_padding_out(between):
    name = f"lstm_{len(between) + 1}"
    assert masks(*between, LSTM)[name] == "input"


@pytest.mark.parametrize(
    "end",
    [
        LSTM,
        one("bidirectional", layer=LSTM),
        "global_avg_pool",
        "global_max_pool",
        one("take_step", index=-1),
    ],
)
def test_a_mask_ends_with_the_steps(end):
    network = place(PADDED, end, "batch_norm")
    assert network.layers[1].mask == "input"
    assert network.layers[1].output_mask is None


def test_a_step_before_others_has_a_mask_with_it():
    found = masks("class_token", one("multi_head_attention", num_heads=1), one("take_step", index=0))
    assert found == {
        "class_token_1": "input",
        "multi_head_attention_2": "class_token_1",
        "take_step_3": "class_token_1",
    }


def test_attention_leaves_out_the_padding_of_its_memory():
    memory, query = placed(PADDED, "memory"), placed(one("dense", units=4), "query", "plain")
    plain = placed(one("embedding", input="tokens", output_dim=4), "plain", "input")
    for sources, mask, output_mask in ((["query", "memory"], "input", None), (["memory", "query"], None, "input")):
        attention = placed(one("multi_head_attention", num_heads=1), "mixed", sources)
        found = place(memory, plain, query, attention, "global_avg_pool").layers[3]
        assert (found.mask, found.output_mask) == (mask, output_mask)


def test_padding_is_left_out_of_steps_of_one_axis_alone(error_of):
    images = one("time_distributed", layer=one("reshape", target_shape=[2, 2]))
    assert "steps of its input are padding, which global_avg_pool would compute with" in error_of(
        place, PADDED, images, "global_avg_pool"
    )


def test_two_tables_of_the_same_tokens_have_one_mask():
    other = placed(PADDED, "other", "input")
    assert masks(placed(function("tanh"), "one"), other, placed(one("add"), None, ["one", "other"]), LSTM) == {
        "lstm_4": "input"
    }


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        *(
            (
                one(kind, **arguments),
                f"m.yaml layer 2 ({kind}) does not fit made: steps of its input are padding, which {kind} would "
                "compute with; expected a recurrent layer, attention or a global pool before it, or no mask_zero",
            )
            for kind, arguments in {
                "conv1d": {"filters": 2, "kernel_size": 1},
                "max_pool1d": {},
                "batch_norm": {},
                "group_norm": {"groups": 2},
                "flatten": {},
                "reshape": {"target_shape": [20]},
                "zero_padding": {"padding": 1},
            }.items()
        ),
    ],
)
def test_what_would_compute_with_padding_is_refused(layer, message, error_of):
    assert error_of(place, PADDED, layer) == message


def test_what_is_padded_at_other_steps_is_not_joined(error_of):
    plain = placed(one("embedding", input="tokens", output_dim=4), "plain", "input")
    assert error_of(place, placed(PADDED, "padded"), plain, placed(one("add"), None, ["padded", "plain"])) == (
        "m.yaml layer 3 (add) does not fit made: padded and plain are padded at other steps; "
        "expected sequences of the same tokens"
    )


def test_columns_are_no_steps(error_of):
    assert error_of(place, one("embedding", mask_zero=True)) == (
        "m.yaml layer 1 (embedding) does not fit made: mask_zero is for input: tokens, since columns are no steps of a "
        "sequence"
    )
