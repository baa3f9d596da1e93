"""Several seeds: the arithmetic, and, from the user's side, the stages that train and evaluate them."""

import json
import statistics
import time
from pathlib import Path

import numpy as np
import pytest
from project_clone import UNTRACKED, Clone

from twintrain.settings.params import Params
from twintrain.settings.presets import changed_params
from twintrain.settings.sections.training import Train
from twintrain.settings.yaml_files import read_yaml
from twintrain.training.seeds import seed_folders, spread

FRAMEWORKS = ("torch", "keras")


def test_first_seed_has_the_folder_of_the_stage_and_others_one_in_it():
    assert seed_folders(Path("build/train/torch"), [3, 0, 1]) == {
        3: Path("build/train/torch"),
        0: Path("build/train/torch/seed_0"),
        1: Path("build/train/torch/seed_1"),
    }
    assert seed_folders(Path("torch"), [5]) == {5: Path("torch")}


def test_spread_is_mean_and_sample_standard_deviation():
    # 1, 2, 6: mean 3, squares of the differences 4 + 1 + 9, divided by 2
    assert spread([{"eval_acc": 1.0, "loss": 4.0}, {"eval_acc": 2.0, "loss": 4.0}, {"eval_acc": 6.0, "loss": 4.0}]) == {
        "seeds_eval_acc_mean": 3.0,
        "seeds_loss_mean": 4.0,
        "seeds_eval_acc_std": pytest.approx(7**0.5),
        "seeds_loss_std": 0.0,
    }


def test_what_knows_one_seed_takes_the_first():
    assert (Train(seed=4, seeds=[2, 0]).seed, Train(seed=4).seed) == (2, 4)


def test_experiment_of_one_seed_is_that_of_this_seed_alone():
    params = Params(dataset="xor", model="mlp", frameworks=["torch"], train={"seeds": [2, 0], "epochs": 3})
    alone = Params(dataset="xor", model="mlp", frameworks=["torch"], train={"seed": 7, "epochs": 3})
    assert params.of_seed(7) == alone


@pytest.mark.parametrize(
    ("overrides", "seed", "seeds"),
    [
        ({"train.seed": 5}, 5, None),
        ({"train.seeds": [1, 2]}, 1, [1, 2]),
        ({"train.seed": 5, "train.seeds": [1, 2]}, 1, [1, 2]),
        ({"train.epochs": 3}, 3, [3, 4]),
    ],
)
def test_a_seed_that_is_given_is_trained_with_alone(project, overrides, seed, seeds):
    before = changed_params(read_yaml(Path("params.yaml")), None, {"train.seeds": [3, 4]})
    train = Params.model_validate(changed_params(before, None, overrides)).train
    assert (train.seed, train.seeds) == (seed, seeds)


