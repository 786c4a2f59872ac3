"""Where codeflash's figures and prprep's intervals cannot both be right."""

import pytest

from tasks.artifacts import CodeflashFigure, MetricName, Verdict
from tasks.stages.compare.contradictions import contradictions
from tests.support.evidence import change


def figure(base, head, *, metric="time", test="test_benchmark_merge_lines", function=""):
    return CodeflashFigure(test=test, function=function, metric=metric, base=base, head=head)


def found_contradictions(measured, *sentences):
    return contradictions((measured,), sentences)


FASTER = change(MetricName.TIME, 0.010, 0.008, Verdict.IMPROVED)
SLOWER = change(MetricName.TIME, 0.008, 0.010, Verdict.REGRESSED)
SAME = change(MetricName.TIME, 0.010, 0.010, Verdict.UNCHANGED, width=0.004)


@pytest.mark.parametrize(
    ("measured", "ratio", "contradicts"),
    [
        (FASTER, 0.8, False),
        (FASTER, 0.5, False),
        (FASTER, 1.04, False),
        (FASTER, 1.07, True),
        (FASTER, 0.3, True),
        (SLOWER, 1.3, False),
        (SLOWER, 0.97, False),
        (SLOWER, 0.9, True),
        (SAME, 0.6, False),
        (SAME, 1.7, False),
        (SAME, 2.0, True),
        (SAME, 0.5, True),
    ],
)
def test_another_sign_or_a_size_beyond_codeflashs_noise(measured, ratio, contradicts):
    assert bool(found_contradictions(measured, figure(0.01, 0.01 * ratio))) == contradicts


def test_one_side_measured_twice_contradicts_a_large_change():
    fast = change(MetricName.TIME, 0.110, 0.001, Verdict.IMPROVED)
    (sentence,) = found_contradictions(fast, figure(0.00104, 0.001))
    assert sentence.startswith(
        "codeflash's time of test_benchmark_merge_lines contradicts prprep's: −3.8 % by codeflash, −99."
    )
    assert sentence.endswith("by prprep")


def test_memory_is_compared_with_memory():
    peak = change(MetricName.PEAK, 52_428_800, 26_911_744, Verdict.IMPROVED, width=0.0004)
    assert not found_contradictions(peak, figure(50_000_000, 26_000_000, metric="peak memory"), figure(1, 9))
    assert found_contradictions(peak, figure(26_000_000, 50_000_000, metric="peak memory"))


def test_other_tests_functions_and_ambiguous_names_are_ignored():
    away = figure(0.01, 0.1)
    assert not found_contradictions(FASTER, away.model_copy(update={"test": "test_other"}))
    assert not found_contradictions(FASTER, away.model_copy(update={"function": "merge_lines"}))
    assert not found_contradictions(FASTER, away, away)
    assert not found_contradictions(FASTER, figure(0.0, 0.1))
