"""One network, trained twice, in PyTorch and in Keras, and compared so that the answer can be trusted.

Names of the library that scripts of one's own use, in the root of a project; each is imported when it is asked for.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "UserError": "errors",
    "compare_networks": "evaluation.comparison",
    "diff": "recordings.comparing.diff",
    "framework_module": "frameworks",
    "load_dataset": "data.dataset",
    "load_network": "models.network",
    "load_params": "settings.params",
    "load_predictions": "evaluation.comparison",
    "record": "recordings.record",
    "verify_twins": "verification.twins",
}
__all__ = [
    "UserError",
    "compare_networks",
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
