"""What a killed DVC has left half written is mended before the next one starts."""

import os
import random
import shutil
import time
from pathlib import Path

import pytest

from twintrain import dvc_files, locks

ROOT = Path(__file__).parents[1]
LOCK = dvc_files.LOCK


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / LOCK, LOCK)


def cut(share: float) -> bytes:
    """The beginning of the lock file, as a killed DVC leaves it."""
    whole = LOCK.read_bytes()
    LOCK.write_bytes(whole[: int(len(whole) * share)])
    return whole


@pytest.mark.parametrize("share", [0, *(random.Random(0).random() for _ in range(5))])
def test_a_lock_file_cut_short_is_as_before_that_command(share, capsys):
    dvc_files.mend_dvc_files()
    whole = cut(share)
    dvc_files.mend_dvc_files()
    assert LOCK.read_bytes() == whole
    expected = "dvc.lock was half written when the command before ended; it is as it was before that again\n"
    assert capsys.readouterr().out == expected


def test_a_whole_lock_file_is_left_alone_and_kept(capsys):
    dvc_files.mend_dvc_files()
    changed = LOCK.read_bytes().replace(b"md5: ", b"md5: a")
    LOCK.write_bytes(changed)
    dvc_files.mend_dvc_files()
    assert (LOCK.read_bytes(), dvc_files.KEPT.read_bytes(), capsys.readouterr().out) == (changed, changed, "")


def test_a_half_lock_file_of_which_no_whole_one_is_known_is_an_error(error_of):
    cut(0.5)
    said = "dvc.lock is damaged: expected what DVC has written, got a part of it; make it anew: git checkout dvc.lock"
    assert error_of(dvc_files.mend_dvc_files) == said


def test_without_a_lock_file_there_is_nothing_to_mend():
    LOCK.unlink()
    dvc_files.mend_dvc_files()
    assert not LOCK.exists()


def test_an_empty_entry_of_the_run_cache_goes_when_nobody_can_be_writing_it():
    old, new, full = (dvc_files.RUNS / key[:2] / key for key in ("ab1", "cd2", "ef3"))
    for folder in (old, new, full):
        folder.mkdir(parents=True)
    (full / "entry").touch()
    for folder in (old, full):
        os.utime(folder, (time.time() - 60,) * 2)
    dvc_files.mend_dvc_files()
    assert [folder.exists() for folder in (old, new, full)] == [False, True, True]


def test_an_unfinished_copy_in_the_cache_goes_when_nobody_can_be_writing_it():
    old, new, whole = (dvc_files.COPIES / "ab" / name for name in (".x1.tmp", ".x2.tmp", "cdef"))
    old.parent.mkdir(parents=True)
    for path in (old, new, whole):
        path.touch()
    for path in (old, whole):
        os.utime(path, (time.time() - 3600,) * 2)
    dvc_files.mend_dvc_files()
    assert [path.exists() for path in (old, new, whole)] == [False, True, True]


def test_a_command_mends_them_first():
    with locks.experiment():
        whole = cut(0.5)
    with locks.experiment():
        assert LOCK.read_bytes() == whole
