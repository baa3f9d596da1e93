"""Keras on JAX and on PyTorch, all rows of the twin contract test: how far each is from PyTorch's own, in float64.

python benchmarks/engines.py    exit status 1 where any is further than its tolerance
"""

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "src")]

from engine_rows import ENGINES, TOLERANCES, differences, made_of
from twin_cases import LAYER_CASES, MODEL_CASES


def main() -> int:
    """Prints the largest differences, and each row that is too far."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    names = [*LAYER_CASES, *MODEL_CASES]
    with tempfile.TemporaryDirectory() as folder:
        results = made_of(names, Path(folder))
    far = 0
    print(f"{len(names)} rows\n\n| | {' | '.join(TOLERANCES)} |\n|---{'|---' * len(TOLERANCES)}|")
    for engine in ENGINES:
        found = {name: differences(results, engine, name) for name in names}
        print(
            f"| {engine} | "
            + " | ".join(f"{max(row[what] for row in found.values()):.1e}" for what in TOLERANCES)
            + " |"
        )
        for name, row in found.items():
            wrong = [f"{what} {row[what]:.1e}" for what in TOLERANCES if not row[what] <= TOLERANCES[what]]
            far += bool(wrong)
            print(f"{name}: {', '.join(wrong)}\n" if wrong else "", end="")
    return 1 if far else 0


if __name__ == "__main__":
    sys.exit(main())
