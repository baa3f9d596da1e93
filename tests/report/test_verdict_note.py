import json
import urllib.parse

from report_cases import UI, alone, full_metrics, metrics, numbers

from twintrain.report import ui_links
from twintrain.report.statements import reason, verdicts
from twintrain.report.verdict_note import run_links, summary


def test_summary_has_seal_verdict_winner_table_and_links():
    lines = summary(full_metrics(), UI).splitlines()
    assert lines[0] == "# cnn on mnist5k, aligned"
    assert lines[2] == f"**Winner: PyTorch. {reason(full_metrics())}**"
    assert lines[4] == "Verified twins: all 31 checks passed over 200 training steps in float64 and float32."
    assert lines[6] == "Where nothing is said of seeds, scores, tests and rows are those of seed 0"
    assert lines[8] == verdicts(full_metrics())
    table = lines.index("|  | PyTorch | Keras | logistic (baseline) |")
    assert lines[table + 1 : table + 3] == [
        "| --- | ---: | ---: | ---: |",
        "| test accuracy | 0.9210 | 0.9510 | 0.8910 |",
    ]
    run = f"{UI}/#/experiments/0/runs/{'a' * 31}0"
    assert lines[-1].startswith(f"Runs: [PyTorch]({run}) · [Keras](")


def test_summary_of_one_framework_and_of_untracked_runs_has_no_links():
    assert "Runs:" not in summary(alone(), UI)
    assert run_links(metrics(), UI) == []


def test_the_comparison_is_of_loss_and_accuracy_or_of_numbers_of_their_error():
    tracked = {"run_id": "a", "experiment_id": "0"}
    for found, score in ((metrics(), "accuracy"), (numbers(), "mae")):
        both = found | {name: found[name] | tracked for name in ("torch", "keras")}
        title, page = run_links(both, UI)[-1]
        assert title == "side by side"
        shown = urllib.parse.parse_qs(urllib.parse.urlsplit(page.replace("/#", "")).query)
        curves = ["train_loss", "val_loss", f"train_{score}", f"val_{score}"]
        assert json.loads(shown["plot_metric_keys"][0]) == curves


def test_what_markdown_would_format_is_escaped():
    assert summary(metrics(model="a_b*c|<d>"), UI).splitlines()[0] == r"# a\_b\*c\|\<d\> on mnist5k, aligned"


def test_address_is_that_of_the_tracking_server_or_of_make_ui(monkeypatch):
    for given, address in {
        "": "http://localhost:5000",
        "sqlite:///mlflow.db": "http://localhost:5000",
        "https://mlflow.example.org/": "https://mlflow.example.org",
        "https://bob:s3cret@mlflow.example.org:8443/ml": "https://mlflow.example.org:8443/ml",
    }.items():
        monkeypatch.setenv("MLFLOW_TRACKING_URI", given)
        assert ui_links.ui_address() == address
