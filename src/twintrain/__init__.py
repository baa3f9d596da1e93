"""One network, trained twice, in PyTorch and in Keras, and compared so that the answer can be trusted.

The names in `__all__` are the library; each is imported when it is asked for. All else is internal and may change.
"""

import importlib
from typing import Any

__version__ = "0.2.0"

# Of any two models, which need NumPy and SciPy alone; and of a project's own, for scripts in its root.
_HOMES = {
    "Diff": "recordings.comparing.diff",
    "PredictionComparison": "evaluation.prediction_comparison",
    "Recording": "recordings.archive",
    "Transfer": "recordings.transferring.transfer",
    "UserError": "errors",
    "compare_predictions": "evaluation.prediction_comparison",
    "diff": "recordings.comparing.diff",
    "record": "recordings.record",
    "recording": "recordings.loop",
    "transfer": "recordings.transferring.transfer",
    "verify": "recordings.building.builders",
    "compare_networks": "evaluation.comparison",
    "framework_module": "frameworks",
    "load_dataset": "data.dataset",
    "load_network": "models.network",
    "load_params": "settings.params",
    "load_predictions": "evaluation.stored_predictions",
    "verify_twins": "verification.twins",
}
__all__ = [
    "Diff",
    "PredictionComparison",
    "Recording",
    "Transfer",
    "UserError",
    "compare_networks",
    "compare_predictions",
    "diff",
    "framework_module",
    "load_dataset",
    "load_network",
    "load_params",
    "load_predictions",
    "record",
    "recording",
    "transfer",
    "verify",
    "verify_twins",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'twintrain' has no attribute '{name}'")
    try:
        return getattr(importlib.import_module(f"twintrain.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        lacking = (
            f"twintrain.{name} needs {error.name}, which is not installed; type: pip install 'twintrain[pipeline]'"
        )
        raise ModuleNotFoundError(lacking, name=error.name) from error


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
