"""The model that answers where none is named: the champion of the experiment in params.yaml."""

import re

from twintrain import tracking
from twintrain.config import Params
from twintrain.errors import UserError
from twintrain.overrides import NOT_GIVEN
from twintrain.registry.versions import Versions, registered_name, store_errors, uri_of

MODEL = re.compile(r"models:/(m-[\w-]+|[^/@]+@[^/@]+|[^/@]+/\w+)|runs:/\w+/.+")


def chosen_model(given: str | None, params: Params) -> str:
    """The URI of the model that a command was given, else of the champion, by its version: an alias may move.

    Raises:
        UserError: there is no champion yet, or `given` is none of MLflow's names of models.
    """
    if given is not None and given not in NOT_GIVEN:
        if not MODEL.fullmatch(given):
            raise UserError(f"--model {given}: expected models:/NAME@champion, models:/NAME/3 or models:/m-…")
        return given
    versions = Versions(
        tracking.connect(params.tracking.experiment), registered_name(params.dataset, params.model_name)
    )
    try:
        with store_errors():
            return uri_of(versions.champion())
    except UserError as error:
        raise UserError(f"{error}; --model models:/m-… takes any other model") from None
