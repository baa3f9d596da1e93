"""A PostgreSQL server of this machine, with a database for each who asks for one."""

import contextlib
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from twintrain.errors import UserError
from twintrain.system.ports import HOST, free_port
from twintrain.tracking.services.postgres import Postgres, binaries, other_user
from twintrain.tracking.services.site import Site

PASSWORD = "s3cret:of@the/sweep"
QUOTED = "s3cret%3Aof%40the%2Fsweep"


def missing() -> str | None:
    """What is lacking for a server and its driver; None: nothing."""
    try:
        Postgres(Site(Path("/"), {})).check()
    except UserError as error:
        return str(error)
    return None


class Server:
    """A server that runs."""

    def __init__(self, folder: Path, host: str, port: int) -> None:
        self.folder, self.host, self.port = folder, host, port

    def database(self) -> str:
        """Makes an empty database, and returns its address."""
        import psycopg

        name = f"sweeps_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(self._login("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://tester:{QUOTED}@{self.host}:{self.port}/{name}"

    def call(self, *arguments: str) -> None:
        """Calls pg_ctl."""
        _run("pg_ctl", "-D", str(self.folder / "data"), "-w", *arguments)

    def _login(self, database: str) -> str:
        return f"host={self.host} port={self.port} user=tester password={PASSWORD} dbname={database}"


@contextlib.contextmanager
def server(host: str = HOST) -> Iterator[Server]:
    """Starts a server on a free port of an address of this machine, in a folder that is removed after it."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    if user := other_user():
        shutil.chown(folder, user)
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    found = Server(folder, host, free_port())
    try:
        login = ("-U", "tester", f"--pwfile={folder}/password", "--auth=scram-sha-256")
        _run("initdb", "-D", str(folder / "data"), "--no-sync", "--no-instructions", *login)
        with (folder / "data/pg_hba.conf").open("a") as allowed:
            allowed.write("host all tester all scram-sha-256\n")
        options = f"-p {found.port} -k {folder} -c listen_addresses={host} -c fsync=off"
        found.call("-l", str(folder / "log.txt"), "-o", options, "start")
        yield found
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            found.call("-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _run(program: str, *arguments: str) -> None:
    command = [str(binaries() / program), *arguments]
    subprocess.run(command, user=other_user(), cwd="/", check=True, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
