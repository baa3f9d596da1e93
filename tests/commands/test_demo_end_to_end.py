"""`make demo` from the user's side: real trainings, each network in its own process, a real browser."""

import signal
import socket
from contextlib import ExitStack
from importlib.util import find_spec

import psutil
import pytest
from project_clone import BIN, Clone
from server_process import server

from twintrain.command_line.ports import free_port

pages = pytest.importorskip("browser_pages", reason="playwright is not installed", exc_type=ImportError)
if find_spec("gradio") is None:  # to import it takes seconds
    pytest.skip("gradio is not installed: requirements-demo.txt", allow_module_level=True)

from demo_pages import check, draw, wait_for  # noqa: E402

pytestmark = pytest.mark.slow
COMMAND = [str(BIN / "python"), "-m", "pipelines.demo"]
# One thread: the tests share their machine, and PyTorch's threads wait for each other.
QUICK = ("--train.threads", "1", "--baseline.name", "majority", "--baseline.others", "[]")
SEVEN = [(-70, -90), (70, -90), (-20, 100)]


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    return Clone(tmp_path_factory.mktemp("demo") / "clone")


@pytest.fixture
def proxy():
    """A socket that stands for an HTTP proxy, which nobody must ask for anything."""
    with socket.create_server(("127.0.0.1", 0)) as waiting:
        waiting.setblocking(False)
        yield waiting


@pytest.fixture
def demo(clone, open_page, proxy):
    """Trains a preset, opens its page, and gives what the browser shows, the command's process and what it prints."""
    with ExitStack() as servers:

        def start(preset, epochs):
            trained = clone.run("--preset", preset, "--train.epochs", epochs, *QUICK)
            assert trained.returncode == 0, trained.stderr
            port = free_port()
            url, log = f"http://127.0.0.1:{port}/", clone.folder / "demo.log"
            # A request to anywhere but this machine would go by way of the proxy.
            proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), f"http://127.0.0.1:{proxy.getsockname()[1]}")
            command = [*COMMAND, "--port", str(port)]
            process = servers.enter_context(
                server(command, url, log, cwd=clone.folder, env=clone._environment(proxies))
            )
            opened = open_page(url)
            opened.page.set_default_timeout(120_000)
            wait_for(opened.page, "Test row")
            return opened, process, log

        yield start
    with pytest.raises(BlockingIOError):
        proxy.accept()


def workers(process):
    """The processes that answer, by what they have loaded."""
    children = psutil.Process(process.pid).children()
    return [child for child in children if "scoring_process.py" in " ".join(child.cmdline())]


def test_nothing_trained_yet(clone):
    said = clone.call("python", "-m", "pipelines.demo")
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == "error: there are no trained networks yet (results/metrics.json is missing); type: make run\n"


def test_digit_is_drawn_and_both_frameworks_answer(demo, save_picture):
    opened, process, log = demo("mnist5k", "5")
    page = opened.page
    draw(page, SEVEN)
    wait_for(page, "Both say 7.")
    assert [page.locator(f"#{name} h2").inner_text() for name in ("torch", "keras")] == ["7", "7"]
    sides = [page.locator(f"#{name}").bounding_box() for name in ("torch", "keras")]
    assert sides[0]["y"] == sides[1]["y"]
    assert sides[0]["x"] + sides[0]["width"] <= sides[1]["x"]
    save_picture(page, "demo-digit.png", full_page=True)
    answering = workers(process)
    assert len(answering) == 2
    check(opened)
    # One that dies is a sentence on the page, and the other one goes on.
    answering[0].kill()
    page.locator("#examples button").nth(3).click()
    wait_for(page, "has ended")
    told = page.locator("#agreement").inner_text().splitlines()
    assert told[0].startswith("Test row ")
    title, reason = told[1].split(": ", 1)
    assert reason.startswith("the process that answers with models:/")
    # Both are started at once: which of them is the first is a matter of chance.
    other = {"PyTorch": "keras", "Keras": "torch"}[title]
    assert page.locator(f"#{other} h2").inner_text() == "3"
    # The page ends with the command, and the processes with it.
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    assert log.read_text("utf-8").splitlines()[-1] == "demo: ended"
    psutil.wait_procs(answering, timeout=10)
    assert not any(worker.is_running() for worker in answering)


def test_form_is_filled_and_both_answers_change(demo, save_picture):
    opened, *_ = demo("car_tuned", "60")
    page = opened.page
    page.locator("#examples button").filter(has_text=": good").first.click()
    wait_for(page, ": good")
    wait_for(page, "Both say good.")
    before = [page.locator(f"#{name}").inner_text() for name in ("torch", "keras")]
    save_picture(page, "demo-form.png", clip={"x": 0, "y": 0, "width": 1280, "height": 520})
    page.get_by_role("combobox", name="safety").click()
    page.get_by_role("option", name="low").click()
    wait_for(page, "Both say unacc.")
    after = [page.locator(f"#{name}").inner_text() for name in ("torch", "keras")]
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert [page.locator(f"#{name} h2").inner_text() for name in ("torch", "keras")] == ["unacc", "unacc"]
    check(opened)
