"""`python -m pipelines.fetch`, of which neither git nor DVC sees anything. The tests build on each other, in order."""

import hashlib
import signal
import threading
import time

import pytest
from faulty_server import Fault, FaultyServer, faulty_server
from project_clone import Clone

from twintrain.settings.yaml_files import write_yaml

pytestmark = pytest.mark.slow  # a minute and more: every command is a process, and DVC another one

TABLE = "".join(f"{row % 7},{row % 3},{row % 2}\n" for row in range(20_000)).encode()
SUM = hashlib.sha256(TABLE).hexdigest()
INGEST = ("--model", "logic_mlp", "--target", "ingest")


@pytest.fixture(scope="module")
def server():
    with faulty_server() as server:
        server.files["/up/demo.csv"] = TABLE
        yield server


def describe(clone: Clone, server: FaultyServer) -> None:
    """Writes the description of a data set that the server has."""
    description = {
        "title": "Demo",
        "origin": "written for the tests",
        "licence": "public domain",
        "task": "binary",
        "format": "table",
        "header": False,
        "files": {"demo.csv": SUM},
        "sources": [f"{server.url}/up/"],
        "target": "y",
        "labels": ["0", "1"],
        "features": {"a": "numeric", "b": "numeric"},
    }
    write_yaml(clone.folder / "conf/datasets/demo.yaml", description)
    git = ("git", "-c", "user.name=test", "-c", "user.email=test@example.org")
    assert clone.call("git", "add", "conf").returncode == 0
    assert clone.call(*git, "commit", "--quiet", "-m", "Describe demo").returncode == 0


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, server: FaultyServer) -> Clone:
    clone = Clone(tmp_path_factory.mktemp("fetch") / "clone")
    describe(clone, server)
    return clone


def fetch(clone: Clone, *arguments: str, **environment: str):
    return clone.call("python", "-m", "pipelines.fetch", *arguments, **environment)


def changed(clone: Clone) -> list[str]:
    return clone.call("git", "status", "--porcelain").stdout.splitlines()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dem"], "error: unknown dataset 'dem'; did you mean 'demo'?"),
        (["car"], "error: data/car/car.data is missing; get it with: dvc pull data.dvc"),
    ],
)
def test_mistake_is_one_line_and_writes_nothing(arguments, message, clone: Clone):
    result = fetch(clone, *arguments)
    assert (result.returncode, result.stderr, result.stdout) == (1, f"{message}\n", "")
    assert changed(clone) == []
    assert not (clone.folder / "fetched").exists()


def test_mirror_of_another_kind_is_refused(clone: Clone):
    result = fetch(clone, "demo", TWINTRAIN_MIRROR="s3://bucket")
    assert result.stderr == "error: TWINTRAIN_MIRROR: expected folders or http(s) URLs, got s3://bucket\n"
    assert not (clone.folder / "fetched").exists()


def test_what_is_fetched_changes_nothing_that_git_or_dvc_knows(clone: Clone, server: FaultyServer):
    result = fetch(clone, "demo")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        f"demo/demo.csv from {server.url}/up/demo.csv",
        "demo: 1 file in fetched/demo, as described",
    ]
    assert (clone.folder / "fetched/demo/demo.csv").read_bytes() == TABLE
    assert changed(clone) == []
    assert not (clone.folder / "data").exists()


def test_what_is_there_is_not_fetched_again(clone: Clone, server: FaultyServer):
    before = len(server.requests)
    result = fetch(clone, "demo")
    assert (result.returncode, result.stdout) == (0, "demo: 1 file in fetched/demo, as described\n")
    assert len(server.requests) == before


def test_data_that_ships_is_as_it_is(clone: Clone):
    assert clone.call("dvc", "pull", "--quiet", "data.dvc").returncode == 0
    assert fetch(clone, "car").stdout == "car: 1 file in data/car, as described\n"
    assert fetch(clone).stdout == "mnist5k: 1 file in data/mnist5k, as described\n"


