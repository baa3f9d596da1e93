"""Logs a trained network as an MLflow model that takes raw rows: code, no pickles, and stock MLflow to load it."""

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from twintrain import tracking
from twintrain.data.dataset import Dataset
from twintrain.data.raw_rows import raw_rows
from twintrain.errors import UserError
from twintrain.serving.raw_input import as_written
from twintrain.serving.recipe import FILE_NAME, Recipe, answer_columns
from twintrain.settings.frameworks import packages
from twintrain.system import project
from twintrain.tracking.store import mlflow_module

if TYPE_CHECKING:
    import pandas as pd


NAME = "scorer"
PACKAGE = Path(__file__).parents[1]
# What the code that goes along imports besides a framework.
REQUIREMENTS = ["mlflow", "numpy", "pandas", "pyarrow", "pydantic", "ruamel.yaml", "scipy"]
EXAMPLE_ROWS = 2
NETWORKS = ("model.pt2", "model.keras")


def log_scorer(framework: str, training: tracking.Ref, run: tracking.Run) -> str:
    """Logs the network that `train` has left in build/, with its preprocessing, as a model of the training's run.

    Args:
        run: the one that is open.

    Returns:
        the model's URI, models:/m-….

    Raises:
        UserError: MLflow has not got it in time; it will.
    """
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path) / "model"
        save_scorer(framework, folder)
        model_id = tracking.log_model_of(run, training, folder, NAME, {"framework": framework})
    if model_id is None:
        raise UserError("MLflow does not have the model yet that is to be registered; type: make sync")
    return f"models:/{model_id}"


def save_scorer(framework: str, path: Path) -> None:
    """Saves the same as the folder of an MLflow model. No framework is imported."""
    mlflow_module()
    import mlflow.pyfunc

    recipe = Recipe.of_training(framework)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "network"
        _write_network(recipe, folder)
        mlflow.pyfunc.save_model(
            path=str(path),
            # As text: MLflow would sort the columns by their names.
            metadata={"framework": framework, "dataset": recipe.dataset.model_dump_json(exclude_defaults=True)},
            python_model=str(PACKAGE / "serving" / "scoring_model.py"),
            code_paths=[str(PACKAGE)],
            artifacts={"network": str(folder)},
            signature=signature(recipe),
            input_example=_example(recipe.dataset),
            pip_requirements=tracking.pinned_requirements([*REQUIREMENTS, *packages(framework)]),
        )


def load_description(model_uri: str) -> Dataset:
    """What the rows look like that a model takes, which `save_scorer` has saved.

    Raises:
        UserError: there is no such model, or it is none of these.
    """
    tracking.connect("Default")
    from mlflow.exceptions import MlflowException
    from mlflow.models import get_model_info

    try:
        metadata = get_model_info(model_uri).metadata or {}
    except (MlflowException, OSError) as error:
        raise UserError(f"there is no model {model_uri}: {tracking.reason_of(error)}") from None
    if "dataset" not in metadata:
        raise UserError(f"{model_uri} takes features, no raw rows; expected a registered model of this project")
    return Dataset.model_validate_json(metadata["dataset"])


def load_example(model_uri: str) -> "pd.DataFrame | np.ndarray":
    """The real rows that were logged with a model."""
    from mlflow.artifacts import download_artifacts
    from mlflow.models import Model

    with tempfile.TemporaryDirectory() as path:
        folder = download_artifacts(model_uri, dst_path=path)
        return Model.load(folder).load_input_example(folder)


def load_recipe(model_uri: str) -> Recipe:
    """How a model makes answers of raw rows, which `save_scorer` has saved."""
    from mlflow.artifacts import download_artifacts

    with tempfile.TemporaryDirectory() as path:
        return Recipe.load(Path(download_artifacts(model_uri, dst_path=path)) / "artifacts" / "network" / FILE_NAME)


def _write_network(recipe: Recipe, folder: Path) -> None:
    folder.mkdir()
    recipe.save(folder / FILE_NAME)
    trained = project.TRAIN / recipe.framework
    (network,) = [trained / name for name in NETWORKS if (trained / name).exists()]
    shutil.copy(network, folder)


def _example(dataset: Dataset) -> "pd.DataFrame | np.ndarray":
    """Real rows as they were read, of the columns that the network is given."""
    return as_written(raw_rows(project.INGESTED, np.arange(EXAMPLE_ROWS)), dataset)


def signature(recipe: Recipe) -> "ModelSignature":  # noqa: F821 (imported when needed)
    """The columns by name, optional where values may be missing; the columns of the answers with their types.

    Input types are open: MLflow would refuse whole numbers where it expects decimals, and an array of uint8 where it
    expects floats. What a value must be, the model itself checks against the description, and says.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, TensorSpec
    from mlflow.types import Schema as Columns
    from mlflow.types.schema import AnyType

    dataset, task = recipe.dataset, recipe.task
    if dataset.features:
        inputs = [ColSpec(AnyType(), name, required=not column.missing) for name, column in dataset.inputs.items()]
    else:
        # The one form that MLflow passes on whatever its type and shape.
        inputs = [TensorSpec(np.dtype(object), (-1,))]
    outputs = [
        ColSpec(DataType.string if has_labels else DataType.double, name)
        for name, has_labels in answer_columns(task).items()
    ]
    return ModelSignature(Columns(inputs), Columns(outputs))
