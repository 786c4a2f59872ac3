"""Count the calls of some functions, the seconds that they take, and the project's functions that call them."""

from __future__ import annotations

import os
import sys
import threading
import time
import types
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from prprep_worker.exploring.calls import ENDINGS, CallWatch
from prprep_worker.recording.functions import WantedFunction

CHAINS_OF_FIRST = 200
"""Of so many calls in a test the callers are noted, then of every EVERY-th: to walk the stack takes time."""
EVERY = 64
DEEPEST = 120
"""Frames of the stack that are looked at."""
CALLERS = 6
"""Functions of the project that are noted above a call: so many nearest ones, and so many outermost ones."""
LONGEST = 12
"""Calls of a test whose time is kept: those that spend the most in the function that matters."""

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


class ReachWatch(CallWatch):
    """Watches functions, by the names of targets; seconds of a recursive one are those of its outermost call.

    With `inside`, the time of that target in each call is noted; with `chains`, the callers.
    """

    def __init__(
        self, targets: Mapping[str, WantedFunction], tree: str, inside: str = "", *, chains: bool = False
    ) -> None:
        self._inside, self._notes_chains = inside, chains
        self._tree, self._tests = os.path.realpath(tree) + os.sep, ""
        self._thread = _Thread()
        self.reached: dict[str, Reach] = {}
        self._resumable: dict[int, CallTime] = {}
        """The calls of generators and coroutines, by the identity of their frame or wrapper: to refer to it would keep
        what it holds alive."""
        super().__init__(targets, identify=bool(inside))

    def restart(self, test_file: str) -> None:
        """Forget what was reached; the functions of this file are no callers."""
        self.reached, self._tests, self._thread.overhead = {}, os.path.realpath(test_file), 0.0
        self._resumable.clear()

    def enter(self, target: str, *, is_call: bool = True, resumable: int = 0) -> None:
        entered, thread = time.perf_counter(), self._thread
        depth = thread.depths.get(target, 0)
        thread.depths[target] = depth + 1
        reach = self.reached.get(target) or Reach()
        if is_call:  # else it may have begun in an earlier test
            self.reached[target] = reach
        reach.calls += is_call
        is_noted = depth == 0 and self._notes_chains and (reach.calls <= CHAINS_OF_FIRST or reach.calls % EVERY == 0)
        callers = tuple(self._callers()) if is_noted else None
        chain = callers and (*callers[:CALLERS], *callers[CALLERS:][-CALLERS:])
        began = time.perf_counter()
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
        now, thread = time.perf_counter(), self._thread
        if not thread.open or thread.open[-1].target != target:
            return  # it began before it was watched
        call = thread.open.pop()
        thread.depths[target] -= 1
        reach = self.reached.get(target)
        if reach is not None:
            reach.failed += error is not None and not isinstance(error, ENDINGS)
        if reach is not None and not thread.depths[target]:
            seconds = max(0.0, now - call.began - (thread.overhead - call.overhead))
            reach.seconds += seconds
            if call.time is not None:
                call.time.seconds += seconds
                call.time.inside += self._seconds_inside - call.inside
                reach.note_call(call.time)
            if call.chain is not None:
                reach.chains[call.chain] = reach.chains.get(call.chain, 0.0) + seconds
        thread.overhead += time.perf_counter() - now

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
