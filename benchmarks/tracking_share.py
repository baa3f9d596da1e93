"""What tracking costs a train stage, as a share of its seconds.

python benchmarks/tracking_share.py FRAMEWORK    in a copy of the project where `dvc repro split` has run

Set train.epochs so that the stage takes half a minute or more; a shorter one is mostly imports.
"""

import gc
import sys
import time
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "src")]

from pipelines.train import train
from twintrain.tracking import Run

attempt = Run.attempt
calls: dict[str, float] = {}


def timed_attempt(run: Run, action: Any, *args: Any, **kwargs: Any) -> Any:
    """Every call to MLflow goes through Run.attempt, its import and the opening of the store too."""
    started = time.perf_counter()
    try:
        return attempt(run, action, *args, **kwargs)
    finally:
        name = action.__qualname__.replace(".<locals>.<lambda>", "")
        calls[name] = calls.get(name, 0) + time.perf_counter() - started


if __name__ == "__main__":
    gc.disable()  # as `python -m pipelines.train` does
    Run.attempt = timed_attempt
    started = time.perf_counter()
    train(sys.argv[1])
    seconds = time.perf_counter() - started
    for name, taken in calls.items():
        print(f"{name} {taken:.2f} s")
    print(f"{sys.argv[1]}: logging / train stage = {sum(calls.values()) / seconds:.3f} of {seconds:.1f} s")
