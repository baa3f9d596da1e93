"""Random presets, overrides and own data, one after the other: params.yaml holds them, and nothing else moves."""

import re
from copy import deepcopy
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from types import UnionType
from typing import Annotated, Literal, get_args, get_origin

import pytest
import yaml as pyyaml
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from ruamel.yaml import YAML

from twintrain.data.own import adoption
from twintrain.data.own.found import Found
from twintrain.settings import yaml_files
from twintrain.settings.params import Params
from twintrain.settings.presets import changed_params, save_params
from twintrain.settings.yaml_files import read_yaml, write_yaml
from twintrain.settings.yaml_text import load, same

LOADER = getattr(pyyaml, "CSafeLoader", pyyaml.SafeLoader)
ROOT = Path(__file__).resolve().parents[2]
PRESETS = sorted(path.stem for path in (ROOT / "conf/presets").glob("*.yaml"))
SHIPPED = (ROOT / "params.yaml").read_text("utf-8")
PARAMS = Path("params.yaml")
# What a user may have made of the file: few lines, other styles.
STARTS = [
    SHIPPED,
    "# mine\ndataset: car # a\nmodel: conf/models/car_mlp.yaml\nframeworks:\n  - torch # one\n  - keras\n"
    "# how\ntrain:\n  epochs: 3 # few\n\n  optimizer: {name: sgd, learning_rate: 0.5}\n",
    "dataset:   xor\r\nmodel: 'conf/models/mlp.yaml'\r\nframeworks: [ torch ] # only\r\nevaluate:\r\ntracking: {}\r\n",
]
ODD = ["null", "2020", "a:b", "a#b", "no", "1e-3", "1:30", "2020-01-01", "~", "-", "[a", "*a", "&a", "!a", "'", '"']
ODD += ["\\", "%a", "@a", "`a", "0x1F", ".inf", "=", "é日本", "🙂"]
ODD += [" # x", "a: b", "- a", "", "a\nb", "\t", "x ", "\u2028", "\x85", "\ufeff"]
ANY = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXT = st.sampled_from(ODD) | st.text(ANY, max_size=12)


def values(kind, metadata=()):
    """Values that a parameter's type takes."""
    origin, arguments = get_origin(kind), get_args(kind)
    bounds = {type(bound): bound for bound in metadata}
    if origin is Annotated:
        inner = [entry for bound in arguments[1:] for entry in getattr(bound, "metadata", [bound])]
        return values(arguments[0], [*metadata, *inner])
    if origin is UnionType or str(origin) == "typing.Union":
        return st.one_of([values(part, metadata) for part in arguments])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (list, dict):
        least = bounds[MinLen].min_length if MinLen in bounds else 0
        most = min(bounds[MaxLen].max_length, least + 4) if MaxLen in bounds else least + 4
        several = st.lists if origin is list else st.dictionaries
        return several(*map(values, arguments), min_size=least, max_size=most)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = {name: values(field.annotation, field.metadata) for name, field in kind.model_fields.items()}
        return st.fixed_dictionaries({}, optional=fields)
    plain = {type(None): st.none(), bool: st.booleans(), str: TEXT}
    return plain[kind] if kind in plain else numbers(kind, bounds)


def numbers(kind, bounds):
    low = bounds[Ge].ge if Ge in bounds else bounds[Gt].gt
    high = bounds[Le].le if Le in bounds else bounds[Lt].lt
    if kind is int:
        return st.integers(low, high)
    return st.floats(low, high, exclude_min=Gt in bounds, exclude_max=Lt in bounds)


def parameters(schema, prefix=""):
    """All parameters and sections by their dotted names, with their values."""
    found = {}
    for name, field in schema.model_fields.items():
        found[prefix + name] = values(field.annotation, field.metadata)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found.update(parameters(field.annotation, f"{prefix}{name}."))
    return found


PARAMETERS = parameters(Params)
OVERRIDES = st.lists(st.sampled_from(sorted(PARAMETERS)), min_size=1, max_size=3, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: PARAMETERS[name] for name in names})
)
COLUMN = TEXT.filter(bool)
WISHES = st.sampled_from(["group", "time"]).flatmap(lambda name: st.builds(adoption.Wishes, **{name: COLUMN}))
FOUND = st.builds(
    Found,
    st.sampled_from([{"task": "binary"}, {"task": "regression"}, {"task": "multiclass", "image_shape": [8, 8, 1]}]),
    rows=st.integers(1, 10**6),
    lines=st.just([]),
    warnings=st.just([]),
    smallest_class=st.none() | st.integers(1, 99),
    bad_rows=st.integers(0, 1),
    has_test=st.booleans(),
)


def preset_of_own_data(data):
    name = data.draw(st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True)) + "_mine"
    file = data.draw(TEXT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adoption, "_file_name", lambda source: file)
        found = data.draw(FOUND)  # rows that come as test rows are the split already
        wishes = adoption.Wishes() if found.has_test else data.draw(WISHES)
        adoption._write_settings(Path("x"), name, found, wishes)
    return name


def next_content(data, content):
    match data.draw(st.sampled_from(["preset", "overrides", "overrides", "both", "own data"])):
        case "preset":
            return changed_params(content, data.draw(st.sampled_from(PRESETS)), {})
        case "overrides":
            return changed_params(content, None, data.draw(OVERRIDES))
        case "both":
            return changed_params(content, data.draw(st.sampled_from(PRESETS)), data.draw(OVERRIDES))
        case "own data":
            return changed_params(content, preset_of_own_data(data), {})


