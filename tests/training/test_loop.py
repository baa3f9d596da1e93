import contextlib
from types import SimpleNamespace

import numpy as np
import pytest

from twintrain.data.parts import Part
from twintrain.evaluation.metrics import accuracy, loss
from twintrain.settings.sections.losses import Loss
from twintrain.settings.sections.optimizers import Optimizer, Schedule
from twintrain.settings.sections.training import EarlyStopping, Train
from twintrain.training.checkpoint import Checkpoint
from twintrain.training.loop import History, fit
from twintrain.training.workers.worker import Worker

ROWS = 20


def part(seed, rows=ROWS):
    features = np.random.default_rng(seed).normal(size=(rows, 3))
    return Part(features, (features.sum(axis=1) > 0).astype(np.int64), np.arange(rows))


PARTS = {"train": part(1), "val": part(2)}


class Alone:
    """What all backends have where one target is asked for and no other worker trains."""

    network = SimpleNamespace(schema=SimpleNamespace(targets={}))
    worker = Worker()

    def from_first(self, numbers):
        return numbers

    def averaged(self):
        return contextlib.nullcontext()


class Logistic(Alone):
    """Logistic regression with momentum and noise, so that its course depends on all that a checkpoint must keep."""

    def __init__(self):
        self.kernel, self.velocity, self.step = np.zeros(3), np.zeros(3), 0
        self.orders, self.rates = [], []

    def load_rows(self, features, labels):
        self.features, self.labels = features, labels

    def train_epoch(self, batches, rates):
        order = batches.row_numbers()
        self.orders.append(order.tolist())
        self.rates.append(rates.tolist())
        losses, hits = 0.0, 0.0
        for start, end, rate in zip(batches.cuts, batches.cuts[1:], rates, strict=False):
            rows = order[start:end]
            features, labels = self.features[rows], self.labels[rows]
            logits = self.predict(features)
            losses += loss(logits, labels) * len(rows)
            hits += accuracy(logits, labels) * len(rows)
            error = 1 / (1 + np.exp(-logits[:, 0])) - labels
            noise = np.random.default_rng(self.step).normal(size=3)
            self.velocity = 0.9 * self.velocity + features.T @ error / len(rows) + noise
            self.kernel = self.kernel - rate * self.velocity
            self.step += 1
        return losses / len(order), hits / len(order)

    def predict(self, features):
        return (features @ self.kernel)[:, None]

    def weights(self):
        return {"dense_0/kernel": self.kernel.copy()}

    def load_weights(self, weights):
        self.kernel = weights["dense_0/kernel"].copy()

    def state(self):
        return {"velocity": self.velocity.copy(), "step": np.array(self.step)}

    def load_state(self, state):
        self.velocity, self.step = state["velocity"].copy(), int(state["step"])


class Scripted(Alone):
    """Has the given validation losses, one an epoch; its only weight is the number of epochs it has trained."""

    def __init__(self, val_losses, train_losses=None):
        self.val_losses = val_losses
        self.train_losses = train_losses or [1.0] * len(val_losses)
        self.epochs = 0
        self.rates = []

    def load_rows(self, features, labels):
        pass

    def train_epoch(self, batches, rates):
        self.rates.append(rates.tolist())
        self.epochs += 1
        return self.train_losses[self.epochs - 1], 0.5

    def predict(self, features):
        # The logit of class 1 whose cross entropy is the wanted loss, for labels of 1 alone.
        wanted = self.val_losses[self.epochs - 1]
        return np.full((len(features), 1), -np.log(np.expm1(wanted)))

    def weights(self):
        return {"epochs": np.array(self.epochs)}

    def load_weights(self, weights):
        self.epochs = int(weights["epochs"])

    def state(self):
        return {}

    def load_state(self, state):
        pass


ONES = {name: Part(np.zeros((4, 1)), np.ones(4, np.int64), np.arange(4)) for name in ("train", "val")}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "fake.npz"


def settings(epochs=6, patience=None, min_delta=0.0, **others):
    return Train(
        epochs=epochs,
        batch_size=6,
        optimizer=Optimizer(learning_rate=0.5),
        early_stopping=EarlyStopping(patience=patience, min_delta=min_delta),
        **others,
    )


def run(backend, path, train, parts=PARTS, on_epoch=lambda epoch, metrics: None, fingerprint="this"):
    return fit(backend, parts, train, path, fingerprint, on_epoch)


