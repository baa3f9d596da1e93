"""Versions and aliases, in a store of SQLite and behind a server."""

import sys
from concurrent.futures import ThreadPoolExecutor

import mlflow
import pytest
from own_store import use_store
from server_process import server

from twintrain import tracking
from twintrain.registry.versions import CHAMPION, PREVIOUS, ROLLED_BACK, Versions, registered_name
from twintrain.settings.params import Tracking
from twintrain.system.ports import free_port

NAME = registered_name("digits", "cnn")
SERVER_SECONDS = 60


@pytest.fixture(scope="module")
def store(store_folder):
    """A client of the store."""
    return tracking.connect("Default")


@pytest.fixture
def versions(store, request):
    """Of a registered model of this test alone."""
    return Versions(store, request.node.name)


def trained(framework="torch"):
    """The run of a training and the model that it has logged."""
    with tracking.stage_run(f"train@{framework}", {"stage": "train", "framework": framework}, Tracking()) as run:
        return run.id, f"models:/{mlflow.create_external_model(name='model', source_run_id=run.id).model_id}"


def registered(versions, framework="torch"):
    run_id, model_uri = trained(framework)
    return versions.register(model_uri, run_id, {"framework": framework})


def aliases(versions):
    found = {alias: versions.alias(alias) for alias in (CHAMPION, PREVIOUS)}
    return {alias: version and int(version.version) for alias, version in found.items()}


def check_a_life(client):
    """Registers, promotes and rolls back."""
    versions = Versions(client, NAME)
    assert aliases(versions) == {CHAMPION: None, PREVIOUS: None}
    run_id, model_uri = trained()
    first = versions.register(model_uri, run_id, {"framework": "torch", "seed": "0"})
    assert (first.name, int(first.version), first.run_id) == ("digits-cnn", 1, run_id)
    assert (first.source, first.tags) == (model_uri, {"framework": "torch", "seed": "0"})
    versions.promote(first)
    assert aliases(versions) == {CHAMPION: 1, PREVIOUS: None}
    second = registered(versions, "keras")
    versions.promote(second)
    assert aliases(versions) == {CHAMPION: 2, PREVIOUS: 1}
    now, before = versions.roll_back()
    assert (int(now.version), int(before.version)) == (1, 2)
    assert aliases(versions) == {CHAMPION: 1, PREVIOUS: 2}
    assert ROLLED_BACK in client.get_model_version(NAME, "2").tags


def test_a_life_in_sqlite(store):
    check_a_life(store)


@pytest.mark.slow
def test_a_life_behind_a_server(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    address = f"http://127.0.0.1:{(port := free_port())}"
    use_store(monkeypatch, address)
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db"]
    command += ["--artifacts-destination", str(tmp_path / "artifacts")]
    with server(command, f"{address}/health", tmp_path / "server.log", SERVER_SECONDS):
        check_a_life(tracking.connect("Default"))


def test_a_training_is_registered_once(store, versions):
    run_id, model_uri = trained()
    assert versions.of_run(run_id) is None
    first = versions.register(model_uri, run_id, {"seed": "0"})
    again = versions.register(model_uri, run_id, {"seed": "0"})
    assert versions.of_run(run_id).version == first.version == again.version
    assert len(store.search_model_versions(f"name = '{versions.name}'")) == 1


def test_a_training_registered_twice_at_once_keeps_its_first_version(store, versions):
    run_id, model_uri = trained()
    versions.register(*reversed(trained("keras")), {})
    looked = []

    class Behind(Versions):
        """Sees no version at its first look, as if another command made one right after it."""

        def of_run(self, run_id):
            found = super().of_run(run_id)
            looked.append(found)
            return None if len(looked) == 1 else found

    first = versions.register(model_uri, run_id, {"by": "one"})
    late = Behind(store, versions.name).register(model_uri, run_id, {"by": "other"})
    assert int(late.version) == int(first.version) == 2
    assert [int(each.version) for each in store.search_model_versions(f"run_id = '{run_id}'")] == [2]
    assert late.tags == {"by": "one"}


def test_threads_that_register_one_training_at_once_agree(store, versions):
    run_id, model_uri = trained()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: Versions(store, versions.name).register(model_uri, run_id, {}), range(4)))
    left = store.search_model_versions(f"name = '{versions.name}'")
    assert len(left) == 1
    assert left[0].version in {each.version for each in found}


def test_a_training_of_another_model_is_another_version(store, versions):
    run_id, model_uri = trained()
    for name in (versions.name, "digits-mlp"):
        assert Versions(store, name).register(model_uri, run_id, {}).name == name


def test_rolling_back_twice_changes_nothing(store, versions):
    for _ in range(2):
        versions.promote(registered(versions))
    for _ in range(2):
        versions.roll_back()
    assert aliases(versions) == {CHAMPION: 2, PREVIOUS: 1}
    # What was put back in place by hand is rolled back no more.
    assert [ROLLED_BACK in store.get_model_version(versions.name, number).tags for number in "12"] == [True, False]


def test_nothing_to_roll_back_is_one_line(store, error_of):
    versions = Versions(store, "wine-table")
    registered(Versions(store, "wine-tabel"))
    assert error_of(versions.roll_back) == "unknown registered model 'wine-table'; did you mean 'wine-tabel'?"
    first = registered(versions)
    assert error_of(versions.roll_back) == ("wine-table has no champion yet; make run gives it one, or says why not")
    versions.promote(first)
    assert error_of(versions.roll_back) == "nothing to roll back: wine-table had no champion before version 1"


def test_tags_are_set_anew(store, versions):
    version = registered(versions)
    versions.tag(version, {"gate": "failed", "framework": "keras"})
    assert store.get_model_version(versions.name, version.version).tags == {"gate": "failed", "framework": "keras"}
