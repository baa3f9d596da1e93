import pytest

from twintrain.settings.params import check_params
from twintrain.verification import parity_report
from twintrain.verification.seal import seal
from twintrain.verification.twins import settings_digest, unverified, why_no_twins

CONTENT = {"dataset": "xor", "model": "logic_mlp", "frameworks": ["torch", "keras"]}


def check(name="logits", where="dense_0", passed=True, failed=None):
    failed = not passed if failed is None else failed
    return {
        "name": name,
        "framework": "keras",
        "dtype": "float64",
        "where": where,
        "passed": passed,
        "failed": failed,
    }


def sealed(*checks):
    return seal({"passed": not any(check["failed"] for check in checks), "checks": list(checks)})


@pytest.fixture
def params(project):
    """Reads some changes of params.yaml."""

    def read(**changes):
        return check_params({**CONTENT, **changes}, "params.yaml")

    return read


def test_passed_checks_are_counted():
    assert sealed(check(), check("loss")) == {
        "verified": True,
        "text": "Verified twins: all 2 checks passed over 200 training steps in float64.",
    }


def test_constants_in_float32_are_told():
    found = {"passed": True, "checks": [check()], "rounding": ["leaky keeps its constants in float32: 1e-09"]}
    assert seal(found)["text"] == (
        "Verified twins, but for constants in float32: all 1 checks passed over 200 training steps in float64."
    )


def test_failed_checks_are_named_with_where_the_twins_part():
    found = sealed(
        check(), check("logits", "dense_2", passed=False), check("gradients", "dense_0/kernel", passed=False)
    )
    assert found == {
        "verified": False,
        "text": "Not twins: 2 checks failed, first in logits (float64), dense_2; gradients (float64), dense_0/kernel.",
    }


def test_checks_that_cannot_tell_are_named_and_not_counted():
    assert sealed(check(), check("test predictions", passed=False, failed=False))["text"] == (
        "Verified twins: 1 of 2 checks passed over 200 training steps in float64; "
        "too chaotic to tell: test predictions (float64)."
    )


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"mode": "native"}, "Native: each framework has its own defaults, so these are no twins."),
        ({"frameworks": ["torch"]}, "One framework alone has no twin."),
        ({}, ""),
    ],
)
def test_what_has_no_twins_says_so(change, text, params):
    assert why_no_twins(params(**change)) == text


def test_what_was_not_verified_keeps_its_reason_in_seal_sentence_and_page(params):
    found = unverified(params(), "Left out.")
    assert seal(found) == {"verified": None, "text": "Left out."}
    assert parity_report.conclusion(found) == "Left out."
    assert "Left out." in parity_report.html_page(found)
    assert "<table>" not in parity_report.html_page(found)


@pytest.mark.parametrize(
    "change",
    [{"train": {"optimizer": {"name": "sgd"}}}, {"split": {"seed": 1}}, {"train": {"seeds": [1, 0]}}, {"model": "mlp"}],
)
def test_digest_is_of_what_makes_other_twins(change, params):
    assert settings_digest(params(**change)) != settings_digest(params())


@pytest.mark.parametrize("change", [{"train": {"epochs": 3, "checkpoint_every": 2}}, {"evaluate": {"batch_size": 7}}])
def test_digest_is_not_of_what_does_not(change, params):
    assert settings_digest(params(**change)) == settings_digest(params())
