"""The experiment that a command line asks for, checked before anything is written or run."""

import argparse
from typing import Any

from twintrain import project
from twintrain.config import Params, check_params
from twintrain.data.dataset import load_dataset
from twintrain.data.schema import network_schema
from twintrain.frameworks import check_installed
from twintrain.models.network import load_network
from twintrain.overrides import parse_overrides
from twintrain.presets import changed_params
from twintrain.training.losses import check_loss
from twintrain.yaml_files import read_yaml

# What MLproject hands on for "no preset": its default, or an empty value as MLflow quotes it.
NO_PRESET = ("current", "", "''")


def experiment_parser(command: str, description: str) -> argparse.ArgumentParser:
    """A parser that knows --preset; what it does not know are parameters, for `read_experiment`."""
    parser = argparse.ArgumentParser(
        prog=f"python -m pipelines.{command}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="--PARAMETER VALUE: any parameter of params.yaml, by its dotted name",
        allow_abbrev=False,
    )
    parser.add_argument("--preset", default="current", help="a file of conf/presets; current: params.yaml as it stands")
    return parser


def read_experiment(preset: str, arguments: list[str]) -> tuple[dict[str, Any], Params]:
    """Applies a preset and overrides to params.yaml in memory and checks what can be checked without running.

    Returns:
        the new content of params.yaml, and the same as typed parameters.

    Raises:
        UserError: an unknown name, a wrong value, a model that does not fit the data set, a missing package.
    """
    chosen = None if preset in NO_PRESET else preset
    content = changed_params(read_yaml(project.PARAMS), chosen, parse_overrides(arguments))
    params = check_params(content, str(project.PARAMS))
    for framework in params.frameworks:
        check_installed(framework)
    schema = network_schema(params.dataset, load_dataset(params.dataset), params.preprocess)
    check_loss(params.train.loss, schema)
    load_network(params.model, params.mode, schema).check_batch_size(params.train.batch_size)
    return content, params
