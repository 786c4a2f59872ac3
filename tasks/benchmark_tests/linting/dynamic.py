"""Check a benchmark against the rules by what was observed while it ran."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ...bench.domains import ALMOST_NOTHING
from ...bench.observing.watching import Substitute, WatchedCall
from ...text import figures
from ..benchmark_file import BenchmarkFile, BenchmarkTest
from .static import Finding, LintContext, restored, subject_of

SHORTEST: Final = 5e-7
"""Seconds below which a call is mostly the cost of calling: ten to twenty times a call of an empty function."""
TOY_SHARE: Final = 0.1
"""The share of the median time of recorded calls below which an input is a toy."""
LEAST_SHARE: Final = 0.5
"""The least share of the measured time for the function under test."""

Violation = tuple[str, int, str]
"""Rule, line (0 for the measured call's), message."""


def findings(file: BenchmarkFile, context: LintContext, watched: Sequence[WatchedCall]) -> list[Finding]:
    """Return the violations that only running shows, by line."""
    tests = {test.name: test for test in file.tests}
    violations = set()
    for call in watched:
        name = call.key.rpartition("::")[2].partition("[")[0].partition("#")[0]
        test = tests.get(name)
        first = test.measured[0].line if test else 1
        violations |= {
            Finding(rule, line or first, name, message) for rule, line, message in _of(call, test, context, file)
        }
    return sorted(violations, key=lambda finding: (finding.line, finding.rule, finding.message))


def _of(
    call: WatchedCall, test: BenchmarkTest | None, context: LintContext, file: BenchmarkFile
) -> Iterator[Violation]:
    changed = [name for name in call.changed if test is None or name not in restored(test)]
    if changed:
        yield "inputs-changed", 0, f"the first round changes {', '.join(changed)}"
    if call.lazy:
        yield "lazy-result", 0, f"the call returns a {call.returns}, and nothing consumes it"
    for name, line in call.patched_properties:
        yield "property-on-instance", line, f"{name} is a property of the type, patched on an instance"
    for substitute in call.substitutes:
        yield from _of_substitute(substitute, file)
    if not changed and not call.lazy:  # else the time of a call says nothing
        yield from _of_duration(call, context) or _of_share(call, test, context)


def _of_substitute(substitute: Substitute, file: BenchmarkFile) -> Iterator[Violation]:
    is_fake = substitute.patched or ("." in substitute.name and not file.is_callback(substitute.line))
    if is_fake and substitute.peak < ALMOST_NOTHING:
        peak = figures.size(substitute.peak)
        message = f"{substitute.name} allocated {peak} at most while it ran instead of real code"
        yield "mock-allocates-nothing", substitute.line, message
    if substitute.patched and not substitute.fits:
        message = f"{substitute.name} returned {substitute.returned}, the real one returns {substitute.expected}"
        yield "mock-wrong-type", substitute.line, message


def _of_duration(call: WatchedCall, context: LintContext) -> list[Violation]:
    duration = f"a call takes {figures.seconds(call.seconds)}"
    if call.seconds < SHORTEST:
        return [("toy-input", 0, duration)]
    if call.seconds < TOY_SHARE * context.recorded:
        return [("toy-input", 0, f"{duration}; recorded calls took {figures.seconds(context.recorded)} (median)")]
    return []


def _of_share(call: WatchedCall, test: BenchmarkTest | None, context: LintContext) -> list[Violation]:
    """Check that most of the time, as Python sees it, is spent in the function under test."""
    subject = subject_of(test, context) if test else context.target
    located = test.file.sources.try_find(subject) if test and subject else None
    if located is None or located.definition.kind != "function" or located.definition.is_async:
        return []
    share = call.shares.get((located.path, located.definition.name)) if call.shares else None
    if share is None or share >= LEAST_SHARE:
        return []
    name = subject.rpartition(":")[2]
    return [("setup-measured", 0, f"{name} has {figures.share(round(share, 2))} of the measured time")]
