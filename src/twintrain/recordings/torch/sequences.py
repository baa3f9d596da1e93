"""What PyTorch's recurrent and attention layers compute."""

from operator import attrgetter

from torch import nn

from twintrain.recordings.torch.array_names import ATTENTION_ARRAYS, RECURRENT_ARRAYS
from twintrain.recordings.torch.settings import given
from twintrain.recordings.trace import Description

# What the gates of a recurrent layer are, in the order of its arrays.
GATES = {nn.LSTM: ("lstm", "ifgo"), nn.GRU: ("gru", "rzn"), nn.RNN: ("rnn", "h")}


def recurrent(module: nn.RNNBase, _: int) -> Description:
    """Describes an LSTM, a GRU or a simple recurrent layer."""
    op, gates = next(words for kind, words in GATES.items() if isinstance(module, kind))
    options = {
        "units": module.hidden_size,
        "bidirectional": module.bidirectional,
        "layers": module.num_layers,
        "return_sequences": True,
        "gates": gates,
        "activation": getattr(module, "nonlinearity", "tanh"),
        "time_major": not module.batch_first,
    }
    if op != "rnn":
        options["recurrent_activation"] = "sigmoid"
    if op == "gru":
        options["reset_after"] = True
    roles, axes = {}, {}
    for layer in range(module.num_layers):
        for prefix, end in (("", ""), ("backward_", "_reverse"))[: 1 + module.bidirectional]:
            for role, array, letters in RECURRENT_ARRAYS:
                name = f"{prefix}{role}" + (f"_{layer}" if layer else "")
                roles[name], axes[name] = getattr(module, f"{array}_l{layer}{end}", None), letters
    return Description(op, options, given(roles), axes)


def attention(module: nn.MultiheadAttention, _: int) -> Description:
    """Describes attention of several heads."""
    options = {"heads": module.num_heads, "head_size": module.head_dim, "dropout": module.dropout}
    roles = given({role: attrgetter(name)(module) for role, name in ATTENTION_ARRAYS.items()})
    axes = {role: "OI" if "kernel" in role else "C" for role in roles}
    return Description("attention", {**options, "time_major": not module.batch_first}, roles, axes)
