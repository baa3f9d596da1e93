"""What is said of failures that nobody meant: one line each, and a log of what is a fault of the program."""

import errno
import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from twintrain.command_line.heard import Heard
from twintrain.errors import UserError
from twintrain.system import failures
from twintrain.system.failures import LONGEST, ROOM, failure_line, one_line
from twintrain.system.processes import worker_environment

DISK = "the disk at "
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def line(error):
    return failure_line(error, "train")


def wrapped(error, inner):
    """An error as SQLAlchemy and MLflow raise it of another one."""
    error.orig = inner
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UserError("expected 2, got 3"), "expected 2, got 3"),
        (OSError(errno.EROFS, "Read-only file system", "a/b"), "a/b: its disk can only be read; expected a folder"),
        (PermissionError(errno.EACCES, "Permission denied", "a"), "a: Permission denied; expected a file that you may"),
        (
            OSError(errno.EMFILE, "Too many open files", "a"),
            "a: too many files are open at once; allow more: ulimit -n",
        ),
        (OSError("the server does not answer"), "the server does not answer"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "a"), "a: Is a directory"),
        (MemoryError(), "the memory is full; expected less at once"),
        (MemoryError("Unable to allocate 7 TiB"), "the memory is full (Unable to allocate 7 TiB); expected less"),
        (RuntimeError("CUDA out of memory. Tried to"), "the memory is full (CUDA out of memory. Tried to); expected"),
        (sqlite3.OperationalError("database is locked"), "the database is in use by another command"),
        (sqlite3.DatabaseError("file is not a database"), "a database is damaged (file is not a database): mlflow.db"),
        (sqlite3.OperationalError("unable to open database file"), "a database cannot be written"),
        (wrapped(RuntimeError("x"), sqlite3.OperationalError("database is locked")), "the database is in use"),
    ],
)
def test_what_has_a_known_cause_says_how_to_mend_it_and_leaves_no_log(error, said):
    assert line(error).startswith(said)
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded", "build/x"),
        OSError("94324 requested and 0 written"),  # NumPy's tofile
        RuntimeError("PytorchStreamWriter failed writing file data/0"),
        sqlite3.OperationalError("database or disk is full"),
        wrapped(ValueError("(sqlite3.OperationalError)"), sqlite3.OperationalError("database or disk is full")),
    ],
)
def test_a_full_disk_is_named_whoever_notices_it(error):
    assert line(error).startswith(DISK)
    assert line(error).endswith(f"MiB are free): {ROOM}")


def test_of_several_disks_the_fullest_is_named(monkeypatch):
    full = Path("build").absolute()
    full.mkdir()
    monkeypatch.setattr(failures, "_mount_of", lambda path: full if path.name == "build" else Path("/"))
    usage = failures.shutil.disk_usage("/")
    sizes = {full: usage._replace(total=2**21, free=2**20)}
    monkeypatch.setattr(failures.shutil, "disk_usage", lambda path: sizes.get(Path(path), usage))
    assert line(OSError(errno.ENOSPC, "")).startswith(f"{DISK}{full} is full (1 of 2 MiB are free)")


def test_a_fault_of_the_program_leaves_its_traceback_in_a_log():
    try:
        {}["run_id"]
    except KeyError as error:
        said = line(error)
    (log,) = Path("build/errors").iterdir()
    assert said == f"unexpected: KeyError: 'run_id'; its traceback is in {log}"
    assert log.name.endswith("-train.log")
    assert '{}["run_id"]' in log.read_text()


@pytest.mark.parametrize("password", ["s3cret", "s3/cret", "s3@cret"])
def test_neither_a_line_nor_a_log_has_a_password(monkeypatch, password):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"https://bob:{password}@example.org/ml/")
    said = line(RuntimeError(f"API request to https://bob:{password}@example.org/ml/api/2.0 failed"))
    (log,) = Path("build/errors").iterdir()
    assert said.startswith("unexpected: RuntimeError: API request to https://…@example.org/ml/api/2.0 failed; ")
    assert not any(part in said + log.read_text() for part in ("s3", "cret"))


def test_of_paths_a_line_hides_nothing():
    path = "sqlite:////home/a@b/mlflow.db and file:///build/train@torch"
    assert line(UserError(path)) == path


def test_a_log_that_cannot_be_written_goes_elsewhere_or_nowhere(monkeypatch, tmp_path):
    Path("build").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "other"))
    assert f"its traceback is in {tmp_path}/other/" in line(KeyError("x"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "build" / "no"))
    assert line(KeyError("x")) == "unexpected: KeyError: 'x'"


def test_a_line_is_one_and_of_bounded_length():
    assert one_line("a\nb\x1b[0m\tc") == "a b\\x1b[0m\\tc"
    long = one_line("what is wrong " + "x" * 10_000 + " how to mend it")
    assert len(long) == LONGEST
    assert long.startswith("what is wrong ")
    assert long.endswith(" how to mend it")


def command(code, **options):
    code = f"from twintrain.command_line.commands import run_command\ndef main():\n    {code}\nrun_command(main)"
    root = Path(__file__).parents[2]
    start = [sys.executable, "-c", code]
    return subprocess.run(start, cwd=root, env=worker_environment(), stderr=subprocess.PIPE, check=False, **options)


