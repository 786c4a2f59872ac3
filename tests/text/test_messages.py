from __future__ import annotations

from tasks.text.messages import nearest, quoted


def test_long_and_unprintable_values_are_short_and_safe():
    assert quoted("x" * 100) == '"' + "x" * 60 + '…"'
    assert quoted("a\x1b[31m\tb") == '"a\ufffd[31m b"'


def test_the_nearest_name_ignores_case():
    assert nearest("FUNCTION", ["functions", "benchmark"]) == "functions"
    assert nearest("zzz", ["functions"]) is None
