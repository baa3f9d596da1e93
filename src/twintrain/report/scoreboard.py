"""results/scores.json: the few figures that `dvc metrics` and `dvc exp show` lay side by side."""

from typing import Any

from twintrain.report import statements

# key of a framework in results/metrics.json: its name where it is a column
SCORES = {
    "eval_acc": "accuracy",
    "rmse": "rmse",
    "iou": "iou",
    "auc_score": "auc",
    "test_loss": "loss",
    "train_seconds": "seconds",
}


def scoreboard(metrics: dict[str, Any]) -> dict[str, Any]:
    """What of results/metrics.json tells one experiment from another.

    Returns:
        of each framework accuracy, RMSE of numbers or IoU, AUC, loss and the seconds of its training, as far as it has
        them; `difference` of the first less the second in the first of these, and whether they are `equivalent`,
        where there are two; whether the twins were `verified`, null where nobody has looked.
    """
    found = {
        name: {title: metrics[name][key] for key, title in SCORES.items() if metrics[name].get(key) is not None}
        for name in statements.frameworks_of(metrics)
    }
    _, difference = statements.headline_score(metrics)
    compared = {"difference": difference, "equivalent": "equivalent"}
    comparison = {title: metrics["comparison"][key] for title, key in compared.items() if key in metrics["comparison"]}
    return {**found, **comparison, "verified": metrics["verification"]["verified"]}
