"""MLFLOW_TRACKING_URI: whether it names a store that there can be."""

import os
import re
import stat
import urllib.parse
from pathlib import Path

from twintrain.errors import UserError, closest

VARIABLE = "MLFLOW_TRACKING_URI"
SERVERS = ("http", "https")
DATABASES = ("postgresql", "mysql", "mssql")
SQLITE = "sqlite:///"
EXPECTED = "expected http(s)://HOST:PORT of a server, or sqlite:///FILE.db"
# The first bytes of every SQLite file; one that nobody has written to yet is empty.
SQLITE_MAGIC = b"SQLite format 3\0"


def check_given_address() -> None:
    """Checks what MLFLOW_TRACKING_URI says, if it is set.

    Raises:
        UserError: it names no store that there can be.
    """
    if given := os.environ.get(VARIABLE):
        check_address(given)


def check_there(address: str) -> None:
    """Checks an address of a store to be looked into; MLflow would make an empty one.

    Raises:
        UserError: as `check_address`, or a local store is not there.
    """
    check_address(address)
    path = Path(address.removeprefix(SQLITE).partition("?")[0])
    if address.startswith(SQLITE) and not str(path).startswith(":memory:") and not path.is_file():
        raise UserError(f"{path} is missing, so there are no runs to show; the first one makes it: make run")


def check_address(address: str) -> None:
    """Checks the form of an address, and of a local store that it is a database; asks no server.

    Raises:
        UserError: another form or port, or a file that is no database.
    """
    if address.startswith(SQLITE):
        _check_file(address, address.removeprefix(SQLITE))
        return
    scheme = _driverless(address)
    if scheme in SERVERS or scheme in DATABASES:
        _check_host(address)
        return
    if scheme in ("", "file"):
        raise UserError(f"{VARIABLE} {without_password(address)}: MLflow keeps runs in folders no more; {EXPECTED}")
    if scheme == "sqlite":
        raise UserError(f"{VARIABLE} {without_password(address)}: it names no file; {EXPECTED}, with three slashes")
    meant = closest(scheme, (*SERVERS, "sqlite", *DATABASES), 0.6)
    close = f"; did you mean '{meant}'?" if meant else ""
    raise UserError(f"{VARIABLE} {without_password(address)}: unknown scheme '{scheme}'{close}; {EXPECTED}")


def without_password(address: str) -> str:
    """The address without the password that it may hold."""
    return re.sub(r"//[^/@]*@", "//…@", address)


def _driverless(address: str) -> str:
    """The scheme without a driver, as in mysql+pymysql://; empty of a path."""
    scheme, mark, _ = address.partition(":")
    return scheme.lower().partition("+")[0] if mark and "/" not in scheme else ""


def _check_host(address: str) -> None:
    try:
        parts = urllib.parse.urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UserError(f"{VARIABLE} {without_password(address)}: {error}; {EXPECTED}") from None
    if not host or port == 0 or any(letter.isspace() for letter in address):
        wrong = "port 0 is none" if port == 0 else "a space in it" if host else "it names no host"
        raise UserError(f"{VARIABLE} {without_password(address)}: {wrong}; {EXPECTED}")


def _check_file(address: str, name: str) -> None:
    path = Path(name.partition("?")[0])
    if name.startswith(":memory:"):
        return
    if not path.name:
        raise UserError(f"{VARIABLE} {without_password(address)}: it names no file; {EXPECTED}")
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        return  # the first run makes it
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: {getattr(error, 'strerror', None) or error}; {EXPECTED}") from None
    if not stat.S_ISREG(kind):
        what = "a folder" if stat.S_ISDIR(kind) else "no regular file"
        raise UserError(f"{path} is {what}, where MLflow keeps its runs; expected a database: move it away")
    check_database(path)


def check_database(path: Path) -> None:
    """Raises a UserError where a file is no SQLite database; an empty one is a new one."""
    with path.open("rb") as file:
        start = file.read(len(SQLITE_MAGIC))
    if start and start != SQLITE_MAGIC:
        raise UserError(
            f"{path} is no database, or damaged; move it away, and a run makes a new one: mv {path} {path}.damaged"
        )
