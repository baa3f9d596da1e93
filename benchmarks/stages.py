"""CPU seconds of each process of the default experiment, run from nothing, beside bare imports.

python benchmarks/stages.py                               as `make run` does it
python benchmarks/stages.py -- --verify.enabled false     with something changed
python benchmarks/stages.py --of ../before                of another clean checkout, for a comparison

The checkout is cloned into a temporary folder. CPU seconds, beside wall time, and a single thread: threads that wait
for each other use a processor, the longer the more other work the machine has.
"""

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
IMPORTS = ("mlflow", "torch", "tensorflow")
# Found by each Python that is started below: notes at its end what it has used, and those that it has waited for.
NOTE = """
import atexit, os, sys

@atexit.register
def _note():
    times = os.times()
    with open({path!r}, "a") as file:
        file.write(f"{{times.user + times.system:.2f}}\\t{{' '.join(sys.orig_argv[1:])}}\\n")
"""
# What names a process among its arguments: a stage with its framework, a module, or the file of a server.
KNOWN = re.compile(r"-m (pipelines\.\w+|twintrain[\w.]+|dvc)( (?:repro|torch|keras)\b)?|(\w+\.py)\b")
WATCHED = "watched.py "  # before the command of a process that is to end with the one that starts it


def cpu_seconds(*arguments: str, folder: Path, environment: dict[str, str]) -> float:
    """What a Python process and all that it waits for use of the processors."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def name_of(command: str) -> str:
    """A process as the table names it."""
    found = KNOWN.search(command.rpartition(WATCHED)[2])
    return "".join(filter(None, found.groups())).removeprefix("pipelines.") if found else command[:60]


def main() -> None:
    """Prints a line a process, in the order in which they end, the whole, and the bare imports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--of", type=Path, default=ROOT, metavar="FOLDER")
    parser.add_argument("arguments", nargs="*", help="of the run, after --")
    given = parser.parse_args()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    settings = {"DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "OMP_NUM_THREADS": "1"}
    plain = {**os.environ, **settings, "PATH": path}
    with tempfile.TemporaryDirectory(prefix="twintrain-stages-") as name:
        clone, notes = Path(name) / "clone", Path(name) / "notes.tsv"
        (Path(name) / "sitecustomize.py").write_text(NOTE.format(path=str(notes)))
        subprocess.run(["git", "clone", "--quiet", str(given.of), str(clone)], check=True)
        cpu_seconds("-m", "dvc", "pull", "--quiet", "data.dvc", folder=clone, environment=plain)
        noting, began = {**plain, "PYTHONPATH": name}, time.monotonic()
        total = cpu_seconds("-m", "pipelines.run", *given.arguments, folder=clone, environment=noting)
        seconds = time.monotonic() - began
        for line in notes.read_text().splitlines():
            used, command = line.split("\t")
            print(f"{float(used):6.1f}  {name_of(command)}")
        print(f"{total:6.1f}  in all, {seconds:.1f} s by the clock")
        for module in IMPORTS:
            print(f"{cpu_seconds('-c', f'import {module}', folder=clone, environment=plain):6.1f}  import {module}")


if __name__ == "__main__":
    main()
