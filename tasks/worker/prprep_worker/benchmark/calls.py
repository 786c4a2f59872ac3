"""Make the calls that a test handed to the `benchmark` fixture: one, or a timed block of them.

All of it is written as coroutines that wait for nothing but the measured function, so that functions and coroutine
functions share one protocol.
"""

from __future__ import annotations

import gc
import inspect
import resource
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import repeat
from typing import Any, NamedTuple

from prprep_worker.benchmark import waiting
from prprep_worker.benchmark.timed import Timed, clock, time_calls

Message = dict[str, Any]
Function = Callable[..., Any]
Arguments = tuple[tuple[Any, ...], Mapping[str, Any]]

# Bound now: a test may freeze or patch the clocks of the module `time`.
_cpu = time.process_time_ns
_thread_cpu = time.thread_time_ns

MOST_COLLECTIONS = 20
"""Collections of a generation before one of the next; of longer cycles, only the start is covered."""


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
        self.seconds = self.elsewhere = 0.0
        self._begun = None

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
        _readings()  # for the first time they take so long that others would seem to work
        begun = _readings()
        value = self.function(*args, **kwargs)
        self.seconds, self.elsewhere = _used_since(begun)
        self._begun = value, args, kwargs

    async def result(self) -> object:
        """Return what the call returned that was begun last."""
        (value, args, kwargs), self._begun = self._begun, None
        if self.awaited:
            begun = _readings()
            value = await value
            seconds, elsewhere = _used_since(begun)
            self.seconds += seconds
            self.elsewhere += elsewhere
        self.end(args, kwargs)
        return value

    async def block(self, count: int, phase: float = 0.0) -> dict[str, int]:
        """Time `count` rounds, with garbage collected and the collector at `phase` of its cycle, 0 to 1.

        Return the fields of `Timed`, and `began` and `ended`, with setup and teardown, on the clock that all processes
        share; and the context switches meanwhile, involuntary ones also of child processes that ended.
        """
        _lead_collector(phase)
        with self.undisturbed():
            before, began = _switches(), clock()
            timed = await self._timed(count)
            ended, after = clock(), _switches()
        switches = {kind: after[kind] - before[kind] for kind in after}
        return {**timed._asdict(), "began": began, "ended": ended, **switches}

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
            return await self._time(self.args, self.kwargs, count * self.iterations)
        rounds = []
        for _ in range(count):
            args, kwargs = self.arguments()
            rounds.append(await self._time(args, kwargs, self.iterations))
            self.end(args, kwargs)
        return Timed.of(rounds)

    async def _time(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], count: int) -> Timed:
        return await time_calls(self.function, args, kwargs, count, awaited=self.awaited)

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


class _Readings(NamedTuple):
    """Nanoseconds that child processes, this process and this thread used, that the thread waited, and of the clock."""

    children: waiting.Children
    process: int
    thread: int
    waited: int
    clock: int


def _readings() -> _Readings:
    return _Readings(waiting.children(), _cpu(), _thread_cpu(), waiting.waited() or 0, clock())


def _used_since(before: _Readings) -> tuple[float, float]:
    """Return the seconds since some readings, without waiting for a core, and those that others than this thread used.

    The core may be taken between two readings; what the thread computed is the least that it took.
    """
    ended, waited, thread, process = clock(), waiting.waited() or 0, _thread_cpu(), _cpu()
    cpu = thread - before.thread
    seconds = max(ended - before.clock - (waited - before.waited), cpu)
    elsewhere = max(0, process - before.process - cpu) + waiting.children().used_since(before.children)
    return seconds / 1e9, elsewhere / 1e9


def _switches() -> dict[str, int]:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {"voluntary": own.ru_nvcsw, "involuntary": own.ru_nivcsw + children.ru_nivcsw}


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
