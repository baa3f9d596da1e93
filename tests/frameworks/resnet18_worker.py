"""conf/models/resnet18.yaml beside torchvision's own: resnet18_worker.py FRAMEWORK FOLDER

In float64: logits in inference, and all arrays after STEPS steps of gradient descent in training. `torch` writes them
into FOLDER/torch.npz, and torchvision's into FOLDER/torchvision.npz; all begin with torchvision's arrays, which it
writes into FOLDER/initial.npz. `keras`, after it, writes FOLDER/keras.npz.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from twin_worker import flat

from twintrain.data.parts import Part
from twintrain.data.schema import Schema
from twintrain.frameworks import framework_module
from twintrain.models.network import Network, load_network
from twintrain.settings.sections.optimizers import Optimizer
from twintrain.settings.sections.training import Train
from twintrain.training.steps import take_steps

MODEL = str(Path(__file__).parents[2] / "conf/models/resnet18.yaml")
CLASSES, ROWS, SIZE, STEPS, RATE = 3, 4, 33, 10, 0.01
BATCHES_OF_ALL = {"epochs": STEPS, "batch_size": ROWS, "dtype": "float64"}


def network() -> Network:
    schema = Schema(
        dataset="made up",
        task="multiclass",
        labels=[str(code) for code in range(CLASSES)],
        input_shape=[SIZE, SIZE, 3],
        input_dtype="float",
        categories=None,
        feature_names=None,
        outputs=CLASSES,
    )
    return load_network(MODEL, "aligned", schema)


def rows() -> Part:
    rng = np.random.default_rng(0)
    return Part(rng.normal(size=(ROWS, SIZE, SIZE, 3)), rng.integers(0, CLASSES, ROWS), np.arange(ROWS))


def ours(framework: str, weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    train = Train(optimizer=Optimizer(name="sgd", learning_rate=RATE), **BATCHES_OF_ALL)
    backend = framework_module(framework, "backend").Backend(network(), train)
    backend.load_weights(weights)
    logits = backend.predict(rows().features)
    take_steps(backend, train, rows(), 0, STEPS)
    return {"logits": logits, "trained": flat(backend.weights())}


def arrays_of(model: Any) -> dict[str, np.ndarray]:
    """Torchvision's arrays by our names: both list them in the order of the layers."""
    given = [array.numpy().copy() for name, array in model.state_dict().items() if "num_batches" not in name]
    turned = [np.moveaxis(array, (0, 1), (-1, -2)) if array.ndim > 1 else array for array in given]
    return dict(zip(network().weights(), turned, strict=True))


def torchvision() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The arrays that it begins with, and what comes of them."""
    import torch
    from torchvision.models import resnet18

    torch.manual_seed(0)
    model = resnet18(num_classes=CLASSES).double()
    initial = arrays_of(model)
    features = torch.from_numpy(rows().features).permute(0, 3, 1, 2)
    labels = torch.from_numpy(rows().labels)
    with torch.no_grad():
        logits = model.eval()(features).numpy()
    optimizer = torch.optim.SGD(model.train().parameters(), RATE)
    for _ in range(STEPS):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(features), labels).backward()
        optimizer.step()
    return initial, {"logits": logits, "trained": flat(arrays_of(model))}


def main(framework: str, folder: Path) -> None:
    if framework == "torch":
        initial, found = torchvision()
        np.savez(folder / "initial.npz", **initial)
        np.savez(folder / "torchvision.npz", **found)
    weights = dict(np.load(folder / "initial.npz"))
    np.savez(folder / f"{framework}.npz", **ours(framework, weights))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
