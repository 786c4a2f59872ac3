"""Show what long steps are doing: one live line for each in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from ..text.markdown import one_line, plain

if TYPE_CHECKING:
    from rich.progress import Progress


class Console:
    """Writes to the real standard error: doit takes sys.stdout and sys.stderr away while an action runs."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._lock = threading.RLock()
        self._live: Progress | None = None
        self._running = 0

    @property
    def stream(self) -> TextIO:
        return self._stream or sys.__stderr__ or sys.stderr

    @contextmanager
    def step(self, label: str) -> Iterator[Callable[[str], None]]:
        """Return a function that tells how the step `label` gets on, for as long as it runs."""
        if not self.stream.isatty():
            yield lambda message: self.line(plain(f"   {label}: {message}"))
            return
        progress = self._started()
        row = progress.add_task(label, message="")
        try:
            yield lambda message: progress.update(row, message=one_line(message))
        finally:
            progress.remove_task(row)
            self._ended()

    def line(self, text: str) -> None:
        """Write one line at once, above what is live."""
        with self._lock:
            if self._live:
                self._live.console.print(text, markup=False, highlight=False, soft_wrap=True)
            else:
                print(text, file=self.stream, flush=True)

    def print(self, text: str) -> None:
        """Write what was asked for to standard output, above what is live where both go to the same terminal."""
        with self._lock:
            if self._live and sys.stdout.isatty():
                self.line(text)
            else:
                sys.stdout.write(f"{text}\n")
                sys.stdout.flush()

    def _started(self) -> Progress:
        from rich.console import Console as RichConsole
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        with self._lock:
            self._running += 1
            if self._live is None:
                said = TextColumn("{task.fields[message]}", markup=False)
                columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), said)
                self._live = Progress(*columns, console=RichConsole(file=self.stream), transient=True)
                self._live.start()
            return self._live

    def _ended(self) -> None:
        with self._lock:
            self._running -= 1
            if self._running == 0 and self._live:
                self._live.stop()
                self._live = None


CONSOLE = Console()