def differing(old, new, path=()):
    """Paths of the keys that differ, a section as a whole where it is new, gone or empty."""
    found = set()
    for name in old.keys() | new.keys():
        one, other = old.get(name, ...), new.get(name, ...)
        if isinstance(one, dict) and isinstance(other, dict) and one and other:
            found |= differing(one, other, (*path, name))
        elif not same(one, other):
            found.add((*path, name))
    return found


def lines_by_path(text):
    """The lines of a text, each with the path of the key that it belongs to; None for comments and empty lines."""
    found, above = [], []
    for line in text.splitlines(keepends=True):
        if re.match(r"\s*(#|$)", line):
            found.append((None, line))
            continue
        if key := re.match(r"( *)([\w-]+):(\s|$)", line):
            above = [*(entry for entry in above if entry[0] < len(key[1])), (len(key[1]), key[2])]
        found.append((tuple(name for _, name in above), line))
    return found


def with_gaps(lines):
    """The lines with each empty one as of the section that it stands in the middle of."""
    for at, (path, line) in enumerate(lines):
        if path is None and not line.strip():
            above = next((other for other, _ in reversed(lines[:at]) if other), ())
            below = next((other for other, _ in lines[at:] if other), ())
            shared = takewhile(lambda pair: pair[0] == pair[1], zip(above, below, strict=False))
            yield tuple(name for name, _ in shared) or None, line
        else:
            yield path, line


def untouched(text, touched):
    """Lines of keys and sections that are none of the touched ones, nor hold one of them on the same line."""
    lines = list(with_gaps(lines_by_path(text)))
    with_lines_below = {path[:depth] for path, _ in lines if path for depth in range(len(path))}

    def is_touched(path):
        return any(
            path[: len(each)] == each or (each[: len(path)] == path and path not in with_lines_below)
            for each in touched
        )

    return [line for path, line in lines if path is None or not is_touched(path)]


def check_lines(before, after, touched):
    """Lines of other keys stand as they stood, and the comments behind those that were set still do."""
    assert untouched(before, touched) == untouched(after, touched)
    written = {path: line for path, line in lines_by_path(after) if path and not line.lstrip().startswith("- ")}
    for path, line in lines_by_path(before):
        comment = re.search(r" (# [^\"]*)$", line.rstrip())
        if path in written and comment and not line.lstrip().startswith("- "):
            assert comment[1] in written[path]


def check_way_back(before, after, old, new):
    """A step that took no line out is undone to the byte."""
    if {path for path, _ in lines_by_path(before)} <= {path for path, _ in lines_by_path(after)}:
        save_params(old)
        assert PARAMS.read_bytes().decode() == before
        save_params(new)
        assert PARAMS.read_bytes().decode() == after


def walk(data, steps, every):
    start = data.draw(st.sampled_from(STARTS))
    PARAMS.write_bytes(start.encode())
    content = read_yaml(PARAMS)
    for step in range(steps):
        before = PARAMS.read_bytes().decode()
        new = next_content(data, content)
        save_params(new)
        after = PARAMS.read_bytes().decode()
        assert same(pyyaml.load(after, LOADER), new)
        check_lines(before, after, differing(content, new))
        if step % every == 0:
            assert same(YAML(typ="safe").load(after), new)
            if start == SHIPPED:
                check_way_back(before, after, content, new)
        content = new


@pytest.fixture
def texts_read_once(monkeypatch):
    """The same text is parsed once: a walk reads each params.yaml back when it is written, and again to change it."""
    parsed = lru_cache(maxsize=256)(load)

    def load_once(text):
        content, node = parsed(text)
        return deepcopy(content), node

    monkeypatch.setattr(yaml_files, "load", load_once)


def limits(examples):
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # to make a failing walk shorter takes minutes
    )


def test_some_steps_of_a_random_walk(project, texts_read_once):
    @limits(3)
    @given(st.data())
    def some_steps(data):
        walk(data, 10, every=3)

    some_steps()


@pytest.mark.slow
def test_two_thousand_steps_of_random_walks(project, texts_read_once):
    @limits(50)
    @given(st.data())
    def many_steps(data):
        walk(data, 40, every=10)

    many_steps()


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def test_whatever_is_written_reads_back_the_same_in_yaml_1_2_and_1_1(tmp_path):
    path = tmp_path / "p.yaml"

    @limits(150)
    @given(st.dictionaries(TEXT, NESTED, max_size=5), st.lists(TEXT, max_size=2))
    def written(content, comments):
        write_yaml(path, content, comments)
        text = path.read_bytes().decode()
        assert same(load(text)[0], content)
        assert same(pyyaml.load(text, LOADER), content)

    written()


def test_an_empty_line_goes_with_the_section_that_it_stands_in_and_with_no_other(project):
    start = "frameworks: [torch]\n\ntrain:\n  epochs: 3\n\n  batch_size: 8\n\nevaluate: {}\n"
    PARAMS.write_text(start)
    old = read_yaml(PARAMS)
    save_params({**old, "train": {}})
    after = PARAMS.read_text()
    assert after == "frameworks: [torch]\n\ntrain: {}\n\nevaluate: {}\n"
    check_lines(start, after, {("train",)})
    for touched in ({("evaluate",)}, {("train", "epochs")}):
        with pytest.raises(AssertionError):
            check_lines(start, after, touched)
    with pytest.raises(AssertionError):
        check_lines(start, after.replace("\n\nevaluate", "\nevaluate"), {("train",)})


@pytest.mark.parametrize("start", STARTS)
def test_starts_of_the_walks_are_what_they_seem(start):
    content = load(start)[0]
    assert {path for path, _ in lines_by_path(start) if path and len(path) == 1} == {(name,) for name in content}
