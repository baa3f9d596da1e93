"""A network of the user's own in PyTorch: built from its file, its arrays found in its modules."""

import copy
import dataclasses
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from twintrain.errors import UserError
from twintrain.frameworks.torch.heads import Heads
from twintrain.frameworks.torch.modules import (
    ARRAYS,
    ChannelsFirst,
    Direction,
    Moved,
    Owner,
    SharedDropout,
    is_depthwise,
    read,
)
from twintrain.models import dropout_masks
from twintrain.models.network import Network
from twintrain.models.own_twin import (
    ARRAYS_OF,
    ATTENTION,
    called,
    check_logits,
    given_to,
    load_builder,
    name_layers,
    twin_shape,
    unknown_layer,
    weight_of,
)

# What may have arrays, and the kinds of layers that they are.
KINDS: dict[type[nn.Module], str] = {
    nn.Linear: "dense",
    nn.Conv1d: "conv1d",
    nn.Conv2d: "conv2d",
    nn.Conv3d: "conv3d",
    nn.ConvTranspose1d: "conv1d_transpose",
    nn.ConvTranspose2d: "conv2d_transpose",
    nn.ConvTranspose3d: "conv3d_transpose",
    nn.BatchNorm1d: "batch_norm",
    nn.BatchNorm2d: "batch_norm",
    nn.LayerNorm: "layer_norm",
    nn.GroupNorm: "group_norm",
    nn.Embedding: "embedding",
    nn.PReLU: "prelu",
    nn.RNN: "simple_rnn",
    nn.LSTM: "lstm",
    nn.GRU: "gru",
    nn.MultiheadAttention: ATTENTION,
}
DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d)
BUILDER = "build_torch"
SHOWN_ROWS = 2
# So many trainings steps of a network that draws at random are hardly the same.
DRAWS = 8


def build(network: Network, seed: int) -> nn.Module:
    """Builds the user's network behind a turn of images to channels first.

    Raises:
        UserError: it cannot be built or run, is no network, gives no logits, or has arrays that are not known.
    """
    path, schema = network.source, network.schema
    shape = twin_shape(schema, BUILDER)
    builder = load_builder(path, BUILDER)
    given = given_to(BUILDER, schema)
    twin = called(path, lambda: builder(shape, schema.outputs), given)
    if not isinstance(twin, nn.Module):
        raise UserError(f"{path}: expected a torch.nn.Module of {BUILDER}, got {type(twin).__name__}")
    # What is of one precision by itself is trained in the one that is asked for.
    twin = twin.to(torch.get_default_dtype())
    example = torch.zeros((SHOWN_ROWS, *shape), dtype=torch.int64 if schema.categories else torch.get_default_dtype())
    with torch.no_grad():
        logits = called(path, lambda: twin.eval()(example), given)
    check_logits(path, BUILDER, SHOWN_ROWS, schema.outputs, logits)
    _check_known(network, twin)
    if network.mode == "aligned":
        _check_draws(path, twin, example)
        _align(twin, seed)
    stages = {"channels_first": ChannelsFirst(copied=True)} if schema.is_image else {}
    return nn.Sequential(OrderedDict(**stages, twin=twin)).train()


def known(model: nn.Module, network: Network) -> Network:
    """The network with the arrays that the built one has."""
    arrays = {}
    for layer, owner in owners(model).items():
        for array in _arrays(owner):
            name, shape = f"{layer}/{array}", tuple(read(owner, array).shape)
            arrays[name] = weight_of(name, shape, _is_trained(owner, array), network.mode)
    return dataclasses.replace(network, arrays=arrays)


def owners(model: nn.Module) -> dict[str, Owner]:
    """Modules that have arrays, recurrent ones by direction, by the names of the layers, in order."""
    inner = {id(module.out_proj) for module in model.modules() if isinstance(module, nn.MultiheadAttention)}
    modules = [module for module in model.modules() if id(module) not in inner]
    found = [owner for module in modules for owner in _owners_of(module) if _arrays(owner)]
    return dict(zip(name_layers([_kind(owner) for owner in found]), found, strict=True))


