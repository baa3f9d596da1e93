"""Addresses of pages of the MLflow UI."""

import json
import os
import urllib.parse

from twintrain.system.passwords import split_login

LOCAL = "http://localhost:5000"  # what `make ui` serves


def ui_address() -> str:
    """Where the UI is: the tracking server that MLFLOW_TRACKING_URI names, else what `make ui` serves.

    Of a user and a password there it says nothing: it gets into pages that others read.
    """
    given = os.environ.get("MLFLOW_TRACKING_URI", "")
    return split_login(given)[0].rstrip("/") if given.startswith(("http://", "https://")) else LOCAL


def run_page(address: str, experiment_id: str, run_id: str) -> str:
    """The page of one run."""
    return f"{address}/#/experiments/{experiment_id}/runs/{run_id}"


def comparison_page(address: str, experiment_id: str, run_ids: list[str]) -> str:
    """The page that shows runs side by side."""
    quoted = [urllib.parse.quote(json.dumps(ids, separators=(",", ":"))) for ids in (run_ids, [experiment_id])]
    return "{}/#/compare-runs?runs={}&experiments={}".format(address, *quoted)
