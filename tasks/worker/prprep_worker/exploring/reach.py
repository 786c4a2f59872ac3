"""Count the calls of some functions, the seconds that they take, and the project's functions that call them.

On Python 3.12 or newer `sys.monitoring` watches their code alone; on older versions wrappers replace them.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from prprep_worker.recording.functions import ModuleWatch, WantedFunction, find_functions
from prprep_worker.watching import claim_tool

HAS_MONITORING = sys.version_info >= (3, 12)
CHAINS_OF_FIRST = 200
"""Of so many calls in a test the callers are noted, then of every EVERY-th: to walk the stack takes time."""
EVERY = 64
DEEPEST = 120
"""Frames of the stack that are looked at."""
CALLERS = 6
"""Functions of the project that are noted above a call: so many nearest ones, and so many outermost ones."""
LONGEST = 12
"""Calls of a test whose time is kept: those that spend the most in the function that matters."""
RESUMABLE = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
CALIBRATIONS = 15, 200
"""Times, and calls of nothing in each, with and without watching them, to find what watching costs."""
ENDINGS = StopIteration, StopAsyncIteration, GeneratorExit
"""Errors that a generator, or one iteration of it, ends with."""

Codes = tuple[types.CodeType, ...]


class CallTime:
    """A call by its `number` in the test from 1: its seconds, and those in the function that matters (`inside`).

    A generator or coroutine has the sum of all its resumptions.
    """

    __slots__ = ("inside", "is_noted", "number", "seconds")

    def __init__(self, number: int) -> None:
        self.number, self.seconds, self.inside, self.is_noted = number, 0.0, 0.0, False


class Reach:
    """What one test reached of a function; `callers` are the project's, the nearest first."""

    __slots__ = ("_longest", "calls", "chains", "failed", "seconds")

    def __init__(self) -> None:
        self.calls, self.failed, self.seconds = 0, 0, 0.0
        self.chains: dict[Codes, float] = {}
        self._longest: list[CallTime] = []

    def note_call(self, call: CallTime) -> None:
        if not call.is_noted:
            call.is_noted = True
            self._longest.append(call)
        if len(self._longest) > 2 * LONGEST:
            for each in self._longest:
                each.is_noted = False
            self._longest = self.longest
            for each in self._longest:
                each.is_noted = True

    @property
    def longest(self) -> list[CallTime]:
        return sorted(self._longest, key=lambda each: -each.inside)[:LONGEST]

    def message(self, tree: str) -> dict[str, Any]:
        """Return JSON; a chain is a list of files in the tree with the first line of the function, and seconds."""
        chains = [
            [[[os.path.relpath(code.co_filename, tree), code.co_firstlineno] for code in chain], seconds]
            for chain, seconds in self.chains.items()
        ]
        longest = [(each.inside, each.number, each.seconds) for each in self.longest]
        return {"calls": self.calls, "seconds": self.seconds, "chains": chains, "longest": longest}


class OpenCall(NamedTuple):
    """A call that has not returned: the moment it began, and what was spent on watching and `inside` before it."""

    target: str
    began: float
    overhead: float
    inside: float
    time: CallTime | None
    chain: Codes | None


class _Thread(threading.local):
    def __init__(self) -> None:
        self.open: list[OpenCall] = []
        self.depths: dict[str, int] = {}
        self.overhead = 0.0
        """Seconds spent in watching, which do not count as the functions'."""


