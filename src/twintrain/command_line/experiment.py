"""The experiment that a command line asks for, checked before anything is written or run."""

import argparse
from typing import Any

from twintrain.command_line.commands import ANY_PARAMETER, command_parser
from twintrain.data.dataset import load_dataset
from twintrain.data.schema import Schema, network_schema
from twintrain.frameworks import check_installed
from twintrain.models.freezing import freeze_layers
from twintrain.models.network import load_network
from twintrain.settings.overrides import CURRENT, parse_overrides
from twintrain.settings.params import Params, check_params
from twintrain.settings.presets import changed_params
from twintrain.settings.yaml_files import read_yaml
from twintrain.system import project
from twintrain.system.ray_cluster import check_ray
from twintrain.training.augmentation import check_augmentation
from twintrain.training.initial_model import load_initial, without_alias
from twintrain.training.losses import check_loss
from twintrain.training.transfer import start_from
from twintrain.training.workers.launchers import check_launcher


def experiment_parser(command: str, description: str) -> argparse.ArgumentParser:
    """A parser that knows --preset; what it does not know are parameters, for `read_experiment`."""
    parser = command_parser(command, description, ANY_PARAMETER)
    parser.add_argument("--preset", default="current", help="a file of conf/presets; current: params.yaml as it stands")
    return parser


def read_experiment(preset: str, arguments: list[str]) -> tuple[dict[str, Any], Params]:
    """Applies a preset and overrides to params.yaml in memory and checks what can be checked without running.

    Returns:
        the new content of params.yaml, and the same as typed parameters.

    Raises:
        UserError: an unknown name, a wrong value, a model that does not fit the data set, a missing package.
    """
    chosen = None if preset in CURRENT else preset
    content = changed_params(read_yaml(project.PARAMS), chosen, parse_overrides(arguments))
    params = check_experiment(content)
    if params.train.initial_model:
        params = _with_initial_model(content, params)
    return content, params


def check_experiment(content: dict[str, Any]) -> Params:
    """Checks the content of a params.yaml as far as it can be without running.

    Raises:
        UserError: as `read_experiment`.
    """
    params = check_params(content, str(project.PARAMS))
    for framework in params.frameworks:
        check_installed(framework)
    if params.ingest.engine == "ray":
        check_ray("ingest.engine")
    check_launcher(params.train.launcher)
    schema = schema_of(params)
    check_loss(params.train.loss, schema)
    check_augmentation(params.train.augmentation, schema)
    params.baseline.names_for(schema.task)  # all for this task
    network = load_network(params.model, params.mode, schema)
    network.check_batch_size(params.train.batch_size)
    if not network.source:  # which layers a twin of the user's own has is seen when it is built
        freeze_layers(network, params.train.freeze)
    return params


def schema_of(params: Params) -> Schema:
    """What the network of an experiment is given and asked, found without reading its data."""
    dataset = load_dataset(params.dataset).of_classes(params.ingest.classes)
    return network_schema(params.dataset, dataset, params.preprocess)


def _with_initial_model(content: dict[str, Any], params: Params) -> Params:
    """Writes the version or file that is meant now, so that DVC sees when it is another, and checks that it fits."""
    source = params.train.initial_model
    fixed = without_alias(source, params)
    if fixed != source:
        print(f"train.initial_model: {source} is {fixed} now", flush=True)
        content["train"]["initial_model"] = fixed
        params = check_params(content, str(project.PARAMS))
    network = load_network(params.model, params.mode, schema_of(params))
    initial = load_initial(params)
    if not network.source:
        start_from(freeze_layers(network, params.train.freeze), {}, initial)
    return params
