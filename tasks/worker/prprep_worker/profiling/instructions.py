"""Count the instructions of the benchmark's call with valgrind's callgrind, under which this process was started.

Callgrind is controlled from inside, by its client requests: a sequence of machine instructions that does nothing on a
processor and that valgrind recognizes (valgrind/valgrind.h, callgrind/callgrind.h). So exactly the calls are counted,
in all threads, without pytest, a setup or this worker. `callgrind_control` would act at some moment from outside, and
the difference of two whole runs would have to find a call among some billion instructions of starting up. Processes
that the call starts are not counted, and the C libraries run their code for the processor that valgrind emulates (no
AVX-512).
"""

from __future__ import annotations

import gc
import mmap
import os
import platform

from prprep_worker.benchmark.calls import Arguments, Calls, Message

# A C function of a request (an address) and a default; it returns valgrind's answer, or the default without valgrind.
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
    """Nothing can be counted here; the text is the reason."""


class Callgrind:
    """The valgrind around this process, which writes its counts into `folder`."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        try:
            import ctypes

            code = bytes.fromhex(MACHINE_CODE[platform.machine()])
            self._page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
            self._page.write(code)
            address = ctypes.addressof(ctypes.c_char.from_buffer(self._page))
        except (ImportError, KeyError, OSError) as error:
            raise UncountedError(f"valgrind cannot be controlled: {type(error).__name__}: {error}") from error
        self._request = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t)(address)
        codes = (RUNNING_ON_VALGRIND, DUMP_STATS, ZERO_STATS, START_INSTRUMENTATION, STOP_INSTRUMENTATION)
        self._requests = {code: (ctypes.c_size_t * 6)(code) for code in codes}
        self._addresses = {code: ctypes.addressof(request) for code, request in self._requests.items()}
        if not self._request(self._addresses[RUNNING_ON_VALGRIND], 0):
            raise UncountedError(
                "this process left valgrind: the program started as Python starts another program instead"
            )

    def __enter__(self) -> None:
        self._request(self._addresses[START_INSTRUMENTATION], 0)

    def __exit__(self, *_: object) -> None:
        self._request(self._addresses[STOP_INSTRUMENTATION], 0)

    async def window(self, calls: Calls, arguments: Arguments, count: int) -> int:
        """Return the instructions of `count` calls, and of opening and closing the window."""
        args, kwargs = arguments
        request, zero, dump = self._request, self._addresses[ZERO_STATS], self._addresses[DUMP_STATS]
        gc.collect()
        request(zero, 0)
        await calls.run_untimed(args, kwargs, count)
        request(dump, 0)
        return self._read_dump()

    def _read_dump(self) -> int:
        """Read and remove the dump; its `totals` would include what came before the window."""
        (name,) = [name for name in os.listdir(self._folder) if name.rpartition(".")[2].isdigit()]
        path = os.path.join(self._folder, name)
        with open(path, encoding="utf-8", errors="replace") as dump:
            summary = next(line for line in dump if line.startswith("summary:"))
        os.unlink(path)
        return int(summary.split()[1])


async def count_(order: Message, calls: Calls, _described: Message) -> Message:
    """Return the instructions of `calls` calls, after `warmup` others; or both numbers if the order sets no `calls`."""
    try:
        callgrind = Callgrind(order["folder"])
    except UncountedError as error:
        return {"kind": "uncounted", "reason": str(error)}
    # Also if the order sets both: every process has the same past.
    await calls.value()
    if not order["calls"]:
        return {"kind": "planned", **_plan(calls)}
    with calls.undisturbed():
        for _ in range(order["warmup"]):
            await calls.value()
        with callgrind:
            instructions = await _count(callgrind, calls, order["calls"])
    return {"kind": "counted", "instructions": instructions}


def _plan(calls: Calls) -> dict[str, int]:
    """Choose how many calls warm up, since Python specializes code that has run a few times, and how many are counted.

    More than one, so that the garbage collector's part is a mean.
    """
    seconds = max(calls.seconds, 1e-9)
    most = MOST_SETUPS if calls.setup or calls.teardown else MOST_CALLS
    return {
        "warmup": min(MOST_WARMUP, int(WARM_SECONDS / seconds)),
        "calls": max(1, min(most, int(COUNTED_SECONDS / seconds))),
    }


async def _count(callgrind: Callgrind, calls: Calls, count: int) -> int:
    """Count calls less an empty window; the first windows fill caches of Python and of the linker."""
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
