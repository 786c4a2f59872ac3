"""Find the processes that a test started, also those whose parents have ended."""

from __future__ import annotations

import time

import psutil

MARK = "PROCESS_OF_THIS_TEST"
"""A variable that all of them inherit."""


def processes(mark: str) -> list[psutil.Process]:
    """Return the processes that inherited the mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def ended(mark: str, *, besides: frozenset[int] = frozenset(), seconds: float = 30) -> bool:
    """Wait until all processes with the mark have ended, `besides` some; return whether they have."""
    ends = time.monotonic() + seconds
    while any(process.pid not in besides for process in processes(mark)):
        if time.monotonic() > ends:
            return False
        time.sleep(0.1)
    return True
