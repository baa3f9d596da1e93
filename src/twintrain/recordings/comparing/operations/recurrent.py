"""Recurrent layers: plain, LSTM and GRU, in layers and in both directions."""

from collections.abc import Callable
from typing import Any

import numpy as np

from twintrain.recordings.comparing.operations.activations import activate

Options = dict[str, Any]
Arrays = dict[str, np.ndarray]
State = tuple[np.ndarray, ...]
Step = Callable[[np.ndarray, State], State]

# Input, forget, cell and output gate; reset, update and new. Keras writes c for the cell and h for the new state.
GATES = {"lstm": "ifgo", "gru": "rzn", "rnn": "h"}
SAME_GATE = str.maketrans("c", "g")
SAME_STATE = str.maketrans("h", "n")


def recurrent(op: str, options: Options, weights: Arrays, *inputs: np.ndarray) -> np.ndarray | None:
    """The states of the last layer at all times (rows, times, units), or of the last time unless `return_sequences`.

    Kernels are (input, gates · units) and (units, gates · units), biases (gates · units), or (2, gates · units) where
    Keras keeps both in one array. Weights of a second layer end in `_1`, those of the way back begin with `backward_`.
    """
    rows, *states = inputs
    if states or options.get("merge", "concat") != "concat":
        return None  # what a layer begins with is zero, in all that is known here
    if options.get("time_major"):
        rows = rows.swapaxes(0, 1)
    if options.get("go_backwards"):
        rows = rows[:, ::-1]
    for layer in range(int(options.get("layers") or 1)):
        ways = [_run(op, options, _of_cell(weights, layer, ""), rows)]
        if options.get("bidirectional"):
            ways.append(_run(op, options, _of_cell(weights, layer, "backward_"), rows[:, ::-1])[:, ::-1])
        rows = np.concatenate(ways, -1)
    if options.get("return_sequences", True):
        return rows.swapaxes(0, 1) if options.get("time_major") else rows
    return last_step(options, rows)


def last_step(options: Options, rows: np.ndarray) -> np.ndarray:
    """The last state (rows, units) of states (rows, times, units); the way back has seen all times at the first one."""
    if options.get("time_major"):
        rows = rows.swapaxes(0, 1)
    units = rows.shape[-1] // 2 if options.get("bidirectional") else rows.shape[-1]
    return np.concatenate([rows[:, -1, :units], rows[:, 0, units:]], -1)


def _of_cell(weights: Arrays, layer: int, way: str) -> Arrays:
    """The arrays of one cell by their roles, both biases as such."""
    roles = ("kernel", "recurrent_kernel", "bias", "recurrent_bias")
    names = {role: f"{way}{role}" + (f"_{layer}" if layer else "") for role in roles}
    cell = {role: weights[name] for role, name in names.items() if name in weights}
    if "bias" in cell and cell["bias"].ndim == 2:
        cell["bias"], cell["recurrent_bias"] = cell["bias"]
    return cell


def _run(op: str, options: Options, cell: Arrays, rows: np.ndarray) -> np.ndarray:
    """What a cell gives at each time (rows, times, units)."""
    inputs = rows @ cell["kernel"] + cell.get("bias", 0.0)
    step = CELLS[op](options, cell)
    units = cell["recurrent_kernel"].shape[0]
    state: State = (np.zeros((len(rows), units)),) * 2
    outputs = []
    for time in range(rows.shape[1]):
        state = step(inputs[:, time], state)
        outputs.append(state[0])
    return np.stack(outputs, 1)


def _lstm(options: Options, cell: Arrays) -> Step:
    order = str(options.get("gates", GATES["lstm"])).translate(SAME_GATE)
    gate, activation = _functions(options)

    def step(inputs: np.ndarray, state: State) -> State:
        total = inputs + state[0] @ cell["recurrent_kernel"] + cell.get("recurrent_bias", 0.0)
        i, f, g, o = (_gate(total, order, letter) for letter in "ifgo")
        memory = gate(f) * state[1] + gate(i) * activation(g)
        return gate(o) * activation(memory), memory

    return step


def _gru(options: Options, cell: Arrays) -> Step:
    order = str(options.get("gates", GATES["gru"])).translate(SAME_STATE)
    gate, activation = _functions(options)
    kernel, bias = cell["recurrent_kernel"], cell.get("recurrent_bias", np.zeros(cell["recurrent_kernel"].shape[1]))

    def step(inputs: np.ndarray, state: State) -> State:
        last = state[0]
        total = last @ kernel + bias
        r, z = (gate(_gate(inputs, order, letter) + _gate(total, order, letter)) for letter in "rz")
        if options.get("reset_after", True):
            inner = r * _gate(total, order, "n")
        else:
            inner = (r * last) @ _gate(kernel, order, "n") + _gate(bias, order, "n")
        new = activation(_gate(inputs, order, "n") + inner)
        return z * last + (1 - z) * new, last

    return step


def _rnn(options: Options, cell: Arrays) -> Step:
    _, activation = _functions(options)

    def step(inputs: np.ndarray, state: State) -> State:
        total = inputs + state[0] @ cell["recurrent_kernel"] + cell.get("recurrent_bias", 0.0)
        return activation(total), state[0]

    return step


CELLS: dict[str, Callable[[Options, Arrays], Step]] = {"lstm": _lstm, "gru": _gru, "rnn": _rnn}


def _functions(options: Options) -> tuple[Callable[[np.ndarray], Any], Callable[[np.ndarray], Any]]:
    """The functions of gates and of states.

    Raises:
        ValueError: one of them is not known.
    """
    names = options.get("recurrent_activation") or "sigmoid", options.get("activation") or "tanh"
    for name in names:
        if activate(name, np.zeros(1)) is None:
            raise ValueError(f"activation {name!r}")
    return (lambda x: activate(names[0], x)), (lambda x: activate(names[1], x))


def _gate(array: np.ndarray, order: str, letter: str) -> np.ndarray:
    """The part of a gate along the last axis."""
    units = array.shape[-1] // len(order)
    start = order.index(letter) * units
    return array[..., start : start + units]


def _named(op: str) -> Callable[..., np.ndarray | None]:
    return lambda options, weights, *inputs: recurrent(op, options, weights, *inputs)


OPERATIONS = {op: _named(op) for op in CELLS}
