"""Whatever changes, the lines of other keys keep their bytes."""

from pathlib import Path

import pytest

from twintrain.settings import yaml_lines
from twintrain.settings.presets import changed_params, save_params
from twintrain.settings.yaml_files import read_yaml, update_yaml
from twintrain.settings.yaml_text import load

ROOT = Path(__file__).resolve().parents[2]
PRESETS = sorted(path.stem for path in (ROOT / "conf/presets").glob("*.yaml"))
ALIGNED = """\
# Above.
name: cnn            # a name
rate: 0.001          # a rate

# How long.
train:               # a section
  epochs: 10         # more is slower
  lists: [a, b]
  device: auto       # or cpu
last: null           # the end
"""


def edited(text, content):
    return yaml_lines.edited(text, *load(text), content)


@pytest.mark.parametrize(
    ("change", "old", "new"),
    [
        ({"name": "mlp"}, "name: cnn            #", "name: mlp            #"),
        ({"name": "of_many_letters"}, "name: cnn            #", "name: of_many_letters  #"),
        ({"name": "of_15_letters_"}, "name: cnn            #", "name: of_15_letters_ #"),
        ({"name": None}, "name: cnn            #", "name: null           #"),
        ({"name": " # x"}, "name: cnn            #", 'name: " # x"         #'),
        ({"rate": 1e-5}, "rate: 0.001          #", "rate: 1.0e-05        #"),
        ({"last": True}, "last: null           #", "last: true           #"),
        ({"last": ["a", {"b": [1, None]}]}, "last: null           #", "last: [a, {b: [1, null]}]  #"),
        ({"last": {"b": 1}}, "last: null           #", "last: {b: 1}         #"),
        ({"train": {"lists": ["a", "b", "c"]}}, "lists: [a, b]", "lists: [a, b, c]"),
        ({"train": {"lists": []}}, "lists: [a, b]", "lists: []"),
        ({"train": {"epochs": 100000}}, "epochs: 10         #", "epochs: 100000     #"),
        ({"train": {"added": 1}}, "# or cpu\n", "# or cpu\n  added: 1\n"),
        ({"train": {"added": {"deep": {"er": [1]}}}}, "# or cpu\n", "# or cpu\n  added:\n    deep:\n      er: [1]\n"),
        ({"train": {"added": {}}}, "# or cpu\n", "# or cpu\n  added: {}\n"),
        ({"added": "x", "more": 2}, "# the end\n", "# the end\nadded: x\nmore: 2\n"),
    ],
)
def test_a_key_that_is_set_changes_its_line_alone_and_back(change, old, new):
    content, _ = load(ALIGNED)
    sections = {name: {**content[name], **value} if name == "train" else value for name, value in change.items()}
    changed = edited(ALIGNED, {**content, **sections})
    assert changed == ALIGNED.replace(old, new)
    assert edited(changed, content) == ALIGNED


def test_a_key_that_is_taken_out_takes_its_line_along():
    content, _ = load(ALIGNED)
    del content["train"]["lists"], content["name"]
    assert edited(ALIGNED, content) == ALIGNED.replace("  lists: [a, b]\n", "").replace(
        "name: cnn            # a name\n", ""
    )


def test_a_section_that_is_taken_out_takes_its_lines_along_and_the_comment_above_stays():
    content, _ = load(ALIGNED)
    del content["train"]
    begin, end = ALIGNED.index("train:"), ALIGNED.index("last:")
    assert edited(ALIGNED, content) == ALIGNED[:begin] + ALIGNED[end:]


def test_a_section_that_becomes_a_value_keeps_the_comment_of_its_name():
    content, _ = load(ALIGNED)
    begin, end = ALIGNED.index("train:"), ALIGNED.index("last:")
    assert edited(ALIGNED, {**content, "train": None}) == (
        ALIGNED[:begin] + "train: null          # a section\n" + ALIGNED[end:]
    )


