"""Check a benchmark against the rules by what was observed while it ran."""

from collections.abc import Iterator, Sequence
from typing import Final

from ...bench.domains import ALMOST_NOTHING
from ...bench.observing.watching import Substitute, WatchedCall
from ...text import figures
from ..benchmark_file import BenchmarkFile, BenchmarkTest
from .static import Finding, LintContext, Violation, restored, subject_of

SHORTEST: Final = 5e-7
"""Seconds below which a call is mostly the cost of calling: ten to twenty times a call of an empty function."""
TOY_SHARE: Final = 0.1
"""The share of the median time of recorded calls below which an input is a toy."""
LEAST_SHARE: Final = 0.5
"""The least share of the measured time for the function under test."""


def findings(file: BenchmarkFile, context: LintContext, watched: Sequence[WatchedCall]) -> set[Finding]:
    """Return the violations that only running shows."""
    tests = {test.name: test for test in file.tests}
    violations = set()
    for call in watched:
        name = call.key.rpartition("::")[2].partition("[")[0].partition("#")[0]
        test = tests.get(name)
        first = test.measured[0].node.lineno if test else 1
        found = _of(call, test, first, context, file)
        violations |= {Finding(rule, line, name, message) for rule, line, message in found}
    return violations


def _of(
    call: WatchedCall, test: BenchmarkTest | None, first: int, context: LintContext, file: BenchmarkFile
) -> Iterator[Violation]:
    """Yield the violations of one call, whose `first` line is that of the measured code."""
    changed = [name for name in call.changed if test is None or name not in restored(test)]
    if changed:
        yield "inputs-changed", first, f"the first round changes {', '.join(changed)}"
    if call.lazy:
        yield "lazy-result", first, f"the call returns a {call.returns}, and nothing consumes it"
    for name, line in call.patched_properties:
        yield "property-on-instance", line or first, f"{name} is a property of the type, patched on an instance"
    for substitute in call.substitutes:
        yield from _of_substitute(substitute, first, file)
    if not changed and not call.lazy:  # else the time of a call says nothing
        if message := _too_short(call, context):
            yield "toy-input", first, message
        elif message := _too_small_share(call, test, context):
            yield "setup-measured", first, message


def _of_substitute(substitute: Substitute, first: int, file: BenchmarkFile) -> Iterator[Violation]:
    line = substitute.line or first
    is_fake = substitute.patched or ("." in substitute.name and not file.is_callback(substitute.line))
    if is_fake and substitute.peak < ALMOST_NOTHING:
        peak = figures.size(substitute.peak)
        message = f"{substitute.name} allocated {peak} at most while it ran instead of real code"
        yield "mock-allocates-nothing", line, message
    if substitute.patched and not substitute.fits:
        message = f"{substitute.name} returned {substitute.returned}, the real one returns {substitute.expected}"
        yield "mock-wrong-type", line, message


def _too_short(call: WatchedCall, context: LintContext) -> str:
    duration = f"a call takes {figures.seconds(call.seconds)}"
    if call.seconds < SHORTEST:
        return duration
    is_toy = call.seconds < TOY_SHARE * context.recorded
    return f"{duration}; recorded calls took {figures.seconds(context.recorded)} (median)" if is_toy else ""


def _too_small_share(call: WatchedCall, test: BenchmarkTest | None, context: LintContext) -> str:
    """Check that most of the time, as Python sees it, is spent in the function under test."""
    subject = subject_of(test, context) if test else ""
    located = test.file.sources.try_find(subject) if test and subject else None
    if located is None or located.definition.kind != "function" or located.definition.is_async:
        return ""
    share = call.shares.get((located.path, located.definition.name), 1.0)
    name = subject.rpartition(":")[2]
    return f"{name} has {figures.share(round(share, 2))} of the measured time" if share < LEAST_SHARE else ""
