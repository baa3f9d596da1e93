"""How a command of pipelines/ starts and ends."""

import argparse
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from twintrain import locks
from twintrain.errors import UserError, unknown
from twintrain.fixed_params import unchanged_params
from twintrain.frameworks import TITLES
from twintrain.watched import SECONDS_TO_END, STAGE, watch_owners

ANY_PARAMETER = "--PARAMETER VALUE: any parameter of params.yaml, by its dotted name"


def command_parser(command: str, description: str, epilog: str | None = None) -> argparse.ArgumentParser:
    """The parser of a command of pipelines/, which its docstring describes."""
    return argparse.ArgumentParser(
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
    watch_owners()
    # A command that is told to end, or whose terminal is closed, closes its MLflow run and ends the processes that it
    # has started, as one that is interrupted does.
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # by nohup
        signal.signal(signal.SIGHUP, _interrupt)
    try:
        status = main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        status = 1
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"error: {place}{error.strerror or error}{_mend(error)}", file=sys.stderr)
        status = 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        status = 130
    sys.exit(status)


def _interrupt(*_: Any) -> NoReturn:
    """Interrupts a command that is told to end, and ends it for good where it does not come to that.

    An interrupt may hit a thread that has just taken a lock and then never gives it back; MLflow's monitor would wait
    for that lock, and the end of the run for the monitor. The kernel's alarm waits for nobody.
    """
    signal.alarm(SECONDS_TO_END)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough; again, it would interrupt the closing of the run
    raise KeyboardInterrupt


def run_stage(stage: Callable[[], None]) -> NoReturn:
    """Runs a stage that takes no arguments."""
    if len(sys.argv) > 1:
        _refuse(f"unexpected argument '{sys.argv[1]}'; python -m pipelines.{stage.__name__} takes none")
    run_command(lambda: _run_alone(stage))


def run_framework_stage(stage: Callable[[str], None]) -> NoReturn:
    """Runs a stage for the one framework that its argument names."""
    if len(sys.argv) != 2:
        *others, last = TITLES
        known = f"{', '.join(others)} or {last}"
        _refuse(f"expected one framework, {known}: python -m pipelines.{stage.__name__} {others[0]}")
    framework = sys.argv[1]
    if framework not in TITLES:
        _refuse(str(unknown("framework", framework, TITLES)))
    run_command(lambda: _run_alone(lambda: stage(framework)))


def _run_alone(stage: Callable[[], None]) -> None:
    """Runs a stage with the parameters that it was started for; without DVC, which has locks, under ours."""
    with contextlib.nullcontext() if STAGE in os.environ else locks.experiment(), unchanged_params():
        stage()


def _refuse(reason: str) -> NoReturn:
    print(f"error: {reason}", file=sys.stderr)
    sys.exit(1)


def _mend(error: OSError) -> str:
    missing = isinstance(error, FileNotFoundError) and str(error.filename).startswith("build/")
    return "; an earlier stage makes it: dvc repro" if missing else ""
