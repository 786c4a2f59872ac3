from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.text import figures


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0 s"),
        (5e-8, "50.00 ns"),
        (9.9999e-7, "1.000 μs"),
        (0.00099996, "1.000 ms"),
        (0.0145567, "14.56 ms"),
        (1.5, "1.500 s"),
        (1234.56, "1,234.6 s"),
        (-0.003, "−3.000 ms"),
    ],
)
def test_seconds(value, expected):
    assert figures.seconds(value) == expected


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (2.764e-3, 3, "2.76 ms"),
        (2.764e-3, 2, "2.8 ms"),
        (73.32e-6, 2, "73 μs"),
        (73.32e-6, 1, "70 μs"),
        (0.00996, 2, "10 ms"),
        (9.996e-4, 2, "1.0 ms"),
        (0.1234, 2, "120 ms"),
        (12.34, 3, "12.3 s"),
        (2e-10, 1, "0.2 ns"),
        (0, 2, "0 s"),
        (-0.0149, 2, "−15 ms"),
    ],
)
def test_times_that_are_estimates_have_as_many_digits_as_are_known(value, digits, expected):
    assert figures.rough_seconds(value, digits) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0 B"),
        (512, "512 B"),
        (1023.99, "1.0 KiB"),
        (400_000, "390.6 KiB"),
        (8.7 * 2**20, "8.7 MiB"),
        (3 * 2**30, "3.0 GiB"),
        (-2048, "−2.0 KiB"),
    ],
)
def test_size(value, expected):
    assert figures.size(value) == expected


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (-0.2374, "−23.7 %"),
        (0.0004, "+0.04 %"),
        (0.0, "0 %"),
        (-0.00004, "0.00 %"),
        (-0.9999, "−99.99 %"),
        (-0.999999, "−99.9999 %"),
        (-1.0, "−100.0 %"),
        (30.0, "+3,000.0 %"),
        (math.inf, "–"),
        (math.nan, "–"),
    ],
)
def test_percent(share, expected):
    assert figures.percent(share) == expected


@pytest.mark.parametrize(
    ("share", "down", "up"),
    [
        (-0.48664, "−48.7 %", "−48.6 %"),
        (0.513 - 1, "−48.7 %", "−48.7 %"),
        (-0.00004, "−0.01 %", "0.00 %"),
        (0.00999, "+0.99 %", "+1.00 %"),
        (-0.99996, "−99.996 %", "−99.9 %"),
        (12.3456, "+1,234.5 %", "+1,234.6 %"),
    ],
)
def test_percent_in_one_direction(share, down, up):
    assert (figures.percent(share, "down"), figures.percent(share, "up")) == (down, up)


@given(st.floats(min_value=-0.99999, max_value=1000))
def test_rounding_down_and_up_never_passes_the_value(share):
    down, up = (
        float(figures.percent(share, way).removesuffix(" %").replace("−", "-").replace(",", "")) / 100
        for way in ("down", "up")
    )
    assert down <= share + 1e-9
    assert up >= share - 1e-9
    assert up - down < 0.0011


@pytest.mark.parametrize(
    ("ratio", "low", "high", "change", "interval"),
    [
        (0.5134, 0.5121, 0.5149, "−48.7 %", "−48.8 % to −48.5 %"),
        (1.0213, 1.01949, 1.02301, "+2.1 %", "+1.9 % to +2.4 %"),
        (0.51336, 0.51336, 0.51336, "−48.6 %", "−48.6 %"),
        (1.0119, 1.0119, 1.0119, "+1.1 %", "+1.1 %"),
        (1.0, 1.0, 1.0, "0 %", "0 %"),
        (0.0, 0.0, 0.0, "−100.0 %", "−100.0 %"),
        (math.inf, math.inf, math.inf, "–", "–"),
        (1.03, 0.0, math.inf, "+3.0 %", "not known"),
    ],
    ids=[
        "outwards",
        "outwards when slower",
        "a point towards no change",
        "a slower point too",
        "no change",
        "nothing left",
        "from nothing",
        "open",
    ],
)
def test_a_change_never_claims_more_than_its_interval(ratio, low, high, change, interval):
    assert (figures.change(ratio, low, high), figures.interval(low, high)) == (change, interval)


@pytest.mark.parametrize(
    ("base", "head", "expected"),
    [
        (1.31, 1, "1.31x"),
        (0.8, 1, "0.80x"),
        (0.0004, 1, "0.00040x"),
        (0.0512, 1, "0.051x"),
        (0.0996, 1, "0.10x"),
        (9.999, 1, "10.0x"),
        (112.4, 1, "112x"),
        (2e4, 1, "20,000x"),
        (1, 0, "–"),
        (0, 0, "1.00x"),
    ],
)
def test_times(base, head, expected):
    assert figures.times(base, head) == expected


def test_other_figures():
    assert [figures.count(value) for value in (1204, 1204.5, -3)] == ["1,204", "1,204.5", "−3"]
    assert [figures.share(value) for value in (0.99, 0.005, 0.0)] == ["99 %", "0.5 %", "0 %"]
    assert [figures.quantity(1204, unit) for unit in ("s", "B", "1")] == ["1,204.0 s", "1.2 KiB", "1,204"]
    assert [figures.counted(number, "call") for number in (0, 1, 2_000)] == ["0 calls", "1 call", "2,000 calls"]
    assert [figures.age(seconds) for seconds in (59.9, 60, 7_300, 900_000)] == ["", "1 minute", "2 hours", "10 days"]
