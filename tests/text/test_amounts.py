from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.text import amounts


def found(text: str) -> list[str]:
    text = amounts.seen(text)
    return [*amounts.amounts_in_words(text), *(figure.text for figure in amounts.figures(text))]


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("14.99 ms", 0.01499, "time"),
        ("3 μs", 3e-6, "time"),
        ("3 µs", 3e-6, "time"),
        ("2 minutes", 120, "time"),
        ("390.6 KiB", 390.6 * 1024, "size"),
        ("9.1 MB", 9.1e6, "size"),
        ("20.9 %", 0.209, "share"),
        ("20.9 percent", 0.209, "share"),
        ("1,204", 1204, None),
        ("1 204", 1204, None),
        ("1.26x", 1.26, "factor"),
        ("1.26×", 1.26, "factor"),
        ("10-fold", 10, "factor"),
        ("1e3x", 1000, "factor"),
        ("64.31 ops/s", 64.31, "rate"),
        (".5 s", 0.5, "time"),
        ("5,000 ops/sec", 5000, "rate"),
        ("300 millis", 0.3, "time"),
        ("500 megs", 5e8, "size"),
        ("×1000", 1000, "factor"),
        ("🔟x", 10, "factor"),
        ("#1000%", 10, "share"),
        ("O(now 10x)", 10, "factor"),
        ("10 fois", 10, "factor"),
        ("Ⅹx", 10, "factor"),
        ("20.9 Prozent", 0.209, "share"),
        ("300 Millisekunden", 0.3, "time"),
        ("990 per mille", 0.99, "share"),
        ("3 days", 259200, "time"),
        ("2 kHz", 2000, "rate"),
    ],
)
def test_figures_in_units(text, value, kind):
    (figure,) = amounts.figures(amounts.seen(text))
    assert (figure.value, figure.kind) == (pytest.approx(value), kind)


@pytest.mark.parametrize("text", [
        "2^10x", "10kx", "1OOx", "1.2.3x", "10+x", "3. x", "1000×faster", "1000xfaster", "1·000x", "½ the time", "1/10th of it",
        "10:1", "100-to-1", "2m30s", "v1000x", "_1000x",
    ],
)  # fmt: skip
def test_notations_that_cannot_be_read_are_figures_without_a_value(text):
    assert [figure.kind for figure in amounts.figures(amounts.seen(text)) if figure.value is None] == ["factor"]


@pytest.mark.parametrize(
    "text",
    [
        "see #12, GH-12, PR 3 and issue #4", "utf-8, sha256, python3 and x86_64", "O(n^2) to O(1)", "on 2024-01-02",
        "Python 3.12.7", "https://example.org/2024/12", "a second pass", "parsed several times", "the 2nd pass",
        "v2.1 alone", "",
    ],
)  # fmt: skip
def test_references_versions_and_orders_are_no_amounts(text):
    assert [each for each in found(text) if not each.isdigit()] == []


@pytest.mark.parametrize(
    "text",
    [
        "twice", "halved", "in half", "tenfold", "two-fold", "a thousand times", "three orders of magnitude",
        "two thirds", "a tenth", "a factor of ten", "ten percent", "several times faster", "doubles the speed",
        "thirty milliseconds", "dozens of times faster", "multiple times faster",
        "one and a half times as fast", "an order-of-magnitude", "a magnitude faster", "nine out of ten calls",
        "sixx", "a zillion times faster", "a half less", "tausendmal schneller", "十倍", "an hour became a second",
    ],
)  # fmt: skip
def test_amounts_in_words(text):
    assert list(amounts.amounts_in_words(f"It is {text}."))


@pytest.mark.parametrize(
    "text",
    [
        "a double lookup",
        "the first half",
        "a second list",
        "many times",
        "one by one",
        "times",
        "triple",
        "multiple times",
    ],
)
def test_words_that_are_no_amounts(text):
    assert list(amounts.amounts_in_words(text)) == []


SPELLINGS = [
    lambda text: text,
    lambda text: "".join(chr(ord(each) + 0xFEE0) if each in "0123456789" else each for each in text),
    lambda text: "".join(chr(ord(each) - ord("0") + 0x1D7CE) if each in "0123456789" else each for each in text),
    lambda text: "".join(chr(ord(each) - ord("0") + 0x0660) if each in "0123456789" else each for each in text),
    "\u200b".join,
    lambda text: "".join(f"{each}\ufe0f\u20e3" if each in "0123456789" else each for each in text),
    lambda text: text.replace("x", "\u00d7"),
    lambda text: text.replace("x", "\u0445"),
    lambda text: text.replace("x", "-fold"),
    lambda text: text.replace("x", " times"),
    lambda text: text.replace("x", "\u00a0x"),
    lambda text: text.replace("x", "\uff05"),
]


@given(
    st.integers(2, 10**6),
    st.sampled_from(SPELLINGS),
    st.sampled_from(SPELLINGS),
    st.sampled_from(["", "up to ", "~", "(", "a-", ">"]),
)
def test_a_factor_is_found_however_it_is_spelled(number, first, second, before):
    text = before + second(first(f"{number}x")) + " faster"
    assert [figure.text for figure in amounts.figures(amounts.seen(text)) if figure.kind in {"factor", "share"}]


@given(st.text(max_size=60))
def test_any_text_can_be_read(text):
    seen = amounts.seen(text)
    list(amounts.figures(seen))
    list(amounts.amounts_in_words(seen))
    assert amounts.seen(seen) == seen or not text.isascii()
