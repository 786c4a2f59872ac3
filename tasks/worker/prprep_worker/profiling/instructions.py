"""Count the instructions of the benchmark's call with valgrind's callgrind, under which this process was started.

Callgrind is spoken to from inside, by its client requests: a sequence of machine instructions that does nothing on a
processor and that valgrind takes for a word to itself (valgrind/valgrind.h, callgrind/callgrind.h). So exactly the calls
are counted, in all threads, and none of pytest, of a setup or of this worker. `callgrind_control` would act at some moment
from outside, and the difference of two whole runs would have to find a call among some billion instructions of starting up.
What the call starts as further processes is not counted, and the C libraries run the code that they have for the processor
that valgrind shows them (no AVX-512). Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import gc
import mmap
import os
import platform
import sys
from itertools import repeat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prprep_worker.benchmark.calls import Calls

    Message = dict[str, Any]
    Arguments = tuple[tuple[Any, ...], Mapping[str, Any]]

# A C function of the request (an address) and what to answer where there is no valgrind; it gives valgrind's answer.
MACHINE_CODE = {
    "x86_64": "4889f8 4889f2 48c1c703 48c1c70d 48c1c73d 48c1c733 4887db 4889d0 c3",
    "aarch64": "e40300aa e30301aa 8c0dcc93 8c35cc93 8ccdcc93 8cf5cc93 4a010aaa e00303aa c0035fd6",
}
RUNNING_ON_VALGRIND = 0x1001
DUMP_STATS, ZERO_STATS, START_INSTRUMENTATION, STOP_INSTRUMENTATION = (0x43540000 + number for number in (0, 1, 4, 5))

WARM_SECONDS = 0.5
COUNTED_SECONDS = 0.1
MOST_WARMUP, MOST_CALLS, MOST_SETUPS = 64, 100, 10


class UncountedError(Exception):
    """Why nothing can be counted here."""


class Callgrind:
    """The valgrind around this process; `folder` is where it writes what it counted."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        try:
            import ctypes

            code = bytes.fromhex(MACHINE_CODE[platform.machine()])
            self._page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
            self._page.write(code)
            address = ctypes.addressof(ctypes.c_char.from_buffer(self._page))
        except (ImportError, KeyError, OSError) as error:
            raise UncountedError("valgrind cannot be asked: %s: %s" % (type(error).__name__, error)) from error
        self._ask = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t)(address)
        self._words = {
            code: (ctypes.c_size_t * 6)(code) for code in (RUNNING_ON_VALGRIND, *range(0x43540000, 0x43540006))
        }
        self._addresses = {code: ctypes.addressof(words) for code, words in self._words.items()}
        if not self._ask(self._addresses[RUNNING_ON_VALGRIND], 0):
            raise UncountedError("valgrind was left: what is started as Python starts another program in its place")

    def __enter__(self) -> None:
        self._ask(self._addresses[START_INSTRUMENTATION], 0)

    def __exit__(self, *_: object) -> None:
        self._ask(self._addresses[STOP_INSTRUMENTATION], 0)

    async def window(self, calls: Calls, arguments: Arguments, count: int) -> int:
        """Return the instructions of `count` calls, with what it takes to open and close the window."""
        args, kwargs = arguments
        ask, zero, dump = self._ask, self._addresses[ZERO_STATS], self._addresses[DUMP_STATS]
        gc.collect()
        ask(zero, 0)
        if calls.awaited:
            await _await_calls(calls.function, args, kwargs, count)
        else:
            _make_calls(calls.function, args, kwargs, count)
        ask(dump, 0)
        return self._dumped()

    def _dumped(self) -> int:
        """Read the dump, and remove it; its `totals` would have what came before the window."""
        (name,) = [name for name in os.listdir(self._folder) if name.rpartition(".")[2].isdigit()]
        path = os.path.join(self._folder, name)
        with open(path, encoding="utf-8", errors="replace") as dump:
            found = next(line for line in dump if line.startswith("summary:"))
        os.unlink(path)
        return int(found.split()[1])


async def count_(order: Message, calls: Calls, _described: Message) -> Message:
    """Return the instructions of `calls` calls, after `warmup` others; where the order sets none, say how many there is time for."""
    try:
        callgrind = Callgrind(order["folder"])
    except UncountedError as error:
        return {"kind": "uncounted", "reason": str(error)}
    # Made where the order sets both as well: every process has the same past.
    await calls.value()
    if not order["calls"]:
        return {"kind": "planned", **_plan(calls)}
    tracing, profiling, collecting = sys.gettrace(), sys.getprofile(), gc.isenabled()
    sys.settrace(None)
    sys.setprofile(None)
    if calls.disable_gc:
        gc.disable()
    try:
        for _ in range(order["warmup"]):
            await calls.value()
        with callgrind:
            counted = await _counted(callgrind, calls, order["calls"])
    finally:
        sys.settrace(tracing)
        sys.setprofile(profiling)
        if collecting:
            gc.enable()
    return {"kind": "counted", "instructions": counted}


def _plan(calls: Calls) -> dict[str, int]:
    """Choose how many calls warm up, since Python specializes what it has run a few times, and how many are counted.

    More than one is counted so that the garbage collector's part is a mean.
    """
    seconds = max(calls.seconds, 1e-9)
    most = MOST_SETUPS if calls.setup or calls.teardown else MOST_CALLS
    return {
        "warmup": min(MOST_WARMUP, int(WARM_SECONDS / seconds)),
        "calls": max(1, min(most, int(COUNTED_SECONDS / seconds))),
    }


async def _counted(callgrind: Callgrind, calls: Calls, count: int) -> int:
    """Count calls less what an empty window has; the first windows find caches of Python and of the linker empty."""
    for practice in (0, 1):
        await _rounds(callgrind, calls, rounds=1, count=practice)
    empty = await _rounds(callgrind, calls, rounds=1, count=0)
    if calls.setup or calls.teardown:
        return await _rounds(callgrind, calls, rounds=count, count=1) - count * empty
    return await _rounds(callgrind, calls, rounds=1, count=count) - empty


async def _rounds(callgrind: Callgrind, calls: Calls, *, rounds: int, count: int) -> int:
    counted = 0
    for _ in range(rounds):
        args, kwargs = calls.arguments()
        counted += await callgrind.window(calls, (args, kwargs), count)
        calls.end(args, kwargs)
    return counted


def _make_calls(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], count: int) -> None:
    for _ in repeat(None, count):
        function(*args, **kwargs)


async def _await_calls(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], count: int) -> None:
    for _ in repeat(None, count):
        await function(*args, **kwargs)
