"""What is gathered of a column of a table that nobody described, chunk by chunk, and what most of its values say."""

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from twintrain.data.dates import DIGITS_ALONE, likely_forms, parse_dates
from twintrain.data.feature import ISO_DATE
from twintrain.data.literals import parse_numbers, unit_in
from twintrain.data.prepare.encoding import LARGEST_NUMBER, is_missing
from twintrain.data.prepare.tokens import word_counts
from twintrain.data.readers.form import TYPED_SHARE
from twintrain.data.spelling import one_spelling

# Of different odd values, each of which the description names.
MOST_ODD = 50
# More distinct values than this are not counted.
MOST_COUNTED = 10_000
# What stands for no value among numbers and dates, and says nothing about the rest; among words it may be one of them.
MARKS = (
    *("--", ".", "..", "n.a.", "N.A.", "n.d.", "<NA>", "<null>", "(null)", "nil", "none", "NONE", "missing", "Missing"),
    *("unknown", "Unknown", "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?", "#NULL!", "inf", "-inf", "NaT"),
)
NINES = re.compile(r"9{2,}(?:\.0+)?")
FIRST_VALUES = 100
# How long texts are, is told by so many of them.
MEASURED_TEXTS = 10_000
# Shorter ones, by their median, are names and codes.
LEAST_WORDS = 4
LISTED = 3
FAR = 5
# Dates beyond these are numbers, or mistakes.
DAYS_BETWEEN = (pd.Timestamp("1000-01-01"), pd.Timestamp("2200-12-31"))


@dataclass
class _Fit:
    """How many values are of a kind, and where others stand first."""

    fitting: int = 0
    marked: int = 0
    odd: dict[str, int] = field(default_factory=dict)

    def add(self, values: pd.Series, fits: np.ndarray) -> None:
        self.fitting += int(fits.sum())
        self.marked += int((~fits & values.isin(MARKS)).sum())
        for row, value in values[~fits].drop_duplicates().items():
            if len(self.odd) > MOST_ODD:
                return
            self.odd.setdefault(str(value), int(row))

    def share_of(self, present: int) -> float:
        """Share of the values that say what they are; none where the odd ones are too many to be named."""
        return self.fitting / (present - self.marked) if self.fitting and len(self.odd) <= MOST_ODD else 0.0


