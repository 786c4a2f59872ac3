"""Verdicts as JUnit XML, which CI systems show: a suite for each item, with a case for it and for each test."""

from collections.abc import Iterator, Sequence
from io import BytesIO

from junitparser import Error, Failure, Skipped
from junitparser.xunit2 import JUnitXml, TestCase, TestSuite

from ..artifacts import Verdict
from ..processes import secrets
from ..stages.report.report import BLOCKED, READY, REVIEW
from ..text.markdown import plain
from .models import Change, Comparison, Item

Result = Error | Failure | Skipped
_FIGURES = ("unit", "base", "head", "ratio", "low", "high", "confidence", "verdict", "primary", "samples", "launches")


def junit_text(items: Sequence[Item]) -> str:
    """Return the XML, without secrets."""
    whole = JUnitXml("prprep")
    for item in items:
        suite = TestSuite(item.id)
        suite.add_testcases([_of_item(item), *(_of_tests(item, item.comparison) if item.comparison else ())])
        whole.add_testsuite(suite)
    whole.update_statistics()
    stream = BytesIO()
    whole.write(stream, pretty=True)
    return secrets.masked(stream.getvalue().decode())


def _of_item(item: Item) -> TestCase:
    case = _case(item.title, item.id, _state(item))
    properties = {
        "state": item.state,
        "base": item.base and item.base.sha,
        "head": item.head and item.head.sha,
        "headline": item.comparison and plain(item.comparison.headline),
        "measured at": item.measured_at,
    }
    for name, value in properties.items():
        if value:
            case.add_property(name, value)
    return case


def _state(item: Item) -> Result | None:
    message = plain("; ".join(item.reasons)) or item.state
    if item.failure:
        return _with_text(Error(message, BLOCKED), item.failure.message)
    if item.state not in {READY, REVIEW} or (item.benchmark and item.benchmark.needs):
        return Skipped(message, item.state)
    return None


def _of_tests(item: Item, comparison: Comparison) -> Iterator[TestCase]:
    tests = dict.fromkeys((*(change.test for change in comparison.changes), *comparison.unmeasured))
    for test in tests:
        changes = [change for change in comparison.changes if change.test == test]
        case = _case(test, item.id, _verdict(comparison, test, changes))
        for change in changes:
            for name in _FIGURES:
                case.add_property(f"{change.metric} {name}", str(getattr(change, name)))
        yield case


def _verdict(comparison: Comparison, test: str, changes: Sequence[Change]) -> Result | None:
    """Return a failure if any metric costs more at head, a skip if the test decides nothing, else None."""
    if not comparison.fresh:
        return Skipped("measured before the last change; run prprep again", "stale")
    if test in comparison.unmeasured:
        return Skipped("other processes interrupted every measurement", "not measured")
    if all(change.control_row for change in changes):
        return Skipped("it reaches no changed code", "control row")
    effects = {
        verdict: "; ".join(change.effect for change in changes if change.verdict == verdict) for verdict in Verdict
    }
    if effects[Verdict.REGRESSED]:
        return Failure(plain(effects[Verdict.REGRESSED]), Verdict.REGRESSED.value)
    if any(change.primary and change.verdict == Verdict.INCONCLUSIVE for change in changes):
        return Skipped(plain(effects[Verdict.INCONCLUSIVE]), Verdict.INCONCLUSIVE.value)
    return None


def _case(name: str, item_id: str, result: Result | None) -> TestCase:
    case = TestCase(plain(name), plain(item_id))
    if result is not None:
        case.result = result
    return case


def _with_text(result: Result, text: str) -> Result:
    result.text = plain(text)
    return result
