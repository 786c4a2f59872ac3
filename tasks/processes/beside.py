"""Let prprep's other programs go on beside a measurement: on the cores that it leaves free, or not at all.

One prprep may set up an item while it measures another, and those that it runs (`workspace.nested`) measure too. All of
them are a family, known by the process that the user started. While one measures, the programs of the others run
on `other_cores`; a measurement that uses all cores stops them.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from . import locks
from .cores import CORES_VARIABLE, Cores, all_cores, move, other_cores
from .descendants import descendants, threads

FIRST_VARIABLE = "PRPREP_FIRST"
"""The process that the user started, in those that it runs."""

_started: dict[int, int] = {}
"""The programs of this process, each with the thread that started it."""
_measuring: int | None = None
"""The thread that measures, if one does."""
_stopped: set[int] = set()


def family_variables() -> dict[str, str]:
    """Return the variables of a prprep that this one runs: the family's first process, and all of its cores."""
    cores = ",".join(map(str, all_cores()))
    return {FIRST_VARIABLE: str(_first()), **({CORES_VARIABLE: cores} if cores else {})}


def began(program: int) -> None:
    """Note that this thread started a program."""
    _started[program] = threading.get_ident()


def ended(program: int) -> None:
    _started.pop(program, None)


@contextmanager
def on_free_cores() -> Iterator[None]:
    """Let this thread, and so what it starts in the block, leave the core to another one that measures."""
    before, free = ((), ()) if not another_measures() else (all_cores(), other_cores())
    if free:
        move(0, free)
    try:
        yield
    finally:
        if free:
            move(0, before)


@contextmanager
def measuring() -> Iterator[None]:
    """Keep the family's other programs on `other_cores` during the block; the thread has no program yet."""
    global _measuring  # noqa: PLW0603 - one thread of a process measures at a time, under a lock
    free, every, before = other_cores(), all_cores(), dict[int, Cores]()
    _measuring = threading.get_ident()
    try:
        for thread in _other_threads() if free else ():
            with suppress(OSError):
                before[thread] = tuple(sorted(os.sched_getaffinity(thread)))
                move(thread, free)
        yield
    finally:
        let_others_go_on()
        _measuring = None
        for thread in _other_threads() if free else ():
            with suppress(OSError):
                if tuple(sorted(os.sched_getaffinity(thread))) == free:
                    move(thread, before.get(thread, every))


def stop_others() -> None:
    """Stop the family's other programs; those that start later, at the next call."""
    if _measuring == threading.get_ident():
        for process in others():
            _stopped.add(process)
            _signal(process, signal.SIGSTOP)


def let_others_go_on() -> None:
    while _stopped:
        _signal(_stopped.pop(), signal.SIGCONT)


def another_measures() -> bool:
    """Return whether another thread of this process, or another process of the family, is measuring."""
    if _measuring is not None:
        return _measuring != threading.get_ident()
    holder = locks.holder(locks.machine_lock())
    return holder not in {None, os.getpid()} and _first() in {holder, *_ancestors(holder or 0)}


def recover() -> None:
    """Let the family's programs go on, on all cores: one that measured may have been killed meanwhile."""
    if _measuring is None:
        for process in _beside_this():
            _signal(process, signal.SIGCONT)
            for thread in threads(process):
                move(thread, all_cores())


def is_held_for_family(lock: Path) -> bool:
    """Return whether a process that the family descends from holds a lock, and so waits for the family."""
    return locks.holder(lock) in _ancestors(_first())


def others() -> Iterator[int]:
    """Yield the processes of the family that run for something else than what this thread measures."""
    thread = threading.get_ident()
    programs = {program for program, starter in _started.copy().items() if starter == thread}
    own = {process for program in programs for process in (program, *descendants(program))}
    # The first of the family knows its programs; those of the others are all that it has started.
    known = {process for program in _started.copy() for process in (program, *descendants(program))}
    all_of_them = known if _first() == os.getpid() else _beside_this()
    yield from (process for process in all_of_them - own if not _is_reaper(process))


def family() -> set[int]:
    """Return all processes of the family: the first one, and what it has started."""
    return {_first(), *descendants(_first())}


def _beside_this() -> set[int]:
    """Return the processes that the family has started: neither this one nor what it runs for."""
    me = os.getpid()
    return family() - {_first(), me} - _ancestors(me)


def _first() -> int:
    text = os.environ.get(FIRST_VARIABLE, "")
    return int(text) if text.isdigit() else os.getpid()


def _ancestors(process: int) -> set[int]:
    import psutil  # not for every run: most have nothing beside a measurement

    with suppress(psutil.Error):
        return {parent.pid for parent in psutil.Process(process).parents()}
    return set()


def _other_threads() -> Iterator[int]:
    """Yield the threads of the other processes; again, until there are no new ones: they may start more."""
    seen = set[int]()
    while new := {thread for process in others() for thread in threads(process)} - seen:
        seen |= new
        yield from new


def _is_reaper(process: int) -> bool:
    """Return whether a process is the one that ends the programs of a prprep that was killed."""
    with suppress(OSError):
        return b"reaper.py" in Path(f"/proc/{process}/cmdline").read_bytes()
    return False


def _signal(process: int, number: int) -> None:
    with suppress(OSError):
        os.kill(process, number)
