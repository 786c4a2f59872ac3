"""Which cores processes run on while something is measured."""

import os
from contextlib import suppress
from functools import cache
from pathlib import Path

Cores = tuple[int, ...]
"""Logical processors; none where processes cannot be bound to them (macOS)."""

ISOLATED = Path("/sys/devices/system/cpu/isolated")
CORES_VARIABLE = "PRPREP_CORES"
"""The cores of the prprep that started this one, which may have moved it to some of them for a while."""


def all_cores() -> Cores:
    """Return the cores that this process may use."""
    if given := os.environ.get(CORES_VARIABLE):
        return tuple(map(int, given.split(",")))
    return tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()


def one_core() -> Cores:
    """Return the one core that all sides run on in turns: one that the system isolated, else the last of ours."""
    return next(((core,) for core in reversed(isolated()) if _may_use((core,))), all_cores()[-1:])


def other_cores() -> Cores:
    """Return the cores that processes start on while something is being measured: all but `one_core`."""
    return tuple(core for core in all_cores() if core not in one_core())


def isolated() -> Cores:
    """Return the cores that the system uses for nothing else (`isolcpus` of Linux)."""
    text = ""
    with suppress(OSError):
        text = ISOLATED.read_text(encoding="ascii").strip()
    ranges = (part.partition("-") for part in text.split(",") if part[:1].isdigit())
    return tuple(core for first, _, last in ranges for core in range(int(first), int(last or first) + 1))


def move(thread: int, cores: Cores) -> None:
    """Let a thread, 0 for this one, run on some cores from now on; nothing happens if it has ended."""
    with suppress(OSError, AttributeError):
        os.sched_setaffinity(thread, cores)


@cache
def _may_use(cores: Cores) -> bool:
    """Try to run this thread on them: a container may not be allowed to."""
    before = all_cores()
    try:
        os.sched_setaffinity(0, cores)
    except (OSError, AttributeError):
        return False
    os.sched_setaffinity(0, before)
    return True
