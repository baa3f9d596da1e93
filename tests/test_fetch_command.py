"""`python -m pipelines.fetch` and what it leaves to DVC, in clones. The tests build on each other, in order."""

import hashlib
import json
import shutil
import signal
import time
from pathlib import Path

import pytest
from faulty_server import Fault, FaultyServer, faulty_server
from project_clone import ROOT, Clone

from twintrain.yaml_files import read_yaml, write_yaml

pytestmark = pytest.mark.slow  # a minute and more: every command is a process, and DVC another one

TABLE = "".join(f"{row % 7},{row % 3},{row % 2}\n" for row in range(20_000)).encode()
SUM = hashlib.sha256(TABLE).hexdigest()
(LISTING,) = (ROOT / "datastore/files/md5").rglob("*.dir")
SHIPPED = {entry["relpath"] for entry in json.loads(LISTING.read_text())}
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


def pinned(clone: Clone) -> set[str]:
    (out,) = read_yaml(clone.folder / "data.dvc")["outs"]
    listing = clone.folder / ".dvc/cache/files/md5" / out["md5"][:2] / out["md5"][2:]
    return {entry["relpath"] for entry in json.loads(listing.read_text())}


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
    assert not (clone.folder / "data").exists()


def test_mirror_of_another_kind_is_refused(clone: Clone):
    result = fetch(clone, "demo", TWINTRAIN_MIRROR="s3://bucket")
    assert result.stderr == "error: TWINTRAIN_MIRROR: expected folders or http(s) URLs, got s3://bucket\n"
    assert not (clone.folder / "data").exists()


def test_fresh_clone_fetches_beside_what_ships_and_dvc_pins_both(clone: Clone, server: FaultyServer):
    result = fetch(clone, "demo")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "Getting data/ from the DVC remote",
        f"demo/demo.csv from {server.url}/up/demo.csv",
        "demo: 1 file in data/demo, as described",
        "data.dvc pins them now; commit it only together with: dvc push data.dvc, to a remote of your own",
    ]
    assert (clone.folder / "data/demo/demo.csv").read_bytes() == TABLE
    assert pinned(clone) == {"demo/demo.csv", *SHIPPED}
    assert changed(clone) == [" M data.dvc"]


def test_what_is_there_is_not_fetched_again(clone: Clone, server: FaultyServer):
    before = len(server.requests)
    result = fetch(clone, "demo")
    assert (result.returncode, result.stdout) == (0, "demo: 1 file in data/demo, as described\n")
    assert len(server.requests) == before


def test_data_that_ships_is_as_it_is(clone: Clone):
    assert fetch(clone, "car").stdout == "car: 1 file in data/car, as described\n"
    assert fetch(clone).stdout == "mnist5k: 1 file in data/mnist5k, as described\n"


def test_altered_file_is_refused_and_replaced_on_request(clone: Clone, server: FaultyServer):
    path = clone.folder / "data/demo/demo.csv"
    path.write_bytes(b"1,2,0\n")
    for command in (fetch(clone, "demo"), clone.run("--dataset", "demo", *INGEST)):
        (line,) = command.stderr.splitlines()
        assert command.returncode == 1
        assert line.startswith("error: data/demo/demo.csv is ")
        assert line.endswith("with: python -m pipelines.fetch demo --force")
    assert path.read_bytes() == b"1,2,0\n"
    assert fetch(clone, "demo", "--force").returncode == 0
    assert path.read_bytes() == TABLE


def test_fetch_that_fails_leaves_a_part_file_that_dvc_does_not_see(clone: Clone, server: FaultyServer):
    (clone.folder / "data/demo/demo.csv").unlink()
    server.faults = [Fault(cut_after=1000), Fault(status=404)]
    result = fetch(clone, "demo")
    (line,) = result.stderr.splitlines()
    assert result.returncode == 1
    assert line == (
        f"error: demo/demo.csv could not be fetched (tried {server.url}/up/demo.csv: status 404 Not Found); "
        "try again later, or name a mirror in TWINTRAIN_MIRROR; what has come so far is kept"
    )
    assert (clone.folder / "data/demo/demo.csv.part").stat().st_size == 1000
    assert clone.run("--preset", "xor", "--target", "ingest").returncode == 0
    assert pinned(clone) == SHIPPED


