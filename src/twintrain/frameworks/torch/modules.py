"""What PyTorch lacks, as modules, and where its modules keep our arrays.

Kernels are (…, in, out) for us and (out, in, …) in PyTorch.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from twintrain.frameworks.torch.free_arrays import FreeArray
from twintrain.frameworks.torch.heads import Heads
from twintrain.models import dropout_masks

# Where PyTorch keeps an array of ours.
ARRAYS = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
    "alpha": "weight",
    "embeddings": "weight",
}
# Our gates in PyTorch's order, and the other way round: an exchange of two is its own inverse.
GATES = {nn.RNN: (0,), nn.LSTM: (0, 1, 2, 3), nn.GRU: (1, 0, 2)}


class ChannelsFirst(nn.Module):
    """(rows, height, width, channels) → (rows, channels, height, width).

    As a view, convolutions add up in the order of TensorFlow's. But on a CPU, the batch statistics of such a view lose
    two digits of float32, so for these it is copied into the memory's usual order.
    """

    def __init__(self, copied: bool) -> None:
        super().__init__()
        self.copied = copied

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        turned = images.permute(0, 3, 1, 2)
        # Not contiguous(), which leaves an image of one channel with strides that pass for channels last.
        return turned.clone(memory_format=torch.contiguous_format) if self.copied else turned


class Moved(nn.Module):
    """A module between a move of an axis and the move back."""

    def __init__(self, inner: nn.Module, source: int, destination: int) -> None:
        super().__init__()
        self.inner = inner
        self.source, self.destination = source, destination

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        moved = values.movedim(self.source, self.destination)
        return self.inner(moved).movedim(self.destination, self.source)


class Composed(nn.Module, ABC):
    """A module of ours whose arrays are those of several stock ones."""

    @abstractmethod
    def part_of(self, array: str) -> tuple[nn.Module, str]:
        """The module inside that has an array of ours, and the array's name there; one of them for no array."""


class GroupedConv2d(nn.Conv2d):
    """One in groups whose kernel is that of conv2d even where each has a single channel."""


class Separable(Composed):
    """A depthwise convolution, then a pointwise one."""

    def __init__(self, depthwise: nn.Module, pointwise: nn.Conv2d) -> None:
        super().__init__()
        self.depthwise, self.pointwise = depthwise, pointwise

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.pointwise(self.depthwise(images))

    def part_of(self, array: str) -> tuple[nn.Module, str]:
        part = self.depthwise if array == "depthwise_kernel" else self.pointwise
        return part, array.rpartition("_")[2]


class UncountedPadding(nn.Module):
    """Divides a padded mean by the share of the window that lay on the sample."""

    def __init__(self, pool: nn.Module) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.pool(values) / self.pool(torch.ones_like(values[:1, :1]))


class Reduced(nn.Module):
    """An operation over some axes, such as the mean."""

    def __init__(self, operation: Callable[..., torch.Tensor], axes: tuple[int, ...]) -> None:
        super().__init__()
        self.operation, self.axes = operation, axes

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.operation(values, dim=self.axes)


class SharedDropout(nn.Dropout):
    """Dropout with the masks of `models/dropout_masks.py`; of images channels are first, of all else last.

    Attributes:
        channels_last: whether what has the axes of images is none.
        first_row: the place in its batch of the first row that comes in.
    """

    def __init__(self, rate: float, whole_channels: bool = False, channels_last: bool = False) -> None:
        super().__init__(rate)
        self.whole_channels, self.channels_last = whole_channels, channels_last
        self.key = self.calls = self.first_row = 0

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        if not self.training or not self.p:
            return values
        is_image = values.ndim >= 4 and not self.channels_last
        ours = values.movedim(1, -1) if is_image else values
        shape = ours.shape
        if self.whole_channels:
            shape = torch.Size((shape[0], *[1] * (len(shape) - 2), shape[-1]))
        kept = torch.where(self._mask(shape, values.device).view(shape), ours * (1 / (1 - self.p)), 0.0)
        self.calls += 1
        return kept.movedim(-1, 1) if is_image else kept

    def _mask(self, shape: torch.Size, device: torch.device) -> torch.Tensor:
        key = dropout_masks.next_key(self.key, self.calls)
        first = self.first_row * shape[1:].numel()
        index = torch.arange(first, first + shape.numel(), dtype=torch.int64, device=device)
        spread = index * dropout_masks.GOLDEN & dropout_masks.BITS
        return dropout_masks.mix(spread ^ key) >= dropout_masks.threshold(self.p)


class ColumnEmbeddings(Composed):
    """One table a column, side by side."""

    def __init__(self, sizes: list[tuple[int, ...]]) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(*size) for size in sizes)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        return torch.cat([table(codes[:, column]) for column, table in enumerate(self.tables)], dim=1)

    def part_of(self, array: str) -> tuple[nn.Module, str]:
        return self.tables[int(array.removeprefix("column_") or 0)], "embeddings"


