"""Sample the stack while the benchmark's call is made again and again.

A Python signal handler, or a thread that looks at `sys._current_frames`, sees the program only where the interpreter
looks up from its work: at the entry of functions and at the end of loops. A function without loops or calls would be
charged for what its caller did before it, and its caller for what it does (a function with all of the time in it got
none). So `faulthandler` takes the timer's signal: its handler is C code, which dumps the stack at whatever machine
instruction the timer strikes, within long C calls as well. If that is impossible, a thread looks.
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
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from typing import Any

from prprep_worker.benchmark import calls as calls_module
from prprep_worker.benchmark.calls import Calls, drive
from prprep_worker.benchmark.children import is_forkable
from prprep_worker.forking import exit_of_child, fork_child

Place = tuple[str, int, str]
Weighted = tuple[float, list[Place]]

BATCH_SECONDS = 0.01
INTERVAL, LONGEST_INTERVAL = 0.001, 0.05
JITTER = 0.5, 1.5
TOLERATED_LOSS = 0.1
KILLED = b"killed"
ASIDE = ("arguments", "end")
"""Methods of Calls that run setup and teardown."""

_FRAME = re.compile(r'\s+File "(.*)", line (\d+) in (.*)')
_clock = time.perf_counter


async def sampled(calls: Calls, seconds: float, sampler: str) -> tuple[list[Weighted], str]:
    """Return the stacks in calls, without setup and teardown, and the sampler that saw them: signal or thread.

    `sampler` is the requested one; `child` is the signal if it can only end a forked child, else the thread.
    """
    by_signal = sampler == "signal" or (sampler == "child" and is_forkable(calls))
    stacks = await _sampled_by_signal(calls, seconds) if by_signal and _signal_is_free() else None
    sampler = "thread" if stacks is None else "signal"
    if stacks is None:
        stacks = await _sampled_by_thread(calls, seconds)
    return [stack for stack in stacks if not _is_aside(stack)], sampler


def _is_aside(stack: Weighted) -> bool:
    return any(file == calls_module.__file__ and name.rpartition(".")[2] in ASIDE for file, _, name in stack[1])


async def _repeated(calls: Calls, seconds: float) -> None:
    """Call for `seconds`, and at least once; in batches, so that the code around small calls does not count."""
    batch = 1 if calls.setup or calls.teardown else max(1, int(BATCH_SECONDS / max(calls.seconds, 1e-7)))
    ends = _clock() + seconds
    while True:
        await calls.run_under(nullcontext(), batch)
        if _clock() >= ends:
            return


def _signal_is_free() -> bool:
    """Return whether the project's code does not use the timer and its signal, and they reach the thread that calls."""
    return (
        hasattr(faulthandler, "register")
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGALRM) in (signal.SIG_DFL, signal.SIG_IGN)
        and signal.getitimer(signal.ITIMER_REAL)[0] == 0
    )


async def _sampled_by_signal(calls: Calls, seconds: float) -> list[Weighted] | None:
    """Return the stacks at the timer's signals, None if too many are incomplete.

    Python may be about to link or unlink a frame when the timer strikes, and reading the stack then kills the process
    (seen with generators from Python 3.11 on, once in 10 to 500 samples). So a forked child is sampled if possible;
    another one replaces it if it dies, and its dumps are kept.
    """
    with tempfile.TemporaryFile() as dumps:
        if is_forkable(calls):
            _sample_children(calls, seconds, dumps)
        else:
            await _sample(calls, seconds, dumps)
        dumps.seek(0)
        return _read_dumps(dumps.read().decode("ascii", "replace").splitlines())


def _sample_children(calls: Calls, seconds: float, dumps: Any) -> None:
    ends = _clock() + seconds
    while _clock() < ends:
        child = fork_child(lambda: _be_sampled(calls, ends - _clock(), dumps))
        if exit_of_child(child) == 0:
            return
        os.write(dumps.fileno(), b"\n" + KILLED + b"\n")


def _be_sampled(calls: Calls, seconds: float, dumps: Any) -> int:
    # What ends this child is expected: no core file, no report.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    faulthandler.disable()
    drive(_sample(calls, seconds, dumps))
    return 0


async def _sample(calls: Calls, seconds: float, dumps: Any) -> None:
    """Call for `seconds`, and let `faulthandler` dump the stack whenever the timer strikes.

    An even timer keeps step with calls of about its own period, and finds them in the same places each time: of a share
    of 36 % it saw 25 to 39 %. So a handler in Python, which runs somewhat later, draws the next time; until then,
    within a long C call, the timer goes on evenly.
    """
    # The project keeps the state of its own `random`.
    rng, is_sampling, interval = random.Random(1), [True], _interval(dumps)  # noqa: S311 - no secret

    def draw(_number: int, _frame: object) -> None:
        if is_sampling:
            signal.setitimer(signal.ITIMER_REAL, rng.uniform(*JITTER) * interval, interval)

    before = signal.signal(signal.SIGALRM, draw)
    faulthandler.register(signal.SIGALRM, file=dumps, all_threads=False, chain=True)
    try:
        signal.setitimer(signal.ITIMER_REAL, interval, interval)
        await _repeated(calls, seconds)
    finally:
        is_sampling.clear()
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.unregister(signal.SIGALRM)
        signal.signal(signal.SIGALRM, before)


def _interval(dumps: Any) -> float:
    """Choose how often to sample: dumps take at most a fifth of the time, and old Pythons write letter by letter."""
    place, took = os.lseek(dumps.fileno(), 0, os.SEEK_CUR), LONGEST_INTERVAL
    for _ in range(3):
        begun = _clock()
        faulthandler.dump_traceback(file=dumps, all_threads=False)
        took = min(took, _clock() - begun)
    os.lseek(dumps.fileno(), place, os.SEEK_SET)
    os.truncate(dumps.fileno(), place)
    return min(max(INTERVAL, 5 * took), LONGEST_INTERVAL)


def _read_dumps(lines: Iterable[str]) -> list[Weighted] | None:
    """Read what `faulthandler` wrote: stacks from the innermost frame, each below a heading.

    Return None if too many are deeper than it goes (100 frames), or incomplete.
    """
    stacks, incomplete = [], 0
    for line in lines:
        frame = _FRAME.match(line)
        if frame and stacks:
            stacks[-1][1].append((_unescaped(frame[1]), int(frame[2]), frame[3]))
        elif line.strip() == "...":
            incomplete += 1
        elif line.endswith("(most recent call first):"):
            stacks.append((1.0, []))
        elif line == KILLED.decode():
            incomplete += 1
            del stacks[-1:]
    return stacks if stacks and incomplete <= TOLERATED_LOSS * len(stacks) else None


def _unescaped(name: str) -> str:
    """Restore the letters that `faulthandler` escapes; it does not escape backslashes."""
    return re.sub(
        r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))",
        lambda match: chr(int(match[1] or match[2] or match[3], 16)),
        name,
    )


async def _sampled_by_thread(calls: Calls, seconds: float) -> list[Weighted]:
    """Return the stacks that a thread sees, weighted by the time since the last: it waits during long C calls."""
    stacks, over, caller, rng = [], threading.Event(), threading.get_ident(), random.Random(1)  # noqa: S311 - no secret

    def watch() -> None:
        seen = _clock()
        while not over.wait(rng.uniform(*JITTER) * INTERVAL):
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
