"""One module a stage of dvc.yaml, and the commands around them."""

import importlib.util
import os
import signal
import sys
from pathlib import Path


def _end_at_once(*_: object) -> None:
    """Ends a command that still imports: nothing is open yet, and of an import only a traceback would tell."""
    try:
        os.write(2, b"interrupted\n")
    finally:
        os._exit(130)


if sys.argv[0] == "-m":  # so Python has it while it looks for the module that it is to run; `run_command` takes over
    signal.signal(signal.SIGTERM, _end_at_once)
    for _sign in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(_sign) != signal.SIG_IGN:  # by nohup, or a script's `&`
            signal.signal(_sign, _end_at_once)

if importlib.util.find_spec("mlflow") is None:  # another Python than that of .venv: every command needs it first
    sys.exit(
        f"error: {sys.executable} lacks the packages of requirements.txt; type make and a target (make run), "
        ".venv/bin/python in its place, or: python -m pip install -r requirements.txt"
    )

# Nothing needs installing beyond requirements.txt.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

if sys.argv[0] == "-m":
    from twintrain.command_line.stage_arguments import refuse_early  # the path is known now

    refuse_early(sys.orig_argv[-len(sys.argv)].rpartition(".")[2], sys.argv[1:])
