"""One folder a framework, each with the same files and the same names in them.

layers/ has a builder a kind, by the families of `models/layers/`, networks.py makes networks of them, modules.py has
layers that the framework lacks, own_twin.py takes networks of the user's own, losses.py builds the losses, gradients.py
penalises and clips, optimizers.py has the update rules, averages.py averages weights, precision.py has layers compute
in half precision, loss_scale.py scales float16's loss, conventions.py reads the framework's own defaults,
collectives.py adds up over several workers, backend.py trains, saving.py saves and loads. One framework a process:
TensorFlow and PyTorch may crash each other (https://github.com/tensorflow/tensorflow/issues/124205), so nothing here is
imported until it is asked for.

threads.py says how many threads they take, timed_network.py takes the time of a saved network.
"""

import contextlib
import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from types import ModuleType

from twintrain.errors import UserError
from twintrain.frameworks.threads import patient_threads
from twintrain.settings.frameworks import KERAS_BACKENDS, folder


def framework_module(framework: str, module: str) -> ModuleType:
    """Imports one file of a framework's folder: `framework_module("torch", "backend")`.

    Raises:
        UserError: the framework needs a package that is not installed.
    """
    os.environ.update(patient_threads())
    if framework in KERAS_BACKENDS:
        _prepare_keras(framework)
    return importlib.import_module(f"twintrain.frameworks.{folder(framework)}.{module}")


def check_installed(framework: str) -> None:
    """Raises a UserError where a framework needs a package that is not installed."""
    if framework == "keras-jax" and importlib.util.find_spec("jax") is None:
        raise UserError(
            "keras-jax needs JAX, which is not installed; type: python -m pip install -r requirements-jax.txt"
        )


def _prepare_keras(framework: str) -> None:
    """Chooses the library under Keras, which it reads once, when it is imported."""
    check_installed(framework)
    backend = os.environ["KERAS_BACKEND"] = KERAS_BACKENDS[framework]
    if backend == "tensorflow":
        _import_tensorflow()
    else:
        # Keras imports TensorFlow to save and load, if it can, only to look for objects of its classes.
        sys.modules.setdefault("tensorflow", None)
    if backend == "jax":
        # Without it float64 and int64 are silently float32 and int32.
        os.environ["JAX_ENABLE_X64"] = "1"


def _import_tensorflow() -> None:
    """Imports TensorFlow without its talk of CPU features and missing CUDA libraries.

    It comes from C++, before any log level is read, so the file descriptor itself is turned aside; if the import
    fails, what was said is shown.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "tensorflow" in sys.modules:
        return
    sys.stderr.flush()
    shown = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            # For TensorFlow Lite, and for wrappers and galleries of Keras: more than a second of imports.
            with _hidden("jax", "sklearn", "matplotlib"):
                tensorflow = importlib.import_module("tensorflow")
                importlib.import_module("keras")
            tensorflow.config.list_physical_devices()
        except BaseException:
            aside.seek(0)
            os.write(shown, aside.read())
            raise
        finally:
            os.dup2(shown, 2)
            os.close(shown)


@contextlib.contextmanager
def _hidden(*names: str) -> Iterator[None]:
    """Has packages that are not imported yet seem absent, for others that take them in only where they are there."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
