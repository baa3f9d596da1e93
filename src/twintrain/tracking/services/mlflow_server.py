"""MLflow's server with users and passwords: runs in PostgreSQL, artifacts through it in S3."""

import http.client
import importlib.util
import os
import sys
import urllib.request

from twintrain.errors import UserError
from twintrain.system.ports import HOST
from twintrain.tracking.services.daemon import Daemon
from twintrain.tracking.services.site import ADMIN, INSTALL, Site, write_secret
from twintrain.tracking.store import ENVIRONMENT

START_SECONDS = 180
ANSWER_SECONDS = 5
# MLflow's default of 4 takes half a GB more, and is for more than one machine's users.
WORKERS = 2
# uvicorn would kill workers that take longer than 5 s to import MLflow, again and again.
UVICORN = "--timeout-worker-healthcheck 120"
NEEDED = {"boto3": "boto3", "flask_wtf": "Flask-WTF"}
# A password is compared by a hash that takes 0.2 s, and a run asks a hundred times: one that was right stays so for
# a while.
CACHE_SECONDS = 60
AUTHORIZATION = "mlflow.server.auth:authenticate_request_basic_auth"


class MlflowServer:
    """The server that clients talk to; they need no keys of S3."""

    name = "mlflow"
    title = "MLflow"

    def __init__(self, site: Site) -> None:
        self.site = site
        self.folder = site.folder / self.name
        self._daemon = Daemon(self.title, self.folder)

    def check(self) -> None:
        """Raises a UserError where something that it needs is not installed."""
        for module, package in NEEDED.items():
            if importlib.util.find_spec(module) is None:
                raise UserError(f"the services need {package}, which is not installed; type: {INSTALL}")

    def is_up(self) -> bool:
        """Whether it answers."""
        try:
            urllib.request.urlopen(f"http://{self.site.address(self.name)}/health", timeout=ANSWER_SECONDS).close()
        except (OSError, http.client.HTTPException):  # nobody, or somebody else
            return False
        return True

    def start(self) -> None:
        """Starts it; it makes its tables and its first user where there are none."""
        if not self._daemon.is_running:
            self._daemon.stop()  # what a killed one has started goes on, and holds its port
            self.site.check_port(self.name, self.title)
            self.folder.mkdir(parents=True, exist_ok=True)
            self._daemon.start(self.command, self._environment())
        self._daemon.wait(self.is_up, START_SECONDS)

    def _environment(self) -> dict[str, str]:
        """That of the server, with the passwords; a file that it names has its settings of users."""
        users = self.folder / "users.ini"
        settings = {
            "default_permission": "EDIT",
            "database_uri": self.site.database("users"),
            "admin_username": ADMIN,
            "admin_password": self.site.admin_password,
            "authorization_function": AUTHORIZATION,
            "auth_cache_ttl_seconds": CACHE_SECONDS,
        }
        write_secret(users, "[mlflow]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items()))
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")},
            **ENVIRONMENT,
            **self.site.database_variables(),
            **self.site.s3_variables(),
            "MLFLOW_AUTH_CONFIG_PATH": str(users),
            "MLFLOW_FLASK_SERVER_SECRET_KEY": self.site.session_key,
            # Clients try again by themselves, and are told sooner.
            "AWS_MAX_ATTEMPTS": "2",
        }

    @property
    def command(self) -> list[str]:
        """What starts it."""
        store = ["--backend-store-uri", self.site.database("mlflow"), "--artifacts-destination", self.site.artifacts]
        network = ["--host", HOST, "--port", str(self.site.ports[self.name]), "--workers", str(WORKERS)]
        options = ["--app-name", "basic-auth", *store, *network, "--uvicorn-opts", UVICORN]
        return [sys.executable, "-m", "mlflow", "server", *options]

    def stop(self) -> None:
        """Ends it, and its workers."""
        self._daemon.stop()
