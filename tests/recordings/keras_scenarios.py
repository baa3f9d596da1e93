"""What is asked of recording in Keras: each scenario records into a folder and returns facts."""

import hashlib
import random

import keras
import numpy as np
from keras import layers, ops
from recorded_cases import IMAGES, ROWS, STEPS
from recorded_scenarios import said

from twintrain.errors import UserError
from twintrain.recordings.keras.places import walk
from twintrain.recordings.keras.recorder import record_calls
from twintrain.recordings.record import record

RNG = np.random.default_rng(5)
PIXELS = RNG.normal(size=IMAGES)
TABLE = RNG.normal(size=ROWS)


class Residual(keras.Model):
    """Calls one activation twice."""

    def __init__(self):
        super().__init__()
        self.conv = layers.Conv2D(4, 3, padding="same", name="conv")
        self.relu = layers.ReLU(name="relu")

    def call(self, values):
        return self.relu(self.relu(self.conv(values)) + values)


class Raises(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.norm, self.dense = layers.BatchNormalization(), layers.Dense(3)

    def call(self, values):
        values = self.dense(self.norm(values))
        if keras.src.backend.common.global_state.get_global_attribute("raises"):
            raise RuntimeError("of no use\nat all")
        return values


class Narrow(keras.layers.Layer):
    def call(self, values):
        return ops.cast(values, "float32")


class Block(keras.layers.Layer):
    """Sums what functions make of its own arrays."""

    def __init__(self, name):
        super().__init__(name=name)
        self.body = keras.Sequential([layers.Dense(4, name="dense", activation="tanh")], name="body")

    def build(self, shape):
        self.offset = self.add_weight(shape=(4,), name="offset")
        self.body.build(shape)

    def call(self, values):
        return ops.relu(self.body(values)) + self.offset


def small():
    keras.utils.set_random_seed(0)
    parts = [layers.Conv2D(3, 3), layers.BatchNormalization(), layers.ReLU(), layers.Dropout(0.5), layers.Flatten()]
    return keras.Sequential([keras.Input(IMAGES[1:]), *parts, layers.Dense(2)])


def joins():
    left, right = keras.Input(ROWS[1:], name="left"), keras.Input(ROWS[1:], name="right")
    parts = [layers.Dense(3, name="left_dense")(left), layers.Dense(2, name="right_dense")(right)]
    return keras.Model({"left": left, "right": right}, layers.Concatenate(name="cat")(parts))


def chain(path):
    model = small()
    record(model, PIXELS, to=path)
    values, steps = ops.convert_to_tensor(PIXELS.astype("float32")), []
    for layer in model.layers:
        values = layer(values, training=False)
        steps.append(ops.convert_to_numpy(values))
    np.savez(path.with_name("steps.npz"), *steps)


def residual(path):
    record(Residual(), PIXELS, to=path)


def two_inputs(path):
    left, right = keras.Input(ROWS[1:]), keras.Input(ROWS[1:])
    parts = [layers.Dense(3, name="left")(left), layers.Dense(2, name="right")(right)]
    record(keras.Model([left, right], ops.concatenate(parts, axis=1)), (TABLE, 2 * TABLE), to=path)


def named_inputs(path):
    record(joins(), {"left": TABLE, "right": ops.convert_to_tensor(2 * TABLE, "float32")}, to=path)


def blocks(path):
    first = Block("first")
    record(keras.Sequential([first, Block("second"), first]), TABLE, to=path)


def two_outputs(path):
    record(
        keras.Sequential([layers.LSTM(3, return_sequences=True, return_state=True)]), RNG.normal(size=STEPS), to=path
    )


def unbuilt(path):
    record(keras.Sequential([layers.Conv2D(3, 3), layers.Flatten(), layers.Dense(2)]), PIXELS, to=path)


def training(path):
    record(small(), PIXELS, to=path, training=True)


def narrow(path):
    record(keras.Sequential([layers.Dense(3), Narrow()]), TABLE, to=path)


def wide(path):
    with_policy = layers.Dense(3, dtype="float64")
    record(keras.Sequential([keras.Input(ROWS[1:], dtype="float64"), with_policy]), TABLE, to=path)


def state(path):
    model = small()
    before = everything(model)
    facts = {}
    for mode in (False, True):
        record(model, PIXELS, to=path, training=mode)
        facts[f"record, training={mode}"] = everything(model) == before
        record_calls(model, PIXELS, training=mode)
        facts[f"record_calls, training={mode}"] = everything(model) == before
    normed = keras.Sequential([layers.SpectralNormalization(layers.Dense(3)), layers.Dropout(0.5)])
    normed.build(ROWS)
    before = everything(normed)
    record(normed, TABLE, to=path, training=True)
    facts["normed weights"] = everything(normed) == before
    model = raising()
    before = everything(model)
    try:
        record(model, TABLE, to=path)
    except UserError:
        facts["raised"] = everything(model) == before
    return facts


def raising():
    model = keras.Sequential([layers.Dense(4), Raises()])
    keras.src.backend.common.global_state.set_global_attribute("raises", False)
    model(TABLE)
    keras.src.backend.common.global_state.set_global_attribute("raises", True)
    return model


def everything(model):
    """All that a pass could change, as one number."""
    arrays = [
        (array.path, id(array), str(array.dtype), ops.convert_to_numpy(array).tolist()) for array in model.variables
    ]
    layers = [place.layer for place in walk(model)]
    policies = [(layer.dtype_policy.name, id(layer.dtype_policy), layer.trainable, layer.built) for layer in layers]
    own = [(id(layer), sorted(vars(layer))) for layer in layers]
    inputs = [tensor.dtype for place in walk(model) for tensor in place.inputs]
    kind = type(ops.convert_to_tensor(0.0))
    functions = [
        id(ops.relu),
        id(ops.numpy.add),
        id(keras.activations.relu),
        id(kind.__add__),
        id(keras.Variable.__add__),
    ]
    drawn = [str(np.random.get_state()), random.getstate()]
    parts = (arrays, policies, own, inputs, functions, drawn, keras.config.floatx(), keras.config.dtype_policy().name)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def errors(path):
    hollow = TABLE.copy()
    hollow[1, 2] = np.nan
    broken = keras.Sequential([keras.Input(ROWS[1:]), layers.Dense(3), layers.ReLU(), layers.Dense(2, name="last")])
    broken.layers[2].bias.assign([np.nan, 0])
    return {
        "NaN in the input": said(dense(4), hollow, path),
        "NaN in one of two": said(joins(), {"left": TABLE, "right": hollow}, path),
        "NaN in the output": said(broken, TABLE, path),
        "another shape": said(dense(5), TABLE, path),
        "raises": said(raising(), TABLE, path),
        "no model": said(lambda values: values, TABLE, path),
        "no rows": said(dense(4), TABLE[:0], path),
        "no array": said(dense(4), "rows", path),
        "no folder": said(dense(4), TABLE, path.parent / "none" / "a.npz"),
    }


def dense(numbers):
    return keras.Sequential([keras.Input((numbers,)), layers.Dense(3)])
