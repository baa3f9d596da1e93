"""One column of a table, as the description of a data set has it."""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from twintrain.errors import shown

ISO_DATE = "%Y-%m-%d"
DATE_PARTS = "YymdbBaAHIMSfpzZj"
# Token ids, besides those of the words, which follow.
PADDING, UNKNOWN = 0, 1
RESERVED = 2


class Text(BaseModel):
    """How much of a column of text a network is given; see `prepare.tokens`.

    Attributes:
        words: of the vocabulary, at most: the most frequent ones of the training rows; all others are one unknown word.
        length: words of a text; a longer one loses its end, a shorter one is filled up.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    words: int = Field(2_000, ge=1, le=10**7)
    length: int = Field(100, ge=1, le=10**5)


class Feature(BaseModel):
    """One column: a number (with bounds, if it has any), one of a fixed list of categories, a date, or a text.

    Attributes:
        date: how the dates are written, as strftime has it: "%Y-%m-%d".
        text: how much of each text is read.
        missing: whether a value may be missing (see `encoding.MISSING`); the network is then told where one is.
        missing_marks: values that stand for none in this column, besides those of every column.
        unit: what may stand beside a number, before it or after it: "kg", "%", "$".
        other: whether values beyond the categories are taken too, all as one category.
        used: whether the network is given the column; a column may be there for `split.time` alone.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    categories: list[str] | None = Field(None, min_length=1)
    min: float | None = None
    max: float | None = None
    date: str | None = Field(None, pattern="%")
    text: Text | None = None
    missing: bool = False
    missing_marks: list[str] = []
    unit: str | None = Field(None, min_length=1)
    other: bool = False
    used: bool = True

    @field_validator("categories")
    @classmethod
    def _differ(cls, categories: list[str] | None) -> list[str] | None:
        if categories and len(set(categories)) < len(categories):
            raise ValueError(f"expected each category once, got {shown(categories)}")
        return categories

    @field_validator("date")
    @classmethod
    def _has_known_parts(cls, date: str | None) -> str | None:
        parts = re.findall(r"%(.?)", date or "")
        if unknown_parts := [f"%{part}" for part in parts if not part or part not in DATE_PARTS]:
            raise ValueError(f"expected parts %{', %'.join(DATE_PARTS)}, got {', '.join(unknown_parts)}")
        if len(set(parts)) < len(parts) or (parts and not {"Y", "y"} & set(parts)):
            raise ValueError(f"expected a year, and each part once, got {shown(date)}")
        return date

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> "Feature":
        if self.other and not self.categories:
            raise ValueError("other: true needs categories, beyond which there are others")
        given = [kind for kind in ("categories", "date", "text") if getattr(self, kind)]
        if len(given) > 1:
            raise ValueError(f"expected one of categories, date and text, got {' and '.join(given)}")
        if given and (self.min is not None or self.max is not None):
            raise ValueError("min and max are for numbers; categories, dates and texts have none")
        if self.unit and given:
            raise ValueError("unit is for numbers; categories, dates and texts have none")
        if self.missing_marks and not self.missing:
            raise ValueError("missing_marks say how a value may be missing; expected missing: true beside them")
        if self.missing_marks and self.text:
            raise ValueError("missing_marks are for other columns; a text is missing where it is empty")
        return self

    @property
    def kind(self) -> Literal["number", "categories", "date", "text"]:
        return "categories" if self.categories else "date" if self.date else "text" if self.text else "number"
