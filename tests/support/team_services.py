"""The real servers of a team's store, in a folder of their own."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
from faulty_store import FaultyStore
from services_folder import services_folder

from twintrain.errors import UserError
from twintrain.system.ports import HOST, free_port
from twintrain.tracking.services.servers import Server, servers
from twintrain.tracking.services.site import ADMIN, PORTS, Site


def missing() -> str | None:
    """What is lacking for the services; None: nothing."""
    try:
        for server in servers(Site(Path("/"), {})):
            server.check()
    except UserError as error:
        return str(error)
    return None


class Services:
    """Services that run; a store that faults can be planted before (`faulty_store`).

    Attributes:
        site: their folder, ports and passwords.
        variables: the environment of a client.
        port: of MLflow's server.
        database: the address of MLflow's database, with the password.
        artifacts: the folder of MLflow's bucket.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.variables = site.client_variables()
        self.port = site.ports["mlflow"]
        user, mark, rest = site.database("mlflow").partition("@")
        self.database = f"{user}:{site.database_password}{mark}{rest}"
        self.artifacts = site.folder / "s3/buckets/mlflow"
        self._servers = {server.name: server for server in servers(site)}

    def __getitem__(self, name: str) -> Server:
        return self._servers[name]

    def start(self) -> None:
        """Starts those that do not run."""
        for server in self._servers.values():
            server.start()

    def stop(self) -> None:
        """Ends all, whatever becomes of one."""
        with contextlib.ExitStack() as ends:
            for server in self._servers.values():
                ends.callback(server.stop)

    def processes(self, name: str) -> list[psutil.Process]:
        """Those of a server; the first one is the one that was started."""
        with contextlib.suppress(OSError, ValueError, psutil.Error):
            file, end = ("data/postmaster.pid", None) if name == "postgres" else ("process.txt", ":")
            number = (self.site.folder / name / file).read_text("utf-8").split(end)[0]
            found = psutil.Process(int(number))
            return [found, *found.children(recursive=True)]
        return []

    def kill(self, *names: str) -> None:
        """kill -9 of servers, as a machine that fails does."""
        found = [process for name in names for process in self.processes(name)]
        _each(found, psutil.Process.kill)
        psutil.wait_procs(found, 10)

    def pause(self, name: str) -> None:
        """Has a server hang."""
        _each(self.processes(name), psutil.Process.suspend)

    def resume(self, name: str) -> None:
        """Ends `pause`."""
        _each(self.processes(name), psutil.Process.resume)


class TeamStore(FaultyStore):
    """MLflow's server of the services, behind the proxy that plants faults; clients have the login in the address."""

    server: Services

    @property
    def uri(self) -> str:
        return f"http://{ADMIN}:{self.server.site.admin_password}@{HOST}:{self.port}"


def _each(processes: list[psutil.Process], act: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            act(process)


@contextlib.contextmanager
def team_services() -> Iterator[Services]:
    """Starts them on free ports, and ends them whatever happens."""
    with services_folder() as folder:
        Site(folder, {service: free_port() for service in PORTS}).keep()
        services = Services(Site.of(folder))
        try:
            services.start()
            yield services
        finally:
            services.stop()