class ReachWatch:
    """Watches functions, by the names of targets; seconds of a recursive one are those of its outermost call.

    With `inside`, the time of that target in each call is noted; with `chains`, the callers.
    """

    def __init__(
        self, targets: Mapping[str, WantedFunction], tree: str, inside: str = "", *, chains: bool = False
    ) -> None:
        self._inside, self._notes_chains = inside, chains
        self._tree, self._tests = os.path.realpath(tree) + os.sep, ""
        self._modules: dict[str, dict[str, WantedFunction]] = {}
        for target, function in targets.items():
            self._modules.setdefault(function.module, {})[target] = function
        self._thread = _Thread()
        self._codes: dict[int, str] = {}
        """Targets by the identity of their code: two functions may have equal code."""
        self._tool: int | None = None
        self.reached: dict[str, Reach] = {}
        self.clock = time.perf_counter
        """Of the seconds."""
        self._added = 0.0
        """What watching adds to the seconds of a call."""
        self._resumable: dict[int, CallTime] = {}
        """The calls of generators and coroutines, by the identity of their frame or wrapper: to refer to it would keep
        what it holds alive."""
        ModuleWatch(self._modules.keys(), self._watch)

    def restart(self, test_file: str) -> None:
        """Forget what was reached; the functions of this file are no callers."""
        self.reached, self._tests, self._thread.overhead = {}, os.path.realpath(test_file), 0.0
        self._resumable.clear()

    def calibrate(self, clock: Callable[[], float]) -> None:
        """Use this clock from now on, and find what watching adds to a call, which may be more than a call takes."""
        self.clock, self._added = clock, 0.0

        def nothing() -> None:
            pass

        plain = min(self._seconds_of(nothing) for _ in range(CALIBRATIONS[0]))
        if HAS_MONITORING:
            self._codes[id(nothing.__code__)] = self._inside
            self._monitor(nothing.__code__)
            watched: Callable[..., Any] = nothing
        else:
            watched = self._wrapper(self._inside, nothing)
        inside = []
        for _ in range(CALIBRATIONS[0]):
            self.reached.clear()
            self._seconds_of(watched)
            inside.append(self._seconds_inside / CALIBRATIONS[1])
        self._added = max(0.0, min(inside) - plain)
        if HAS_MONITORING:
            sys.monitoring.set_local_events(self._tool, nothing.__code__, 0)
            del self._codes[id(nothing.__code__)]
        self.reached.clear()

    def _seconds_of(self, function: Callable[[], None]) -> float:
        begun = self.clock()
        for _ in range(CALIBRATIONS[1]):
            function()
        return (self.clock() - begun) / CALIBRATIONS[1]

    def _watch(self, module: types.ModuleType) -> None:
        targets = self._modules[module.__name__]
        for target, found in zip(targets, find_functions(module, list(targets.values()))):  # noqa: B905 - Python 3.9
            if found is None:
                continue
            if HAS_MONITORING:
                self._codes[id(found.function.__code__)] = target
                self._monitor(found.function.__code__)
            else:
                found.replace(self._wrapper(target, found.function))

    def enter(self, target: str, *, is_call: bool = True, resumable: int = 0) -> None:
        """Note that a function begins, or is resumed; `resumable` identifies the call if it can be."""
        entered, thread = self.clock(), self._thread
        depth = thread.depths.get(target, 0)
        thread.depths[target] = depth + 1
        reach = self.reached.get(target) or Reach()
        if is_call:  # else it may have begun in an earlier test
            self.reached[target] = reach
        reach.calls += is_call
        is_noted = depth == 0 and self._notes_chains and (reach.calls <= CHAINS_OF_FIRST or reach.calls % EVERY == 0)
        callers = tuple(self._callers()) if is_noted else None
        chain = callers and (*callers[:CALLERS], *callers[CALLERS:][-CALLERS:])
        began = self.clock()
        thread.overhead += began - entered
        call = self._call_time(reach.calls if is_call else 0, resumable) if self._inside else None
        thread.open.append(OpenCall(target, began, thread.overhead, self._seconds_inside, call, chain))

    def _call_time(self, number: int, resumable: int) -> CallTime | None:
        """Return what adds up the time of a new call, or of one that is resumed (0); None if it is unknown."""
        if not number:
            return self._resumable.get(resumable)
        call = CallTime(number)
        if resumable:
            self._resumable[resumable] = call
        return call

    def leave(self, target: str, error: BaseException | None = None) -> None:
        now, thread = self.clock(), self._thread
        if not thread.open or thread.open[-1].target != target:
            return  # it began before it was watched
        call = thread.open.pop()
        thread.depths[target] -= 1
        reach = self.reached.get(target)
        if reach is not None:
            reach.failed += error is not None and not isinstance(error, ENDINGS)
        if reach is not None and not thread.depths[target]:
            seconds = max(0.0, now - call.began - (thread.overhead - call.overhead) - self._added)
            reach.seconds += seconds
            if call.time is not None:
                call.time.seconds += seconds
                call.time.inside += self._seconds_inside - call.inside
                reach.note_call(call.time)
            if call.chain is not None:
                reach.chains[call.chain] = reach.chains.get(call.chain, 0.0) + seconds
        thread.overhead += self.clock() - now

    def share(self, seconds: float, whole: float = 0.0) -> float:
        """Return the part of so many seconds of this thread that the function `inside` took, without watching it.

        `whole` is what they are without watching, if that is known: then it is no estimate.
        """
        return min(1.0, self._seconds_inside / (whole or max(seconds - self._thread.overhead, 1e-9)))

    @property
    def calls(self) -> int:
        """The calls of the function `inside`, without those that raised an error."""
        reach = self.reached.get(self._inside)
        return reach.calls - reach.failed if reach else 0

    @property
    def _seconds_inside(self) -> float:
        reach = self.reached.get(self._inside)
        return reach.seconds if reach else 0.0

    def _callers(self) -> Iterator[types.CodeType]:
        """Yield the project's functions on the stack up to the test's own."""
        frame, last = sys._getframe(2), None  # noqa: SLF001 - there is no other way
        for _ in range(DEEPEST):
            if frame is None or frame.f_code.co_filename == self._tests:
                return
            code = frame.f_code
            is_named = code.co_name == "<lambda>" or not code.co_name.startswith("<")  # a name may refer to a lambda
            is_other = code is not last and id(code) not in self._codes
            if code.co_filename.startswith(self._tree) and is_named and is_other:
                yield code
                last = code
            frame = frame.f_back

    # -- Python 3.12 or newer

    def _monitor(self, code: types.CodeType) -> None:
        monitoring = sys.monitoring
        events = monitoring.events
        if self._tool is None:
            self._tool = claim_tool("prprep-reach")
            callbacks = {
                events.PY_START: self._started,
                events.PY_RESUME: self._resumed,
                events.PY_THROW: self._resumed,
                events.PY_RETURN: self._left,
                events.PY_YIELD: self._left,
                events.PY_UNWIND: self._unwound,
            }
            for event, callback in callbacks.items():
                monitoring.register_callback(self._tool, event, callback)
            # These are no local events: they are reported for all code or for none.
            monitoring.set_events(self._tool, events.PY_THROW | events.PY_UNWIND)
        local = events.PY_START | events.PY_RESUME | events.PY_RETURN | events.PY_YIELD
        monitoring.set_local_events(self._tool, code, local)

    def _started(self, code: types.CodeType, _offset: int) -> None:
        self.enter(self._codes[id(code)], resumable=self._resumed_frame(code))

    def _resumed_frame(self, code: types.CodeType) -> int:
        is_resumable = self._inside and code.co_flags & RESUMABLE
        return id(sys._getframe(2)) if is_resumable else 0  # noqa: SLF001 - as above

    def _resumed(self, code: types.CodeType, _offset: int, _error: object = None) -> None:
        if target := self._codes.get(id(code)):
            self.enter(target, is_call=False, resumable=self._resumed_frame(code))

    def _left(self, code: types.CodeType, _offset: int, _value: object) -> None:
        self.leave(self._codes[id(code)])

    def _unwound(self, code: types.CodeType, _offset: int, error: BaseException) -> None:
        if target := self._codes.get(id(code)):
            self.leave(target, error)

    # -- older versions

    def _wrapper(self, target: str, function: Callable[..., Any]) -> Callable[..., Any]:
        wrapper: Callable[..., Any]
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                return await _Resumed(self, target, function(*args, **kwargs))

        elif inspect.isasyncgenfunction(function):
            wrapper = self._wrapper_of_async_generator(target, function)

        elif inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                return (yield from _Resumed(self, target, function(*args, **kwargs)))

        else:

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                self.enter(target)
                try:
                    value = function(*args, **kwargs)
                except BaseException as error:
                    self.leave(target, error)
                    raise
                self.leave(target)
                return value

        return wrapper

    def _wrapper_of_async_generator(self, target: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            inner, is_new = function(*args, **kwargs), True
            resumed = inner.__anext__()
            while True:
                try:
                    item = await _Resumed(self, target, resumed, is_new=is_new, key=id(inner))
                except StopAsyncIteration:
                    return
                is_new = False
                try:
                    resumed = inner.asend((yield item))
                except GeneratorExit:
                    await inner.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 - the inner one gets what is thrown into this one
                    resumed = inner.athrow(error)

        return wrapper


class _Resumed:
    """A generator or coroutine: the time between its resumptions does not count."""

    def __init__(self, watch: ReachWatch, target: str, inner: Any, *, is_new: bool = True, key: int = 0) -> None:
        self._watch, self._target, self._inner, self._is_new, self._key = watch, target, inner, is_new, key

    def __iter__(self) -> _Resumed:
        return self

    __await__ = __iter__

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: object) -> Any:
        return self._run(self._inner.send, value)

    def throw(self, *error: Any) -> Any:
        return self._run(self._inner.throw, *error)

    def close(self) -> None:
        self._is_new = False
        self._run(self._inner.close)

    def _run(self, resume: Callable[..., Any], *values: Any) -> Any:
        self._watch.enter(self._target, is_call=self._is_new, resumable=self._key or id(self))
        self._is_new = False
        try:
            value = resume(*values)
        except BaseException as error:
            self._watch.leave(self._target, error)
            raise
        self._watch.leave(self._target)
        return value
