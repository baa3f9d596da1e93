"""Seconds and memory of an ingest by one process, by two, and by two tasks of Ray Data.

python benchmarks/ingest.py 1e6    makes a table of 10 columns and that many rows in a folder of its own

The stage as a whole: MLflow and the start of processes too. Seconds of the CPU are those of all its processes; memory
is the peak of what is anonymous (RssAnon) in its largest one. All must list the same shards.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from table_memory import ROOT, describe, write_table

from twintrain.settings.yaml_files import read_yaml, write_yaml

TRIALS = (("local", 1), ("local", 2), ("ray", 2))
LOOK_SECONDS = 0.05


def measure(folder: Path) -> tuple[float, float, float]:
    """Runs the stage; returns its seconds, those of the CPU, and MiB of memory."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
    started = time.perf_counter()
    stage = psutil.Popen(
        [sys.executable, "-m", "pipelines.ingest"], cwd=folder, env=environment, stdout=subprocess.DEVNULL
    )
    processors: dict[int, float] = {}
    peak = 0
    while stage.poll() is None:
        for process in [stage, *stage.children(recursive=True)]:
            try:
                times = process.cpu_times()
                processors[process.pid] = times.user + times.system
                peak = max(peak, anonymous_kib(process.pid))
            except (psutil.Error, OSError):
                continue  # it has ended
        time.sleep(LOOK_SECONDS)
    if stage.returncode:
        sys.exit("the ingest failed")
    return time.perf_counter() - started, sum(processors.values()), peak / 1024


def anonymous_kib(pid: int) -> int:
    """The anonymous memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))


def main() -> None:
    """Prints a line a trial."""
    rows = int(float(sys.argv[1])) if sys.argv[1:] else 10**6
    with tempfile.TemporaryDirectory() as place:
        folder, manifests = Path(place), set()
        for name in ("conf/datasets", "conf/models", "data/large"):
            (folder / name).mkdir(parents=True)
        (folder / "conf/models/table_mlp.yaml").write_bytes((ROOT / "conf/models/table_mlp.yaml").read_bytes())
        write_table(folder / "data/large/large.csv", rows)
        describe(folder, "large")
        params = read_yaml(folder / "params.yaml")
        for engine, workers in TRIALS:
            write_yaml(folder / "params.yaml", {**params, "ingest": {"engine": engine, "workers": workers}})
            seconds, cpu, memory = measure(folder)
            manifests.add((folder / "build/ingested/manifest.json").read_text("utf-8"))
            took = f"{seconds:7.1f} s {cpu:7.1f} s CPU {memory:6,.0f} MiB"
            print(f"{rows:>12,} rows  {engine:<5} {workers} {took}", flush=True)
        if len(manifests) > 1:
            sys.exit("the shards differ")


if __name__ == "__main__":
    main()
