"""The store of a team on this machine, from packages: PostgreSQL, an S3 server, MLflow's server with users.

python -m pipelines.services             starts what does not run; says how to use it
python -m pipelines.services --status    which of them answer; exit status 1 if not all do
python -m pipelines.services --stop      ends them; their data stay in build/services
"""

import shlex

from filelock import FileLock

from twintrain.command_line.commands import command_parser, run_command
from twintrain.tracking.services.servers import servers
from twintrain.tracking.services.site import ADMIN, AGAIN, FOLDER, Site, write_secret


def services() -> int:
    """Runs the command."""
    parser = command_parser("services", __doc__)
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--status", action="store_true")
    group.add_argument("--stop", action="store_true")
    arguments = parser.parse_args()
    if (arguments.status or arguments.stop) and not Site.is_in(FOLDER):
        print(f"no services here; start them: {AGAIN}")
        return int(arguments.status)
    if not arguments.status and not arguments.stop:
        for server in servers(Site(FOLDER, {})):
            server.check()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with FileLock(FOLDER / "lock"):
        site = Site.of(FOLDER)
        return _status(site) if arguments.status else _stop(site) if arguments.stop else _start(site)


def _start(site: Site) -> int:
    for server in servers(site):
        server.start()
        print(f"{server.title:<10} runs on {site.address(server.name)}", flush=True)
    client = FOLDER / "client.env"
    write_secret(
        client, "".join(f"export {each}={shlex.quote(value)}\n" for each, value in site.client_variables().items())
    )
    print(f"\nuse them in this shell:  . {client}")
    print(f"runs in a browser:       http://{site.address('mlflow')}, as {ADMIN}; its password is in {client}")
    print(f"bring mlflow.db there:   make copy-store\nend them:                {AGAIN} ARGS=--stop")
    return 0


def _status(site: Site) -> int:
    up = {server: server.is_up() for server in servers(site)}
    for server, answers in up.items():
        print(f"{server.title:<10} {'answers' if answers else 'does not answer'} on {site.address(server.name)}")
    return int(not all(up.values()))


def _stop(site: Site) -> int:
    for server in reversed(servers(site)):
        server.stop()
        print(f"{server.title:<10} has ended", flush=True)
    return 0


if __name__ == "__main__":
    run_command(services)
