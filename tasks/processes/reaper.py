"""End what a killed prprep has started, whole groups of processes: `kill -9` leaves it no time to do so itself.

A process of its own listens at a pipe for the groups that begin and end. When the pipe closes, prprep is gone, however it
ended, and the groups that are still there are killed. Run as a program this file is that process; it imports next to nothing.
"""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable


class Reaper:
    """The pipe to the process that outlives us; it is started with the first group, and once."""

    def __init__(self) -> None:
        import threading

        self._executor: subprocess.Popen[bytes] | None = None
        self._owner, self._lock = 0, threading.Lock()

    def add(self, group: int) -> None:
        """Have a group killed should we be killed before `remove`."""
        with self._lock:
            # A fork of ours has groups of its own.
            if self._executor is None or self._owner != os.getpid():
                self._executor, self._owner = _begun(), os.getpid()
            self._tell(f"+{group}\n")

    def remove(self, group: int) -> None:
        """Forget a group that has ended; nothing happens where it was not added."""
        with self._lock:
            if self._executor and self._owner == os.getpid():
                self._tell(f"-{group}\n")

    def _tell(self, line: str) -> None:
        try:
            if self._executor and self._executor.stdin:
                os.write(self._executor.stdin.fileno(), line.encode())
        except BrokenPipeError:
            self._executor = None  # Somebody ended it: the next group starts another.


def _begun() -> subprocess.Popen[bytes]:
    import subprocess

    command, quiet = [sys.executable, "-I", "-S", __file__], subprocess.DEVNULL
    # In a session of its own: what ends a terminal's or a service's group must not end it too.
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, start_new_session=True, cwd="/")


def execute(lines: Iterable[bytes]) -> None:
    """Listen until the pipe closes, then kill the groups that have not ended."""
    groups: set[int] = set()
    for line in lines:
        (groups.add if line.startswith(b"+") else groups.discard)(int(line[1:]))
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except OSError:
            continue


if __name__ != "__main__":
    REAPER = Reaper()
else:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    execute(sys.stdin.buffer)
