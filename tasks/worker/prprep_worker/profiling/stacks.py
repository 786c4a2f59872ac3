"""Sample the stack while the benchmark's call is made again and again.

A Python signal handler, or a thread that looks at `sys._current_frames`, sees the program only where the interpreter looks up
from its work: at the entry of functions and at the end of loops. A function without loops or calls would be charged for what
its caller did before it, and its caller for what it does (a function with all of the time in it was given none). So the timer's
signal is taken by `faulthandler`, whose handler is C code: it writes down the stack at whatever machine instruction the timer
strikes, within long C calls as well. Where that cannot be, a thread looks. Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import faulthandler
import os
import random
import re
import resource
import signal
import sys
import tempfile
import threading
import time
from itertools import repeat
from typing import TYPE_CHECKING, Any

from prprep_worker.benchmark.calls import drive
from prprep_worker.benchmark.children import is_forkable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prprep_worker.benchmark.calls import Calls

    Place = tuple[str, int, str]
    Weighted = tuple[float, list[Place]]

BATCH_SECONDS = 0.01
INTERVAL, LONGEST_INTERVAL = 0.001, 0.05
JITTER = 0.5, 1.5
TOLERATED_LOSS = 0.1
KILLED = b"killed"
ASIDE = ("prepare", "finish")

_FRAME = re.compile(r'\s+File "(.*)", line (\d+) in (.*)')
_clock = time.perf_counter


async def sampled(calls: Calls, seconds: float, sampler: str) -> tuple[list[Weighted], str]:
    """Return the stacks that were seen in calls, without setup and teardown, and the sampler that saw them: signal or thread.

    `sampler` is the one that is asked for; `child` is the signal where it can end a forked child only, and else the thread.
    """
    asked = sampler == "signal" or (sampler == "child" and is_forkable(calls))
    stacks = await _interrupted(calls, seconds) if asked and _signal_is_free() else None
    if stacks is not None:
        return [stack for stack in stacks if not _is_aside(stack)], "signal"
    return [stack for stack in await _watched(calls, seconds) if not _is_aside(stack)], "thread"


def _is_aside(stack: Weighted) -> bool:
    return any(file == __file__ and name in ASIDE for file, _, name in stack[1])


# -- the calls --------------------------------------------------------------------------------------


async def call(calls: Calls, args: tuple[Any, ...], kwargs: Mapping[str, Any], count: int) -> None:
    function = calls.function
    if calls.awaited:
        for _ in repeat(None, count):
            await function(*args, **kwargs)
    else:
        for _ in repeat(None, count):
            function(*args, **kwargs)


async def _repeated(calls: Calls, seconds: float) -> None:
    """Call for `seconds`, and once at least; in batches, so that what is around small calls does not count."""
    batch = 1 if calls.setup or calls.teardown else max(1, int(BATCH_SECONDS / max(calls.seconds, 1e-7)))
    ends = _clock() + seconds
    while True:
        args, kwargs = prepare(calls)
        await call(calls, args, kwargs, batch)
        finish(calls, args, kwargs)
        if _clock() >= ends:
            return


def prepare(calls: Calls) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    return calls.arguments()


def finish(calls: Calls, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    calls.end(args, kwargs)


# -- what part of the time --------------------------------------------------------------------------


def _signal_is_free() -> bool:
    """Return whether the timer and its signal are not the target's own, and reach the thread that calls."""
    return (
        hasattr(faulthandler, "register")
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGALRM) in (signal.SIG_DFL, signal.SIG_IGN)
        and signal.getitimer(signal.ITIMER_REAL)[0] == 0
    )


async def _interrupted(calls: Calls, seconds: float) -> list[Weighted] | None:
    """Return the stacks at the timer's signals, None where they would not do.

    Python may be about to link or unlink a frame when the timer strikes, and reading the stack then kills the process (seen
    with generators from Python 3.11 on, once in 10 to 500 samples). So a forked child is sampled where there can be one;
    another one takes its place, and what was written is kept.
    """
    with tempfile.TemporaryFile() as written:
        if is_forkable(calls):
            _sample_children(calls, seconds, written)
        else:
            await _sample(calls, seconds, written)
        written.seek(0)
        return _dumped(written.read().decode("ascii", "replace").splitlines())


