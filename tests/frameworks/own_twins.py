"""Networks as users write them: some are twins, some have one mistake."""

import textwrap

VECTORS, IMAGES, CODES = "vectors", "images", "codes"


def source(torch: str, keras: str) -> str:
    """A file whose functions return these expressions, after statements if there are some."""
    return (
        "def build_torch(input_shape, outputs):\n    import torch\n    from torch import nn\n"
        f"{_body(torch)}\n\n\n"
        "def build_keras(input_shape, outputs):\n    import keras\n    from keras import Sequential, layers\n"
        f"{_body(keras)}\n"
    )


def _body(code: str) -> str:
    *statements, last = textwrap.dedent(code).strip().split("\n\n")
    body = "\n".join([*statements, "return " + last])
    return textwrap.indent(body, "    ")


LAYER_NORM = source(
    "nn.Sequential(nn.Linear(*input_shape, 6), nn.LayerNorm(6), nn.Tanh(), nn.Linear(6, outputs))",
    """
    Sequential([keras.Input(input_shape), layers.Dense(6), layers.LayerNormalization(),
                layers.Activation("tanh"), layers.Dense(outputs)])
    """,
)
NO_BIAS = source(
    "nn.Sequential(nn.Linear(*input_shape, 6), nn.Tanh(), nn.Linear(6, outputs, bias=False))",
    "Sequential([keras.Input(input_shape), layers.Dense(6, activation='tanh'), layers.Dense(outputs)])",
)
FROZEN = source(
    """
    twin = nn.Sequential(nn.Linear(*input_shape, 6), nn.Linear(6, outputs))
    twin[0].bias.requires_grad_(False)

    twin
    """,
    "Sequential([keras.Input(input_shape), layers.Dense(6), layers.Dense(outputs)])",
)
MOMENTUM = source(
    "nn.Sequential(nn.Linear(*input_shape, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, outputs))",
    """
    Sequential([keras.Input(input_shape), layers.Dense(6), layers.BatchNormalization(epsilon=1e-5),
                layers.Activation("tanh"), layers.Dense(outputs)])
    """,
)
LEAKY = """
def build_torch(input_shape, outputs):
    from torch import nn

    return nn.Sequential(nn.Linear(*input_shape, 6), nn.LeakyReLU(0.1), nn.BatchNorm1d(6), nn.Linear(6, 5),
                         nn.LeakyReLU({}), nn.Linear(5, outputs))


def build_keras(input_shape, outputs):
    import keras
    from keras import layers

    return keras.Sequential([
        keras.Input(input_shape), layers.Dense(6), layers.LeakyReLU(negative_slope=0.1),
        layers.BatchNormalization(momentum=0.9, epsilon=1e-5), layers.Dense(5), layers.LeakyReLU(negative_slope=0.1),
        layers.Dense(outputs)])
"""
DROPPING = source(
    "nn.Sequential(nn.Linear(*input_shape, 6), nn.Dropout(0.3), nn.Linear(6, outputs))",
    "Sequential([keras.Input(input_shape), layers.Dense(6), layers.Dropout(0.5), layers.Dense(outputs)])",
)
ATTENDING = source(
    """
    class Twin(nn.Module):
        def __init__(self):
            super().__init__()
            self.up = nn.ConvTranspose2d(1, 8, 3, stride=2, bias=False)
            self.norm = nn.GroupNorm(2, 8, eps=1e-5)
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
            self.dense = nn.Linear(8, outputs)
        def forward(self, values):
            steps = self.norm(self.up(values)).flatten(2).transpose(1, 2)
            steps = steps + self.attention(steps, steps, steps, need_weights=False)[0]
            return self.dense(steps.mean(1))

    Twin()
    """,
    """
    given = keras.Input(input_shape)

    steps = layers.Conv2DTranspose(8, 3, strides=2, use_bias=False)(given)

    steps = layers.GroupNormalization(2, epsilon=1e-5)(steps)

    steps = layers.Reshape((-1, 8))(steps)

    steps = layers.Add()([steps, layers.MultiHeadAttention(2, 4)(steps, steps)])

    keras.Model(given, layers.Dense(outputs)(layers.GlobalAveragePooling1D()(steps)))
    """,
)
BIDIRECTIONAL = source(
    """
    class Twin(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(2, 3, batch_first=True, bidirectional=True)
            self.gru = nn.GRU(6, 4, batch_first=True)
            self.dropout = nn.Dropout(0.2)
            self.rnn = nn.RNN(4, 3, batch_first=True)
            self.dense = nn.Linear(3, outputs)
        def forward(self, values):
            steps, _ = self.lstm(values.reshape(values.shape[0], -1, 2))
            steps, _ = self.gru(steps)
            steps, _ = self.rnn(self.dropout(steps))
            return self.dense(steps[:, -1])

    Twin().double()
    """,
    """
    Sequential([keras.Input(input_shape), layers.Reshape((-1, 2)),
                layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
                layers.GRU(4, return_sequences=True), layers.Dropout(0.2), layers.SimpleRNN(3),
                layers.Dense(outputs)])
    """,
)
TABLES = source(
    "nn.Sequential(nn.Embedding(5, 4), nn.Flatten(), nn.Dropout(0.3), nn.Linear(4 * input_shape[0], outputs))",
    """
    Sequential([keras.Input(input_shape), layers.Embedding(5, 4), layers.Flatten(), layers.Dropout(0.3),
                layers.Dense(outputs)])
    """,
)
# A model in a model, a shortcut, convolutions of each channel and of sequences, dropout of whole channels.
MIXED = source(
    """
    class Twin(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(input_shape[0], 4, 3, padding=1), nn.BatchNorm2d(4), nn.Dropout2d(0.2))
            self.depthwise = nn.Conv2d(4, 4, 3, padding=1, groups=4)
            self.prelu = nn.PReLU(4)
            self.norm = nn.LayerNorm(4, bias=False)
            self.conv1d = nn.Conv1d(4, 5, 3)
            self.dropout = nn.Dropout1d(0.2)
            self.dense = nn.Linear(5, outputs)
        def forward(self, images):
            images = self.stem(images)
            images = images + self.prelu(self.depthwise(images))
            steps = self.norm(images.flatten(2).mT).mT
            return self.dense(self.dropout(self.conv1d(steps)).mean(2))

    Twin()
    """,
    """
    stem = Sequential([keras.Input(input_shape), layers.Conv2D(4, 3, padding="same"),
                       layers.BatchNormalization(epsilon=1e-5, momentum=0.9), layers.SpatialDropout2D(0.2)])
    inputs = keras.Input(input_shape)
    images = stem(inputs)
    slopes = layers.PReLU(shared_axes=[1, 2])(layers.DepthwiseConv2D(3, padding="same")(images))
    steps = layers.Reshape((-1, 4))(layers.Add()([images, slopes]))
    steps = layers.Conv1D(5, 3)(layers.LayerNormalization(epsilon=1e-5, center=False)(steps))
    pooled = layers.GlobalAveragePooling1D()(layers.SpatialDropout1D(0.2)(steps))

    keras.Model(inputs, layers.Dense(outputs)(pooled))
    """,
)
STACKED = source(
    """
    class Twin(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(2, 3, num_layers=2, batch_first=True, bidirectional=True)
            self.gru = nn.GRU(6, 4, num_layers=2, batch_first=True)
            self.dense = nn.Linear(4, outputs)
        def forward(self, values):
            steps, _ = self.lstm(values.reshape(values.shape[0], -1, 2))
            steps, _ = self.gru(steps)
            return self.dense(steps[:, -1])

    Twin()
    """,
    """
    Sequential([keras.Input(input_shape), layers.Reshape((-1, 2)),
                layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
                layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
                layers.GRU(4, return_sequences=True), layers.GRU(4), layers.Dense(outputs)])
    """,
)
# The class token and the positions are parameters of the network in one, and layers of ones in the other.
TRANSFORMER_TORCH = """
    class Twin(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches = nn.Conv2d(input_shape[0], 8, 4, stride=4)
            self.scaled = nn.InstanceNorm2d(8, affine=True)
            self.token = nn.Parameter(torch.zeros(1, 1, 8))
            self.positions = nn.Parameter(torch.randn(1, 5, 8))
            self.register_buffer("table", torch.arange(8) / 8)
            self.norm = nn.RMSNorm(8, eps=1e-6)
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
            self.last = nn.RMSNorm(8, eps=1e-6)
            self.dense = nn.Linear(8, outputs)
        def forward(self, images):
            steps = self.scaled(self.patches(images)).flatten(2).mT
            steps = torch.cat([self.token.expand(images.shape[0], -1, -1), steps], 1) + self.positions + self.table
            normed = self.norm(steps)
            steps = steps + self.attention(normed, normed, normed, need_weights=False)[0]
            return self.dense(self.last(steps[:, 0]))

    Twin()
    """
