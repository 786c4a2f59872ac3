"""Measure which part of a call's time some functions take.

Watching it may take longer than it runs. So the call is timed without watching too: the difference is what watching
costs. Which part of that counts as the function's time is found with a function of the same kind that does nothing.
"""

from __future__ import annotations

import contextlib
import inspect
import threading
import time
import types
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, NamedTuple

from prprep_worker.exploring.calls import ENDINGS, CallWatch
from prprep_worker.recording.functions import WantedFunction

TIMES, CALLS = 15, 200
"""How often the function that does nothing is timed, and its calls each time."""
NAME = "watched"
LEAST = 1e-9
"""Seconds to divide by instead of zero."""


class WatchedTime(NamedTuple):
    """Seconds in a function, with what watching adds to them, and how often it was called and resumed.

    What resumes it within another call of it is `nested`.
    """

    seconds: float = 0.0
    calls: int = 0
    resumed: int = 0
    nested: int = 0


class WatchCost(NamedTuple):
    """Seconds that watching adds to a call of the function, those that count as the function's, and while paused."""

    whole: float
    inside: float
    paused: float

    def share(self, seen: WatchedTime, watched: float, unwatched: float | None) -> float:
        """Return the function's part of a call of so many seconds; those without watching are estimated if unknown."""
        resumed = seen.resumed + seen.nested
        if unwatched is None:
            each, whole = self.whole, watched - self.whole * resumed
        else:
            whole = unwatched - self.paused * seen.calls
            each = max(0.0, watched - whole) / max(resumed, 1)
        inside = seen.seconds - each * (seen.resumed * self.inside / self.whole + seen.nested)
        return max(0.0, min(1.0, inside / max(whole, LEAST)))


class _Thread(threading.local):
    def __init__(self) -> None:
        self.depth, self.began = 0, 0.0


class ShareWatch(CallWatch):
    """Watches functions as if they were one, and does as little as possible while they run.

    What one of them calls of the others is within its call; `calls` are those that raise no error.
    """

    def __init__(self, functions: Sequence[WantedFunction]) -> None:
        self.clock: Callable[[], float] = time.perf_counter
        self._thread = _Thread()
        self._nothing = _return
        self.restart()
        super().__init__({f"{NAME} {number}": each for number, each in enumerate(functions)}, identify=False)

    def restart(self) -> None:
        self._seconds, self._calls, self._failed, self._outermost, self._nested = 0.0, 0, 0, 0, 0

    def enter(self, target: str, *, is_call: bool = True, resumable: int = 0) -> None:  # noqa: ARG002 - all are one
        thread = self._thread
        self._calls += is_call
        thread.depth += 1
        if thread.depth == 1:
            self._outermost += 1
            thread.began = self.clock()
        else:
            self._nested += 1
            self.clock()  # what watching costs is the same for each

    def leave(self, target: str, error: BaseException | None = None) -> None:  # noqa: ARG002 - as above
        now, thread = self.clock(), self._thread
        if not thread.depth:
            return  # it began before it was watched
        thread.depth -= 1
        self._failed += error is not None and not isinstance(error, ENDINGS)
        if not thread.depth:
            self._seconds += now - thread.began

    @property
    def calls(self) -> int:
        return self._calls - self._failed

    @property
    def seen(self) -> WatchedTime:
        return WatchedTime(self._seconds, self._calls, self._outermost, self._nested)

    def cost(self) -> WatchCost:
        """Measure what watching costs, by the clock that is set."""
        nothing = self._nothing
        watched = types.FunctionType(nothing.__code__, nothing.__globals__, closure=nothing.__closure__)
        super()._watch_function(NAME, watched)
        plain, paused, whole, inside = [], [], [], []
        for _ in range(TIMES):
            with self.paused():
                plain.append(self._seconds_of(nothing))
                paused.append(self._seconds_of(watched))
            self.restart()
            whole.append(self._seconds_of(watched))
            inside.append(self._seconds / CALLS)
        added = max(LEAST, min(whole) - min(plain))
        return WatchCost(added, min(added, *inside), max(0.0, min(paused) - min(plain)))

    def _seconds_of(self, function: Callable[[], Any]) -> float:
        begun = self.clock()
        for _ in range(CALLS):
            resumable = function()
            if resumable is not None:
                with contextlib.suppress(*ENDINGS):
                    getattr(resumable, "__anext__", lambda value=resumable: value)().send(None)
        return (self.clock() - begun) / CALLS

    def _watch_function(self, target: str, function: types.FunctionType) -> None:
        self._nothing = next((each for is_kind, each in NOTHING if is_kind(function)), _return)
        super()._watch_function(target, function)


def _return() -> None:
    pass


def _generate() -> Iterator[None]:
    yield from ()


async def _await() -> None:
    pass


async def _generate_async() -> AsyncIterator[None]:
    for each in ():
        yield each


NOTHING: tuple[tuple[Callable[[object], bool], Any], ...] = (
    (inspect.isgeneratorfunction, _generate),
    (inspect.iscoroutinefunction, _await),
    (inspect.isasyncgenfunction, _generate_async),
)
"""Functions that do nothing, by kind."""
