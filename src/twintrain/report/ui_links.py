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


def comparison_page(address: str, experiment_id: str, run_ids: list[str], score: str) -> str:
    """The page that shows the curves of trainings in one chart; from there one click leads to all else, side by side.

    The page with all else opens with a chart of parameters and of what the machine did.

    Args:
        score: what was watched beside the loss (`statements.watched_score`).
    """
    curves = [f"{part}_{name}" for name in ("loss", score) for part in ("train", "val")]
    shown = {"runs": run_ids, "metric": "val_loss", "experiments": [experiment_id], "plot_metric_keys": curves}
    quoted = {name: urllib.parse.quote(json.dumps(value, separators=(",", ":"))) for name, value in shown.items()}
    return f"{address}/#/metric?{'&'.join(f'{name}={value}' for name, value in quoted.items())}&x_axis=step"
