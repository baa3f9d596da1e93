"""One URL → one file, by HTTP: retried, resumed, and never taken for something that it is not."""

import errno
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import requests

CHUNK = 2**18
# The server may be busy, or somebody between; with any other status it means what it says.
RETRIED_STATUS = {408, 425, 429, 500, 502, 503, 504}
# Where no size is announced, nothing else would end a stream that has no end.
LARGEST_UNANNOUNCED = 4 * 2**30


class UnavailableError(Exception):
    """Why a place does not give a file, in some words; another place may."""


class TransientError(Exception):
    """What went wrong for now; `pause` is how many seconds the server asks to be left alone, if it does."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for, in seconds.

    Attributes:
        connect: until it answers at all.
        read: until the next bytes come.
        attempts: how often it is tried.
        pause: before the second attempt; twice as long before each further one.
        longest_pause: what a server that asks for more is given.
    """

    connect: float = 10
    read: float = 30
    attempts: int = 5
    pause: float = 1
    longest_pause: float = 60


class Listener(Protocol):
    """Is told how a transfer goes."""

    def received(self, size: int, total: int | None) -> None:
        """So many bytes of so many are here."""

    def note(self, text: str) -> None:
        """Something that the user should know of."""


def download(url: str, part: Path, listener: Listener, patience: Patience) -> None:
    """Downloads what a URL names into a file, which may hold the beginning already.

    What came stays in the file when the connection is lost for good, so that a later call goes on from there.

    Raises:
        UnavailableError: the server does not have it, does not answer, or gives something else.
        OSError: the file cannot be written.
    """
    import requests

    if_range: dict[str, str] = {}
    with requests.Session() as session:
        # Unpacked on the way, a file would not be the one that is described.
        session.headers = {"Accept-Encoding": "identity", "User-Agent": "twintrain"}
        for attempt in range(patience.attempts):
            try:
                _receive(session, url, if_range, part, listener, patience)
                return
            except TransientError as interruption:
                if attempt + 1 == patience.attempts:
                    raise UnavailableError(f"{interruption} (tried {patience.attempts} times)") from None
                pause = patience.pause * 2**attempt if interruption.pause is None else interruption.pause
                pause = min(pause, patience.longest_pause)
                here = f"going on from byte {_size(part):,}" if _size(part) else "trying again"
                listener.note(f"{interruption}; {here} in {pause:g} s")
                time.sleep(pause)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _receive(
    session: "requests.Session",
    url: str,
    if_range: dict[str, str],
    part: Path,
    listener: Listener,
    patience: Patience,
) -> None:
    """Asks once for what is missing; `if_range` learns what tells this version of the file from another one."""
    start = _size(part)
    headers = {"Range": f"bytes={start}-", **if_range} if start else {}
    with _answer(session, url, headers, patience) as response:
        if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            _check_complete(response, part, start)
            return
        _check_status(response)
        if validator := _validator(response):
            if_range["If-Range"] = validator
        # A server that knows no ranges, or has another version by now, sends all from the beginning.
        if response.status_code != HTTPStatus.PARTIAL_CONTENT:
            start = 0
        elif _range_start(response) != start:
            part.unlink(missing_ok=True)
            raise TransientError("the server sent another range than it was asked for", pause=0)
        _write(response, part, start, listener, patience)


def _answer(session: "requests.Session", url: str, headers: dict[str, str], patience: Patience) -> "requests.Response":
    import requests
    from urllib3.exceptions import NameResolutionError

    try:
        return session.get(url, headers=headers, stream=True, timeout=(patience.connect, patience.read))
    except requests.exceptions.SSLError as error:
        raise UnavailableError(f"no secure connection ({_innermost(error)})") from None
    except requests.exceptions.ConnectTimeout:
        raise TransientError(f"no connection within {patience.connect:g} s") from None
    except requests.exceptions.Timeout:
        raise TransientError(f"no answer within {patience.read:g} s") from None
    except requests.exceptions.ConnectionError as error:
        if isinstance(getattr(error.args[0], "reason", None), NameResolutionError):
            raise TransientError(f"the name {urlsplit(url).hostname} is not known; is there a network?") from None
        raise TransientError(f"no connection ({_innermost(error)})") from None
    except requests.exceptions.TooManyRedirects:
        raise UnavailableError("it redirects without end") from None
    except requests.exceptions.RequestException as error:
        raise UnavailableError(_innermost(error)) from None


