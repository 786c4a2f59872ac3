"""Keep what happened to an item, stage by stage: the log whose end `prprep explain` shows."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CommandFailedError

if TYPE_CHECKING:
    from ..processes.progress import Report

MOST = 1 << 20
"""Bytes of a log; of a longer one the later half is kept."""


class Journal:
    """An item's log. What cannot be written is not: the log is for people, and nothing depends on it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, stage: str) -> None:
        """Head what follows, and keep the log short."""
        with suppress(OSError):
            if self._path.exists() and self._path.stat().st_size > MOST:
                self._path.write_bytes(self._path.read_bytes()[-MOST // 2 :].partition(b"\n")[2])
        self.write(f"== {stage}, {time.strftime('%Y-%m-%d %H:%M:%S')}")

    def listening(self, report: Report) -> Report:
        """Return a report whose lines stand in the log as well."""

        def both(message: str) -> None:
            self.write(message)
            report(message)

        return both

    def failed(self, error: BaseException) -> None:
        """Write the message, and in full what the programs wrote that it came from."""
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
                stream.write(f"{text}\n")


def tail(path: Path, lines: int) -> str:
    """Return the last lines of a log; empty where there is none."""
    try:
        return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
