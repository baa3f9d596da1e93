"""Hand-made results as compare writes them: metrics.json, details.json, and what the report shows beside them."""

import numpy as np
import pandas as pd

from twintrain.report.page import Material
from twintrain.report.samples import samples_of

UI = "http://localhost:5000"
DIGITS = [str(digit) for digit in range(10)]
COMPARISON = {
    "accuracy_difference": -0.03,
    "accuracy_ci95": [-0.06125, 0.00125],
    "mcnemar_p": 0.109375,
    "agreement": 0.95,
    "only_first_right": 2,
    "only_second_right": 8,
    "largest_probability_difference": 0.4321,
}
ACTED_ON = {
    **COMPARISON,
    "auc_difference": -0.002,
    "auc_ci95": [-0.004, 0.0005],
    "loss_difference": 0.0123,
    "loss_ci95": [-0.001, 0.025],
    "kappa": 0.9444,
    "margin": 0.01,
    "equivalent_within": 0.0561,
    "equivalence_p": 0.87,
    "equivalent": False,
    "winner": "torch",
    "reason": "A tie, a difference of no more than the choice of test rows explains; PyTorch is cheaper than Keras.",
    "test_digest": "0123456789abcdef" * 4,
}
TORCH = {
    "eval_acc": 0.921,
    "auc_score": 0.99452666,
    "test_loss": 0.27854,
    "parameters": 13940,
    "epochs_run": 10,
    "best_epoch": 9,
    "train_seconds": 1.586,
    "samples_per_second": 23717.2,
    "device": "cpu",
    "version": "2.11.0",
}
KERAS = {**TORCH, "eval_acc": 0.951, "train_seconds": 2.11}
COST = {
    "seconds_to_best": 1.41,
    "peak_memory_mib": 512.3,
    "file_bytes": 61234,
    "flops": 123456,
    "latency_1_ms": 0.3123,
    "latency_1_p95_ms": 0.4,
    "latency_256_ms": 5.5,
    "latency_256_p95_ms": 6.25,
    "inference_device": "cpu",
    "inference_threads": 1,
    "ece": 0.0123,
    "brier": 0.1111,
}
LOGISTIC = {
    "name": "logistic",
    "eval_acc": 0.891,
    "auc_score": 0.993,
    "test_loss": 0.33428,
    "train_rows": 3500,
    "available_rows": 3500,
    "train_seconds": 0.884,
    "converged": True,
    "device": "cpu",
    "version": "scikit-learn 1.9.1",
    "others": {},
    "comparisons": {
        "torch": {**COMPARISON, "accuracy_difference": 0.03, "accuracy_ci95": [0.011, 0.05]},
        "keras": {**COMPARISON, "accuracy_difference": 0.06, "accuracy_ci95": [0.04, 0.08]},
    },
}


def measured_costs(load=0.0, **milliseconds):
    """What `measured_cost` gives on two CPUs, without the percentiles and batches.

    Args:
        load: CPUs that others kept busy.
        milliseconds: by network, of one row.
    """
    state = {"inference_threads": 2, "inference_load": load, "inference_cpus": 2, "inference_loaded": load > 0.25}
    return {
        name: {
            "latency_1_ms": own,
            "latency_1_ratio_ci95": {
                other: [own / its, own / its] for other, its in milliseconds.items() if other != name
            },
            **state,
        }
        for name, own in milliseconds.items()
    }


UNVERIFIED = "Whether these are twins was not verified."


def metrics(**changes):
    """What results/metrics.json had before there were winners and costs."""
    return {
        "dataset": "mnist5k",
        "model": "cnn",
        "mode": "aligned",
        "split": "stratified",
        "torch": TORCH,
        "keras": KERAS,
        "mixed": "",
        "verification": {"verified": None, "text": UNVERIFIED},
        "comparison": COMPARISON,
        "further_comparisons": {},
        "baseline": LOGISTIC,
        **changes,
    }


def full_metrics(**changes):
    """What it has now, of three seeds."""

    def tracked(found, run_id):
        seeds = [
            {"seed": seed, "run_id": f"{run_id}{seed}", "eval_acc": found["eval_acc"] + seed / 100} for seed in range(3)
        ]
        return {**found, **COST, "run_id": f"{run_id}0", "experiment_id": "0", "dtype": "float32", "seeds": seeds}

    spread = {"count": 3, "mean_difference": -0.03, "ci95": [-0.05, -0.01], "equivalence_p": 0.9}
    deviations = {"first_mean": 0.931, "first_std": 0.01, "second_mean": 0.961, "second_std": 0.01}
    return metrics(
        **{
            "torch": tracked(TORCH, "a" * 31),
            "keras": {**tracked(KERAS, "b" * 31), "latency_1_ms": 0.62},
            "verification": {
                "verified": True,
                "text": "Verified twins: all 31 checks passed over 200 training steps in float64 and float32.",
            },
            "comparison": {**ACTED_ON, "seeds": {**spread, **deviations}},
            **changes,
        }
    )


