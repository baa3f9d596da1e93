"""What may stand in a .pt2 file: raw tensors and a graph of ATen's operators, and nothing that runs code when loaded.

`torch.export.load` unpickles whatever a file asks it to, evaluates its formulas of sizes as Python (sympy.sympify), and
imports modules that are named in the structure of its inputs. So a file is read here, member by member and string by
string, and a fresh archive of what was read is what PyTorch gets: nothing is left that two readers of zips could see
differently.
"""

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

from twintrain.errors import UserError

SAMPLE_INPUTS = "data/sample_inputs/model.pt"
PROGRAM = "models/model.json"
NOTES = "metadata"  # of the exporter, for people, at each place of the program
SERIALIZATION_ID = ".data/serialization_id"
# Of each folder of tensors, what says how they are to be read, and the names that are read as raw bytes.
CONFIGS = {
    "data/weights/": ("data/weights/model_weights_config.json", re.compile(r"weight_\d+")),
    "data/constants/": ("data/constants/model_constants_config.json", re.compile(r"tensor_\d+")),
}
MARKS = ("archive_format", "archive_version", "byteorder", ".data/version", SERIALIZATION_ID)
MARK = re.compile(rb"[\w.-]{1,64}\n?")

OPERATOR = re.compile(r"torch\.ops\.aten\.(\w+)\.\w+")
# Of ATen's operators these write and map files.
FILE_OPERATORS = ("from_file", "save")
# Arithmetic of sizes, as a network that is asked for the shape of its input has it.
ARITHMETIC = re.compile(r"_operator\.(add|sub|mul|floordiv|mod|neg|eq|ne|lt|le|gt|ge|getitem)|torch\.sym_(max|min|not)")
# sympy's own notation: Mul(Integer(3), Symbol('s31', positive=True, integer=True)).
FORMULA = re.compile(
    r"(?:(?:Integer|Add|Mul|Mod|Max|Min|FloorDiv|CeilDiv|PythonMod|CleanDiv|Equality|Unequality|(?:Strict)?LessThan|"
    r"(?:Strict)?GreaterThan)\(|Symbol\('[su]\d{1,9}'|, (?:positive|nonnegative|integer)=True|-?\d{1,18}|, |\))+"
)
ONE_ARRAY = '{"type": null, "context": null, "children_spec": []}'
STRUCTURES = {
    "in_spec": '[1, {"type": "builtins.tuple", "context": "null", "children_spec": [{"type": "builtins.tuple", '
    f'"context": "null", "children_spec": [{ONE_ARRAY}]}}, {{"type": "builtins.dict", "context": "[]", '
    '"children_spec": []}]}]',
    "out_spec": f"[1, {ONE_ARRAY}]",
}
NAME = re.compile(r"[\w.+-]*")
STRANGE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
# An operator may take these as text besides names; einsum's is the longest.
TEXT_ARGUMENT = re.compile(r"[\w.,> -]{0,200}")


def load_checked(path: Path) -> io.BytesIO:
    """Reads a file for `torch.export.load`.

    Raises:
        UserError: it is no such file, or holds what may run code when it is loaded; names the member.
    """
    members = _read(path)
    if members.get(SAMPLE_INPUTS):
        raise UserError(
            f"{path} is not loaded, since it may run code: {SAMPLE_INPUTS} is a pickle, as earlier versions saved it; "
            f"to leave it out, type: python -m pipelines.convert {path}"
        )
    plain = {}
    for name, content in members.items():
        try:
            plain[name] = _checked(name, content, members)
        except STRANGE as error:
            reason = error if type(error) is ValueError else "is not of the form that it should have"
            raise UserError(
                f"{path} is not loaded, since it may run code: {name} {reason}; expected raw tensors and a graph of "
                "ATen's operators alone"
            ) from None
    return _written(plain)


def leave_out_samples(path: Path) -> None:
    """Writes a file anew without its sample inputs, the one pickle that torch.export.save makes; it is not read."""
    _replace(path, _read(path) | {SAMPLE_INPUTS: b""})


