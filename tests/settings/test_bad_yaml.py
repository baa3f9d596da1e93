"""YAML and values that no command may take: each is refused in one line, at once, and nothing is written."""

import os
import re
from pathlib import Path

import pytest

from twintrain.command_line.experiment import read_experiment
from twintrain.errors import UserError
from twintrain.settings.params import Params, check_params
from twintrain.settings.yaml_text import MAX_BYTES, MAX_DEPTH, MAX_VALUES, load

LONGEST = 300
SHIPPED = (Path(__file__).resolve().parents[2] / "params.yaml").read_bytes()
EXPLODING = b"a0: &a0 [x, x]\n" + b"".join(b"a%d: &a%d [*a%d, *a%d]\n" % (n, n, n - 1, n - 1) for n in range(1, 40))
DATASET = b"title: t\norigin: o\nlicence: l\ntask: binary\nformat: table\nfiles: {a.csv: x}\ntarget: y\n"
TABLE = DATASET + b"labels: [a, b]\n"
IMAGES = DATASET.replace(b"table", b"npz").replace(b"binary", b"regression")
CNN = b"layers:\n- flatten\n- dense: {units: outputs}\n"


def fifo(path):
    os.mkfifo(path)


def folder(path):
    path.mkdir()


def device(path):
    path.symlink_to("/dev/zero")


def dangling(path):
    path.symlink_to("nowhere.yaml")


def circular(path):
    path.symlink_to(path.name)


# What may stand in any YAML file, whoever reads it.
ANY_FILE = {
    "self": (b"a: &a [*a]\n", "'*a' stands for a value that it is a part of"),
    "self in a map": (b"a: &a {b: *a}\n", "'*a' stands for a value that it is a part of"),
    "exploding": (EXPLODING, f"expected at most {MAX_VALUES:,} values, aliases followed"),
    "unknown alias": (b"a: *b\n", "found undefined alias 'b'"),
    "deep lists": (b"a: " + b"[" * 100_000, f"expected at most {MAX_DEPTH} levels of nesting"),
    "deep maps": (b"a: " + b"{a: " * 10_000, f"expected at most {MAX_DEPTH} levels of nesting"),
    "deep blocks": (b"".join(b" " * n + b"a:\n" for n in range(500)), f"expected at most {MAX_DEPTH} levels"),
    "deep dashes": (b"- " * 5_000 + b"a\n", f"expected at most {MAX_DEPTH} levels"),
    "large": (b"a: 1 #" + b"x" * MAX_BYTES, "expected at most 1,048,576 bytes of YAML, got 1,048,582"),
    "long text": (b"a: " + b"x" * 20_000, "line 1: expected at most 10,000 characters, got a text of 20,000"),
    "long name": (b"x" * 20_000 + b": 1\n", "line 1: expected at most 10,000 characters, got a text of 20,000"),
    "digits": (b"a: " + b"9" * 5_000, "line 1: expected at most 100 digits, got a number of 5,000"),
    "digits of a float": (b"a: 0." + b"9" * 5_000, "expected at most 100 digits, got a number of 5,002"),
    "NUL": (b"a: \0\n", "is not valid YAML"),
    "NUL in the middle": (b"a: xxxxxxx\0\n", ": expected text, got the character '\\x00'"),
    "NUL escaped": (b'a: "\\0"\n', "expected text, got the character '\\x00'"),
    "half of a letter": (b'a: "\\ud800"\n', "expected text, got the character '\\ud800'"),
    "control character": (b"a: \x07\n", "special characters are not allowed, got #x0007"),
    "UTF-16": ("a: 1\n".encode("utf-16"), "expected text in UTF-8, got UTF-16"),
    "UTF-16 without its mark": ("a: 1\n".encode("utf-16-be"), "expected text in UTF-8, got UTF-16"),
    "UTF-32": ("a: 1\n".encode("utf-32"), "expected text in UTF-8, got UTF-16, UTF-32"),
    "Latin-1": (b"a: \xe9\n", "'utf-8' codec can't decode byte 0xe9"),
    "binary": (bytes(range(256)) * 4, "is not valid YAML"),
    "gzip": (b"\x1f\x8b\x08\x00" + bytes(60), "is not valid YAML"),
    "same key twice": (b"a: 1\na: 2\n", 'line 2 is not valid YAML: found duplicate key "a"'),
    "same long key twice": (b"a: 1\na: " + b"x" * 9_000, 'line 2 is not valid YAML: found duplicate key "a"'),
    "list": (b"- a\n", "expected lines of the form 'name: value', got list"),
    "word": (b"a\n", "expected lines of the form 'name: value', got str"),
    "number": (b"3\n", "expected lines of the form 'name: value', got int"),
    "nothing": (b"", "expected lines of the form 'name: value', got NoneType"),
    "comment alone": (b"# a\n", "expected lines of the form 'name: value', got NoneType"),
    "two documents": (b"a: 1\n---\na: 2\n", "is not valid YAML: but found another document"),
    "tab": (b"a:\n\tb: 1\n", "line 2 is not valid YAML: found character '\\t'"),
    "open list": (b"a: [1\n", "is not valid YAML: expected ',' or ']'"),
    "open quotes": (b"a: 'x\n", "is not valid YAML"),
    "colon in a value": (b"a: b: c\n", "line 1 is not valid YAML: mapping values are not allowed here"),
    "conflict of git": (b"<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> x\n", "is not valid YAML"),
    "object of Python": (b"a: !!python/object/apply:os.system [ls]\n", "expected plain values, got the tag"),
    "binary tag": (b"a: !!binary aGVsbG8=\n", "expected plain values, got the tag"),
    "set": (b"a: !!set {x}\n", "expected plain values, got the tag"),
    "long tag": (b"a: !" + b"x" * 900 + b" 1\n", "expected plain values, got the tag"),
    "no date": (b"a: 2024-13-45\n", "is not valid YAML"),
    "no integer": (b"a: !!int x\n", "is not valid YAML"),
    "list as a key": (b"[a]: 1\n", ""),
    "merged with a word": (b"<<: x\n", "is not valid YAML"),
    "FIFO": (fifo, "expected a YAML file, got a FIFO"),
    "folder": (folder, "expected a YAML file, got a folder"),
    "device": (device, "expected a YAML file, got a device"),
    "dangling link": (dangling, "nowhere.yaml, which is not there"),
}
PLACES = {
    "params.yaml": [],
    "conf/presets/bad.yaml": ["bad"],
    "conf/datasets/bad.yaml": [None, "--dataset", "bad"],
    "conf/models/bad.yaml": [None, "--model", "bad"],
}
# All places have one loader, so some of the files are enough to see that it is there.
ANYWHERE = ["self", "exploding", "deep maps", "large", "digits", "UTF-16", "object of Python", "FIFO", "device", "list"]
# Where the words are others than in ANY_FILE, because what is there comes first.
FOLDERS_ARE_NO_MODELS = {"FIFO", "folder", "device", "dangling link"}


