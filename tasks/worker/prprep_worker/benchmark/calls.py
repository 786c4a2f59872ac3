"""Make the calls that a test handed to the `benchmark` fixture: one, or a timed block of them.

All of it is written as coroutines that wait for nothing but the target, so that functions and coroutine functions share
one protocol.
"""

from __future__ import annotations

import gc
import inspect
import resource
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import repeat
from typing import Any, NamedTuple

from prprep_worker.benchmark import waiting

Message = dict[str, Any]
Function = Callable[..., Any]
Arguments = tuple[tuple[Any, ...], Mapping[str, Any]]

# Bound now: a test may freeze or patch the clocks of the module `time`.
_clock = time.perf_counter_ns
_cpu = time.process_time_ns
_thread_cpu = time.thread_time_ns

ELSEWHERE = 0.02
"""Share of a block's CPU time; if others use more, the calling thread does not do the work alone."""
KNOWN = 0.9
"""Share of the others' CPU time that must be of threads whose waiting is known."""
LONGEST_GAP = 100_000
"""Nanoseconds between the clock and the readings on both sides of it: usually 20,000, and another process's turn is
longer."""
HARMLESS = 0.003
"""Share of the time of calls that an error may have without mattering."""
MOST_COLLECTIONS = 20
"""Collections of a generation before one of the next; of longer cycles, only the start is covered."""


class Timed(NamedTuple):
    """Some calls, and nanoseconds as `Calls.block` returns them."""

    calls: int
    wall: int
    waited: int | None
    misread: bool
    cpu: int
    thread_cpu: int

    @classmethod
    def of(cls, parts: Sequence[Timed]) -> Timed:
        """Add up several, without those that are misread unless all are."""
        parts = [part for part in parts if not part.misread] or parts
        waited = [part.waited for part in parts if part.waited is not None]
        return cls(
            sum(part.calls for part in parts),
            sum(part.wall for part in parts),
            sum(waited) if len(waited) == len(parts) else None,
            parts[0].misread,
            sum(part.cpu for part in parts),
            sum(part.thread_cpu for part in parts),
        )


