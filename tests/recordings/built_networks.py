"""Functions that build networks, as a test of somebody's own has them: each imports its framework when it is called."""


def torch_network():
    from torch import nn

    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 2))


def keras_network(padding="valid"):
    import keras
    from keras import layers

    size = 4 if padding == "valid" else 6
    return keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            layers.Conv2D(4, 3, padding=padding),
            layers.ReLU(),
            layers.Permute((3, 1, 2)),
            layers.Reshape((size * size * 4,)),
            layers.Dense(2),
        ]
    )


def another_torch_network():
    from torch import nn

    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(64, 2))


def broken_network():
    raise RuntimeError("no such checkpoint")