def test_a_reader_that_has_gone_is_no_error():
    read, write = os.pipe()
    os.close(read)
    ended = command("print('x' * 100_000)", stdout=write)
    os.close(write)
    assert (ended.returncode, ended.stderr) == (141, b"")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("code", ["print('x')", "print('x' * 100_000)"])
def test_an_output_that_takes_nothing_is_told_from_a_full_disk(monkeypatch, code, unbuffered):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with Path("/dev/full").open("w") as full:
        ended = command(code, stdout=full)
    said = b"error: standard output cannot be written: No space left on device; expected one with room\n"
    assert (ended.returncode, ended.stderr) == (1, said)


def test_a_disk_that_is_full_is_told_from_the_output():
    ended = command("raise OSError(28, 'No space left on device')", stdout=subprocess.PIPE)
    assert ended.returncode == 1
    assert ended.stderr.startswith(b"error: the disk at ")


@pytest.mark.parametrize(
    "code", ["print('x' * 100_000)", "import subprocess; subprocess.run(['echo', 'x'], check=True)"]
)
def test_an_output_that_is_closed_is_no_error(code):
    ended = command(code, preexec_fn=lambda: os.close(1))
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_what_is_printed_does_not_get_into_a_file_that_took_the_number_of_a_closed_output(tmp_path):
    written = tmp_path / "written"
    code = f"import os; file = open({str(written)!r}, 'wb', 0); os.write(1, b'x'); file.write(b'y')"
    command(code, preexec_fn=lambda: os.close(1))
    assert written.read_bytes() == b"y"


def test_letters_that_the_output_lacks_are_question_marks(monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    ended = command("print('R²')", stdout=subprocess.PIPE)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"R?\n", b"")


def test_the_help_of_a_command_goes_to_an_output_of_any_kind(monkeypatch):
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    code = (
        "from twintrain.command_line.commands import command_parser as parser; parser('sync', '…').parse_args(['-h'])"
    )
    with Path("/dev/full").open("w") as full:
        ended = command(code, stdout=full)
    assert ended.stderr.startswith(b"error: standard output cannot be written")
    assert command(code, stdout=subprocess.DEVNULL).returncode == 0


@pytest.mark.skipif(not os.access("/dev/full", os.W_OK), reason="there is no /dev/full here")
def heard(said, monkeypatch):
    monkeypatch.setattr("twintrain.command_line.heard.is_nearly_full", lambda: False)
    code = "import sys; sys.stderr.write(sys.argv[1]); sys.exit(3)"
    process = subprocess.Popen([sys.executable, "-c", code, said], stderr=subprocess.PIPE)
    listening = Heard(process.stderr)
    process.wait()
    return listening.status(process)


def test_what_a_stage_says_is_the_reason_and_is_said_once(monkeypatch, capsys):
    status = heard("warning: w\nerror: no rows\nERROR: failed to reproduce 'split': failed to run\n", monkeypatch)
    assert (status, status.reason) == (3, "no rows")
    assert capsys.readouterr().err == "warning: w\nERROR: failed to reproduce 'split': failed to run\n"


def test_a_full_disk_that_dvc_meets_is_the_reason(monkeypatch):
    assert heard("ERROR: unexpected error - [Errno 28] No space left on device\n", monkeypatch).reason.startswith(DISK)
    assert heard("ERROR: unable to lock\n", monkeypatch).reason == "unable to lock"
    assert heard("", monkeypatch).reason == ""


def run_as_a_file(folder, *start):
    return subprocess.run([sys.executable, *start], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("start", "folder"),
    [(["pipelines/train.py"], "."), (["train.py"], "pipelines"), (["-m", "train"], "pipelines")],
)
def test_a_command_that_is_run_as_a_file_is_run_as_a_module(start, folder):
    ended = run_as_a_file(PROJECT / folder, *start, "trch")
    said = [] if folder == "." else [f"cd {PROJECT} && python -m pipelines.train trch"]
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [*said, "error: unknown framework 'trch'; did you mean 'torch'?"]


def test_a_command_that_is_run_as_a_file_elsewhere_says_what_to_type_where_it_may_name_a_path(tmp_path):
    file = str(PROJECT / "pipelines/predict.py")
    ended = run_as_a_file(tmp_path, file, "--input", "my rows.csv")
    typed = f"cd {PROJECT} && python -m pipelines.predict --input 'my rows.csv'"
    said = f"error: a command is run as a module, in the project's folder; type: {typed}\n"
    assert (ended.returncode, ended.stderr) == (1, said)
    (tmp_path / "torch").touch()
    assert run_as_a_file(tmp_path, str(PROJECT / "pipelines/train.py"), "torch").stderr.startswith("error: a command")


def test_a_command_to_be_pasted_is_never_cut():
    command = f"make predict ARGS='--input {'x' * 2000}'"
    line = failure_line(UserError("y" * 2000, command), "predict")
    assert line.endswith(f": {command}")
    assert len(line) <= LONGEST + len(command)