def scripted(val_losses, path, **options):
    backend = Scripted(val_losses)
    return run(backend, path, settings(len(val_losses), **options), ONES), backend


def test_every_epoch_is_reported_once_with_its_metrics(path):
    told = []
    backend = Logistic()
    history = run(backend, path, settings(), on_epoch=lambda epoch, metrics: told.append((epoch, metrics)))
    assert told == list(enumerate(history.epochs))
    assert len(history.epochs) == len(history.seconds) == 6
    names = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
    assert all(tuple(metrics) == names for metrics in history.epochs)
    assert all(seconds > 0 for seconds in history.seconds)


def test_metrics_are_those_of_the_backend_and_of_the_validation_rows(path):
    backend = Logistic()
    history = run(backend, path, settings(epochs=1))
    logits = backend.predict(PARTS["val"].features)
    assert history.epochs[0]["val_loss"] == loss(logits, PARTS["val"].labels)
    assert history.epochs[0]["val_accuracy"] == accuracy(logits, PARTS["val"].labels)


def test_validation_loss_is_the_trained_one(path):
    backend = Logistic()
    train = settings(epochs=1, loss=Loss(name="huber", class_weights=[0.5, 3.0]))
    history = run(backend, path, train)
    val = PARTS["val"]
    assert history.epochs[0]["val_loss"] == loss(backend.predict(val.features), val.labels, train.loss)


def test_every_step_has_its_learning_rate(path):
    backend = Logistic()
    run(backend, path, settings(3, schedule=Schedule(name="exponential", gamma=0.1, warmup=2)))
    assert backend.rates == [pytest.approx(rates) for rates in ([0.25, 0.5, 0.5, 0.5], [0.05] * 4, [0.005] * 4)]


@pytest.mark.parametrize(("accumulate", "steps"), [(1, 4), (2, 2), (3, 2), (9, 1)])
def test_accumulated_batches_make_one_step(accumulate, steps, path):
    backend = Scripted([1.0, 1.0])
    run(backend, path, settings(2, accumulate=accumulate))
    assert backend.rates == [[0.5] * steps] * 2


PLATEAU = Schedule(name="plateau", factor=0.5, patience=1)


def test_plateau_follows_the_validation_losses(path):
    backend = Scripted([3, 2, 2, 2, 2, 2, 1])
    run(backend, path, settings(7, schedule=PLATEAU), ONES)
    assert [rates[0] for rates in backend.rates] == [0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125]


def test_training_metrics_are_those_that_the_backend_saw(path):
    metrics = run(Scripted([0.25], [0.75]), path, settings(epochs=1), ONES).epochs[0]
    assert (metrics["train_loss"], metrics["train_accuracy"]) == (0.75, 0.5)
    assert (metrics["val_loss"], metrics["val_accuracy"]) == (pytest.approx(0.25, abs=1e-12), 1.0)


def test_every_epoch_has_an_order_of_its_own(path):
    backend = Logistic()
    run(backend, path, settings())
    assert [sorted(order) for order in backend.orders] == [list(range(ROWS))] * 6
    assert len({tuple(order) for order in backend.orders}) == 6


@pytest.mark.parametrize(
    ("val_losses", "patience", "min_delta", "epochs_run", "best_epoch"),
    [
        ([3, 2, 1, 2, 3, 4], None, 0.0, 6, 2),
        ([3, 2, 1, 2, 3, 4], 2, 0.0, 5, 2),
        ([3, 2, 2.5, 1], 1, 0.0, 3, 1),
        ([3, 2, 2.5, 1], 2, 0.0, 4, 3),
        ([4, 3, 2, 1], 1, 0.0, 4, 3),
        ([1, 2, 3], 1, 0.0, 2, 0),
        ([1, 1, 1], 1, 0.0, 2, 0),
        ([3, 2.75, 2.5, 2.25], 3, 0.6, 4, 3),
        ([3, 2.75, 2.5, 2.25], 2, 0.6, 3, 0),
        ([3, 2.75, 2.5, 2.25], 2, 0.2, 4, 3),
    ],
)
def test_training_stops_when_the_loss_has_not_fallen_for_long_enough(
    val_losses, patience, min_delta, epochs_run, best_epoch, path
):
    history, _ = scripted(val_losses, path, patience=patience, min_delta=min_delta)
    assert (len(history.epochs), history.best_epoch) == (epochs_run, best_epoch)
    assert history.best_loss == pytest.approx(val_losses[best_epoch])


