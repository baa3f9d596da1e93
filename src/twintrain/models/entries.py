"""How an entry of a model file is written: a kind with its arguments, what stands beside it, and blocks."""

import re
from collections.abc import Collection
from keyword import iskeyword
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from twintrain.errors import UserError, shown, unknown
from twintrain.models.layers.layer import Entry
from twintrain.settings.yaml_files import validated

INPUT = "input"  # what the input of a network, or of a block, is called
BESIDE = ("name", "from", "repeat")
MAX_REPEAT = 1000
NAME = re.compile(r"[a-z][a-z0-9_]*")
# Taken in the built networks, by what stands before and after the layers and by the attributes of PyTorch's modules,
# as Python's keywords are in the code that PyTorch saves.
TAKEN = frozenset(
    f"""
    {INPUT} features channels_first softmax inputs done
    add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval extra_repr
    float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia
    named_buffers named_children named_modules named_parameters parameters register_backward_hook register_buffer
    register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule
    share_memory state_dict to to_empty train training type xpu zero_grad
    """.split()
)


class Written(BaseModel):
    """An entry as it is written.

    Attributes:
        kind: of a layer, or the name of a block.
        arguments: of the layer, or of the block; not yet checked.
        name: by which later entries can take what it gives.
        sources: names of the entries that it takes; None: what stands before it.
        repeat: how often a block stands there, one after the other.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    kind: str
    arguments: Any
    name: str | None = None
    sources: list[str] | None = Field(None, alias="from")
    repeat: int | None = Field(None, ge=1, le=MAX_REPEAT)

    @field_validator("sources", mode="before")
    @classmethod
    def _listed(cls, sources: Any) -> list[str]:
        names = [sources] if isinstance(sources, str) else sources
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise ValueError(f"expected a name or a list of names, got {shown(sources)}")
        return names

    @field_validator("name")
    @classmethod
    def _usable(cls, name: str) -> str:
        if not NAME.fullmatch(name):
            raise ValueError(f"expected small letters, digits and _ after a letter, got {shown(name)}")
        if name in TAKEN or iskeyword(name):
            raise ValueError(f"expected another name, '{name}' has a meaning already")
        return name


class Block(BaseModel):
    """Layers that an entry of the block's name stands for.

    Attributes:
        parameters: `$filters` in the layers is what a use gives as `filters`, or else the value here; null: each use
            gives one.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    parameters: dict[str, Any] = {}
    layers: list[Entry] = Field(min_length=1)


def read_entry(entry: Entry, kinds: Collection[str], where: str) -> Written:
    """Takes an entry apart.

    Raises:
        UserError: it has no kind or several, an unknown one, or something beside it is wrong.
    """
    written = {entry: None} if isinstance(entry, str) else entry
    beside = {key: value for key, value in written.items() if key in BESIDE}
    rest = [key for key in written if key not in BESIDE]
    if len(rest) != 1:
        raise UserError(
            f"{where}: expected one 'kind: {{arguments}}', and beside it nothing but {', '.join(BESIDE)}; "
            f"got {', '.join(map(str, written)) or 'nothing'}"
        )
    (kind,) = rest
    if kind not in kinds:
        raise unknown(f"layer in {where}:", kind, kinds)
    return validated(Written, {"kind": kind, "arguments": written[kind], **beside}, f"{where} ({kind})")


def check_blocks(blocks: dict[str, Block], kinds: Collection[str], source: str) -> None:
    """Checks what blocks are called, and that their layers and their parameters name each other.

    Raises:
        UserError: in one of them this is not so.
    """
    for name, block in blocks.items():
        where = f"{source}: block '{name}'"
        if not NAME.fullmatch(name) or name in BESIDE:
            raise UserError(f"{where}: expected a name of small letters, digits and _, and none of {', '.join(BESIDE)}")
        if name in kinds:
            raise UserError(f"{where} has the name of a kind of layer; expected another one")
        used = _parameters_in(block.layers)
        for parameter in sorted(used - block.parameters.keys()):
            raise unknown(f"parameter in {where}:", f"${parameter}", [f"${known}" for known in block.parameters])
        for parameter in block.parameters.keys() - used:
            raise UserError(f"{where}: nothing uses its parameter '{parameter}'; expected ${parameter} in its layers")


def layers_of(block: Block, arguments: Any, where: str) -> list[Entry]:
    """The layers of a block, with what a use gives in the place of its parameters.

    Raises:
        UserError: the use gives a parameter that the block has not, or lacks one.
    """
    if not isinstance(arguments or {}, dict):
        raise UserError(f"{where}: expected its parameters as {{name: value}}, got {shown(arguments)}")
    for parameter in arguments or {}:
        if parameter not in block.parameters:
            raise unknown(f"parameter in {where}:", str(parameter), block.parameters)
    given = {**block.parameters, **(arguments or {})}
    if missing := [name for name, value in given.items() if value is None]:
        raise UserError(f"{where}: '{missing[0]}' is missing")
    return _filled(block.layers, given)


def _parameters_in(content: Any) -> set[str]:
    if isinstance(content, dict):
        return set().union(*map(_parameters_in, content.values()))
    if isinstance(content, list):
        return set().union(*map(_parameters_in, content))
    return {content[1:]} if isinstance(content, str) and content.startswith("$") else set()


def _filled(content: Any, given: dict[str, Any]) -> Any:
    if isinstance(content, dict):
        return {key: _filled(value, given) for key, value in content.items()}
    if isinstance(content, list):
        return [_filled(value, given) for value in content]
    return given[content[1:]] if isinstance(content, str) and content.startswith("$") else content
