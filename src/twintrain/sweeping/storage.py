"""Where a study is kept: a file of this machine, or a database that several machines reach."""

import contextlib
import importlib.util
import time
import urllib.parse
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twintrain.errors import UserError, closest, first_line
from twintrain.system.passwords import driverless, without_password
from twintrain.tracking.store_address import IN_PASSWORDS, check_database

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

OPTION = "--storage"
SQLITE, POSTGRESQL = "sqlite:///", "postgresql+psycopg://"
EXPECTED = f"expected {POSTGRESQL}HOST/DATABASE, or {SQLITE}FILE.db"
# A worker says that it lives every so often; a trial whose worker has been silent for longer than the grace is given
# to another one.
HEARTBEAT_SECONDS, GRACE_SECONDS = 5, 30
ANSWER_SECONDS = 10  # within which a server must take a connection
BUSY_SECONDS = 60  # for which a worker waits for others to be done with a file
# What a database may be asked while another worker makes its tables.
TRIES, PAUSE_SECONDS = 10, 0.5
# PostgreSQL ends what has no answer: a machine that is switched off says nothing.
CONNECTION = {
    "connect_timeout": ANSWER_SECONDS,
    "keepalives_idle": ANSWER_SECONDS,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # ms
    "options": "-c timezone=utc",  # heartbeats are compared with the server's clock, without a time zone
}


def check_storage(address: str) -> str:
    """Checks the form of an address, a file, and whether the driver is installed; asks no server.

    Returns:
        the address with its driver.

    Raises:
        UserError: another form, a file that is no database, or a driver that is not installed.
    """
    kind = driverless(address)
    if kind == "sqlite":
        _check_file(address)
        return address
    if kind != "postgresql" or address.partition(":")[0] not in ("postgresql", "postgresql+psycopg"):
        meant = closest(kind, ("postgresql", "sqlite"), 0.6)
        raise UserError(
            f"{OPTION}: {shown(address)}{f'; did you mean {meant!r}?' if meant and meant != kind else ''}; {EXPECTED}"
        )
    _check_host(address)
    if importlib.util.find_spec("psycopg") is None:
        raise UserError(
            f"{OPTION}: PostgreSQL needs psycopg, which is not installed; "
            "type: python -m pip install -r requirements-sweep.txt"
        )
    return POSTGRESQL + address.partition("://")[2]


def shown(address: str) -> str:
    """An address without user, password and options."""
    return without_password(address).partition("?")[0]


def open_storage(address: str) -> "RDBStorage":
    """Opens a database for studies, which is made where there is none.

    Raises:
        UserError: the server does not answer, or refuses.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    warnings.filterwarnings("ignore", message="Heartbeat of storage is supposed to be used with Study.optimize")
    is_file = address.startswith(SQLITE)
    options = {"timeout": BUSY_SECONDS} if is_file else CONNECTION
    engine: dict[str, Any] = {"pool_pre_ping": True, "connect_args": options}
    with told(address):
        if not is_file:
            _check_answer(address)
        storage = _made(
            lambda: optuna.storages.RDBStorage(
                address, engine, heartbeat_interval=HEARTBEAT_SECONDS, grace_period=GRACE_SECONDS
            )
        )
    if is_file:
        _take_turns(storage.engine)
    return storage


@contextlib.contextmanager
def told(address: str) -> Iterator[None]:
    """Has a server that fails be told of in one line; of a file, `system.failures` knows more."""
    import optuna
    import sqlalchemy.exc

    try:
        yield
    except (optuna.exceptions.StorageInternalError, sqlalchemy.exc.SQLAlchemyError) as error:
        if address.startswith(SQLITE):
            raise
        database = error if isinstance(error, sqlalchemy.exc.SQLAlchemyError) else error.__cause__ or error
        said = first_line(getattr(database, "orig", None) or database)
        raise UserError(
            f"{OPTION} {shown(address)}: the database does not answer as it should ({said}); "
            "the same command goes on when it does"
        ) from None


def _check_file(address: str) -> None:
    path = Path(address.removeprefix(SQLITE))
    if not address.startswith(SQLITE) or not path.name or path.name.startswith(":memory:") or "?" in address:
        raise UserError(f"{OPTION}: {shown(address)} names no file; {EXPECTED}")
    if not path.parent.is_dir():
        raise UserError(f"{OPTION}: the folder {path.parent} is missing; make it, or give another one; {EXPECTED}")
    if path.exists():
        if not path.is_file():
            raise UserError(f"{OPTION}: {path} is no file; {EXPECTED}")
        check_database(path)


def _check_host(address: str) -> None:
    try:
        parts = urllib.parse.urlsplit(address)
        is_whole = bool(parts.path.strip("/")) and parts.port != 0
    except ValueError:
        is_whole = False  # what urllib says may hold a part of a password
    if not is_whole or any(letter.isspace() for letter in address):
        raise UserError(f"{OPTION}: {shown(address)} names no host, port and database; {IN_PASSWORDS}; {EXPECTED}")


def _check_answer(address: str) -> None:
    """Connects once, for an error in the server's own words."""
    import sqlalchemy

    engine = sqlalchemy.create_engine(address, connect_args=CONNECTION, poolclass=sqlalchemy.pool.NullPool)
    try:
        engine.connect().close()
    except sqlalchemy.exc.OperationalError as error:
        said = first_line(error.orig or error)
        raise UserError(
            f"{OPTION} {shown(address)}: no connection ({said}); expected a PostgreSQL server that is up, a database "
            "that exists and a user who may use it"
        ) from None


def _made(make: "Callable[[], RDBStorage]") -> "RDBStorage":
    """Makes the tables; two who do it at once are in each other's way, and the second one finds them made."""
    import optuna
    import sqlalchemy.exc

    for left in reversed(range(TRIES)):
        try:
            return make()
        except (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError, AssertionError):
            if not left:
                raise
            time.sleep(PAUSE_SECONDS)
    raise AssertionError


def _take_turns(engine: Any) -> None:
    """Has each transaction take SQLite's lock as it begins.

    Else two that have read the same would both write: SQLite has no SELECT … FOR UPDATE, by which a waiting trial is
    given to one worker alone.
    """
    import sqlalchemy

    @sqlalchemy.event.listens_for(engine, "connect")
    def _leave_transactions_to_us(connection: Any, _: Any) -> None:
        connection.isolation_level = None

    @sqlalchemy.event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    engine.dispose()  # connections that were made without
