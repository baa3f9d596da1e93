"""What the workers of `verify` are given."""

import pytest

from twintrain.settings.params import Params
from twintrain.settings.yaml_files import read_yaml
from twintrain.system import cpus
from twintrain.system.project import read_json
from twintrain.verification.workers import link_experiment


@pytest.mark.parametrize(("asked", "given"), [(None, 3), (1, 1)])
def test_they_share_the_processors_that_this_process_may_use(project, tmp_path, monkeypatch, asked, given):
    monkeypatch.setattr(cpus, "usable_cpus", lambda: list(range(6)))
    content = read_yaml(project / "params.yaml") | {"frameworks": ["torch", "keras"], "train": {"threads": asked}}
    folder = tmp_path / "verify"
    folder.mkdir()
    link_experiment(folder, Params.model_validate(content), tmp_path / "split")
    assert read_json(folder / "experiment.json")["train"]["threads"] == given