def test_altered_file_is_refused_and_replaced_on_request(clone: Clone, server: FaultyServer):
    path = clone.folder / "fetched/demo/demo.csv"
    path.write_bytes(b"1,2,0\n")
    for command in (fetch(clone, "demo"), clone.run("--dataset", "demo", *INGEST)):
        (line,) = command.stderr.splitlines()
        assert command.returncode == 1
        assert line.startswith("error: fetched/demo/demo.csv is ")
        assert line.endswith("with: python -m pipelines.fetch demo --force")
    assert path.read_bytes() == b"1,2,0\n"
    assert fetch(clone, "demo", "--force").returncode == 0
    assert path.read_bytes() == TABLE


def test_fetch_that_fails_leaves_a_part_file(clone: Clone, server: FaultyServer):
    (clone.folder / "fetched/demo/demo.csv").unlink()
    server.faults = [Fault(cut_after=1000), Fault(status=404)]
    result = fetch(clone, "demo")
    (line,) = result.stderr.splitlines()
    assert result.returncode == 1
    assert line == (
        f"error: demo/demo.csv could not be fetched (tried {server.url}/up/demo.csv: status 404 Not Found); "
        "try again later, or name a mirror in TWINTRAIN_MIRROR; what has come so far is kept"
    )
    assert (clone.folder / "fetched/demo/demo.csv.part").stat().st_size == 1000


def test_run_fetches_what_is_missing(clone: Clone, server: FaultyServer):
    result = clone.run("--dataset", "demo", *INGEST)
    assert result.returncode == 0, result.stdout + result.stderr
    assert server.requests[-1][1] == "bytes=1000-"
    assert "ingest: demo, 20,000 rows, 0 set aside" in result.stdout
    assert changed(clone) == [" M dvc.lock", " M params.yaml"]


def test_interrupted_fetch_goes_on(clone: Clone, server: FaultyServer):
    (clone.folder / "fetched/demo/demo.csv").unlink()
    part = clone.folder / "fetched/demo/demo.csv.part"
    server.faults = [Fault(cut_after=2000, wait=3)]
    process = clone.start("python", "-m", "pipelines.fetch", "demo")
    wait_for(lambda: part.is_file() and part.stat().st_size == 2000)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert fetch(clone, "demo").returncode == 0
    assert server.requests[-1][1] == "bytes=2000-"
    assert (clone.folder / "fetched/demo/demo.csv").read_bytes() == TABLE


def test_two_fetches_at_once_are_one_after_the_other(clone: Clone, server: FaultyServer):
    (clone.folder / "fetched/demo/demo.csv").unlink()
    go_on = threading.Event()
    server.faults = [Fault(cut_after=len(TABLE) - 1, held_until=go_on)]
    before, said = len(server.requests), clone.folder.parent / "second.txt"
    first = clone.start("python", "-m", "pipelines.fetch", "demo")
    wait_for(lambda: len(server.requests) > before)
    with said.open("w") as file:
        second = clone.start("python", "-m", "pipelines.fetch", "demo", said=file)
    wait_for(lambda: "Waiting" in said.read_text())
    go_on.set()
    assert first.wait() == second.wait() == 0
    waiting, done = said.read_text().splitlines()
    assert waiting.startswith(
        f"Waiting for another command to end: python -m pipelines.fetch demo (process {first.pid} "
    )
    assert done == "demo: 1 file in fetched/demo, as described"
    assert len(server.requests) == before + 2


def wait_for(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.02)


def test_clone_of_a_data_dvc_that_nobody_pushed_says_so(clone: Clone):
    listed = (clone.folder / "data.dvc").read_text()
    (clone.folder / "data.dvc").write_text(listed.replace("md5: ", "md5: 0", 1))
    (clone.folder / "data").rename(clone.folder.parent / "data")
    result = clone.run("--preset", "xor", "--target", "ingest")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == (
        "error: the data could not be pulled, see above; expected the remote in .dvc/config to hold data.dvc's files; "
        "whoever committed data.dvc types: dvc push data.dvc, and you then: git checkout data.dvc && dvc pull data.dvc"
    )
