"""The same training in Keras, recorded: python in_keras.py    reads torch.npz, writes keras.npz

It forgets two things: to shuffle the rows, and to let the weights decay.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

import twintrain

EPOCHS, BATCH = 2, 16

rng = np.random.default_rng(0)
rows = rng.normal(size=(64, 8)).astype("float32")
labels = (rows[:, 0] * rows[:, 1] + rows[:, 2] > 0).astype("int64")

model = keras.Sequential([layers.Input((8,)), layers.Dense(16, activation="relu"), layers.Dense(2)])
twintrain.transfer("torch.npz", model)
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = keras.optimizers.SGD(0.1, momentum=0.9)

with twintrain.recording(model, to="keras.npz", loss=loss_of, optimizer=optimizer, steps=(1, 2, 8)) as r:
    for _ in range(EPOCHS):
        for start in range(0, len(rows), BATCH):
            x, y = rows[start : start + BATCH], labels[start : start + BATCH]
            r.batch(x, y)
            with tf.GradientTape() as tape:
                loss = loss_of(y, model(x, training=True))
            gradients = tape.gradient(loss, model.trainable_variables)
            r.loss(loss)
            r.gradients(gradients)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
            r.step()
