"""The run of an experiment, above those of its stages: its name and its parameters say what it has changed."""

from typing import Any, NamedTuple

from twintrain.errors import UserError
from twintrain.settings.params import check_params
from twintrain.settings.preset_changes import preset_changes
from twintrain.settings.yaml_files import read_yaml
from twintrain.system import project

TAGS = {"stage": "run"}


class Described(NamedTuple):
    """What MLflow shows of an experiment.

    Attributes:
        name: such as `car · epochs 20 · lr 0.01`.
        tags: by which it is found.
        params: the preset, and what differs from it, by dotted names.
    """

    name: str
    tags: dict[str, str]
    params: dict[str, Any]


def described(content: dict[str, Any], preset: str | None = None) -> Described:
    """Describes the content of a params.yaml, which is valid.

    Args:
        preset: see `preset_changes`.
    """
    changes = preset_changes(content, preset)
    params = check_params(content, str(project.PARAMS))
    of_preset = {"preset": changes.preset} if changes.preset else {}
    tags = {**TAGS, **of_preset, "dataset": params.dataset, "model": params.model_name, "mode": params.mode}
    return Described(changes.title, tags, {**of_preset, **changes.values})


def described_here(stage: str) -> Described:
    """Describes the experiment in params.yaml; by one of its stages where it is damaged, which that stage will say."""
    try:
        return described(read_yaml(project.PARAMS))
    except UserError:
        return Described(stage, TAGS, {})
