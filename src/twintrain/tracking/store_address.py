"""MLFLOW_TRACKING_URI: whether it names a store that there can be."""

import os
import re
import stat
import urllib.parse
from pathlib import Path

from twintrain.errors import UserError, closest
from twintrain.system.passwords import VARIABLE, driverless, without_password

SERVERS = ("http", "https")
DATABASES = ("postgresql", "mysql", "mssql")
SQLITE = "sqlite:///"
EXPECTED = "expected http(s)://HOST:PORT of a server, or sqlite:///FILE.db"
IN_PASSWORDS = "in a user and a password, / is %2F, ? is %3F, # is %23 and a space is %20"
# What MLflow takes for the end of a path, and for other letters: it would make stray files, or none.
MISREAD = re.compile(r"\?|%[0-9a-fA-F]{2}")
# The first bytes of every SQLite file; one that nobody has written to yet is empty.
SQLITE_MAGIC = b"SQLite format 3\0"


def check_given_address() -> None:
    """Checks what MLFLOW_TRACKING_URI says, if it is set, and whether a store can be in the current folder if it must.

    Raises:
        UserError: there can be no such store.
    """
    given = os.environ.get(VARIABLE) or f"{SQLITE}mlflow.db"
    name = given.removeprefix(SQLITE)
    if given.startswith(SQLITE) and not name.startswith(("/", ":memory:")):
        _check_path(str(Path.cwd()))
    if os.environ.get(VARIABLE):
        check_address(given)


def check_there(address: str) -> None:
    """Checks an address of a store to be looked into; MLflow would make an empty one.

    Raises:
        UserError: as `check_address`, or a local store is not there.
    """
    check_address(address)
    path = Path(address.removeprefix(SQLITE))
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
    scheme = driverless(address)
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


def _check_host(address: str) -> None:
    try:
        parts = urllib.parse.urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        # What urllib says may hold a part of a password.
        wrong = f"no host and port are in it; {IN_PASSWORDS}" if "@" in address else str(error)
        raise UserError(f"{VARIABLE} {without_password(address)}: {wrong}; {EXPECTED}") from None
    if not host or port == 0 or any(letter.isspace() for letter in address):
        wrong = "port 0 is none" if port == 0 else "a space in it" if host else "it names no host"
        raise UserError(f"{VARIABLE} {without_password(address)}: {wrong}; {EXPECTED}")


def _check_file(address: str, name: str) -> None:
    path = Path(name)
    if name.startswith(":memory:"):
        return
    _check_path(name)
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


def _check_path(path: str) -> None:
    if misread := MISREAD.search(path):
        raise UserError(
            f"{path}: MLflow misreads '{misread[0]}' in the path of a store; expected one without ? and % before two "
            "digits: rename the folder"
        )


def check_database(path: Path) -> None:
    """Raises a UserError where a file is no SQLite database; an empty one is a new one."""
    with path.open("rb") as file:
        start = file.read(len(SQLITE_MAGIC))
    if start and start != SQLITE_MAGIC:
        raise UserError(
            f"{path} is no database, or damaged; move it away, and a run makes a new one: mv {path} {path}.damaged"
        )
