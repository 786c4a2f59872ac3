"""How long threads of this process were ready to run and waited for a core, and how long its child processes ran.

The first two numbers of a thread's `schedstat` are the nanoseconds that it ran, and that it was ready to run and waited
(Documentation/scheduler/sched-stats.rst of Linux). A descriptor is kept open for each thread: reading it takes 1 µs,
opening the file 20 µs.
"""

from __future__ import annotations

import contextlib
import os
import resource
import threading
import time
from collections.abc import Mapping
from typing import NamedTuple

# Bound now: a test may replace what the modules offer.
_open, _read, _close, _listdir = os.open, os.pread, os.close, os.listdir
_wait, _session, _cpu_clock = os.wait4, os.getsid, time.clock_gettime_ns
_thread_id = threading.get_native_id

_wait_for_any = getattr(os, "waitid", None)
_FOLDER = "/proc/self/task"
_IS_LISTED = _wait_for_any is None or os.path.exists(f"{_FOLDER}/{_thread_id()}/children")
"""macOS lists no child processes; before Python 3.13 it is not even known whether there are any."""
_TICK = 10**9 // os.sysconf("SC_CLK_TCK")
_SCHEDULED = 2
"""CPUCLOCK_SCHED of Linux: with a process's inverted id it is the clock of all its threads, in nanoseconds (pthread
libraries build clock_getcpuclockid(3) so). `schedstat` of a process is that of its first thread alone."""
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
    """Nanoseconds that child processes used: those that ended, together, and each other descendant by process id.

    Those that ended in a descendant count with those that ended in this process.
    """

    ended: int
    others: Mapping[int, int]
    running: int
    """The number of the others without those that nobody has waited for since they ended."""
    unseen: bool = False
    """Whether there are child processes, and the system does not list them."""

    def used_since(self, before: Children) -> int:
        """Return the nanoseconds since an earlier reading; one that ended meanwhile counts without its time before."""
        others = sum(ran - before.others.get(process, 0) for process, ran in self.others.items())
        over = sum(ran for process, ran in before.others.items() if process not in self.others)
        return max(0, self.ended - before.ended - over) + others

    def any_began_since(self, before: Children) -> bool:
        """Return whether a child process began since an earlier reading, or ended, as one that began meanwhile may.

        Of processes that are not seen it may be true.
        """
        return self.unseen or self.ended > before.ended or not self.others.keys() <= before.others.keys()

    def outlive_since(self, before: Children) -> int:
        """Return by how many more processes run than before; at least 1 if that is not known."""
        return max(int(self.unseen), self.running - before.running)


def children() -> Children:
    """Return what child processes have used so far, among them orphans that this process has adopted."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended, others, running = _nanoseconds(usage), {}, 0
    found = [(process, True) for process in _children_of("self")]
    while found:
        process, is_own = found.pop()
        state = _state_of(process)
        if not state:
            continue
        if is_own and _is_dead_orphan(process, state):
            ended += _nanoseconds(_wait(process, os.WNOHANG)[2])
            continue
        running += state[0] != b"Z"
        # proc_pid_stat(5): of the children that it waited for, in ticks.
        ended += sum(map(int, state[13:15])) * _TICK
        with contextlib.suppress(OSError):
            others[process] = _cpu_clock((~process << 3) | _SCHEDULED)
        found += [(child, False) for child in _children_of(process)]
    return Children(ended, others, running, not _IS_LISTED and _has_children())


def _has_children() -> bool:
    try:
        _wait_for_any(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _nanoseconds(usage: resource.struct_rusage) -> int:
    return round((usage.ru_utime + usage.ru_stime) * 1e9)


def _is_dead_orphan(process: int, state: list[bytes]) -> bool:
    """Return whether a child has ended that this process has adopted, so that nobody else will wait for it.

    A child of its own is in the session of this process or leads another one. An orphan may be so as well: it stays.
    """
    return state[0] == b"Z" and int(state[3]) not in {process, _session(0)}


def _state_of(process: int) -> list[bytes]:
    """Return the fields of proc_pid_stat(5) after the process's name, which may contain anything."""
    return _content(f"/proc/{process}/stat").rpartition(b")")[2].split()


def _children_of(process: object) -> list[int]:
    try:
        threads = _listdir(f"/proc/{process}/task")
    except OSError:
        return []
    return [int(child) for thread in threads for child in words_of(f"/proc/{process}/task/{thread}/children")]


def words_of(path: str) -> list[bytes]:
    """Return the words of a file; none if what it describes has ended, or the system does not have it."""
    return _content(path).split()


def _content(path: str) -> bytes:
    try:
        descriptor = _open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return _read(descriptor, 1 << 16, 0)
    except OSError:
        return b""
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
