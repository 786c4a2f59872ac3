"""How long threads of this process were ready to run and waited for a core, and how long its child processes ran.

The first two numbers of a thread's `schedstat` are the nanoseconds that it ran, and that it was ready to run and waited
(Documentation/scheduler/sched-stats.rst of Linux). A descriptor is kept open for each thread: reading it takes 1 µs,
opening the file 20 µs.
"""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Mapping
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


class Children(NamedTuple):
    """Nanoseconds that child processes used: those that ended, together, and each living descendant by process id."""

    ended: int
    living: Mapping[int, int]

    def used_since(self, before: Children) -> int:
        """Return the nanoseconds since an earlier reading; one that ended meanwhile counts without its time before."""
        living = sum(ran - before.living.get(process, 0) for process, ran in self.living.items())
        over = sum(ran for process, ran in before.living.items() if process not in self.living)
        return max(0, self.ended - before.ended - over) + living

    def any_began_since(self, before: Children) -> bool:
        """Return whether a child process began since an earlier reading; or ended, as one that began meanwhile may."""
        return self.ended > before.ended or not self.living.keys() <= before.living.keys()


def children() -> Children:
    """Return what child processes have used so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Children(round((usage.ru_utime + usage.ru_stime) * 1e9), _descendants())


def _descendants() -> dict[int, int]:
    ran, found = {}, _children_of("self")
    while found:
        process = found.pop()
        times = words_of(f"/proc/{process}/schedstat")
        if times:
            ran[process] = int(times[0])
            found += _children_of(process)
    return ran


def _children_of(process: object) -> list[int]:
    try:
        threads = _listdir(f"/proc/{process}/task")
    except OSError:
        return []
    return [int(child) for thread in threads for child in words_of(f"/proc/{process}/task/{thread}/children")]


def words_of(path: str) -> list[bytes]:
    """Return the words of a file; none if what it describes has ended, or the system does not have it."""
    try:
        descriptor = _open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        return _read(descriptor, 1 << 16, 0).split()
    except OSError:
        return []
    finally:
        _close(descriptor)


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
