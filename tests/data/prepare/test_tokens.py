"""Texts as words, as numbers that nothing has taught, and as ids of a vocabulary that training rows have."""

import unicodedata

import numpy as np
import pandas as pd
import pytest

from twintrain.data.feature import Feature
from twintrain.data.prepare.encoder import Encoder
from twintrain.data.prepare.encoding import as_numbers, encode_table
from twintrain.data.prepare.matrix import COUNTED_WORDS, WordCounts
from twintrain.data.prepare.tokens import fit_vocabulary, token_ids, word_number, word_numbers, words_in

TRAINED = pd.Series(["b a b", "c a", "b!", ""])
FAMILY = "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}"
HEART = "\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  \t\n ", []),
        ("Good", ["good"]),
        ("Don't, won’t; rock'n'roll's 'END'", ["don't", ",", "won’t", ";", "rock'n'roll's", "'", "end", "'"]),
        ("3.5 of 10\n2024-01-31", ["3", ".", "5", "of", "10", "2024", "-", "01", "-", "31"]),
        ('He said: "no"\r\nand left', ["he", "said", ":", '"', "no", '"', "and", "left"]),
        ("맛있어요! 정말", ["맛있어요", "!", "정말"]),
        (unicodedata.normalize("NFD", "맛 CAFÉ"), ["맛", "café"]),
        ("ok\x00ay \x7f\x85", ["ok", "ay"]),
        ("so😀😀", ["so", "😀", "😀"]),
        (FAMILY, ["\N{MAN}", "\N{WOMAN}"]),
        (f"{HEART}!", [HEART, "!"]),
        ("हिन्दी भाषा, ภาษาไทย", ["हिन्दी", "भाषा", ",", "ภาษาไทย"]),
        (
            "\N{ZERO WIDTH NO-BREAK SPACE}co\N{SOFT HYPHEN}op x\N{COMBINING CIRCUMFLEX ACCENT}",
            ["coop", "x\N{COMBINING CIRCUMFLEX ACCENT}"],
        ),
        ("snake_case a/b", ["snake_case", "a", "/", "b"]),
        ("\ud83d half", ["\ud83d", "half"]),
    ],
)
def test_text_is_cut_into_words_and_signs(text, words):
    assert list(words_in(text)) == words


def test_number_of_a_word_is_the_same_everywhere():
    """It lies in files that other machines read."""
    assert [word_number(word) for word in ("good", "정말")] == [271280219974654616, 2231379958769030303]
    assert word_number("\ud83d") > 0


def test_texts_lose_their_end_or_are_filled_up_behind_it():
    lexicon = {}
    numbers = word_numbers(pd.Series(["a b c d", "d", None, 7]), 3, lexicon)
    a, b, c, d, seven = map(word_number, "abcd7")
    assert numbers.tolist() == [[a, b, c], [d, 0, 0], [0, 0, 0], [seven, 0, 0]]
    assert lexicon == {a: "a", b: "b", c: "c", d: "d", seven: "7"}
    assert word_numbers(pd.Series(["word " * 10_000]), 4)[0].tolist() == [word_number("word")] * 4


def test_vocabulary_has_the_most_frequent_words_of_training_rows_and_then_the_first_by_spelling():
    numbers = word_numbers(TRAINED, 3)
    words = ["z", "c", "b", "a", "!"]
    assert fit_vocabulary(numbers, words, 9) == ["b", "a", "!", "c"]
    assert fit_vocabulary(numbers, words, 3) == ["b", "a", "!"]
    assert fit_vocabulary(numbers[3:], words, 3) == []


def test_ids_are_those_of_the_vocabulary_and_of_unknown_words():
    numbers = word_numbers(pd.Series(["a b z", "z", "", "b"]), 3)
    assert token_ids(numbers, ["b", "a"]).tolist() == [[3, 2, 1], [1, 0, 0], [1, 0, 0], [2, 0, 0]]
    assert token_ids(numbers, []).tolist() == [[1, 1, 1], [1, 0, 0], [1, 0, 0], [1, 0, 0]]
    assert token_ids(numbers, ["b"]).dtype == np.int64


def test_encoder_learns_the_vocabulary_and_carries_it_as_json():
    features = {"review": Feature(text={"words": 2, "length": 3}, missing=True)}
    table, lexicon = pd.DataFrame({"review": TRAINED}), {}
    numbers = encode_table(table, features, lexicon=lexicon)
    encoder = Encoder.fit(numbers, features, "tokens", words=lexicon.values())
    encoder = Encoder.model_validate_json(encoder.model_dump_json())
    assert encoder.columns[0].vocabulary == ["b", "a"]
    expected = [[2, 3, 2], [1, 3, 0], [2, 1, 0], [1, 0, 0]]
    assert encoder.encode(numbers).tolist() == encoder.transform(table).tolist() == expected


@pytest.mark.parametrize(("missing", "empty"), [(True, np.nan), (False, np.inf)])
def test_text_counts_as_the_number_of_its_words_and_is_missing_where_it_is_empty(missing, empty):
    features = {"review": Feature(text={"length": 2}, missing=missing)}
    table = pd.DataFrame({"review": ["one two three", "", None, "NA", "\x00", "?"]})
    np.testing.assert_array_equal(as_numbers(table, features)[:, 0], [3, empty, empty, 1, 0, 1])


def test_bag_of_words_counts_the_most_frequent_ones_alone():
    counts = WordCounts(np.array([[COUNTED_WORDS + 1, COUNTED_WORDS + 2, 2]]), 10**7)
    assert counts.shape == (1, COUNTED_WORDS + 1)
    assert np.flatnonzero(counts[:1][0]).tolist() == [1, COUNTED_WORDS]


def test_bag_of_words_counts_all_but_padding():
    counts = WordCounts(np.array([[2, 3, 2], [1, 0, 0]]), 4)
    assert counts[np.array([1, 0])].tolist() == [[1, 0, 0], [0, 2, 1]]
    assert (counts.shape, counts.size, len(counts), counts[:1].dtype) == ((2, 3), 6, 2, np.float64)
