"""Effects in words."""

import pytest

from tasks.body.effects import effect, judged_effect
from tests.support.evidence import CPU_IMPROVED, INCONCLUSIVE, REGRESSED, UNCHANGED


@pytest.mark.parametrize(
    ("comparison", "before"),
    [(CPU_IMPROVED, ""), (REGRESSED, ""), (UNCHANGED, "negligible: "), (INCONCLUSIVE, "inconclusive: ")],
)
def test_an_effect_that_is_not_shown_says_so_first(comparison, before):
    (change,) = (each for each in comparison.changes if each.primary and each.metric == "time")
    words = judged_effect(change)
    assert words == before + effect(change)
    assert "% interval" in words
