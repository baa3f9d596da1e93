"""Recordings made by hand: one network, as each framework would have it, with or without a mistake."""

import numpy as np

from twintrain.recordings.archive import Recording
from twintrain.recordings.comparing.operations import compute
from twintrain.recordings.contents import Call, Tensor, Weight

PASSES = ("float64", "float64 perturbed")
ROWS = 6


class Maker:
    """Records calls that are computed in NumPy.

    Mistakes are by name of a layer: `options`, `weights`, `op` replace what it does and what its recording says;
    those under `hidden` only what it does; `before` and `after` are functions of its inputs and its output.
    """

    def __init__(self, framework, mistakes=None, passes=PASSES):
        self.framework, self.mistakes, self.passes = framework, mistakes or {}, passes
        self.calls, self.weights, self.values, self.inputs = [], [], [], []

    def input(self, array):
        change = self.mistakes.get("input", lambda x: x)
        self.values.append(dict.fromkeys(self.passes, change(array)))
        self.inputs.append(len(self.values) - 1)
        return self.inputs[-1]

    def call(self, name, op, inputs, options=None, weights=None):
        mistake = self.mistakes.get(name, {})
        if mistake == "left out":
            return inputs[0]
        said = {"op": op, "options": options or {}, "weights": weights or {}}
        said = changed(said, mistake)
        does = changed(said, mistake.get("hidden", {}))
        names = {role: f"{name}.{role}" for role in said["weights"]}
        arrays = [(f"{name}.{role}", *weight) for role, weight in said["weights"].items()]
        known = {weight[0] for weight in self.weights}
        self.weights += [weight for weight in arrays if weight[0] not in known]
        output = {}
        for pass_ in self.passes:
            given = mistake.get("before", lambda *x: x)(*(self.values[number][pass_] for number in inputs))
            acting = {role: (perturbed(each, pass_), axes) for role, (each, axes) in does["weights"].items()}
            found = compute(does["op"], does["options"], acting, *given)
            found = mistake.get("after", lambda x: x)(found)
            output[pass_] = found.astype(np.float32) if pass_.startswith("float32") else found
        self.values.append(output)
        number = len(self.values) - 1
        self.calls.append(Call(name, op.title(), said["op"], said["options"], list(inputs), [number], names))
        return number

    def recording(self, *outputs):
        arrays = {f"{p}/tensor/{at}": values[p] for at, values in enumerate(self.values) for p in self.passes}
        arrays |= {f"weight/{name}": each for name, each, _ in self.weights}
        shapes = [Tensor(values[self.passes[0]].shape) for values in self.values]
        weights = [Weight(name, each.shape, axes, True) for name, each, axes in self.weights]
        rows = len(self.values[0][self.passes[0]])
        return Recording(
            self.framework, {}, "cpu", rows, False, list(self.passes), self.inputs, list(outputs), shapes, self.calls,
            weights, arrays,
        )  # fmt: skip


def changed(layer, mistake):
    found = dict(layer)
    if "op" in mistake:
        found["op"] = mistake["op"]
    found["options"] = {**layer["options"], **mistake.get("options", {})}
    if "weights" in mistake:
        found["weights"] = mistake["weights"](dict(layer["weights"]))
    return found


def perturbed(array, pass_):
    signs = np.where(np.arange(array.size) % 3 % 2, 1, -1).reshape(array.shape)
    found = array * (1 + 1e-15 * signs) if "perturbed" in pass_ else array
    return found.astype(np.float32) if pass_.startswith("float32") else found


class Network:
    """A network in either framework's layout; arrays are drawn alike for both."""

    def __init__(self, framework, mistakes=None, passes=PASSES):
        self.maker = Maker(framework, mistakes, passes)
        self.is_first = framework == "torch"
        self.rng = np.random.default_rng(3)
        self.format = {"data_format": "first" if self.is_first else "last"}

    def drawn(self, *shape):
        return self.rng.normal(size=shape) / np.sqrt(max(np.prod(shape[:-1]), 1))

    def image(self, *shape, positive=False):
        images = self.rng.normal(size=(ROWS, *shape))
        images = np.abs(images) if positive else images
        return self.maker.input(np.moveaxis(images, -1, 1) if self.is_first else images)

    def rows(self, *shape):
        return self.maker.input(self.rng.normal(size=(ROWS, *shape)))

    def kernel(self, *shape):
        """A kernel (*spatial, input, output), as the framework lays it out."""
        kernel, axes = self.drawn(*shape), "DHWIO"[-len(shape) :]
        if not self.is_first:
            return kernel, axes
        order = (len(shape) - 1, len(shape) - 2, *range(len(shape) - 2))
        return kernel.transpose(order), "".join(axes[at] for at in order)

    def vector(self, units):
        return self.rng.normal(size=units), "C"

    def conv(self, name, x, shape, padding=((1, 1), (1, 1)), strides=1):
        options = {"padding": [list(pad) for pad in padding], "strides": [strides] * 2, **self.format}
        return self.maker.call(
            name, "conv", [x], options, {"kernel": self.kernel(*shape), "bias": self.vector(shape[-1])}
        )

    def batch_norm(self, name, x, units):
        roles = ("gamma", "beta", "moving_mean", "moving_variance")
        weights = {role: self.vector(units) for role in roles}
        weights["moving_variance"] = (np.abs(weights["moving_variance"][0]) + 0.1, "C")
        options = {"epsilon": 1e-3, "momentum": 0.9, "axis": 1 if self.is_first else -1, "training": False}
        return self.maker.call(name, "batch_norm", [x], options, weights)

    def dense(self, name, x, shape):
        return self.maker.call(name, "dense", [x], {}, {"kernel": self.kernel(*shape), "bias": self.vector(shape[-1])})

    def pool(self, name, op, x, **options):
        given = {"size": [2, 2], "strides": [2, 2], "padding": "valid", **self.format, **options}
        return self.maker.call(name, op, [x], given)

    def plain(self, name, op, *inputs, **options):
        return self.maker.call(name, op, list(inputs), options)

    def flatten(self, name, x):
        """In PyTorch's order, in Keras by a permute before."""
        if not self.is_first:
            x = self.plain(f"{name}_permute", "permute", x, axes=[0, 3, 1, 2])
        return self.maker.call(name, "flatten", [x], {})


