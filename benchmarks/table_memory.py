"""Seconds and memory of the stages of an experiment on a table, for a number of rows.

python benchmarks/table_memory.py 1e6 1e7    makes tables of 20 columns and that many rows in a folder of its own

Memory is the peak of what is anonymous (RssAnon), of a stage or of a process that it starts, whichever has more: not
of files that are mapped, whose pages the system takes back. Training is one epoch, in blocks of BLOCK_BYTES.
"""

import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src")]

from twintrain.data.files import sha256_of
from twintrain.settings.yaml_files import read_yaml, write_yaml

STAGES = (
    *("ingest", "preprocess", "split", "baseline", "train torch", "train keras"),
    *("evaluate torch", "evaluate keras", "parity", "cost", "compare"),
)
BLOCK_BYTES = 2**26
NUMBERS = 16
CHUNK = 500_000
CITIES = ["Busan", "Daegu", "Daejeon", "Incheon", "Seoul"]
FEATURES = {
    **{f"x{index}": "numeric" for index in range(NUMBERS)},
    "income": {"min": 0.0, "missing": True},
    "city": {"categories": CITIES, "other": True, "missing": True},
    "since": "date",
}


def write_table(path: Path, rows: int) -> None:
    """Writes a CSV file, reproducibly."""
    rng = np.random.default_rng(0)
    for start in range(0, rows, CHUNK):
        count = min(CHUNK, rows - start)
        x = rng.normal(size=(count, NUMBERS)).round(4)
        table = pd.DataFrame(x, columns=[f"x{index}" for index in range(NUMBERS)])
        table["income"] = pd.Series(rng.gamma(2, 1000, count).round(2)).mask(rng.random(count) < 0.1)
        table["city"] = rng.choice([*CITIES, "elsewhere", ""], count)
        days = pd.Series(rng.integers(0, 3650, count)).astype("timedelta64[s]") * 86_400
        table["since"] = (pd.Timestamp("2015-01-01") + days).dt.strftime("%Y-%m-%d")
        table["y"] = np.where(x[:, 0] + x[:, 1] * x[:, 2] > 0, "yes", "no")
        table.to_csv(path, index=False, mode="w" if start == 0 else "a", header=start == 0)


def describe(folder: Path, name: str) -> None:
    """Writes a description and parameters for the table, as `--data` would."""
    file = folder / "data" / name / f"{name}.csv"
    described = {"title": name, "origin": "benchmark", "licence": "none", "task": "binary", "format": "table"}
    described |= {"files": {file.name: sha256_of(file)}, "target": "y", "labels": ["no", "yes"], "features": FEATURES}
    write_yaml(folder / f"conf/datasets/{name}.yaml", described)
    params = read_yaml(ROOT / "params.yaml")
    params |= {"dataset": name, "model": "conf/models/table_mlp.yaml"}
    params["preprocess"], params["split"] = {"categorical": "onehot"}, {"scale": "standard"}
    params["train"] |= {"epochs": 1, "batch_size": 1024, "threads": 1, "block_bytes": BLOCK_BYTES}
    params["verify"], params["tracking"]["budget_seconds"] = {"enabled": False}, 0
    write_yaml(folder / "params.yaml", params)


def measure(stage: str, folder: Path) -> tuple[float, float, float]:
    """Runs a stage; returns its seconds, those of the CPU, and the peak of its anonymous memory in MiB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
    started, peak = time.perf_counter(), 0
    process = subprocess.Popen(
        [sys.executable, "-m", *f"pipelines.{stage}".split()], cwd=folder, env=environment, stdout=subprocess.DEVNULL
    )
    ended = threading.Event()
    threading.Thread(target=lambda: (process.wait(), ended.set())).start()
    while not ended.wait(0.02):
        peak = max(peak, anonymous_kib(process.pid))
    if process.wait():
        sys.exit(f"{stage} failed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - started, cpu, peak / 1024


def anonymous_kib(pid: int) -> int:
    """The anonymous memory of a process, or of the largest that it has started; 0 of one that has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("utf-8")
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    own = sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))
    return max([own, *(anonymous_kib(int(child)) for child in children)])


def main() -> None:
    """Prints a line a number of rows and stage."""
    for argument in sys.argv[1:] or ["1e6"]:
        rows = int(float(argument))
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            for name in ("conf/datasets", "conf/models", "data/large"):
                (folder / name).mkdir(parents=True)
            (folder / "conf/models/table_mlp.yaml").write_bytes((ROOT / "conf/models/table_mlp.yaml").read_bytes())
            write_table(folder / "data/large/large.csv", rows)
            describe(folder, "large")
            size = (folder / "data/large/large.csv").stat().st_size / 2**20
            for stage in STAGES:
                seconds, cpu, memory = measure(stage, folder)
                took = f"{seconds:7.1f} s {cpu:7.1f} s CPU {memory:6,.0f} MiB"
                print(f"{rows:>12,} rows {size:6,.0f} MiB  {stage:<14} {took}", flush=True)


if __name__ == "__main__":
    main()