def of_two_targets():
    """A further target `parity`, in which the two are nearer."""
    scores = {"torch": {**TORCH, "targets": {"parity": {"eval_acc": 0.9871, "test_loss": 0.05}}}}
    scores["keras"] = {**KERAS, "targets": {"parity": {"eval_acc": 0.9821, "test_loss": 0.06}}}
    parity = {**COMPARISON, "accuracy_difference": 0.005, "accuracy_ci95": [-0.002, 0.012]}
    return metrics(**scores, comparison={**COMPARISON, "targets": {"parity": parity}})


def alone():
    """One framework: nothing to compare."""
    against = {**LOGISTIC, "comparisons": {"torch": LOGISTIC["comparisons"]["torch"]}}
    return {key: value for key, value in metrics(comparison={}, baseline=against).items() if key != "keras"}


def numbers():
    """A regression."""
    scores = {key: TORCH[key] for key in ("parameters", "epochs_run", "best_epoch", "device", "version")}
    found = {**scores, "rmse": 55.1, "mae": 44.2, "r2": 0.44, "test_loss": 3000.0}
    difference = {
        "mae_difference": 0.5,
        "relative_difference": 0.011,
        "mae_ci95": [-0.1, 1.1],
        "rmse_difference": 0.4,
        "first_closer": 0.45,
        "largest_prediction_difference": 3.21,
    }
    baseline = {**found, "name": "linear", "train_rows": 300, "available_rows": 300, "converged": True}
    return metrics(
        dataset="diabetes_progression",
        model="regression_mlp",
        torch=found,
        keras={**found, "rmse": 54.7, "mae": 43.7},
        comparison=difference,
        baseline={**baseline, "others": {}, "comparisons": {"torch": difference, "keras": difference}},
    )


def history(shift=0.0, epochs=10, metric="accuracy"):
    """A history.csv."""
    epoch = np.arange(epochs)
    falling = np.exp(-epoch / 4) + shift
    table = {"epoch": epoch, "train_loss": falling, "val_loss": falling + 0.05}
    return pd.DataFrame({**table, f"train_{metric}": 1 - falling / 2, f"val_{metric}": 0.95 - falling / 2})


def per_class(labels):
    """What details.json has of one framework, 100 rows a class, 90 of them right."""
    count = len(labels)
    confusion = np.full((count, count), 0) + np.eye(count, dtype=int) * 90
    confusion[np.arange(count), (np.arange(count) + 1) % count] = 10
    scores = {"precision": 0.9, "recall": 0.9, "specificity": 0.99, "f1": 0.9}
    bins = [
        {"low": low / 10, "high": (low + 1) / 10, "rows": 10 * low, "confidence": low / 10 + 0.05, "accuracy": low / 10}
        for low in range(10)
    ]
    listed = [{"label": label, "rows": 100, **scores} for label in labels]
    return {"classes": listed, "confusion": confusion.tolist(), "calibration": bins}


def disagreement(row, label, first, second, columns=None):
    """One entry of the disagreements."""
    shown = {"row": row, "label": label, "first": first, "second": second}
    return {**shown, "first_probability": 0.513, "second_probability": 0.987, "columns": columns}


def details(labels=DIGITS, names=("torch", "keras"), columns=None):
    """A details.json."""
    slices = [
        {"by": "label", "value": labels[0], "rows": 100, "first": 0.9, "second": 0.95, "difference": -0.05, "p": 0.01}
    ]
    listed = [disagreement(row, labels[row % len(labels)], labels[0], labels[1], columns) for row in range(6)]
    return {
        **{name: per_class(labels) for name in names},
        "slices": [{**one, "p_adjusted": 0.02} for one in slices],
        "disagreements": listed,
    }


def material(**changes):
    """All that a page of images can show."""
    images = np.random.default_rng(0).integers(0, 256, (6, 28, 28, 1), dtype=np.uint8)
    shown = {
        "details": details(),
        "histories": {
            "torch": [history(seed / 50) for seed in range(3)],
            "keras": [history(seed / 40) for seed in range(3)],
        },
        "samples": dict(enumerate(samples_of(images))),
        "ui": UI,
    }
    return Material(**{**shown, **changes})
