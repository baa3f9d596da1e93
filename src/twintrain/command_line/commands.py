"""How a command of pipelines/ starts and ends."""

import argparse
import atexit
import contextlib
import gc
import io
import os
import select
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from twintrain.command_line import locks
from twintrain.command_line.fixed_params import unchanged_params
from twintrain.command_line.stage_arguments import check_no_arguments, framework_of
from twintrain.errors import UserError, closest
from twintrain.settings.params import Params
from twintrain.system.failures import FULL, failure_line, is_nearly_full
from twintrain.system.watched import SECONDS_TO_END, STAGE, watch_owners
from twintrain.tracking import hangs
from twintrain.tracking.store_address import check_given_address

ANY_PARAMETER = "--PARAMETER VALUE: any parameter of params.yaml, by its dotted name"
# Where the project is that this code is of; a command works in the folder that it is typed in.
ROOT = Path(__file__).resolve().parents[3]
FIRST_STAGE = "ingest"
READER_GONE = 141  # as a shell has it for SIGPIPE


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, as those of the commands are."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; {self.prog} --help says what it takes")

    def parse_args(self, arguments: Sequence[str] | None = None, namespace: Any = None) -> Any:
        """Parses all arguments."""
        found, rest = self.parse_known_args(arguments, namespace)
        if rest:
            self.error(f"unexpected argument '{rest[0]}'")
        return found

    def parse_known_args(self, arguments: Sequence[str] | None = None, namespace: Any = None) -> Any:
        """Parses what is known; what is left is parameters, but for misspelt options."""
        names = [name for action in self._actions for name in action.option_strings]
        for argument in sys.argv[1:] if arguments is None else arguments:
            name = argument.partition("=")[0]
            is_parameter = name.removeprefix("--").partition(".")[0] in Params.model_fields
            is_option = name.startswith("--") and not is_parameter
            if is_option and name not in names and (meant := closest(name, names)):
                self.error(f"unknown option '{name}'; did you mean '{meant}'?")
        return super().parse_known_args(arguments, namespace)


def command_parser(command: str, description: str, epilog: str | None = None) -> Parser:
    """The parser of a command of pipelines/, which its docstring describes."""
    return Parser(
        prog=f"python -m pipelines.{command}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=epilog,
        allow_abbrev=False,
    )


def run_command(main: Callable[[], int | None]) -> NoReturn:
    """Runs a command to its exit status: what the user can mend is one line on stderr and status 1."""
    # Importing MLflow and a framework makes millions of objects that all stay, and searching them for garbage again
    # and again takes a quarter of a short stage. `train` turns the collector on while it trains.
    gc.disable()
    _mend_streams()
    watch_owners()
    told = _hear_interrupts()
    try:
        check_folder()
        check_given_address()
        status = _status_of(main)
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = _interrupted()
    except Exception as error:  # the last resort: whatever nobody foresaw is one line too
        # A library that is interrupted may make an error of its own of that.
        status = _interrupted() if told else _failed(error)
    _end(status)


def _end(status: int | None) -> NoReturn:
    """Ends as Python does, but for taking apart what was imported: of MLflow and a framework that takes seconds."""
    if not (_is_main() or hangs()):
        sys.exit(status)
    try:
        if not hangs():  # Python would wait for a store that never answers
            threading._shutdown()
            atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status or 0)


def _is_main() -> bool:
    """Whether this process is a command or a worker of ours (`python -m`), and no other program that calls one."""
    spec = sys.modules["__main__"].__spec__
    return spec is not None and spec.name.partition(".")[0] in ("pipelines", "twintrain")


