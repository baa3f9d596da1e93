"""Brings a PyTorch network that an earlier version has saved along: leaves the pickle out of its file, unread.

python -m pipelines.convert models:/car-car_embedding@champion    a model in MLflow's store
python -m pipelines.convert FILE.pt2                               a file
"""

import tempfile
from pathlib import Path

from twintrain import tracking
from twintrain.command_line.commands import command_parser, run_command
from twintrain.errors import UserError
from twintrain.frameworks.pt2_archive import leave_out_samples, load_checked
from twintrain.system.activity import Activity


def convert() -> None:
    """Runs the command."""
    parser = command_parser("convert", __doc__)
    parser.add_argument("model", metavar="MODEL_OR_FILE", help="models:/NAME/3, models:/NAME@champion, or a .pt2 file")
    given = parser.parse_args().model
    if given.startswith("models:/"):
        _convert_model(given)
    elif Path(given).is_file():
        _convert_file(Path(given))
    else:
        raise UserError(f"there is no file {given}; expected one, or a model in MLflow's store: models:/NAME/3")
    print(f"{given}: converted, its pickle is left out")


def _convert_file(path: Path) -> None:
    leave_out_samples(path)
    load_checked(path)


def _convert_model(model_uri: str) -> None:
    client = tracking.connect("Default")
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException
    from mlflow.models import get_model_info

    with tempfile.TemporaryDirectory() as path, Activity("convert", 3) as activity:
        try:
            activity.begin("the model is fetched from MLflow's store")
            model_id = get_model_info(model_uri).model_id
            folder = Path(download_artifacts(model_uri, dst_path=path))
        except (MlflowException, OSError) as error:
            raise UserError(f"there is no model {model_uri}: {tracking.reason_of(error)}") from None
        files = list(folder.rglob("*.pt2"))
        if not files:
            raise UserError(f"{model_uri} has no network of PyTorch, and needs no conversion")
        activity.begin("its pickle is left out")
        for file in files:
            _convert_file(file)
        activity.begin("the model goes back to the store")
        client.log_model_artifacts(model_id, str(folder))


if __name__ == "__main__":
    run_command(convert)
