"""Ray as our programs start it: on this machine, or on the cluster that RAY_ADDRESS names; quiet, without telemetry."""

import contextlib
import importlib.util
import os
import secrets
import socket
from collections.abc import Iterator

from twintrain.errors import UserError
from twintrain.system.processes import worker_environment

ADDRESS_OF_RAY = "RAY_ADDRESS"
SECONDS_TO_CONNECT = 10


def check_ray(setting: str) -> None:
    """Raises a UserError where Ray is not installed.

    Args:
        setting: which one asks for it.
    """
    if importlib.util.find_spec("ray") is None:
        raise UserError(
            f"{setting}: ray needs Ray, which is not installed; type: python -m pip install -r requirements-ray.txt"
        )


@contextlib.contextmanager
def ray_cluster(count: int) -> Iterator[None]:
    """The cluster that the environment names, else one of `count` processors of this machine, gone with the context.

    RAY_TMPDIR is a folder that whoever starts this program deletes. What else Ray reads when it is imported must be in
    the environment before.

    Raises:
        SystemExit: no cluster answers.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    address = os.environ.get(ADDRESS_OF_RAY)
    if address:
        _check_address(address)
    else:  # else Ray leaves a token in the home folder
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
    import ray

    path = {"env_vars": {"PYTHONPATH": worker_environment()["PYTHONPATH"]}}
    common = {"runtime_env": path, "logging_level": "warning", "log_to_driver": False}
    if address:
        ray.init(address, **common)
    else:
        ray.init("local", num_cpus=count, include_dashboard=False, _temp_dir=os.environ["RAY_TMPDIR"], **common)
    try:
        yield
    finally:
        ray.shutdown()


def _check_address(address: str) -> None:
    """Ends this process where no cluster listens; Ray itself tries for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdecimal():  # auto
        return
    try:
        socket.create_connection((host, int(port)), SECONDS_TO_CONNECT).close()
    except OSError as error:
        raise SystemExit(f"error: {ADDRESS_OF_RAY}={address}: no cluster of Ray answers there: {error}") from None
