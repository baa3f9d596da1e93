"""A recurrent module of several layers as one call a layer, as Keras has them: what lies between is computed anew."""

import torch
from torch import nn

from twintrain.recordings.torch.sequences import RECURRENT_ARRAYS

Step = tuple[str, nn.Module, list[torch.Tensor]]


def one_by_one(module: nn.Module, given: list[torch.Tensor], outputs: list[torch.Tensor]) -> list[Step]:
    """Layers with what to add to their names and their outputs; any other module is one layer.

    So is a recurrent one that starts from states, or drops out between its layers.
    """
    is_stacked = isinstance(module, nn.RNNBase) and module.num_layers > 1 and len(given) == 1
    if not is_stacked or (module.training and module.dropout):
        return [("", module, outputs)]
    steps: list[Step] = []
    with torch.no_grad():
        rows = given[0]
        for number in range(module.num_layers - 1):
            layer = _layer(module, number)
            made = layer(rows)[0]
            steps.append((f"/layer_{number}", layer, [made]))
            rows = made
    last = module.num_layers - 1
    return [*steps, (f"/layer_{last}", _layer(module, last), outputs)]


def _layer(module: nn.RNNBase, number: int) -> nn.RNNBase:
    """One layer as a module, with the arrays of the whole."""
    width = (module.proj_size or module.hidden_size) * (1 + module.bidirectional)
    options = {
        "bias": module.bias,
        "batch_first": module.batch_first,
        "bidirectional": module.bidirectional,
        **({"nonlinearity": module.nonlinearity} if isinstance(module, nn.RNN) else {}),
        **({"proj_size": module.proj_size} if isinstance(module, nn.LSTM) else {}),
    }
    size = width if number else module.input_size
    layer = type(module)(size, module.hidden_size, device="meta", **options)  # draws no numbers
    names = [*(name for _, name, _ in RECURRENT_ARRAYS), "weight_hr"]
    for name in (f"{name}_l{{}}{way}" for name in names for way in ("", "_reverse")[: 1 + module.bidirectional]):
        if hasattr(layer, name.format(0)):
            setattr(layer, name.format(0), getattr(module, name.format(number)))
    return layer.train(module.training)
