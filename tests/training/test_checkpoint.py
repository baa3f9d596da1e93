import io
import json
import os
from pathlib import Path

import numpy as np
import pytest

from twintrain.training.checkpoint import Checkpoint

HISTORY = {"epochs": [{"val_loss": 0.5}, {"val_loss": float("inf")}], "seconds": [0.1, 0.2], "best_epoch": 0}


def checkpoint(value=1.0, fingerprint="this training"):
    return Checkpoint(
        fingerprint=fingerprint,
        weights={"dense_0/kernel": np.full((2, 3), value), "dense_0/bias": np.zeros(3, np.float32)},
        state={"0/step": np.array(7.0), "random": np.arange(5, dtype=np.uint8)},
        best_weights={"dense_0/kernel": np.full((2, 3), -value)},
        history=HISTORY,
    )


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "checkpoints/torch.npz"


def test_what_was_saved_is_loaded_bit_by_bit(path):
    saved = checkpoint(1 / 3)
    saved.save(path)
    loaded = Checkpoint.load(path, "this training")
    assert (loaded.fingerprint, loaded.history) == ("this training", HISTORY)
    for group in ("weights", "state", "best_weights"):
        before, after = getattr(saved, group), getattr(loaded, group)
        assert before.keys() == after.keys()
        assert all(before[name].dtype == after[name].dtype for name in before)
        assert all(np.array_equal(before[name], after[name]) for name in before)


def test_newer_checkpoint_takes_the_place_of_the_older_and_leaves_nothing_else(path):
    checkpoint(1).save(path)
    checkpoint(2).save(path)
    assert Checkpoint.load(path, "this training").weights["dense_0/kernel"][0, 0] == 2
    assert [file.name for file in path.parent.iterdir()] == ["torch.npz"]


def break_writing(monkeypatch):
    def save_half(file, **arrays):
        file.write(b"PK")
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", save_half)


def break_syncing(monkeypatch):
    def fail(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", fail)


@pytest.mark.parametrize("crash", [break_writing, break_syncing])
def test_crash_while_writing_leaves_the_old_one(crash, path, monkeypatch):
    checkpoint(1).save(path)
    with monkeypatch.context() as patched:
        crash(patched)
        with pytest.raises((OSError, KeyboardInterrupt)):
            checkpoint(2).save(path)
    assert Checkpoint.load(path, "this training").weights["dense_0/kernel"][0, 0] == 1
    checkpoint(3).save(path)
    assert Checkpoint.load(path, "this training").weights["dense_0/kernel"][0, 0] == 3


def test_absent_checkpoint_is_none(path):
    assert Checkpoint.load(path, "this training") is None


def test_checkpoint_of_another_training_is_ignored(path):
    checkpoint(fingerprint="another training").save(path)
    assert Checkpoint.load(path, "this training") is None


def written(tmp_path):
    checkpoint().save(tmp_path / "whole.npz")
    return (tmp_path / "whole.npz").read_bytes()


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 0.999])
def test_truncated_file_is_ignored(share, path, tmp_path):
    whole = written(tmp_path)
    path.parent.mkdir()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert Checkpoint.load(path, "this training") is None


def test_altered_array_is_ignored(path, tmp_path):
    whole = bytearray(written(tmp_path))
    place = whole.index(np.full((2, 3), 1.0).tobytes())
    whole[place] ^= 0xFF
    path.parent.mkdir()
    path.write_bytes(whole)
    assert Checkpoint.load(path, "this training") is None


def test_altered_list_of_contents_is_ignored(path, tmp_path):
    whole = bytearray(written(tmp_path))
    whole[whole.index(b"PK\x01\x02") + 10] ^= 0xFF  # the compression method of the first array
    path.parent.mkdir()
    path.write_bytes(whole)
    assert Checkpoint.load(path, "this training") is None


DESCRIPTION = np.array(json.dumps({"fingerprint": "this training", "history": HISTORY}))


@pytest.mark.parametrize(
    "content",
    [
        b"hello",
        b"\x80\x04.",
        npz(weights=np.ones(3)),
        npz(description=np.array("not JSON")),
        npz(description=np.array("{}")),
        npz(description=DESCRIPTION, **{"another:a": np.ones(3)}),
    ],
    ids=["text", "pickle", "other arrays", "no JSON", "other JSON", "another group"],
)
def test_foreign_file_is_ignored_and_said(content, path, capsys):
    path.parent.mkdir()
    path.write_bytes(content)
    assert Checkpoint.load(path, "this training") is None
    said = capsys.readouterr().err
    assert said.startswith(f"note: {path} is damaged (")
    assert said.endswith("), so the training begins anew\n")
    checkpoint(1).save(path)
    assert Checkpoint.load(path, "this training") is not None


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_makes_room_for_the_next_checkpoint(make, path, capsys):
    path.parent.mkdir()
    make(path)
    assert Checkpoint.load(path, "this training") is None
    assert "so the training begins anew" in capsys.readouterr().err
    checkpoint(1).save(path)
    assert Checkpoint.load(path, "this training") is not None


def test_nothing_is_unpickled(path):
    path.parent.mkdir()
    path.write_bytes(npz(description=DESCRIPTION, **{"weights:a": np.array([{"an": "object"}], dtype=object)}))
    assert Checkpoint.load(path, "this training") is None
