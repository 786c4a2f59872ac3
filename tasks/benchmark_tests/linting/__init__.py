"""Hold benchmark tests against the rules: what can be read in them, and what shows when they are run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..benchmark_file import BenchmarkFile
from . import dynamic, static
from .rules import RULES, Rule
from .static import Finding, LintContext

if TYPE_CHECKING:
    from ...bench.observing.watching import WatchedCall

__all__ = ["RULES", "BenchmarkFile", "Finding", "LintContext", "Rule", "findings"]

_SEEN = frozenset({"mock-allocates-nothing", "mock-wrong-type"})
"""Rules of which running tells more than reading, of the mocks that ran."""


_REPLACES = frozenset({"target-patched", "mock-allocates-nothing"})
"""Rules whose findings tell why a call takes next to no time."""
_ONCE = frozenset({"inputs-changed", "lazy-result", "setup-measured"})
"""Rules of which one finding for a test is enough: running tells of the same, with another line."""


def findings(file: BenchmarkFile, expected: LintContext, seen: Sequence[WatchedCall] = ()) -> tuple[Finding, ...]:
    """Return what breaks the rules, by line; `seen` is what was seen of the benchmark while it ran, () where it was not run."""
    ran = {substitute.line for call in seen for substitute in call.substitutes}
    read = [each for each in static.findings(file, expected) if each.rule not in _SEEN or each.line not in ran]
    at_lines = {(each.rule, each.line) for each in read}
    of_tests = {(each.rule, each.test) for each in read if each.rule in _ONCE}
    more = [
        each
        for each in dynamic.findings(file, expected, seen)
        if (each.rule, each.line) not in at_lines and (each.rule, each.test) not in of_tests
    ]
    replaced = {each.test for each in (*read, *more) if each.rule in _REPLACES}
    more = [each for each in more if each.rule != "toy-input" or each.test not in replaced]
    return tuple(sorted({*read, *more}, key=lambda finding: (finding.line, finding.rule, finding.found)))
