"""`train.initial_model`: from the name of a model or run in MLflow, or from a file, to the arrays of a network."""

import hashlib
import re
import tempfile
from pathlib import Path
from typing import Any

from twintrain import tracking
from twintrain.errors import UserError, said_of_file
from twintrain.settings.params import Params
from twintrain.system.stored import DamagedFileError, check_regular
from twintrain.training.transfer import FILE_NAME, Trained
from twintrain.training.weight_files.reading import ENDINGS, read_weights

ALIAS = re.compile(r"models:/([^/@]+)@([^/@]+)")
VERSION = re.compile(r"models:/([^/@]+)/(\d+)")
LOGGED_MODEL = re.compile(r"models:/(m-[^/@]+)")
RUN = re.compile(r"runs:/([^/@]+)")
# A file, and the beginning of its sha256 where it is to be this one and no later one.
FILE = re.compile(rf"(?!models:/|runs:/)(.+(?:{'|'.join(map(re.escape, ENDINGS))}))(?:@([0-9a-f]{{16}}))?")
EXPECTED = (
    f"models:/NAME@alias, models:/NAME/3, models:/m-… (a model's id), runs:/RUN_ID or a file, {', '.join(ENDINGS)}"
)
HANDED_ON = "initial.npz"


def without_alias(source: str, params: Params) -> str:
    """The version that an alias names now, which never changes, or the file with its sha256; other names as they are.

    A file that has a sha256 keeps it: `load_initial` refuses the file if that is another one by now.

    Raises:
        UserError: it names nothing, or its form is none of EXPECTED.
    """
    if match := FILE.fullmatch(source):
        return source if match[2] else f"{match[1]}@{_digest(Path(match[1]))}"
    client = _client(source, params)
    if not (match := ALIAS.fullmatch(source)):
        return source
    version = _found(source, lambda: client.get_model_version_by_alias(*match.groups())).version
    return f"models:/{match[1]}/{version}"


def load_initial(params: Params) -> Trained | None:
    """The arrays that a training starts with; None where it draws all of its own.

    Raises:
        UserError: there is no such model or file, its training has left no arrays, or the file is another one by now.
    """
    source = params.train.initial_model
    if source is None:
        return None
    if match := FILE.fullmatch(source):
        return _of_file(Path(match[1]), match[2])
    client = _client(source, params)
    run_id = _found(source, lambda: _run_of(client, source))
    with tempfile.TemporaryDirectory() as folder:
        if FILE_NAME not in [file.path for file in _found(source, lambda: client.list_artifacts(run_id))]:
            raise UserError(
                f"train.initial_model: the run of {source}, {run_id}, has no {FILE_NAME}; expected a model that "
                "this project has trained: train it again"
            )
        path = Path(_found(source, lambda: client.download_artifacts(run_id, FILE_NAME, folder)))
        try:
            return Trained.load(path)
        except DamagedFileError as error:
            said = str(error).removeprefix(f"{path} ")
            raise UserError(
                f"train.initial_model: {FILE_NAME} of {source} {said}; train it again, or take another model"
            ) from None


def hand_on(params: Params, folder: Path) -> None:
    """Puts the arrays into a folder for worker processes, which know no MLflow."""
    if initial := load_initial(params):
        initial.save(folder / HANDED_ON)


def handed_on(folder: Path) -> Trained | None:
    """What `hand_on` has put there."""
    path = folder / HANDED_ON
    return Trained.load(path) if path.is_file() else None


def _of_file(path: Path, digest: str | None) -> Trained:
    if digest not in (None, found := _digest(path)):
        raise UserError(
            f"train.initial_model: {path} is another file by now: expected sha256 {digest}…, got {found}…; to take it, "
            f"name it anew: --train.initial_model {path}"
        )
    try:
        return read_weights(path)
    except UserError as error:
        raise UserError(f"train.initial_model: {error}") from None


def _digest(path: Path) -> str:
    """The beginning of a file's sha256."""
    try:
        check_regular(path, "a file of weights")
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        raise UserError(f"train.initial_model: {path} cannot be read: {said_of_file(error)}") from None


def _client(source: str, params: Params) -> Any:
    if not any(form.fullmatch(source) for form in (ALIAS, VERSION, LOGGED_MODEL, RUN)):
        raise UserError(f"train.initial_model: expected {EXPECTED}, got '{source}'")
    return _found(source, lambda: tracking.connect(params.tracking.experiment))


def _run_of(client: Any, source: str) -> str:
    """The run that has trained a model."""
    if match := RUN.fullmatch(source):
        return client.get_run(match[1]).info.run_id
    if match := LOGGED_MODEL.fullmatch(source):
        return client.get_logged_model(match[1]).source_run_id
    match = ALIAS.fullmatch(source)
    version = (
        client.get_model_version_by_alias(*match.groups())
        if match
        else client.get_model_version(*VERSION.fullmatch(source).groups())
    )
    return version.run_id or client.get_logged_model(version.model_id).source_run_id


def _found(source: str, look_up: Any) -> Any:
    try:
        return look_up()
    except Exception as error:  # whatever MLflow, its database or the network throws
        raise UserError(
            f"train.initial_model: {source} is not in MLflow's store: {tracking.reason_of(error)}"
        ) from None
