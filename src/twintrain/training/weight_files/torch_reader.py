"""Writes what a state_dict of PyTorch's has: python -m twintrain.training.weight_files.torch_reader FILE OUT.npz"""

import sys
from typing import Any

import numpy as np

EXPECTED = "expected a state_dict, as torch.save(model.state_dict(), …) writes it"
# Under which scripts keep it beside an epoch and an optimizer.
WRAPPERS = ("state_dict", "model_state_dict", "model", "state_dict_ema")


def main(path: str, out: str) -> None:
    """Reads FILE without running what it asks for, and names its arrays LAYER/ARRAY, in the order of the file."""
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever PyTorch's reader meets
        is_code = "Unsupported global" in str(error)
        got = "objects, which could run code" if is_code else f"what PyTorch cannot read ({type(error).__name__})"
        sys.exit(f"error: {EXPECTED}, got {got}")
    arrays = {}
    for name, tensor in _state_dict(content, torch.Tensor).items():
        if tensor.ndim:  # not the number of batches that a batch norm has seen
            layer, _, array = name.rpartition(".")
            arrays[f"{layer}/{array}"] = tensor.double().numpy()  # also of bfloat16, which NumPy lacks
    if not arrays:
        sys.exit(f"error: {EXPECTED}, got one without arrays")
    np.savez(out, **arrays)


def _state_dict(content: Any, kind: type) -> dict[str, Any]:
    for name in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
            break
    if not isinstance(content, dict):
        sys.exit(f"error: {EXPECTED}, got {type(content).__name__}")
    if others := [str(name) for name, each in content.items() if not isinstance(each, kind)]:
        sys.exit(f"error: {EXPECTED}, got one with {others[0]}, which is no tensor")
    return content


if __name__ == "__main__":
    main(*sys.argv[1:])
