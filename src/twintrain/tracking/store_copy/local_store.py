"""The store to be copied: mlflow.db and the artifacts beside it, as they are at one moment."""

import contextlib
import sqlite3
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twintrain.errors import UserError, first_line
from twintrain.tracking.journal import headings
from twintrain.tracking.store import SQLITE
from twintrain.tracking.store_address import check_database
from twintrain.tracking.store_copy.tables import reflected, revision_of

if TYPE_CHECKING:
    import sqlalchemy

WRITTEN = ("RUNNING", "SCHEDULED")
READY = 2  # of a logged model
# In pages of SQLite's: so that whoever writes meanwhile gets its turn.
PAGES = 1000
Row = dict[str, Any]


class LocalStore:
    """A copy of the database, which nobody writes to any more.

    Attributes:
        database: the file that it is a copy of.
    """

    def __init__(self, database: Path, engine: "sqlalchemy.Engine") -> None:
        self.database = database
        self._engine = engine

    @cached_property
    def revision(self) -> str:
        """Of the tables, as MLflow's migrations name it.

        Raises:
            UserError: there are no tables of MLflow's.
        """
        found = revision_of(self._engine)
        if found is None:
            raise UserError(f"{self.database} has no tables of MLflow's; expected the mlflow.db of a project")
        return found

    @cached_property
    def tables(self) -> "dict[str, sqlalchemy.Table]":
        """Those that are copied, by name."""
        return reflected(self._engine)

    def rows(self, table: str) -> Iterator[Row]:
        """All of a table that is copied."""
        import sqlalchemy

        with self._engine.connect() as connection:
            for row in connection.execute(sqlalchemy.select(self.tables[table])).mappings():
                yield dict(row)

    def left_out(self) -> dict[str, int]:
        """How many rows of which tables are not copied: what this project's commands do not write."""
        import sqlalchemy

        names = set(sqlalchemy.inspect(self._engine).get_table_names()) - self.tables.keys()
        with self._engine.connect() as connection:
            counts = {
                name: connection.scalar(sqlalchemy.select(sqlalchemy.func.count()).select_from(sqlalchemy.table(name)))
                for name in sorted(names - {"alembic_version", "workspaces"})
            }
        return {name: count for name, count in counts.items() if count}

    def artifacts(self, location: str, experiment: int, place: str) -> Path:
        """The folder of a run or a model; it need not be there, since not everything has artifacts.

        Args:
            location: as the database has it.
            place: in the folder of the experiment: where they lie if the project was moved.

        Raises:
            UserError: they are on no disk.
        """
        parts = urllib.parse.urlsplit(location)
        if parts.scheme not in ("", "file"):
            raise UserError(f"{self.database}: artifacts are at {location}; expected them in folders of this machine")
        written = Path(urllib.request.url2pathname(parts.path) if parts.scheme else location)
        return written if written.is_dir() else self.database.parent / "mlruns" / str(experiment) / place

    def check_at_rest(self) -> None:
        """Checks that nothing is on its way into the store, nor half-written.

        Raises:
            UserError: it is.
        """
        sync = f"type: cd {self.database.parent} && MLFLOW_TRACKING_URI={SQLITE}{self.database.name} make sync"
        names = (f"{SQLITE}{self.database.name}", f"{SQLITE}{self.database}", None)
        journals = headings(self.database.parent / "build/journal")
        if waiting := [heading for heading in journals if heading.first.get("store") in names]:
            raise UserError(f"{len(waiting)} runs are not whole in {self.database} yet; {sync}")
        for run in self.rows("runs"):
            if run["status"] in WRITTEN and run["lifecycle_stage"] == "active":
                raise UserError(
                    f"{self.database}: run {run['run_uuid']} ({run['name']}) is being written; wait for its end; if it "
                    f"was killed, {sync}"
                )
        for model in self.rows("logged_models"):
            folder = self.artifacts(model["artifact_location"], model["experiment_id"], model_place(model["model_id"]))
            is_whole = model["status"] == READY and model["lifecycle_stage"] == "active"
            if is_whole and not (folder / "MLmodel").is_file():
                raise UserError(
                    f"{folder}: the artifacts of model {model['model_id']} are missing; expected mlruns/ beside "
                    f"{self.database}, or where its runs have written it"
                )


def run_place(run: str) -> str:
    """Where MLflow puts the artifacts of a run, in the place of its experiment."""
    return f"{run}/artifacts"


def model_place(model: str) -> str:
    """Where MLflow puts those of a logged model."""
    return f"models/{model}/artifacts"


@contextlib.contextmanager
def opened(database: Path) -> Iterator[LocalStore]:
    """Takes a copy of a database; the file itself is only read.

    Raises:
        UserError: there is none, or it is no store of MLflow's.
    """
    import sqlalchemy

    database = database.absolute()
    if not database.is_file():
        raise UserError(f"{database} is missing; expected the mlflow.db of a project: --source FILE")
    check_database(database)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "mlflow.db"
        try:
            given = sqlite3.connect(f"file:{urllib.parse.quote(str(database))}?mode=ro", uri=True)
            with contextlib.closing(given), contextlib.closing(sqlite3.connect(copy)) as taken:
                given.backup(taken, pages=PAGES)
                (said,) = taken.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            said = first_line(error)
        if said != "ok":
            raise UserError(f"{database} cannot be read ({said.splitlines()[-1]}); expected a store of MLflow's")
        engine = sqlalchemy.create_engine(f"{SQLITE}{copy}")
        try:
            yield LocalStore(database, engine)
        finally:
            engine.dispose()