class Recurrent(nn.Module):
    """A stock recurrent module, of one direction or two, that gives all steps or the last one.

    Attributes:
        directions: the ends that PyTorch gives the names of a direction's arrays, by the names of our layers.
    """

    def __init__(self, rnn: nn.RNNBase, names: list[str], return_sequences: bool) -> None:
        super().__init__()
        self.rnn, self.return_sequences = rnn, return_sequences
        self.directions = dict(zip(names, ("", "_reverse"), strict=False))

    def forward(self, sequences: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        outputs, _ = self.rnn(sequences) if mask is None else self.rnn(sequences, mask)
        if self.return_sequences:
            return outputs
        # The last step of each direction; a state after the last step would do, but torch.export misjudges its shape.
        ends = outputs.split(self.rnn.hidden_size, dim=2)
        return torch.cat([end[:, step] for end, step in zip(ends, (-1, 0), strict=False)], dim=1)


class Joined(nn.Module):
    """An operation on all arrays that come in."""

    def __init__(self, operation: Callable[[tuple[torch.Tensor, ...]], torch.Tensor]) -> None:
        super().__init__()
        self.operation = operation

    def forward(self, *values: torch.Tensor) -> torch.Tensor:
        return self.operation(values)

    def extra_repr(self) -> str:
        return str(self.operation)


@dataclass(frozen=True)
class Direction:
    """One direction of one layer of a stock recurrent module, with its arrays in our layout.

    Where PyTorch adds two biases and we one, ours is their sum, and setting it puts all into the first.

    Attributes:
        end: "_reverse" for the second direction, with which PyTorch ends the names of its arrays.
        layer: its number in the module.
    """

    rnn: nn.RNNBase
    end: str = ""
    layer: int = 0

    def freeze_second_bias(self) -> None:
        """Makes the second bias zero for good where it is added to the first, so that one bias is trained."""
        if not isinstance(self.rnn, nn.GRU) and self.rnn.bias:
            nn.init.zeros_(self.parameters("bias")[1]).requires_grad_(False)

    def read(self, array: str) -> torch.Tensor:
        """Returns an array of ours."""
        found = [self._in_other_order(own) for own in self.parameters(array)]
        if array != "bias":
            return found[0].T
        return torch.stack(found) if isinstance(self.rnn, nn.GRU) else found[0] + found[1]

    def write(self, array: str, value: torch.Tensor) -> None:
        """Sets an array of ours."""
        if array != "bias":
            values = [value.T]
        else:
            values = list(value) if isinstance(self.rnn, nn.GRU) else [value, torch.zeros_like(value)]
        for own, part in zip(self.parameters(array), values, strict=True):
            own.copy_(self._in_other_order(part))

    def parameters(self, array: str) -> list[torch.Tensor]:
        """PyTorch's arrays that an array of ours is kept in."""
        stems = {"kernel": ["weight_ih"], "recurrent_kernel": ["weight_hh"], "bias": ["bias_ih", "bias_hh"]}
        return [getattr(self.rnn, f"{stem}_l{self.layer}{self.end}") for stem in stems[array]]

    def _in_other_order(self, array: torch.Tensor) -> torch.Tensor:
        order = next(order for kind, order in GATES.items() if isinstance(self.rnn, kind))
        gates = array.chunk(len(order))
        return torch.cat([gates[gate] for gate in order])


Owner = nn.Module | Direction | Heads | FreeArray


def read(owner: Owner, array: str) -> torch.Tensor:
    """Returns an array of a layer in our layout."""
    return _view(owner, array) if isinstance(owner, nn.Module) else owner.read(array)


def write(owner: Owner, array: str, value: torch.Tensor) -> None:
    """Sets an array of a layer, given in our layout."""
    if isinstance(owner, Direction):
        owner.write(array, value)
    else:
        read(owner, array).copy_(value)  # a view


def own_arrays(owner: Owner, array: str) -> list[torch.Tensor]:
    """PyTorch's own arrays that an array of ours is kept in."""
    if not isinstance(owner, nn.Module):
        return owner.parameters(array)
    module, array = stock(owner, array)
    return [getattr(module, ARRAYS[array])]


def stock(module: nn.Module, array: str = "") -> tuple[nn.Module, str]:
    """The stock module inside of ours that has an array, and the array's name in it."""
    match module:
        case Moved():
            return stock(module.inner, array)
        case nn.Sequential():
            # Before or behind it are cells that are added or left out.
            return stock(next((part for part in module if [*part.parameters()]), module[-1]), array)
        case Composed():
            return stock(*module.part_of(array))
    return module, array


def is_depthwise(module: nn.Module) -> bool:
    """Whether a module convolves each channel by itself, and is none that a layer of ours writes as groups."""
    is_of_channels = isinstance(module, nn.Conv2d) and not isinstance(module, GroupedConv2d)
    return is_of_channels and module.groups == module.in_channels > 1


def _view(module: nn.Module, array: str) -> torch.Tensor:
    """An array of ours as a view of PyTorch's."""
    (found,) = own_arrays(module, array)
    module, array = stock(module, array)
    if array != "kernel":
        return found
    if is_depthwise(module):
        return found.unflatten(0, (module.groups, -1)).squeeze(2).permute(2, 3, 0, 1)
    return found.permute(*range(2, found.ndim), 1, 0)
