"""Time some calls: wall time, what they waited for a core, and CPU time by who used it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple

from prprep_worker.benchmark import waiting

Function = Callable[..., Any]

# Bound now: a test may freeze or patch the clocks of the module `time`.
clock = time.perf_counter_ns  # all processes share it
_cpu = time.process_time_ns
_thread_cpu = time.thread_time_ns

KNOWN = 0.9
"""Share of the others' CPU time that must be of threads whose waiting is known."""
LONGEST_GAP = 100_000
"""Nanoseconds between the clock and the readings on both sides of it: usually 20,000, and another process's turn is
longer."""
HARMLESS = 0.003
"""Share of the time of calls that an error may have without mattering."""


class Timed(NamedTuple):
    """Some calls and their nanoseconds.

    `wall` time; `waited`, the part of it in which the thread was ready to run and waited for a core (None if the system
    does not report it), `misread` if that may hold waiting that the clock did not see; `cpu` of all threads and of
    child processes, `elsewhere`, the part of it that other threads and children used, and `others_waited`, what other
    threads waited for a core (None if that is not known). `outliving` is how many more child processes ran afterwards:
    their CPU time is not known.
    """

    calls: int
    wall: int
    waited: int | None
    misread: bool
    cpu: int
    elsewhere: int
    others_waited: int | None
    outliving: int

    @classmethod
    def of(cls, parts: Sequence[Timed]) -> Timed:
        """Add up several, without those that are misread unless all are."""
        parts = [part for part in parts if not part.misread] or parts
        calls, walls, waited, _, cpu, elsewhere, others, outliving = map(list, zip(*parts))  # noqa: B905 - Python 3.9
        misread = parts[0].misread
        return cls(
            sum(calls), sum(walls), _sum(waited), misread, sum(cpu), sum(elsewhere), _sum(others), sum(outliving)
        )


def _sum(values: Sequence[int | None]) -> int | None:
    return None if None in values else sum(filter(None, values))


async def time_calls(
    function: Function, args: tuple[Any, ...], kwargs: Mapping[str, Any], count: int, *, awaited: bool
) -> Timed:
    """Time `count` calls, with all other readings outside the clock.

    Waiting is read next to the clock: a system call is where a core that others wait for is given up.
    """
    children, others = waiting.children(), waiting.other_threads()
    thread_cpu, cpu = _thread_cpu(), _cpu()
    began, waited = clock(), waiting.waited()
    wall = await (_await_calls if awaited else _call)(function, args, kwargs, count)
    waited_after, ended = waiting.waited(), clock()
    cpu, thread_cpu = _cpu() - cpu, _thread_cpu() - thread_cpu
    children_after, others_after = waiting.children(), waiting.other_threads()
    of_children = children_after.used_since(children)
    gap = ended - began - wall
    reading = min(gap, LONGEST_GAP, cpu)  # the readings are not the calls'
    elsewhere = max(0, cpu - thread_cpu) + of_children
    return Timed(
        count,
        wall,
        None if waited is None or waited_after is None else waited_after - waited,
        gap > max(LONGEST_GAP, HARMLESS * wall),
        cpu - reading + of_children,
        elsewhere,
        _others_waited(others, others_after, elsewhere),
        children_after.outlive_since(children),
    )


def _others_waited(
    before: Mapping[int, waiting.Scheduled], after: Mapping[int, waiting.Scheduled], elsewhere: int
) -> int | None:
    """Return the nanoseconds that other threads waited for a core meanwhile.

    None if they did not use all of the CPU time `elsewhere`, so that children or threads that ended did.
    """
    lasting = before.keys() & after.keys()
    ran, waited = (sum(after[thread][field] - before[thread][field] for thread in lasting) for field in (0, 1))
    return waited if lasting and ran >= KNOWN * elsewhere else None


async def _call(function: Function, args: tuple[Any, ...], kwargs: Mapping[str, Any], count: int) -> int:
    return _make_calls(function, args, kwargs, count)


def _make_calls(function: Function, args: tuple[Any, ...], kwargs: Mapping[str, Any], count: int) -> int:
    """Time `count` calls with as little around them as possible: even unpacking nothing costs."""
    times = repeat(None, count)
    if kwargs:
        begun = clock()
        for _ in times:
            function(*args, **kwargs)
        return clock() - begun
    if args:
        begun = clock()
        for _ in times:
            function(*args)
        return clock() - begun
    begun = clock()
    for _ in times:
        function()
    return clock() - begun


async def _await_calls(function: Function, args: tuple[Any, ...], kwargs: Mapping[str, Any], count: int) -> int:
    times = repeat(None, count)
    begun = clock()
    for _ in times:
        await function(*args, **kwargs)
    return clock() - begun
