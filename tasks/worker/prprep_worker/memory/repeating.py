"""Repeat the benchmark's call while the coordinator samples the memory of this process and its child processes."""

from __future__ import annotations

import gc
from typing import Any

from prprep_worker.benchmark import waiting
from prprep_worker.benchmark.calls import Calls, Message
from prprep_worker.benchmark.timed import clock

SECONDS = 0.25
"""Of calls, at least one: samples are a few milliseconds apart, and must meet the peak of some call."""


async def repeat_(_order: Message, calls: Calls, _described: Message) -> Message:
    """Return when each call began and ended, and the bytes that this process held before."""
    return_free_memory = _malloc_trim()
    windows, end = [], clock() + SECONDS * 1e9
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
    return {"kind": "repeated", "windows": windows}


def _malloc_trim() -> Any:
    """Return glibc's function; one that does nothing if there is none."""
    try:
        import ctypes

        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, ImportError, OSError):
        return int


def _held() -> int:
    """Return the bytes that this process has written, and would hold if it had no children; 0 if they are not known."""
    words = [word for name in ("smaps_rollup", "status") for word in waiting.words_of(f"/proc/self/{name}")]
    fields = dict(zip(words, words[1:]))  # noqa: B905, RUF007 - not on Python 3.9
    return sum(int(fields.get(name, 0)) << 10 for name in (b"Anonymous:", b"Swap:", b"RssShmem:"))
