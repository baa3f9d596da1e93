"""Names of the scenarios that both frameworks play, and what they say where nothing can be recorded."""

from twintrain.errors import UserError
from twintrain.recordings.record import record

NAMES = (
    "chain",
    "residual",
    "two_inputs",
    "named_inputs",
    "blocks",
    "two_outputs",
    "unbuilt",
    "training",
    "narrow",
    "wide",
    "state",
    "errors",
)


def said(model, rows, path):
    try:
        record(model, rows, to=path)
    except UserError as error:
        return str(error)
    return ""
