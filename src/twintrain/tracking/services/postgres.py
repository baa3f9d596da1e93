"""PostgreSQL: runs, registry and users of MLflow, and sweeps."""

import contextlib
import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path

import psutil

from twintrain.errors import UserError, cut, first_line
from twintrain.system.ports import HOST
from twintrain.system.processes import last_line
from twintrain.system.watched import name_of, running
from twintrain.tracking.services.daemon import LOOK_SECONDS
from twintrain.tracking.services.site import DATABASES, INSTALL, USER, Site, write_secret

INSTALL_SERVER = "apt-get install postgresql, or your system's like"
# Who may run a server, where this is root: PostgreSQL refuses that.
OTHERS = ("postgres", "nobody")
ANSWER_SECONDS = 10
# Of what it says while it starts, brings its data in order, or ends.
IN_BETWEEN = "the database system is "
START_SECONDS, END_SECONDS = 60, 20


class Postgres:
    """A cluster of its own, in the folder of the site."""

    name = "postgres"
    title = "PostgreSQL"

    def __init__(self, site: Site) -> None:
        self.site = site
        self.folder = site.folder / self.name

    def check(self) -> None:
        """Raises a UserError where something that it needs is not installed."""
        try:
            import psycopg  # noqa: F401
        except ImportError:
            raise UserError(f"the services need PostgreSQL's driver, which is not installed; type: {INSTALL}") from None
        binaries()
        _check_reachable(self.folder)

    def is_up(self) -> bool:
        """Whether it takes connections."""
        return not self._refusal()

    def _refusal(self) -> str:
        """Why it takes no connection; empty where it does."""
        import psycopg

        try:
            self._connect().close()
        except psycopg.Error as error:
            return first_line(error)
        return ""

    def start(self) -> None:
        """Starts it, and makes what is not there yet: the cluster, its databases."""
        data = self.folder / "data"
        if not data.exists():
            self._make(data)
        write_secret(self.site.folder / "pgpass", f"{self.site.address(self.name)}:*:{USER}:{self._password}\n")
        self._settle()
        if self._process() is None:
            self._clear()
            self.site.check_port(self.name, self.title)
            # No socket: the path of one may be too long.
            options = f"-p {self.site.ports[self.name]} -c listen_addresses={HOST} -c unix_socket_directories=''"
            self._control("-t", str(START_SECONDS), "-l", str(self.folder / "log.txt"), "-o", options, "start")
        self._make_databases()

    def stop(self) -> None:
        """Ends it, after what it is asked at the moment."""
        process = self._process()
        if process is None:
            return
        name = name_of(process)
        try:
            self._control("-t", str(END_SECONDS), "-m", "fast", "stop")
        except UserError:  # it hangs; killed, it loses nothing that it has confirmed
            process.kill()
        # PostgreSQL's command waits until the file of its number is gone, a moment before the process is.
        give_up = time.monotonic() + END_SECONDS
        while running(name) and time.monotonic() < give_up:
            time.sleep(LOOK_SECONDS)

    @property
    def _number_file(self) -> Path:
        return self.folder / "data" / "postmaster.pid"

    def _process(self) -> psutil.Process | None:
        """The server of this cluster, if it runs: by the number that it has written, and what it was started with."""
        try:
            process = psutil.Process(int(self._number_file.read_text("utf-8").split()[0]))
            return process if str(self.folder / "data") in process.cmdline() else None
        except (OSError, ValueError, IndexError, psutil.Error):
            return None

    def _settle(self) -> None:
        """Waits for a server that comes up, or that goes down."""
        give_up = time.monotonic() + START_SECONDS
        while self._process() is not None and IN_BETWEEN in self._refusal() and time.monotonic() < give_up:
            time.sleep(LOOK_SECONDS)

    def _clear(self) -> None:
        """Waits for what a killed server has started, which ends by itself, and removes the number of that server.

        Another process may have got it since, or it may be listed for as long as nobody waits for it: a new server
        would take either for one that has the data in use.
        """
        give_up = time.monotonic() + END_SECONDS
        while any(_folder_of(process) == self.folder / "data" for process in psutil.process_iter()):
            if time.monotonic() > give_up:
                raise UserError(f"{self.title}: processes of a killed server have not ended, in {self.folder / 'data'}")
            time.sleep(LOOK_SECONDS)
        self._number_file.unlink(missing_ok=True)

    @property
    def _password(self) -> str:
        return self.site.database_password

    def _make(self, data: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.folder / "data.partial"
        shutil.rmtree(partial, ignore_errors=True)
        password = self.folder / "password"
        write_secret(password, self._password)
        try:
            if user := other_user():
                for path in (self.folder, password):
                    shutil.chown(path, user)
            login = ("-U", USER, f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8")
            self._call("initdb", "-D", str(partial), "--no-instructions", *login)
        finally:
            password.unlink()
        partial.rename(data)

    def _make_databases(self) -> None:
        with self._connected() as connection:
            connection.autocommit = True
            there = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
            for name in DATABASES:
                if name not in there:
                    connection.execute(f"CREATE DATABASE {name}")

    def _connected(self) -> "psycopg.Connection":  # noqa: F821 (imported when needed)
        import psycopg

        try:
            return self._connect()
        except psycopg.Error as error:
            raise UserError(f"{self.title} runs, and takes no connection: {first_line(error)}") from None

    def _connect(self) -> "psycopg.Connection":  # noqa: F821 (imported when needed)
        import psycopg

        port = self.site.ports[self.name]
        login = {"user": USER, "password": self._password, "dbname": "postgres"}
        return psycopg.connect(host=HOST, port=port, connect_timeout=ANSWER_SECONDS, **login)

    def _control(self, *arguments: str) -> None:
        self._call("pg_ctl", "-D", str(self.folder / "data"), "-w", *arguments)

    def _call(self, program: str, *arguments: str) -> None:
        log = self.folder / "log.txt"
        # A file and no pipe, which the server would keep open.
        with log.open("ab") as said:
            user = other_user()
            if user:
                shutil.chown(log, user)
            command = [str(binaries() / program), *arguments]
            done = subprocess.run(command, user=user, cwd="/", check=False, stdout=said, stderr=said)
        if done.returncode:
            raise UserError(f"PostgreSQL: {program} has failed: {cut(last_line(log))}; all it said: {log}")


def _folder_of(process: psutil.Process) -> Path | None:
    """Where a process is: those of PostgreSQL are in its data."""
    with contextlib.suppress(psutil.Error):
        return Path(process.cwd())
    return None


def binaries() -> Path:
    """The folder of initdb and pg_ctl, which Debian keeps off the path.

    Raises:
        UserError: there is none.
    """
    found = [Path(path).resolve().parent for path in filter(None, [shutil.which("pg_ctl")])]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in found:
        if (folder / "pg_ctl").exists() and (folder / "initdb").exists():
            return folder
    raise UserError(f"the services need PostgreSQL, which is not installed; type: {INSTALL_SERVER}")


def _check_reachable(folder: Path) -> None:
    """Raises a UserError where whoever runs it in place of root cannot enter a folder above."""
    user = other_user()
    for above in reversed(folder.absolute().parents) if user else ():
        if above.exists() and subprocess.run(["test", "-x", str(above)], user=user, cwd="/", check=False).returncode:
            raise UserError(
                f"PostgreSQL does not run as root but as {user}, who cannot enter {above}; expected a project "
                f"elsewhere, another login, or: chmod o+x {above}"
            )


def other_user() -> str | None:
    """Who runs it in place of root; None: whoever types the command.

    Raises:
        UserError: this is root, and there is nobody else.
    """
    if os.getuid():
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in OTHERS:
        if name in known:
            return name
    raise UserError(f"PostgreSQL does not run as root; expected a user {' or '.join(OTHERS)} here, or another login")
