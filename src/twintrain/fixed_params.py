"""What holds a stage to the params.yaml that its command has written."""

import contextlib
import hashlib
import os
from collections.abc import Iterator

from twintrain import project
from twintrain.errors import UserError

WRITTEN = "TWINTRAIN_PARAMS"  # the sha256 that params.yaml has for the stages of a command


def as_written() -> dict[str, str]:
    """The variable that holds stages to params.yaml as it is now."""
    return {WRITTEN: _digest()}


@contextlib.contextmanager
def unchanged_params() -> Iterator[None]:
    """For a stage: params.yaml is what its command has written, and still is when the stage has done its work.

    DVC notes the parameters when a stage has ended. One that was trained with others would pass for theirs.

    Raises:
        UserError: it was changed meanwhile.
    """
    expected = os.environ.get(WRITTEN) or _digest()
    _check(expected)
    yield
    _check(expected)


def _check(expected: str) -> None:
    if _digest() != expected:
        raise UserError(
            f"{project.PARAMS} was changed by somebody else since this command has begun; this stage belongs to the "
            "parameters before and stops here; type the command again"
        )


def _digest() -> str:
    # Without the file a stage says itself what it lacks.
    return hashlib.sha256(project.PARAMS.read_bytes()).hexdigest() if project.PARAMS.is_file() else ""
