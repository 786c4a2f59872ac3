"""Claims that hold only for repeated calls, and state that grows, from literal launches."""

import pytest

from tasks.artifacts import FunctionShare, Launch, Measurement, MetricName, Share, Verdict
from tasks.errors import IncomparableError
from tasks.stages.compare.compare import Rules, judge
from tests.stages.compare.test_compare import TEST, samples

RULES = Rules(0.99, 0.01)
WIGGLE = (1.0, 1.002, 0.998, 1.001, 0.999, 1.003, 0.997, 1.0)


def timed(base, head, first, growth=None):
    """Eight launches; `first` are the seconds of the first calls of both sides, and how much head's differ."""
    spread = first[2] if len(first) > 2 else 1
    launches = tuple(
        Launch(
            first="base",
            seed=number,
            base=(base * wiggle,) * 3,
            head=(head,) * 3,
            first_call={"base": first[0] * wiggle, "head": first[1] * spread ** (number % 2)},
            growth={side: ratio * wiggle for side, ratio in (growth or {}).items()},
        )
        for number, wiggle in enumerate(WIGGLE)
    )
    return Measurement(test=TEST, metric=MetricName.TIME, launches=launches, looks=(8,), stopped="decided")


def share(head):
    return FunctionShare(
        test=TEST,
        function="pkg:f",
        path="pkg.py",
        changed=True,
        base=Share(calls=1, share=1, own=1),
        head=head and Share(calls=head, share=1, own=1),
    )


@pytest.mark.parametrize(
    ("base", "head", "first", "functions", "is_cached"),
    [
        pytest.param(0.027, 2e-6, (0.027, 0.027), (), True, id="a table kept from the first call"),
        pytest.param(0.027, 0.0135, (0.0271, 0.0136), (), False, id="twice as fast from the first call on"),
        pytest.param(20e-6, 10e-6, (1.02e-3, 1.01e-3), (), False, id="all starts are slow"),
        pytest.param(20e-6, 10e-6, (1.02e-3, 1.01e-3), (share(None),), True, id="and the function is not called later"),
        pytest.param(0.027, 0.0135, (0.0271, 0.0136), (share(None),), False, id="not called, and faster at once"),
        pytest.param(0.027, 0.026, (0.027, 0.027), (share(1),), False, id="a little faster, and called"),
        pytest.param(0.027, 2e-6, (0.027, 0.006, 9), (share(None),), True, id="not called, and not known"),
        pytest.param(0.027, 2e-6, (0.027, 0.006, 9), (), False, id="not known, and nothing points to a cache"),
    ],
)
def test_a_claim_that_holds_only_for_repeated_calls_needs_review(base, head, first, functions, is_cached):
    comparison = judge(samples(timed(base, head, first), functions=functions), ("cpu",), RULES)
    (found,) = comparison.first_calls
    assert (comparison.verdict, found.is_cached) == (Verdict.IMPROVED, is_cached)
    assert found.head / found.base == pytest.approx(found.interval.ratio)
    findings = [finding for finding in comparison.needs_review if "only later calls" in finding]
    assert len(findings) == is_cached
    assert ["perhaps" in finding for finding in findings] == [len(first) > 2] * is_cached


def test_a_function_that_head_no_longer_has_is_no_cache():
    measured = samples(timed(20e-6, 10e-6, (1.02e-3, 1.01e-3)), functions=(share(None),))
    assert not judge(measured, ("cpu",), RULES, removed={"pkg:f"}).first_calls[0].is_cached


@pytest.mark.parametrize(("head", "is_found"), [(None, True), (1, False)])
def test_memory_alone_of_a_function_that_later_calls_no_longer_execute_needs_review(head, is_found):
    peak = timed(50e6, 10e6, (1.0, 1.0)).model_copy(update={"metric": MetricName.PEAK})
    comparison = judge(samples(peak, functions=(share(head),)), ("mem",), RULES)
    assert comparison.verdict is Verdict.IMPROVED
    assert any("execute pkg:f at base and no longer at head" in each for each in comparison.needs_review) is is_found


@pytest.mark.parametrize(("growth", "sides"), [({"base": 1.5, "head": 1.0}, ["base"]), ({"base": 1.02}, []), ({}, [])])
def test_calls_that_take_longer_and_longer_need_review(growth, sides):
    comparison = judge(samples(timed(0.002, 0.001, (0.002, 0.001), growth)), ("cpu",), RULES)
    findings = [finding for finding in comparison.needs_review if "longer and longer" in finding]
    assert [side for side in ("base", "head") if any(f"at {side} " in finding for finding in findings)] == sides


def test_what_child_processes_use_is_not_claimed():
    time = timed(0.002, 0.001, (0.002, 0.001))
    peak = time.model_copy(update={"metric": MetricName.PEAK, "children": ("head",)})
    peak = peak.model_copy(update={"why_not": "and they are gone"})
    left = peak.model_copy(update={"metric": MetricName.LEAKED})
    comparison = judge(samples(time, peak, left), ("cpu",), RULES)
    assert [change.metric for change in comparison.changes] == [MetricName.TIME]
    name = TEST.rpartition("::")[2]
    finding = f"peak memory of {name} is not known: at head its call uses child processes, and they are gone"
    assert comparison.needs_review == (finding,)
    with pytest.raises(
        IncomparableError, match=r"peak memory of .* is not known: at head .*\n.*measure `time` instead"
    ):
        judge(samples(time, peak), ("mem",), RULES)


def test_a_peak_with_child_processes_is_claimed_as_such():
    peak = timed(2e6, 1e6, (2e6, 1e6)).model_copy(update={"metric": MetricName.PEAK, "together": True})
    left = peak.model_copy(update={"metric": MetricName.LEAKED, "children": ("head",), "together": False})
    comparison = judge(samples(peak, left), ("mem",), RULES)
    assert [(change.metric, change.together) for change in comparison.changes] == [(MetricName.PEAK, True)]
    assert not comparison.needs_review