def leave_out_notes(path: Path) -> None:
    """Writes a file that was just saved anew, without sample inputs and the exporter's notes for people.

    These name files of this machine: without them, equal networks are equal files.
    """
    members = _read(path) | {SAMPLE_INPUTS: b""}
    members[PROGRAM] = json.dumps(_without_notes(json.loads(members[PROGRAM]))).encode()
    if SERIALIZATION_ID in members:  # a number of all other members
        contents = (content for name, content in members.items() if name != SERIALIZATION_ID)
        number = int.from_bytes(hashlib.sha256(b"".join(contents)).digest(), "big") % 10**40
        members[SERIALIZATION_ID] = f"{number:040}".encode()
    _replace(path, members)


def _replace(path: Path, members: dict[str, bytes]) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(_written(members).getvalue())
    part.replace(path)


def _read(path: Path) -> dict[str, bytes]:
    """The members by their names below the folder that all of them are in."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            members = {info.filename.partition("/")[2]: archive.read(info) for info in infos if _is_stored(info)}
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise UserError(f"{path} cannot be read as a saved PyTorch network: {error}") from None
    roots = {info.filename.partition("/")[0] for info in infos}
    if len(members) < len(infos) or len(roots) != 1 or PROGRAM not in members:
        raise UserError(f"{path} cannot be read as a saved PyTorch network: it is no archive of torch.export.save")
    return members


def _is_stored(info: zipfile.ZipInfo) -> bool:
    """PyTorch compresses nothing, so no file grows when it is read."""
    return info.compress_type == zipfile.ZIP_STORED and info.file_size == info.compress_size


def _written(members: dict[str, bytes]) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            # A date that is always the same: equal networks are equal files.
            archive.writestr(zipfile.ZipInfo(f"model/{name}"), content)
    buffer.seek(0)
    return buffer


def _checked(name: str, content: bytes, members: dict[str, bytes]) -> bytes:
    """The member as PyTorch gets it.

    Raises:
        ValueError: it may run code, or is no such member; so do KeyError, TypeError, AttributeError, RecursionError.
    """
    folder, _, file = name.rpartition("/")
    config, tensor = CONFIGS.get(f"{folder}/", ("", None))
    if name == PROGRAM:
        program = json.loads(content)
        if program["guards_code"]:
            raise ValueError("holds code that checks inputs (guards_code)")
        return json.dumps(_plain(program)).encode()
    if name == config:
        entries = json.loads(content)
        _check_entries(entries, f"{folder}/", tensor, members)
        return json.dumps(_plain(entries)).encode()
    is_tensor = tensor and tensor.fullmatch(file)  # raw bytes, since all entries of the config say so
    if not is_tensor and not (name in MARKS and MARK.fullmatch(content)) and name != SAMPLE_INPUTS:
        raise ValueError("is none of the members of such a file")
    return content


def _check_entries(entries: Any, folder: str, tensor: re.Pattern[str], members: dict[str, bytes]) -> None:
    for entry in entries["config"].values():
        if entry["use_pickle"] is not False:
            raise ValueError("says that a tensor is pickled")
        if not tensor.fullmatch(entry["path_name"]) or folder + entry["path_name"] not in members:
            raise ValueError(f"has path_name {entry['path_name'][:80]!r}")


def _without_notes(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: {} if name == NOTES else _without_notes(inner) for name, inner in value.items()}
    return [_without_notes(inner) for inner in value] if isinstance(value, list) else value


def _plain(value: Any, key: str = "") -> Any:
    """Looks at every string, by the key that it stands under, and leaves out what the exporter notes for people."""
    if isinstance(value, dict):
        for name in value:
            _check_string(name, "")
        return {name: {} if name == NOTES else _plain(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, key) for inner in value]
    if isinstance(value, str):
        _check_string(value, key)
    return value


def _check_string(text: str, key: str) -> None:
    match key:
        case "target":
            operator = OPERATOR.fullmatch(text)
            good = operator[1] not in FILE_OPERATORS if operator else ARITHMETIC.fullmatch(text)
        case "expr_str":
            good = FORMULA.fullmatch(text)
        case "in_spec" | "out_spec":
            good = text == STRUCTURES[key]
        case "as_string":
            good = TEXT_ARGUMENT.fullmatch(text)
        case _:
            good = NAME.fullmatch(text)
    if not good:
        raise ValueError(f"has {key or 'a name'} {text[:80]!r}")