TRANSFORMER_KERAS = """
    import numpy as np
    from keras import ops
    given = keras.Input(input_shape)
    scaled = layers.GroupNormalization(-1, epsilon=1e-5)(layers.Conv2D(8, 4, strides=4)(given))
    steps = layers.Reshape((-1, 8))(scaled)
    ones = ops.ones_like(steps[:, 0, :1])
    token = layers.EinsumDense("bi,itd->btd", (1, 8), kernel_initializer="zeros")(ones)
    positions = layers.EinsumDense("bi,itd->btd", (5, 8))(ones)
    steps = ops.concatenate([token, steps], axis=1) + positions + np.arange(8, dtype="float32") / 8
    normed = layers.RMSNormalization(epsilon=1e-6)(steps)
    steps = layers.Add()([steps, layers.MultiHeadAttention(2, 4)(normed, normed)])

    keras.Model(given, layers.Dense(outputs)(layers.RMSNormalization(epsilon=1e-6)(steps[:, 0])))
    """
# Two branches, one of arrays that have no layer: a matrix, a vector that is frozen, and a number.
BRANCHES_TORCH = """
    class Mixing(nn.Module):
        def __init__(self):
            super().__init__()
            self.kernel = nn.Parameter(torch.randn(8, 2, 4))
            self.bias = nn.Parameter(torch.zeros(2, 4))
            self.scale = nn.Parameter(torch.tensor(1.0))
        def forward(self, values):
            heads = torch.einsum("bi,ihd->bhd", values, self.kernel) + self.bias
            return (torch.softmax(self.scale * (heads @ heads.mT), -1) @ heads).flatten(1)
    class Twin(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(*input_shape, 8)
            self.mixing = Mixing()
            self.second = nn.Linear(*input_shape, 8)
            self.dense = nn.Linear(8, outputs)
        def forward(self, values):
            return self.dense(self.mixing(torch.tanh(self.first(values))) + torch.tanh(self.second(values)))

    Twin()
    """