@pytest.mark.parametrize(("restore", "trained_epochs"), [(True, 2), (False, 4)])
def test_backend_ends_with_its_best_or_its_last_weights(restore, trained_epochs, path):
    _, backend = scripted([3, 1, 2, 4], path, restore_best_weights=restore)
    assert backend.epochs == trained_epochs


@pytest.mark.parametrize(("every", "kept"), [(1, [1, 2, 3, 4, 5, 6]), (2, [0, 2, 2, 4, 4, 6]), (4, [0, 0, 0, 4, 4, 6])])
def test_checkpoint_is_written_at_its_epochs(every, kept, path):
    found = []

    def look(epoch, metrics):
        checkpoint = Checkpoint.load(path, "this")
        found.append(len(checkpoint.history["epochs"]) if checkpoint else 0)

    run(Logistic(), path, settings(checkpoint_every=every), on_epoch=look)
    assert found == kept


def interrupted_at(epoch):
    def on_epoch(number, metrics):
        if number == epoch:
            raise KeyboardInterrupt

    return on_epoch


@pytest.mark.parametrize("every", [1, 2, 3])
@pytest.mark.parametrize("epoch", [0, 2, 5])
@pytest.mark.parametrize("restore", [True, False])
@pytest.mark.parametrize("schedule", [Schedule(), PLATEAU, Schedule(name="one_cycle")], ids=lambda rule: rule.name)
def test_interrupted_training_ends_as_if_it_had_never_stopped(every, epoch, restore, schedule, path, tmp_path):
    train = settings(checkpoint_every=every, restore_best_weights=restore, schedule=schedule)
    whole = Logistic()
    expected = run(whole, tmp_path / "whole.npz", train)
    with pytest.raises(KeyboardInterrupt):
        run(Logistic(), path, train, on_epoch=interrupted_at(epoch))
    resumed, told = Logistic(), []
    history = run(resumed, path, train, on_epoch=lambda number, metrics: told.append((number, metrics)))
    assert (history.epochs, history.best_epoch) == (expected.epochs, expected.best_epoch)
    assert told == list(enumerate(expected.epochs))
    assert len(history.seconds) == 6
    assert resumed.rates == whole.rates[6 - len(resumed.rates) :]
    assert resumed.kernel.tolist() == whole.kernel.tolist()


def test_resumed_training_takes_only_the_epochs_that_are_missing(path):
    train = settings()
    with pytest.raises(KeyboardInterrupt):
        run(Logistic(), path, train, on_epoch=interrupted_at(3))
    resumed = Logistic()
    run(resumed, path, train)
    assert len(resumed.orders) == 2


def test_best_weights_from_before_the_interruption_are_restored(path):
    losses = [3, 1, 2, 4]
    with pytest.raises(KeyboardInterrupt):
        run(Scripted(losses), path, settings(4), ONES, interrupted_at(2))
    resumed = Scripted(losses)
    assert run(resumed, path, settings(4), ONES).best_epoch == 1
    assert resumed.epochs == 2


def test_patience_counts_on_across_an_interruption(path):
    losses = [1, 2, 3, 4, 5]
    with pytest.raises(KeyboardInterrupt):
        run(Scripted(losses), path, settings(5, patience=2), ONES, interrupted_at(1))
    assert len(run(Scripted(losses), path, settings(5, patience=2), ONES).epochs) == 3


def test_checkpoint_of_another_training_is_not_gone_on_from(path):
    run(Logistic(), path, settings(), fingerprint="another")
    backend = Logistic()
    run(backend, path, settings())
    assert len(backend.orders) == 6


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_loss_that_is_no_number_stops_the_training(value, path, error_of):
    backend = Scripted([1.0, 1.0, 1.0], [1.0, value, 1.0])
    assert error_of(run, backend, path, settings(3), ONES) == (
        f"train_loss is {value} in epoch 2; try a smaller train.optimizer.learning_rate"
    )
    assert len(Checkpoint.load(path, "this").history["epochs"]) == 1


def test_validation_loss_that_is_no_number_stops_the_training_too(path, error_of):
    assert error_of(run, Scripted([1.0, float("nan")]), path, settings(2), ONES) == (
        "val_loss is nan in epoch 2; try a smaller train.optimizer.learning_rate"
    )
    assert len(Checkpoint.load(path, "this").history["epochs"]) == 1