class Calls:
    """The calls of one use of the fixture; a round is setup, `iterations` timed calls, teardown."""

    def __init__(
        self,
        function: Function,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        setup: Function | None = None,
        teardown: Function | None = None,
        iterations: int = 1,
        warmup: int = 0,
        disable_gc: bool = False,
    ) -> None:
        if not isinstance(iterations, int) or iterations < 1:
            raise ValueError("Must have positive int for `iterations`.")
        if iterations > 1 and setup:
            raise ValueError("Can't use more than 1 `iterations` with a `setup` function.")
        self.function, self.args, self.kwargs = function, args, kwargs or {}
        self.setup, self.teardown = setup, teardown
        self.iterations, self.warmup, self.disable_gc = iterations, warmup, disable_gc
        self.awaited = False
        self.seconds = 0.0
        self._begun = None
        self._others_work = False

    def begin(self) -> None:
        """Make the first call, untimed; if it returns a coroutine, every call from now on is awaited."""
        self._call()
        self.awaited = inspect.iscoroutine(self._begun[0])

    async def value(self) -> object:
        """Call once more, outside the blocks, and return the value."""
        self._call()
        return await self.result()

    def _call(self) -> None:
        args, kwargs = self.arguments()
        waited, begun = waiting.waited() or 0, _clock()
        value = self.function(*args, **kwargs)
        self.seconds = _seconds(begun, waited)
        self._begun = value, args, kwargs

    async def result(self) -> object:
        """Return what the call returned that was begun last."""
        (value, args, kwargs), self._begun = self._begun, None
        if self.awaited:
            waited, begun = waiting.waited() or 0, _clock()
            value = await value
            self.seconds += _seconds(begun, waited)
        self.end(args, kwargs)
        return value

    async def block(self, count: int, phase: float = 0.0) -> dict[str, int]:
        """Time `count` rounds, with garbage collected and the collector at `phase` of its cycle, 0 to 1.

        Return how many `calls` were timed, and nanoseconds: `wall` of the calls; `waited`, the part of it in which this
        thread was ready to run and waited for a core (None if the system does not report it), `misread` if that may
        hold waiting that the clock did not see; `cpu` of all threads and of child processes, `elsewhere`, the part
        of it that other threads and children used, and `others_waited`, what other threads waited for a core (None if
        that is not known); `began` and `ended`, with setup and teardown, on the clock that all processes
        share. And the context switches meanwhile, involuntary ones also of children that ended.
        """
        _lead_collector(phase)
        with self.undisturbed():
            others = waiting.other_threads() if self._others_work else {}
            processes, children = waiting.descendants_ran(), _usage_of_children()
            usage, began = _usage(), _clock()
            timed = await self._timed(count)
            ended, usage_after = _clock(), _usage()
            children_after, processes_after = _usage_of_children(), waiting.descendants_ran()
        of_children = _cpu_of(children_after) - _cpu_of(children)
        of_children += sum(ran - processes.get(process, 0) for process, ran in processes_after.items())
        elsewhere = max(0, timed.cpu - timed.thread_cpu) + of_children
        others_waited = self._others_waited(others, elsewhere) if elsewhere > ELSEWHERE * timed.cpu else 0
        return {
            "calls": timed.calls,
            "wall": timed.wall,
            "waited": timed.waited,
            "misread": timed.misread,
            "cpu": timed.cpu + of_children,
            "elsewhere": elsewhere,
            "others_waited": others_waited,
            "began": began,
            "ended": ended,
            "voluntary": usage_after.ru_nvcsw - usage.ru_nvcsw,
            "involuntary": sum(
                after.ru_nivcsw - before.ru_nivcsw
                for after, before in ((usage_after, usage), (children_after, children))
            ),
        }

    def _others_waited(self, before: Mapping[int, waiting.Scheduled], elsewhere: int) -> int | None:
        """Return the nanoseconds that other threads waited for a core since `before`.

        None if they did not use all of the CPU time `elsewhere`, so that children or threads that ended did.
        """
        self._others_work = True
        after = waiting.other_threads()
        lasting = before.keys() & after.keys()
        ran, waited = (sum(after[thread][field] - before[thread][field] for thread in lasting) for field in (0, 1))
        return waited if ran >= KNOWN * elsewhere else None

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Switch off tracing and profiling, and the garbage collector if the fixture disables it."""
        collecting, tracing, profiling = gc.isenabled(), sys.gettrace(), sys.getprofile()
        sys.settrace(None)
        sys.setprofile(None)
        if self.disable_gc:
            gc.disable()
        try:
            yield
        finally:
            sys.settrace(tracing)
            sys.setprofile(profiling)
            if collecting:
                gc.enable()

    async def run_untimed(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], count: int) -> None:
        """Call `count` times, untimed, without setup and teardown."""
        function = self.function
        if self.awaited:
            for _ in repeat(None, count):
                await function(*args, **kwargs)
        else:
            for _ in repeat(None, count):
                function(*args, **kwargs)

    async def run_under(self, context: AbstractContextManager[object], count: int = 1) -> None:
        """Call `count` times, untimed, in a context that setup and teardown are outside of."""
        args, kwargs = self.arguments()
        with context:
            await self.run_untimed(args, kwargs, count)
        self.end(args, kwargs)

    async def _timed(self, count: int) -> Timed:
        """Time the calls of `count` rounds."""
        if not self.setup and not self.teardown:
            return await self._loop(self.args, self.kwargs, count * self.iterations)
        rounds = []
        for _ in range(count):
            args, kwargs = self.arguments()
            rounds.append(await self._loop(args, kwargs, self.iterations))
            self.end(args, kwargs)
        return Timed.of(rounds)

    async def _loop(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], count: int) -> Timed:
        """Time `count` calls, with all other readings outside the clock.

        Waiting is read next to the clock: a system call is where a core that others wait for is given up.
        """
        thread_cpu, cpu = _thread_cpu(), _cpu()
        began, waited = _clock(), waiting.waited()
        if self.awaited:
            wall = await _await_calls(self.function, args, kwargs, count)
        else:
            wall = _make_calls(self.function, args, kwargs, count)
        waited_after, ended = waiting.waited(), _clock()
        cpu, thread_cpu = _cpu() - cpu, _thread_cpu() - thread_cpu
        gap = ended - began - wall
        reading = min(gap, LONGEST_GAP)
        return Timed(
            count,
            wall,
            None if waited is None or waited_after is None else waited_after - waited,
            gap > max(LONGEST_GAP, HARMLESS * wall),
            cpu - min(reading, cpu),  # the readings are not the calls'
            thread_cpu - min(reading, thread_cpu),
        )

    def arguments(self) -> Arguments:
        from_setup = self.setup() if self.setup else None
        if not from_setup:
            return self.args, self.kwargs
        if self.args or self.kwargs:
            raise TypeError("Can't use `args` or `kwargs` if `setup` returns the arguments.")
        args, kwargs = from_setup
        return args, kwargs

    def end(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        if self.teardown:
            self.teardown(*args, **kwargs)


def _seconds(begun: int, waited: int) -> float:
    """Return the seconds since two readings, without waiting for a core."""
    return max(0, _clock() - begun - ((waiting.waited() or 0) - waited)) / 1e9


def _usage() -> resource.struct_rusage:
    return resource.getrusage(resource.RUSAGE_SELF)


def _usage_of_children() -> resource.struct_rusage:
    return resource.getrusage(resource.RUSAGE_CHILDREN)


def _cpu_of(usage: resource.struct_rusage) -> int:
    return round((usage.ru_utime + usage.ru_stime) * 1e9)


def _lead_collector(phase: float) -> None:
    """Collect garbage, and lead the collector to a phase of its cycle by collections of the younger generations.

    In an application a call begins anywhere in that cycle. If it always began where a collection has just ended, a call
    that does not quite reach the next one would seem to allocate for free.
    """
    gc.collect()
    young, *older = gc.get_threshold()
    if gc.isenabled() and young:
        middle, old = (min(threshold, MOST_COLLECTIONS) + 1 for threshold in older)
        of_middle, of_young = divmod(int(phase * middle * old), middle)
        for _ in range(of_middle):
            gc.collect(1)
        for _ in range(of_young):
            gc.collect(0)


def drive(served: Coroutine[Any, Any, object]) -> object:
    """Run a coroutine that never waits."""
    try:
        served.send(None)
    except StopIteration as stop:
        return stop.value
    raise RuntimeError("a function that returned no coroutine at first returned one later")


def _make_calls(function: Function, args: tuple[Any, ...], kwargs: Mapping[str, Any], count: int) -> int:
    """Time `count` calls with as little around them as possible: even unpacking nothing costs."""
    times = repeat(None, count)
    if kwargs:
        begun = _clock()
        for _ in times:
            function(*args, **kwargs)
        return _clock() - begun
    if args:
        begun = _clock()
        for _ in times:
            function(*args)
        return _clock() - begun
    begun = _clock()
    for _ in times:
        function()
    return _clock() - begun


async def _await_calls(function: Function, args: tuple[Any, ...], kwargs: Mapping[str, Any], count: int) -> int:
    times = repeat(None, count)
    begun = _clock()
    for _ in times:
        await function(*args, **kwargs)
    return _clock() - begun
