"""Serves the MLflow UI of the runs that this project has made, on this machine alone, until Ctrl-C.

python -m pipelines.ui                on http://localhost:5000
python -m pipelines.ui --port 5001    on another port
"""

import os
import sys
from pathlib import Path

from twintrain import tracking
from twintrain.command_line.commands import command_parser, run_command
from twintrain.command_line.ports import read_port
from twintrain.report.ui_links import ui_address
from twintrain.system.ports import HOST
from twintrain.tracking.store import environment
from twintrain.tracking.store_address import check_there

DEFAULT_PORT = 5000
USER = "MLFLOW_TRACKING_USERNAME"


def ui() -> None:
    """Runs the command; it ends as the server does."""
    parser = command_parser("ui", __doc__)
    parser.add_argument("--port", default=str(DEFAULT_PORT))
    arguments = parser.parse_args()
    uri = tracking.store_uri(Path.cwd())
    if uri.startswith(("http://", "https://")):
        login = os.environ.get(USER)
        asked = f"; log in as {login}, with the password in MLFLOW_TRACKING_PASSWORD" if login else ""
        print(f"MLFLOW_TRACKING_URI names a server, which has its own UI: {ui_address()}{asked}")
        return
    check_there(uri)
    port = read_port(arguments.port) or DEFAULT_PORT
    print(f"The MLflow UI comes up on http://localhost:{port}, within some seconds; Ctrl-C ends it", flush=True)
    store = ["--backend-store-uri", uri, "--default-artifact-root", "mlruns"]
    # One worker is up sooner than MLflow's four, and takes a quarter of their memory.
    options = [*store, "--host", HOST, "--port", str(port), "--workers", "1"]
    os.execve(sys.executable, [sys.executable, "-m", "mlflow", "server", *options], environment())


if __name__ == "__main__":
    run_command(ui)
