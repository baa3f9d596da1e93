"""Trainings in Keras: each is recorded into a file and returns facts."""

import keras
import numpy as np
from keras import layers, ops
from keras_scenarios import everything
from recorded_fits import (
    ARRAYS,
    CLASSES,
    IMAGES,
    MOMENTUM,
    NUMBERS,
    RATE,
    STEPS,
    TABLE,
    WORDS,
    broken_loops,
    loops,
    rows_of,
    said,
)

from twintrain.recordings.keras import losses, optimizers
from twintrain.recordings.record import record

ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class DropPath(layers.Layer):
    """Drops whole rows, as those of others do."""

    def call(self, values, training=False):
        return values * keras.random.uniform((len(values), 1, 1), dtype=values.dtype) if training else values


class Looking(keras.Model):
    """Looks at numbers, which it has none of while it is compiled."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, values):
        values = self.dense(values)
        return values if float(ops.convert_to_numpy(values)[0, 0]) < 9 else -values


class Thinned(layers.Layer):
    """Drops numbers by a function."""

    def __init__(self, rate):
        super().__init__()
        self.rate = rate

    def call(self, values, training=False):
        return keras.random.dropout(values, self.rate) if training else values


def sgd():
    return keras.optimizers.SGD(RATE, momentum=MOMENTUM)


def small(rate=0.5):
    keras.utils.set_random_seed(0)
    parts = [layers.Conv2D(3, 3, kernel_regularizer="l2"), layers.BatchNormalization(), layers.ReLU()]
    return keras.Sequential(
        [keras.Input(IMAGES.shape[1:]), *parts, layers.Dropout(rate), layers.Flatten(), layers.Dense(3)]
    )


def dense():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((4,)), layers.Dense(5, "tanh"), layers.Dense(3)])


def drops(rate):
    values = inputs = keras.Input((3, 4))
    values = layers.SimpleRNN(4, return_sequences=True, dropout=rate, recurrent_dropout=rate)(values)
    values = layers.Add()([values, layers.MultiHeadAttention(2, 2, dropout=rate)(values, values)])
    for kind in (layers.Dropout, layers.SpatialDropout1D, layers.AlphaDropout, layers.GaussianNoise, Thinned):
        values = kind(rate)(values)
    values = DropPath()(values)
    model, rng = keras.Model(inputs, layers.Dense(3)(layers.Flatten()(values))), np.random.default_rng(0)
    model.set_weights([rng.normal(size=array.shape) for array in model.weights])
    return model


def name_of(array):
    return "/".join(array.path.split("/")[-2:])


def twin(path):
    model = dense()
    model.set_weights(ARRAYS)
    record(model, TABLE, CLASSES, to=path, loss=ENTROPY, optimizer=sgd(), steps=STEPS)


def chain(path):
    model = small()
    record(model, IMAGES, CLASSES, to=path, loss=ENTROPY, optimizer=sgd(), steps=STEPS)
    model.layers[3].rate = 0.0
    gradients, arrays, losses = [], {}, []

    class Watched(keras.optimizers.SGD):
        def apply(self, grads, variables=None):
            gradients.extend(ops.convert_to_numpy(grad) for grad in grads)
            return super().apply(grads, variables)

    model.compile(loss=ENTROPY, optimizer=Watched(RATE, momentum=MOMENTUM), run_eagerly=True)
    for step in range(1, 4):
        losses.append(float(model.train_on_batch(IMAGES, CLASSES)))
        if step == 1:
            names = [name_of(array) for array in model.trainable_variables]
            arrays |= {f"gradient/{name}": grad for name, grad in zip(names, gradients[:6], strict=True)}
        if step in STEPS:
            arrays |= {f"step/{step}/{name_of(array)}": array.numpy() for array in model.weights}
    np.savez(path.with_name("by_hand.npz"), losses=losses, **arrays)


def loss_alone(path):
    record(dense(), TABLE, NUMBERS, to=path, loss="mse", steps=(5,))
    recording = record(Looking(), TABLE, NUMBERS, to=path.with_name("looking.npz"), loss="mse", optimizer="adadelta")
    return [recording.left_out == {}]


def two_outputs(path):
    def loss(targets, outputs):
        classes = ops.mean(ops.sparse_categorical_crossentropy(targets["classes"], outputs["classes"], True))
        return classes + ops.mean(ops.square(outputs["numbers"] - targets["numbers"]))

    inputs = keras.Input((4,))
    outputs = {"classes": layers.Dense(3)(inputs), "numbers": layers.Dense(3)(inputs)}
    targets = {"classes": CLASSES, "numbers": NUMBERS}
    record(keras.Model(inputs, outputs), TABLE, targets, to=path, loss=loss, optimizer="adam")


def frozen(path):
    model = dense()
    model.layers[0].trainable = False
    optimizer = keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(RATE, 10), weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    record(model, TABLE, CLASSES, to=path, loss=ENTROPY, optimizer=optimizer)


def dropped(path):
    rows = TABLE.reshape(6, 1, 4).repeat(3, axis=1)
    model = drops(0.5)
    record(model, rows, CLASSES, to=path, loss=ENTROPY)
    return float(ENTROPY(CLASSES, model(rows, training=False)))


def narrow_loss(path):
    class Narrow(keras.losses.Loss):
        def __call__(self, y, outputs, sample_weight=None):
            return ops.mean(ops.square(ops.cast(outputs, "float32")))

    record(dense(), TABLE, CLASSES, to=path, loss=Narrow())


def tokens(path):
    model = keras.Sequential([keras.Input((5,)), layers.Embedding(7, 3), layers.Flatten(), layers.Dense(3)])
    record(model, WORDS, CLASSES, to=path, loss=ENTROPY, optimizer=sgd())


def state(path):
    model, optimizer = small(), keras.optimizers.Adam(RATE)
    model.compile(loss=ENTROPY, optimizer=optimizer)
    model.train_on_batch(IMAGES, CLASSES)

    def now():
        held = [(id(array), ops.convert_to_numpy(array).tolist()) for array in optimizer.variables]
        return everything(model), held, optimizer.get_config(), sorted(vars(ENTROPY)), ENTROPY.dtype

    before = now()
    recording = record(model, IMAGES, CLASSES, to=path, loss=ENTROPY, optimizer=optimizer, steps=STEPS)
    after = [now() == before, recording.left_out == {}]
    said(model, path, x=IMAGES, loss=lambda *_: 1 / 0, optimizer=optimizer)
    return [*after, now() == before, *scaled(path)]


def scaled(path):
    """A scale of the loss, which is for float16, changes nothing."""
    inner = sgd()
    plain, other = (
        record(dense(), TABLE, NUMBERS, to=path.with_name(f"{name}.npz"), loss="mse", optimizer=optimizer)
        for name, optimizer in {"plain": inner, "scaled": keras.optimizers.LossScaleOptimizer(inner)}.items()
    )
    arrays = [[each.weight_after("float64", 1, weight.name) for weight in each.weights] for each in (plain, other)]
    return [other.fit.optimizer == plain.fit.optimizer, *map(np.array_equal, *arrays)]


def errors(path):
    hollow = NUMBERS.copy()
    hollow[2, 1] = np.nan
    used = keras.optimizers.SGD(RATE)
    used.build(dense().trainable_variables)
    return {
        "no loss": said(dense(), path),
        "no y": said(dense(), path, y=None, loss=ENTROPY),
        "optimizer alone": said(dense(), path, y=None, optimizer="sgd"),
        "other rows": said(dense(), path, y=CLASSES[:4], loss=ENTROPY),
        "NaN in y": said(dense(), path, y=hollow, loss="mse"),
        "no scalar": said(dense(), path, loss=keras.losses.SparseCategoricalCrossentropy(reduction=None)),
        "NaN from the start": said(dense(), path, loss=lambda _, outputs: outputs * np.nan),
        "no loss at all": said(dense(), path, loss=3),
        "loss raises": said(dense(), path, y=NUMBERS, loss=lambda y, _: 1 / "a\nb"),
        "no optimizer": said(dense(), path, loss=ENTROPY, optimizer=3),
        "steps fall": said(dense(), path, loss=ENTROPY, optimizer="sgd", steps=(3, 1)),
        "steps of nothing": said(dense(), path, loss=ENTROPY, optimizer="sgd", steps=()),
        "step 0": said(dense(), path, loss=ENTROPY, optimizer="sgd", steps=(0, 1)),
        "steps are no numbers": said(dense(), path, loss=ENTROPY, optimizer="sgd", steps=5),
        "other weights": said(dense(), path, loss=ENTROPY, optimizer=used),
        "no weights": said(dense(), path, loss=lambda y, outputs: ops.mean(ops.ones_like(outputs))),
        "unknown loss": said(dense(), path, loss="mean_squared_eror"),
        "unknown optimizer": said(dense(), path, loss=ENTROPY, optimizer="sdg"),
    }


def loop(path):
    return [loops(path, run), *broken_loops(path, dense())]


def run():
    model, optimizer = small(), sgd()
    values = model.trainable_variables
    optimizer.build(values)

    def told(r):
        seen, losses = {"before": ops.convert_to_numpy(values[0])}, []
        for step in range(4):
            x, y = (
                ops.convert_to_tensor(IMAGES[rows_of(step)], "float32"),
                ops.convert_to_tensor(CLASSES[rows_of(step)]),
            )
            r.batch(x, y)
            loss, outputs, gradients = gradients_of(model, x, y)
            optimizer.apply(gradients)
            r.loss(loss)
            r.gradients(gradients)
            r.step()
            losses.append(float(loss))
            if step == 0:
                seen |= {"prediction": ops.convert_to_numpy(outputs), "gradient": ops.convert_to_numpy(gradients[0])}
            if step == 2:
                seen["after 3"] = ops.convert_to_numpy(values[0])
        return {**seen, "losses": np.array(losses)}

    return model, (ENTROPY, optimizer), told


def gradients_of(model, x, y):
    """As in scripts of TensorFlow."""
    import tensorflow

    with tensorflow.GradientTape() as tape:
        outputs = model(x, training=True)
        loss = ENTROPY(y, outputs)
    return loss, outputs, tape.gradient(loss, model.trainable_variables)


def large(path):
    keras.utils.set_random_seed(2)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1500, "relu"), layers.Dense(3)])
    for limit, name in ((4096, path), (None, path.with_name("whole.npz"))):
        record(model, TABLE, CLASSES, to=name, loss=ENTROPY, optimizer=sgd(), limit=limit)


def words(path):
    told = {
        "entropy": keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        "a function": keras.losses.sparse_categorical_crossentropy,
        "a name": "mse",
        "a sum": keras.losses.MeanSquaredError(reduction="sum"),
        "binary": keras.losses.BinaryCrossentropy(from_logits=True),
        "probabilities": keras.losses.BinaryCrossentropy(),
        "huber": keras.losses.Huber(delta=0.5),
        "divergence": keras.losses.KLDivergence(),
        "own": lambda y, outputs: 0,
    }
    made = {
        "sgd": keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01, clipnorm=1.0),
        "adam": keras.optimizers.Adam(0.1, beta_1=0.8, beta_2=0.99, epsilon=1e-6, global_clipnorm=2.0),
        "adamw": keras.optimizers.AdamW(0.1, weight_decay=0.01),
        "rmsprop": keras.optimizers.RMSprop(0.1, rho=0.95, centered=True, clipvalue=0.5),
    }
    found = {name: losses.describe(loss) for name, loss in told.items()}
    return found | {name: optimizers.describe(optimizer, dense()) for name, optimizer in made.items()}