@pytest.mark.parametrize(
    ("text", "content", "expected"),
    [
        ("a: [ 1,2 ] # x\nb: 1\n", {"a": [1, 2], "b": 2}, "a: [ 1,2 ] # x\nb: 2\n"),
        ("a: # x\nb: 1\n", {"a": 3, "b": 1}, "a: 3 # x\nb: 1\n"),
        ("a:\nb: 1\n", {"a": 3, "b": 1}, "a: 3\nb: 1\n"),
        ("b: 1\na:", {"a": 3, "b": 1}, "b: 1\na: 3"),
        ("b: 1", {"b": 1, "c": 2}, "b: 1\nc: 2\n"),
        ("a: 'it''s'  # x\n", {"a": "it's not"}, 'a: "it\'s not"  # x\n'),
        ("a: 1\r\nb: 2 # x\r\n", {"a": 1, "b": 3, "c": [4]}, "a: 1\r\nb: 3 # x\r\nc: [4]\r\n"),
        ("a:\n- 1 # one\n- 2\nb: 1\n", {"a": [3], "b": 1}, "a:\n- 3\nb: 1\n"),
        ("a:\n  - 1\n  - 2  # x\nb: 1\n", {"a": ["x", "z", 3], "b": 1}, "a:\n  - x\n  - z\n  - 3  # x\nb: 1\n"),
        ("a:  # x\n  - 1\n  - 2\nb: 1\n", {"a": [], "b": 1}, "a: []  # x\nb: 1\n"),
        ("a: |\n  some\n  text\n\n# c\nb: 1\n", {"a": "x", "b": 1}, "a: x\n\n# c\nb: 1\n"),
        ("a: [1,\n  2]  # x\nb: 1\n", {"a": [3], "b": 1}, "a: [3]  # x\nb: 1\n"),
        ("a: {b: 1, c: 2} # x\n", {"a": {"b": 1}}, "a: {b: 1}       # x\n"),
        ("s:\n  a: 1\n  # c\nb: 1\n", {"s": {"a": 1, "k": 2}, "b": 1}, "s:\n  a: 1\n  k: 2\n  # c\nb: 1\n"),
        ("s:\n  a: 1 # x\nb: 1\n", {"s": {"k": 2}, "b": 1}, "s:\n  k: 2\nb: 1\n"),
        ("s:\n  a: 1\nb: 1\n", {"s": {}, "b": 1}, "s: {}\nb: 1\n"),
        ("s: {}\n", {"s": {"k": 2}}, "s: {k: 2}\n"),
        ("s:\n  t:\n    a: 1\n", {"s": {"t": {"a": 1, "b": 2}, "c": 3}, "d": 4}, None),
        ("---\na: 1\n...\n", {"a": 2, "b": 3}, "---\na: 2\nb: 3\n...\n"),
        ("a: &x [1]\nb: *x  # again\n", {"a": [1], "b": [2]}, "a: &x [1]\nb: [2] # again\n"),
        ("a: 1\nb: 2\n", {"a": 1, "n1": 3, "b": 2}, "a: 1\nn1: 3\nb: 2\n"),
        ('"a b": 1\nc: 2\n', {"a b": 3, "c": 2}, '"a b": 3\nc: 2\n'),
        ("ä: é  # ü\n", {"ä": "日本"}, "ä: 日本 # ü\n"),
    ],
)
def test_text_of_any_style_changes_where_it_must(text, content, expected):
    expected = expected or "s:\n  t:\n    a: 1\n    b: 2\n  c: 3\nd: 4\n"
    assert edited(text, content) == expected
    assert load(expected)[0] == content


@pytest.mark.parametrize(
    "text",
    [
        "{a: 1, b: 2}\n",
        '{\n  "a": 1,\n  "b": 2\n}\n',
        "a: &x 1  # c\nb: *x\n",
        "x: &x {b: 2}\na: 1\n<<: *x\n",
        "? a\n: 1\n? b\n: 2\n",
        "a: 1 # c\rb: 2\r",
    ],
)
def test_what_cannot_be_changed_by_lines_is_written_plain_and_said(text, tmp_path, capsys):
    path = tmp_path / "p.yaml"
    path.write_bytes(text.encode())
    content = {**read_yaml(path), "a": 3, "b": {"c": [4]}, "d": " # x"}
    update_yaml(path, content)
    assert read_yaml(path) == content
    assert capsys.readouterr().err in {
        "",
        f"warning: {path}: its comments could not be kept; it is written without them\n",
    }


def test_a_byte_order_mark_stays(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_bytes("\ufeffa: 1\r\nb: 2 # x\r\n".encode())
    update_yaml(path, {"a": 2, "b": 2, "c": 3})
    assert path.read_bytes() == "\ufeffa: 2\r\nb: 2 # x\r\nc: 3\r\n".encode()


def test_a_writer_that_errs_does_no_harm(tmp_path, capsys, monkeypatch):
    path = tmp_path / "p.yaml"
    path.write_text("a: 1  # x\nb: 2\n")
    monkeypatch.setattr("twintrain.settings.yaml_files.edited", lambda *_: "a: 0 b: 2\n")
    update_yaml(path, {"a": 0, "b": 2})
    assert path.read_text() == "a: 0\nb: 2\n"
    assert capsys.readouterr().err == f"warning: {path}: its comments could not be kept; it is written without them\n"


def test_content_that_yaml_cannot_hold_leaves_the_file_as_it_was(tmp_path, error_of):
    path = tmp_path / "p.yaml"
    path.write_text("a: 1\n")
    assert error_of(update_yaml, path, {"a": "\ud800"}) == (
        f"{path} is left as it was; YAML cannot hold what it should become line 1: expected text, got the character "
        "'\\ud800'"
    )
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("p.yaml", "a: 1\n")]


@pytest.mark.slow
def test_every_preset_after_another_leaves_params_that_can_be_read(project):
    path = Path("params.yaml")
    save_params(changed_params(read_yaml(path), "car", {}))
    before, car = path.read_bytes(), read_yaml(path)
    for preset in PRESETS:
        content = changed_params(car, preset, {"baseline.others": []})
        save_params(content)
        assert load(path.read_text("utf-8"))[0] == content, preset
        path.write_bytes(before)


def test_shipped_params_have_their_bytes_back_when_all_is_set_back():
    shipped = (ROOT / "params.yaml").read_text("utf-8")
    content, _ = load(shipped)
    for name, value in content.items():
        other = edited(shipped, {**content, name: _changed(value)})
        assert other != shipped
        assert edited(other, content) == shipped


def _changed(content):
    if isinstance(content, dict) and content:
        return {name: _changed(value) for name, value in content.items()}
    return "a value of quite another length than before" if content != "x" else "y"


def test_run_that_changes_nothing_does_not_touch_the_file(project):
    path = Path("params.yaml")
    path.chmod(0o444)
    before = path.stat()
    save_params(changed_params(read_yaml(path), None, {}))
    after = path.stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)
