"""The networks whose operations are counted: every kind of layer, and every model of conf/models."""

from twin_cases import LIKE_ANOTHER, cases

from twintrain.data.dataset import load_dataset
from twintrain.data.schema import network_schema
from twintrain.models.network import Network, load_network
from twintrain.settings.sections.data import Preprocess


def networks() -> dict[str, Network]:
    """All of them by name."""
    schema = network_schema("mnist5k", load_dataset("mnist5k"), Preprocess())
    others = {model: load_network(model, "aligned", schema) for model in LIKE_ANOTHER}
    return {**{name: case.network for name, case in cases().items()}, **others}
