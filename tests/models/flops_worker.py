"""Counts the operations of one row in PyTorch: python flops_worker.py OUT.json"""

import sys
from pathlib import Path

import flops_cases
import torch
from torch.utils.flop_counter import FlopCounterMode

from twintrain.frameworks.torch import networks
from twintrain.system import project


def main(out: Path) -> None:
    counted = {}
    for name, network in flops_cases.networks().items():
        model = networks.build(network, "float32", seed=0).eval()
        dtype = torch.int64 if network.schema.categories else torch.float32
        # oneDNN's LSTM is one operation, which the counter does not know.
        with FlopCounterMode(display=False) as counter, torch.no_grad(), torch.backends.mkldnn.flags(enabled=False):
            model(torch.zeros((1, *network.schema.input_shape), dtype=dtype))
        counted[name] = counter.get_total_flops()
    project.write_json(out, counted)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
