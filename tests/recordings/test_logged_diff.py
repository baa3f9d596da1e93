"""What a diff writes into a run of MLflow."""

import json
import sys

import pytest
from made_recordings import image_network

from twintrain import UserError, diff


@pytest.fixture(scope="module")
def different():
    return diff(image_network("torch"), image_network("keras", {"bn2": {"options": {"epsilon": 1e-2}}}))


def test_without_mlflow_it_says_what_to_install(different, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(
        UserError, match=r"needs mlflow, which is not installed; type: pip install 'twintrain\[mlflow\]'"
    ):
        different.log()


@pytest.mark.slow
def test_run_gets_page_json_and_tags(different, tmp_path):
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    mlflow.create_experiment("parity", artifact_location=str(tmp_path / "files"))
    mlflow.set_experiment("parity")
    with pytest.raises(UserError, match="no run of MLflow is active"):
        different.log()
    with mlflow.start_run() as run:
        different.log()
        tags = mlflow.get_run(run.info.run_id).data.tags
        assert (tags["twintrain.passed"], tags["twintrain.first"]) == ("false", "bn2")
        assert "epsilon" in tags["twintrain.cause"]
        diff(image_network("torch"), image_network("keras")).log("twins")
    tags = mlflow.get_run(run.info.run_id).data.tags
    assert (tags["twintrain.verdict"], tags["twintrain.passed"]) == ("same", "true")
    assert tags["twintrain.first"] == tags["twintrain.cause"] == ""
    folder = tmp_path / "files" / run.info.run_id / "artifacts"
    assert "bn2" in (folder / "twintrain/parity.html").read_text()
    assert json.loads((folder / "twintrain/parity.json").read_text())["first"]["name"] == "bn2"
    assert json.loads((folder / "twins/parity.json").read_text())["passed"]
