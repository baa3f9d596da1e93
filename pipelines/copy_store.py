"""Copies a store of one machine, mlflow.db with its artifacts, to that of a team: runs, models, registry.

python -m pipelines.copy_store                              mlflow.db of this folder, to the services of this machine
python -m pipelines.copy_store --source brought/mlflow.db   another one, with mlruns/ beside it
python -m pipelines.copy_store --database postgresql+psycopg://USER@HOST/mlflow --artifacts s3://BUCKET
"""

from pathlib import Path

from twintrain.command_line.commands import command_parser, run_command
from twintrain.errors import UserError
from twintrain.system.processes import changed_environment
from twintrain.tracking.services.site import AGAIN, FOLDER, Site
from twintrain.tracking.store_copy import copying
from twintrain.tracking.store_copy.team_store import TeamStore, check_addresses


def copy_store() -> None:
    """Runs the command."""
    parser = command_parser("copy_store", __doc__)
    parser.add_argument("--source", default="mlflow.db", metavar="FILE", help="the database of the store to be copied")
    parser.add_argument("--database", default="", metavar="ADDRESS", help="of the server's: --backend-store-uri")
    parser.add_argument("--artifacts", default="", metavar="PLACE", help="of the server's: --artifacts-destination")
    arguments = parser.parse_args()
    database, artifacts, variables = arguments.database, arguments.artifacts, {}
    if bool(database) != bool(artifacts):
        raise UserError("expected both --database and --artifacts, or neither, for the services of this machine")
    if not database:
        if not Site.is_in(FOLDER):
            raise UserError(f"no services here; start them: {AGAIN}, or give --database and --artifacts")
        site = Site.of(FOLDER)
        database, artifacts = site.database("mlflow"), site.artifacts
        variables = {**site.database_variables(), **site.s3_variables()}
    check_addresses(database, artifacts)
    with changed_environment(variables):
        _print(copying.copy_store(Path(arguments.source), TeamStore(database, artifacts)))


def _print(copied: copying.Copied) -> None:
    there = f"; {copied.known_runs} were there, and stay as they are there" if copied.known_runs else ""
    print(f"{copied.runs} runs and {copied.models} logged models have come along{there}")
    for name, versions in copied.versions.items():
        numbers = ", ".join(str(here) if here == there else f"{here} as {there}" for here, there in versions)
        aliases = "with its aliases" if name in copied.new_models else "the aliases stay as they are there"
        print(f"{name}: versions {numbers}; {aliases}")
    if copied.left_out:
        tables = ", ".join(f"{name} ({count:,} rows)" for name, count in copied.left_out.items())
        print(f"left out, since no command of this project writes them: {tables}")


if __name__ == "__main__":
    run_command(copy_store)
