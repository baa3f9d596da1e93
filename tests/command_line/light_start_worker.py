"""Prints, of each command as it is typed, its exit status and the heavy packages that it has imported by then.

python light_start_worker.py < COMMANDS    a JSON list of [command, argument, …]; in a project
"""

import importlib
import json
import os
import runpy
import sys
from pathlib import Path

HEAVY = {
    *("pandas", "pyarrow", "mlflow", "sklearn", "scipy.stats", "skops", "matplotlib", "plotly", "PIL", "optuna"),
    *("torch", "tensorflow", "keras", "jax", "gradio", "requests"),
}
# What most commands import, here once for all; it must be light too.
COMMON = ("command_line.dvc_command", "command_line.experiment", "registry.outcomes", "sweeping.study")


def run_in_a_copy(command, *arguments):
    """Runs a command in a copy of this process, and returns what came of it."""
    reading, writing = os.pipe()
    if not (pid := os.fork()):
        run(command, arguments, writing)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        heavy = pipe.read().split()
    return {"typed": [command, *arguments], "status": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), "heavy": heavy}


def run(command, arguments, writing):
    """Runs a command to the end of this process, and writes into a pipe what it has imported."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    end = os._exit

    def tell(status):
        os.write(writing, " ".join(sorted(HEAVY & sys.modules.keys())).encode())
        end(status)

    os._exit = tell
    # As Python has them while it looks for the module.
    sys.argv, sys.orig_argv = ["-m", *arguments], ["python", "-m", f"pipelines.{command}", *arguments]
    try:
        import pipelines

        sys.argv[0] = str(Path(pipelines.__file__).with_name(f"{command}.py"))
        runpy.run_module(f"pipelines.{command}", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        tell(1 if isinstance(ended.code, str) else ended.code or 0)
    tell(99)


if __name__ == "__main__":
    sys.path[:0] = [".", "src"]
    for module in COMMON:
        importlib.import_module(f"twintrain.{module}")
    print(json.dumps([run_in_a_copy(*typed) for typed in json.load(sys.stdin)]))