def image_network(framework, mistakes=None, passes=PASSES):
    """Convolutions, batch norms, pools and dense layers."""
    net = Network(framework, mistakes, passes)
    x = net.image(9, 9, 3)
    x = net.conv("conv1", x, (3, 3, 3, 8))
    x = net.batch_norm("bn1", x, 8)
    x = net.plain("leaky1", "leaky_relu", x, negative_slope=0.1)
    x = net.pool("pool1", "max_pool", x)
    x = net.conv("conv2", x, (3, 3, 8, 8), strides=2)
    x = net.batch_norm("bn2", x, 8)
    x = net.plain("relu2", "relu", x)
    x = net.conv("conv3", x, (3, 3, 8, 8))
    x = net.plain("leaky3", "leaky_relu", x, negative_slope=0.1)
    x = net.pool("pool2", "avg_pool", x, size=[3, 3], strides=[1, 1], padding=[[1, 1], [1, 1]], count_include_pad=False)
    x = net.flatten("flatten", x)
    x = net.dense("dense1", x, (32, 16))
    x = net.plain("gelu1", "gelu", x, approximate=False)
    x = net.dense("dense2", x, (16, 16))
    x = net.plain("tanh2", "tanh", x)
    x = net.dense("dense3", x, (16, 5))
    x = net.plain("softmax", "softmax", x, axis=-1)
    return net.maker.recording(x)


def sequence_network(framework, mistakes=None, passes=PASSES, op="lstm"):
    """A recurrent layer between two dense ones."""
    net = Network(framework, mistakes, passes)
    x = net.rows(7, 4)
    x = net.dense("dense1", x, (4, 4))
    gates = {"lstm": 4, "gru": 3}[op]
    order = {("lstm", True): "ifgo", ("lstm", False): "ifco", ("gru", True): "rzn", ("gru", False): "zrh"}
    named = order[op, True].replace("g", "c").replace("n", "h")
    wanted = order[op, net.is_first].replace("g", "c").replace("n", "h")
    weights = {
        "kernel": (net.drawn(4, gates * 5), "IO"),
        "recurrent_kernel": (net.drawn(5, gates * 5), "IO"),
        "bias": net.vector(gates * 5),
        "recurrent_bias": net.vector(gates * 5),
    }
    for role, (array, axes) in weights.items():
        parts = np.split(array, gates, -1)
        turned = np.concatenate([parts[named.index(letter)] for letter in wanted], -1)
        weights[role] = (turned.T, axes[::-1]) if net.is_first else (turned, axes)
    options = {"units": 5, "gates": order[op, net.is_first], "return_sequences": True}
    if op == "gru":
        options["reset_after"] = True
    x = net.maker.call("recurrent", op, [x], options, weights)
    x = net.maker.call("norm", "layer_norm", [x], {"epsilon": 1e-5, "axes": [-1]}, {"gamma": net.vector(5)})
    x = net.plain("last", "flatten", x)
    return net.maker.recording(x)


def attention_network(framework, mistakes=None, passes=PASSES):
    """Attention of a sequence to itself, between two dense layers."""
    net = Network(framework, mistakes, passes)
    x = net.dense("dense1", net.rows(7, 4), (4, 6))
    weights = {f"{part}_kernel": (net.drawn(6, 6), "IO") for part in ("query", "key", "value", "output")}
    weights |= {f"{part}_bias": (net.drawn(6), "C") for part in ("query", "key", "value", "output")}
    x = net.maker.call("attention", "attention", [x, x, x], {"heads": 2, "head_size": 3}, weights)
    return net.maker.recording(net.dense("dense2", x, (6, 2)))


def residual_network(framework, mistakes=None, passes=PASSES):
    """Two branches that are joined; Keras runs them in the other order."""
    net = Network(framework, mistakes, passes)
    x = net.image(6, 6, 4, positive=True)
    x = net.conv("conv1", x, (3, 3, 4, 4))
    state = net.rng.bit_generator.state
    drawn = {"main": (3, 3, 4, 4), "short": (1, 1, 4, 4)}
    pads = {"main": ((1, 1), (1, 1)), "short": ((0, 0), (0, 0))}
    found = {}
    for at, name in enumerate(drawn if net.is_first else reversed(drawn)):
        net.rng.bit_generator.state = state
        net.rng.normal(size=1000 * (at if net.is_first else 1 - at))
        found[name] = net.conv(name, x, drawn[name], pads[name])
    x = net.plain("sum", "add", *((found["main"], found["short"]) if net.is_first else (found["short"], found["main"])))
    x = net.plain("relu", "relu", x)
    x = net.plain("both", "concatenate", x, found["main"], axis=1 if net.is_first else -1)
    x = net.plain("mean", "global_avg_pool", x, **net.format)
    return net.maker.recording(x)
