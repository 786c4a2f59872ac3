"""How long threads of this process were ready to run and waited for a core, and how long its descendants ran.

The first two numbers of a thread's `schedstat` are the nanoseconds that it ran, and that it was ready to run and waited
(Documentation/scheduler/sched-stats.rst of Linux). A descriptor is kept open for each thread: reading it takes 1 µs,
opening the file 20 µs.
"""

from __future__ import annotations

import os
import threading
from typing import NamedTuple

# Bound now: a test may replace what the modules offer.
_open, _read, _close, _listdir = os.open, os.pread, os.close, os.listdir
_thread_id = threading.get_native_id

_FOLDER = "/proc/self/task"
_descriptors: dict[int, int] = {}
"""By thread id. After a fork the child's only thread has another id, so it never reads its parent's."""


class Scheduled(NamedTuple):
    """Nanoseconds that a thread ran and that it waited for a core, so far."""

    ran: int
    waited: int


def waited() -> int | None:
    """Return the nanoseconds that this thread has waited for a core so far; None if the system does not report it."""
    scheduled = _scheduled(_thread_id())
    return scheduled and scheduled.waited


def other_threads() -> dict[int, Scheduled]:
    """Return the times of the process's other threads by their ids; none if the system does not report them."""
    try:
        threads = set(map(int, _listdir(_FOLDER)))
    except OSError:
        return {}
    for ended in _descriptors.keys() - threads:
        _forget(ended)
    return {thread: scheduled for thread in threads - {_thread_id()} if (scheduled := _scheduled(thread))}


def descendants_ran() -> dict[int, int]:
    """Return the nanoseconds that each living descendant process has run so far, by process id."""
    ran, found = {}, _children("self")
    while found:
        process = found.pop()
        try:
            descriptor = _open(f"/proc/{process}/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            ran[process] = int(_read(descriptor, 64, 0).split()[0])
        except (OSError, IndexError, ValueError):
            continue
        finally:
            _close(descriptor)
        found += _children(process)
    return ran


def _children(process: object) -> list[int]:
    """Return the ids of a process's living children; none if the system does not report them."""
    children: list[int] = []
    try:
        for thread in _listdir(f"/proc/{process}/task"):
            descriptor = _open(f"/proc/{process}/task/{thread}/children", os.O_RDONLY | os.O_CLOEXEC)
            try:
                children += map(int, _read(descriptor, 1 << 16, 0).split())
            finally:
                _close(descriptor)
    except OSError:
        pass  # it has ended meanwhile
    return children


def _scheduled(thread: int) -> Scheduled | None:
    descriptor = _descriptors.get(thread)
    if descriptor is None:
        try:
            descriptor = _descriptors[thread] = _open(f"{_FOLDER}/{thread}/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
    try:
        return Scheduled(*map(int, _read(descriptor, 64, 0).split()[:2]))
    except (OSError, TypeError, ValueError):
        _forget(thread)
        return None


def _forget(thread: int) -> None:
    """Close the descriptor of a thread that has ended: its id may be another's soon."""
    _close(_descriptors.pop(thread))
