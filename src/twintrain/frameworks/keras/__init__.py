"""Keras's side of the twins, on TensorFlow."""