BRANCHES_KERAS = """
    given = keras.Input(input_shape)
    heads = layers.EinsumDense("bi,ihd->bhd", (2, 4), bias_axes="hd")(layers.Dense(8, activation="tanh")(given))
    mixed = layers.Flatten()(layers.Attention(use_scale=True)([heads, heads]))
    added = layers.Add()([mixed, layers.Dense(8, activation="tanh")(given)])

    keras.Model(given, layers.Dense(outputs)(added))
    """
# One layer, and one dropout, at two places.
SHARED = source(
    """
    class Twin(nn.Module):
        def __init__(self):
            super().__init__()
            self.twice, self.dense = nn.Linear(8, 8), nn.Linear(8, outputs)
            self.dropout = self.again = nn.Dropout(0.2)
        def forward(self, values):
            values = self.dropout(torch.tanh(self.twice(values)))
            return self.dense(self.again(torch.tanh(self.twice(values))))

    Twin()
    """,
    """
    given, twice, dropout = keras.Input(input_shape), layers.Dense(8, activation="tanh"), layers.Dropout(0.2)

    keras.Model(given, layers.Dense(outputs)(dropout(twice(dropout(twice(given))))))
    """,
)
TRANSFORMER, BRANCHES = source(TRANSFORMER_TORCH, TRANSFORMER_KERAS), source(BRANCHES_TORCH, BRANCHES_KERAS)
RMS_EPSILON = source(TRANSFORMER_TORCH, TRANSFORMER_KERAS.replace("(epsilon=1e-6)(steps[", "(epsilon=1e-3)(steps["))
# The same numbers, read in another order.
LAYOUT = source(
    """
    class Twin(nn.Module):
        def __init__(self):
            super().__init__()
            self.kernel = nn.Parameter(torch.randn(8, 1, 8))
            self.dense = nn.Linear(8, outputs)
        def forward(self, values):
            return self.dense(torch.einsum("bi,iho->bho", values, self.kernel).flatten(1))

    Twin()
    """,
    """
    Sequential([keras.Input(input_shape), layers.EinsumDense("bi,ohi->bho", (1, 8)), layers.Flatten(),
                layers.Dense(outputs)])
    """,
)
PROJECTION = source(
    """
    class Twin(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(2, 3, batch_first=True, proj_size=2)
            self.dense = nn.Linear(2, outputs)
        def forward(self, values):
            return self.dense(self.lstm(values.reshape(values.shape[0], -1, 2))[0][:, -1])

    Twin()
    """,
    "Sequential([keras.Input(input_shape), layers.Reshape((-1, 2)), layers.LSTM(2), layers.Dense(outputs)])",
)
# name: (source, what it takes)
TWINS = {
    "layer_norm": (LAYER_NORM, VECTORS),
    "no_bias": (NO_BIAS, VECTORS),
    "frozen": (FROZEN, VECTORS),
    "momentum": (MOMENTUM, VECTORS),
    "leaky": (LEAKY.format(0.1), VECTORS),
    "other_slope": (LEAKY.format(0.3), VECTORS),
    "dropping": (DROPPING, VECTORS),
    "bidirectional": (BIDIRECTIONAL, VECTORS),
    "tables": (TABLES, CODES),
    "mixed": (MIXED, IMAGES),
    "attending": (ATTENDING, IMAGES),
    "stacked": (STACKED, VECTORS),
    "transformer": (TRANSFORMER, IMAGES),
    "shared": (SHARED, VECTORS),
    "rms_epsilon": (RMS_EPSILON, IMAGES),
    "branches": (BRANCHES, VECTORS),
    "layout": (LAYOUT, VECTORS),
    "projection": (PROJECTION, VECTORS),
}

