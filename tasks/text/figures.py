"""Format figures for people: times, sizes, counts, relative changes. Plain text, not Markdown."""

import math
from typing import Literal

MINUS = "\u2212"
NOT_DEFINED = "\u2013"

Rounding = Literal["nearest", "down", "up"]

_SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "μs"), (1e-9, "ns"))
_BYTES = ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"))
LARGE_UNITS = {"s": _SECONDS, "B": (*_BYTES, (1.0, "B"))}
"""The units of times and sizes with their sizes, the largest first."""
_MOST_DIGITS = 8


def seconds(value: float) -> str:
    """Format a time with four digits in a suitable unit: `14.56 ms`."""
    for size, unit in _SECONDS:
        # Rounding must not turn 1.000 ms into 1,000.0 μs.
        if abs(value) >= size * 0.99995:
            return f"{_four_digits(value / size)} {unit}"
    return f"{_four_digits(value / 1e-9)} ns" if value else "0 s"


def rough_seconds(value: float, digits: int) -> str:
    """Format a time of which so many digits are known: `2.76 ms`, `2.8 ms`, `70 μs`."""
    if not value:
        return seconds(value)
    rounded = float(f"{value:.{digits - 1}e}")
    size, unit = next((each for each in _SECONDS if abs(rounded) >= each[0]), _SECONDS[-1])
    shown = abs(rounded) / size
    decimals = max(0, digits - 1 - math.floor(math.log10(shown)))
    return f"{_signed(f'{shown:,.{decimals}f}', value)} {unit}"


def size(value: float) -> str:
    """Format bytes in a suitable binary unit: `390.6 KiB`, `512 B`."""
    for unit_size, unit in _BYTES:
        if abs(value) >= unit_size * 0.99995:
            return f"{_signed(f'{abs(value) / unit_size:,.1f}', value)} {unit}"
    return f"{count(value)} B"


def count(value: float) -> str:
    """Format a count with thousands separators; a mean keeps one decimal."""
    return _signed(f"{abs(value):,.0f}" if float(value).is_integer() else f"{abs(value):,.1f}", value)


def quantity(value: float, unit: str) -> str:
    """Format a value of a metric: unit `s` as time, `B` as bytes, any other as a count."""
    return {"s": seconds, "B": size}.get(unit, count)(value)


def counted(number: int, noun: str, nouns: str = "") -> str:
    """Format a number of things: `1 commit`, `2,000 commits`; `nouns` is an irregular plural, as in `3 launches`."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def age(seconds: float) -> str:
    """Format a duration in the largest unit that fits: `3 hours`; empty below a minute."""
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            return counted(int(seconds // length), unit)
    return ""


def percent(share: float, rounding: Rounding = "nearest") -> str:
    """Format a relative change as `+23.7 %`; only -1 is shown as -100 %.

    It has one decimal from 1 % on, two below, more close to -100 %. "down" and "up" round towards minus and plus
    infinity.
    """
    if not math.isfinite(share):
        return NOT_DEFINED
    if share == 0:
        return "0 %"
    digits = 1 if abs(share) >= 0.01 else 2
    while share > -1 and _rounded(share * 100, digits, rounding) <= -100 and digits < _MOST_DIGITS:
        digits += 1
    shown = _rounded(share * 100, digits, rounding)
    sign = "" if shown == 0 else MINUS if shown < 0 else "+"
    return f"{sign}{abs(shown):,.{digits}f} %"


def change(ratio: float, low: float, high: float) -> str:
    """Format the ratio head/base as a relative change; without an interval it is rounded towards no change."""
    if low != high:
        return percent(ratio - 1)
    return percent(ratio - 1, "up" if ratio < 1 else "down")


def interval(low: float, high: float) -> str:
    """Format the interval of a ratio head/base as relative changes, rounded outwards: `+1.9 % to +2.4 %`."""
    if low == high:
        return change(low, low, high)
    if low <= 0 and math.isinf(high):
        return "not known"
    return f"{percent(low - 1, 'down')} to {percent(high - 1, 'up')}"


def amount_of_change(ratio: float, low: float, high: float) -> str:
    """Format how far the ratio head/base is from 1, without the sign: `47.5 %`."""
    return change(ratio, low, high).lstrip(f"+{MINUS}")


def amounts_of_change(low: float, high: float) -> str:
    """Format the interval of a ratio as amounts of change, the smaller first: `46.4 % to 48.6 %`.

    With signs, as `interval` does, if it holds both directions.
    """
    shown = interval(low, high)
    if low < 1 < high:
        return shown
    ends = [end.lstrip(f"+{MINUS}") for end in shown.split(" to ")]
    return " to ".join(ends if low >= 1 else reversed(ends))


def share(value: float) -> str:
    """Format a confidence or threshold: `99 %`, `0.5 %`."""
    return f"{value * 100:g} %"


def times(base: float, head: float) -> str:
    """Format how many times less head costs than base: `1.31x`."""
    if not (head and math.isfinite(base / head)):
        return NOT_DEFINED if head != base else "1.00x"
    factor = base / head
    if 0 < factor < 0.095:
        # At least two digits: 0.00x would say that nothing is left.
        return f"{factor:.{1 - math.floor(math.log10(factor))}f}x"
    return f"{factor:,.2f}x" if factor < 9.995 else f"{factor:,.1f}x" if factor < 99.95 else f"{factor:,.0f}x"


def _rounded(value: float, digits: int, rounding: Rounding) -> float:
    if rounding == "nearest":
        return float(f"{value:.{digits}f}")
    # Round to nine digits first: 0.513 - 1 is -0.48699999999999999, which must not become -48.6 %.
    scaled = round(value * 10.0**digits, 9 - digits)
    return (math.floor(scaled) if rounding == "down" else math.ceil(scaled)) / 10.0**digits


def _four_digits(value: float) -> str:
    shown = abs(value)
    digits = 3 if shown < 9.9995 else 2 if shown < 99.995 else 1
    return _signed(f"{shown:,.{digits}f}", value)


def _signed(text: str, value: float) -> str:
    return MINUS + text if value < 0 else text
