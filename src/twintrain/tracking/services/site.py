"""Where the services of this machine lie: their folder, ports and passwords, which are drawn once and stay."""

import json
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from twintrain.errors import UserError
from twintrain.system.ports import HOST, free_port, is_free
from twintrain.system.stored import damaged, read_json

FOLDER = Path("build/services")
FILE = "services.json"
# The first is asked for; where somebody listens there, a later one is taken, and kept.
PORTS = {"postgres": 5510, "s3": 5511, "mlflow": 5512}
PORTS_APART = 10
# From here on systems give ports to whoever asks for any: after a restart it may be another program's.
ANYBODYS = 32768
USER = "twintrain"
# A name and password of MLflow's are needed from the first start on; others are added over its API.
ADMIN = "admin"
# Databases of PostgreSQL: of runs, of MLflow's users, of sweeps. Buckets: of artifacts, of DVC.
DATABASES = ("mlflow", "users", "sweeps")
BUCKETS = ("mlflow", "dvc")
AGAIN = "make services"
INSTALL = "python -m pip install -r requirements-team.txt"


def _secret() -> str:
    # No letter of it means anything in an address, a shell or an .ini file.
    return secrets.token_hex(16)


@dataclass(frozen=True)
class Site:
    """What the services are started with.

    Attributes:
        folder: absolute; one below for each of them.
        ports: of this machine, by service.
        database_password: that of `USER` in PostgreSQL.
        access_key, secret_key: of S3.
        admin_password: that of `ADMIN` in MLflow.
        session_key: what MLflow's server signs its forms with.
    """

    folder: Path
    ports: dict[str, int]
    database_password: str = field(default_factory=_secret, repr=False)
    access_key: str = field(default_factory=_secret, repr=False)
    secret_key: str = field(default_factory=_secret, repr=False)
    admin_password: str = field(default_factory=_secret, repr=False)
    session_key: str = field(default_factory=_secret, repr=False)

    @staticmethod
    def is_in(folder: Path) -> bool:
        """Whether services were ever started there."""
        return (folder / FILE).exists()

    @classmethod
    def of(cls, folder: Path) -> "Site":
        """That of a folder, made where there is none.

        Raises:
            UserError: it is lost, with the passwords of the data in that folder.
            DamagedFileError: of the file that it is kept in.
        """
        folder = folder.resolve()
        file = folder / FILE
        if not cls.is_in(folder):
            if (folder / "postgres" / "data").exists():
                raise UserError(
                    f"{file} is missing, and with it the password of the data there; bring it back from a backup, "
                    f"or begin anew: mv {folder} {folder}.old"
                )
            folder.mkdir(parents=True, exist_ok=True)
            site = cls(folder, {name: _port_from(port) for name, port in PORTS.items()})
            site.keep()
        return cls(folder, **_kept(file))

    def keep(self) -> None:
        """Writes it into its folder, for the next command."""
        kept = {name: value for name, value in asdict(self).items() if name != "folder"}
        write_secret(self.folder / FILE, json.dumps(kept, indent=2) + "\n")

    def check_port(self, service: str, title: str) -> None:
        """Raises a UserError where another program listens where a service is to: others know it by that port."""
        if not is_free(self.ports[service]):
            raise UserError(
                f"{title}: another program listens on port {self.ports[service]}; end that, or write another port "
                f"into {self.folder / FILE}"
            )

    def address(self, service: str) -> str:
        """HOST:PORT of a service."""
        return f"{HOST}:{self.ports[service]}"

    def database(self, name: str) -> str:
        """The address of a database, without a password: that is in the file which PGPASSFILE names."""
        return f"postgresql+psycopg://{USER}@{self.address('postgres')}/{name}"

    @property
    def artifacts(self) -> str:
        """Where MLflow's server keeps artifacts."""
        return "s3://mlflow"

    def s3_variables(self) -> dict[str, str]:
        """What boto3, and with it MLflow and DVC, finds the buckets by."""
        endpoint = f"http://{self.address('s3')}"
        login = {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}
        return {**login, "AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": "us-east-1"}

    def database_variables(self) -> dict[str, str]:
        """What libpq, and with it pg_dump and psql, finds the databases by."""
        login = {"PGUSER": USER, "PGPASSFILE": str(self.folder / "pgpass")}
        return {"PGHOST": HOST, "PGPORT": str(self.ports["postgres"]), **login}

    def client_variables(self) -> dict[str, str]:
        """What commands of this project, MLflow, DVC and Optuna reach the services by."""
        login = {"MLFLOW_TRACKING_USERNAME": ADMIN, "MLFLOW_TRACKING_PASSWORD": self.admin_password}
        store = {"MLFLOW_TRACKING_URI": f"http://{self.address('mlflow')}", **login}
        return {**store, **self.database_variables(), **self.s3_variables()}


def _kept(file: Path) -> dict[str, Any]:
    """What a file has of a site, but for its folder."""
    names = [name for name in Site.__dataclass_fields__ if name != "folder"]
    found = read_json(file, dict, names)
    ports = found["ports"]
    if not isinstance(ports, dict) or not all(_is_port(ports.get(service)) for service in PORTS):
        raise damaged(file, f"a port from 1 to 65535 of each of {', '.join(PORTS)}", json.dumps(ports))
    for name in names[1:]:
        if not isinstance(found[name], str) or not found[name]:
            raise damaged(file, f"a text as '{name}'", "another thing")  # which may be a password
    return {name: found[name] for name in names}


def _is_port(value: object) -> bool:
    return isinstance(value, int) and 1 <= value <= 65535


def _port_from(first: int) -> int:
    return next(filter(is_free, range(first, ANYBODYS, PORTS_APART)), None) or free_port()


def write_secret(file: Path, text: str) -> None:
    """Writes a file whole, or not at all, that its owner alone may read."""
    partial = file.with_name(file.name + ".partial")
    partial.unlink(missing_ok=True)
    partial.touch(0o600)
    partial.write_text(text, "utf-8")
    partial.replace(file)
