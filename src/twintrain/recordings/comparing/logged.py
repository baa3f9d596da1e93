"""A diff in the active run of MLflow, which is imported when something is logged."""

from typing import TYPE_CHECKING, Any

from twintrain.errors import UserError

if TYPE_CHECKING:
    from twintrain.recordings.comparing.diff import Diff

# MLflow takes no longer tags.
LONGEST_TAG = 5000


def log(found: "Diff", folder: str = "twintrain") -> None:
    """Writes page and JSON of a diff into a folder of the active run's files, and tags that say what was found.

    Raises:
        UserError: MLflow is not installed, or no run is active.
    """
    mlflow = _mlflow()
    if mlflow.active_run() is None:
        raise UserError("no run of MLflow is active; expected log() within: with mlflow.start_run()")
    mlflow.log_text(found.to_html(), f"{folder}/parity.html")
    mlflow.log_dict(found.to_dict(), f"{folder}/parity.json")
    mlflow.set_tags({f"twintrain.{name}": value[:LONGEST_TAG] for name, value in tags(found).items()})


def tags(found: "Diff") -> dict[str, str]:
    """What is found at a glance; empty where there is no such thing, so that nothing stays of an earlier diff."""
    return {
        "verdict": found.verdict,
        "passed": str(found.passed).lower(),
        "precision": found.precision,
        "parts_in": found.parts_in or "",
        "first": found.first.name if found.first else "",
        "cause": found.cause.sentence if found.cause else "",
    }


def _mlflow() -> Any:
    try:
        import mlflow
    except ModuleNotFoundError as error:
        raise UserError(
            f"Diff.log needs {error.name}, which is not installed; type: pip install 'twintrain[mlflow]'"
        ) from error
    return mlflow
