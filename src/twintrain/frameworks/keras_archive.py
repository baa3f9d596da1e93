"""What may stand in a .keras file: weights, and stock layers of Keras, none of which holds code or reads files.

Keras itself refuses code that is written out (`safe_mode`). Here a file must consist of what networks are made of, so
that no class or function of another purpose is called by its name.
"""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

from twintrain.errors import UserError

CONFIG = "config.json"
LARGEST_CONFIG = 16 * 2**20  # bytes; what JSON stands for takes many times as much
MEMBERS = {"metadata.json", CONFIG, "model.weights.h5"}
MODULES = re.compile(
    r"keras|keras\.(layers|initializers|regularizers|constraints|activations)"
    r"|keras\.src\.(models\.(functional|sequential)|ops\.\w+)"
)
# Layers with code or a file in them.
REFUSED = {
    *("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"),
    *("StringLookup", "IntegerLookup", "TextVectorization", "HashedCrossing"),
}
# Of no module: the tensors between layers, and how they are cut.
BETWEEN_LAYERS = {"__keras_tensor__", "__slice__", "__ellipsis__"}
# Constants, which are written out; a type of text could ask for any memory.
CONSTANTS = {"__numpy__", "__tensor__"}
NUMBERS = re.compile(r"bool|bfloat16|(float|u?int)(8|16|32|64)")
STRANGE = (KeyError, TypeError, AttributeError, RecursionError)


def check(path: Path) -> None:
    """Raises a UserError where a file is none of Keras's, or names what may run code when it is loaded."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_sizes(archive)
            members, content = archive.namelist(), archive.read(CONFIG)
        config = json.loads(content)
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, KeyError, ValueError) as error:
        raise UserError(f"{path} cannot be read as a saved Keras network: {error}") from None
    try:
        reason = _unknown_members(members) or _unknown_class(config)
    except STRANGE:
        reason = f"{CONFIG} is not of the form that it should have"
    if reason:
        raise UserError(f"{path} is not loaded, since it may run code: {reason}; expected stock layers of Keras alone")


def _check_sizes(archive: zipfile.ZipFile) -> None:
    """Raises a BadZipFile where what Keras reads is larger than the file, which a few bytes may stand for."""
    for info in archive.infolist():
        # Keras compresses nothing.
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise zipfile.BadZipFile(f"{info.filename} is compressed, as Keras saves none")
        if info.filename == CONFIG and info.file_size > LARGEST_CONFIG:
            raise zipfile.BadZipFile(f"{CONFIG} has {info.file_size:,} bytes, expected at most {LARGEST_CONFIG:,}")


def _unknown_members(members: list[str]) -> str:
    unknown = sorted(set(members) - MEMBERS)
    if not unknown and len(members) == len(MEMBERS):
        return ""
    return f"{unknown[0]} is none of its members" if unknown else "it has not each of its members once"


def _unknown_class(config: Any) -> str:
    """The first class or function that a network is not made of; empty where there is none."""
    if isinstance(config, dict):
        if "class_name" in config and not _is_known(**config):
            return f"{CONFIG} names {config['class_name']} of {config.get('module')}"
        config = list(config.values())
    if isinstance(config, list):
        return next(filter(None, map(_unknown_class, config)), "")
    return ""


def _is_known(class_name: str, module: str | None = None, registered_name: str | None = None, **rest: Any) -> bool:
    if class_name in CONSTANTS:
        return NUMBERS.fullmatch(rest["config"]["dtype"]) is not None
    if module is None:
        return class_name in BETWEEN_LAYERS
    if not MODULES.fullmatch(module) or registered_name not in (None, class_name):
        return False
    return class_name not in REFUSED and re.fullmatch(r"[A-Z]\w*", class_name) is not None
