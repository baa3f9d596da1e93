from contextlib import nullcontext

import pytest

from pipelines import gallery as gallery_command
from twintrain.errors import UserError
from twintrain.report import gallery_table
from twintrain.report.gallery_table import System
from twintrain.system.project import write_json


def metrics(accuracy=0.9, other=0.9, **changes):
    return {
        "torch": {"eval_acc": accuracy, "train_seconds": 1.25, "run_id": "0123456789abcdef"},
        "keras": {"eval_acc": other, "train_seconds": 2.5, "run_id": "fedcba9876543210"},
        "baseline": {"name": "logistic", "eval_acc": 0.8881},
        **changes,
    }


@pytest.fixture
def system():
    return System(preset="mnist5k", system="Digits", documents="none", target=0.9)


def test_row_shows_what_both_frameworks_and_the_baseline_reach(system):
    assert gallery_table.row(system, [metrics(0.91, 0.9)]) == {
        "system": "Digits",
        "preset": "`mnist5k`",
        "documents": "none",
        "PyTorch": "0.9100",
        "Keras": "0.9000",
        "baseline": "0.8881 logistic",
        "target": "≥ 0.9 ✓",
        "s": "1.2 / 2.5",
        "runs": "`01234567` / `fedcba98`",
    }


def test_a_target_is_reached_by_every_seed_of_both_or_not_at_all(system):
    found = gallery_table.row(system, [metrics(0.95, 0.95), metrics(0.92, 0.89)])
    assert found["target"] == "≥ 0.9 ✗"
    assert (found["PyTorch"], found["Keras"]) == ("0.9350 (0.9200 to 0.9500)", "0.9200 (0.8900 to 0.9500)")


def test_of_an_error_less_is_better(system):
    numbers = {name: {**scores, "rmse": 0.1} for name, scores in metrics().items()}
    regression = system.model_copy(update={"score": "mse", "target": 0.02})
    found = gallery_table.row(regression, [numbers])
    assert (found["PyTorch"], found["baseline"], found["target"]) == ("0.01 MSE", "0.01 MSE logistic", "≤ 0.02 ✓")
    assert not regression.reaches_target([0.01, 0.03])
    # Without its name, an error would be read as an accuracy.
    assert gallery_table.row(regression, [numbers, numbers])["PyTorch"] == "0.01 MSE (0.01 to 0.01)"


def test_table_has_a_line_a_row(system):
    lines = gallery_table.table([gallery_table.row(system, [metrics()])]).splitlines()
    assert lines[0].startswith("| system | preset | documents | PyTorch | Keras | baseline | target | s | runs |")
    assert lines[1] == "|" + " --- |" * 9
    assert lines[2].startswith("| Digits | `mnist5k` | none | 0.9000 | 0.9000 | 0.8881 logistic | ≥ 0.9 ✓ |")


def test_rows_are_read_from_a_page_as_they_were_written(system):
    rows = [
        gallery_table.row(system, [metrics()]),
        gallery_table.row(system.model_copy(update={"preset": "xor", "note": "a note"}), [metrics(0.5)]),
    ]
    page = f"# Results\n\n| of | another table |\n\n{gallery_table.table(rows)}\n\n- `car`: missing\n"
    assert gallery_table.rows_of(page) == {"mnist5k": rows[0], "xor": rows[1]}


def test_overrides_go_with_the_preset(system):
    changed = system.model_copy(update={"overrides": {"dataset": "cifar10_subset"}, "note": "a subset"})
    assert changed.arguments == ["--frameworks", "[torch, keras]", "--dataset", "cifar10_subset"]
    assert gallery_table.row(changed, [metrics()])["preset"] == "`mnist5k` (a subset)"


@pytest.mark.usefixtures("project")
def test_every_system_has_its_preset_once():
    presets = [system.preset for system in gallery_table.load_systems()]
    assert len(presets) == len(set(presets)) > 20
    assert [system.preset for system in gallery_table.load_systems(["xor", "car"])] == ["xor", "car"]


@pytest.mark.usefixtures("project")
def test_unknown_preset_of_the_gallery(error_of):
    assert error_of(gallery_table.load_systems, ["carr"]) == "unknown preset of the gallery 'carr'; did you mean 'car'?"


@pytest.fixture
def command(project, monkeypatch):
    """Runs `make gallery` where every preset takes no time; returns what the copies were called with."""
    called = []

    class Copy:
        folder = project

        def restore(self, name):
            assert name == "params.yaml"

        def run(self, *arguments):
            called.append(arguments)
            write_json(project / "results/metrics.json", metrics())

    def get_data(params):
        if params.dataset == "airline":
            raise UserError("airline.zip is missing")

    def run(*arguments):
        called.clear()
        monkeypatch.setattr("sys.argv", ["gallery", *arguments])
        return gallery_command.main(), list(called)

    (project / "docs").mkdir()
    monkeypatch.setattr(gallery_command, "project_copy", lambda _: nullcontext(Copy()))
    monkeypatch.setattr(gallery_command, "get_data", get_data)
    return run


def test_what_is_done_is_not_done_again_and_data_that_is_missing_stops_its_own_preset_alone(command, project):
    status, called = command("--only", "car,airline,xor")
    both = ("--frameworks", "[torch, keras]")
    assert (status, called) == (1, [("--preset", "xor", *both), ("--preset", "car", *both)])
    page = (project / "docs/results.md").read_text()
    assert "- `airline`: airline.zip is missing" in page
    assert [line.split(" | ")[1] for line in page.splitlines() if "0123" in line] == ["`xor`", "`car`"]
    assert command("--only", "car,xor") == (0, [])
    assert command("--only", "car", "--again") == (0, [("--preset", "car", *both)])
    assert "airline" not in (project / "docs/results.md").read_text()


def test_rows_of_another_checkout_stay_as_they_are(command, project):
    page = project / "docs/results.md"
    command("--only", "xor,car")
    written = page.read_text()
    (project / "results/gallery.json").unlink()
    page.write_text(written.replace("0.9000", "0.7500"))
    assert command("--only", "car")[0] == 0
    figures = {line.split(" | ")[1]: line.split(" | ")[3] for line in page.read_text().splitlines() if "0123" in line}
    assert figures == {"`xor`": "0.7500", "`car`": "0.9000"}
    # Of several seeds a row is a mean: it does not stand beside those of one.
    command("--only", "car", "--seeds", "2")
    assert "`xor`" not in page.read_text()
