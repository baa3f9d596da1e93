"""Trains with and without each mistake of the course: python -m examples.course.trainings FRAMEWORK OUT.json NAME …

One framework a process. Everything is float64 and `aligned`, so that figures do not depend on the machine: the two
frameworks agree to the last digit shown, but where one of them notices a mistake. Each method of `Course` is a table
of docs/course.md.
"""

import dataclasses
import functools
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import entropy
from sklearn.metrics import roc_auc_score

from twintrain.data.parts import Part
from twintrain.data.prepare.preparation import prepare
from twintrain.data.schema import Schema
from twintrain.evaluation.metrics import accuracy, loss, predicted_labels, probabilities
from twintrain.evaluation.scores import area_under_roc
from twintrain.frameworks import framework_module
from twintrain.models.initial_weights import draw_weights
from twintrain.models.layers.activation import Activation
from twintrain.models.layers.core import Dense
from twintrain.models.network import Network, PlacedLayer, load_network, place_layers
from twintrain.settings.params import Params, check_params
from twintrain.settings.presets import changed_params
from twintrain.settings.sections.training import Train
from twintrain.settings.yaml_files import read_yaml
from twintrain.system import project
from twintrain.training.batches import Batches
from twintrain.training.loop import History, fit

Parts = dict[str, Part]
# What was measured, with the mistake, without it; None where there is nothing to measure.
Row = tuple[str, float | None, float | None]
# The course's class column, one-hot encoded by pandas: columns in alphabetical order.
CAR_CLASSES = ("acc", "good", "unacc", "vgood")
TEST_SHARE = 0.2
SPLITS = 5
SEEDS = 10
TOLD = 0.501
GATES = ("and", "or", "nand", "xor_perceptron")


@dataclasses.dataclass(frozen=True)
class Trained:
    """A trained network with its best weights, and with those of the last epoch."""

    backend: Any
    history: History
    last: dict[str, np.ndarray]

    def logits(self, part: Part) -> np.ndarray:
        return self.backend.predict(part.features)

    def last_logits(self, part: Part) -> np.ndarray:
        best = self.backend.weights()
        self.backend.load_weights(self.last)
        found = self.logits(part)
        self.backend.load_weights(best)
        return found


