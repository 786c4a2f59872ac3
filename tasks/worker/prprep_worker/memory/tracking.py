"""Make calls of the benchmark under memray, which the project's environment has if memory is measured.

The figures are those of a warm call: the test's own first call has filled the caches. memray itself allocates a little
in each tracked block, as an empty call shows: that is subtracted from the allocations and from what is left, but not
from the peak, which may be at another moment (144 to 264 bytes on Python 3.9 to 3.13).

Memory left after a call is what each further round adds permanently. After a round, its value is dropped and garbage
is collected; if nothing is left then, the result is 0. Otherwise the round may have replaced what an earlier one left
(the last result in a cache, a list that was moved to grow), which a profile of one round cannot show. So there are
profiles of increasing numbers of rounds (`ROUNDS`): the result is the median of the growths from one to the next, if
each of them is positive. The interpreter's own caches, threads and event loops vary by some hundred bytes, but do not
grow.

memray can follow forks: each child writes a profile of its own, and the peak of all is the most that they hold at one
time. Programs that a call starts, and processes that were forked before, are not in it.

memray stops writing, and raises nothing, if the disk is full: all that it would have written later is missing, and the
peak is that of the beginning. So a mark is allocated last in each tracked block, and a profile without it is refused.
"""

from __future__ import annotations

import gc
import glob
import itertools
import os
import sys
from typing import Any

from prprep_worker.benchmark import waiting
from prprep_worker.benchmark.calls import Calls, Message

ROUNDS = (1, 5, 9, 13)
FEW_ROUNDS = (1, 2, 3)
"""For calls that take longer than EXPENSIVE_SECONDS."""
EXPENSIVE_SECONDS = 0.1

OF_CHILDREN = 1_000_000
"""Nanoseconds that older child processes may use without being part of the call: one that waits wakes at times."""

FOLLOWING = {"follow_fork": True, "memory_interval_ms": 1}

_floors: dict[bool, dict[str, int]] = {}
"""The figures of an empty call, by whether it is awaited."""


async def track_(order: Message, calls: Calls, _described: Message) -> Message:
    """Return the call's peak in bytes, its number of allocations and the bytes that it leaves, in this process alone.

    `children` says whether child processes worked meanwhile, and `pid` is this process's id. If the order says
    `follow`, `together` is the peak with the child processes that memray followed.
    """
    try:
        import memray
    except ImportError as error:
        return {"kind": "untracked", "reason": str(error)}
    try:
        return await _tracked(memray, order, calls)
    except IncompleteProfileError as error:
        return {"kind": "incomplete", "reason": str(error)}


async def _tracked(memray: Any, order: Message, calls: Calls) -> Message:
    profile, native, follow = order["profile"], order.get("native", False), order.get("follow", False)
    scratch = f"{profile}.other"
    # Or each of dozens of collections would look through pytest and all that it has imported.
    gc.collect()
    gc.freeze()
    floor = await _floor(memray, calls, scratch)
    if sys.version_info[:2] == (3, 11):
        # Python 3.11 builds a table of lines for each function that first runs under a tracer, and keeps it.
        await _track(memray, calls, scratch)
    used_children = await _track(memray, calls, profile, native=native, follow=follow)
    figures = _figures(memray, profile)
    followed = _followed(profile)
    together = _peak_together(memray, [profile, *followed]) if followed else figures["peak"]
    _remove(*followed)
    # What child processes leave is not seen, so no claim follows then.
    leaves = figures["left"] > floor["left"] and not used_children
    left = await _growth(memray, calls, scratch) if leaves else 0
    return {
        "kind": "tracked",
        "peak": figures["peak"],
        "allocations": max(0, figures["allocations"] - floor["allocations"]),
        "left": left,
        "children": used_children,
        "together": together,
        "pid": os.getpid(),
    }


async def _track(memray: Any, calls: Calls, profile: str, *, native: bool = False, follow: bool = False) -> bool:
    """Track one call, without setup and teardown, and dropping its value; return whether child processes worked."""
    _remove(profile, *_followed(profile))
    args, kwargs = calls.arguments()
    gc.collect()
    children = waiting.children()
    with memray.Tracker(profile, native_traces=native, **(FOLLOWING if follow else {})):
        value = calls.function(*args, **kwargs)
        if calls.awaited:
            value = await value
        del value
        gc.collect()
        mark = _mark()
    del mark
    after = waiting.children()
    calls.end(args, kwargs)
    return after.any_began_since(children) or after.used_since(children) > OF_CHILDREN


