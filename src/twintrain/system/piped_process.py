"""A process of ours that is asked over a pipe: one framework a process, and what it has loaded stays there."""

import multiprocessing
import subprocess
import tempfile
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Any, Self

from twintrain.errors import UserError

END_SECONDS = 5


def last_words(log: IO[bytes]) -> str:
    """The last line that a process has said, which is the error in a traceback."""
    log.seek(0)
    said = log.read().decode(errors="replace").strip().splitlines()
    return said[-1] if said else "without a word"


class PipedProcess:
    """Starts a process, with the number of its end of the pipe as last argument; use as a context, or call `close`.

    It sends pairs: what it is about, and the content. ("error", reason) is raised here.

    Attributes:
        process: its number.
    """

    def __init__(self, called: str, command: Sequence[str], **options: Any) -> None:
        """Starts it.

        Args:
            called: what it is, in the error where it has ended.
            options: of `subprocess.Popen`.
        """
        self._called = called
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 (close() closes it)
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = subprocess.Popen(
            [*command, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=self._said,
            **options,
        )
        self.process = self._process.pid
        theirs.close()

    def ask(self, question: Any) -> Any:
        """Sends something, and returns what comes back.

        Raises:
            UserError: the reason that it sends, or it has ended, with its last words.
        """
        try:
            self._pipe.send(question)
        except OSError:
            raise self._death() from None
        return self.receive()

    def receive(self) -> Any:
        """What comes next, as `ask`."""
        try:
            kind, content = self._pipe.recv()
        except (EOFError, OSError):
            raise self._death() from None
        if kind == "error":
            raise UserError(content)
        return content

    def _death(self) -> UserError:
        self._process.wait()
        return UserError(f"{self._called} has ended: {last_words(self._said)}")

    def close(self) -> None:
        """Ends the process."""
        self._pipe.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()
