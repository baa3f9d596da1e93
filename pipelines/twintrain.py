"""Found in place of the library where a command is run as a file, `python pipelines/train.py`: runs it as a module.

Paths on a command line are of the folder that it is typed in, so from another folder a command that may name one says
what to type instead.
"""

import os
import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def may_be_a_path(argument: str) -> bool:
    """Whether an argument may name a file: one of this folder, or one with a dot or a slash. Options name none."""
    option, _, value = argument.rpartition("=")
    if argument.startswith("-") and not option:
        return False
    return "." in value or os.sep in value or os.path.lexists(value)


command, arguments = Path(sys.argv[0]).stem, sys.argv[1:]
module = ["-m", f"pipelines.{command}", *arguments]
typed = f"cd {shlex.quote(str(ROOT))} && {shlex.join(['python', *module])}"
if Path.cwd() != ROOT and any(map(may_be_a_path, arguments)):
    sys.exit(f"error: a command is run as a module, in the project's folder; type: {typed}")
if Path.cwd() != ROOT:
    print(typed, file=sys.stderr, flush=True)
    os.chdir(ROOT)
os.execv(sys.executable, [sys.executable, *module])
