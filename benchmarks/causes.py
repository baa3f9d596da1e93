"""Plants each mistake that ports make, and prints what a diff of the two recordings says of it: a Markdown table.

python benchmarks/causes.py                  all, in some minutes
python benchmarks/causes.py --only epsilon   those whose names have this in them

Networks are recorded in PyTorch and in Keras by their own processes (tests/support/torch_planted.py, keras_planted.py,
and of trainings torch_trainings.py, keras_trainings.py). Seconds are those of the diff. Exit status 1 where a right
port is refused, or a mistake is not named.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests/support")]

from planted_mistakes import LAYERS, RIGHT_LAYERS, RIGHT_TRAININGS, TRAININGS, Mistake
from worker_process import finish, run_worker, start_worker

from twintrain.recordings.comparing.diff import Diff, diff


def main(only: str) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recorded(folder)
        wrong = refused(folder)
        print("| planted | found | seconds |\n|---|---|---|")
        for mistake in (each for each in (*LAYERS, *TRAININGS) if only in each.planted):
            before = time.perf_counter()
            found = compared(folder, mistake)
            seconds = time.perf_counter() - before
            is_named = mistake.named in {cause.mistake for cause in found.causes}
            sentence = found.cause.sentence if found.cause else "–"
            print(f"| {mistake.planted} | {sentence if is_named else f'**not named**: {sentence}'} | {seconds:.2f} |")
            wrong += [] if is_named else [mistake.planted]
    print(f"\nnot as it should be: {', '.join(wrong)}" if wrong else "\nall named, and no right port refused")
    return bool(wrong)


def recorded(folder: Path) -> None:
    """Both frameworks at once, where neither needs what the other has recorded."""
    for each in ("torch", "keras"):
        (folder / each).mkdir()
    workers = [start_worker("trainings_worker.py", each, folder / each) for each in ("torch", "keras")]
    run_worker("torch_planted.py", folder / "torch")
    run_worker("keras_planted.py", folder / "keras", folder / "torch")
    for worker in workers:
        finish(worker)


def refused(folder: Path) -> list[str]:
    """Right ports in which something is found."""
    return [right.planted for right in (*RIGHT_LAYERS, *RIGHT_TRAININGS) if not compared(folder, right).passed]


def compared(folder: Path, mistake: Mistake) -> Diff:
    return diff(folder / f"torch/{mistake.ours}.npz", folder / f"keras/{mistake.theirs}.npz")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="a part of the names of mistakes")
    sys.exit(main(parser.parse_args().only))
