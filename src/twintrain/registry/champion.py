"""The model that answers where none is named: the champion of the experiment in params.yaml."""

import re
from collections.abc import Sequence
from itertools import zip_longest

from twintrain import tracking
from twintrain.errors import UserError
from twintrain.registry.versions import CHAMPION, Versions, described, registered_name, store_errors, uri_of
from twintrain.registry.winner import make_command, winner_of_results
from twintrain.settings.overrides import NOT_GIVEN
from twintrain.settings.params import Params

MODEL = re.compile(r"models:/(m-[\w-]+|[^/@]+@[^/@]+|[^/@]+/\w+)|runs:/\w+/.+")


def chosen_model(given: str | None, params: Params, command: str, typed: Sequence[str]) -> str:
    """The URI of the model that a command was given, else of the champion, by its version: an alias may move.

    Args:
        given: the value of --model.
        command: predict or serve.
        typed: its arguments, for an error that says what to type.

    Raises:
        UserError: there is no champion yet, or `given` is none of MLflow's names of models.
    """
    if given is not None and given not in NOT_GIVEN:
        if not MODEL.fullmatch(given):
            raise UserError(f"--model {given}: expected models:/NAME@champion, models:/NAME/3 or models:/m-…")
        return given
    client = tracking.connect(params.tracking.experiment)
    versions = Versions(client, registered_name(params.dataset, params.model_name))
    with store_errors():
        if champion := versions.alias(CHAMPION):
            return uri_of(champion)
        winner = winner_of_results(client, versions)
    if winner is None:
        raise UserError(f"{versions.no_champion()}; --model models:/m-… takes any other model")
    way = make_command(command, [*_without_empty(typed), "--model", uri_of(winner)])
    raise UserError(f"{versions.no_champion()}; the winner of results/, {described(winner)}, answers all the same", way)


def _without_empty(typed: Sequence[str]) -> list[str]:
    """Arguments but for options without a value, which MLproject hands on."""
    pairs = zip_longest(typed, typed[1:])
    return [word for word, following in pairs if word not in NOT_GIVEN and following not in NOT_GIVEN]
