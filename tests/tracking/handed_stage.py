"""A stage in a process of its own, which leaves what it logs to the command above it, and so loads no MLflow.

The arguments are JSON: the experiment, the training's run as a pair of its id and its journal, and the id of its model.
"""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np

from twintrain import tracking
from twintrain.settings.params import Tracking


def evaluate(experiment: str, training: tracking.Ref, model: str | None) -> None:
    features, labels = np.arange(8, dtype="float32").reshape(4, 2), np.arange(4)
    with tracking.stage_run("evaluate", {"stage": "evaluate"}, Tracking(experiment=experiment)) as run:
        run.log_params({"rows": 4})
        run.log_dataset(features, labels, "rows", "test")
        run.log_metrics({"eval_acc": 0.75})
        run.refer("train_run_id", training)
        tracking.add_to_run(run, training, {"test_loss": 0.125}, [Path("note.txt")], model)
        if os.environ.get("KILLED"):
            os.kill(os.getpid(), signal.SIGKILL)
    print(json.dumps({"run_id": run.id, "mlflow": "mlflow" in sys.modules}))


if __name__ == "__main__":
    given_experiment, given_training, given_model = map(json.loads, sys.argv[1:])
    evaluate(given_experiment, tracking.Ref(*given_training), given_model)
