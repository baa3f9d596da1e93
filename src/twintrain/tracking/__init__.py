"""The one door to MLflow's runs.

What a run logs goes into its journal first (`journal`), and from there to the store (`courier`, `delivery`), so that a
store which fails, hangs or is slow costs neither a result nor what was logged.
"""

from twintrain.tracking.courier import hangs
from twintrain.tracking.journal import FOLDER, Ref, journal_keys, journals_folder
from twintrain.tracking.lineage import lock_tags, project_tags
from twintrain.tracking.lookup import find_run, model_of
from twintrain.tracking.reasons import reason_of
from twintrain.tracking.recovery import Synced, abandoned_journals, synchronize
from twintrain.tracking.run import Run, attempt, save_model
from twintrain.tracking.store import (
    PARENT,
    check_connection,
    connect,
    environment,
    open_store,
    pinned_requirements,
    store_uri,
)
from twintrain.tracking.tree import (
    add_to_run,
    child_run,
    command_run,
    end_runs,
    experiment_run,
    log_model_of,
    name_runs,
    parent_run,
    stage_run,
)

__all__ = [
    "FOLDER",
    "PARENT",
    "Ref",
    "Run",
    "Synced",
    "abandoned_journals",
    "add_to_run",
    "attempt",
    "check_connection",
    "child_run",
    "command_run",
    "connect",
    "end_runs",
    "environment",
    "experiment_run",
    "find_run",
    "hangs",
    "journal_keys",
    "journals_folder",
    "lock_tags",
    "log_model_of",
    "model_of",
    "name_runs",
    "open_store",
    "parent_run",
    "pinned_requirements",
    "project_tags",
    "reason_of",
    "save_model",
    "stage_run",
    "store_uri",
    "synchronize",
]
