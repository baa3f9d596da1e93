"""A network of your own in both frameworks, for images: make run ARGS="--preset mnist5k --model examples/my_twin.py".

Both functions build the same layers in the same order and write out what the frameworks do differently by default.
`make verify` with the same ARGS says whether they are twins. Each function imports its framework itself, since the two
never share a process.
"""


def build_torch(input_shape, outputs):
    """(rows, channels, height, width) → logits (rows, outputs); input_shape is that of one row."""
    from torch import nn

    class ChannelsLast(nn.Module):
        def forward(self, images):
            return images.permute(0, 2, 3, 1)

    channels, height, width = input_shape
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1, bias=False),  # batch norm has its own shift, beta
        nn.MaxPool2d(2),
        nn.BatchNorm2d(16, eps=1e-5, momentum=0.1),  # the share that is replaced; Keras: the share that stays
        nn.ReLU(),
        ChannelsLast(),  # Keras flattens (height, width, channels)
        nn.Flatten(),
        nn.Dropout(0.25),
        nn.Linear(16 * (height // 4) * (width // 4), outputs),
    )


def build_keras(input_shape, outputs):
    """(rows, height, width, channels) → logits (rows, outputs); input_shape is that of one row."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input(input_shape),
            layers.Conv2D(8, 3, padding="same", activation="relu"),  # PyTorch's padding=1 at stride 1, not at stride 2
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 3, padding="same", use_bias=False),
            layers.MaxPooling2D(2),
            # After the pooling: on TensorFlow's CPU, float32 statistics of 100,000 numbers a channel are 1e-4 off.
            layers.BatchNormalization(epsilon=1e-5, momentum=0.9),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dropout(0.25),
            layers.Dense(outputs),
        ]
    )
