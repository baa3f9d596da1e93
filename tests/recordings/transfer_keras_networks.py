"""Networks of which each has a twin in transfer_torch_networks.py, with other weights."""

import keras
from keras import layers, ops


def sequence(shape, *parts, dtype=None):
    return keras.Sequential([keras.Input(shape, dtype=dtype), *parts])


def lstm(units):
    return layers.LSTM(units, return_sequences=True)


def gru(units):
    return layers.GRU(units, return_sequences=True)


def attending():
    x = keras.Input((5, 6))
    attended = layers.MultiHeadAttention(2, 3, name="attention")(x, x)
    return keras.Model(x, layers.LayerNormalization(epsilon=1e-6, name="norm")(layers.Add()([x, attended])))


class Branches(keras.Model):
    """Two of one shape side by side, behind each another one; the second is run first."""

    def __init__(self, names=("a", "b")):
        super().__init__()
        self.names = names
        self.parts = {name: layers.Dense(4, name=name) for name in names}
        self.ends = {name: layers.Dense(3, name=f"{name}_out") for name in names}
        self.join = layers.Concatenate()
        self.relu = layers.ReLU()

    def call(self, x):
        found = {name: self.ends[name](self.relu(self.parts[name](x))) for name in reversed(self.names)}
        return self.join([found[name] for name in self.names])


class Projections(keras.Model):
    """Attention that is written out; keys are computed before queries."""

    def __init__(self):
        super().__init__()
        self.k, self.q, self.v = (layers.Dense(4, name=name) for name in "kqv")

    def call(self, x):
        keys, queries, values = self.k(x), self.q(x), self.v(x)
        return ops.softmax(queries @ ops.transpose(keys)) @ values


class Scale(layers.Layer):
    def build(self, shape):
        self.factor = self.add_weight(shape=(shape[-1],), name="factor")

    def call(self, x):
        return x * self.factor


def heads():
    """Two outputs by name, which the twin gives in the other order."""
    x = keras.Input((4,))
    second, first = layers.Dense(3, name="b"), layers.Dense(3, name="a")
    return keras.Model(x, {"second": second(x), "first": first(x)})


class Tied(keras.Model):
    """An embedding whose table the last step multiplies by."""

    def __init__(self):
        super().__init__()
        self.table = layers.Embedding(9, 9, name="table")
        self.dense = layers.Dense(9, "tanh", name="dense")

    def call(self, x):
        return keras.ops.matmul(self.dense(self.table(x)), keras.ops.transpose(self.table.embeddings))


def called(model, width):
    model(keras.ops.zeros((1, width)))
    return model


NETWORKS = {
    "dense": lambda: sequence(
        (4,), layers.Dense(4, "relu", name="one"), layers.Dense(4, "tanh", name="two"), layers.Dense(4, name="three")
    ),
    "conv1d": lambda: sequence(
        (9, 4), layers.Conv1D(6, 3, activation="relu"), layers.Conv1D(6, 2), layers.Conv1D(6, 2)
    ),
    "conv2d": lambda: sequence(
        (6, 7, 4),
        layers.Conv2D(6, 3, name="one"),
        layers.BatchNormalization(name="norm"),
        layers.ReLU(),
        layers.Conv2D(6, 2, name="two"),
    ),
    "transpose": lambda: sequence(
        (6, 7, 4), layers.Conv2DTranspose(3, 2, strides=2), layers.ReLU(), layers.Conv2D(2, 1)
    ),
    "depthwise": lambda: sequence(
        (6, 7, 4), layers.DepthwiseConv2D(3, depth_multiplier=2), layers.GroupNormalization(2)
    ),
    "separable": lambda: sequence((6, 7, 4), layers.SeparableConv2D(5, 3, depth_multiplier=2), layers.ReLU()),
    "separable1d": lambda: sequence((9, 4), layers.SeparableConv1D(5, 3, depth_multiplier=2), layers.ReLU()),
    "embedding": lambda: sequence(
        (5,), layers.Embedding(9, 4), layers.LayerNormalization(), layers.Dense(2), dtype="int32"
    ),
    "lstm": lambda: sequence((5, 4), lstm(5), lstm(5), layers.Dense(2)),
    "gru": lambda: sequence((5, 4), gru(5), gru(5), layers.Dense(2)),
    "stacked": lambda: sequence((5, 4), layers.Bidirectional(lstm(3)), layers.Bidirectional(lstm(3)), layers.Dense(2)),
    "bidirectional": lambda: sequence((5, 4), layers.Bidirectional(lstm(3))),
    "bidirectional_gru": lambda: sequence((5, 4), layers.Bidirectional(gru(3))),
    "attention": attending,
    "branches": lambda: called(Branches(), 4),
    "named_branches": lambda: called(Branches(("left", "right")), 4),
    "projections": lambda: called(Projections(), 4),
    "heads": heads,
    "tied": lambda: called(Tied(), 5),
    "scaled": lambda: sequence((4,), layers.Dense(4, use_bias=False, name="dense"), Scale(name="scale")),
}
BARE = keras.Sequential