def _innermost(error: BaseException) -> str:
    """The last of the errors that libraries wrap in each other, in its own words: 'Connection refused'."""
    while inner := next((cause for cause in _causes(error) if isinstance(cause, BaseException)), None):
        error = inner
    return str(getattr(error, "strerror", None) or error).splitlines()[0]


def _causes(error: BaseException) -> tuple[object, ...]:
    return getattr(error, "reason", None), error.__cause__, *error.args


def _check_complete(response: "requests.Response", part: Path, start: int) -> None:
    """Takes "no such range" for the end of a file that is whole, and starts anew where it is not."""
    if response.headers.get("Content-Range") == f"bytes */{start}":
        return
    part.unlink(missing_ok=True)
    raise TransientError("the beginning that is here is of another file", pause=0)


def _check_status(response: "requests.Response") -> None:
    status = response.status_code
    if status in RETRIED_STATUS:
        raise TransientError(_status_text(response), _retry_after(response))
    if status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        raise UnavailableError(_status_text(response))
    if response.headers.get("Content-Type", "").lower().startswith("text/html"):
        raise _web_page(response)


def _status_text(response: "requests.Response") -> str:
    return f"status {response.status_code} {response.reason}".strip()


def _retry_after(response: "requests.Response") -> float | None:
    from urllib3.exceptions import InvalidHeader
    from urllib3.util import Retry

    try:
        return Retry().get_retry_after(response.raw)
    except InvalidHeader:
        return None


def _web_page(response: "requests.Response") -> UnavailableError:
    place = f" ({without_password(response.url)})" if response.history else ""
    return UnavailableError(f"a web page came instead of the file{place}")


def without_password(url: str) -> str:
    """A URL as it may be shown: without the name and the password that it may hold."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _validator(response: "requests.Response") -> str | None:
    """What If-Range may hold: a strong ETag, or else the date."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified")


def _range_start(response: "requests.Response") -> int | None:
    unit, _, span = response.headers.get("Content-Range", "").partition(" ")
    first = span.partition("-")[0]
    return int(first) if unit == "bytes" and first.isdigit() else None


def _write(response: "requests.Response", part: Path, start: int, listener: Listener, patience: Patience) -> None:
    length = response.headers.get("Content-Length", "")
    total = start + int(length) if length.isdigit() else None
    check_space(part, 0 if total is None else total - start)
    chunks = _chunks(response, patience)
    first = next(chunks, b"")
    # Looked at before the file is opened, so that a page costs nothing of what is here already.
    if start == 0 and first.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise _web_page(response)
    size = start
    with part.open("ab" if start else "wb") as file:
        for chunk in chain([first], chunks):
            file.write(chunk)
            size += len(chunk)
            listener.received(size, total)
            if total is None and size > LARGEST_UNANNOUNCED:
                part.unlink()
                raise UnavailableError(f"more than {LARGEST_UNANNOUNCED:,} bytes came, and no size was announced")


def check_space(path: Path, size: int) -> None:
    """Raises the error that a full disk would, before it is full."""
    if size > shutil.disk_usage(path.parent).free:
        raise OSError(errno.ENOSPC, f"{size:,} bytes are needed", str(path))


def _chunks(response: "requests.Response", patience: Patience) -> Iterator[bytes]:
    """Yields what has come, as it comes, so that a cut connection costs nothing that was received."""
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    try:
        while chunk := response.raw.read1(CHUNK, decode_content=False):
            yield chunk
    except ReadTimeoutError:
        raise TransientError(f"no more bytes within {patience.read:g} s") from None
    except (HTTPError, OSError):
        raise TransientError("the connection was cut") from None
