"""Show what long steps are doing: one live line for each in a terminal, plain lines elsewhere."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, TextIO

from ..processes import output
from ..processes.progress import Note
from ..text.markdown import one_line, plain

if TYPE_CHECKING:
    from rich.progress import Progress


class Console:
    """Writes to the real standard error: doit replaces sys.stdout and sys.stderr while an action runs."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._lock = threading.RLock()
        self._live: Progress | None = None
        self._notes: dict[str, int] = {}

    @property
    def stream(self) -> TextIO:
        return self._stream or sys.__stderr__ or sys.stderr

    @contextmanager
    def step(self, label: str) -> Iterator[Callable[[str], None]]:
        """Return a function that shows the progress of the step `label`, for as long as it runs."""
        if not self.stream.isatty():
            yield lambda message: self.line(plain(f"   {label}: {self._numbered(message)}"))
            return
        with self._row(label) as show:

            def update(message: str) -> None:
                if isinstance(message, Note) and message not in self._notes:
                    self.line(plain(f"   {label}: {self._numbered(message)}"))
                with suppress(OSError):  # a terminal that has gone
                    show(message=one_line(self._numbered(message)))

            yield update

    def line(self, text: str) -> None:
        """Write one line at once, above what is live."""
        with self._lock:
            if self._live:
                with suppress(OSError):
                    self._live.console.print(text, markup=False, highlight=False, soft_wrap=True)
            else:
                output.say(text, self.stream)

    def print(self, text: str) -> None:
        """Write a result to standard output, above what is live if both go to the same terminal."""
        with self._lock:
            if self._live and sys.stdout.isatty():
                self.line(text)
            else:
                sys.stdout.write(f"{text}\n")
                sys.stdout.flush()

    def _numbered(self, message: str) -> str:
        """Return a note with its number the first time, then a reference to it."""
        if not isinstance(message, Note):
            return message
        with self._lock:
            if message in self._notes:
                return f"see note {self._notes[message]}"
            self._notes[message] = len(self._notes) + 1
            return f"note {self._notes[message]}: {message}"

    @contextmanager
    def _row(self, label: str) -> Iterator[Callable[..., None]]:
        from rich.console import Console as RichConsole
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        with self._lock:
            if self._live is None:
                message = TextColumn("{task.fields[message]}", markup=False)
                console = RichConsole(file=self.stream)
                spinner = SpinnerColumn("dots" if console.encoding.startswith("utf") else "line")
                columns = (spinner, TextColumn("{task.description}"), TimeElapsedColumn(), message)
                self._live = Progress(*columns, console=console, transient=True)
                self._live.start()
            live = self._live
            row = live.add_task(label, message="")
        try:
            yield partial(live.update, row)
        finally:
            with self._lock:
                live.remove_task(row)
                if not live.tasks:
                    live.stop()
                    self._live = None


CONSOLE = Console()
