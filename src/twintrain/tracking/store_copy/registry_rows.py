"""Rows of the registry.

A registered model of the same name in both stores is one model: the versions of the local one come after those that are
there, and the aliases stay as they are there. Who is champion among them, the gate decides.
"""

import json
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from twintrain.tracking.store_copy.local_store import LocalStore, Row
from twintrain.tracking.store_copy.run_rows import insert
from twintrain.tracking.store_copy.team_store import TeamStore

if TYPE_CHECKING:
    import sqlalchemy

# By what a version is known in another store, where its number may be another one.
SAME = ("creation_time", "run_id", "source")
Name = tuple[str, str]  # workspace and name of a registered model
NUMBERS_IN_TAGS = "mlflow.modelVersions"  # of a logged model: the versions made of it


class RegistryRows:
    """The registered models of a local store, as they are to be in the team's store.

    Attributes:
        versions: the numbers of its versions there by their numbers here, by the models' names.
        new: the versions that are not there yet.
        new_models: the names of models that are not.
    """

    def __init__(
        self, local: LocalStore, team: TeamStore, locations: dict[str, str], connection: "sqlalchemy.Connection"
    ) -> None:
        self._local, self._team, self._locations = local, team, locations
        self.versions: dict[Name, dict[int, int]] = {}
        self.new: set[tuple[Name, int]] = set()
        known = {_name(row) for row in _all(connection, team, "registered_models")}
        self.new_models = {_name(row) for row in local.rows("registered_models")} - known
        self._number(_all(connection, team, "model_versions"))

    def _number(self, there: Iterable[Row]) -> None:
        """Gives the versions that are new the numbers that they have here, or the next ones that are free."""
        highest: dict[Name, int] = {}
        same: dict[tuple[Any, ...], int] = {}
        for row in there:
            highest[_name(row)] = max(highest.get(_name(row), 0), row["version"])
            same[_name(row), *(row[field] for field in SAME)] = row["version"]
        for row in sorted(self._local.rows("model_versions"), key=lambda row: row["version"]):
            name, here = _name(row), row["version"]
            number = same.get((name, *(self._moved(row)[field] for field in SAME)))
            if number is None:
                number = highest[name] = max(here, highest.get(name, 0) + 1)
                self.new.add((name, here))
            self.versions.setdefault(name, {})[here] = number

    def insert(self, connection: "sqlalchemy.Connection") -> None:
        """Inserts what is new; the runs and models that it refers to are there."""
        tables = self._team.tables
        for table in ("registered_models", "registered_model_tags"):
            insert(connection, tables[table], self._of_new_models(table))
        for table in ("model_versions", "model_version_tags"):
            rows = (row for row in self._local.rows(table) if (_name(row), row["version"]) in self.new)
            insert(connection, tables[table], (self._numbered(self._moved(row)) for row in rows))
        # After the versions, though no table says that it needs them.
        aliases = map(self._numbered, self._of_new_models("registered_model_aliases"))
        insert(connection, tables["registered_model_aliases"], aliases)

    def with_numbers(self, tags: Iterable[Row]) -> Iterable[Row]:
        """Tags of logged models, with the numbers that versions have there."""
        for tag in tags:
            is_listed = tag["tag_key"] == NUMBERS_IN_TAGS
            yield {**tag, "tag_value": self._renumbered(tag["tag_value"])} if is_listed else tag

    def _renumbered(self, listed: str) -> str:
        numbers = {name: versions for (_, name), versions in self.versions.items()}
        found = json.loads(listed)
        for each in found:
            here = each["version"]
            each["version"] = type(here)(numbers.get(each["name"], {}).get(int(here), here))
        return json.dumps(found)

    def _of_new_models(self, table: str) -> Iterable[Row]:
        return (row for row in self._local.rows(table) if _name(row) in self.new_models)

    def _numbered(self, row: Row) -> Row:
        return {**row, "version": self.versions[_name(row)][row["version"]]}

    def _moved(self, row: Row) -> Row:
        """A row with the places that its artifacts have there."""
        places = {name: row[name] for name in ("source", "storage_location") if row.get(name)}
        return {**row, **{name: self._place(place) for name, place in places.items()}}

    def _place(self, place: str) -> str:
        """Where artifacts are that belong to a run or a model; `models:/` and `runs:/` hold in any store."""
        path = PurePosixPath(place)
        for above in (path, *path.parents):
            if moved := self._locations.get(str(above)):
                rest = path.relative_to(above).as_posix()
                return moved if rest == "." else f"{moved}/{rest}"
        return place


def _all(connection: "sqlalchemy.Connection", team: TeamStore, table: str) -> Iterable[Row]:
    import sqlalchemy

    return map(dict, connection.execute(sqlalchemy.select(team.tables[table])).mappings())


def _name(row: Row) -> Name:
    # Tables of the registry say `name`, whether it is of a model or refers to one.
    return row["workspace"], row["name"]
