"""Time blocks in forked children: each has memory pages of its own, and so draws anew what makes processes differ.

Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

from prprep_worker.benchmark.calls import drive

if TYPE_CHECKING:
    from prprep_worker.benchmark.calls import Calls

TOLD = 71
"""Exit code of a child that has said itself what went wrong."""

# Bound now: a test may replace what the module `os` offers.
_fork, _leave, _wait = getattr(os, "fork", None), os._exit, os.waitpid


def is_forkable(calls: Calls) -> bool:
    """Return whether a child can make the calls: threads and event loops do not come along into one."""
    return (
        bool(_fork) and not calls.awaited and _threads() == 1 and threading.current_thread() is threading.main_thread()
    )


def fork(channel: Any, calls: Calls) -> None:
    """Let a child obey `run` until it is told to leave, while this process waits; answers `forked`, then `joined`."""
    # The module `random` seeds itself anew in a child; a benchmark that seeded it would get other numbers.
    state = sys.modules["random"].getstate() if "random" in sys.modules else None
    pid = _fork()
    if pid == 0:
        _obey(channel, calls, state)
    _, status = _wait(pid, 0)
    signal, code = status & 0x7F, status >> 8
    channel.send("broken" if signal or code not in (0, TOLD) else "joined", signal=signal, code=code)


def _obey(channel: Any, calls: Calls, state: object) -> None:
    try:
        if state is not None:
            sys.modules["random"].setstate(state)
        channel.send("forked")
        while True:
            order = channel.receive()
            if order["do"] != "run":
                break
            channel.send("block", **drive(calls.block(order["rounds"], order["phase"])))
    except BaseException:  # noqa: BLE001 - whatever the target raises is told, and nothing of the test goes on in a child
        channel.send("raised", text="\n".join(traceback.format_exc().splitlines()[-25:]))
        _leave(TOLD)
    _leave(0)


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return threading.active_count()