def _sample_children(calls: Calls, seconds: float, written: Any) -> None:
    ends = _clock() + seconds
    while _clock() < ends:
        # The module `random` seeds itself anew in a child; a benchmark that seeded it would get other numbers.
        state, child = random.getstate(), os.fork()
        if child == 0:
            _be_sampled(calls, ends - _clock(), written, state)
        if os.waitpid(child, 0)[1] == 0:
            return
        os.write(written.fileno(), b"\n" + KILLED + b"\n")


def _be_sampled(calls: Calls, seconds: float, written: Any, state: object) -> None:
    status = 1
    try:
        # What ends this child is expected: no core file, no report.
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        faulthandler.disable()
        random.setstate(state)
        drive(_sample(calls, seconds, written))
        status = 0
    finally:
        os._exit(status)


async def _sample(calls: Calls, seconds: float, written: Any) -> None:
    """Call for `seconds`, and let `faulthandler` write the stack whenever the timer strikes.

    A timer that strikes evenly keeps step with calls of about its own period, and finds them in the same places each time: of
    a share of 36 % it made 25 to 39 %. So a handler in Python, which runs somewhat later, draws when it strikes next; until
    then, within a long C call, it goes on evenly.
    """
    lots, sampling, interval = random.Random(1), [True], _interval(written)  # noqa: S311 - no secret; the target's own `random` is left alone

    def draw(_number: int, _frame: object) -> None:
        if sampling:
            signal.setitimer(signal.ITIMER_REAL, lots.uniform(*JITTER) * interval, interval)

    before = signal.signal(signal.SIGALRM, draw)
    faulthandler.register(signal.SIGALRM, file=written, all_threads=False, chain=True)
    try:
        signal.setitimer(signal.ITIMER_REAL, interval, interval)
        await _repeated(calls, seconds)
    finally:
        sampling.clear()
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.unregister(signal.SIGALRM)
        signal.signal(signal.SIGALRM, before)


def _interval(written: Any) -> float:
    """Choose how often to sample, so that dumps take a fifth of the time at most: old Pythons write letter by letter."""
    place, took = os.lseek(written.fileno(), 0, os.SEEK_CUR), LONGEST_INTERVAL
    for _ in range(3):
        begun = _clock()
        faulthandler.dump_traceback(file=written, all_threads=False)
        took = min(took, _clock() - begun)
    os.lseek(written.fileno(), place, os.SEEK_SET)
    os.truncate(written.fileno(), place)
    return min(max(INTERVAL, 5 * took), LONGEST_INTERVAL)


def _dumped(lines: Iterable[str]) -> list[Weighted] | None:
    """Read what `faulthandler` wrote: stacks from the innermost frame, each below a heading.

    None where too many are deeper than it goes (100 frames), or were not written to their end.
    """
    stacks, lost = [], 0
    for line in lines:
        frame = _FRAME.match(line)
        if frame and stacks:
            stacks[-1][1].append((_unescaped(frame[1]), int(frame[2]), frame[3]))
        elif line.strip() == "...":
            lost += 1
        elif line.endswith("(most recent call first):"):
            stacks.append((1.0, []))
        elif line == KILLED.decode():
            lost += 1
            del stacks[-1:]
    return stacks if stacks and lost <= TOLERATED_LOSS * len(stacks) else None


def _unescaped(name: str) -> str:
    """Return back the letters that `faulthandler` writes as escapes; it does not escape backslashes."""
    return re.sub(
        r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))",
        lambda found: chr(int(found[1] or found[2] or found[3], 16)),
        name,
    )


async def _watched(calls: Calls, seconds: float) -> list[Weighted]:
    """Return the stacks that a thread sees, each weighing the time since the one before: long C calls keep the thread waiting."""
    stacks, over, caller, lots = [], threading.Event(), threading.get_ident(), random.Random(1)  # noqa: S311 - no secret

    def watch() -> None:
        seen = _clock()
        while not over.wait(lots.uniform(*JITTER) * INTERVAL):
            frame = sys._current_frames().get(caller)  # noqa: SLF001 - documented
            now = _clock()
            stacks.append((now - seen, list(_frames(frame))))
            seen = now

    switching = sys.getswitchinterval()
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    sys.setswitchinterval(INTERVAL / 10)
    try:
        await _repeated(calls, seconds)
    finally:
        over.set()
        watcher.join()
        sys.setswitchinterval(switching)
    return stacks


def _frames(frame: Any) -> Iterator[Place]:
    while frame is not None:
        yield frame.f_code.co_filename, frame.f_lineno or frame.f_code.co_firstlineno, frame.f_code.co_name
        frame = frame.f_back
