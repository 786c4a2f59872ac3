"""How long a call has to take for a benchmark to show something, and which recordings are too short."""

import statistics
from collections.abc import Callable, Sequence
from typing import TypeVar

from ...artifacts import Recording
from ...benchmark_tests.writing.recorded_benchmark import uses_sample
from ...text import figures
from .exploration import LEAST_SHARE

T = TypeVar("T")

TOO_LONG = 5.0
"""Seconds of a call that is not scaled up further."""
LATE = 10.0
"""Seconds after which a call or a test counts as one that does not end."""
IN_PROPORTION = 0.5
"""An input that is so many times larger has to take at least this part of so many times longer."""
LARGER_AT_HEAD = 2.0
"""A larger input has to take at least so many times as long at head, too."""
ENOUGH = 5e-5
"""Seconds of a call from which on neither a caller nor a test of the project is looked for instead."""
LEAST_ROUND = 1e-5
"""Seconds of a round below which a benchmark is a toy."""
LEAST_CALL = 1e-4
"""The same if the round is a single call: of several different ones each may be short, as in everyday use."""
CACHED = "only the first call executes what head changes: later ones use what it cached"

ALIKE = 4.0
"""Times that differ by less than this factor are alike: a core that is shared may take twice as long for seconds."""
CLOSE, AGAIN = 0.1, 4
"""A share that differs from the least by less is measured so often again."""


def alike(found: Sequence[T], seconds: Callable[[T], float]) -> list[T]:
    """Return those that take about as long as the longest one, in their order."""
    longest = max(map(seconds, found))
    return [each for each in found if ALIKE * seconds(each) >= longest]


def steady_share(share: float, measure: Callable[[], float]) -> float:
    """Return the median of several measurements if chance would decide whether a share is large enough."""
    if abs(share - LEAST_SHARE) >= CLOSE:
        return share
    return statistics.median((share, *(measure() for _ in range(AGAIN))))


def round_of(recording: Recording, *, is_memory: bool = False) -> float:
    """Return the seconds of the longest round of a benchmark that would be written from a recording."""
    large = recording.call.spelling.seconds if recording.call else 0.0
    sample = recording.sample if uses_sample(recording, is_memory=is_memory) else None
    return max(large, sample.seconds) if sample else large


def refusal(recording: Recording, *, is_memory: bool = False) -> str:
    """Return why no benchmark of time, or of memory, is written from a recording; "" if it is."""
    if not recording.call and not recording.sample:
        return "no call can be written as code"
    if recording.share < LEAST_SHARE:
        return f"only {figures.share(round(recording.share, 2))} of its time is spent in {recording.changed}"
    if recording.call and not recording.call.reaches and not (recording.sample and recording.sample.reaching):
        return CACHED if recording.call.reaches_once else "no recorded call executes what head changes"
    # Of memory the benchmark makes many objects.
    is_small_object = is_memory and recording.target.endswith(".__init__") and recording.call
    least = LEAST_ROUND if uses_sample(recording, is_memory=is_memory) else LEAST_CALL
    longest = round_of(recording, is_memory=is_memory)
    if longest < least and not is_small_object:
        return f"its calls take {figures.seconds(longest)} at most, which is too short to show anything"
    return ""
