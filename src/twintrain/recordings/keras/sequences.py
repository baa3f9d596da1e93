"""What Keras's recurrent and attention layers compute."""

from typing import Any

from keras import layers

from twintrain.recordings.keras.settings import activation_name, arrays_of, roles_of, settings
from twintrain.recordings.trace import Description

RECURRENT = (layers.LSTM, layers.GRU, layers.SimpleRNN)
# What the gates of a recurrent layer are, in the order of its arrays.
GATES = {layers.LSTM: ("lstm", "ifgo"), layers.GRU: ("gru", "zrn"), layers.SimpleRNN: ("rnn", "h")}


def recurrent(layer: Any, _: int) -> Description:
    """Describes an LSTM, a GRU or a simple recurrent layer."""
    op, gates = next(words for kind, words in GATES.items() if isinstance(layer, kind))
    roles, axes = _recurrent_arrays(layer, "")
    return Description(op, {"bidirectional": False, **_recurrent_options(layer, op, gates)}, roles, axes)


def bidirectional(layer: layers.Bidirectional, rank: int) -> Description:
    """Describes two such layers that go through the steps in both directions."""
    if not isinstance(layer.forward_layer, RECURRENT):
        return Description(None, settings(layer), roles_of(layer))
    forward = recurrent(layer.forward_layer, rank)
    roles, axes = _recurrent_arrays(layer.backward_layer, "backward_")
    options = {**forward.options, "bidirectional": True, "merge": layer.merge_mode}
    return Description(forward.op, options, {**forward.roles, **roles}, {**forward.axes, **axes})


def attention(layer: layers.MultiHeadAttention, _: int) -> Description:
    """Describes attention of several heads."""
    options = {"heads": layer.num_heads, "head_size": layer.key_dim, "dropout": layer.dropout, "time_major": False}
    roles, axes = {}, {}
    for role in ("query", "key", "value", "output"):
        part = getattr(layer, f"_{role}_dense", None)
        found = arrays_of(part, kernel="kernel", bias="bias")
        roles |= {f"{role}_{name}": array for name, array in found.items()}
        axes |= {
            f"{role}_kernel": "NKO" if role == "output" else "INK",
            f"{role}_bias": "C" if role == "output" else "NK",
        }
    if layer.key_dim != layer.value_dim:
        options["value_size"] = layer.value_dim
    return Description("attention", options, roles, axes)


def _recurrent_options(layer: Any, op: str, gates: str) -> dict[str, Any]:
    options = {
        "units": layer.units,
        "layers": 1,
        "return_sequences": layer.return_sequences,
        "gates": gates,
        "activation": activation_name(layer.activation),
        "time_major": False,
    }
    if op != "rnn":
        options["recurrent_activation"] = activation_name(layer.recurrent_activation)
    if op == "gru":
        options["reset_after"] = layer.reset_after
    return {**options, "go_backwards": True} if layer.go_backwards else options


def _recurrent_arrays(layer: Any, prefix: str) -> tuple[dict[str, Any], dict[str, str]]:
    arrays = arrays_of(layer.cell, kernel="kernel", recurrent_kernel="recurrent_kernel", bias="bias")
    axes = {"kernel": "IO", "recurrent_kernel": "IO", "bias": "C"}
    # With reset_after, a GRU has two biases in one array.
    if "bias" in arrays and len(arrays["bias"].shape) == 2:
        axes["bias"] = "BC"
    return ({prefix + role: value for role, value in found.items()} for found in (arrays, axes))
