"""Networks of the twin contract that begin with other weights, and take those over that the other framework recorded.

python tests/recordings/transferred_rows_worker.py FRAMEWORK FOLDER    in PyTorch records them into FOLDER/NAME.npz,
in Keras takes them over from there, and writes FOLDER/told.json
"""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from contract_rows_worker import built, given
from twin_cases import Case, cases

from twintrain.recordings.record import record
from twintrain.recordings.transferring.transfer import transfer

NAMES = (
    *("inception inside a residual", "residual with a shortcut, strides 2", "inception on sequences"),
    *("depthwise_conv2d of one channel, without bias", "separable_conv2d of two filters, same, strides 2"),
    *("bidirectional gru, sequences", "prelu on images", "embedding of tokens", "deep, several classes"),
    *("inception", "wide_and_deep", "image_cnn"),
)


def main(framework: str, folder: Path) -> None:
    rng = np.random.default_rng(3)
    told = {}
    known = cases()
    for name in NAMES:
        case, file = known[name], folder / f"{name}.npz"
        if framework == "torch":
            record(network_with(case.weights, framework, case), given(case), to=file)
            continue
        others = {
            array: (values + rng.uniform(0.1, 0.5, values.shape)).astype(values.dtype)
            for array, values in case.weights.items()
        }
        told[name] = dataclasses.asdict(transfer(file, network_with(others, framework, case), given(case)))
    if told:
        (folder / "told.json").write_text(json.dumps(told))


def network_with(weights: dict[str, np.ndarray], framework: str, case: Case) -> Any:
    """The framework's own network of a row, with these weights."""
    backend = built(framework, case)
    backend.load_weights(weights)
    return backend.model


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
