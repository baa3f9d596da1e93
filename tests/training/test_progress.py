import pytest

from twintrain.training.progress import CURVE_POINTS, Progress


class Log:
    """Remembers the steps and metrics that it was given."""

    def __init__(self):
        self.logged = {}

    def log_metrics(self, metrics, step):
        assert step not in self.logged
        self.logged[step] = metrics


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch):
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


def told(epochs, stop=None):
    log = Log()
    with Progress("PyTorch", epochs, log) as progress:
        for epoch in range(stop or epochs):
            progress.update(epoch, {"train_loss": epoch / 2, "val_loss": 0.25})
    return log.logged


def test_every_epoch_of_a_short_training_is_logged_and_printed(capsys):
    assert told(3) == {epoch: {"train_loss": epoch / 2, "val_loss": 0.25} for epoch in range(3)}
    assert capsys.readouterr().out.splitlines() == [
        "PyTorch epoch 1/3 train_loss 0.0000 val_loss 0.2500",
        "PyTorch epoch 2/3 train_loss 0.5000 val_loss 0.2500",
        "PyTorch epoch 3/3 train_loss 1.0000 val_loss 0.2500",
    ]


def test_longer_training_prints_some_lines_and_the_last(capsys):
    assert len(told(100)) == 100
    printed = [line.split()[2] for line in capsys.readouterr().out.splitlines()]
    assert printed == [*(f"{epoch}/100" for epoch in range(1, 100, 10)), "100/100"]


@pytest.mark.parametrize(("epochs", "step"), [(1000, 1), (1001, 2), (10001, 11)])
def test_long_training_logs_evenly_spaced_epochs_and_the_last(epochs, step):
    logged = told(epochs)
    assert list(logged) == sorted({*range(0, epochs, step), epochs - 1})
    assert len(logged) <= CURVE_POINTS


def test_last_epoch_is_logged_and_printed_where_a_long_training_stops_early(capsys):
    assert list(told(2500, stop=200))[-2:] == [198, 199]
    assert capsys.readouterr().out.splitlines()[-1].startswith("PyTorch epoch 200/2500 ")


def test_terminal_shows_a_bar_instead_of_lines(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Progress("Keras", 2, Log()) as progress:
        progress.update(0, {"val_loss": 0.5})
        progress.update(1, {"val_loss": 0.25})
    (task,) = progress.bar.tasks
    assert (task.completed, task.total, task.fields["watched"]) == (2, 2, "val_loss 0.2500")
    assert "Keras epoch 2/2 val_loss 0.2500\n" not in capsys.readouterr().out
