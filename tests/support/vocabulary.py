"""What a model file and params.yaml can name, and the rows of the contract tests that have it: docs/vocabulary.md."""

from collections.abc import Iterable
from typing import get_args

from loss_cases import settings
from twin_cases import LAYER_CASES, OPTIMIZERS, functions, kinds

from twintrain.models.composites import COMPOSITES
from twintrain.models.layers import LAYERS
from twintrain.models.layers.activation import Activation
from twintrain.settings.sections.losses import LOSSES
from twintrain.settings.sections.optimizers import OPTIMIZERS as UPDATE_RULES
from twintrain.settings.sections.optimizers import TORCH_ALONE

Rows = dict[str, list[str]]


def vocabulary() -> dict[str, Rows]:
    """By the tables of the document, and by what stands in their rows: names of the rows of a contract test."""
    of_kinds = {name: kinds(layers) for name, (_, layers) in LAYER_CASES.items()}
    of_functions = {name: functions(layers) for name, (_, layers) in LAYER_CASES.items()}
    of_losses = {name: {loss.name_for(task)} for name, (task, loss) in settings().items()}
    of_rules = {name: {settings.name} for name, settings in OPTIMIZERS.items()}
    return {
        "layers": _having([*LAYERS, *COMPOSITES], of_kinds),
        "activations": _having(get_args(Activation.model_fields["function"].annotation), of_functions),
        "losses": _having(LOSSES, of_losses),
        "optimizers": _having([name for name in UPDATE_RULES if name not in TORCH_ALONE], of_rules),
    }


def _having(names: Iterable[str], rows: dict[str, set[str]]) -> Rows:
    return {name: [row for row, found in rows.items() if name in found] for name in names}
