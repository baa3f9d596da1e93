"""Loads .pt2 files with PyTorch: python archive_worker.py loads FOLDER FILE … | does_not_unpickle FOLDER

`loads` tells which files do something when stock PyTorch loads and calls them: they leave a file `planted` in FOLDER,
and their names are in its done.json. `does_not_unpickle` saves and loads a network of ours, and stock
MLflow's model of it, while nothing can be unpickled.
"""

import contextlib
import json
import os
import pickle
import sys
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from twin_cases import cases

from twintrain.frameworks import framework_module
from twintrain.settings.sections.training import Train


def loads(folder: str, *names: str) -> None:
    """Notes the names of those that have left `planted`."""
    os.chdir(folder)
    sys.path.insert(0, folder)
    done = []
    for name in names:
        try:
            torch.export.load(name).module()(torch.zeros(2, 2))
        except Exception as error:
            print(name, type(error).__name__, error, file=sys.stderr)
        if Path("planted").exists():
            Path("planted").unlink()
            done.append(Path(name).stem)
    Path("done.json").write_text(json.dumps(done), encoding="utf-8")


def does_not_unpickle(folder: str) -> None:
    """Ends well if all that is loaded answers as the network did."""
    import mlflow.pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import Schema as Columns
    from mlflow.types import TensorSpec

    saving = framework_module("torch", "saving")
    case = cases()["batch_norm on images"]
    network, features = case.network, case.features.astype(np.float32)
    backend = framework_module("torch", "backend").Backend(network, Train())
    backend.load_weights(case.weights)
    expected = backend.predict(features)
    path = Path(folder) / saving.FILE_NAME
    saving.save(backend.model, network, features, path)
    columns = [
        Columns([TensorSpec(np.dtype(np.float32), (-1, *shape))]) for shape in (features.shape[1:], expected.shape[1:])
    ]
    logged = Path(folder) / "logged"
    arguments = {"signature": ModelSignature(*columns), "pip_requirements": ["torch"]}
    saving.save_mlflow_model(backend.model, network, features, logged, **arguments)
    weights = backend.weights()
    with nothing_is_unpickled():
        given = [saving.load(path)(features), mlflow.pyfunc.load_model(str(logged)).predict(features)]
        given.append(mlflow.pytorch.load_model(str(logged))(torch.from_numpy(features)).detach().numpy())
        reloaded = saving.load_weights(path, network)
    for answers in given:
        np.testing.assert_allclose(answers, expected, rtol=0, atol=1e-6)
    for name, array in weights.items():
        np.testing.assert_array_equal(reloaded[name], array)


def nothing_is_unpickled() -> contextlib.ExitStack:
    """A context in which whatever unpickles raises."""
    stack = contextlib.ExitStack()
    for owner, name in (
        (pickle, "load"),
        (pickle, "loads"),
        (pickle, "Unpickler"),
        (pickle, "_Unpickler"),
        (torch, "load"),
        (torch.serialization, "_load"),
        (torch._C, "_pickle_load_obj"),
    ):
        stack.enter_context(mock.patch.object(owner, name, side_effect=AssertionError(f"{name} was called")))
    return stack


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    os.environ["MLFLOW_TRACKING_URI"] = "sqlite:///:memory:"
    {"loads": loads, "does_not_unpickle": does_not_unpickle}[sys.argv[1]](*sys.argv[2:])
