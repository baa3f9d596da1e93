"""What presets must reach that `make gallery` holds to no target, or to none over several seeds; slow."""

import numpy as np
import pytest
from worker_process import finish, start_worker

from twintrain.system import project

pytestmark = pytest.mark.slow
FRAMEWORKS = ("torch", "keras")


@pytest.fixture(scope="module")
def accuracies(tmp_path_factory, shipped_data):
    """The test accuracy of each case of preset_worker.py, by framework."""
    folder = tmp_path_factory.mktemp("presets")
    for worker in [start_worker("preset_worker.py", framework, folder, shipped_data) for framework in FRAMEWORKS]:
        finish(worker)
    scores = {framework: project.read_json(folder / f"{framework}.json") for framework in FRAMEWORKS}
    return {of: {name: found["eval_acc"] for name, found in cases.items()} for of, cases in scores.items()}


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(("preset", "accuracy"), [("mnist5k", 0.90), ("car", 0.80), ("diabetes", 0.64)])
def test_presets_reach_what_they_should(accuracies, preset, accuracy, framework):
    assert accuracies[framework][preset] >= accuracy


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_half_precision_costs_no_more_accuracy_than_another_seed(accuracies, framework):
    found = accuracies[framework]
    assert found["mnist5k in bfloat16"] == pytest.approx(found["mnist5k"], abs=0.02)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_diabetes_tuned_beats_the_majority_over_three_seeds(accuracies, framework):
    assert np.mean([accuracies[framework][f"diabetes_tuned {seed}"] for seed in range(3)]) >= 0.74
