"""Why a journal cannot be brought to the store now."""

from twintrain.tracking.store import DeletedExperimentError

# What MLflow says of a call that it will never take, however often it is asked.
REFUSALS = {"INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS", "BAD_REQUEST"}
REFUSALS |= {"INVALID_STATE", "NOT_FOUND", "ENDPOINT_NOT_FOUND"}


class NotYetError(Exception):
    """A run that this one needs is not in the store yet."""

    def __init__(self) -> None:
        super().__init__("a run that belongs to it is not there yet")


class ElsewhereError(Exception):
    """What is to be added belongs to a run of another store."""

    def __init__(self, store: str, here: str) -> None:
        super().__init__(
            f"{here} does not have the run that something is to be added to; it was logged for {store}; "
            f"type: MLFLOW_TRACKING_URI={store} make sync"
        )


class UnknownRunError(Exception):
    """The store does not have the run that something is to be added to, or has it no more."""


def is_refusal(error: Exception) -> bool:
    """Whether MLflow will never take a call, however often it is asked."""
    return isinstance(error, (DeletedExperimentError, ElsewhereError)) or getattr(error, "error_code", None) in REFUSALS
