"""Repeat the benchmark's call while the coordinator samples the memory of this process and its child processes."""

from __future__ import annotations

import ctypes
import gc
import resource

from prprep_worker.benchmark import waiting
from prprep_worker.benchmark.calls import Calls, Message
from prprep_worker.benchmark.timed import clock

SECONDS = 0.25
"""Of calls, at least one: samples are a few milliseconds apart, and must meet the peak of some call."""


async def repeat_(_order: Message, calls: Calls, _described: Message) -> Message:
    """Return when each call began and ended, and the bytes that this process held before.

    `faults` are the page faults of the child processes that ended meanwhile.
    """
    # glibc's; elsewhere it does nothing.
    return_free_memory = getattr(ctypes.CDLL(None), "malloc_trim", int)
    windows, faults, end = [], _faults_of_ended(), clock() + SECONDS * 1e9
    while not windows or clock() < end:
        args, kwargs = calls.arguments()
        gc.collect()
        # What earlier calls freed would be given out again, without being new.
        return_free_memory(0)
        held, began = _held(), clock()
        value = calls.function(*args, **kwargs)
        if calls.awaited:
            value = await value
        ended = clock()
        del value
        windows.append([began, ended, held])
        calls.end(args, kwargs)
    return {"kind": "repeated", "windows": windows, "faults": _faults_of_ended() - faults}


def _faults_of_ended() -> int:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_minflt + usage.ru_majflt


def _held() -> int:
    """Return the bytes that this process has written, and would hold if it had no children; 0 if they are not known."""
    words = [word for name in ("smaps_rollup", "status") for word in waiting.words_of(f"/proc/self/{name}")]
    fields = dict(zip(words, words[1:]))  # noqa: B905, RUF007 - not on Python 3.9
    return sum(int(fields.get(name, 0)) << 10 for name in (b"Anonymous:", b"Swap:", b"RssShmem:"))
