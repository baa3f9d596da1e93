"""What mistakes in one's own training script do: one mistake at a time, on the same network and rows.

python benchmarks/script_causes.py    a Markdown table, in a minute

Digits are mnist5k's 3,500 training and 1,000 test rows. Each framework has a process of its own.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src")]
EPOCHS, BATCH, SEED = 5, 64, 0
Line = tuple[str, str, str]


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Training and test rows (rows, 1, 28, 28) from 0 to 1, float32, with their labels."""
    from twintrain.data.prepare.preparation import prepare
    from twintrain.settings.params import check_params

    params = {"dataset": "mnist5k", "model": "conf/models/cnn.yaml", "frameworks": ["torch", "keras"]}
    _, parts = prepare(check_params(params, "params"))
    train, test = parts["train"], parts["test"]
    images = [np.moveaxis(part.features, -1, 1).astype(np.float32) for part in (train, test)]
    images = [each / max(1.0, float(images[0].max())) for each in images]
    return images[0], train.labels.astype(np.int64), images[1], test.labels.astype(np.int64)


def in_pytorch() -> Iterator[Line]:
    """Mistakes of scripts in PyTorch."""
    import torch
    import torch.nn.functional as F
    from torch import nn

    torch.set_num_threads(1)
    rows, labels, test_rows, test_labels = map(torch.from_numpy, digits())

    def network(pool: nn.Module | None = None) -> nn.Module:
        torch.manual_seed(SEED)
        return nn.Sequential(
            *(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), pool or nn.MaxPool2d(2)),
            *(nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveMaxPool2d(7)),
            *(nn.Flatten(), nn.Dropout(0.3), nn.Linear(16 * 49, 10)),
        )

    def trained(
        model: nn.Module,
        x: torch.Tensor = rows,
        y: torch.Tensor = labels,
        shuffled: bool = True,
        optimizer: Any = torch.optim.Adam,
        clip: Callable[[nn.Module], None] = lambda model: None,
        **options: float,
    ) -> nn.Module:
        generator = torch.Generator().manual_seed(SEED)
        steps = optimizer(model.parameters(), **options)
        model.train()
        for _ in range(EPOCHS):
            order = torch.randperm(len(x), generator=generator) if shuffled else torch.arange(len(x))
            for batch in order.split(BATCH):
                steps.zero_grad()
                F.cross_entropy(model(x[batch]), y[batch]).backward()
                clip(model)
                steps.step()
        return model.eval()

    @torch.no_grad()
    def accuracy(model: nn.Module, x: torch.Tensor = test_rows, batch: int = 1000) -> str:
        found = torch.cat([model(part) for part in x.split(batch)]).argmax(1)
        return f"accuracy {100 * (found == test_labels).double().mean().item():.1f} %"

    base = trained(network())
    right = accuracy(base)
    yield "evaluation mode forgotten, 10 rows at a time", right, accuracy(base.train(), batch=10)
    base = trained(network())
    by_label = labels.argsort(stable=True)
    unshuffled = trained(network(), rows[by_label], labels[by_label], shuffled=False)
    yield "rows in the order of their labels, never shuffled", right, accuracy(unshuffled)
    yield "trained on 0 to 1, asked with 0 to 255", right, accuracy(base, test_rows * 255)
    yield "trained on ink on paper, asked with the opposite (1 − x)", right, accuracy(base, 1 - test_rows)

    pools = [nn.AvgPool2d(3, 2, padding=1, count_include_pad=counts) for counts in (True, False)]
    pooled = trained(network(pools[0]))
    right_pooled = accuracy(pooled)
    pooled[3] = pools[1]
    yield "average pooling counts the padding on one side alone", right_pooled, accuracy(pooled)

    small = [[_resized(each, smooth) for each in (rows, test_rows)] for smooth in (True, False)]
    resized = trained(network(), small[0][0])
    yield (
        "halved with antialiasing for training, without when asked",
        accuracy(resized, small[0][1]),
        accuracy(resized, small[1][1]),
    )

    def whole(model: nn.Module) -> None:
        nn.utils.clip_grad_norm_(model.parameters(), 0.1)

    def each(model: nn.Module) -> None:
        for parameter in model.parameters():
            nn.utils.clip_grad_norm_([parameter], 0.1)

    losses = []
    for clip in (whole, each):
        model = trained(network(), optimizer=torch.optim.SGD, lr=0.05, clip=clip)
        losses.append(f"loss {F.cross_entropy(model(test_rows), test_labels).item():.3f}")
    yield "gradients limited array by array, not all together", *losses
    yield _frozen_norm(base, rows, labels, torch, nn)
    yield _broadcast(torch, nn)