GOOD_TORCH, GOOD_KERAS = (
    "nn.Linear(*input_shape, outputs)",
    "Sequential([keras.Input(input_shape), layers.Dense(outputs)])",
)
# What cannot be built, by framework, and what the message says.
MISTAKES = {
    "torch": {
        "none": ("None", "expected a torch.nn.Module of build_torch, got NoneType"),
        "line": ("size = 1 / 0\n\nnn.Linear(1, size)", "line 4: ZeroDivisionError: division by zero"),
        "forward": ("nn.Linear(3, outputs)", ": RuntimeError: mat1 and mat2 shapes cannot be multiplied"),
        "logits": (
            "nn.Linear(*input_shape, outputs + 1)",
            "build_torch must give logits of the shape (rows, 3); got (2, 4) for 2 rows",
        ),
        "squeezed": (
            "nn.Sequential(nn.Linear(*input_shape, 1), nn.Flatten(0))",
            "got (2,) for 2 rows; beside labels (rows, 1) a loss would compare each row with all others",
        ),
        "softmax": (
            "nn.Sequential(nn.Linear(*input_shape, outputs), nn.Softmax(-1))",
            "build_torch must give logits, and gives probabilities: each row sums to 1",
        ),
        "dropout": (
            "class Twin(nn.Linear):\n    def forward(self, x):\n"
            "        return nn.functional.dropout(super().forward(x), 0.5, self.training)\n\n"
            "Twin(*input_shape, outputs)",
            "gives something else each time in training, beside its dropout layers; expected nn.Dropout",
        ),
        "tuple": ("nn.RNN(*input_shape, outputs)", "must give logits of the shape (rows, 3); got tuple for 2 rows"),
        "rows": (
            "class Twin(nn.Linear):\n    def forward(self, x):\n        return super().forward(x.view(len(x), -1))\n\n"
            "Twin(*input_shape, outputs)",
            "the saved network would take 2 rows and no others",
        ),
        "branch": (
            "class Twin(nn.Linear):\n    def forward(self, x):\n        found = super().forward(x)\n"
            "        return found if found.sum() > 0 else -found\n\nTwin(*input_shape, outputs)",
            "Could not guard on data-dependent expression",
        ),
        "operator": (
            "class Twin(nn.Linear):\n    def forward(self, x):\n"
            "        with torch.no_grad():\n            scale = x.mean()\n        return super().forward(x * scale)\n\n"
            "Twin(*input_shape, outputs)",
            "it is not loaded, since it may run code: models/model.json",
        ),
        "drawing": (
            "nn.Sequential(nn.LSTM(*input_shape, 3, num_layers=2, dropout=0.5), type('Last', (nn.Module,), "
            "{'forward': lambda self, found: found[0]})())",
            "gives something else each time in training, beside its dropout layers",
        ),
        "complex": (
            "twin = nn.Linear(*input_shape, outputs)\n\n"
            "twin.register_buffer('turns', torch.zeros(3, dtype=torch.complex64))\n\ntwin",
            "turns of build_torch's network is complex; expected its two parts as real arrays",
        ),
        "nothing": (
            "type('Twin', (nn.Module,), {'forward': lambda self, x: x[:, :3]})()",
            "build_torch's network has nothing to train; expected a layer with weights",
        ),
    },
    "keras": {
        "none": ("None", "expected a keras.Model of build_keras, got NoneType"),
        "line": ("size = 1 / 0\n\nSequential([layers.Dense(size)])", "line 10: ZeroDivisionError: division by zero"),
        "forward": (
            "Sequential([keras.Input((3,)), layers.Dense(outputs)])",
            ": ValueError: Exception encountered when calling Sequential.call()",
        ),
        "logits": (
            "Sequential([keras.Input(input_shape), layers.Dense(outputs + 1)])",
            "build_keras must give logits of the shape (rows, 3); got (2, 4) for 2 rows",
        ),
        "softmax": (
            "Sequential([keras.Input(input_shape), layers.Dense(outputs, activation='softmax')])",
            "build_keras must give logits, and gives probabilities: each row sums to 1",
        ),
        "nothing": (
            "Sequential([keras.Input(input_shape), layers.Reshape((8, 1)), layers.Cropping1D((0, 5)), "
            "layers.Flatten()])",
            "build_keras's network has nothing to train; expected a layer with weights",
        ),
        "cell": (
            "cell = type('Own', (layers.SimpleRNNCell,), {'__module__': __name__})\n\n"
            "Sequential([keras.Input(input_shape), layers.Reshape((4, 2)), layers.RNN(cell(3, name='mine'))])",
            "mine (Own) is, or has, code of your own",
        ),
        "layer": (
            "own = type('Own', (layers.Layer,), {'__module__': __name__, 'call': lambda self, x: x})\n\n"
            "Sequential([keras.Input(input_shape), own(name='mine'), layers.Dense(outputs)])",
            "mine (Own) is, or has, code of your own",
        ),
        "function": (
            "def own(values):\n    return values\n\n"
            "Sequential([keras.Input(input_shape), layers.Dense(outputs, activation=own, name='last')])",
            "last (Dense) is, or has, code of your own",
        ),
        "lambda": (
            "Sequential([keras.Input(input_shape), layers.Lambda(lambda x: x, name='mine'), layers.Dense(outputs)])",
            "mine (Lambda) is, or has, code of your own",
        ),
    },
}


def mistaken(framework: str, name: str) -> str:
    """The file with a mistake in one framework's function."""
    code = MISTAKES[framework][name][0]
    return source(code, GOOD_KERAS) if framework == "torch" else source(GOOD_TORCH, code)