def _mend_streams() -> None:
    """Has standard streams that are closed go nowhere, and letters that the terminal lacks be question marks."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    while nowhere <= 2:  # a file that is opened later would get the number, and what is printed
        os.set_inheritable(nowhere, True)
        nowhere = os.open(os.devnull, os.O_RDWR)
    os.close(nowhere)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 (open to the end)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")


def _status_of(main: Callable[[], int | None]) -> int | None:
    try:
        return main()
    except SystemExit as ended:  # argparse's, after --help
        return ended.code


def check_folder() -> None:
    """Raises a UserError where a command of pipelines/ is not typed in the folder of the project."""
    here = Path.cwd()
    is_typed = Path(sys.argv[0]).parent.name == "pipelines"  # and no worker that a command has started
    if is_typed and not Path("conf").is_dir() and here != ROOT:
        typed = shlex.join(["python", "-m", f"pipelines.{_command()}", *sys.argv[1:]])
        raise UserError(f"{here} is not the project's folder; type", f"cd {shlex.quote(str(ROOT))} && {typed}")


def _command() -> str:
    return Path(sys.argv[0]).stem


def _failed(error: Exception) -> int:
    """Says why a command has failed, and returns its exit status."""
    if isinstance(error, BrokenPipeError) and not _has_reader():
        return READER_GONE
    told = _unwritten(error) or error  # before the line, which comes last
    with contextlib.suppress(OSError):
        print(f"error: {failure_line(told, _command())}", file=sys.stderr, flush=True)
    return 1


def _unwritten(error: Exception) -> UserError | None:
    """What is said where an error is that standard output takes nothing; whatever the error, the rest is written."""
    may_be = isinstance(error, OSError) and error.filename is None and error.errno in FULL
    try:
        sys.stdout.flush()
        if may_be and not is_nearly_full():  # without a buffer there is no rest that would fail again
            print(flush=True)
    except OSError as failed:
        _print_nowhere()  # nor could it be written at the end
        if may_be:
            return UserError(f"standard output cannot be written: {failed.strerror}; expected one with room")
    return None


def _print_nowhere() -> None:
    """Has what the command prints from now on, or could not so far, go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _has_reader() -> bool:
    """Whether somebody reads what the command prints; where nobody does, as after `| head`, it goes nowhere."""
    with contextlib.suppress(OSError, ValueError):  # no file, as in a test
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        if any(event & select.POLLERR for _, event in poll.poll(0)):
            _print_nowhere()
            return False
    return True


def _hear_interrupts() -> list[int]:
    """Has a command that is told to end, or whose terminal is closed, be interrupted, as by Ctrl-C.

    It then closes its MLflow run, and ends the processes that it has started.

    Returns:
        the signals that have come so far.
    """
    told: list[int] = []

    def interrupt(sign: int, _: Any) -> NoReturn:
        told.append(sign)
        if sign != signal.SIGINT:
            # An interrupt may hit a thread that has just taken a lock and then never gives it back; MLflow's monitor
            # would wait for that lock, and the end of the run for the monitor. The kernel's alarm waits for nobody.
            signal.alarm(SECONDS_TO_END)
            # Once is enough; again, it would interrupt the closing of the run.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    for sign in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(sign) != signal.SIG_IGN:  # by nohup, or a script's `&`
            signal.signal(sign, interrupt)
    return told


def _interrupted() -> int:
    print("interrupted", file=sys.stderr)
    return 130


def run_stage(stage: Callable[[], None]) -> NoReturn:
    """Runs a stage that takes no arguments."""

    def checked() -> None:
        check_no_arguments(stage.__name__, sys.argv[1:])
        _run_alone(stage)

    run_command(checked)


def run_framework_stage(stage: Callable[[str], None]) -> NoReturn:
    """Runs a stage for the one framework that its argument names."""

    def checked() -> None:
        framework = framework_of(stage.__name__, sys.argv[1:])
        _run_alone(lambda: stage(framework))

    run_command(checked)


def _run_alone(stage: Callable[[], None]) -> None:
    """Runs a stage with the parameters that it was started for; without DVC, which has locks, under ours."""
    with contextlib.nullcontext() if STAGE in os.environ else locks.experiment(), unchanged_params():
        if stage.__name__ == FIRST_STAGE:  # `dvc repro` in a fresh clone: our commands have got the data before
            from twintrain.command_line.dvc_command import get_missing_data  # which calls DVC as a command

            get_missing_data()
        stage()
