"""What the real servers of a team's store do to a command: after a sync the store is that of an undisturbed one."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from logged_command import BUDGET, Command, Healthy, check_nothing_is_lost, unmarked
from small_disk import small_disk, why_not
from store_faults import Answer
from team_services import Services, TeamStore

pytestmark = pytest.mark.slow

STOPPED_SECONDS = 10
FORBIDDEN = Answer(403, b"Permission denied", {"Content-Type": "text/plain"})  # as MLflow's server says it
RESTART = "restart"  # the thread that ends `stop_for_a_while`


@pytest.fixture(scope="module")
def store(services: Services) -> Iterator[TeamStore]:
    store = TeamStore(services)
    store.start()
    yield store
    store.mended.set()
    store.disconnect()


@pytest.fixture
def command(store: TeamStore, tmp_path) -> Iterator[Command]:
    yield Command(store, tmp_path)
    restart_has_ended()
    store.server.resume("s3")
    store.mend()


@pytest.fixture(scope="module")
def healthy(store: TeamStore, tmp_path_factory: pytest.TempPathFactory) -> Healthy:
    return Healthy.of(Command(store, tmp_path_factory.mktemp("healthy")))


def stop_for_a_while(services: Services) -> None:
    services["postgres"].stop()
    timer = threading.Timer(STOPPED_SECONDS, services["postgres"].start)
    timer.name = RESTART
    timer.start()


def restart_has_ended() -> None:
    for thread in threading.enumerate():
        if thread.name == RESTART:
            thread.join()


OUTAGES: dict[str, Callable[[Services], None]] = {
    "PostgreSQL is stopped for ten seconds": stop_for_a_while,
    "S3 is stopped": lambda services: services["s3"].stop(),
    "S3 hangs": lambda services: services.pause("s3"),
    "PostgreSQL and S3 are killed": lambda services: services.kill("postgres", "s3"),
}


@pytest.mark.parametrize("name", OUTAGES)
def test_nothing_is_lost_when(command: Command, healthy: Healthy, name: str):
    services = command.store.server
    command.store.at(healthy.requests // 3, lambda: OUTAGES[name](services))
    status, seconds = command.log()
    end = time.time()
    assert status == 0, command.said()
    assert seconds < healthy.seconds + BUDGET + 5  # of a busy machine
    assert "Traceback" not in command.said()
    restart_has_ended()
    services.resume("s3")
    command.store.mend()
    # FINISHED or not: a run that lacks anything says so, or the one above it does.
    assert unmarked(healthy.store, command.found()) == []
    check_nothing_is_lost(command, healthy, end)
    assert services.site.admin_password not in command.said()


def test_a_run_that_is_finished_without_its_artifacts_is_marked_and_whole_after_a_sync(command: Command, healthy):
    """As a store has it whose artifacts hang while all else is well."""
    command.store.server.pause("s3")
    assert command.log()[0] == 0, command.said()
    end = time.time()
    assert "incomplete" in command.found()["runs"]["all"]["tags"]
    command.store.server.resume("s3")
    check_nothing_is_lost(command, healthy, end)


def test_what_s3_refuses_is_named(command: Command, healthy):
    s3 = command.store.server["s3"]
    s3.stop()
    assert command.log(budget=30)[0] == 0, command.said()
    end = time.time()
    (line,) = [line for line in command.said().splitlines() if line.startswith("warning: ")]
    assert "(artifacts are refused by the server (HTTP 500); its log says what its S3, or its disk, lacks)" in line
    assert command.sync() == 1
    assert "artifacts are refused by the server (HTTP 500)" in command.said().splitlines()[-1]
    s3.start()
    check_nothing_is_lost(command, healthy, end)


def test_a_user_who_may_not_write_is_told_so(command: Command, healthy):
    command.store.fault = lambda call: FORBIDDEN if call.writes else call.forward()
    assert command.log()[0] == 0, command.said()
    end = time.time()
    assert "(the server does not allow it to this user (HTTP 403))" in command.said()
    command.store.mend()
    check_nothing_is_lost(command, healthy, end)


def test_a_wrong_password_is_told_and_costs_nothing_that_was_logged(command: Command, healthy):
    right = command.uri
    command.uri = right.replace(command.store.server.site.admin_password, "wr0ng")
    assert command.log()[0] == 0, command.said()
    end = time.time()
    assert "(the server knows no such user and password; expected those of one of its users" in command.said()
    assert "wr0ng" not in command.said()
    command.uri = right
    check_nothing_is_lost(command, healthy, end)


def test_a_bucket_that_is_gone_is_told_and_costs_nothing_that_was_logged(command: Command, healthy):
    services = command.store.server
    gone = services.artifacts.with_name("gone")
    services["s3"].stop()
    services["s3"].start()  # with nothing in its memory of folders
    services.artifacts.rename(gone)
    assert command.log(budget=30)[0] == 0, command.said()
    end = time.time()
    assert "(artifacts are refused by the server (HTTP 500)" in command.said()
    assert not services.artifacts.exists()
    services["s3"].stop()
    gone.rename(services.artifacts)
    services["s3"].start()
    check_nothing_is_lost(command, healthy, end)


@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_a_full_bucket_is_told_and_costs_nothing_that_was_logged(command: Command, healthy):
    services = command.store.server
    services["s3"].stop()
    try:
        with small_disk(services.artifacts) as disk:
            services["s3"].start()
            disk.leave(1000)
            assert command.log(budget=30)[0] == 0, command.said()
            end = time.time()
            assert "(artifacts are refused by the server (HTTP 500)" in command.said()
            assert any("incomplete" in run["tags"] for run in command.found()["runs"].values())
            assert unmarked(healthy.store, command.found()) == []
            disk.make_room()
            check_nothing_is_lost(command, healthy, end)
    finally:
        services["s3"].stop()
