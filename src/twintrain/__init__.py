"""One network, trained twice, in PyTorch and in Keras, and compared so that the answer can be trusted."""

__version__ = "0.1.0"