@dataclass
class ColumnSummary:
    """A column.

    Attributes:
        decimal: the decimal mark of the table.
        order: "dmy", "mdy" or "ymd", where the user says how dates are written.
        counts: rows of each value, as it stands in the file; None when there are too many.
        unit: what stands beside most of the first numbers.
        first: the first value.
    """

    name: str
    decimal: str = "."
    order: str | None = None
    rows: int = 0
    missing: int = 0
    counts: Counter[str] | None = field(default_factory=Counter)
    unit: str | None = None
    numbers: _Fit | None = field(default_factory=_Fit)
    dates: dict[str, _Fit] | None = None
    is_whole: bool = True
    steps: bool = True
    low: float = math.inf
    high: float = -math.inf
    first: str | None = None
    _zeros_first: int = 0
    _lengths: set[int] = field(default_factory=set)
    _words: list[float] = field(default_factory=list)

    def add(self, column: pd.Series) -> None:
        """Adds a chunk, as a reader gives it."""
        missing = is_missing(column)
        values = column.set_axis(range(self.rows + 1, self.rows + len(column) + 1))[~missing]
        is_first = self.rows == self.missing
        self.rows += len(column)
        self.missing += int(missing.sum())
        if values.empty:
            return
        self.first = str(values.iloc[0]) if is_first else self.first
        self._add_counts(values)
        if values.dtype.kind == "M":
            self._add_typed_dates(values)
            return
        if is_first and values.dtype.kind not in "bf":
            self._look_at_first(values.iloc[:FIRST_VALUES].astype(str))
        self._add_numbers(values)
        self._add_words(values)
        text = values.astype(str) if self.dates else values
        for form, fit in (self.dates or {}).items():
            fit.add(values, parse_dates(text, form).between(*DAYS_BETWEEN).to_numpy())

    def _look_at_first(self, values: pd.Series) -> None:
        values = values[~values.isin(MARKS)]
        units = Counter(unit_in(value) for value in values)
        self.unit = max((unit for unit in units if unit), key=units.get, default=None)
        self.dates = {form: _Fit() for form in likely_forms(values, TYPED_SHARE / 2, self.order)}

    def _add_counts(self, values: pd.Series) -> None:
        if self.counts is not None:
            self.counts.update(values.astype(str).value_counts().to_dict())
            if len(self.counts) > MOST_COUNTED:
                self.counts = None

    def _add_typed_dates(self, values: pd.Series) -> None:
        form = f"{ISO_DATE} %H:%M:%S" if (values.dt.normalize() != values).any() else ISO_DATE
        present = sum(fit.fitting for fit in (self.dates or {}).values())
        known = next(iter(self.dates or {}), ISO_DATE)
        self.dates = {max(form, known, key=len): _Fit(present + len(values))}
        self.numbers = None

    def _add_numbers(self, values: pd.Series) -> None:
        if self.numbers is None:
            return
        if values.dtype.kind in "biuf":
            numbers = values.to_numpy(np.float64)
        else:
            numbers = parse_numbers(values, self.decimal, self.unit)
            self._add_lengths(values)
        fits = np.abs(numbers) <= LARGEST_NUMBER
        self.numbers.add(values, fits)
        if self.numbers.share_of(self.rows - self.missing) < TYPED_SHARE / 2:
            self.numbers = None  # the rest is not read for numbers any more
            return
        numbers = numbers[fits]
        if not len(numbers):
            return
        self.is_whole &= bool((numbers == np.floor(numbers)).all())
        self.steps &= bool((np.diff(numbers) > 0).all() and numbers[0] > self.high)
        self.low, self.high = min(self.low, numbers.min()), max(self.high, numbers.max())

    def _add_words(self, values: pd.Series) -> None:
        if values.dtype.kind not in "biuf":
            self._words += word_counts(values.iloc[: MEASURED_TEXTS - len(self._words)]).tolist()

    def _add_lengths(self, values: pd.Series) -> None:
        self._zeros_first += int(values.str.match(r"[+-]?0\d").sum())
        if len(self._lengths) <= 1:
            self._lengths |= set(values.str.len().unique().tolist())

    @property
    def present(self) -> int:
        """Number of rows that have a value."""
        return self.rows - self.missing

    @property
    def _is_code(self) -> bool:
        """007 is a code, where it is not the only one, or all have its length."""
        many = self._zeros_first >= (1 - TYPED_SHARE) * self.present
        return self._zeros_first > 0 and (many or len(self._lengths) == 1)

    @cached_property
    def is_number(self) -> bool:
        """Whether most values are numbers."""
        return self.numbers is not None and self.numbers.share_of(self.present) >= TYPED_SHARE and not self._is_code

    @property
    def is_text(self) -> bool:
        """Whether most values are texts of several words."""
        return bool(self._words) and float(np.median(self._words)) >= LEAST_WORDS

    def words_of(self, share: float) -> int:
        """How many words this share of the texts have at most."""
        return int(np.quantile(self._words, share, method="higher"))

    @cached_property
    def date_forms(self) -> list[str]:
        """How dates are written, where most values are such, the likeliest form first."""
        shares = {form: fit.share_of(self.present) for form, fit in (self.dates or {}).items()}
        if self.is_number:
            return [DIGITS_ALONE] if shares.get(DIGITS_ALONE, 0) >= TYPED_SHARE else []
        fitting = [form for form in shares if shares[form] >= TYPED_SHARE]
        return sorted(fitting, key=lambda form: (-shares[form], self._span(form)))

    def _span(self, form: str) -> int:
        """Of two-digit years, how far dates lie apart, in steps of three years: what is far off has the day for it."""
        dates = self._counted_dates(form)
        return 0 if dates is None else (dates.max() - dates.min()).days // 1000

    def _counted_dates(self, form: str) -> pd.Series | None:
        """The different dates of a form with two-digit years; None of other forms, and where they are too many."""
        known = "%y" in form and self.counts
        return parse_dates(pd.Series(list(self.counts), dtype=object), form) if known else None

    @property
    def _fit(self) -> _Fit | None:
        """Of the kind that the column is; None of words."""
        return self.dates[self.date_forms[0]] if self.date_forms else self.numbers if self.is_number else None

    @property
    def odd(self) -> dict[str, int]:
        """Values that are not what most are, and the row (from 1) where each stands first."""
        return self._fit.odd if self._fit else {}

    @property
    def odd_rows(self) -> int:
        """Number of rows that have such values."""
        return self.present - self._fit.fitting if self._fit else 0

    @property
    def odd_text(self) -> str:
        """The first odd values and where they stand."""
        shown = ", ".join(f"'{value}' (row {row:,})" for value, row in list(self.odd.items())[:LISTED])
        rows = f" in {self.odd_rows:,} rows" if self.odd_rows > 1 else ""
        return shown + (" …" if len(self.odd) > LISTED else "") + rows

    @property
    def without_unit_text(self) -> str:
        """Numbers without the unit that others have, which are read as if they had it."""
        plain = [value for value in self.counts or () if self.unit and unit_in(value) == ""]
        rows = sum(self.counts[value] for value in plain)
        return f"'{plain[0]}' and others in {rows:,} rows have no unit, and are read as {self.unit}" if plain else ""

    @property
    def last_year(self) -> int | None:
        """The last year of dates with two-digit years, where it is still to come."""
        dates = self._counted_dates(next(iter(self.date_forms), ""))
        return None if dates is None or dates.max() <= pd.Timestamp.now() else dates.max().year

    @property
    def sentinel(self) -> str | None:
        """A number that may stand for no value: the only one below zero, again and again, or 999 far above all."""
        if not self.is_number or not self.counts:
            return None
        read = parse_numbers(pd.Series(list(self.counts), dtype=object), self.decimal, self.unit)
        sizes = {value: size for value, size in zip(self.counts, read, strict=True) if np.isfinite(size)}
        least, *others = sorted(sizes, key=sizes.get)
        if others and sizes[least] < 0 <= sizes[others[0]] and sizes[least] % 1 == 0 and self.counts[least] > 1:
            return least
        *others, most = sorted(sizes, key=lambda value: abs(sizes[value]))
        is_far = bool(others) and sizes[most] > FAR * abs(sizes[others[-1]])
        return most if is_far and NINES.fullmatch(most) else None

    @cached_property
    def spellings(self) -> dict[str, str]:
        """For each value the one that it is taken for, which differs at most in its spelling."""
        found = one_spelling(self.counts or {})
        # Of AA, Aa and aa alone, the spelling is what a column says.
        return found if len(set(found.values())) > 1 else {text: text for text in found}

    @cached_property
    def values(self) -> Counter[str] | None:
        """Rows of each value, spellings of the same one taken together; None when there are too many."""
        if self.counts is None:
            return None
        found: Counter[str] = Counter()
        for text, rows in self.counts.items():
            found[self.spellings[text]] += rows
        return found

    @property
    def spelling_text(self) -> str:
        """Which spellings are taken for which, as far as there is room."""
        others = [f"'{text}' taken for '{best}'" for text, best in self.spellings.items() if text != best]
        return ", ".join(others[:LISTED]) + (" …" if len(others) > LISTED else "")

    @property
    def distinct(self) -> int | None:
        """Number of different values; None for too many to be counted."""
        return None if self.values is None else len(self.values)

    @property
    def distinct_text(self) -> str:
        return f"over {MOST_COUNTED:,}" if self.distinct is None else f"{self.distinct:,}"

    @property
    def is_one_a_row(self) -> bool:
        return self.distinct == self.present or (self.distinct is None and self.steps)

    @property
    def several_units(self) -> list[str]:
        """The units of a column of which most values are numbers, but not of one unit."""
        units = Counter(unit_in(value) for value in self.counts or ())
        if units.total() - units[None] < TYPED_SHARE * max(1, units.total()):
            return []
        return sorted((unit for unit in units if unit), key=lambda unit: -units[unit])
