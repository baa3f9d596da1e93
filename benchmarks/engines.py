"""Keras on TensorFlow, JAX and PyTorch, all rows of the contract tests: how far each is from PyTorch, in float64.

python benchmarks/engines.py                  exit status 1 where any is further than its tolerance
python benchmarks/engines.py --document       without the models, and writes the tables into docs/vocabulary.md
python benchmarks/engines.py --keep FOLDER    keeps there what comes out, and goes on from what lies there

Losses are compared with their formulas in NumPy, PyTorch's too. It takes a good quarter of an hour on two cores.
"""

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/support"), str(ROOT / "tests/frameworks"), str(ROOT / "src")]

from engine_rows import TOLERANCES, differences, made_of
from loss_cases import INPUTS
from loss_formulas import expected
from twin_cases import LAYER_CASES, MODEL_CASES
from vocabulary import Rows, vocabulary
from worker_process import AS_USERS_COMPILE, run_worker

from examples.course.tables import markdown, with_tables

DOCUMENT = ROOT / "docs/vocabulary.md"
ENGINES = {"keras": "TensorFlow", "keras-jax": "JAX", "keras-torch": "PyTorch"}
# What losses and update rules run on, without a network.
LIBRARIES = {
    "torch": ("torch", {}),
    "keras": ("keras", {"KERAS_BACKEND": "tensorflow"}),
    "keras-jax": ("keras", {"KERAS_BACKEND": "jax", "JAX_ENABLE_X64": "1", **AS_USERS_COMPILE}),
    "keras-torch": ("keras", {"KERAS_BACKEND": "torch"}),
}
SHOWN = ("forward", "gradients", "trained")
STEPS, ROWS_AT_A_TIME = 100, 24
AFTER_ALL_STEPS = {**TOLERANCES, "trained": 1e-9}  # as the contract test of PyTorch and TensorFlow
Found = dict[str, dict[str, dict[str, float]]]


def main() -> int:
    """Prints the tables, and each row that is too far."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="a folder for what comes out, to go on from")
    parser.add_argument("--document", action="store_true", help=f"write the tables into {DOCUMENT.name}")
    options = parser.parse_args()
    with contextlib.nullcontext(options.keep) if options.keep else tempfile.TemporaryDirectory() as folder:
        found = of_rows([*LAYER_CASES, *(() if options.document else MODEL_CASES)], Path(folder))
        rows = vocabulary()
        tables = {
            **{name: layer_table(rows[name], found) for name in ("layers", "activations")},
            "losses": loss_table(rows["losses"], Path(folder)),
            "optimizers": optimizer_table(rows["optimizers"], Path(folder)),
        }
    print("\n\n".join(f"{name}\n\n{table}" for name, table in {"engines": engine_table(found), **tables}.items()))
    if options.document:
        DOCUMENT.write_text(with_tables(DOCUMENT.read_text("utf-8"), tables, DOCUMENT), "utf-8")
    far = [
        f"{name} on {title}: {what} {row[what]:.1e}"
        for engine, title in ENGINES.items()
        for name, row in found[engine].items()
        for what, tolerance in AFTER_ALL_STEPS.items()
        if not row[what] <= tolerance
    ]
    print("\n".join(["", *far]) if far else "\nnone is further than its tolerance")
    return 1 if far else 0


def of_rows(names: list[str], folder: Path) -> Found:
    """The differences of rows by engine, some rows at a time."""
    found: Found = {engine: {} for engine in ENGINES}
    for start in range(0, len(names), ROWS_AT_A_TIME):
        some = names[start : start + ROWS_AT_A_TIME]
        of_some = folder / f"rows-{start}"
        of_some.mkdir(parents=True, exist_ok=True)
        results = made_of(some, of_some, tuple(ENGINES), STEPS, **AS_USERS_COMPILE)
        for engine, of_engine in found.items():
            of_engine |= {name: differences(results, engine, name) for name in some}
        print(f"{start + len(some)} of {len(names)} rows", file=sys.stderr, flush=True)
    return found


def engine_table(found: Found) -> str:
    """The largest of all differences of each quantity."""
    rows = [
        [title, *(f"{max(row[what] for row in found[engine].values()):.0e}" for what in TOLERANCES)]
        for engine, title in ENGINES.items()
    ]
    header = ["outputs", "outputs of what was saved", "loss", "gradients", f"after {STEPS} steps"]
    return markdown([f"{len(found['keras'])} rows, Keras on", *header], rows)


def layer_table(vocabulary_rows: Rows, found: Found) -> str:
    """A line a kind: the largest differences of the rows that have it."""
    lines = [
        [
            f"`{kind}`",
            str(len(rows)),
            *(figures(max(found[engine][row][what] for row in rows) for what in SHOWN) for engine in ENGINES),
        ]
        for kind, rows in vocabulary_rows.items()
    ]
    return markdown(["kind", "rows", *(f"Keras on {title}" for title in ENGINES.values())], lines)


def loss_table(vocabulary_rows: Rows, folder: Path) -> str:
    """A line a loss: how far value and gradient are from the formula, in relation to what is above 1."""
    results = of_libraries("loss_worker.py", folder)
    lines = [
        [
            f"`{name}`",
            str(len(rows)),
            *(
                figures(from_formula(results[library], rows, what) for what in ("loss", "gradient"))
                for library in results
            ),
        ]
        for name, rows in vocabulary_rows.items()
    ]
    return markdown(["loss", "rows", "PyTorch", *(f"Keras on {title}" for title in ENGINES.values())], lines)


def from_formula(results: dict[str, np.ndarray], rows: list[str], what: str) -> float:
    """The largest difference of a quantity."""
    pairs = [
        (expected(row, kind, "float64")[what], results[f"{row}|{kind}|float64|{what}"])
        for row in rows
        for kind in INPUTS
    ]
    return max(float((np.abs(found - wanted) / np.maximum(np.abs(wanted), 1)).max()) for wanted, found in pairs)


def optimizer_table(vocabulary_rows: Rows, folder: Path) -> str:
    """A line an update rule: how far weights are from PyTorch's after steps by given gradients."""
    results = of_libraries("optimizer_worker.py", folder, "float64")
    lines = [
        [
            f"`{name}`",
            str(len(rows)),
            *(
                figures(
                    [
                        max(
                            float(np.abs(results[engine][f"float64|{row}"] - results["torch"][f"float64|{row}"]).max())
                            for row in rows
                        )
                    ]
                )
                for engine in ENGINES
            ),
        ]
        for name, rows in vocabulary_rows.items()
    ]
    return markdown(["optimizer", "rows", *(f"Keras on {title}" for title in ENGINES.values())], lines)


def of_libraries(script: str, folder: Path, *arguments: str) -> dict[str, dict[str, np.ndarray]]:
    """What a worker of the tests writes on each library."""
    found = {}
    for library, (framework, variables) in LIBRARIES.items():
        out = folder / f"{Path(script).stem}-{library}.npz"
        if not out.is_file():
            run_worker(script, framework, out, *arguments, **variables)
        found[library] = dict(np.load(out))
        print(f"{script} on {library}", file=sys.stderr, flush=True)
    return found


def figures(values: Iterable[float]) -> str:
    """Differences beside each other, of one digit each."""
    return " / ".join(f"{value:.0e}" if value else "0" for value in values)


if __name__ == "__main__":
    sys.exit(main())
