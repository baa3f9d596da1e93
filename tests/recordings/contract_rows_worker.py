"""Records the networks of the twin contract, and some with a mistake: contract_rows_worker.py FRAMEWORK FOLDER

What is wrong in `FOLDER/mistake/NAME.npz` stands in mistakes.json: the array of which one number is changed.
"""

import json
import sys
from pathlib import Path

import numpy as np
from twin_cases import LAYER_CASES, MODEL_CASES, Case, cases, trainings_for

from twintrain.frameworks import framework_module
from twintrain.recordings.record import record
from twintrain.settings.sections.training import KerasOptions
from twintrain.training.loop import Backend

# The one that is compared: both take twice the time.
PRECISIONS = ("float64",)
MISTAKEN = [*LAYER_CASES, *MODEL_CASES][::3]


def main(framework: str, folder: Path) -> None:
    rng = np.random.default_rng(7)
    found = {}
    (folder / "mistake").mkdir()
    for name, case in cases().items():
        file = f"{name.replace('/', '_')}.npz"
        backend = built(framework, case)
        backend.load_weights(case.weights)
        record(backend.model, given(case), to=folder / file, precisions=PRECISIONS)
        if framework == "keras" and name in MISTAKEN:
            kernels = [array for array in case.weights if array.endswith("/kernel")]
            found[name] = str(rng.choice(kernels))
            backend.load_weights(spoilt(case, found[name], rng))
            record(backend.model, given(case), to=folder / "mistake" / file, precisions=PRECISIONS)
    (folder / "mistakes.json").write_text(json.dumps(found))


def built(framework: str, case: Case) -> Backend:
    """A network of the row with weights of the framework's own."""
    train = next(iter(trainings_for("dense").values()))
    settings = train.model_copy(update={"dtype": "float32", "keras": KerasOptions(run_eagerly=True)})
    return framework_module(framework, "backend").Backend(case.network, settings)


def given(case: Case) -> np.ndarray:
    return case.features[:8].astype("int64" if case.network.schema.input_dims else "float32")


def spoilt(case: Case, name: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    array = case.weights[name].copy()
    array.flat[rng.integers(array.size)] += 0.5
    return {**case.weights, name: array}


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
