"""A PostgreSQL server of this machine, with a database for each who asks for one."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

PASSWORD = "s3cret:of@the/sweep"
QUOTED = "s3cret%3Aof%40the%2Fsweep"


def missing() -> str | None:
    """What is lacking for a server and a driver; None: nothing."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed"
    if _binaries() is None:
        return "no PostgreSQL server on this machine"
    return None if os.getuid() or _other_user() else "PostgreSQL does not run as root, and there is no other user"


def _binaries() -> Path | None:
    """The folder of initdb and pg_ctl: Debian keeps them off the path."""
    found = [Path(path).resolve().parent for path in filter(None, [shutil.which("pg_ctl")])]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in found if (folder / "pg_ctl").exists() and (folder / "initdb").exists()), None)


def _other_user() -> str | None:
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


class Server:
    """A server that runs."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port

    def database(self) -> str:
        """Makes an empty database, and returns its address."""
        import psycopg

        name = f"sweeps_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(self._login("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://tester:{QUOTED}@127.0.0.1:{self.port}/{name}"

    def call(self, *arguments: str) -> None:
        """Calls pg_ctl."""
        _run("pg_ctl", "-D", str(self.folder / "data"), "-w", *arguments)

    def _login(self, database: str) -> str:
        return f"host=127.0.0.1 port={self.port} user=tester password={PASSWORD} dbname={database}"


@contextlib.contextmanager
def server() -> Iterator[Server]:
    """Starts a server on a free port, in a folder that is removed after it."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    if not os.getuid():
        shutil.chown(folder, _other_user())
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    found = Server(folder, _free_port())
    try:
        login = ("-U", "tester", f"--pwfile={folder}/password", "--auth=scram-sha-256")
        _run("initdb", "-D", str(folder / "data"), "--no-sync", "--no-instructions", *login)
        options = f"-p {found.port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        found.call("-l", str(folder / "log.txt"), "-o", options, "start")
        yield found
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            found.call("-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _run(program: str, *arguments: str) -> None:
    user = None if os.getuid() else _other_user()
    command = [str(_binaries() / program), *arguments]
    subprocess.run(command, user=user, cwd="/", check=True, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
