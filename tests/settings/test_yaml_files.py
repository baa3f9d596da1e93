import datetime
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator

from twintrain.settings.yaml_files import parse_scalar, plain, read_yaml, update_yaml, validated, write_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("20", 20),
        ("-5", -5),
        ("012", 12),
        ("1e-3", 0.001),
        (".5", 0.5),
        ("true", True),
        ("no", "no"),
        ("on", "on"),
        ("1:30", "1:30"),
        ("null", None),
        ("", None),
        ("mnist5k", "mnist5k"),
        ("'20'", "20"),
        ("[torch, keras]", ["torch", "keras"]),
        ("{name: sgd}", {"name": "sgd"}),
    ],
)
def test_scalar_is_read_as_yaml_1_2(text, value):
    found = parse_scalar(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["[torch", "{a", "@x", "*x", "%", "`", "\x07"])
def test_what_is_not_yaml_is_text(text):
    assert parse_scalar(text) == text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\nb: [1\n", "p.yaml line 3 is not valid YAML: expected ',' or ']', but got '<stream end>'"),
        (
            b"a: 1\na: 2\n",
            'p.yaml line 2 is not valid YAML: found duplicate key "a" with value "2" (original value: "1")',
        ),
        (b"a:\n\tb: 1\n", "p.yaml line 2 is not valid YAML: found character '\\t' that cannot start any token"),
        (
            b"a: \xe9\n",
            "p.yaml is not valid YAML: 'utf-8' codec can't decode byte 0xe9 in position 3: invalid continuation byte",
        ),
    ],
)
def test_mistake_in_a_file_is_placed_and_named(content, message, tmp_path, monkeypatch, error_of):
    monkeypatch.chdir(tmp_path)
    Path("p.yaml").write_bytes(content)
    assert error_of(read_yaml, Path("p.yaml")) == message


def test_control_character_is_a_mistake_too(tmp_path, monkeypatch, error_of):
    monkeypatch.chdir(tmp_path)
    Path("p.yaml").write_bytes(b"a: \x07\n")
    assert error_of(read_yaml, Path("p.yaml")).startswith("p.yaml is not valid YAML: ")


@pytest.mark.parametrize(("content", "kind"), [("", "NoneType"), ("- a\n", "list"), ("a\n", "str")])
def test_file_that_is_no_mapping_is_refused(content, kind, tmp_path, monkeypatch, error_of):
    monkeypatch.chdir(tmp_path)
    Path("p.yaml").write_text(content)
    assert error_of(read_yaml, Path("p.yaml")) == f"p.yaml: expected lines of the form 'name: value', got {kind}"


def test_missing_file_says_how_to_get_it_back(tmp_path, monkeypatch, error_of):
    monkeypatch.chdir(tmp_path)
    assert error_of(read_yaml, Path("params.yaml")) == (
        "params.yaml is missing; get it back with: git checkout params.yaml"
    )


COMMENTED = """\
# the experiment
model: cnn  # conf/models

# how long
train:
  epochs: 10   # more is slower
  rate: 1e-3
"""


def test_comments_and_values_survive_an_update(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text(COMMENTED)
    content = read_yaml(path)
    content["train"]["epochs"] = 20
    update_yaml(path, content)
    assert path.read_text() == COMMENTED.replace("10   #", "20   #")


def test_null_is_written_out(tmp_path):
    path = tmp_path / "p.yaml"
    write_yaml(path, {"batch_size": None})
    assert path.read_text() == "batch_size: null\n"


def test_writing_that_fails_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("a: 1\n")
    with pytest.raises(Exception, match="cannot represent an object"):
        write_yaml(path, {"a": object()})
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"p.yaml": "a: 1\n"}


def test_crash_while_writing_leaves_the_old_file_alone(tmp_path, monkeypatch):
    def write_half(path, text, encoding):
        path.write_bytes(text.encode(encoding)[:2])
        raise KeyboardInterrupt

    path = tmp_path / "p.yaml"
    path.write_text("a: 1\n")
    monkeypatch.setattr(Path, "write_text", write_half)
    with pytest.raises(KeyboardInterrupt):
        write_yaml(path, {"a": 2})
    assert path.read_text() == "a: 1\n"


def test_writing_leaves_nothing_else_behind(tmp_path):
    write_yaml(tmp_path / "p.yaml", {"a": 1})
    assert [file.name for file in tmp_path.iterdir()] == ["p.yaml"]


def test_link_stays_one_and_what_it_leads_to_is_written(tmp_path):
    end, link = tmp_path / "mine/real.yaml", tmp_path / "p.yaml"
    end.parent.mkdir()
    end.write_text("a: 1  # one\n")
    link.symlink_to("mine/real.yaml")
    update_yaml(link, {"a": 2})
    assert (link.is_symlink(), end.read_text()) == (True, "a: 2  # one\n")
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "p.yaml", "real.yaml"]


