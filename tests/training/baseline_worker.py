"""Saves baselines as a run logs them, loads them, and writes which answer as before; no framework is imported.

The one argument is the folder to write into.
"""

import json
import sys
from pathlib import Path

import mlflow
import numpy as np
from made_schema import schema_of

from twintrain.data.parts import Part
from twintrain.settings.sections.baselines import BASELINES, Baseline
from twintrain.training import baselines


def part(features, labels):
    return Part(features, labels, np.arange(len(labels)))


def cases_to_log():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(40, 3)).astype(np.float32)
    classes = part(features, np.arange(40) % 3)
    numbers = part(features.astype(np.float64), rng.normal(size=(40, 2)))
    wanted = schema_of([3], task="regression", outputs=2)
    given_back = schema_of([3], task="reconstruction", outputs=3)
    return [
        *((name, schema_of([3], "abc"), classes) for name in BASELINES["multiclass"]),
        *((name, wanted, numbers) for name in BASELINES["regression"] if name != "naive"),
        ("pca", given_back, part(numbers.features, numbers.features)),
        (
            "threshold",
            schema_of([3], task="segmentation", outputs=3),
            part(rng.random((40, 3)), rng.random((40, 3)) < 0.5),
        ),
    ]


def answers_as_before(name, schema, rows, folder):
    model = baselines.fit(name, Baseline.model_validate({"mlp": {"max_iter": 2}}), schema, rows).model
    baselines.save_mlflow_model(model, rows.features[:2], folder, pip_requirements=["scikit-learn", "skops"])
    loaded = mlflow.pyfunc.load_model(str(folder))
    flat = rows.features.reshape(len(rows), -1)
    given = model.predict_proba(flat) if hasattr(model, "predict_proba") else model.predict(flat)
    return np.array_equal(loaded.predict(flat), given)


if __name__ == "__main__":
    made = Path(sys.argv[1])
    logged = {
        f"{number} {name}": answers_as_before(name, schema, rows, made / str(number))
        for number, (name, schema, rows) in enumerate(cases_to_log())
    }
    assert "torch" not in sys.modules
    assert "tensorflow" not in sys.modules
    (made / "logged.json").write_text(json.dumps(logged), "utf-8")
