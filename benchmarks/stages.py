"""CPU seconds of each process of the default experiment, run by DVC from nothing, beside bare imports.

python benchmarks/stages.py    in a clean checkout; clones it into a temporary folder

CPU seconds, not wall time, and a single thread: threads that wait for each other use a processor, the longer the more
other work the machine has.
"""

import os
import re
import resource
import subprocess
import sys
import tempfile
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


def cpu_seconds(*arguments: str, folder: Path, environment: dict[str, str]) -> float:
    """What a Python process and all that it waits for use of the processors."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    """Prints a line a process, in the order in which they end, the whole, and the bare imports."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    settings = {"DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "OMP_NUM_THREADS": "1"}
    plain = {**os.environ, **settings, "PATH": path}
    with tempfile.TemporaryDirectory(prefix="twintrain-stages-") as name:
        clone, notes = Path(name) / "clone", Path(name) / "notes.tsv"
        (Path(name) / "sitecustomize.py").write_text(NOTE.format(path=str(notes)))
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        cpu_seconds("-m", "dvc", "pull", "--quiet", "data.dvc", folder=clone, environment=plain)
        noting = {**plain, "PYTHONPATH": name}
        total = cpu_seconds("-m", "dvc", "repro", folder=clone, environment=noting)
        for line in notes.read_text().splitlines():
            seconds, command = line.split("\t")
            if known := re.match(r"-m (?:pipelines\.)?(\w+)(?: ([\w-]+))?", command):
                print(f"{float(seconds):6.1f}  {' '.join(filter(None, known.groups()))}")
        print(f"{total:6.1f}  in all")
        for module in IMPORTS:
            print(f"{cpu_seconds('-c', f'import {module}', folder=clone, environment=plain):6.1f}  import {module}")


if __name__ == "__main__":
    main()
