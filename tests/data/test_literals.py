"""Numbers as people write them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from twintrain.data.literals import parse_number, parse_numbers, unit_in


@pytest.mark.parametrize(
    ("text", "decimal", "unit", "number"),
    [
        ("1,234", ".", None, 1234),
        ("1,234", ",", None, 1.234),
        ("1.234,5", ",", None, 1234.5),
        ("12,34,567.5", ".", None, 1234567.5),
        ("1 234,5", ",", None, 1234.5),
        ("1\u202f234", ".", None, 1234),
        ("12'345.50", ".", None, 12345.5),
        ("−38", ".", None, -38),
        ("３８", ".", None, 38),
        ("٣٨", ".", None, 38),
        ("(76)", ".", None, -76),
        ("($5.20)", ".", "$", -5.2),
        ("-$5", ".", "$", -5),
        ("38 %", ".", "%", 38),
        ("63kg", ".", "kg", 63),
        ("63", ".", "kg", 63),
        ("63 lb", ".", "kg", np.nan),
        ("63 kg", ".", None, np.nan),
        ("1,23", ".", None, np.nan),
        ("12.5", ",", None, np.nan),
        ("1_000", ".", None, np.nan),
        ("0x10", ".", None, np.nan),
        ("12:30", ".", None, np.nan),
        ("", ".", None, np.nan),
    ],
)
def test_number_is_read_as_it_is_meant_or_not_at_all(text, decimal, unit, number):
    np.testing.assert_equal(parse_number(text, decimal, unit), number)
    np.testing.assert_equal(parse_numbers(pd.Series([text, "1", None]), decimal, unit), [number, 1, np.nan])


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("63 kg", "kg"),
        ("$1,200", "$"),
        ("US$ 5", "US$"),
        ("EUR 12", "EUR"),
        ("12 EUR", "EUR"),
        ("128₩", "₩"),
        ("5 m²", "m2"),
        ("21.5 °C", "°C"),
        ("63", ""),
        ("A12", None),
        ("2023-01-01", None),
        ("0x10", None),
        ("kg", None),
    ],
)
def test_unit_is_what_stands_beside_a_number(text, unit):
    assert unit_in(text) == unit


@given(st.integers(-(10**9), 10**9), st.integers(0, 99), st.sampled_from(".,"), st.sampled_from(["", "kg", "$", "%"]))
@example(1234, 0, ".", "")
def test_number_that_is_written_with_thousands_is_read_back(whole, hundredths, decimal, unit):
    number = whole + hundredths / 100
    text = f"{number:,.2f}"
    if decimal == ",":
        text = text.translate(str.maketrans(",.", ".,"))
    text = f"{unit}{text}" if unit == "$" else f"{text} {unit}".strip()
    assert parse_number(text, decimal, unit or None) == pytest.approx(number)


@given(st.text(max_size=12), st.sampled_from(".,"))
def test_no_text_whatever_makes_the_reading_fail(text, decimal):
    unit = unit_in(text)
    assert isinstance(parse_number(text, decimal, unit), float)
    assert len(parse_numbers(pd.Series([text], dtype=object), decimal, unit or None)) == 1
