"""Dates and times as programs and people write them; a column has one form, which its description names."""

import functools
import re
import unicodedata
from collections.abc import Iterable

import numpy as np
import pandas as pd

from twintrain.data.feature import ISO_DATE

SECONDS_A_DAY = 86_400
DIGITS_ALONE = "%Y%m%d"
# Day first before month first: where both fit, the description says how it was read.
_DAYS = (
    *(ISO_DATE, "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%Y.%m.%d", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%y.%m.%d", "%y/%m/%d", "%y-%m-%d"),
    *("%d. %m. %Y", "%Y. %m. %d.", "%Y. %m. %d", "%Y년 %m월 %d일", "%Y年%m月%d日"),
    *("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d. %B %Y", "%d. %b %Y"),
    *("%d-%b-%Y", "%d-%b-%y", "%a, %d %b %Y"),
    *("%Y-%m", "%Y/%m", "%m/%Y", "%b %Y", "%B %Y", "%Y년 %m월", "%Y年%m月"),
)
_TIMES = ("", " %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
FORMS = (
    *(day + time for day in _DAYS for time in _TIMES if not time or "%d" in day),
    DIGITS_ALONE,
    f"{DIGITS_ALONE}T%H%M%S",
)
# A zone stands after a time of the day, and says nothing about how the clock stood there.
_ZONE = re.compile(r"(?<=\d)(\s?[AP]M)?\s?(?:Z|UTC|GMT|[-+]\d\d(?::?\d\d)?)$", re.IGNORECASE)
_HALF_DAY = re.compile(r"\s?\b([ap])\.?m\.?$", re.IGNORECASE)
_KOREAN_HALF_DAY = re.compile(r"(오전|오후)\s?(\d{1,2}:[\d:.]+)")
# German and English have the other months, and their first three letters, in common.
_MONTHS = {"januar": "January", "jänner": "January", "februar": "February", "märz": "March", "mai": "May"}
_MONTHS |= {"juni": "June", "juli": "July", "oktober": "October", "dezember": "December"}
_MONTHS |= {"mär": "Mar", "mrz": "Mar", "okt": "Oct", "dez": "Dec"}
_WORD = re.compile(r"[^\W\d_]{3,}")
_SHAPES = {
    "%Y": r"\d{4}",
    **dict.fromkeys(("%m", "%d", "%H", "%I"), r"\d{1,2}"),
    **dict.fromkeys(("%y", "%M", "%S"), r"\d{2}"),
    **dict.fromkeys(("%b", "%B", "%a"), r"[^\W\d_]{3,9}"),
    "%p": r"[APap][Mm]",
    "%f": r"\d{1,9}",
}


def parse_dates(column: pd.Series, written: str) -> pd.Series:
    """Reads dates: datetime64, NaT where there is no such date.

    Fractions of a second may stand behind any seconds, and a zone behind any time, which is passed over: the hour of
    the clock there says more than that of Greenwich.

    Args:
        column: text, or dates already.
        written: how, as strftime has it.
    """
    if column.dtype.kind == "M":
        return column
    dates = pd.to_datetime(column, format=written, errors="coerce", exact=True)
    left = dates.isna() & column.notna() & (column != "")
    if left.any():
        plain, form = column[left].astype(str).map(_plain), _plain_form(written)
        # A program may leave out a fraction, or the time of midnight.
        for variant in (form, f"{form}.%f", re.split(r"[ T]%[HI]", form)[0]):
            dates = dates.fillna(pd.to_datetime(plain, format=variant, errors="coerce", exact=True))
    return dates


def likely_forms(values: Iterable[str], share: float, order: str | None = None) -> list[str]:
    """The forms that a share of some values have the shape of.

    Args:
        order: "dmy", "mdy" or "ymd" where the user says what comes first.
    """
    plain = [_plain(value) for value in values]
    wanted = share * len(plain)
    likely = [form for form in FORMS if sum(map(bool, map(_shape(form).fullmatch, plain))) >= wanted]
    return [form for form in likely if order is None or _order(form) in (None, order)]


def others_that_fit(form: str, fitting: Iterable[str]) -> list[str]:
    """The forms that put day, month and year in another order."""
    return [other for other in fitting if _order(form) and _order(other) not in (None, _order(form))]


def _order(form: str) -> str | None:
    """Which of day, month and year comes first and next, in forms that leave it open; None in others."""
    found = [re.search(part, form) for part in ("%d", "%m", "%[yY]")]
    if not all(found) or form.startswith("%Y"):
        return None
    return "".join(part[0][1].lower() for part in sorted(found, key=lambda part: part.start()))


def _plain(text: str) -> str:
    """A date in plain figures and blanks, AM or PM behind it, no zone."""
    plain = " ".join(unicodedata.normalize("NFKC", text).split())
    plain = _WORD.sub(lambda word: _MONTHS.get(word[0].lower(), word[0]), plain)
    if ":" not in plain:
        return plain
    plain = _KOREAN_HALF_DAY.sub(lambda half: f"{half[2]} {'AM' if half[1] == '오전' else 'PM'}", plain)
    return _HALF_DAY.sub(lambda half: f" {half[1].upper()}M", _ZONE.sub(r"\1", plain))


@functools.cache
def _plain_form(written: str) -> str:
    return re.sub(r"(\.%f)?\s?(Z|%z)?$", "", written)


@functools.cache
def _shape(form: str) -> re.Pattern[str]:
    parts = re.split(r"(%[a-zA-Z])", form)
    pattern = "".join(_SHAPES.get(part, re.escape(part)) for part in parts)
    return re.compile(pattern + (r"(?:\.\d{1,9})?" if form.endswith("%S") else ""))


def as_dates(days: np.ndarray) -> pd.DatetimeIndex:
    """Takes days since 1970-01-01 back to dates, to the second; NaT for NaN. Nanoseconds would end in the year 2262."""
    missing = np.isnan(days)
    seconds = np.where(missing, 0, np.round(days * SECONDS_A_DAY)).astype("datetime64[s]")
    return pd.DatetimeIndex(np.where(missing, np.datetime64("NaT"), seconds))


def as_days(dates: pd.Series) -> np.ndarray:
    """Days since 1970-01-01, with the time of the day as a fraction; NaN for NaT."""
    seconds = dates.to_numpy("datetime64[us]").astype(np.int64) / 1e6
    return np.where(dates.isna(), np.nan, seconds / SECONDS_A_DAY)
