"""What each layer of a list gives in inference, by name, channels last: asked of the built network itself."""

from typing import Any

import numpy as np

from twintrain.models.network import Network


def layer_outputs(framework: str, model: Any, network: Network, features: np.ndarray) -> dict[str, np.ndarray]:
    """Runs a network of either framework."""
    of_framework = _of_torch if framework == "torch" else _of_keras
    return of_framework(model, network, features)


def _of_torch(model: Any, network: Network, features: np.ndarray) -> dict[str, np.ndarray]:
    import torch

    axes = {placed.name: len(placed.output_shape) for placed in network.layers}
    values = torch.from_numpy(features).to(next(model.parameters()).device)
    outputs = {}

    def keep(name: str) -> Any:
        def hook(_: Any, __: Any, output: Any) -> None:
            outputs[name] = output.movedim(1, -1) if axes[name] >= 3 else output

        return hook

    hooks = [model.get_submodule(name).register_forward_hook(keep(name)) for name in axes]
    model.eval()
    with torch.inference_mode():
        model(values)
    for hook in hooks:
        hook.remove()
    return {name: output.cpu().numpy().copy(order="C") for name, output in outputs.items()}


def _of_keras(model: Any, network: Network, features: np.ndarray) -> dict[str, np.ndarray]:
    import keras
    from keras import ops

    ends = {placed.name: model.get_layer(placed.name).output for placed in network.layers}
    outputs = keras.Model(model.inputs, ends)(ops.convert_to_tensor(features), training=False)
    return {name: np.array(ops.convert_to_numpy(output)) for name, output in outputs.items()}
