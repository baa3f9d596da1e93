"""Records networks of one framework, then takes over what the other one has recorded, and records them again.

python tests/recordings/transfer_worker.py FRAMEWORK FOLDER OTHER_FOLDER

Writes FOLDER/NAME.npz, FOLDER/NAME-taken.npz with the weights of the other's, and FOLDER/told.json with what was told.
"""

import dataclasses
import importlib
import json
import sys
import time
import zlib
from pathlib import Path

import numpy as np

from twintrain.errors import UserError
from twintrain.recordings.record import record
from twintrain.recordings.transferring.transfer import transfer

DONE = "recorded"
PATIENCE = 120
SHAPES = {
    **dict.fromkeys(("conv2d", "transpose", "depthwise", "separable"), (3, 6, 7, 4)),
    **dict.fromkeys(("conv1d", "separable1d"), (3, 9, 4)),
    **dict.fromkeys(("lstm", "gru", "stacked", "bidirectional", "bidirectional_gru"), (3, 5, 4)),
    "attention": (3, 5, 6),
}


def rows(name, framework):
    rng = np.random.default_rng(7)
    if name in ("embedding", "tied"):
        return rng.integers(0, 9, (3, 5))
    found = rng.normal(size=SHAPES.get(name, (3, 4)))
    has_channels = name in ("conv1d", "separable1d") or found.ndim == 4
    return np.moveaxis(found, -1, 1) if framework == "torch" and has_channels else found


def draw(framework, model, seed):
    """Gives the model weights that no initializer gives: biases, scales and statistics too."""
    recorder = importlib.import_module(f"twintrain.recordings.{framework}.recorder")
    rng = np.random.default_rng(seed)
    drawn = {name: rng.normal(0, 0.5, array.shape) for name, array in recorder.read_weights(model).items()}
    positive = {name: np.abs(array) + 0.5 if "var" in name else array for name, array in drawn.items()}
    recorder.write_weights(model, {name: array.astype(np.float32) for name, array in positive.items()})


def main(framework, folder, other):
    networks = importlib.import_module(f"transfer_{framework}_networks").NETWORKS
    for name, build in networks.items():
        model = build()
        draw(framework, model, zlib.crc32(f"{framework} {name}".encode()))
        record(model, rows(name, framework), to=folder / f"{name}.npz")
    (folder / DONE).touch()
    end = time.monotonic() + PATIENCE
    while not (other / DONE).exists():
        assert time.monotonic() < end
        time.sleep(0.1)
    told = {name: taken(framework, build(), name, folder, other) for name, build in networks.items()}
    told |= Tried(framework, networks, folder, other).told(told["dense"]["layers"])
    (folder / "told.json").write_text(json.dumps(told))


def taken(framework, model, name, folder, other):
    try:
        found = transfer(other / f"{name}.npz", model)
    except UserError as error:
        return str(error)
    record(model, rows(name, framework), to=folder / f"{name}-taken.npz")
    return dataclasses.asdict(found)


class Tried:
    """What becomes of transfers that do not go by themselves."""

    def __init__(self, framework, networks, folder, other):
        self.framework, self.networks, self.folder, self.other = framework, networks, folder, other
        self.recorder = importlib.import_module(f"twintrain.recordings.{framework}.recorder")
        self.bare = importlib.import_module(f"transfer_{framework}_networks").BARE

    def told(self, layers):
        first, last = layers[0][0], layers[2][1]
        return {
            "pairs": self.tried("dense", "dense", pairs={first: last}),
            "unknown": self.tried("dense", "dense", pairs={f"{first}_": last}),
            "unfit": self.tried("conv2d", "conv2d", pairs=self.crossed("conv2d")),
            "refused": self.tried("dense", "scaled"),
            "allowed": self.tried("dense", "scaled", allow_unmatched=True),
            "other rows": self.tried("conv2d", "lstm"),
            "given rows": self.tried("dense", "dense", np.ones((3, 9))),
            "unsure": self.tried("projections", "projections", rows("projections", self.framework) + 1),
            "bare": self.tried("dense", self.bare),
            "started": self.started("conv2d", "conv2d"),
            "not started": self.started("dense", "scaled"),
        }

    def crossed(self, name):
        found = transfer(self.other / f"{name}.npz", self.networks[name]())
        return {found.layers[0][0]: found.layers[1][1]}

    def tried(self, source, network, *rows, **options):
        model = network() if callable(network) else self.networks[network]()
        return self.done(
            model, lambda: dataclasses.asdict(transfer(self.other / f"{source}.npz", model, *rows, **options))
        )

    def started(self, source, name):
        """Recorded with the other's weights, which the model itself does not get."""
        model, given = self.networks[name](), {"weights": self.other / f"{source}.npz"}
        to = self.folder / f"{name}-started.npz"
        return self.done(model, lambda: record(model, rows(name, self.framework), to=to, **given).rows)

    def done(self, model, work):
        before = self.recorder.read_weights(model)
        try:
            found = work()
        except UserError as error:
            found = str(error)
        after = self.recorder.read_weights(model)
        return [found, all(np.array_equal(before[name], after[name]) for name in before)]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
