"""Workers with other packages or code than the first are refused before they train."""

import json

import pytest

from twintrain.training.workers import likeness
from twintrain.training.workers.worker import Worker


def exchanged(monkeypatch, **others):
    """Has a second worker tell the same as the first, but for these."""
    monkeypatch.setattr(Worker, "exchange", lambda _, text: [text, json.dumps({**json.loads(text), **others})])


def test_alike_workers_go_on(monkeypatch):
    exchanged(monkeypatch)
    likeness.check_likeness(Worker(1, 2), "torch")


@pytest.mark.parametrize(
    ("framework", "other", "said"),
    [
        ("torch", {"torch": "2.0.0"}, "worker 1 has torch 2.0.0, worker 0 "),
        ("keras-jax", {"jax": "0.1"}, "worker 1 has jax 0.1, worker 0 "),
        ("keras", {"code of twintrain": "abc"}, "worker 1 has code of twintrain abc, worker 0 "),
    ],
)
def test_other_packages_and_code_are_named(monkeypatch, error_of, framework, other, said):
    exchanged(monkeypatch, **other)
    line = error_of(likeness.check_likeness, Worker(0, 2), framework)
    assert line.startswith(said)
    assert line.endswith("; expected the same for all workers")


def test_the_digest_is_of_every_module(tmp_path, monkeypatch):
    monkeypatch.setattr(likeness, "PACKAGE", tmp_path)
    (tmp_path / "a").mkdir()
    module = tmp_path / "a/b.py"
    module.write_text("1")
    before = likeness.code_digest()
    module.write_text("2")
    assert likeness.code_digest() != before
