"""Command-line arguments for the parameters of params.yaml, whatever they are called."""

from typing import Any

from twintrain.errors import UserError, cut
from twintrain.settings.yaml_files import parse_scalar

# What MLproject hands on for a value that was not given: an empty one, as MLflow quotes it; and for one that
# params.yaml has, the default `current` too.
NOT_GIVEN = ("", "''")
CURRENT = ("current", *NOT_GIVEN)


def parse_overrides(arguments: list[str]) -> dict[str, Any]:
    """Turns `--train.epochs 20 --train.optimizer.name=sgd` into a dict; values are read as YAML.

    This is how `mlflow run . -P train.epochs=20` hands on a parameter that MLproject does not declare.

    Raises:
        UserError: an argument that is not of this form.
    """
    overrides = {}
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        if not argument.startswith("--") or argument == "--":
            raise UserError(
                f"unexpected argument '{cut(argument)}'; expected --PARAMETER VALUE, as in --train.epochs 20"
            )
        name, equals, value = argument.removeprefix("--").partition("=")
        if not equals:
            if not waiting or waiting[0].startswith("--"):
                raise UserError(f"--{cut(name)} has no value; expected --{cut(name)} VALUE")
            value = waiting.pop(0)
        overrides[name] = parse_scalar(value, f"--{cut(name)}")
    return overrides
