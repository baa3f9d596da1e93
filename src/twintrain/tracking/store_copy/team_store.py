"""The store that is copied to: the database of a tracking server, and where it keeps artifacts."""

import contextlib
import importlib.util
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from twintrain.errors import UserError, first_line
from twintrain.system.passwords import driverless, without_password
from twintrain.tracking.services.site import INSTALL
from twintrain.tracking.store import SQLITE, mlflow_module
from twintrain.tracking.store_copy.tables import reflected, revision_of

if TYPE_CHECKING:
    import sqlalchemy

POSTGRESQL = "postgresql+psycopg://"
SERVED = "mlflow-artifacts:/"  # by the server, whose clients need no keys
ANSWER_SECONDS = 10
UPLOADS = 8  # at once: most files are small, and wait for an answer
S3 = "s3://"


def check_addresses(database: str, artifacts: str) -> None:
    """Checks the forms of both, and whether what speaks with them is installed; asks no server.

    Raises:
        UserError: another form, or a package that is missing.
    """
    shown = without_password(database)
    if not database.startswith((POSTGRESQL, SQLITE)):
        raise UserError(f"--database {shown}: expected {POSTGRESQL}USER@HOST/DATABASE of MLflow's server")
    if database.startswith(SQLITE) and not Path(database.removeprefix(SQLITE)).is_file():
        raise UserError(f"--database {shown}: the file is missing; expected the database of MLflow's server")
    if driverless(artifacts) not in ("s3", "") or not artifacts.removeprefix(S3).strip("/"):
        raise UserError(
            f"--artifacts {without_password(artifacts)}: expected {S3}BUCKET or a folder, as the server was given for "
            "--artifacts-destination"
        )
    needed = {"psycopg": database.startswith(POSTGRESQL), "boto3": artifacts.startswith(S3)}
    for package, is_needed in needed.items():
        if is_needed and importlib.util.find_spec(package) is None:
            raise UserError(f"a team's store needs {package}, which is not installed; type: {INSTALL}")


class TeamStore:
    """The database of a tracking server.

    Attributes:
        address: of the database.
        engine: SQLAlchemy's.
    """

    def __init__(self, address: str, artifacts: str) -> None:
        import sqlalchemy

        self.address = address
        self._artifacts = artifacts
        options = {"connect_timeout": ANSWER_SECONDS} if address.startswith(POSTGRESQL) else {}
        self.engine = sqlalchemy.create_engine(address, connect_args=options)

    @cached_property
    def tables(self) -> "dict[str, sqlalchemy.Table]":
        """Those that are copied, by name."""
        return reflected(self.engine)

    def check(self, revision: str, of: Path) -> None:
        """Checks that both are there and fit.

        Args:
            revision: of the tables of the store that is to be copied.
            of: that store's database.

        Raises:
            UserError: no connection, no such bucket, or tables of another version of MLflow.
        """
        shown = without_password(self.address)
        with self.told():
            found = revision_of(self.engine)
        if found is None:
            raise UserError(f"--database {shown}: no tables of MLflow's; its server makes them: start it first")
        if found != revision:
            raise UserError(
                f"{of} is of another version of MLflow ({revision}) than the server's database ({found}); bring the "
                "older one up with the newer version: mlflow db upgrade ADDRESS"
            )
        if self._artifacts.startswith(S3):
            self._check_bucket()

    def _check_bucket(self) -> None:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        once = Config(connect_timeout=ANSWER_SECONDS, read_timeout=ANSWER_SECONDS, retries={"total_max_attempts": 1})
        try:
            boto3.client("s3", config=once).list_objects_v2(Bucket=urlsplit(self._artifacts).netloc, MaxKeys=1)
        except (BotoCoreError, ClientError, ValueError) as error:
            raise UserError(
                f"--artifacts {self._artifacts}: {first_line(error)}; expected a bucket that AWS_ENDPOINT_URL, "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY lead to"
            ) from None

    def upload(self, folders: Iterable[tuple[Path, str]]) -> None:
        """Takes the files of folders; what is there by the same name is replaced.

        Args:
            folders: those that are there, and where the server is to find them (`SERVED`…).

        Raises:
            UserError: one was not taken.
        """
        mlflow_module()
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        repository = get_artifact_repository(self._artifacts)

        def upload(folder: Path, location: str) -> None:
            repository.log_artifacts(str(folder), location.removeprefix(SERVED))

        with ThreadPoolExecutor(UPLOADS) as pool:
            waiting = [pool.submit(upload, folder, location) for folder, location in folders if folder.is_dir()]
            try:
                for each in waiting:
                    each.result()
            except Exception as error:  # whatever boto3 and MLflow make of a server that is away, or full
                pool.shutdown(cancel_futures=True)
                raise UserError(
                    f"--artifacts {self._artifacts}: not all was taken ({first_line(error)}); nothing is in the "
                    "database yet; mend it, and type the command again"
                ) from None

    @contextlib.contextmanager
    def begun(self) -> "Iterator[sqlalchemy.Connection]":
        """A transaction: all of it comes to be, or nothing."""
        with self.told(), self.engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """Has a database that fails be told of in one line."""
        import sqlalchemy.exc

        shown = without_password(self.address)
        try:
            yield
        except sqlalchemy.exc.IntegrityError as error:
            raise UserError(
                f"--database {shown}: another command has written the same meanwhile ({first_line(error.orig)}); "
                "nothing was changed; type the command again"
            ) from None
        except sqlalchemy.exc.SQLAlchemyError as error:
            said = first_line(getattr(error, "orig", None) or error)
            raise UserError(
                f"--database {shown}: {said}; nothing was changed; expected a database that is up, and a user and "
                "password that may write to it"
            ) from None


def all_values(connection: "sqlalchemy.Connection", column: "sqlalchemy.Column[Any]") -> set[Any]:
    """What is in a column."""
    import sqlalchemy

    return set(connection.scalars(sqlalchemy.select(column)))
