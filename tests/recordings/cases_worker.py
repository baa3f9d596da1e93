"""Records all networks of one framework: python tests/recordings/cases_worker.py FRAMEWORK FOLDER

Writes FOLDER/NAME.npz, FOLDER/NAME-outputs.npz with what the networks give when nothing is recorded, and
FOLDER/written.json with what `errors_by_op` finds of each.
"""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
from recorded_cases import example
from written_layers import errors_by_op

from twintrain.recordings.record import record


def main(framework: str, folder: Path) -> None:
    networks = importlib.import_module(f"{framework}_networks").NETWORKS
    for name, build in networks.items():
        rows = example(name, channels_first=framework == "torch")
        model = build()
        record(model, rows, to=folder / f"{name}.npz")
        np.savez(folder / f"{name}-outputs.npz", *outputs(framework, model, rows))
    written = {name: errors_by_op(framework, folder / f"{name}.npz") for name in networks}
    (folder / "written.json").write_text(json.dumps(written))


def outputs(framework, model, rows):
    """All arrays that the model gives in inference, in float32."""
    rows = rows.astype("float32") if rows.dtype.kind == "f" else rows
    if framework == "torch":
        import torch

        with torch.no_grad():
            found = model.eval()(torch.from_numpy(rows))
        return [leaf.numpy() for leaf in leaves(found)]
    from keras import ops

    from twintrain.recordings.keras.backends import backend_eager

    with backend_eager():
        return [ops.convert_to_numpy(leaf) for leaf in leaves(model(ops.convert_to_tensor(rows), training=False))]


def leaves(values):
    return [leaf for value in values for leaf in leaves(value)] if isinstance(values, tuple | list) else [values]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
