"""Shows a network before anything is trained: its layers, shapes, parameters and operations, and a picture of it.

python -m pipelines.model cnn                           on the data set of params.yaml if that has the model, else of a
                                                        preset that has it
python -m pipelines.model cnn --dataset cifar10         on another one; any parameter of params.yaml will do
python -m pipelines.model --preset car                  the network of a preset; without it, that of params.yaml

results/models/NAME.svg is the picture, NAME.mmd the same as text for Mermaid.
"""

import sys

from twintrain.command_line.commands import run_command
from twintrain.command_line.experiment import experiment_parser, schema_of
from twintrain.errors import UserError
from twintrain.models.network import Network, load_network
from twintrain.report.graph_pictures import draw, mermaid
from twintrain.report.layer_table import print_layers
from twintrain.settings.overrides import CURRENT, parse_overrides
from twintrain.settings.params import check_params
from twintrain.settings.presets import changed_params, read_preset
from twintrain.settings.yaml_files import read_yaml
from twintrain.system import project

PICTURES = project.RESULTS / "models"


def model() -> None:
    """Runs the command."""
    network, origin = _placed(sys.argv[1:])
    schema = network.schema
    print_layers(network, f"{network.model} on {schema.dataset}, {network.mode} ({origin})")
    PICTURES.mkdir(parents=True, exist_ok=True)
    text, picture = (PICTURES / f"{network.model}{ending}" for ending in (".mmd", ".svg"))
    project.write_text(text, mermaid(network))
    draw(network, picture)
    print(f"Picture: {picture}, and as text for Mermaid: {text}")


def _placed(arguments: list[str]) -> tuple[Network, str]:
    """The network that is asked for, and where its data set is from."""
    parser = experiment_parser("model", __doc__)
    parser.add_argument("name", nargs="?", default="current", help="a file of conf/models; default: of the experiment")
    known, rest = parser.parse_known_args(arguments)
    overrides = parse_overrides(rest)
    content = read_yaml(project.PARAMS)
    preset = None if known.preset in CURRENT else known.preset
    if known.name not in CURRENT:
        overrides["model"] = known.name
        if preset is None and project.model_path(known.name) != content.get("model"):
            preset = _preset_of(known.name)
    params = check_params(changed_params(content, preset, overrides), str(project.PARAMS))
    network = load_network(params.model, params.mode, schema_of(params))
    if network.source:
        raise UserError(
            f"{network.source} is a twin of your own, whose layers are seen when it is built; expected a .yaml"
        )
    return network, " ".join([f"preset {preset}" if preset else str(project.PARAMS), *rest])


def _preset_of(name: str) -> str | None:
    """The first preset that has the model."""
    presets = project.names_in(project.PRESETS)
    return next((each for each in presets if read_preset(each)["model"] == name), None)


if __name__ == "__main__":
    run_command(model)
