"""What holds a stage to params.yaml, its model and its data set as they were when its command has begun."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from twintrain.errors import UserError
from twintrain.settings.yaml_files import read_yaml
from twintrain.system import project

WRITTEN = "TWINTRAIN_PARAMS"  # JSON: the sha256 that each of these files has for the stages of a command


def as_written() -> dict[str, str]:
    """The variable that holds stages to params.yaml, and to the files of its model and data set, as they are now."""
    return {WRITTEN: json.dumps({str(path): _digest(path) for path in _files()})}


@contextlib.contextmanager
def unchanged_params() -> Iterator[None]:
    """For a stage: these files are what they were for its command, and still are when the stage has done its work.

    DVC notes parameters and files when a stage has ended. One that was trained with others would pass for theirs.

    Raises:
        UserError: one was changed meanwhile.
    """
    expected = json.loads(os.environ.get(WRITTEN) or as_written()[WRITTEN])
    _check(expected)
    yield
    _check(expected)


def params_as_read() -> str:
    """The sha256 of params.yaml, for `check_params_as_read`; taken before it is read."""
    return _digest(project.PARAMS)


def check_params_as_read(digest: str) -> None:
    """For a command that is about to write params.yaml: it is what the command has read.

    Raises:
        UserError: it was changed meanwhile, and the change would be lost.
    """
    if _digest(project.PARAMS) != digest:
        raise UserError(
            f"{project.PARAMS} was changed since this command has read it, and is left as it is now; "
            "type the same command again"
        )


def _check(expected: dict[str, str]) -> None:
    for name, digest in expected.items():
        if _digest(Path(name)) != digest:
            raise UserError(
                f"{name} was changed since this command has begun; this stage belongs to what it was before and stops "
                "here; type the same command again"
            )


def _files() -> list[Path]:
    """params.yaml and the files of its model and data set; it alone where it has none, which a stage says itself."""
    try:
        content = read_yaml(project.PARAMS)
        named = [Path(project.model_path(content["model"])), project.DATASETS / f"{content['dataset']}.yaml"]
    except (UserError, LookupError, TypeError):
        named = []
    return [project.PARAMS, *named]


def _digest(path: Path) -> str:
    # Without the file a stage says itself what it lacks.
    with contextlib.suppress(OSError):
        if path.is_file():
            return hashlib.sha256(path.read_bytes()).hexdigest()
    return ""
