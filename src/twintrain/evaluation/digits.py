"""How numbers are written for people: on the terminal, in reports and in notes.

Readers of files get them in full; here a number has as many digits as say something, and no powers of ten unless it
is far from 1.
"""

import math

# The digits of smaller p values say nothing: no test's assumptions hold so far out.
SMALLEST_P = 0.0001
# From here on down a number has more zeros than an eye counts.
SMALLEST_WRITTEN = 1e-5
LARGEST_WRITTEN = 1e12
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def measured(value: float, digits: int = 4, signed: bool = False) -> str:
    """A number in some significant digits: `131,700`, `54.3`, `0.0000869`, `1.2 × 10⁻⁷`.

    Args:
        signed: whether one above 0 has a sign too.
    """
    sign = "+" if signed else ""
    if not math.isfinite(value):
        return f"{value:{sign}}"
    rounded = float(f"{value:.{digits - 1}e}") + 0.0  # no −0
    if rounded and not SMALLEST_WRITTEN <= abs(rounded) < LARGEST_WRITTEN:
        mantissa, exponent = f"{rounded:{sign}.{digits - 1}e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa} × 10{str(int(exponent)).translate(SUPERSCRIPTS)}"
    exponent = math.floor(math.log10(abs(rounded))) if rounded else 0
    decimals = max(digits - 1 - exponent, 0)
    text = f"{rounded:{sign},.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def share(value: float) -> str:
    """A share of all, such as an accuracy: `0.9210`."""
    return f"{value:z.4f}"


def share_difference(value: float) -> str:
    """A difference of shares: `-0.0300`; no −0."""
    return f"{value:+z.4f}"


def points(value: float, signed: bool = False) -> str:
    """A share or a difference of shares in points of 100: `3.00`."""
    return f"{100 * value:{'+' if signed else ''}z.2f}"


def difference(value: float) -> str:
    """A difference of what is measured, with its sign."""
    return measured(value, signed=True)


def count(value: int) -> str:
    """A whole number: `13,940`."""
    return f"{value:,}"


def rounded_count(value: float, digits: int = 2) -> str:
    """A count of which only so many digits are known: `1,200`."""
    return f"{int(float(f'{value:.{digits}g}')):,}"


def seconds(value: float) -> str:
    """A time to a hundredth: `1.59`."""
    return f"{value:,.2f}"


def rate(value: float) -> str:
    """A speed or size of which no fraction matters: `23,717`."""
    return f"{value:,.0f}"


def tenths(value: float) -> str:
    """Processors that were busy: `1.9`."""
    return f"{value:.1f}"


def milliseconds(value: float) -> str:
    """A latency: `0.312`."""
    return measured(value, digits=3)


def largest(value: float) -> str:
    """A largest difference, of which the size is asked: `0.43`."""
    return measured(value, digits=2)


def percent(value: float) -> str:
    """A share in percent: `5.61%`."""
    return f"{100 * value:.2f}%"


def p_value(p: float, digits: int = 3) -> str:
    """A p value: `0.109`, or `< 0.0001`."""
    return measured(p, digits) if p >= SMALLEST_P else f"< {SMALLEST_P:.4f}"


def plain(value: object) -> str:
    """What is no measurement, as it is."""
    return str(value)
