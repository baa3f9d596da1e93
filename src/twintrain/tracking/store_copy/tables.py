"""The tables of MLflow's that are copied: what runs and the registry are in."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlalchemy

# By what their rows belong to.
OF_RUN = ("metrics", "latest_metrics", "params", "tags")
OF_MODEL = ("logged_model_params", "logged_model_metrics")
EXPERIMENT_TAGS, MODEL_TAGS = "experiment_tags", "logged_model_tags"
REGISTRY = (
    *("registered_models", "registered_model_tags", "registered_model_aliases"),
    *("model_versions", "model_version_tags"),
)
OTHERS = ("experiments", "runs", "logged_models", "datasets", "inputs", "input_tags")
COPIED = (*OTHERS, EXPERIMENT_TAGS, MODEL_TAGS, *OF_RUN, *OF_MODEL, *REGISTRY)


def reflected(engine: "sqlalchemy.Engine") -> "dict[str, sqlalchemy.Table]":
    """The copied tables as a database has them."""
    import sqlalchemy

    found = sqlalchemy.MetaData()
    found.reflect(engine, only=COPIED)
    return {name: found.tables[name] for name in COPIED}


def revision_of(engine: "sqlalchemy.Engine") -> str | None:
    """Which of MLflow's migrations a database has come to; None where it has no tables of MLflow's."""
    import sqlalchemy

    if not sqlalchemy.inspect(engine).has_table("alembic_version"):
        return None
    with engine.connect() as connection:
        return connection.scalar(sqlalchemy.text("SELECT version_num FROM alembic_version"))
