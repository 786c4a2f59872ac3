"""Let only one comparison of this machine run the target's code at a time: two would disturb each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import BusyError
from ...processes import locks

if TYPE_CHECKING:
    from ...processes.progress import Report


@contextmanager
def alone(lock: Path | None, report: Report) -> Iterator[None]:
    """Hold the machine's lock: two comparisons at once would disturb each other."""
    with ExitStack() as stack:
        if lock is not None:
            try:
                stack.enter_context(locks.held(lock, busy="another comparison is running on this machine"))
            except BusyError as error:
                report(f"{error.what}: waiting until it has ended")
                stack.enter_context(locks.held(lock, busy=None))
        yield
