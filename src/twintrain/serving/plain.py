"""Whether the networks in a logged model may be loaded. What runs code of its own is the model around them."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from twintrain import tracking
from twintrain.errors import UserError
from twintrain.frameworks import keras_archive, pt2_archive

# Neither imports its framework.
CHECKS: dict[str, Callable[[Path], object]] = {
    "*.pt2": pt2_archive.load_checked,
    "*.keras": keras_archive.check,
}


def check_model(model_uri: str) -> None:
    """Raises a UserError where a network among a model's files may run code when it is loaded, whoever loads it.

    That there is no such model, whoever loads it will say.
    """
    tracking.connect("Default")
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory() as path:
        try:
            folder = Path(download_artifacts(model_uri, dst_path=path))
        except (MlflowException, OSError):
            return
        for pattern, check in CHECKS.items():
            for file in sorted(folder.rglob(pattern)):
                try:
                    check(file)
                except UserError as error:
                    reason = str(error).replace(f"convert {file}", f"convert {model_uri}")
                    raise UserError(reason.replace(str(file), f"{model_uri}: {file.name}")) from None
