"""A mistake that `verify` finds: make verify ARGS="--preset mnist5k --model examples/not_twins.py".

At stride 2, PyTorch's `padding=1` adds a row and a column on both sides, Keras's `same` adds one after the image alone.
The shapes are equal, the kernels see other pixels.
"""


def build_torch(input_shape, outputs):
    """Pads both sides; for Keras's `same` write padding=0 behind nn.ZeroPad2d((0, 1, 0, 1))."""
    from torch import nn

    channels, height, width = input_shape
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AvgPool2d((height // 2, width // 2)),
        nn.Flatten(),
        nn.Linear(8, outputs),
    )


def build_keras(input_shape, outputs):
    """Pads one side."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input(input_shape),
            layers.Conv2D(8, 3, strides=2, padding="same"),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(outputs),
        ]
    )
