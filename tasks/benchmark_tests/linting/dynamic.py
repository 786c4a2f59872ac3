"""Hold a benchmark against the rules by what was seen of it while it ran."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from ...bench.domains import ALMOST_NOTHING
from ...text import figures
from .static import Finding, restored, subject_of

if TYPE_CHECKING:
    from ...bench.observing.watching import Substitute, WatchedCall
    from ..benchmark_file import BenchmarkFile, BenchmarkTest
    from .static import LintContext

SHORTEST: Final = 5e-7
"""Seconds of a call below which it is mostly the cost of calling: ten to twenty times what calling an empty function costs."""
FAR_BELOW: Final = 0.1
"""Of the time that recorded calls took (their median), below which an input is a toy beside them."""
LEAST_SHARE: Final = 0.5
"""Of the measured time that the function under test should have."""


def findings(file: BenchmarkFile, expected: LintContext, seen: Sequence[WatchedCall]) -> list[Finding]:
    """Return what breaks the rules, and could only be found by running."""
    tests = {test.name: test for test in file.tests}
    found: list[Finding] = []
    for call in seen:
        name = call.key.rpartition("::")[2].partition("[")[0].partition("#")[0]
        test = tests.get(name)
        line = test.measured[0].line if test else 1
        found += [Finding(rule, where or line, name, told) for rule, where, told in _of(call, test, expected, file)]
    return sorted(set(found), key=lambda finding: (finding.line, finding.rule, finding.found))


def _of(
    call: WatchedCall, test: BenchmarkTest | None, expected: LintContext, file: BenchmarkFile
) -> Iterator[tuple[str, int, str]]:
    changed = [name for name in call.changed if test is None or name not in restored(test)]
    if changed:
        yield "inputs-changed", 0, f"the first round changes {', '.join(changed)}"
    if call.lazy:
        yield "lazy-result", 0, f"the call returns a {call.returns}, and nothing consumes it"
    for name, line in call.patched_properties:
        yield "property-on-instance", line, f"{name} is a property of the type, patched on an instance"
    for substitute in call.substitutes:
        yield from _about(substitute, file)
    if not changed and not call.lazy:
        # Where it does nothing, or not always the same, its time says nothing.
        yield from _about_size(call, expected) if _is_small(call, expected) else _about_share(call, test, expected)


def _about(substitute: Substitute, file: BenchmarkFile) -> Iterator[tuple[str, int, str]]:
    is_fake = substitute.patched or ("." in substitute.name and not file.is_callback(substitute.line))
    if is_fake and substitute.peak < ALMOST_NOTHING:
        peak = figures.size(substitute.peak)
        yield (
            "mock-allocates-nothing",
            substitute.line,
            f"{substitute.name} allocated {peak} at most while it ran in the place of real code",
        )
    if substitute.patched and not substitute.fits:
        yield (
            "mock-wrong-type",
            substitute.line,
            f"{substitute.name} returned {substitute.returned}, the real one returns {substitute.expected}",
        )


def _is_small(call: WatchedCall, expected: LintContext) -> bool:
    return call.seconds < max(SHORTEST, FAR_BELOW * expected.recorded)


def _about_size(call: WatchedCall, expected: LintContext) -> Iterator[tuple[str, int, str]]:
    if call.seconds < SHORTEST:
        yield "toy-input", 0, f"a call takes {figures.seconds(call.seconds)}"
    elif expected.recorded and call.seconds < FAR_BELOW * expected.recorded:
        usual = figures.seconds(expected.recorded)
        yield (
            "toy-input",
            0,
            f"a call takes {figures.seconds(call.seconds)}; those that were recorded took {usual} (median)",
        )


def _about_share(
    call: WatchedCall, test: BenchmarkTest | None, expected: LintContext
) -> Iterator[tuple[str, int, str]]:
    """Tell where most of the time goes elsewhere than to the function under test, as far as Python sees it."""
    subject = subject_of(test, expected) if test else expected.target
    found = test.file.sources.try_find(subject) if test and subject else None
    if found is None or found.definition.kind != "function" or not call.shares:
        return
    share = call.shares.get((found.path, found.definition.name))
    if share is not None and share < LEAST_SHARE and not found.definition.is_async:
        name = subject.rpartition(":")[2]
        yield "setup-measured", 0, f"{name} has {figures.share(round(share, 2))} of the measured time"
