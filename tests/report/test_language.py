"""The verdict in another language: every text has its Korean, with the same placeholders; stages stay English."""

import ast
import json
import re
import string
from pathlib import Path

import pytest
from report_cases import alone, full_metrics, metrics, numbers, of_two_targets

from twintrain.errors import UserError
from twintrain.report.figure_rows import ROWS
from twintrain.report.statements import print_comparison, sentences
from twintrain.system import language

SOURCES = Path(language.__file__).parents[1]
KOREAN = json.loads(language.CATALOGUES["ko"].read_text(encoding="utf-8"))
CASES = {
    "older": metrics(),
    "three seeds": full_metrics(),
    "two targets": of_two_targets(),
    "numbers": numbers(),
    "one framework": alone(),
}
# What is no word of English: names of frameworks, data sets, models, statistics and files.
NAMES = re.compile(
    r"PyTorch|Keras|TensorFlow|scikit-learn|logistic|linear|cnn|regression_mlp|diabetes_progression|mnist5k|aligned"
    r"|results/parity\.html|parity|McNemar|TOST|kappa|RMSE|MAE|AUC|Brier|FLOPs|MiB|ms|p95|cpu|CPU|GPU|IoU|Dice|p"
)


def texts():
    """Every text that `say` or `msg` is given, and what rows of figures are called."""
    found = {heading for _, heading, _ in ROWS} | {heading.removeprefix("test ") for _, heading, _ in ROWS[:8]}
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("say", "msg"):
                found |= {part.value for part in node.args if isinstance(part, ast.Constant)}
    return found


def placeholders(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("text", sorted(texts()))
def test_every_text_has_its_korean_with_the_same_placeholders(text):
    assert text in KOREAN
    assert placeholders(KOREAN[text]) == placeholders(text)


def test_the_catalogue_has_nothing_else():
    assert KOREAN.keys() - texts() == set()


@pytest.mark.parametrize("name", CASES)
def test_the_verdict_is_printed_in_korean(name, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv(language.VARIABLE, "ko")
    print_comparison(CASES[name])
    printed = capsys.readouterr().out
    assert re.search("[가-힣]", printed)
    assert re.findall("[A-Za-z]{2,}", NAMES.sub("", printed)) == []


@pytest.mark.parametrize("name", CASES)
def test_what_stages_and_notes_say_stays_english(name, monkeypatch):
    expected = sentences(CASES[name])
    monkeypatch.setenv(language.VARIABLE, "ko")
    assert sentences(CASES[name]) == expected
    assert not re.search("[가-힣]", " ".join(expected))


def test_an_unknown_language_is_an_error_of_one_line(monkeypatch):
    monkeypatch.setenv(language.VARIABLE, "kr")
    with pytest.raises(UserError) as raised:
        language.asked_language()
    assert str(raised.value) == "TWINTRAIN_LANG is 'kr'; expected one of en, ko; unset it for English"


@pytest.mark.parametrize("name", ["", "en"])
def test_english_is_what_is_spoken_else(name, monkeypatch):
    monkeypatch.setenv(language.VARIABLE, name)
    with language.spoken():
        assert language.is_english()
        assert language.say("equally good") == "equally good"
