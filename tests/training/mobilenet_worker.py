"""conf/models/mobilenet_v2.yaml with the weights of torchvision's file: mobilenet_worker.py FRAMEWORK FOLDER

Logits in float64. `torch` writes the file, and torchvision's own logits, too; `keras` goes after it.
"""

import sys
from pathlib import Path

import numpy as np
from weight_file_worker import CLASSES

from twintrain.data.schema import Schema
from twintrain.frameworks import framework_module
from twintrain.models.network import Network, load_network
from twintrain.settings.sections.training import Train
from twintrain.training.weight_files.reading import read_weights

MODEL = str(Path(__file__).parents[2] / "conf/models/mobilenet_v2.yaml")
ROWS, SIZE, FILE = 4, 40, "mobilenet.pth"


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


def rows() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(ROWS, SIZE, SIZE, 3))


def torchvision(folder: Path) -> dict[str, np.ndarray]:
    """Its logits; the file has its arrays, running statistics at random."""
    import torch
    from torchvision.models import mobilenet_v2

    torch.manual_seed(0)
    model = mobilenet_v2(num_classes=CLASSES)
    for name, array in model.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            array.uniform_(0.5, 1.5)
    torch.save(model.state_dict(), folder / FILE)
    with torch.no_grad():
        logits = model.double().eval()(torch.from_numpy(rows()).permute(0, 3, 1, 2))
    return {"logits": logits.numpy()}


def main(framework: str, folder: Path) -> None:
    if framework == "torch":
        np.savez(folder / "torchvision.npz", **torchvision(folder))
    backend = framework_module(framework, "backend").Backend(network(), Train(dtype="float64"))
    found = read_weights(folder / FILE).found_in(network())
    assert not found.end, found.end
    backend.load_weights(found.arrays)
    np.savez(folder / f"{framework}.npz", logits=backend.predict(rows()))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
