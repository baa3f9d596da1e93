"""What a user sees after a run, in a browser: the report of real results, MLflow's UI, the demo; the pictures of docs/.

The tests build on each other, in order: what the first run has left is looked at before the second one.
"""

import json
import re
import signal
import socket
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import psutil
import pytest
from demo_pages import check, draw, wait_for
from project_clone import BIN, Clone
from server_process import server

from twintrain.system.ports import free_port

pages = pytest.importorskip("browser_pages", reason="playwright is not installed", exc_type=ImportError)

pytestmark = pytest.mark.slow

FRAMEWORKS = ("torch", "keras")
SEARCH = "tags.stage = 'train'"
# The texts in the row of a heading: headings and values are in grids of their own, at the same height.
ROW = """cell => {
  const place = other => other.getBoundingClientRect();
  return [...document.querySelectorAll("[role=rowgroup] > div")]
    .filter(other => Math.abs(place(other).top - place(cell.parentElement).top) < 2)
    .sort((one, other) => place(one).left - place(other).left)
    .map(found => found.innerText.trim());
}"""
# One thread: the tests share their machine, and PyTorch's threads wait for each other.
QUICK = ("--train.threads", "1")
DEMO = ("python", "-m", "pipelines.demo")
SEVEN = [(-70, -90), (70, -90), (-20, 100)]


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    return Clone(tmp_path_factory.mktemp("browser") / "clone", verified=True, costed=True)


@pytest.fixture(scope="module")
def run(clone, browser):
    """The default experiment, verified and run in the clone: its folder, metrics and output."""
    done = clone.run(*QUICK)
    assert done.returncode == 0, done.stdout + done.stderr
    metrics = json.loads((clone.folder / "results/metrics.json").read_text(encoding="utf-8"))
    return SimpleNamespace(clone=clone, metrics=metrics, output=done.stdout)


@pytest.fixture(scope="module")
def ui(run):
    """The address of the MLflow UI on the store of that run."""
    port = free_port()
    store = ["--backend-store-uri", f"sqlite:///{run.clone.folder}/mlflow.db"]
    place = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command = [sys.executable, "-m", "mlflow", "server", *store, *place]
    address = f"http://127.0.0.1:{port}"
    with server(command, f"{address}/health", run.clone.folder / "server.log", cwd=run.clone.folder):
        yield address


@pytest.fixture(scope="module")
def table(run):
    """The folder of the clone, in which two seeds of a table have run after the default experiment."""
    seeds = ("--train.epochs", "60", "--train.seeds", "[0,1]", "--baseline.name", "majority", "--baseline.others", "[]")
    done = run.clone.run("--preset", "car_tuned", "--verify.enabled", "false", *seeds, *QUICK)
    assert done.returncode == 0, done.stdout + done.stderr
    return run.clone.folder


@pytest.fixture
def proxy():
    """A socket that stands for an HTTP proxy, which nobody must ask for anything."""
    with socket.create_server(("127.0.0.1", 0)) as waiting:
        waiting.setblocking(False)
        yield waiting


@pytest.fixture
def demo(clone, open_page, proxy):
    """Opens the page of the last run, and gives what the browser shows, the command's process and what it prints."""
    if find_spec("gradio") is None:  # to import it takes seconds
        pytest.skip("gradio is not installed: requirements-demo.txt")
    port = free_port()
    url, log = f"http://127.0.0.1:{port}/", clone.folder / "demo.log"
    # A request to anywhere but this machine would go by way of the proxy.
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), f"http://127.0.0.1:{proxy.getsockname()[1]}")
    command = [str(BIN / "python"), *DEMO[1:], "--port", str(port)]
    with server(command, url, log, cwd=clone.folder, env=clone._environment(proxies)) as process:
        opened = open_page(url)
        opened.page.set_default_timeout(120_000)
        wait_for(opened.page, "Test row")
        yield opened, process, log
    with pytest.raises(BlockingIOError):
        proxy.accept()


def open_ui(open_page, address, text):
    """Opens a page of the UI, waits for a text on it, and closes the assistant that covers a part."""
    opened = open_page(address)
    opened.page.get_by_text(text).first.wait_for()
    assistant = opened.page.get_by_role("button", name="Close")
    if assistant.count():
        assistant.click()
    return opened


def check_report(opened, address):
    """Loads nothing, complains of nothing, fits, draws its charts."""
    assert [request for request in opened.requests if request != address and not request.startswith("data:")] == []
    assert opened.complaints == []
    assert opened.overflow() == 0
    opened.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    opened.page.wait_for_function("document.querySelectorAll('.chart:not(.js-plotly-plot)').length === 0")
    for chart in opened.page.locator(".chart").all():
        assert chart.locator(".trace").count() >= 1
    opened.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = false)")


def workers(process):
    """The processes that answer, by what they have loaded."""
    children = psutil.Process(process.pid).children()
    return [child for child in children if "scoring_process.py" in " ".join(child.cmdline())]


def test_nothing_trained_yet(clone):
    said = clone.call(*DEMO)
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == "error: there are no trained networks yet (results/metrics.json is missing); type: make run\n"


