"""Let only one comparison at a time measure on a machine, and wait until other programs leave it alone."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..errors import BusyError, PrprepError, UsageError
from ..processes import beside, locks
from ..processes.progress import Report
from ..text import figures
from . import pressure

QUIET_VARIABLE = "PRPREP_WAIT_FOR_QUIET"
QUIET = 0.1
"""Share of the cores' time that other programs may use on a quiet machine."""
LOOK_SECONDS = 0.3
QUIET_LOOKS = 4
"""So many looks one after the other must find the machine quiet."""
_BUSY = "another comparison is running on this machine"


def cache_lock(cache: Path) -> Path:
    """Return the lock that is held while something measures with what is in a cache."""
    return cache / "locks" / "machine.lock"


@contextmanager
def exclusive(lock: Path | None, report: Report) -> Iterator[None]:
    """Hold a cache's lock and the machine's, and wait for them if need be: two comparisons would disturb each other.

    What prprep runs for anything else meanwhile gets the cores that measuring leaves free.
    """
    with ExitStack() as stack:
        for path in (lock, locks.machine_lock()) if lock else ():
            _enter(stack, path, report, for_all_users=path != lock)
        if lock:
            stack.enter_context(beside.measuring())
        yield


def _enter(stack: ExitStack, path: Path, report: Report, *, for_all_users: bool) -> None:
    try:
        stack.enter_context(locks.file_lock(path, busy=_BUSY, for_all_users=for_all_users))
    except BusyError as error:
        if beside.is_held_for_family(path):
            return  # a worker of a cluster holds it, or a prprep that runs the tests of prprep
        busy = f"{error.what}: waiting until it has ended"
        report("waiting until another task of this run has measured" if beside.another_measures() else busy)
        stack.enter_context(locks.file_lock(path, busy=None, for_all_users=for_all_users))
    except PrprepError as error:
        if not for_all_users:
            raise
        report(f"{path}: {error.what}; a comparison of another user may run at the same time")


def await_quiet(report: Report) -> None:
    """Report how busy other programs keep the machine; wait as long as PRPREP_WAIT_FOR_QUIET allows.

    The variable holds seconds; without it prprep does not wait.
    """
    seconds = _wait_seconds()
    ends, calm = time.monotonic() + seconds, 0
    while calm < QUIET_LOOKS and (share := pressure.busy_share(LOOK_SECONDS)) is not None:
        may_wait = time.monotonic() < ends
        if share < QUIET:
            calm = calm + 1 if may_wait else QUIET_LOOKS
        elif may_wait:
            calm = 0
            report(f"other programs use {figures.share(round(share, 2))} of the cores: waiting for a quiet machine")
        else:
            after = f" after {seconds:g} s of waiting" if seconds else ""
            busy = f"other programs use {figures.share(round(share, 2))} of the cores{after}"
            report(f"{busy}; measuring anyway, with wider intervals")
            return


def _wait_seconds() -> float:
    """Return the seconds to wait for a quiet machine; raise UsageError if the variable holds no number."""
    text = os.environ.get(QUIET_VARIABLE, "")
    try:
        seconds = float(text or 0)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        what = f"{QUIET_VARIABLE} is {text!r}, which is no number of seconds"
        raise UsageError(what, hint=f"set it to seconds, such as {QUIET_VARIABLE}=300")
    return seconds