class Course:
    """The course's systems in one framework."""

    def __init__(self, framework: str) -> None:
        self.framework = framework

    def flattened_targets(self) -> list[Row]:
        """Rows of the car table beside single elements of their one-hot labels, as the course pairs and cuts them."""
        params, schema, parts = experiment("car")
        network = load_network(params.model, params.mode, schema)
        wrong = flattened(parts, schema.labels)
        share = wrong["test"].labels.mean()
        train = params.train.model_copy(update={"restore_best_weights": False})
        documented, right = self.train(network, train, wrong), self.train(network, train, parts)
        counts = np.bincount(parts["test"].labels) / len(parts["test"])
        logits, right_logits = documented.logits(wrong["test"]), right.logits(parts["test"])
        return [
            ("labels for 1,728 rows", len(schema.labels) * len(all_rows(parts)), len(all_rows(parts))),
            ("share of the commonest label among the test rows", 1 - share, counts.max()),
            ("test accuracy", accuracy(logits, wrong["test"].labels), accuracy(right_logits, parts["test"].labels)),
            ("entropy of the labels of the test rows", entropy([share, 1 - share]), entropy(counts)),
            ("test loss", loss(logits, wrong["test"].labels), loss(right_logits, parts["test"].labels)),
            *self._still_training(right.backend, parts["test"], right_logits),
        ]

    def _still_training(self, backend: Any, test: Part, right: np.ndarray) -> list[Row]:
        """The same network, predicting with dropout and the statistics of the batch, and without.

        That comes last: it changes the network's running statistics.
        """
        logits = self.logits_in_training(backend, test.features)
        return [
            ("predicted without eval(): accuracy", accuracy(logits, test.labels), accuracy(right, test.labels)),
            ("predicted without eval(): loss", loss(logits, test.labels), loss(right, test.labels)),
        ]

    def own_predictions(self) -> list[Row]:
        """Accuracy against the rounded predictions themselves, and the area under a curve of rounded predictions."""
        logits, test = self.cnn
        probability = probabilities(logits)
        rounded = np.round(probability)
        shuffled = np.random.default_rng(0).permutation(test.labels)
        agreement = (rounded.argmax(axis=1) == probability.argmax(axis=1)).mean()
        return [
            ("eval_acc", agreement, (probability.argmax(axis=1) == test.labels).mean()),
            ("eval_acc, the test labels shuffled", agreement, (probability.argmax(axis=1) == shuffled).mean()),
            ("share of rows with a probability above 0.5", (probability.max(axis=1) > 0.5).mean(), None),
            ("auc_score", roc_auc_score(np.eye(10)[test.labels], rounded), area_under_roc(probability, test.labels)),
        ]

    def softmax_twice(self) -> list[Row]:
        """The seven-layer perceptron with a softmax at its end, in front of a loss that takes one itself.

        Rounding of the first weights in their last place grows by three digits an epoch here: two of them are told.
        """
        params, schema, parts = experiment("mnist5k", model="mlp", **{"train.epochs": 2})
        right = load_network(params.model, params.mode, schema)
        twice = ending_in("softmax", right)
        documented, mended = (self.train(network, params.train, parts) for network in (twice, right))
        outputs, logits = (trained.logits(parts["test"]) for trained in (documented, mended))
        losses = [trained.history.epochs[-1]["train_loss"] for trained in (documented, mended)]
        labels = parts["test"].labels
        return [
            ("lowest loss that is possible", np.log(np.e + 9) - 1, 0.0),
            ("training loss, epoch 2", *losses),
            ("test loss", loss(outputs, labels), loss(logits, labels)),
            ("test accuracy", accuracy(outputs, labels), accuracy(logits, labels)),
            ("digits of ten that are ever predicted", kinds(outputs), kinds(logits)),
            ("test accuracy as the joined predictions give it", joined_accuracy(outputs, labels), None),
        ]

    def relu_before_the_loss(self) -> list[Row]:
        """A ReLU after the last layer, in front of a loss that takes logits."""
        params, schema, parts = experiment("mnist5k")
        network = ending_in("relu", load_network(params.model, params.mode, schema))
        outputs = self.train(network, params.train, parts).logits(parts["test"])
        logits, test = self.cnn
        return [
            ("outputs of ten that are 0 for every test digit", *(dead(found) for found in (outputs, logits))),
            ("test accuracy", accuracy(outputs, test.labels), accuracy(logits, test.labels)),
            ("test loss", loss(outputs, test.labels), loss(logits, test.labels)),
        ]

    @functools.cached_property
    def cnn(self) -> tuple[np.ndarray, Part]:
        """The course's CNN on 5,000 digits: logits of the test digits, and these."""
        params, schema, parts = experiment("mnist5k")
        trained = self.train(load_network(params.model, params.mode, schema), params.train, parts)
        return trained.logits(parts["test"]), parts["test"]

    def scored_on_training_rows(self) -> list[Row]:
        """The diabetes network as documented, and trained until it knows its rows: training rows, test rows."""
        params, schema, parts = experiment("diabetes")
        documented = self.train(load_network(params.model, params.mode, schema), params.train, parts)
        shares = [np.bincount(parts[name].labels).max() / len(parts[name]) for name in ("train", "test")]
        found = [
            [accuracy(trained.last_logits(parts[name]), parts[name].labels) for name in ("train", "test")]
            for trained, parts in self.overfitted
        ]
        return [
            ("share of the commonest class", *shares),
            ("accuracy, settings of the course", *(accuracy_on(parts[name], documented) for name in ("train", "test"))),
            ("accuracy, scaled columns, Adam, 500 epochs: mean of 5 splits", *np.mean(found, axis=0)),
        ]

    def last_weights(self) -> list[Row]:
        """The weights of the last epoch, which the course goes on with, and the best ones, which it puts aside."""
        epochs, losses, accuracies = [], [], []
        for trained, parts in self.overfitted:
            test = parts["test"]
            epochs.append((len(trained.history.epochs), trained.history.best_epoch + 1))
            pair = trained.last_logits(test), trained.logits(test)
            losses.append([loss(logits, test.labels) for logits in pair])
            accuracies.append([accuracy(logits, test.labels) for logits in pair])
        return [
            ("mean epoch", *np.mean(epochs, axis=0).round().astype(int)),
            ("mean test loss", *np.mean(losses, axis=0)),
            ("mean test accuracy", *np.mean(accuracies, axis=0)),
        ]

    @functools.cached_property
    def overfitted(self) -> list[tuple[Trained, Parts]]:
        """The tuned diabetes network trained far beyond its best epoch, once a split."""
        found = []
        for seed in range(SPLITS):
            params, schema, parts = experiment(
                "diabetes_tuned",
                **{"split.seed": seed, "train.epochs": 500, "train.early_stopping.patience": None},
            )
            found.append((self.train(load_network(params.model, params.mode, schema), params.train, parts), parts))
        return found

    def vanishing_gradient(self) -> list[Row]:
        """Six hidden layers of 50 sigmoids, and of ReLUs: gradients before training, weights before and after it."""
        overrides = {"train.optimizer.name": "sgd", "train.optimizer.learning_rate": 0.1, "train.epochs": 5}
        params, schema, parts = experiment("mnist5k", **overrides)
        found = [self._vanishing(function, params, schema, parts) for function in ("sigmoid", "relu")]
        return [(what, first, second) for (what, first), (_, second) in zip(*found, strict=True)]

    def _vanishing(self, function: str, params: Params, schema: Schema, parts: Parts) -> list[tuple[str, float]]:
        hidden = [{"dense": {"units": 50}}, {"activation": {"function": function}}] * 6
        entries = ["flatten", *hidden, {"dense": {"units": "outputs"}}]
        network = place_layers(entries, function, params.mode, schema, Path(function))
        kernels = [name for name in network.weights() if name.endswith("kernel")]
        first, last = kernels[0], kernels[-1]
        initial = draw_weights(network, params.train.seed)
        backend = self.backend(network, params.train)
        _, gradients = backend.gradients(parts["train"].features[:64], parts["train"].labels[:64])
        trained = self.train(network, params.train, parts).last[first]
        before = np.linalg.norm(initial[first])
        return [
            ("norm of the gradient, last kernel", np.linalg.norm(gradients[last])),
            ("norm of the gradient, first kernel", np.linalg.norm(gradients[first])),
            ("norm of the first kernel, after 5 epochs / before", np.linalg.norm(trained) / before),
            ("how far the first kernel went, in units of its norm", np.linalg.norm(trained - initial[first]) / before),
        ]

    def gates(self) -> list[Row]:
        """The truth tables that a single-layer perceptron is trained on: rows that it tells, and the loss."""
        rows = []
        for preset in GATES:
            params, schema, parts = experiment(preset)
            logits = self._after_all_steps(load_network(params.model, params.mode, schema), params.train, parts)
            labels = parts["test"].labels
            rows.append((f"`{preset}`", told(logits, labels), loss(logits, labels)))
        return rows

    def xor(self) -> list[Row]:
        """XOR for ten seeds, with initial weights drawn as PyTorch draws by default, and as the preset has them."""
        params, schema, parts = experiment("xor")
        labels = parts["test"].labels
        mended = load_network(params.model, params.mode, schema)
        found = [
            [
                self._after_all_steps(network, params.train.model_copy(update={"seed": seed}), parts)
                for seed in range(SEEDS)
            ]
            for network in (as_pytorch_draws(mended), mended)
        ]
        return [
            (f"seeds of {SEEDS} with four of four rows right", *(learned(logits, labels) for logits in found)),
            ("largest loss of a seed", *(max(loss(each, labels) for each in logits) for logits in found)),
        ]

    def _after_all_steps(self, network: Network, train: Train, parts: Parts) -> np.ndarray:
        """Logits of the test rows after all full-batch steps in one go; nothing is validated on the way."""
        rows = len(parts["train"])
        steps = np.arange(train.epochs + 1)
        batches = Batches.of_all_rows(np.tile(np.arange(rows), train.epochs), steps * rows, steps)
        backend = self.backend(network, train)
        backend.load_rows(parts["train"].features, parts["train"].labels)
        backend.train_epoch(batches, np.full(train.epochs, train.optimizer.learning_rate))
        return backend.predict(parts["test"].features)

    def train(self, network: Network, train: Train, parts: Parts) -> Trained:
        backend = self.backend(network, train)
        kept: dict[str, np.ndarray] = {}

        def keep(epoch: int, _: dict[str, float]) -> None:
            if epoch == train.epochs - 1:
                kept.update(backend.weights())

        with tempfile.TemporaryDirectory() as folder:
            history = fit(backend, parts, train, Path(folder) / "checkpoint.npz", "course", keep)
        return Trained(backend, history, kept)

    def backend(self, network: Network, train: Train) -> Any:
        backend = framework_module(self.framework, "backend").Backend(network, train)
        backend.load_weights(draw_weights(network, train.seed))
        return backend

    def logits_in_training(self, backend: Any, features: np.ndarray) -> np.ndarray:
        """Logits as a model gives them that was not told that training is over."""
        if self.framework == "torch":
            import torch

            backend.model.train()
            with torch.no_grad():
                return backend.model(torch.from_numpy(features)).numpy()
        return np.array(backend.model(features, training=True))