def test_report_of_images_with_its_champion(run, open_page, save_picture):
    assert "Report: results/champion.html\n" in run.output
    address = (run.clone.folder / "results/champion.html").as_uri()
    opened = open_page(address, pages.DESKTOP)
    check_report(opened, address)
    text = opened.page.locator("header").inner_text()
    assert "Winner: " in text
    assert "✓ Verified twins: all" in text
    champion = opened.page.locator("#champion")
    assert re.search(r"mnist5k-cnn: version \d \((PyTorch|Keras)\) is the champion now\.", champion.inner_text())
    assert champion.locator("li .verified").all_inner_texts() == [
        "✓ twins:",
        "✓ baseline:",
        "✓ champion:",
        "✓ smoke test:",
    ]
    assert f"{run.metrics['torch']['eval_acc']:.4f}" in opened.page.locator("main table").first.text_content()
    assert opened.page.locator(".matrix").count() in (1, 2)  # of both, or of one and the difference
    save_picture(opened.page, "report.png")
    phone = open_page(address, pages.PHONE, dark=True)
    check_report(phone, address)
    save_picture(phone.page, "report-phone.png")


def test_runs_carry_the_summary_as_their_note(run):
    summary = (run.clone.folder / "results/summary.md").read_text(encoding="utf-8")
    whole, compared = (
        found.data.tags["mlflow.note.content"] for stage in ("run", "compare") for found in run.clone.stage_runs(stage)
    )
    assert compared == summary
    assert whole.startswith(f"{summary}\n**mnist5k-cnn: ")
    gate = whole.removeprefix(summary)
    assert "\n- ✓ twins: Verified twins: all 31 checks passed over 200 training steps in float64 and float32." in gate
    assert "\n- ✓ baseline: Better than logistic beyond chance" in gate
    assert summary.startswith("# cnn on mnist5k, aligned\n\n**Winner: ")


def open_link(run, ui, open_page):
    """Opens the link that the run has printed at its end."""
    return open_ui(open_page, ui + re.search(r"http://localhost:5000(/\S+)", run.output)[1], "Y-axis")


def test_link_of_a_run_opens_the_curves_of_both_in_one_chart(run, ui, open_page, save_picture):
    opened = open_link(run, ui, open_page)
    opened.page.locator(".js-plotly-plot .trace, .js-plotly-plot path").first.wait_for(state="attached")
    text = opened.page.inner_text("body")
    for curve in ("train_loss", "val_loss", "train_accuracy", "val_accuracy"):
        assert all(f"train@{framework} ({curve})" in text for framework in FRAMEWORKS)
    assert "system/" not in text
    last = 9
    assert text.count(f"(step={last})") >= 2
    assert opened.page.get_by_role("radio", name="Step").is_checked()
    assert all(request.startswith((ui, "data:", "blob:")) for request in opened.requests)
    save_picture(opened.page, "ui-curves.png")


def test_compare_page_shows_both_trainings_side_by_side(run, ui, open_page, save_picture):
    page = open_link(run, ui, open_page).page
    page.get_by_role("link", name="Comparing 2 Runs").click()
    page.get_by_text("train@keras").first.wait_for()
    page.get_by_text("Visualizations").click()
    page.set_viewport_size({"width": 1280, "height": 1500})
    rows = {}
    for row in page.locator("tr, [role=row]").all():
        heading, *cells = [" ".join(cell.split()) for cell in re.split(r"[\t\n]+", row.inner_text()) if cell.strip()]
        rows[heading] = cells
    assert rows["Run Name:"] == ["train@torch", "train@keras"]
    assert rows["learning_rate"] == ["0.001", "0.001"]
    assert rows["framework"] == ["torch", "keras"]
    accuracies = page.get_by_role("link", name="eval_acc").evaluate(ROW)
    assert accuracies == ["eval_acc", *(f"{round(run.metrics[name]['eval_acc'], 3):g}" for name in FRAMEWORKS)]
    save_picture(page, "ui-compare.png")


def test_the_list_of_runs_has_the_experiment_by_its_name_and_no_run_beside_it(ui, open_page):
    page = open_ui(open_page, f"{ui}/#/experiments/0/runs?workflowType=machine_learning", "Run Name").page
    page.get_by_text("mnist5k · threads 1").first.wait_for()
    assert page.get_by_text("train@").count() == 0


def test_training_runs_are_found_by_tag_and_grouped_by_framework(run, ui, open_page, save_picture):
    query = f"workflowType=machine_learning&compareRunsMode=CHART&searchFilter={SEARCH}"
    opened = open_ui(open_page, f"{ui}/#/experiments/0/runs?{query}", "Group by")
    page = opened.page
    page.get_by_role("button", name="Group by").click()
    page.get_by_role("menuitemcheckbox").filter(has_text="framework").first.click()
    for framework in FRAMEWORKS:
        page.get_by_text(f"Group: {framework}").wait_for()
        assert page.get_by_text(f"train@{framework}").count() >= 1
    page.locator(":text-is('auc_score'):visible").first.wait_for()  # charts further down are drawn when they are seen
    save_picture(page, "ui-group.png")


def test_digit_is_drawn_and_both_frameworks_answer(run, demo, save_picture):
    opened, process, log = demo
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


def test_report_of_a_table_with_two_seeds(table, open_page):
    address = (table / "results/report.html").as_uri()
    opened = open_page(address, pages.PHONE)
    check_report(opened, address)
    text = opened.page.locator("main").inner_text()
    assert "Seed by seed" in text
    assert "PyTorch val, 2 seeds" in opened.page.locator("#loss-curves").text_content()
    details = json.loads((table / "results/details.json").read_text(encoding="utf-8"))
    assert opened.page.locator(".samples li").count() == len(details["disagreements"])
    labels = [found["label"] for found in details["torch"]["classes"]]
    assert opened.page.locator(".matrix").first.locator("thead th").all_text_contents()[1:] == labels


def test_form_is_filled_and_both_answers_change(table, demo, save_picture):
    opened, *_ = demo
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
