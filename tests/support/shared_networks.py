"""What several workers train as one does: networks with statistics, masks and branches, and settings of a training."""

from typing import Any

from twin_cases import OPTIMIZERS, RESIDUAL_OF_INCEPTION, SEQUENCE, SMALL_IMAGE, VECTOR, Case, case_of, function, one

from twintrain.settings.sections.losses import Loss
from twintrain.settings.sections.optimizers import Clip, Regularization, Schedule
from twintrain.settings.sections.training import Train

STEPS = 30
OUTPUTS = 3
# Of 37 rows: two workers have 8 and 7 rows of a batch, four have 4, 4, 4 and 3, and of the last batch 2, 2, 2 and 1.
BATCH_SIZE = 15
LAYERS: dict[str, tuple[list[int], list[Any]]] = {
    "mlp": (
        VECTOR,
        [one("dense", units=8), "batch_norm", function("relu"), one("dropout", rate=0.3), one("dense", units=6)],
    ),
    "cnn": (
        SMALL_IMAGE,
        [
            one("conv2d", filters=4, kernel_size=3, padding="same"),
            one("batch_norm", momentum=0.7),
            function("relu"),
            one("spatial_dropout", rate=0.2),
            one("max_pool2d", pool_size=2),
            "flatten",
            one("dropout", rate=0.3),
        ],
    ),
    "lstm": (
        SEQUENCE,
        [
            one("multi_head_attention", num_heads=1, use_bias=False, dropout=0.2),
            one("lstm", units=4, return_sequences=True),
            "batch_norm",
            one("gru", units=3),
        ],
    ),
    "residual": (SMALL_IMAGE, [RESIDUAL_OF_INCEPTION, "global_avg_pool"]),
}
SETTINGS: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": OPTIMIZERS["sgd"]},
    "adam": {"optimizer": OPTIMIZERS["adam"]},
    "all at once": {
        "optimizer": OPTIMIZERS["momentum"],
        "loss": Loss(label_smoothing=0.1, class_weights=[0.5, 2.0, 1.3]),
        "schedule": Schedule(name="cosine", minimum=1e-3, warmup=3),
        "regularization": Regularization(l1=1e-3, l2=0.01),
        "clip": Clip(norm=0.5, value=0.1),
        "accumulate": 2,
    },
}


def shared_cases() -> dict[str, Case]:
    """The networks with their rows and first weights."""
    return {name: case_of(*row, OUTPUTS, seed=index) for index, (name, row) in enumerate(LAYERS.items())}


def trainings(dtype: str) -> dict[str, Train]:
    """The settings of each training."""
    common = {"dtype": dtype, "epochs": 20, "batch_size": BATCH_SIZE, "threads": 1}
    return {name: Train(**common, **settings) for name, settings in SETTINGS.items()}