def experiment(preset: str, **overrides: Any) -> tuple[Params, Schema, Parts]:
    """A preset's parameters and its data, on one thread and in float64."""
    shared = {"train.dtype": "float64", "train.threads": 1, "train.checkpoint_every": 1000}
    content = changed_params(read_yaml(project.PARAMS), preset, {**shared, **overrides})
    params = check_params(content, str(project.PARAMS))
    schema, parts = prepare(params)
    typed = {
        name: part
        if schema.input_dtype == "int64"
        else dataclasses.replace(part, features=part.features.astype(np.float64))
        for name, part in parts.items()
    }
    return params, schema, typed


def all_rows(parts: Parts) -> Part:
    """The parts put together again, in the order of the file."""
    order = np.argsort(np.concatenate([part.index for part in parts.values()]))
    arrays = (
        np.concatenate([getattr(part, name) for part in parts.values()])[order]
        for name in ("features", "labels", "index")
    )
    return Part(*arrays)


def flattened(parts: Parts, labels: list[str]) -> Parts:
    """Row i beside element i of all one-hot labels, cut in the order of the file; validated on the test rows."""
    whole = all_rows(parts)
    codes = np.array([CAR_CLASSES.index(label) for label in labels])[whole.labels]
    elements = np.eye(len(CAR_CLASSES), dtype=np.int64)[codes].ravel()[: len(whole)]
    cut = len(whole) - int(TEST_SHARE * len(whole))
    pairs = Part(whole.features, elements, whole.index)
    train, test = (
        Part(pairs.features[rows], pairs.labels[rows], pairs.index[rows]) for rows in (slice(0, cut), slice(cut, None))
    )
    return {"train": train, "val": test, "test": test}


