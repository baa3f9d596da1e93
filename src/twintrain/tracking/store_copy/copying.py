"""Copies a store, in the one order in which nothing refers to what is not there."""

from pathlib import Path
from typing import NamedTuple

from twintrain.tracking.store_copy.local_store import opened
from twintrain.tracking.store_copy.registry_rows import RegistryRows
from twintrain.tracking.store_copy.run_rows import NewRows, join_experiments
from twintrain.tracking.store_copy.team_store import TeamStore


class Copied(NamedTuple):
    """What has become of a store.

    Attributes:
        runs, models: how many came along; models are logged ones.
        known_runs: how many runs were there already, and stay as they are there.
        versions: of each registered model, the numbers of the versions that came along, here and there.
        new_models: registered models that were not there, and came with their aliases.
        left_out: how many rows of tables that this project writes nothing into.
    """

    runs: int
    models: int
    known_runs: int
    versions: dict[str, list[tuple[int, int]]]
    new_models: set[str]
    left_out: dict[str, int]


def copy_store(database: Path, team: TeamStore) -> Copied:
    """Copies runs, logged models and registered models that the team's store has not got; the local one stays as it is.

    Experiments are made first, then artifacts taken, then all rows in one transaction: so who kills it leaves no row
    without its artifacts, and the same command again comes to the same end.

    Raises:
        UserError: of either store, as their modules say.
    """
    with opened(database) as local:
        team.check(local.revision, local.database)
        local.check_at_rest()
        rows = NewRows(local, team, join_experiments(local, team))
        rows.upload()
        with team.begun() as connection:
            registry = RegistryRows(local, team, rows.locations, connection)
            rows.insert(connection, registry.with_numbers)
            registry.insert(connection)
        versions: dict[str, list[tuple[int, int]]] = {}
        for (_, name), here in sorted(registry.new):
            versions.setdefault(name, []).append((here, registry.versions[_, name][here]))
        new_models = {name for _, name in registry.new_models}
        return Copied(len(rows.runs), len(rows.models), rows.known_runs, versions, new_models, local.left_out())
