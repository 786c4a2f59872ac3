"""Check benchmark tests against the rules, by reading them and by watching them run."""

from collections.abc import Sequence

from ...bench.observing.watching import WatchedCall
from ..benchmark_file import BenchmarkFile
from . import dynamic, static
from .rules import RULES, Rule
from .static import Finding, LintContext

__all__ = ["RULES", "BenchmarkFile", "Finding", "LintContext", "Rule", "findings"]

_BETTER_WATCHED = frozenset({"mock-allocates-nothing", "mock-wrong-type"})
"""Rules that watching the mock run decides; reading decides only if it did not run."""
_ONE_PER_TEST = frozenset({"inputs-changed", "lazy-result", "setup-measured"})
"""Rules for which reading and running report the same fault at different lines."""
_SHORTENS = frozenset({"target-patched", "mock-allocates-nothing"})
"""Rules whose findings explain why a call takes next to no time."""


def findings(file: BenchmarkFile, context: LintContext, watched: Sequence[WatchedCall] = ()) -> tuple[Finding, ...]:
    """Return the violations, by line; `watched` are the benchmark's calls if it was run."""
    ran = {substitute.line for call in watched for substitute in call.substitutes}
    read = [each for each in static.findings(file, context) if each.rule not in _BETTER_WATCHED or each.line not in ran]
    lines = {(each.rule, each.line) for each in read}
    tests = {(each.rule, each.test) for each in read if each.rule in _ONE_PER_TEST}
    seen = [each for each in dynamic.findings(file, context, watched) if (each.rule, each.line) not in lines]
    seen = [each for each in seen if (each.rule, each.test) not in tests]
    shortened = {each.test for each in (*read, *seen) if each.rule in _SHORTENS}
    seen = [each for each in seen if each.rule != "toy-input" or each.test not in shortened]
    return tuple(static.by_line({*read, *seen}))
