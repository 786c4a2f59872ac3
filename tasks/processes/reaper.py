"""Kill the process groups that prprep started if prprep dies (`kill -9` leaves no time for clean-up).

A separate process reads from a pipe which groups begin and end. When the pipe closes, prprep is gone, and the remaining
groups are killed. Run as a program, this file is that process; it imports as little as possible.
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
    """The pipe to the reaper process, which starts with the first group."""

    def __init__(self) -> None:
        import threading

        self._process: subprocess.Popen[bytes] | None = None
        self._owner, self._lock = 0, threading.Lock()

    def add(self, group: int) -> None:
        """Kill a group if prprep dies before `remove`."""
        with self._lock:
            # A fork of prprep has its own groups.
            if self._process is None or self._owner != os.getpid():
                self._process, self._owner = _start(), os.getpid()
            self._send(f"+{group}\n")

    def remove(self, group: int) -> None:
        """Forget a group that has ended, or was never added."""
        with self._lock:
            if self._process and self._owner == os.getpid():
                self._send(f"-{group}\n")

    def _send(self, line: str) -> None:
        try:
            if self._process and self._process.stdin:
                os.write(self._process.stdin.fileno(), line.encode())
        except BrokenPipeError:
            self._process = None  # the reaper was killed: the next group starts another one


def _start() -> subprocess.Popen[bytes]:
    import subprocess

    command, quiet = [sys.executable, "-I", "-S", __file__], subprocess.DEVNULL
    # In a session of its own, so that it survives the end of a terminal's or a service's group.
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, start_new_session=True, cwd="/")


def reap(lines: Iterable[bytes]) -> None:
    """Read until the pipe closes, then kill the groups that have not ended."""
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
    reap(sys.stdin.buffer)