def _check_known(network: Network, twin: nn.Module) -> None:
    listed = [kind.__name__ for kind in KINDS]
    for path, module in twin.named_modules():
        if isinstance(module, nn.RNNBase) and (module.num_layers > 1 or module.proj_size):
            raise UserError(
                f"{network.source}: {path} ({type(module).__name__}) has several layers or a projection, which one "
                "layer of Keras's has not; expected num_layers=1, one module a layer, and proj_size=0"
            )
        if not isinstance(module, tuple(KINDS)) and any(True for _ in module.parameters(recurse=False)):
            raise unknown_layer(network.source, f"{path or BUILDER} ({type(module).__name__})", listed)


def _check_draws(path: Path, twin: nn.Module, example: torch.Tensor) -> None:
    """Refuses a network that draws at random beside its dropout modules: such masks cannot be shared."""
    trained = copy.deepcopy(twin).train()  # batch norm would keep what it sees
    for module in trained.modules():
        if isinstance(module, DROPOUTS):
            module.eval()
    values = example if example.dtype == torch.int64 else torch.ones_like(example)
    with torch.no_grad(), torch.random.fork_rng():
        first, *others = (trained(values) for _ in range(DRAWS))
    if not all(torch.equal(first, other) for other in others):
        raise UserError(
            f"{path}: {BUILDER}'s network gives something else each time in training, beside its dropout layers; "
            "expected nn.Dropout, nn.Dropout1d or nn.Dropout2d in the place of F.dropout and the like, since the twins "
            "share their masks"
        )


def _align(twin: nn.Module, seed: int) -> None:
    """Freezes the second biases and shares the masks of dropout."""
    for module in twin.modules():
        for owner in _owners_of(module):
            if isinstance(owner, Direction):
                owner.freeze_second_bias()
    dropouts = [path for path, module in twin.named_modules() if isinstance(module, DROPOUTS)]
    for number, path in enumerate(dropouts):
        twin.set_submodule(path, _shared(twin.get_submodule(path), dropout_masks.layer_key(seed, number)))


def _shared(module: nn.Module, key: int) -> nn.Module:
    """Dropout with shared masks in the place of PyTorch's own."""
    shared = SharedDropout(module.p, whole_channels=not isinstance(module, nn.Dropout))
    shared.key = key
    return Moved(shared, 1, -1) if isinstance(module, nn.Dropout1d) else shared


def _owners_of(module: nn.Module) -> Iterator[Owner]:
    if isinstance(module, nn.MultiheadAttention):
        yield Heads(module)
        return
    if not isinstance(module, nn.RNNBase):
        yield module
        return
    yield Direction(module)
    if module.bidirectional:
        yield Direction(module, "_reverse")


def _kind(owner: Owner) -> str:
    module = _module(owner)
    if is_depthwise(module):
        return "depthwise_conv2d"
    return next((name for kind, name in KINDS.items() if isinstance(module, kind)), "")


def _module(owner: Owner) -> nn.Module:
    if isinstance(owner, Direction):
        return owner.rnn
    return owner.module if isinstance(owner, Heads) else owner


def _arrays(owner: Owner) -> list[str]:
    """Names of the arrays that it has; none where it is of no kind that may have some."""
    if isinstance(owner, Heads):
        return [array for array in ARRAYS_OF[ATTENTION] if owner.parameters(array)]
    if isinstance(owner, Direction):
        return [array for array in ARRAYS_OF[_kind(owner)] if array != "bias" or owner.rnn.bias]
    return [array for array in ARRAYS_OF.get(_kind(owner), ()) if getattr(owner, ARRAYS[array]) is not None]


def _is_trained(owner: Owner, array: str) -> bool:
    if isinstance(owner, Direction | Heads):
        return owner.parameters(array)[0].requires_grad
    return getattr(owner, ARRAYS[array]).requires_grad
