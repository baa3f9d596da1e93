"""A network of the user's own in PyTorch: built from its file, its arrays found in its modules."""

import copy
import dataclasses
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils import parametrize

from twintrain.errors import UserError
from twintrain.frameworks.torch.free_arrays import CHANGING, FreeArray, free_arrays
from twintrain.frameworks.torch.heads import Heads
from twintrain.frameworks.torch.modules import (
    ARRAYS,
    ChannelsFirst,
    Direction,
    Moved,
    Owner,
    SharedDropout,
    is_depthwise,
    own_arrays,
    read,
)
from twintrain.models import dropout_masks
from twintrain.models.network import Network
from twintrain.models.own_twin import (
    ARRAYS_OF,
    ATTENTION,
    OWN,
    OWN_ARRAY,
    called,
    check_logits,
    check_trained,
    given_to,
    load_builder,
    name_layers,
    own_weight,
    twin_shape,
    weight_of,
)

# Layers whose arrays have names and a layout; all other arrays are taken as they are.
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
    nn.BatchNorm3d: "batch_norm",
    nn.LayerNorm: "layer_norm",
    nn.RMSNorm: "rms_norm",
    nn.GroupNorm: "group_norm",
    nn.InstanceNorm1d: "group_norm",
    nn.InstanceNorm2d: "group_norm",
    nn.InstanceNorm3d: "group_norm",
    nn.Embedding: "embedding",
    nn.PReLU: "prelu",
    nn.RNN: "simple_rnn",
    nn.LSTM: "lstm",
    nn.GRU: "gru",
    nn.MultiheadAttention: ATTENTION,
}
DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d)
INSTANCE_NORMS = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
BUILDER = "build_torch"
SHOWN_ROWS = 2
# So many trainings steps of a network that draws at random are hardly the same.
DRAWS = 8


def build(network: Network, seed: int) -> nn.Module:
    """Builds the user's network behind a turn of images to channels first.

    Raises:
        UserError: it cannot be built, run or copied, is no network, gives no logits, has nothing to train, or draws at
            random.
    """
    path, schema = network.source, network.schema
    shape = twin_shape(schema, BUILDER)
    builder = load_builder(path, BUILDER)
    given = given_to(BUILDER, schema)
    twin = called(path, lambda: builder(shape, schema.outputs), given)
    if not isinstance(twin, nn.Module):
        raise UserError(f"{path}: expected a torch.nn.Module of {BUILDER}, got {type(twin).__name__}")
    check_trained(path, BUILDER, sum(weight.requires_grad for weight in twin.parameters()))
    _check_real(path, twin)
    # What is of one precision by itself is trained in the one that is asked for.
    twin = twin.to(torch.get_default_dtype())
    example = torch.zeros((SHOWN_ROWS, *shape), dtype=torch.int64 if schema.input_dims else torch.get_default_dtype())
    with torch.no_grad():
        logits = called(path, lambda: twin.eval()(example), given)
    check_logits(path, BUILDER, SHOWN_ROWS, schema.outputs, logits)
    with torch.random.fork_rng():
        trained, draws = called(path, lambda: _trained_often(twin, example), given)
    if network.mode == "aligned":
        if draws:
            raise _drawing(path)
        _align(twin, seed)
    stages = {"channels_first": ChannelsFirst(copied=True)} if schema.is_image else {}
    model = nn.Sequential(OrderedDict(**stages, twin=twin)).train()
    setattr(model, CHANGING, frozenset(f"twin.{buffer}" for buffer in _changed(twin, trained)))
    return model


def known(model: nn.Module, network: Network) -> Network:
    """The network with the arrays that the built one has."""
    arrays = {}
    for layer, (owner, names) in _found(model).items():
        for array in names:
            name, value, is_trained = f"{layer}/{array}", read(owner, array), _is_trained(owner, array)
            if isinstance(owner, FreeArray):
                arrays[name] = own_weight(value.detach().cpu().numpy(), is_trained, network.mode)
            else:
                arrays[name] = weight_of(name, tuple(value.shape), is_trained, network.mode)
    return dataclasses.replace(network, arrays=arrays)


def owners(model: nn.Module) -> dict[str, Owner]:
    """What has arrays, by the names of the layers: free arrays, then known modules, recurrent ones by direction."""
    return {name: owner for name, (owner, _) in _found(model).items()}


def _found(model: nn.Module) -> dict[str, tuple[Owner, list[str]]]:
    """Owners with the names of their arrays; what two have in common is the first one's.

    Free arrays come first: among the layers they would stand at one place in one framework and at another in the other.
    """
    registered = {id(array) for array in (*model.parameters(), *model.buffers())}
    taken: set[int] = set()
    found: list[tuple[Owner, list[str]]] = []
    for owner in _known_owners(model):
        own = {array: {id(each) for each in own_arrays(owner, array)} for array in _arrays(owner)}
        # What is computed of others, as by torch.nn.utils.weight_norm, can be read but not set.
        if all(ids <= registered for ids in own.values()):
            arrays = [array for array, ids in own.items() if not ids & taken]
            taken |= set().union(*own.values())
            found += [(owner, arrays)] if arrays else []
    free = free_arrays(model, taken)
    names = [*name_layers([OWN] * len(free)), *name_layers([_kind(owner) for owner, _ in found])]
    return dict(zip(names, [*((array, [OWN_ARRAY]) for array in free), *found], strict=True))


