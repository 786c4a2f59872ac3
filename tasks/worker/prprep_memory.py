"""Make one call of the benchmark under memray, which the target's environment has where memory is asked for.

Python 3.9 or newer.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prprep_calls import Calls

    Message = dict[str, Any]


async def track_(order: Message, calls: Calls, _described: Message) -> Message:
    """Give the call's peak (bytes) and number of allocations; `order["profile"]` must not exist."""
    try:
        import memray  # noqa: PLC0415 - may be missing
    except ImportError as error:
        return {"kind": "untracked", "reason": str(error)}
    args, kwargs = calls.arguments()
    gc.collect()
    with memray.Tracker(order["profile"]):
        value = calls.function(*args, **kwargs)
        if calls.awaited:
            value = await value
    del value
    calls.end(args, kwargs)
    peak = memray.FileReader(order["profile"]).metadata.peak_memory
    return {"kind": "tracked", "peak": peak, "allocations": _allocations(memray, order["profile"])}


def _allocations(memray: Any, profile: str) -> int:  # noqa: ANN401 - a module that may be missing
    """Count what was allocated; `total_allocations` of a profile's metadata counts what was freed as well."""
    try:
        return memray._memray.compute_statistics(profile).total_num_allocations  # noqa: SLF001 - `memray stats` does so
    except AttributeError:
        freeing = {memray.AllocatorType.FREE, memray.AllocatorType.MUNMAP, getattr(memray.AllocatorType, "PYMALLOC_FREE", None)}
        return sum(1 for record in memray.FileReader(profile).get_allocation_records() if record.allocator not in freeing)