def _resized(images: Any, smooth: bool) -> Any:
    import torch.nn.functional as F

    return F.interpolate(images, scale_factor=0.5, mode="bilinear", antialias=smooth)


def _frozen_norm(base: Any, rows: Any, labels: Any, torch: Any, nn: Any) -> Line:
    """Batch norm whose arrays are not trained, on other rows: its statistics move all the same, unless in inference."""
    import copy

    moved = []
    for keeps in (True, False):
        model = copy.deepcopy(base)
        norm = model[1].requires_grad_(False)
        before = norm.running_var.clone()
        model.train()
        norm.train(not keeps)
        with torch.no_grad():
            for batch in (3 * rows).split(BATCH):
                model(batch)
        moved.append(f"variances {float(((norm.running_var - before).abs() / before).max()):.1f} times their size off")
    return "a frozen batch norm left in training mode, on rows of another scale", moved[0], moved[1]


def _broadcast(torch: Any, nn: Any) -> Line:
    """Predictions (rows, 1) against targets (rows,): every row is compared with all."""
    rng = np.random.default_rng(SEED)
    x = torch.from_numpy(rng.normal(size=(600, 8)).astype(np.float32))
    y = x @ torch.from_numpy(rng.normal(size=8).astype(np.float32))
    errors = []
    for target in (y[:, None], y):
        torch.manual_seed(SEED)
        model = nn.Linear(8, 1)
        steps = torch.optim.Adam(model.parameters(), lr=0.05)
        for _ in range(300):
            steps.zero_grad()
            difference = model(x[:500]) - target[:500]  # what a squared error takes the mean of
            (difference**2).mean().backward()
            steps.step()
        with torch.no_grad():
            error = ((model(x[500:])[:, 0] - y[500:]) ** 2).mean() ** 0.5
        errors.append(f"error {float(error / y[500:].std()):.2f} of the targets' deviation")
    return "predictions (N, 1) against targets (N,)", errors[0], errors[1]


def in_keras() -> Iterator[Line]:
    """Mistakes of scripts in Keras, or in what is made of what it prints."""
    import keras
    from keras import layers

    rows, labels, _, _ = digits()
    keras.utils.set_random_seed(SEED)
    model = keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(64, "relu"), layers.Dense(10)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    images = np.moveaxis(rows, 1, -1)
    shown = model.fit(images, labels, batch_size=BATCH, epochs=1, verbose=0).history["loss"][0]
    really = model.evaluate(images, labels, verbose=0)
    name = "the training loss that is displayed: a mean over the epoch, not the network's at its end"
    yield name, f"loss {really:.2f}", f"loss {shown:.2f}"

    rng = np.random.default_rng(SEED)
    steps = rng.normal(size=(8, 20, 4)).astype(np.float32)
    gru = layers.GRU(16, reset_after=True, bias_initializer="normal")
    before = gru(steps)
    other = layers.GRU(16, reset_after=False)
    other(steps)
    kernel, recurrent, bias = gru.get_weights()
    other.set_weights([kernel, recurrent, bias.sum(0)])
    yield (
        "a GRU whose reset gate comes before the product, same weights",
        "outputs the same",
        _apart(before, other(steps)),
    )

    tokens = np.concatenate([rng.integers(1, 50, (8, 6)), np.zeros((8, 14), int)], 1)
    embedded = layers.Embedding(50, 4, mask_zero=True, embeddings_initializer="normal")
    reading = layers.LSTM(16)
    yield (
        "6 of 20 steps filled, the rest read as words, not masked",
        "outputs the same",
        _apart(reading(embedded(tokens)), reading(np.asarray(embedded(tokens)))),
    )


def _apart(first: Any, second: Any) -> str:
    gap = float(np.abs(np.asarray(first) - np.asarray(second)).max() / np.abs(np.asarray(first)).max())
    return f"outputs {gap:.2f} of the largest apart"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("torch", "keras"), help=argparse.SUPPRESS)
    part = parser.parse_args().part
    if part:
        for line in {"torch": in_pytorch, "keras": in_keras}[part]():
            print("|", " | ".join(line), "|", flush=True)
        return
    print("| in the script | right | with the mistake |\n|---|---|---|", flush=True)
    for each in ("torch", "keras"):
        subprocess.run([sys.executable, __file__, "--part", each], cwd=ROOT, stderr=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    main()
