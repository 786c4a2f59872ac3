"""The log of an item, stage by stage; `prprep explain` shows its end."""

import time
from contextlib import suppress
from pathlib import Path

from ..errors import CommandFailedError
from ..processes import secrets
from ..processes.progress import Report
from .hashing import text_of

MAX_BYTES = 1 << 20
"""Of a longer log the later half is kept."""


class Journal:
    """An item's log. It is for people, so that a log that cannot be written is no error."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, stage: str) -> None:
        """Write the stage's heading, after shortening a long log."""
        with suppress(OSError):
            if self._path.exists() and self._path.stat().st_size > MAX_BYTES:
                self._path.write_bytes(self._path.read_bytes()[-MAX_BYTES // 2 :].partition(b"\n")[2])
        self.write(f"== {stage}, {time.strftime('%Y-%m-%d %H:%M:%S')}")

    def listening(self, report: Report) -> Report:
        """Return a report that writes its lines to the log as well."""

        def both(message: str) -> None:
            self.write(message)
            report(message)

        return both

    def failed(self, error: BaseException) -> None:
        """Write the message, and the whole output of the programs that caused it."""
        self.write(str(error))
        cause: BaseException | None = error
        while cause:
            if isinstance(cause, CommandFailedError):
                self.write(f"$ {' '.join(cause.command)}\n{cause.output}\n{cause.error}".rstrip())
            cause = cause.__cause__

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8", errors="replace") as stream:
                stream.write(f"{secrets.masked(text)}\n")


def tail(path: Path, lines: int) -> str:
    """Return the last lines of a log; empty if there is none."""
    return "\n".join(text_of(path).splitlines()[-lines:])
