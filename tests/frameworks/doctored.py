"""Saved networks with something in them that runs when it is loaded, made of good ones without any framework."""

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

FILES = Path(__file__).parents[1] / "files"
OLD_PT2 = FILES / "of_0.1.0" / "model.pt2"
KERAS = FILES / "of_0.1.0" / "model.keras"
PROGRAM = "models/model.json"
WEIGHTS, CONSTANTS = "data/weights/model_weights_config.json", "data/constants/model_constants_config.json"
SAMPLE_INPUTS = "data/sample_inputs/model.pt"
Members = dict[str, bytes]


class Planted:
    """What a hostile pickle does when it is loaded."""

    def __reduce__(self) -> Any:
        return Path("planted").touch, ()


PICKLE = pickle.dumps(Planted())
TOUCH = "__import__('pathlib').Path('planted').touch()"


def members_of(path: Path) -> Members:
    """Of a .pt2 file below its folder."""
    with zipfile.ZipFile(path) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def write_pt2(path: Path, members: Members, **options: Any) -> Path:
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in members.items():
            archive.writestr(f"model/{name}", content)
    return path


def good_pt2(path: Path) -> Path:
    """As this version saves it."""
    return write_pt2(path, members_of(OLD_PT2) | {SAMPLE_INPUTS: b""})


def _changed(name: str, change: Callable[[Any], None]) -> Callable[[Members], Members]:
    def apply(members: Members) -> Members:
        content = json.loads(members[name])
        change(content)
        return members | {name: json.dumps(content).encode()}

    return apply


def _pickled_tensor(config: str, tensor: str) -> Callable[[Members], Members]:
    folder = config.rpartition("/")[0]

    def apply(members: Members) -> Members:
        entries = json.loads(members[config])
        name, entry = next(iter(json.loads(members[WEIGHTS])["config"].items()))
        entries["config"][name] = {**entry, "path_name": tensor, "use_pickle": tensor != "custom_obj_0"}
        return members | {config: json.dumps(entries).encode(), f"{folder}/{tensor}": PICKLE}

    return apply


def _formula(program: Any) -> None:
    """Sizes are evaluated as Python."""
    sizes = program["graph_module"]["graph"]["tensor_values"].popitem()
    sizes[1]["sizes"][0] = {"as_expr": {"expr_str": TOUCH, "hint": None}}
    program["graph_module"]["graph"]["tensor_values"][sizes[0]] = sizes[1]


def _function(target: str, *arguments: Any) -> Callable[[Any], None]:
    """A node that calls a function by its name."""

    def change(program: Any) -> None:
        nodes = program["graph_module"]["graph"]["nodes"]
        given = [{"name": "", "arg": {"as_string": argument}, "kind": 1} for argument in arguments]
        nodes[-1] |= {"target": target, "inputs": given}

    return change


def _module(program: Any) -> None:
    """The structure of inputs may name a module, which is imported."""
    entry = program["graph_module"]["module_call_graph"][0]["signature"]
    enum = '{\\"__enum__\\": true, \\"fqn\\": \\"planting:None\\", \\"name\\": \\"a\\"}'
    entry["in_spec"] = entry["in_spec"].replace('"context": "[]"', f'"context": "[{enum}]"')


PLACES: dict[str, Callable[[Members], Members]] = {
    "sample inputs": lambda members: members | {SAMPLE_INPUTS: PICKLE},
    "weights": _pickled_tensor(WEIGHTS, "weight_0"),
    "weights of an early form": lambda members: members | {"data/weights/model.pt": PICKLE},
    "constants": _pickled_tensor(CONSTANTS, "tensor_0"),
    "constants of an early form": lambda members: members | {"data/constants/model.pt": PICKLE},
    "formula": _changed(PROGRAM, _formula),
    "module": _changed(PROGRAM, _module),
}
# What PyTorch refuses by itself today, or leaves alone.
QUIET: dict[str, Callable[[Members], Members]] = {
    "function": _changed(PROGRAM, _function("torch.os.system", "touch planted")),
    "custom object": _pickled_tensor(CONSTANTS, "custom_obj_0"),
    "opaque object": lambda members: members | {"data/constants/opaque_obj_0": PICKLE},
    "extra": lambda members: members | {"extra/notes": PICKLE},
    "library": lambda members: members | {"data/aotinductor/model/model.so": b"\x7fELF"},
    "file": _changed(PROGRAM, _function("torch.ops.aten.save.default", "planted")),
    "guards": _changed(PROGRAM, lambda program: program.update(guards_code=[TOUCH])),
    "name": _changed(PROGRAM, lambda program: program["graph_module"]["graph"]["nodes"][0].update(name="a; b")),
    "not a program": lambda members: members | {PROGRAM: b"[1, 2]"},
    "deep": lambda members: members | {PROGRAM: b"[" * 100_000},
    "other mark": lambda members: members | {"byteorder": PICKLE},
}


def doctored_pt2(folder: Path) -> dict[str, Path]:
    """One file for each place, by place."""
    good = members_of(good_pt2(folder / "good.pt2"))
    return {place: write_pt2(folder / f"{place}.pt2", doctor(good)) for place, doctor in {**PLACES, **QUIET}.items()}


def doctored_keras(path: Path, change: Callable[[Any], None], **more: bytes) -> Path:
    """A .keras file with a change in its description, and further members."""
    with zipfile.ZipFile(KERAS) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members, "config.json": json.dumps(config).encode(), **more}.items():
            archive.writestr(name, content)
    return path
