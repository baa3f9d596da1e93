"""Versions of a registered model in MLflow, and its aliases `champion` and `previous`."""

import contextlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from twintrain.errors import UserError, unknown
from twintrain.settings.frameworks import TITLES
from twintrain.tracking import reason_of

CHAMPION = "champion"
PREVIOUS = "previous"
ROLLED_BACK = "rolled_back"  # a version's tag: when the user took the alias from it
DESPITE = "despite_baseline"  # a version's tag: why the user made it the champion, although the baseline does as well


class Versions:
    """The versions of one registered model.

    Every method is a few calls to MLflow, and raises what these raise.

    Attributes:
        name: of the registered model, `<dataset>-<model>`.
    """

    def __init__(self, client: Any, name: str) -> None:
        self.name = name
        self._client = client

    def of_run(self, run_id: str) -> Any | None:
        """The version that holds what a training run has trained; the first, should there be several."""
        found = self._client.search_model_versions(f"run_id = '{run_id}'")
        return min((each for each in found if each.name == self.name), key=_number, default=None)

    def register(self, model_uri: str, run_id: str, tags: dict[str, str]) -> Any:
        """Makes a version of a logged model, or returns the one that the training has already.

        Two commands may do so at once: both then keep the first, and the other one is deleted by whoever made it.

        Args:
            model_uri: models:/m-…, logged into the training's run.
            run_id: that run.
        """
        if (found := self.of_run(run_id)) is None:
            self._create_model()
            model_id = model_uri.removeprefix("models:/")
            made = self._client.create_model_version(self.name, model_uri, run_id, tags, model_id=model_id)
            found = self.of_run(run_id)
            if _number(found) != _number(made):
                self._client.delete_model_version(self.name, made.version)
        return self._client.get_model_version(self.name, found.version)

    def alias(self, alias: str) -> Any | None:
        """The version that an alias names."""
        found = self._client.search_registered_models(f"name = '{self.name}'")
        version = found[0].aliases.get(alias) if found else None
        return version and self._client.get_model_version(self.name, str(version))

    def champion(self) -> Any:
        """The champion.

        Raises:
            UserError: there is none yet.
        """
        if found := self.alias(CHAMPION):
            return found
        raise UserError(self.no_champion())

    def no_champion(self) -> str:
        """What is said where there is none, and how there will be one."""
        return f"{self.name} has no champion yet; make run gives it one, or says why not"

    def tag(self, version: Any, tags: dict[str, str]) -> None:
        """Sets tags on a version."""
        for key, value in tags.items():
            self._client.set_model_version_tag(self.name, version.version, key, value)

    def untag(self, version: Any, key: str) -> None:
        """Takes a tag off a version, if it was there when the version was looked up."""
        if key in version.tags:
            self._client.delete_model_version_tag(self.name, version.version, key)

    def promote(self, version: Any) -> None:
        """Makes a version the champion; the former one keeps the alias `previous`."""
        # In this order, so that no moment is without a champion.
        if former := self.alias(CHAMPION):
            self._set_alias(PREVIOUS, former)
        self._set_alias(CHAMPION, version)

    def before_roll_back(self) -> tuple[Any, Any]:
        """The champion, and the one that `roll_back` would put in its place.

        Raises:
            UserError: there is no such registered model, no champion of it, or none before it.
        """
        if not self._client.search_registered_models(f"name = '{self.name}'"):
            names = [model.name for model in self._client.search_registered_models()]
            raise unknown("registered model", self.name, names)
        champion, previous = self.champion(), self.alias(PREVIOUS)
        if previous is None or _number(previous) == _number(champion):
            raise UserError(f"nothing to roll back: {self.name} had no champion before version {champion.version}")
        return champion, previous

    def roll_back(self) -> tuple[Any, Any]:
        """Swaps champion and previous, so that doing it twice changes nothing.

        Returns:
            the champion now, and the one before.

        Raises:
            UserError: as `before_roll_back`.
        """
        champion, previous = self.before_roll_back()
        self._set_alias(PREVIOUS, champion)
        self._set_alias(CHAMPION, previous)
        self.tag(champion, {ROLLED_BACK: datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")})
        self.untag(previous, ROLLED_BACK)
        return previous, champion

    def _set_alias(self, alias: str, version: Any) -> None:
        self._client.set_registered_model_alias(self.name, alias, version.version)

    def _create_model(self) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(self.name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise


def registered_name(dataset: str, model: str) -> str:
    """The name of the registered model that all trainings of a model on a data set are versions of."""
    return f"{dataset}-{model}"


def checked_name(given: str) -> str:
    """The name of a registered model that the user gives, if it can be one.

    Raises:
        UserError: it is the name of a version or an alias, or of nothing.
    """
    if not re.fullmatch(r"[\w. -]{1,250}", given):
        raise UserError(f"--model {given}: expected the name of a registered model alone, such as car-car_embedding")
    return given


@contextlib.contextmanager
def store_errors() -> Iterator[None]:
    """Makes what MLflow complains of an error that the user can read."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        raise UserError(f"MLflow's registry: {reason_of(error)}") from None


def described(version: Any) -> str:
    """`version 3 (Keras)`."""
    framework = version.tags.get("framework")
    return f"version {version.version}" + (f" ({TITLES[framework]})" if framework in TITLES else "")


def despite_note(champion: Any | None) -> str:
    """Why the champion is one although the baseline does as well, in a sentence; else empty."""
    if champion is None or DESPITE not in champion.tags:
        return ""
    return f"The champion, {described(champion)}, was promoted despite the baseline, because: {champion.tags[DESPITE]}"


def uri_of(version: Any) -> str:
    """The name that stock MLflow loads a version by."""
    return f"models:/{version.name}/{version.version}"


def _number(version: Any) -> int:
    # Over HTTP it is a text.
    return int(version.version)
