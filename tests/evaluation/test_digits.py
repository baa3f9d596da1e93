"""Numbers as people read them."""

import math

import pytest

from twintrain.evaluation import digits


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (131_700.0, "131,700"),
        (131_749.9, "131,700"),
        (1_234_567.0, "1,235,000"),
        (9_999.6, "10,000"),
        (2_891.0, "2,891"),
        (54.321, "54.32"),
        (55.1, "55.1"),
        (1.0, "1"),
        (0.27854, "0.2785"),
        (0.0, "0"),
        (-0.0, "0"),
        (-0.0123, "-0.0123"),
        (0.0000869, "0.0000869"),
        (1.23e-5, "0.0000123"),
        (9.99e-6, "9.99 × 10⁻⁶"),
        (-1e-12, "-1 × 10⁻¹²"),
        (2.5e13, "2.5 × 10¹³"),
        (math.nan, "nan"),
        (math.inf, "inf"),
    ],
)
def test_measured_numbers_have_four_digits_and_powers_of_ten_only_far_from_one(value, shown):
    assert digits.measured(value) == shown


@pytest.mark.parametrize(
    ("form", "value", "shown"),
    [
        (digits.difference, 131_749.9, "+131,700"),
        (digits.difference, -8.69e-5, "-0.0000869"),
        (digits.difference, 0.0, "+0"),
        (digits.share, 0.92104, "0.9210"),
        (digits.share, -0.00001, "0.0000"),
        (digits.share_difference, -0.03, "-0.0300"),
        (digits.share_difference, -0.00001, "+0.0000"),
        (digits.points, 0.03, "3.00"),
        (digits.points, -0.00001, "0.00"),
        (digits.count, 13_940, "13,940"),
        (digits.rounded_count, 1_234, "1,200"),
        (digits.seconds, 1_234.567, "1,234.57"),
        (digits.rate, 23_717.2, "23,717"),
        (digits.tenths, 1.94, "1.9"),
        (digits.milliseconds, 0.3123, "0.312"),
        (digits.largest, 0.4321, "0.43"),
        (digits.largest, 3.21e-8, "3.2 × 10⁻⁸"),
        (digits.percent, 0.0561, "5.61%"),
        (digits.p_value, 0.109375, "0.109"),
        (digits.p_value, 0.000123, "0.000123"),
        (digits.p_value, 3e-15, "< 0.0001"),
        (digits.plain, "cpu", "cpu"),
    ],
)
def test_every_kind_of_number_has_its_form(form, value, shown):
    assert form(value) == shown


def test_points_are_signed_where_it_is_asked():
    assert digits.points(0.03, signed=True) == "+3.00"
    assert digits.measured(2.5, 3, signed=True) == "+2.5"
