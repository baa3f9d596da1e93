"""Keras on TensorFlow, JAX and PyTorch, all rows of the twin contract test: how far each is from PyTorch, in float64.

python benchmarks/engines.py            exit status 1 where any is further than its tolerance
python benchmarks/engines.py --kinds    and then a table by the kinds of layers, of all rows that have one
"""

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "src")]

from engine_rows import TOLERANCES, differences, made_of
from twin_cases import LAYER_CASES, MODEL_CASES, kinds

from twintrain.models.layers import LAYERS

ENGINES = {"keras": "TensorFlow", "keras-jax": "JAX", "keras-torch": "PyTorch"}
Found = dict[str, dict[str, dict[str, float]]]


def main() -> int:
    """Prints the largest differences, and each row that is too far."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", action="store_true", help="print a table by kinds of layers too")
    options = parser.parse_args()
    names = [*LAYER_CASES, *MODEL_CASES]
    with tempfile.TemporaryDirectory() as folder:
        results = made_of(names, Path(folder), tuple(ENGINES))
    found = {engine: {name: differences(results, engine, name) for name in names} for engine in ENGINES}
    print(f"{len(names)} rows\n\n| Keras on | {' | '.join(TOLERANCES)} |\n|---{'|---' * len(TOLERANCES)}|")
    for engine, title in ENGINES.items():
        largest = (max(row[what] for row in found[engine].values()) for what in TOLERANCES)
        print(f"| {title} | {' | '.join(f'{value:.1e}' for value in largest)} |")
    if options.kinds:
        print_kinds(found)
    far = [
        f"{name} on {title}: {what} {row[what]:.1e}"
        for engine, title in ENGINES.items()
        for name, row in found[engine].items()
        for what in TOLERANCES
        if not row[what] <= TOLERANCES[what]
    ]
    print("\n".join(["", *far]) if far else "\nnone is further than its tolerance")
    return 1 if far else 0


def print_kinds(found: Found) -> None:
    """The largest of all differences of the rows that have a kind of layer."""
    rows = {name: kinds(layers) for name, (_, layers) in LAYER_CASES.items()}
    print(f"\n| kind | rows | {' | '.join(ENGINES.values())} |\n|---|---:|{'---:|' * len(ENGINES)}")
    for kind in LAYERS:
        having = [name for name, of_row in rows.items() if kind in of_row]
        largest = (max(max(found[engine][name].values()) for name in having) for engine in ENGINES)
        print(f"| `{kind}` | {len(having)} | {' | '.join(f'{value:.0e}' for value in largest)} |")


if __name__ == "__main__":
    sys.exit(main())
