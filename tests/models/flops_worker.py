"""Counts the operations of one row in PyTorch: python flops_worker.py OUT.json"""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import flops_cases
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from twintrain.frameworks.torch import networks
from twintrain.system import project


@contextlib.contextmanager
def one_by_one() -> Iterator[None]:
    """Without operations that the counter does not know: oneDNN's LSTM, and attention as one on a CPU."""
    with torch.backends.mkldnn.flags(enabled=False), sdpa_kernel(SDPBackend.MATH):
        yield


def main(out: Path) -> None:
    counted = {}
    for name, network in flops_cases.networks().items():
        model = networks.build(network, "float32", seed=0).eval()
        dtype = torch.int64 if network.schema.input_dims else torch.float32
        with FlopCounterMode(display=False) as counter, torch.no_grad(), one_by_one():
            model(torch.zeros((1, *network.schema.input_shape), dtype=dtype))
        counted[name] = counter.get_total_flops()
    project.write_json(out, counted)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
