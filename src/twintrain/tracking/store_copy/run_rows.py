"""Rows of experiments, runs and logged models.

Ids of runs and models are the same in both stores: MLflow draws them. Numbers of experiments are not: an experiment is
known by its name, and what belongs to it gets the number that it has in the other store.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from twintrain.errors import UserError
from twintrain.tracking.store_copy.local_store import LocalStore, Row, model_place, run_place
from twintrain.tracking.store_copy.tables import EXPERIMENT_TAGS, MODEL_TAGS, OF_MODEL, OF_RUN
from twintrain.tracking.store_copy.team_store import SERVED, TeamStore, all_values

if TYPE_CHECKING:
    import sqlalchemy

AT_ONCE = 1000


class Experiment(NamedTuple):
    """An experiment in the store that is copied to.

    Attributes:
        number: its number there.
        location: where the artifacts of its runs are, for clients.
    """

    number: int
    location: str


def join_experiments(local: LocalStore, team: TeamStore) -> dict[int, Experiment]:
    """Finds the experiments of the same names, and makes those that are new.

    At once and for all: where artifacts lie depends on their numbers, and a number that was given back would not come
    again.

    Returns:
        those of the team's store, by their numbers in the local one.

    Raises:
        UserError: one is deleted there, or its artifacts are not kept by the server.
    """
    import sqlalchemy

    table = team.tables["experiments"]
    joined = {}
    with team.begun() as connection:
        known = {
            (row["workspace"], row["name"]): row for row in connection.execute(sqlalchemy.select(table)).mappings()
        }
        for row in sorted(local.rows("experiments"), key=lambda row: row["experiment_id"]):
            found = known.get((row["workspace"], row["name"]))
            joined[row["experiment_id"]] = _joined(found, row) if found else _made(connection, team, local, row)
    return joined


def _joined(found: "sqlalchemy.RowMapping", row: Row) -> Experiment:
    if found["lifecycle_stage"] == "deleted" != row["lifecycle_stage"]:
        raise UserError(
            f"the server's experiment '{row['name']}' is deleted; restore it: "
            f"mlflow experiments restore --experiment-id {found['experiment_id']}"
        )
    location = found["artifact_location"]
    if not location.startswith(SERVED) or location.startswith(f"{SERVED}/"):  # of another server, by its name
        raise UserError(
            f"the server's experiment '{row['name']}' keeps artifacts at {location}; expected "
            f"{SERVED}, of a server with --artifacts-destination"
        )
    return Experiment(found["experiment_id"], location.rstrip("/"))


def _made(connection: "sqlalchemy.Connection", team: TeamStore, local: LocalStore, row: Row) -> Experiment:
    table = team.tables["experiments"]
    given = {name: value for name, value in row.items() if name != "experiment_id"}
    (number,) = connection.execute(table.insert().values(given)).inserted_primary_key
    location = f"{SERVED}{number}"
    connection.execute(table.update().where(table.c.experiment_id == number).values(artifact_location=location))
    tags = (tag for tag in local.rows(EXPERIMENT_TAGS) if tag["experiment_id"] == row["experiment_id"])
    insert(connection, team.tables[EXPERIMENT_TAGS], ({**tag, "experiment_id": number} for tag in tags))
    return Experiment(number, location)


class NewRows:
    """What of the runs and logged models of a local store the team's store has not got.

    Attributes:
        runs, models: their ids.
        known_runs: how many runs it has already.
        locations: where artifacts are in the team's store, by where they are in the local one.
    """

    def __init__(self, local: LocalStore, team: TeamStore, experiments: dict[int, Experiment]) -> None:
        self._local, self._team, self._experiments = local, team, experiments
        with team.begun() as connection:
            known_runs = all_values(connection, team.tables["runs"].c.run_uuid)
            known_models = all_values(connection, team.tables["logged_models"].c.model_id)
        self.locations = {
            **{row["artifact_uri"]: self._moved(row, run_place(row["run_uuid"])) for row in local.rows("runs")},
            **{
                row["artifact_location"]: self._moved(row, model_place(row["model_id"]))
                for row in local.rows("logged_models")
            },
        }
        all_runs = {row["run_uuid"] for row in local.rows("runs")}
        self.runs = all_runs - known_runs
        self.known_runs = len(all_runs & known_runs)
        self.models = {row["model_id"] for row in local.rows("logged_models")} - known_models

    def _moved(self, row: Row, place: str) -> str:
        return f"{self._experiments[row['experiment_id']].location}/{place}"

    def upload(self) -> None:
        """Takes their artifacts to where the server looks for them.

        Raises:
            UserError: not all were taken.
        """
        runs = [
            (row["artifact_uri"], row["experiment_id"], run_place(row["run_uuid"]))
            for row in self._local.rows("runs")
            if row["run_uuid"] in self.runs
        ]
        models = [
            (row["artifact_location"], row["experiment_id"], model_place(row["model_id"]))
            for row in self._local.rows("logged_models")
            if row["model_id"] in self.models
        ]
        self._team.upload(
            (self._local.artifacts(location, number, place), self.locations[location])
            for location, number, place in (*runs, *models)
        )

    def insert(self, connection: "sqlalchemy.Connection", model_tags: Callable[[Iterable[Row]], Iterable[Row]]) -> None:
        """Inserts their rows, those first that others refer to.

        Args:
            model_tags: makes of the tags of logged models those that they have in the team's store.
        """
        self._insert(connection, "runs", (row for row in self._rows("runs") if row["run_uuid"] in self.runs))
        for name in OF_RUN:
            self._insert(connection, name, (row for row in self._rows(name) if row["run_uuid"] in self.runs))
        models = (row for row in self._rows("logged_models") if row["model_id"] in self.models)
        self._insert(connection, "logged_models", models)
        data_sets = self._insert_data_sets(connection)
        for name in OF_MODEL:
            rows = (row for row in self._rows(name) if row["model_id"] in self.models)
            self._insert(connection, name, (_renamed(row, "dataset_uuid", data_sets) for row in rows))
        rows = (row for row in self._rows(MODEL_TAGS) if row["model_id"] in self.models)
        self._insert(connection, MODEL_TAGS, model_tags(rows))
        new = self.runs | self.models
        inputs = [row for row in self._rows("inputs") if {row["source_id"], row["destination_id"]} & new]
        self._insert(connection, "inputs", (_renamed(row, "source_id", data_sets) for row in inputs))
        named = {row["input_uuid"] for row in inputs}
        tags = (row for row in self._rows("input_tags") if row["input_uuid"] in named)
        self._insert(connection, "input_tags", tags)

    def _insert_data_sets(self, connection: "sqlalchemy.Connection") -> dict[str, str]:
        """Inserts those that are new, and says by which ids the others are known: it is name and digest that count."""
        import sqlalchemy

        table = self._team.tables["datasets"]
        key = ("experiment_id", "name", "digest")
        columns = [table.c[name] for name in key]
        known = {
            tuple(row[1:]): row[0] for row in connection.execute(sqlalchemy.select(table.c.dataset_uuid, *columns))
        }
        rows = list(self._rows("datasets"))
        self._insert(connection, "datasets", (row for row in rows if tuple(row[name] for name in key) not in known))
        return {row["dataset_uuid"]: known.get(tuple(row[name] for name in key), row["dataset_uuid"]) for row in rows}

    def _rows(self, table: str) -> Iterator[Row]:
        """Rows as they are in the team's store, but for the ids of data sets."""
        for row in self._local.rows(table):
            if row.get("experiment_id") is not None:
                row["experiment_id"] = self._experiments[row["experiment_id"]].number
            for name in ("artifact_uri", "artifact_location"):
                if name in row:
                    row[name] = self.locations[row[name]]
            yield row

    def _insert(self, connection: "sqlalchemy.Connection", table: str, rows: Iterable[Row]) -> None:
        insert(connection, self._team.tables[table], rows)


def insert(connection: "sqlalchemy.Connection", table: "sqlalchemy.Table", rows: Iterable[Row]) -> None:
    """Inserts rows, however many."""
    waiting = iter(rows)
    while some := list(islice(waiting, AT_ONCE)):
        connection.execute(table.insert(), some)


def _renamed(row: Row, name: str, others: dict[str, Any]) -> Row:
    return {**row, name: others.get(row[name], row[name])} if name in row else row
