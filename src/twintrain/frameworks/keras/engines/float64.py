"""Float64 networks in Keras on JAX and on PyTorch."""

from keras.src.backend.common import dtypes


def keep_float64(kept: bool) -> None:
    """Lets float64 stay float64, or lets Keras have its way.

    On these two, Keras turns the result of many operations (means, variances, maxima) into float32 whatever comes in,
    so that batch statistics of a float64 network have seven digits. It has no public switch for that (3.15.1).
    """
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64" if kept else "float32"
