"""Logs a trained network as an MLflow model that takes raw rows: code, no pickles, and stock MLflow to load it."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twintrain import project, tracking
from twintrain.data.dataset import Dataset
from twintrain.data.raw_rows import raw_rows
from twintrain.errors import UserError
from twintrain.frameworks import packages
from twintrain.serving.raw_input import as_written
from twintrain.serving.recipe import FILE_NAME, Recipe, answer_names

NAME = "scorer"
PACKAGE = Path(__file__).parents[1]
# What the code that goes along imports besides a framework.
REQUIREMENTS = ["mlflow", "numpy", "pandas", "pyarrow", "pydantic", "ruamel.yaml", "scipy"]
EXAMPLE_ROWS = 2
NETWORKS = ("model.pt2", "model.keras")


def log_scorer(framework: str, run_id: str | None, experiment: str = "Default") -> str:
    """Logs the network that `train` has left in build/, with its preprocessing, as a model of the training's run.

    No framework is imported.

    Args:
        run_id: of the training; None where the store does not have it.
        experiment: where the model goes if there is no run; else it goes where the run is.

    Returns:
        the model's URI, models:/m-….
    """
    experiment_id = tracking.open_store(experiment)
    from mlflow.models import Model

    recipe = Recipe.of_training(framework)
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path) / "network"
        _write_network(recipe, folder)
        info = Model.log(
            None,
            _Flavor,
            flavor_name="mlflow.pyfunc",
            name=NAME,
            model_id=_make_model(framework, run_id, experiment_id),
            run_id=run_id,
            # As text: MLflow would sort the columns by their names.
            metadata={"framework": framework, "dataset": recipe.dataset.model_dump_json(exclude_defaults=True)},
            python_model=str(PACKAGE / "serving" / "scoring_model.py"),
            code_paths=[str(PACKAGE)],
            artifacts={"network": str(folder)},
            signature=signature(recipe),
            input_example=_example(recipe.dataset),
            pip_requirements=tracking.pinned_requirements([*REQUIREMENTS, *packages(framework)]),
            validate_serving_input=False,
        )
    return info.model_uri


def _make_model(framework: str, run_id: str | None, experiment_id: str) -> str:
    """Makes the model, still empty, beside its run; Model.log would take the experiment that this process is set to."""
    from mlflow import MlflowClient

    client, params = MlflowClient(), {}
    tags = {"framework": framework, **tracking.process_tags()}
    if run_id:
        run = client.get_run(run_id)
        experiment_id, params = run.info.experiment_id, run.data.params
    return client.create_logged_model(experiment_id, NAME, run_id, tags, params).model_id


def load_description(model_uri: str) -> Dataset:
    """What the rows look like that a model takes, which `log_scorer` has logged.

    Raises:
        UserError: there is no such model, or it is none of these.
    """
    tracking.connect("Default")
    from mlflow.exceptions import MlflowException
    from mlflow.models import get_model_info

    try:
        metadata = get_model_info(model_uri).metadata or {}
    except (MlflowException, OSError) as error:
        raise UserError(f"there is no model {model_uri}: {str(error).splitlines()[0]}") from None
    if "dataset" not in metadata:
        raise UserError(f"{model_uri} takes features, no raw rows; expected a registered model of this project")
    return Dataset.model_validate_json(metadata["dataset"])


def load_example(model_uri: str) -> pd.DataFrame | np.ndarray:
    """The real rows that were logged with a model."""
    from mlflow.artifacts import download_artifacts
    from mlflow.models import Model

    with tempfile.TemporaryDirectory() as path:
        folder = download_artifacts(model_uri, dst_path=path)
        return Model.load(folder).load_input_example(folder)


class _Flavor:
    """mlflow.pyfunc, but for `validate_serving_input`, which that does not know.

    Model.log would try the example at once, and load the network and its framework into this process.
    """

    @staticmethod
    def save_model(validate_serving_input: bool, **arguments: Any) -> None:
        import mlflow.pyfunc

        mlflow.pyfunc.save_model(**arguments)


def _write_network(recipe: Recipe, folder: Path) -> None:
    folder.mkdir()
    recipe.save(folder / FILE_NAME)
    trained = project.TRAIN / recipe.framework
    (network,) = [trained / name for name in NETWORKS if (trained / name).exists()]
    shutil.copy(network, folder)


def _example(dataset: Dataset) -> pd.DataFrame | np.ndarray:
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
    label = [ColSpec(DataType.string, "label")] if task.labels else []
    outputs = [*label, *(ColSpec(DataType.double, name) for name in answer_names(task))]
    return ModelSignature(Columns(inputs), Columns(outputs))