def refusal(preset="current", *arguments):
    with pytest.raises(UserError) as raised:
        read_experiment(preset or "current", list(arguments))
    return str(raised.value)


def listing():
    return {str(path): path.lstat().st_mtime_ns for path in Path().rglob("*")}


def put(path, content):
    path.unlink(missing_ok=True)
    content(path) if callable(content) else path.write_bytes(content)


def check_refused(fragment, arguments):
    before = listing()
    message = refusal(*arguments)
    assert fragment in message
    assert len(message) <= LONGEST
    assert message.isprintable()
    assert listing() == before


@pytest.mark.parametrize(
    ("place", "name"),
    [("params.yaml", name) for name in ANY_FILE]
    + [(place, name) for place in PLACES if place != "params.yaml" for name in ANYWHERE],
)
def test_any_file_of_yaml_is_refused_in_one_line(name, place, project):
    content, fragment = ANY_FILE[name]
    put(Path(place), content)
    if place == "conf/models/bad.yaml" and name in FOLDERS_ARE_NO_MODELS:
        fragment = "model"
    check_refused(fragment, PLACES[place])


@pytest.mark.parametrize("place", ["params.yaml", "conf/presets/bad.yaml", "conf/datasets/bad.yaml"])
def test_link_to_itself_is_refused(place, project):
    put(Path(place), circular)
    check_refused("link", PLACES[place])


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["--train.epochs", "&a [*a]"], "--train.epochs line 1: '*a' stands for a value that it is a part of"),
        (["--train.epochs", "[" * 9_000], "--train.epochs line 1: expected at most 64 levels of nesting"),
        (["--train.epochs", "{a: " * 9_000], "--train.epochs line 1: expected at most 64 levels of nesting"),
        (["--train.epochs", "9" * 5_000], "--train.epochs line 1: expected at most 100 digits"),
        (["--train.epochs", "x" * 20_000], "--train.epochs line 1: expected at most 10,000 characters"),
        (["--train.epochs", "x" * 5_000], "'train.epochs': expected a valid integer, got 'xxx"),
        (["--train.epochs", EXPLODING.decode()], "--train.epochs"),
        (["--train.epochs", "!!python/name:os.system x"], "--train.epochs line 1: expected plain values, got the tag"),
        (["--train.epochs", "{a: 1, a: 2}"], 'is not valid YAML: found duplicate key "a"'),
        (["--train.epochs", "2024-99-99"], "--train.epochs is not valid YAML: month must be in 1..12"),
        (["--train.epochs", "[torch"], "'train.epochs': expected a valid integer, got '[torch'"),
        (["--train.epochs", "*x"], "'train.epochs': expected a valid integer, got '*x'"),
        (["--train.epochs", "1e3"], "'train.epochs': expected a valid integer"),
        (["--train.epochs", "0"], "'train.epochs': expected 1 to 1,000,000, got 0"),
        (["--train.epochs", "1000001"], "'train.epochs': expected 1 to 1,000,000, got 1000001"),
        (["--train.epochs", "9" * 99], "'train.epochs': expected 1 to 1,000,000, got 999"),
        (["--train.epochs", ".inf"], "'train.epochs': expected"),
        (["--train.batch_size", "10000000000"], "'train.batch_size': expected 1 to 1,000,000,000"),
        (["--train.seed", str(2**63)], "'train.seed': expected 0 to 4,294,967,295, got 9223372036854775808"),
        (["--train.seed", str(2**32)], "'train.seed': expected 0 to 4,294,967,295, got 4294967296"),
        (["--train.seeds", f"[0, {2**64}]"], "'train.seeds.1': expected 0 to 4,294,967,295"),
        (
            ["--train.seeds", f"[{', '.join(map(str, range(1001)))}]"],
            "'train.seeds': expected at most 1,000 items, got 1,001",
        ),
        (["--train.seeds", f"[{', '.join(['7'] * 999)}]"], "'train.seeds': expected each seed once, got [7, 7"),
        (["--split.seed", str(2**32)], "'split.seed': expected 0 to 4,294,967,295, got 4294967296"),
        (["--split.seed", "-1"], "'split.seed': expected 0 to 4,294,967,295, got -1"),
        (["--split.val", ".nan"], "'split.val': expected above 0 and below 1, got nan"),
        (["--split.test", ".inf"], "'split.test': expected above 0 and below 1, got inf"),
        (["--split.train_rows", "0"], "'split.train_rows': expected 1 to 1,000,000,000,000"),
        (["--train.threads", "1000000000"], "'train.threads': expected 1 to 1,024, got 1000000000"),
        (["--train.threads", "0"], "'train.threads': expected 1 to 1,024, got 0"),
        (
            ["--train.optimizer.learning_rate", ".nan"],
            "learning_rate': expected above 0 and at most 1,000,000, got",
        ),
        (
            ["--train.optimizer.learning_rate", ".inf"],
            "learning_rate': expected above 0 and at most 1,000,000, got",
        ),
        (["--train.optimizer.learning_rate", "1e400"], "'train.optimizer.learning_rate': expected above 0"),
        (["--train.optimizer.learning_rate", "1e300"], "'train.optimizer.learning_rate': expected above 0"),
        (["--train.optimizer.learning_rate", "-1"], "'train.optimizer.learning_rate': expected above 0"),
        (["--train.optimizer.epsilon", "1e30"], "'train.optimizer.epsilon': expected 0 to 1,000,000, got 1e+30"),
        (["--train.schedule.warmup", "99999999999"], "'train.schedule.warmup': expected 0 to 1,000,000,000"),
        (["--train.early_stopping.patience", "0"], "'train.early_stopping.patience': expected 1 to 1,000,000, got 0"),
        (["--train.early_stopping.min_delta", ".inf"], "'train.early_stopping.min_delta': expected 0 to 1,000,000"),
        (["--train.clip.norm", ".inf"], "'train.clip.norm': expected above 0 and at most 1,000,000,000,000, got inf"),
        (["--train.regularization.l1", ".nan"], "'train.regularization.l1': expected 0 to 1,000,000, got nan"),
        (["--train.block_bytes", "1" + "0" * 30], "'train.block_bytes': expected 1 to 1,125,899,906,842,624"),
        (["--train.checkpoint_every", "1" + "0" * 30], "'train.checkpoint_every': expected 1 to 1,000,000,000"),
        (["--train.augmentation.rotation", "181"], "'train.augmentation.rotation': expected 0 to 180, got 181"),
        (["--train.loss.class_weights", "[1, .inf]"], "'train.loss.class_weights.1': expected 0 to 1,000,000, got inf"),
        (
            ["--train.loss.class_weights", f"[{'1, ' * 10_001}]"],
            "'train.loss.class_weights': expected at most 10,000 items",
        ),
        (["--evaluate.batch_size", "1" + "0" * 20], "'evaluate.batch_size': expected 1 to 1,000,000,000"),
        (["--baseline.seed", str(2**32)], "'baseline.seed': expected 0 to 4,294,967,295"),
        (["--baseline.knn.n_neighbors", "0"], "'baseline.knn.n_neighbors': expected 1 to 1,000,000"),
        (
            ["--baseline.mlp.hidden_layer_sizes", "[1000000]"],
            "hidden_layer_sizes.0': expected 1 to 100,000",
        ),
        (["--baseline.svm.C", ".nan"], "'baseline.svm.C': expected above 0"),
        (["--compare.margin", "1"], "'compare.margin': expected above 0 and below 1, got 1"),
        (["--drift.psi", ".inf"], "'drift.psi': expected above 0 and at most 1,000,000, got inf"),
        (["--tracking.budget_seconds", "3601"], "'tracking.budget_seconds': expected 0 to 3,600, got 3601"),
        (["--tracking.budget_seconds", ".nan"], "'tracking.budget_seconds': expected 0 to 3,600, got nan"),
        (["--frameworks", "[torch, torch, torch, torch, torch]"], "'frameworks': expected at most 4 items, got 5"),
        (["--ingest.classes", f"[{'a, ' * 9_999}]"], "'ingest.classes': expected each class once, got ['a', 'a'"),
        (
            ["--ingest.classes", f"[{', '.join(map(str, range(10_001)))}]"],
            "'ingest.classes': expected at most 10,000 items",
        ),
        (["--" + "x" * 9_000, "1"], "unknown parameter 'xxx"),
        (["--" + "train." * 2_000, "1"], "unknown parameter 'train.train."),
        (["--" + "a.b" * 9, "[" * 99], "levels of nesting"),
        (["x" * 9_000], "unexpected argument 'xxx"),
        (["--model", "x" * 9_000], "unknown model 'xxx"),
        (["--model", "x" * 9_000 + ".yaml"], "there is no file xxx"),
        (["--model", "a/" + "x" * 900 + ".py"], "there is no file a/xxx"),
        (["--model", "a\udcffb"], "--model: expected text, got the character '\\udcff'"),
        (["--model", "{a: 1}"], "'model': expected a valid string"),
        (["--dataset", "x" * 9_000], "unknown dataset 'xxx"),
        (["--dataset", "../../x"], "unknown dataset '../../x'"),
        (["--dataset", "[car]"], "'dataset': expected a valid string"),
        (["--train", "3"], "'train' is a section; expected one of its parameters"),
        (["--train.optimizer", "[adam]"], "'train.optimizer' is a section"),
        (["--train.optimizer", "{1: 2}"], "'train.optimizer.1': expected a name before the colon, got 1"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_override_is_refused_in_one_line(arguments, fragment, project):
    check_refused(fragment, ["current", *arguments])


@pytest.mark.parametrize(
    ("files", "arguments", "fragment"),
    [
        ({"presets/bad": b"base: bad\n"}, ["bad"], "presets are each other's base: bad, bad"),
        ({"presets/bad": b"base: [car]\n"}, ["bad"], "unknown base of the preset bad: '['car']'"),
        ({"presets/bad": b"base: 3\n"}, ["bad"], "unknown base of the preset bad: '3'"),
        ({"presets/bad": b"base: " + b"x" * 9_000}, ["bad"], "unknown base of the preset bad: 'xxx"),
        ({"presets/bad": b"train: 3\n"}, ["bad"], "conf/presets/bad.yaml: 'train': expected a valid dictionary"),
        ({"presets/bad": b"train: {epochs: 99999999}\n"}, ["bad"], "bad.yaml: 'train.epochs': expected 1 to 1,000,000"),
        ({}, ["x" * 9_000], "unknown preset 'xxx"),
        ({}, ["../presets/car"], "unknown preset '../presets/car'"),
        ({"datasets/bad": TABLE}, [None, "--dataset", "bad"], "format: table is described by features"),
        (
            {"datasets/bad": TABLE + b"features: {a: {min: .nan}}\n"},
            [None, "--dataset", "bad"],
            "'features.a.min': expected a finite number, got nan",
        ),
        (
            {"datasets/bad": TABLE + b"features: {a: [%s]}\n" % (b"a, " * 9_000)},
            [None, "--dataset", "bad"],
            "'features.a.categories': expected each category once, got ['a', 'a'",
        ),
        (
            {"datasets/bad": IMAGES + b"sample_shape: [100000000000, 1]\n"},
            [None, "--dataset", "bad"],
            "'sample_shape.0': expected 1 to 1,000,000, got 100000000000",
        ),
        (
            {"datasets/bad": IMAGES + b"image_shape: [0, 28, 1]\n"},
            [None, "--dataset", "bad"],
            "'image_shape.0': expected 1 to 1,000,000, got 0",
        ),
        (
            {"models/bad": CNN.replace(b"outputs", b"100000000")},
            [None, "--model", "bad"],
            "'units': expected 1 to 1,000,000, or outputs, got 100000000",
        ),
        (
            {"models/bad": CNN.replace(b"- flatten", b"- flatten\n" + b"- dense: {units: 1000000}\n" * 2)},
            [None, "--model", "bad"],
            "expected at most 2,000,000,000 weights, got 1,000,",
        ),
        (
            {"models/bad": CNN.replace(b"- flatten", b"- flatten\n- dropout: {rate: .nan}")},
            [None, "--model", "bad"],
            "'rate': expected at least 0 and below 1, got nan",
        ),
        ({"models/bad": b"layers: [%s]\n" % (b"x" * 9_000)}, [None, "--model", "bad"], "layer in"),
        ({"models/bad": b"layers: [{3: 4}]\n"}, [None, "--model", "bad"], "conf/models/bad.yaml"),
        ({"models/bad": b"layers: [[a]]\n"}, [None, "--model", "bad"], "conf/models/bad.yaml"),
        ({"models/bad": b"layers: [{}]\n"}, [None, "--model", "bad"], "conf/models/bad.yaml"),
    ],
)
def test_file_of_conf_is_refused_in_one_line(files, arguments, fragment, project):
    for name, content in files.items():
        put(Path(f"conf/{name}.yaml"), content)
    check_refused(fragment, arguments)


def test_chain_of_bases_has_an_end(project):
    for number in range(1_200):
        Path(f"conf/presets/p{number}.yaml").write_text(f"base: p{number + 1}\n")
    check_refused("preset 'p0': expected at most 20 bases", ["p0"])


def test_every_number_has_a_range_that_its_error_names():
    assert numbers(Params) >= {"train.epochs", "split.seed", "tracking.budget_seconds", "baseline.mlp.batch_size"}
    content, _ = load(SHIPPED.decode())
    for name in numbers(Params):
        *sections, leaf = name.split(".")
        for value in (-(10**60), 10**60, -1e300, 1e300, float("nan"), float("inf")):
            changed = {leaf: value}
            for section in reversed(sections):
                changed = {section: changed}
            with pytest.raises(UserError, match=rf"'{name}(\.0)?': expected (a valid|\d|above|at least)"):
                check_params({**content, **changed}, "params.yaml")


def numbers(schema, prefix=""):
    """Dotted names of all parameters that are numbers, or lists of them."""
    found = set()
    for name, field in schema.model_fields.items():
        if hasattr(field.annotation, "model_fields"):
            found |= numbers(field.annotation, f"{prefix}{name}.")
        elif re.search(r"\b(int|float)\b", str(field.annotation)):
            found.add(prefix + name)
    return found
