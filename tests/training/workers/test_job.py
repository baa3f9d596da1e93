"""Epochs that the first worker tells reach the one who has started it, once each."""

import time

from twintrain.training.workers.job import EPOCHS, Epochs, tell_epoch


def test_epochs_are_passed_on_once_each_also_after_a_restart(tmp_path):
    heard = []
    with Epochs(tmp_path / EPOCHS, lambda epoch, metrics: heard.append((epoch, metrics["loss"]))).followed():
        tell_epoch(tmp_path, 0, {"loss": 3.0})
        tell_epoch(tmp_path, 1, {"loss": 2.0})
        while len(heard) < 2:  # while the workers train
            time.sleep(0.01)
        with (tmp_path / EPOCHS).open("a") as file:
            file.write('{"epoch": 2, "metr')  # killed
        for epoch, loss in enumerate((3.0, 2.0, 1.0, 0.5)):
            tell_epoch(tmp_path, epoch, {"loss": loss})
    assert heard == [(0, 3.0), (1, 2.0), (2, 1.0), (3, 0.5)]


def test_where_nothing_was_told_nothing_is_heard(tmp_path):
    with Epochs(tmp_path / EPOCHS, lambda *_: 1 / 0).followed():
        pass
