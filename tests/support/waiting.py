"""Wait for what other processes do."""

from __future__ import annotations

import time


def wait_for(condition, seconds=60):
    """Return whether a condition became true within so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