def test_file_keeps_its_mode(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("a: 1\n")
    for mode in (0o600, 0o664):
        path.chmod(mode)
        update_yaml(path, {"a": mode})
        assert (path.stat().st_mode & 0o777, read_yaml(path)) == (mode, {"a": mode})


@pytest.mark.parametrize(
    ("head", "value"), [("%YAML 1.2\n---\n", "no"), ("%YAML 1.1\n---\n", False), ("%TAG ! tag:x,2000:\n---\n", "no")]
)
def test_directives_are_read_as_dvc_reads_them(head, value, tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text(f"{head}a: no  # one\nb: 1\n")
    assert read_yaml(path) == {"a": value, "b": 1}
    update_yaml(path, {"a": value, "b": 2})
    assert path.read_text() == f"{head}a: no  # one\nb: 2\n"


def test_version_that_is_unknown_is_one_line(tmp_path, monkeypatch, error_of):
    monkeypatch.chdir(tmp_path)
    Path("p.yaml").write_text("%YAML 2.0\n---\na: 1\n")
    assert error_of(read_yaml, Path("p.yaml")) == (
        "p.yaml line 1 is not valid YAML: found incompatible YAML document (version 1.* is required)"
    )


def test_plain_has_exactly_the_types_of_python(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("a: {b: [1, 2.50, 1e-3, 'x', yes, true, null]}\nday: 2024-01-01\n")
    found = plain(read_yaml(path))
    assert found == {"a": {"b": [1, 2.5, 0.001, "x", "yes", True, None]}, "day": datetime.date(2024, 1, 1)}
    kinds = [type(value) for value in found["a"]["b"]]
    assert kinds == [int, float, float, str, str, bool, type(None)]
    assert (type(found), type(found["a"]), type(found["a"]["b"])) == (dict, dict, list)


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    rate: float = Field(0.5, gt=0, lt=1)
    kind: Literal["red", "blue"] = "red"


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    count: int = 1
    inner: Inner = Inner()
    parts: dict[str, Inner] | None = None
    words: list[str] = Field(["a"], min_length=1)

    @model_validator(mode="after")
    def _name_is_short(self):
        if len(self.name) > 5:
            raise ValueError(f"expected a short name, got {self.name}")
        return self


def test_valid_content_becomes_the_schema():
    assert validated(Outer, {"name": "a", "inner": {"rate": 0.25}}, "p.yaml") == Outer(name="a", inner=Inner(rate=0.25))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "'name' is missing"),
        ({"name": "a", "cuont": 2}, "unknown parameter 'cuont'; did you mean 'count'?"),
        ({"name": "a", "zebra": 2}, "unknown parameter 'zebra'; known: count, inner, name, parts, words"),
        ({"name": "a", "inner": {"rat": 2}}, "unknown parameter 'inner.rat'; did you mean 'rate'?"),
        ({"name": "a", "count": "2"}, "'count': expected a valid integer, got '2'"),
        ({"name": "a", "count": True}, "'count': expected a valid integer, got True"),
        ({"name": "a", "inner": {"rate": 1}}, "'inner.rate': expected above 0 and below 1, got 1"),
        (
            {"name": "a", "inner": {"kind": "rde"}},
            "'inner.kind': expected 'red' or 'blue', got 'rde'; did you mean 'red'?",
        ),
        ({"name": "a", "inner": {"kind": "zebra"}}, "'inner.kind': expected 'red' or 'blue', got 'zebra'"),
        ({"name": "a", "words": ["a", 3]}, "'words.1': expected a valid string, got 3"),
        ({"name": "elephant"}, "expected a short name, got elephant"),
    ],
)
def test_mistake_names_place_expectation_and_what_came(content, message, error_of):
    assert error_of(validated, Outer, content, "p.yaml") == f"p.yaml: {message}"


@pytest.mark.parametrize("value", [3, None, True, ["red"]])
def test_choice_that_is_no_word_is_refused_like_any_other(value, error_of):
    message = error_of(validated, Outer, {"name": "a", "inner": {"kind": value}}, "p.yaml")
    assert message == f"p.yaml: 'inner.kind': expected 'red' or 'blue', got {value!r}"


def test_misspelt_key_is_named_before_the_one_that_it_leaves_missing(error_of):
    assert error_of(validated, Outer, {"nmae": "a"}, "p.yaml") == (
        "p.yaml: unknown parameter 'nmae'; did you mean 'name'?"
    )


def test_misspelt_key_inside_a_named_group_is_looked_up_there(error_of):
    assert error_of(validated, Outer, {"name": "a", "parts": {"left": {"rat": 0.1}}}, "p.yaml") == (
        "p.yaml: unknown parameter 'parts.left.rat'; did you mean 'rate'?"
    )


def test_too_short_list_is_refused_in_plain_words(error_of):
    assert error_of(validated, Outer, {"name": "a", "words": []}, "p.yaml") == (
        "p.yaml: 'words': expected at least 1 item, got []"
    )


def test_value_that_is_no_section_is_refused_in_plain_words(error_of):
    assert error_of(validated, Outer, {"name": "a", "inner": None}, "p.yaml") == (
        "p.yaml: 'inner': expected a valid dictionary, got None"
    )