def ending_in(function: str, network: Network) -> Network:
    """The network with an activation after its logits; a model file that ends in softmax would be refused."""
    shape = (network.schema.outputs,)
    name, layer = f"activation_{len(network.layers)}", Activation(function=function)
    end = PlacedLayer(name, "activation", layer, shape, shape, (network.output,))
    return dataclasses.replace(network, layers=(*network.layers, end))


def as_pytorch_draws(network: Network) -> Network:
    """The network with kernels and biases of dense layers uniform within 1 / √inputs, as `nn.Linear` draws them."""
    drawn = {"kernel_initializer": "fan_in_uniform", "bias_initializer": "fan_in_uniform"}
    layers = [
        dataclasses.replace(placed, layer=placed.layer.model_copy(update=drawn))
        if isinstance(placed.layer, Dense)
        else placed
        for placed in network.layers
    ]
    return dataclasses.replace(network, layers=tuple(layers))


def told(logits: np.ndarray, labels: np.ndarray) -> int:
    """Rows whose label is the more probable one by more than rounding."""
    return int((probabilities(logits)[np.arange(len(labels)), labels] > TOLD).sum())


def learned(logits: list[np.ndarray], labels: np.ndarray) -> int:
    """Networks that tell every row."""
    return sum(accuracy(found, labels) == 1 for found in logits)


def accuracy_on(part: Part, trained: Trained) -> float:
    """Accuracy with the best weights."""
    return accuracy(trained.logits(part), part.labels)


def kinds(outputs: np.ndarray) -> int:
    """Classes that are predicted for any row."""
    return len(np.unique(predicted_labels(outputs)))


def dead(outputs: np.ndarray) -> int:
    """Outputs that are 0 for every row."""
    return int((outputs == 0).all(axis=0).sum())


def joined_accuracy(outputs: np.ndarray, labels: np.ndarray) -> float:
    """Rows of outputs joined end to end, as torch.cat joins vectors: the largest number then has one place in all."""
    return float((labels == outputs.ravel().argmax()).mean())


def main(framework: str, out: Path, names: list[str]) -> None:
    """Writes the tables of these names."""
    course = Course(framework)
    project.write_json(out, {name: [list(map(plain, row)) for row in getattr(course, name)()] for name in names})


def plain(value: Any) -> Any:
    """A number that JSON knows."""
    return value.item() if isinstance(value, np.generic) else value


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
