import shutil
from pathlib import Path

import pytest

import twintrain
from twintrain import project as places
from twintrain.settings.params import check_params
from twintrain.verification.seal import PARITY, experiment_digest, seal

CONTENT = {"dataset": "xor", "model": "logic_mlp", "frameworks": ["torch", "keras"]}


def check(name="logits", where="dense_0", passed=True):
    return {
        "name": name,
        "framework": "keras",
        "dtype": "float64",
        "where": where,
        "passed": passed,
        "failed": not passed,
    }


@pytest.fixture
def params(project):
    """Reads some changes of params.yaml."""
    Path("requirements.txt").write_text("keras==3.15.1\n")

    def read(**changes):
        return check_params({**CONTENT, **changes}, "params.yaml")

    return read


def verified(params, *checks):
    """Writes what verify writes, and returns the seal."""
    PARITY.parent.mkdir(exist_ok=True)
    passed = not any(check["failed"] for check in checks)
    places.write_json(PARITY, {"experiment": experiment_digest(params), "passed": passed, "checks": list(checks)})
    return seal(params)


def test_nothing_is_known_before_a_verification(params):
    assert seal(params()) == {
        "verified": None,
        "text": "Whether these are twins was not verified; make verify does it.",
    }


def test_passed_checks_are_counted(params):
    assert verified(params(), check(), check("loss")) == {
        "verified": True,
        "text": "Verified twins: all 2 checks passed over 200 training steps in float64.",
    }


def test_failed_checks_are_named_with_where_the_twins_part(params):
    found = verified(
        params(),
        check(),
        check("logits", "dense_2", passed=False),
        check("gradients", "dense_0/kernel", passed=False),
    )
    assert found == {
        "verified": False,
        "text": "Not twins: 2 checks failed, first in logits (float64), dense_2; gradients (float64), dense_0/kernel.",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"model": "mlp"},
        {"dataset": "and"},
        {"frameworks": ["torch", "keras-jax"]},
        {"train": {"optimizer": {"name": "sgd"}}},
        {"train": {"clip": {"norm": 1.0}}},
        {"split": {"seed": 1}},
        {"train": {"seeds": [1, 0]}},
    ],
)
def test_another_experiment_is_not_what_was_verified(change, params):
    verified(params(), check())
    assert seal(params(**change)) == {
        "verified": None,
        "text": "Verified was another experiment or other code; make verify does it again.",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"train": {"epochs": 3, "checkpoint_every": 2, "threads": 1, "dtype": "float64"}},
        {"train": {"seeds": [0, 1, 2]}},
        {"evaluate": {"batch_size": 7}},
        {"compare": {"allow_mixed": True}},
        {"tracking": {"experiment": "mine"}},
    ],
)
def test_what_makes_no_other_twins_leaves_the_seal(change, params):
    verified(params(), check())
    assert seal(params(**change))["verified"] is True


@pytest.mark.parametrize("path", ["conf/models/logic_mlp.yaml", "requirements.txt"])
def test_seal_is_broken_by_another_model_or_other_packages(path, params):
    verified(params(), check())
    Path(path).write_text(Path(path).read_text() + "# changed\n")
    assert seal(params())["verified"] is None


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"mode": "native"}, "Native: each framework has its own defaults, so these are no twins."),
        ({"frameworks": ["torch"]}, "One framework alone has no twin."),
    ],
)
def test_what_has_no_twins_says_so(change, text, params):
    assert verified(params(**change), check()) == {"verified": None, "text": text}


@pytest.mark.parametrize("package", ["data", "frameworks", "models", "training", "verification"])
def test_other_code_is_not_what_was_verified(package, params, tmp_path, monkeypatch):
    copied = tmp_path / "copied"
    shutil.copytree(Path(twintrain.__file__).parent, copied, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(twintrain, "__file__", str(copied / "__init__.py"))
    read = params()
    files = sorted((copied / package).rglob("*.py"))
    assert files
    for path in files:
        before = experiment_digest(read)
        path.write_bytes(path.read_bytes() + b"\n")
        assert experiment_digest(read) != before, path


def test_checks_that_cannot_tell_are_named_and_not_counted(params):
    found = verified(params(), check(), {**check("test predictions", passed=False), "failed": False})
    assert found["text"] == (
        "Verified twins: 1 of 2 checks passed over 200 training steps in float64; "
        "too chaotic to tell: test predictions (float64)."
    )