def test_run_fetches_what_is_missing(clone: Clone, server: FaultyServer):
    result = clone.run("--dataset", "demo", *INGEST)
    assert result.returncode == 0, result.stdout + result.stderr
    assert server.requests[-1][1] == "bytes=1000-"
    assert "ingest: demo, 20,000 rows, 0 set aside" in result.stdout
    assert pinned(clone) == {"demo/demo.csv", *SHIPPED}


def test_run_goes_on_when_data_dvc_is_taken_back(clone: Clone):
    """The files stay where they are; DVC's own check of data/ pins them again."""
    assert clone.call("git", "checkout", "data.dvc", "params.yaml", "dvc.lock").returncode == 0
    result = clone.run("--preset", "xor", "--target", "ingest")
    assert result.returncode == 0, result.stdout + result.stderr
    assert pinned(clone) == {"demo/demo.csv", *SHIPPED}


def test_run_fetches_again_what_taking_data_dvc_back_has_removed(clone: Clone, server: FaultyServer):
    back = "git checkout data.dvc params.yaml dvc.lock && dvc checkout --force data.dvc"
    assert clone.call("bash", "-c", back).returncode == 0
    assert not (clone.folder / "data/demo/demo.csv").exists()
    result = clone.run("--dataset", "demo", *INGEST)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"demo/demo.csv from {server.url}/up/demo.csv" in result.stdout


def test_interrupted_fetch_goes_on(clone: Clone, server: FaultyServer):
    (clone.folder / "data/demo/demo.csv").unlink()
    part = clone.folder / "data/demo/demo.csv.part"
    server.faults = [Fault(cut_after=2000, wait=3)]
    process = clone.start("python", "-m", "pipelines.fetch", "demo")
    wait_for(lambda: part.is_file() and part.stat().st_size == 2000)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert fetch(clone, "demo").returncode == 0
    assert server.requests[-1][1] == "bytes=2000-"
    assert (clone.folder / "data/demo/demo.csv").read_bytes() == TABLE


def test_two_fetches_at_once_are_one_after_the_other(clone: Clone, server: FaultyServer):
    (clone.folder / "data/demo/demo.csv").unlink()
    server.faults = [Fault(cut_after=len(TABLE) - 1, wait=2)]
    before = len(server.requests)
    first = clone.start("python", "-m", "pipelines.fetch", "demo")
    wait_for(lambda: len(server.requests) > before)
    second = fetch(clone, "demo")
    assert first.wait() == second.returncode == 0
    assert second.stdout.splitlines() == [
        "Another command is fetching data; waiting for it to end",
        "demo: 1 file in data/demo, as described",
    ]
    assert len(server.requests) == before + 2
    assert pinned(clone) == {"demo/demo.csv", *SHIPPED}


def wait_for(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.02)


def test_clone_of_a_data_dvc_that_nobody_pushed_says_so_and_still_fetches(
    clone: Clone, server: FaultyServer, tmp_path: Path
):
    assert clone.call("git", "checkout", "params.yaml", "dvc.lock").returncode == 0
    assert clone.call("git", "commit", "--quiet", "-am", "Pin demo").returncode == 0
    other = Clone(tmp_path / "other", origin=clone.folder)
    result = other.run("--preset", "xor", "--target", "ingest")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == (
        "error: the data could not be pulled, see above; expected the remote in .dvc/config to hold data.dvc's files; "
        "whoever committed data.dvc types: dvc push data.dvc, and you then: git checkout data.dvc && dvc pull data.dvc"
    )
    result = other.run("--dataset", "demo", *INGEST)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "warning: only what is fetched will be in data/ and data.dvc, see above" in result.stderr
    shutil.rmtree(other.folder / "data")
    # What the message says: one pushes, the other takes data.dvc back and pulls.
    assert clone.call("dvc", "push", "--quiet", "data.dvc").returncode == 0
    shutil.copytree(clone.folder / "datastore", other.folder / "datastore", dirs_exist_ok=True)
    assert other.call("bash", "-c", "git checkout data.dvc && dvc pull data.dvc").returncode == 0
    assert pinned(other) == {"demo/demo.csv", *SHIPPED}
    assert (other.folder / "data/xor/xor.csv").is_file()
