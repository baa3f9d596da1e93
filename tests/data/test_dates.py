"""Dates and times as programs and people write them."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twintrain.data.dates import FORMS, likely_forms, others_that_fit, parse_dates


@pytest.mark.parametrize(
    ("text", "form", "moment"),
    [
        ("3/15/22 2:02", "%m/%d/%y %H:%M", "2022-03-15 02:02"),
        ("11/15/2023 3:02 PM", "%m/%d/%Y %I:%M %p", "2023-11-15 15:02"),
        ("Jan 5, 2023 3:04 p.m.", "%b %d, %Y %I:%M %p", "2023-01-05 15:04"),
        ("31.12.2023 08:30", "%d.%m.%Y %H:%M", "2023-12-31 08:30"),
        ("31. 12. 2023", "%d. %m. %Y", "2023-12-31"),
        ("5. März 2023", "%d. %B %Y", "2023-03-05"),
        ("31-Dez-23", "%d-%b-%y", "2023-12-31"),
        ("2023.01.31", "%Y.%m.%d", "2023-01-31"),
        ("2023. 1. 31.", "%Y. %m. %d.", "2023-01-31"),
        ("2023년 1월 5일", "%Y년 %m월 %d일", "2023-01-05"),
        ("2023-01-31 오후 3:02", "%Y-%m-%d %I:%M %p", "2023-01-31 15:02"),
        ("2023-01-05T00:01:00+09:00", "%Y-%m-%dT%H:%M:%S", "2023-01-05 00:01"),
        ("2023-01-05 00:01:00 UTC", "%Y-%m-%d %H:%M:%S", "2023-01-05 00:01"),
        ("2023-01-05T00:01:00.250Z", "%Y-%m-%dT%H:%M:%S", "2023-01-05 00:01:00.250"),
        ("2023-01", "%Y-%m", "2023-01-01"),
        ("20230105T101112", "%Y%m%dT%H%M%S", "2023-01-05 10:11:12"),
        ("２０２３-01-05", "%Y-%m-%d", "2023-01-05"),
    ],
)
def test_form_is_found_and_read(text, form, moment):
    assert form in likely_forms([text], 1)
    assert parse_dates(pd.Series([text, ""]), form).tolist() == [pd.Timestamp(moment), pd.NaT]


def test_what_is_no_day_is_no_date():
    assert parse_dates(pd.Series(["2023-02-30", "pending", None]), "%Y-%m-%d").isna().all()


def test_forms_that_put_day_and_month_the_other_way_round_are_known():
    both = likely_forms(["05/06/2020", "07/08/2020"], 1)
    assert both == ["%d/%m/%Y", "%m/%d/%Y"]
    assert others_that_fit(both[0], both) == ["%m/%d/%Y"]
    assert likely_forms(["05/06/2020"], 1, "mdy") == ["%m/%d/%Y"]


@given(st.datetimes(pd.Timestamp("1970-01-01"), pd.Timestamp("2068-12-31")), st.sampled_from(FORMS))
def test_every_form_reads_what_it_writes(moment, form):
    text = moment.strftime(form)
    assert form in likely_forms([text], 1)
    (read,) = parse_dates(pd.Series([text]), form)
    assert read.strftime(form) == text


@given(st.text(max_size=20))
def test_no_text_whatever_makes_the_reading_fail(text):
    for form in likely_forms([text], 1):
        parse_dates(pd.Series([text], dtype=object), form)