def _known_owners(model: nn.Module) -> Iterator[Owner]:
    """Modules of the known kinds, recurrent ones by layer and direction, in order; attention with all its parts."""
    inner = {id(module.out_proj) for module in model.modules() if isinstance(module, nn.MultiheadAttention)}
    for module in model.modules():
        if isinstance(module, tuple(KINDS)) and id(module) not in inner and not _is_changed(module):
            yield from _owners_of(module)


def _is_changed(module: nn.Module) -> bool:
    """Whether it has other arrays than its kind: a parametrization's, a projection's, or what instance norm keeps."""
    if any(map(parametrize.is_parametrized, module.modules())):
        return True
    projects = isinstance(module, nn.RNNBase) and module.proj_size > 0
    return projects or (isinstance(module, INSTANCE_NORMS) and module.track_running_stats)


def _check_real(path: Path, twin: nn.Module) -> None:
    """Refuses complex arrays, which a change of precision would cut to their real parts."""
    arrays = {**dict(twin.named_parameters()), **dict(twin.named_buffers())}
    if found := [name for name, array in arrays.items() if array.is_complex()]:
        raise UserError(f"{path}: {found[0]} of {BUILDER}'s network is complex; expected its two parts as real arrays")


def _trained_often(twin: nn.Module, example: torch.Tensor) -> tuple[nn.Module, bool]:
    """A copy that has seen rows in training, and whether others that have seen the same give something else."""
    trained, found = _trained(twin, example)
    return trained, not all(_is_same(found, _trained(twin, example)[1]) for _ in range(DRAWS - 1))


def _trained(twin: nn.Module, example: torch.Tensor) -> tuple[nn.Module, torch.Tensor]:
    """A copy that has seen rows in training, with its dropout modules off, and what it gave."""
    trained = copy.deepcopy(twin).train()  # batch norm keeps what it sees
    for module in trained.modules():
        if isinstance(module, DROPOUTS):
            module.eval()
    different = torch.linspace(0.1, 1, example.numel(), dtype=torch.get_default_dtype()).view_as(example)
    with torch.no_grad():
        return trained, trained(different if example.is_floating_point() else example)


def _changed(twin: nn.Module, trained: nn.Module) -> list[str]:
    """Paths of the buffers that training changes: floating ones that are saved; integers count, or are indices."""
    saved, buffers = twin.state_dict(keep_vars=True), dict(trained.named_buffers())
    floating = {path: buffer for path, buffer in twin.named_buffers() if path in saved and buffer.is_floating_point()}
    return [path for path in floating if path not in buffers or not _is_same(floating[path], buffers[path])]


def _is_same(first: torch.Tensor, second: torch.Tensor) -> bool:
    """Whether two tensors have the same numbers; NaN, which is no difference, at the same places."""
    return first.shape == second.shape and torch.allclose(first, second, rtol=0, atol=0, equal_nan=True)


def _drawing(path: Path) -> UserError:
    """The error for a network that draws at random beside its dropout modules: such masks cannot be shared."""
    return UserError(
        f"{path}: {BUILDER}'s network gives something else each time in training, beside its dropout layers; "
        "expected nn.Dropout, nn.Dropout1d or nn.Dropout2d in the place of F.dropout and the like, since the twins "
        "share their masks"
    )


def _align(twin: nn.Module, seed: int) -> None:
    """Freezes the second biases and shares the masks of dropout."""
    for owner in owners(twin).values():
        if isinstance(owner, Direction):
            owner.freeze_second_bias()
    modules = [(path, each) for path, each in twin.named_modules(remove_duplicate=False) if isinstance(each, DROPOUTS)]
    shared: dict[int, nn.Module] = {}  # one may be used at several places
    for path, module in modules:
        if id(module) not in shared:
            shared[id(module)] = _shared(module, dropout_masks.layer_key(seed, len(shared)))
        twin.set_submodule(path, shared[id(module)])


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
    for layer in range(module.num_layers):
        yield from (Direction(module, end, layer) for end in ("", "_reverse")[: 1 + module.bidirectional])


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
    """Names of the arrays that a known one has."""
    if isinstance(owner, Heads):
        return [array for array in ARRAYS_OF[ATTENTION] if owner.parameters(array)]
    if isinstance(owner, Direction):
        return [array for array in ARRAYS_OF[_kind(owner)] if array != "bias" or owner.rnn.bias]
    return [array for array in ARRAYS_OF[_kind(owner)] if getattr(owner, ARRAYS[array]) is not None]


def _is_trained(owner: Owner, array: str) -> bool:
    return own_arrays(owner, array)[0].requires_grad