def test_a_preset_takes_back_the_seeds_of_the_experiment_before(project):
    before = changed_params(read_yaml(Path("params.yaml")), None, {"train.seeds": [3, 4]})
    assert changed_params(before, "mnist5k", {})["train"]["seeds"] is None


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone in which the `car` preset, which has dropout, is trained for 2 epochs with the seeds 0 and 1."""
    clone = Clone(tmp_path_factory.mktemp("seeds") / "clone", costed=True)
    short = ("--train.epochs", "2", "--train.threads", "1", "--baseline.name", "majority", "--baseline.others", "[]")
    result = clone.run("--preset", "car", *short, "--train.seeds", "[0, 1]")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert "PyTorch seed 1 epoch 2/2" in result.stdout
    assert "accuracy, seeds' mean" in result.stdout
    return clone


@pytest.mark.slow
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_each_further_seed_is_a_run_below_that_of_the_stage(clone: Clone, framework: str):
    stage, nested = (
        next(run for run in clone.stage_runs("train") if run.info.run_name == name)
        for name in (f"train@{framework}", f"train@{framework} seed 1")
    )
    assert nested.data.tags["mlflow.parentRunId"] == stage.info.run_id
    assert [run.data.params["seed"] for run in (stage, nested)] == ["0", "1"]
    assert stage.data.params.keys() == nested.data.params.keys()
    assert nested.data.tags.keys() >= {"stage", "framework", "git_commit", "dvc_lock", "data"}
    assert [run.info.status for run in (stage, nested)] == ["FINISHED", "FINISHED"]
    # The network; and of the one that is registered also what answers raw rows.
    assert [len(run.outputs.model_outputs) for run in (stage, nested)] == [2, 1]
    losses = [run.data.metrics["best_val_loss"] for run in (stage, nested)]
    assert losses[0] != losses[1]
    assert stage.data.metrics["seeds_best_val_loss_mean"] == pytest.approx(statistics.fmean(losses))
    assert stage.data.metrics["seeds_best_val_loss_std"] == pytest.approx(statistics.stdev(losses))


@pytest.mark.slow
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_seed_is_scored(clone: Clone, framework: str):
    found = json.loads((clone.folder / "results/metrics.json").read_text(encoding="utf-8"))[framework]
    runs = {run.info.run_id: run.data for run in clone.stage_runs("train")}
    assert [each["seed"] for each in found["seeds"]] == [0, 1]
    assert found["seeds"][0]["run_id"] == found["run_id"]
    assert found["seeds"][0]["eval_acc"] == found["eval_acc"]
    for each in found["seeds"]:
        scores = {name: value for name, value in each.items() if name not in ("seed", "run_id")}
        assert scores.keys() >= {"eval_acc", "auc_score", "test_loss", "f1_macro"}
        assert runs[each["run_id"]].metrics.items() >= scores.items()
        assert runs[each["run_id"]].params["seed"] == str(each["seed"])
    accuracies = [each["eval_acc"] for each in found["seeds"]]
    assert found["seeds_eval_acc_mean"] == pytest.approx(statistics.fmean(accuracies))
    assert runs[found["run_id"]].metrics["seeds_eval_acc_std"] == pytest.approx(statistics.stdev(accuracies))
    folder = clone.folder / f"build/evaluate/{framework}"
    first, second = (np.load(each / "predictions.npz") for each in (folder, folder / "seed_1"))
    assert np.array_equal(first["index"], second["index"])
    assert (second["probability"].argmax(axis=1) == second["label"]).mean() == accuracies[1]
    assert not np.array_equal(first["probability"], second["probability"])


@pytest.mark.slow
def test_cost_is_measured_alike_and_logged(clone: Clone):
    found = json.loads((clone.folder / "results/metrics.json").read_text(encoding="utf-8"))
    runs = {run.info.run_id: run.data.metrics for run in clone.stage_runs("train")}
    for framework in FRAMEWORKS:
        entry = found[framework]
        names = ("seconds_to_best", "peak_memory_mib", "file_bytes", "flops", "latency_1_ms", "latency_256_p95_ms")
        assert {name: runs[entry["run_id"]][name] for name in names} == {name: entry[name] for name in names}
        assert 0 < entry["latency_1_ms"] <= entry["latency_1_p95_ms"]
        assert 0 < entry["latency_256_ms"] <= entry["latency_256_p95_ms"]
        assert (entry["inference_device"], entry["inference_threads"]) == ("cpu", 1)
        assert 0 < entry["seconds_to_best"] <= entry["train_seconds"]
        assert 100 < entry["peak_memory_mib"] < 4000
        assert entry["file_bytes"] == sum(
            path.stat().st_size for path in (clone.folder / f"build/train/{framework}").glob("model.*")
        )
    assert found["torch"]["flops"] == found["keras"]["flops"] == 2 * (12 * 200 + 200 * 100 + 100 * 50 + 50 * 4)


@pytest.mark.slow
def test_a_seed_trained_after_others_ends_in_the_same_bits_as_alone(clone: Clone):
    def arrays(folder: str) -> dict[str, np.ndarray]:
        with np.load(clone.folder / folder / "weights.npz") as file:
            return dict(file)

    after = {framework: arrays(f"build/train/{framework}/seed_1") for framework in FRAMEWORKS}
    for framework in FRAMEWORKS:
        result = clone.run("--target", f"train@{framework}", "--train.seed", "1", *UNTRACKED)
        assert result.returncode == 0, result.stdout + result.stderr
        alone = arrays(f"build/train/{framework}")
        assert alone.keys() == after[framework].keys()
        assert [name for name in alone if not np.array_equal(alone[name], after[framework][name])] == []
        assert not (clone.folder / f"build/train/{framework}/seed_1").exists()


@pytest.mark.slow
def test_an_interrupted_stage_keeps_the_seeds_that_are_trained(clone: Clone):
    checkpoints = clone.folder / "build/checkpoints"
    command = ("--target", "train@torch", "--train.seeds", "[0, 1]", "--train.epochs", "60", *UNTRACKED)
    process = clone.start("python", "-m", "pipelines.run", *command)
    while process.poll() is None and not (checkpoints / "torch_seed_1.npz").exists():
        time.sleep(0.05)
    process.terminate()
    assert process.wait(timeout=60) == 130
    with np.load(checkpoints / "torch.npz") as file:
        history = json.loads(str(file["description"]))["history"]
    assert len(history["seconds"]) == 60
    result = clone.run(*command)
    assert result.returncode == 0, result.stdout + result.stderr
    trained = clone.folder / "build/train/torch"
    written = np.loadtxt(trained / "history.csv", delimiter=",", skiprows=1)[:, -1]
    assert written == pytest.approx(history["seconds"], rel=1e-12)  # of a second training they would be others
    assert len(np.loadtxt(trained / "seed_1/history.csv", delimiter=",", skiprows=1)) == 60
    assert not list(checkpoints.glob("torch*"))