class Measured(Logistic):
    """Has a norm that follows from its weights and the batch, and whose measurement changes weights and state."""

    def gradients(self, features, labels):
        self.kernel, self.step = self.kernel + 1, self.step + 1
        slope = float(np.abs(features).sum())
        return 0.0, {"dense_0/bias": np.full(2, 9.0), "dense_0/kernel": np.array([[3.0], [4.0]]) * slope}


def test_gradient_norm_of_the_first_batch_is_logged_and_changes_nothing(path, tmp_path):
    plain, measured = Logistic(), Measured()
    expected = run(plain, tmp_path / "plain.npz", settings())
    history = run(measured, path, settings(log_gradients=True))
    for epoch, (metrics, wanted) in enumerate(zip(history.epochs, expected.epochs, strict=True)):
        batch = PARTS["train"].features[measured.orders[epoch][:6]]
        assert metrics == {**wanted, "first_layer_gradient_norm": pytest.approx(5 * np.abs(batch).sum())}
    assert measured.kernel.tolist() == plain.kernel.tolist()


def test_training_takes_its_rows_in_blocks(path, tmp_path):
    whole, blocks = Logistic(), Logistic()
    run(whole, tmp_path / "whole.npz", settings())
    run(blocks, path, settings(block_bytes=1))
    assert blocks.kernel.tolist() == whole.kernel.tolist()
    assert (len(whole.orders), len(blocks.orders)) == (6, 24)


def test_seconds_to_the_best_epoch_are_those_of_the_epochs_up_to_it():
    history = History(epochs=[{}] * 4, seconds=[4.0, 2.0, 1.0, 8.0], best_epoch=2)
    assert history.seconds_to_best == 7.0


def test_speed_is_that_of_the_epochs_after_the_first_which_has_graphs_to_build():
    assert History(seconds=[9.0, 1.0, 3.0]).epochs_per_second == 0.5
    assert History(seconds=[4.0]).epochs_per_second == 0.25


def test_seconds_are_those_of_the_steps_without_validation(path, monkeypatch):
    class Timed(Scripted):
        def train_epoch(self, batches, rates):
            clock.now += 3.0
            return super().train_epoch(batches, rates)

        def predict(self, features):
            clock.now += 100.0
            return super().predict(features)

    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("twintrain.training.loop.time.perf_counter", lambda: clock.now)
    history = run(Timed([1.0, 0.9]), path, settings(2), ONES)
    assert history.seconds == [3.0, 3.0]


def test_peak_of_memory_is_the_largest_of_all_epochs_and_of_those_before_an_interrupt(path, monkeypatch):
    peaks = iter([300.0, 200.0, 250.0, 100.0])
    monkeypatch.setattr("twintrain.training.loop.peak_memory_mib", lambda: next(peaks))
    assert run(Logistic(), path, settings(epochs=2)).peak_memory_mib == 300.0
    assert run(Logistic(), path, settings(epochs=4)).peak_memory_mib == 300.0


@pytest.mark.parametrize(
    ("every", "patience", "kept"),
    [(1, None, 6), (4, None, 6), (6, None, 6), (4, 1, 3), (7, None, None)],
)
def test_last_epoch_is_checkpointed_unless_none_is(every, patience, kept, path):
    losses = [0.9, 0.8, 0.9, 0.9, 0.9, 0.9] if patience else [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    run(Scripted(losses), path, settings(patience=patience, checkpoint_every=every), ONES)
    found = Checkpoint.load(path, "this")
    assert (found and len(found.history["epochs"])) == kept


class Averaged(Scripted):
    """Whose averages are its weight times −1."""

    @contextlib.contextmanager
    def averaged(self):
        before = self.epochs
        self.epochs = -self.epochs
        yield
        self.epochs = before

    def predict(self, features):
        assert self.epochs < 0, "the averages are validated"
        return np.full((len(features), 1), -np.log(np.expm1(self.val_losses[-self.epochs - 1])))


@pytest.mark.parametrize(("restore", "kept"), [(True, -2), (False, -3)])
def test_averages_are_validated_and_kept_and_the_weights_go_on(path, restore, kept):
    backend = Averaged([0.5, 0.2, 0.3])
    fit(backend, ONES, settings(3, restore_best_weights=restore), path, "averages", lambda *_: None)
    assert backend.epochs == kept
    assert Checkpoint.load(path, "averages").weights["epochs"] == 3
