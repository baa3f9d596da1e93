"""The rows of figures in tables: which figures of results/metrics.json, what they are called, how they are written."""

from collections.abc import Callable
from typing import Any

from twintrain.evaluation import digits

Row = tuple[str, str, Callable[[Any], str]]
# key of results/metrics.json, heading, how its figures are written
SCORE_ROWS: tuple[Row, ...] = (
    ("eval_acc", "test accuracy", digits.share),
    ("auc_score", "test AUC", digits.share),
    ("rmse", "test RMSE", digits.measured),
    ("mae", "test MAE", digits.measured),
    ("r2", "test R²", digits.share),
    ("iou", "test IoU", digits.share),
    ("dice", "test Dice", digits.share),
    ("test_loss", "test loss", digits.measured),
    ("ece", "calibration error", digits.share),
    ("brier", "Brier score", digits.share),
    ("seeds_eval_acc_mean", "accuracy, seeds' mean", digits.share),
    ("seeds_eval_acc_std", "accuracy, seeds' std", digits.share),
    ("seeds_mae_mean", "MAE, seeds' mean", digits.measured),
    ("seeds_mae_std", "MAE, seeds' std", digits.measured),
    ("seeds_iou_mean", "IoU, seeds' mean", digits.share),
    ("seeds_iou_std", "IoU, seeds' std", digits.share),
    ("parameters", "parameters", digits.count),
    ("epochs_run", "epochs", digits.count),
    ("best_epoch", "best epoch", digits.count),
)
COST_ROWS: tuple[Row, ...] = (
    ("train_seconds", "training, s", digits.seconds),
    ("seconds_to_best", "to best epoch, s", digits.seconds),
    ("samples_per_second", "samples / s", digits.rate),
    ("train_load", "training, CPUs of others", digits.tenths),
    ("peak_memory_mib", "peak memory, MiB", digits.rate),
    ("peak_device_memory_mib", "of the GPU, MiB", digits.rate),
    ("flops", "FLOPs a row", digits.count),
    ("file_bytes", "saved file, bytes", digits.count),
    ("latency_1_ms", "latency, 1 row, ms", digits.milliseconds),
    ("latency_1_p95_ms", "p95, 1 row, ms", digits.milliseconds),
    ("latency_256_ms", "latency, 256 rows, ms", digits.milliseconds),
    ("latency_256_p95_ms", "p95, 256 rows, ms", digits.milliseconds),
    ("inference_threads", "latency, threads", digits.plain),
    ("inference_load", "latency, CPUs of others", digits.tenths),
)
MACHINE_ROWS: tuple[Row, ...] = (("device", "device", digits.plain), ("version", "version", digits.plain))
ROWS = (*SCORE_ROWS, *COST_ROWS, *MACHINE_ROWS)


def row_of(key: str) -> tuple[str, Callable[[Any], str]]:
    """The heading of a figure, and how it is written."""
    return next((heading, form) for each, heading, form in ROWS if each == key)
