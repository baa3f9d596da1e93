"""What a killed DVC has left half written is mended before the next one starts."""

import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from twintrain.command_line import dvc_files, locks
from twintrain.errors import UserError
from twintrain.settings.yaml_files import read_yaml

ROOT = Path(__file__).parents[2]
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


CONFLICTS = """\
schema: '2.0'
stages:
  one:
    cmd: one
<<<<<<< HEAD
    outs: [{path: a, hash: md5, md5: b}]
=======
    outs: [{path: a, hash: md5, md5: c}]
>>>>>>> theirs
"""


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize("taken_out", ["", "<<<<<<< HEAD\n", "<<<<<<< HEAD\n=======\n"])
def test_merge_conflicts_are_left_to_the_user(is_kept, taken_out, error_of):
    if is_kept:
        dvc_files.mend_dvc_files()
    text = CONFLICTS
    for line in taken_out.splitlines(keepends=True):
        text = text.replace(line, "")
    LOCK.write_text(text)
    mark = {0: "<<<<<<< in line 5", 1: "======= in line 6", 2: ">>>>>>> in line 7"}[taken_out.count("\n")]
    assert error_of(dvc_files.mend_dvc_files) == (
        f"dvc.lock has merge conflicts: expected what DVC has written, got {mark}; "
        "resolve them, or take the last commit's: git checkout HEAD dvc.lock"
    )
    assert LOCK.read_text() == text


def test_way_out_of_merge_conflicts_works():
    def git(*arguments: str, check: bool = True) -> None:
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments], check=check)

    git("init", "-q", "-b", "main")
    for branch, value in (("main", "a"), ("other", "b"), ("main", "c")):
        git("checkout", "-q", *(["main"] if value == "c" else ["-b", branch] if branch == "other" else ["-B", branch]))
        LOCK.write_text(f"schema: '2.0'\nstages:\n  one:\n    cmd: {value}\n")
        git("add", ".")
        git("commit", "-qm", value)
    git("merge", "other", check=False)
    with pytest.raises(UserError, match="has merge conflicts"):
        dvc_files.mend_dvc_files()
    git("checkout", "HEAD", "dvc.lock")
    dvc_files.mend_dvc_files()
    assert read_yaml(LOCK)["stages"]["one"]["cmd"] == "c"


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("cmd: ", "cmd ", 1),
        lambda text: text.replace("    cmd: python -m pipelines.ingest\n", ""),
        lambda text: f"- {text}",
        lambda _: "my notes\n",
    ],
)
def test_a_lock_file_that_was_edited_is_not_replaced(edit, error_of):
    dvc_files.mend_dvc_files()
    edited = edit(LOCK.read_text())
    assert edited != LOCK.read_text()
    LOCK.write_text(edited)
    said = "dvc.lock is damaged: expected what DVC has written, got something else; make it anew: git checkout dvc.lock"
    assert error_of(dvc_files.mend_dvc_files) == said
    assert LOCK.read_text() == edited


def test_zeros_of_a_disk_without_power_are_as_good_as_nothing():
    dvc_files.mend_dvc_files()
    whole = LOCK.read_bytes()
    LOCK.write_bytes(whole[:2000] + bytes(len(whole) - 2000))
    dvc_files.mend_dvc_files()
    assert LOCK.read_bytes() == whole


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
