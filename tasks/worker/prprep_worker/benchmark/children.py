"""Time blocks in forked children: each has its own memory pages, which samples the variation between processes."""

from __future__ import annotations

import os
import threading
import traceback
from typing import Any

from prprep_worker.benchmark.calls import Calls, drive
from prprep_worker.forking import CAN_FORK, adopt_orphans, exit_of_child, fork_child

REPORTED = 71
"""Exit code of a child that has sent its error itself."""


def is_forkable(calls: Calls) -> bool:
    """Return whether a child can make the calls: threads and event loops do not survive a fork."""
    return CAN_FORK and not calls.awaited and _threads() == 1 and threading.current_thread() is threading.main_thread()


def fork(channel: Any, calls: Calls) -> None:
    """Let a child obey `run` until another order comes, while this process waits; sends `forked`, then `joined`."""
    code = exit_of_child(fork_child(lambda: _obey(channel, calls)))
    channel.send("joined" if code in (0, REPORTED) else "broken", code=code)


def _obey(channel: Any, calls: Calls) -> int:
    try:
        adopt_orphans()
        channel.send("forked")
        while (order := channel.receive())["do"] == "run":
            channel.send("block", **drive(calls.block(order["rounds"], order["phase"])))
    except BaseException:  # noqa: BLE001 - whatever the code raises, the test must not continue in a child
        channel.send("raised", text="\n".join(traceback.format_exc().splitlines()[-25:]))
        return REPORTED
    return 0


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return threading.active_count()
