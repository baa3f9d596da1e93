"""Writes what a state_dict of PyTorch's has: python -m twintrain.training.weight_files.torch_reader FILE OUT.npz"""

import sys
import zipfile
from typing import Any

import numpy as np

EXPECTED = "expected a state_dict, as torch.save(model.state_dict(), …) writes it"
# Under which scripts keep it beside an epoch and an optimizer.
WRAPPERS = ("state_dict", "model_state_dict", "model", "state_dict_ema")


def main(path: str, out: str) -> None:
    """Reads FILE without running what it asks for, and names its arrays LAYER/ARRAY, in the order of the file."""
    import torch

    if zipfile.is_zipfile(path) and _is_packed(path):
        sys.exit(f"error: {EXPECTED}, got a compressed archive, as PyTorch saves none")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever PyTorch's reader meets
        is_code = "Unsupported global" in str(error)
        got = "objects, which could run code" if is_code else f"what PyTorch cannot read ({type(error).__name__})"
        sys.exit(f"error: {EXPECTED}, got {got}")
    arrays = {}
    for name, tensor in _state_dict(content, torch.Tensor).items():
        if not _has_its_numbers(tensor):
            sys.exit(f"error: {EXPECTED}, got {name} without an array of real numbers in the file")
        if tensor.ndim:  # not the number of batches that a batch norm has seen
            layer, _, array = name.rpartition(".")
            arrays[f"{layer}/{array}"] = tensor.detach().double().numpy()  # also of bfloat16, which NumPy lacks
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
    for name, each in content.items():
        if not isinstance(name, str):
            sys.exit(f"error: {EXPECTED}, got one with {name} for a name")
        if not isinstance(each, kind):
            sys.exit(f"error: {EXPECTED}, got one with {name}, which is no tensor")
    return content


def _is_packed(path: str) -> bool:
    """Whether a few bytes may stand for many."""
    with zipfile.ZipFile(path) as archive:
        return any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist())


def _has_its_numbers(tensor: Any) -> bool:
    """Whether the file has each number: not of what is sparse, nested, quantized, without data, or stretched."""
    if tensor.is_nested or tensor.is_quantized or tensor.is_complex() or tensor.device.type != "cpu":
        return False
    is_dense = str(tensor.layout) == "torch.strided"
    return is_dense and tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()


if __name__ == "__main__":
    main(*sys.argv[1:])
