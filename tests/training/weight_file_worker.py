"""Networks that know nothing of us, their files, and ours with these weights: weight_file_worker.py FRAMEWORK FOLDER

`write` builds two networks by hand, puts random numbers in and saves them as users do; `read` puts each file into a
network of ours. Both write logits of the same rows; `read` what our network then holds, too.
"""

import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from twintrain.data.schema import Schema
from twintrain.models.network import Network, place_layers

NO_ARRAYS = ("complex", "meta", "sparse", "stretched")
IMAGE, TOKENS, ROWS, CLASSES = [7, 6, 3], 5, 4, 3
LAYERS: dict[str, list[Any]] = {
    "image": [
        {"conv2d": {"filters": 8, "kernel_size": 3, "strides": 2, "padding": 1, "use_bias": False}},
        "batch_norm",
        {"activation": {"function": "prelu"}},
        {"depthwise_conv2d": {"kernel_size": 2, "depth_multiplier": 2}},
        {"conv2d": {"filters": 6, "kernel_size": 1}},
        {"conv2d_transpose": {"filters": 4, "kernel_size": 2, "strides": 2}},
        "flatten",
        {"activation": {"function": "relu"}},
        {"dropout": {"rate": 0.5}},
        {"dense": {"units": 5}},
        {"dense": {"units": "outputs"}},
    ],
    "tokens": [
        {"embedding": {"input": "tokens", "output_dim": 4}},
        {"conv1d": {"filters": 6, "kernel_size": 3}},
        "layer_norm",
        "global_avg_pool",
        {"dense": {"units": "outputs"}},
    ],
}
# What each framework's users save.
FILES = {"torch": ("image.pth", "tokens.pt"), "keras": ("image.weights.h5", "image.keras", "image.h5", "tokens.keras")}


def network(name: str) -> Network:
    of_image = name == "image"
    schema = Schema(
        dataset="made up",
        task="multiclass",
        labels=[str(code) for code in range(CLASSES)],
        input_shape=IMAGE if of_image else [TOKENS],
        input_dtype="float" if of_image else "int64",
        categories=None,
        feature_names=None,
        outputs=CLASSES,
        tokens=None if of_image else 9,
        vocabulary=None if of_image else "of nine",
    )
    return place_layers(LAYERS[name], name, "aligned", schema, Path(name))


def rows(name: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(ROWS, *IMAGE)) if name == "image" else rng.integers(0, 9, (ROWS, TOKENS))


def some(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Positive, so that it may be a variance; exact in float32, in which files are."""
    return rng.uniform(0.2, 1, shape).astype(np.float32)


def write_torch(folder: Path) -> dict[str, np.ndarray]:
    import torch
    from torch import nn

    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.windows = nn.Embedding(9, 4), nn.Conv1d(4, 6, 3)
            self.norm, self.head = nn.LayerNorm(6), nn.Linear(6, CLASSES)

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return self.head(self.norm(self.windows(self.words(tokens).mT).mT).mean(1))

    image = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8), nn.PReLU(8)),
        nn.Conv2d(8, 16, 2, groups=8),
        nn.Conv2d(16, 6, 1),
        nn.ConvTranspose2d(6, 4, 2, stride=2),
        nn.Flatten(),
        nn.ReLU(),
        nn.Linear(4 * 6 * 4, 5),
        nn.Linear(5, CLASSES),
    )
    found = {}
    for path, model in zip(FILES["torch"], (image, Tokens()), strict=True):
        rng, name = np.random.default_rng(1), path.partition(".")[0]
        for array in model.state_dict().values():
            if array.ndim:
                array.copy_(torch.from_numpy(some(tuple(array.shape), rng)))
        given = torch.from_numpy(rows(name))
        with torch.no_grad():
            logits = model.double().eval()(given.permute(0, 3, 1, 2) if name == "image" else given)
        found[path] = logits.numpy()
        state = model.float().state_dict()
        if name == "image":  # parameters that are learnt have gradients
            state = {of: value.requires_grad_() for of, value in state.items() if value.is_floating_point()}
        torch.save({"state_dict": state, "epoch": 3} if name == "tokens" else state, folder / path)
    torch.save(image, folder / "whole.pth")
    torch.save({"weights": [1.0]}, folder / "no_tensors.pth")
    write_refused(folder)
    return found


def write_refused(folder: Path) -> None:
    """Writes what PyTorch's reader takes, and what is no array of real numbers, or of more than its file has."""
    import torch

    torch.save({0: torch.zeros(2)}, folder / "number.pth")
    given = (
        torch.zeros(2, dtype=torch.complex64),
        torch.empty(10**7, 10**7, device="meta"),
        torch.zeros(2).to_sparse(),
        torch.zeros(1).expand(10**6, 10**6),  # 8 TB of one number
    )
    for name, tensor in zip(NO_ARRAYS, given, strict=True):
        torch.save({name: tensor}, folder / f"{name}.pth")
    with zipfile.ZipFile(folder / "number.pth") as plain, zipfile.ZipFile(folder / "packed.pth", "w", 8) as packed:
        for member in plain.namelist():
            packed.writestr(member, plain.read(member))


def write_keras(folder: Path) -> dict[str, np.ndarray]:
    import keras
    from keras import layers

    keras.config.set_floatx("float64")
    image = keras.Sequential(
        [
            keras.Input(IMAGE),
            layers.ZeroPadding2D(1),
            layers.Conv2D(8, 3, strides=2, use_bias=False, name="stem"),
            layers.BatchNormalization(epsilon=1e-5),
            layers.PReLU(shared_axes=[1, 2]),
            layers.DepthwiseConv2D(2, depth_multiplier=2),
            layers.Conv2D(6, 1, name="a_later_one"),
            layers.Conv2DTranspose(4, 2, strides=2),
            layers.Flatten(),
            layers.ReLU(),
            layers.Dropout(0.5),
            layers.Dense(5, name="z"),
            layers.Dense(CLASSES, name="a"),
        ]
    )
    tokens = keras.Sequential(
        [
            keras.Input([TOKENS]),
            layers.Embedding(9, 4),
            layers.Conv1D(6, 3),
            layers.LayerNormalization(epsilon=1e-5),
            layers.GlobalAveragePooling1D(),
            layers.Dense(CLASSES),
        ]
    )
    found = {}
    for path in FILES["keras"]:
        name = path.partition(".")[0]
        model, rng = {"image": image, "tokens": tokens}[name], np.random.default_rng(1)
        model.set_weights([some(array.shape, rng) for array in model.get_weights()])
        found[path] = model.predict(rows(name), verbose=0)
        (model.save_weights if path.endswith(".weights.h5") else model.save)(folder / path)
    return found


def read(framework: str, folder: Path) -> dict[str, np.ndarray]:
    """Logits of ours with the weights of each file, and what the network then holds."""
    from twintrain.frameworks import framework_module
    from twintrain.settings.sections.training import Train
    from twintrain.training.weight_files.reading import read_weights

    found = {}
    for path in (path for files in FILES.values() for path in files):
        name = path.partition(".")[0]
        backend = framework_module(framework, "backend").Backend(network(name), Train(dtype="float64"))
        backend.load_weights(read_weights(folder / path).found_in(network(name)).arrays)
        found[path] = backend.predict(rows(name))
        found |= {f"{path}|{array}": value for array, value in backend.weights().items()}
    return found


def main(what: str, framework: str, folder: Path) -> None:
    if what == "write":
        found = {"torch": write_torch, "keras": write_keras}[framework](folder)
    else:
        found = read(framework, folder)
    np.savez(folder / f"{what}-{framework}.npz", **found)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