def _figures(memray: Any, profile: str) -> dict[str, int]:
    left, peak = _left_and_peak(memray, profile)  # first: it checks that the profile is whole
    return {"peak": peak, "allocations": _allocations(memray, profile), "left": left}


def _followed(profile: str) -> list[str]:
    """Return the profiles of child processes, which memray writes next to their parent's."""
    return glob.glob(f"{glob.escape(profile)}.[0-9]*")


def _peak_together(memray: Any, profiles: list[str]) -> int:
    """Return the most bytes that all processes allocated at one time, as far as their snapshots show it."""
    peaks, changes = [0], []
    for profile in profiles:
        try:
            reader = memray.FileReader(profile)
            snapshots = list(reader.get_memory_snapshots())
        except (OSError, RuntimeError):
            continue  # the child was killed before it wrote anything
        peaks.append(reader.metadata.peak_memory)
        heaps = [0, *(snapshot.heap for snapshot in snapshots), 0]
        times = [*(snapshot.time for snapshot in snapshots), *(snapshot.time for snapshot in snapshots[-1:])]
        changes += [(time, after - before) for time, before, after in zip(times, heaps, heaps[1:])]  # noqa: B905 - not on Python 3.9
    return max([*peaks, *itertools.accumulate(change for _, change in sorted(changes))])


async def _floor(memray: Any, calls: Calls, profile: str) -> dict[str, int]:
    """Track a call that does nothing, awaited as `calls` are."""
    if calls.awaited not in _floors:
        # The first one includes what memray and the interpreter do only once.
        for _ in range(2):
            await _track(memray, _empty(calls), profile)
        _floors[calls.awaited] = _figures(memray, profile)
    return _floors[calls.awaited]


async def _growth(memray: Any, calls: Calls, profile: str) -> int:
    """Return the bytes that one more round leaves, with its setup and teardown."""
    counts = ROUNDS if calls.seconds < EXPENSIVE_SECONDS else FEW_ROUNDS
    await _left_by(memray, _empty(calls), profile, rounds=1)
    left = [await _left_by(memray, calls, profile, rounds=count) for count in counts]
    growths = sorted(after - before for before, after in zip(left, left[1:]))  # noqa: B905, RUF007 - not on Python 3.9
    return growths[(len(growths) - 1) // 2] // (counts[1] - counts[0]) if growths[0] > 0 else 0


async def _left_by(memray: Any, calls: Calls, profile: str, *, rounds: int) -> int:
    _remove(profile)
    gc.collect()
    with memray.Tracker(profile):
        for _ in range(rounds):
            await calls.value()
        gc.collect()
        mark = _mark()
    del mark
    left, _ = _left_and_peak(memray, profile)
    _remove(profile)
    return left


class IncompleteProfileError(Exception):
    """memray could not write all of a profile."""


def _mark() -> object:
    return object()


def _left_and_peak(memray: Any, profile: str) -> tuple[int, int]:
    """Return the bytes that are left besides the mark, and the peak; raise IncompleteProfileError without a mark."""
    left, is_complete = 0, False
    try:
        reader = memray.FileReader(profile)
        records = list(reader.get_leaked_allocation_records(merge_threads=True))
    except (OSError, RuntimeError) as error:
        raise IncompleteProfileError(f"memray cannot read the profile that it wrote: {error}") from None
    for record in records:
        name, file, _ = (record.stack_trace(max_stacks=1) or [("", "", 0)])[0]
        if name.rpartition(".")[2] == _mark.__name__ and file == __file__:
            is_complete = True
        else:
            left += record.size
    if not is_complete:
        raise IncompleteProfileError("memray could not write all of the profile")
    return left, reader.metadata.peak_memory


def _allocations(memray: Any, profile: str) -> int:
    """Count allocations; `total_allocations` of a profile's metadata includes what frees memory."""
    try:
        return memray._memray.compute_statistics(profile).total_num_allocations  # noqa: SLF001 - `memray stats` does so
    except AttributeError:
        kinds = memray.AllocatorType
        freeing = {kinds.FREE, kinds.MUNMAP, getattr(kinds, "PYMALLOC_FREE", None)}
        records = memray.FileReader(profile).get_allocation_records()
        return sum(record.allocator not in freeing for record in records)


def _empty(calls: Calls) -> Calls:
    """Return calls that do nothing, awaited as `calls` are."""
    empty = Calls(_nothing_awaited if calls.awaited else _nothing)
    empty.awaited = calls.awaited
    return empty


def _nothing() -> None:
    pass


async def _nothing_awaited() -> None:
    pass


def _remove(*profiles: str) -> None:
    for profile in profiles:
        if os.path.exists(profile):
            os.remove(profile)
