import errno
import signal
import subprocess
import sys

import pytest

from twintrain.command_line.commands import SECONDS_TO_END, run_command
from twintrain.errors import LISTED, UserError, did_you_mean, unknown
from twintrain.system.processes import worker_environment


@pytest.mark.parametrize(
    ("word", "known", "said"),
    [
        ("epoch", ["seed", "epochs"], "; did you mean 'epochs'?"),
        ("zebra", ["xor", "and"], "; known: and, xor"),
        ("zebra", [], "; known: "),
    ],
)
def test_nearest_word_or_what_is_known(word, known, said):
    assert did_you_mean(word, known) == said


def test_known_words_are_listed_up_to_a_readable_length():
    words = ["ab", "cd", "e" * (LISTED - 8)]
    assert did_you_mean("zebra", words) == "; known: " + ", ".join(words)
    assert did_you_mean("zebra", [*words[:2], words[2] + "e"]) == ""
    assert str(unknown("model", "zebra", ["a" * LISTED, "b"], "conf/models")) == (
        "unknown model 'zebra'; conf/models has them all"
    )


def test_known_words_may_come_from_an_iterator_that_runs_once():
    assert did_you_mean("zebra", iter(["b", "a"])) == "; known: a, b"


def test_unknown_names_kind_and_word():
    error = unknown("preset", "cra", ["car", "xor"])
    assert isinstance(error, UserError)
    assert str(error) == "unknown preset 'cra'; did you mean 'car'?"


@pytest.fixture
def _own_signals():
    """A command sets what these signals do; the tests go on as before."""
    before = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    signal.alarm(0)  # which would end the tests, half a minute later
    for sign, handler in before.items():
        signal.signal(sign, handler)


def ended(error_or_status):
    """The exit status of a command that raises an error or returns a status."""

    def main():
        if isinstance(error_or_status, BaseException):
            raise error_or_status
        return error_or_status

    with pytest.raises(SystemExit) as stopped:
        run_command(main)
    return stopped.value.code


@pytest.mark.usefixtures("_own_signals")
@pytest.mark.parametrize(
    ("end", "status", "said"),
    [
        (UserError("expected 2, got 3"), 1, "error: expected 2, got 3\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "build/split/schema.json"),
            1,
            "error: build/split/schema.json: No such file or directory; make it: dvc repro --force split\n",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "results/report.html"),
            1,
            "error: results/report.html: Permission denied; expected a file that you may read and write: "
            "ls -l results/report.html\n",
        ),
        (3, 3, ""),
        (0, 0, ""),
        (None, None, ""),
    ],
)
def test_command_ends_with_a_status_and_at_most_one_line(end, status, said, capsys):
    assert ended(end) == status
    assert capsys.readouterr() == ("", said)


@pytest.mark.usefixtures("_own_signals")
@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGHUP])
def test_command_that_is_told_to_end_is_interrupted(sign, capsys):
    # Until the command has its own say, or a test that fails would end all of them.
    signal.signal(sign, lambda *_: None)
    with pytest.raises(SystemExit) as stopped:
        run_command(lambda: signal.raise_signal(sign))
    assert stopped.value.code == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert 0 < signal.alarm(0) <= SECONDS_TO_END  # should its end hang


@pytest.mark.usefixtures("_own_signals")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_error_that_a_library_makes_of_an_interrupt_is_one(sign, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def interrupted_in_a_library():
        try:
            signal.raise_signal(sign)
        except KeyboardInterrupt:
            raise SystemError("returned a result with an exception set") from None

    signal.signal(sign, lambda *_: None)
    with pytest.raises(SystemExit) as stopped:
        run_command(interrupted_in_a_library)
    signal.alarm(0)
    assert stopped.value.code == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_own_signals")
def test_command_under_nohup_outlives_its_terminal():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with pytest.raises(SystemExit) as stopped:
        run_command(lambda: signal.raise_signal(signal.SIGHUP))
    assert stopped.value.code is None


ENDS = """
import atexit, sys, threading, time
from types import SimpleNamespace
from twintrain.command_line.commands import run_command

class Library:
    def __del__(self): print("taken apart", flush=True)

def main():
    threading.Thread(target=lambda: (time.sleep(0.3), print("thread"))).start()
    atexit.register(print, "at exit")
    return 3

kept = Library()
sys.modules["__main__"].__spec__ = SimpleNamespace(name=sys.argv[1])
run_command(main)
"""


@pytest.mark.parametrize(("module", "taken_apart"), [("pipelines.run", []), ("pytest", ["taken apart"])])
def test_a_command_ends_with_all_but_what_python_takes_apart(module: str, taken_apart: list[str]):
    command = [sys.executable, "-c", ENDS, module]
    ended = subprocess.run(command, env=worker_environment(), capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (3, "")
    assert ended.stdout.splitlines() == ["thread", "at exit", *taken_apart]
