"""One folder a framework, each with the same files and the same names in them.

layers.py builds the layers, losses.py the losses, optimizers.py the update rules, backend.py trains, saving.py
saves, loads and logs. One framework a process: TensorFlow and PyTorch may crash each other
(https://github.com/tensorflow/tensorflow/issues/124205), so nothing here is imported until it is asked for.
"""

import importlib
import os
import sys
import tempfile
from types import ModuleType

TITLES = {"torch": "PyTorch", "keras": "Keras"}


def framework_module(framework: str, module: str) -> ModuleType:
    """Imports one file of a framework's folder: `framework_module("torch", "backend")`."""
    if framework == "keras":
        os.environ.setdefault("KERAS_BACKEND", "tensorflow")
        _import_tensorflow()
    return importlib.import_module(f"twintrain.frameworks.{framework}.{module}")


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
            tensorflow = importlib.import_module("tensorflow")
            tensorflow.config.list_physical_devices()
        except BaseException:
            aside.seek(0)
            os.write(shown, aside.read())
            raise
        finally:
            os.dup2(shown, 2)
            os.close(shown)
