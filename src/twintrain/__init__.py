"""One network, trained twice, in PyTorch and in Keras, and compared so that the answer can be trusted.

The names in `__all__` are the library; each is imported when it is asked for. All else is internal and may change.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "UserError": "errors",
    "compare_networks": "evaluation.comparison",
    "compare_predictions": "evaluation.prediction_comparison",
    "diff": "recordings.comparing.diff",
    "framework_module": "frameworks",
    "load_dataset": "data.dataset",
    "load_network": "models.network",
    "load_params": "settings.params",
    "load_predictions": "evaluation.stored_predictions",
    "record": "recordings.record",
    "verify_twins": "verification.twins",
}
__all__ = [
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
    "verify_twins",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'twintrain' has no attribute '{name}'")
    return getattr(importlib.import_module(f"twintrain.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
