"""What tracking costs a train stage, as a share of its seconds.

python benchmarks/tracking_share.py FRAMEWORK    in a copy of the project where `dvc repro split` has run

Set train.epochs so that the stage takes half a minute or more; a shorter one is mostly imports.
"""

import gc
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "src")]

from pipelines.train import train
from twintrain.tracking.courier import Courier
from twintrain.tracking.journal import Journal
from twintrain.tracking.run import Run

# What the main thread does for tracking, waits for the store included. The courier works beside it.
TIMED = {
    Courier: ("__init__", "close", "wait", "wait_for", "ask"),
    Journal: ("append", "keep", "sync_to_disk"),
    Run: ("log_dataset",),
}
calls: dict[str, float] = {}


def timed(name: str, action: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return action(*arguments, **named)
        finally:
            calls[name] = calls.get(name, 0) + time.perf_counter() - started

    return call


if __name__ == "__main__":
    gc.disable()  # as `python -m pipelines.train` does
    for owner, names in TIMED.items():
        for name in names:
            setattr(owner, name, timed(f"{owner.__name__}.{name}", getattr(owner, name)))
    started = time.perf_counter()
    train(sys.argv[1])
    seconds = time.perf_counter() - started
    for name, taken in calls.items():
        print(f"{name} {taken:.2f} s")
    print(f"{sys.argv[1]}: logging / train stage = {sum(calls.values()) / seconds:.3f} of {seconds:.1f} s")
