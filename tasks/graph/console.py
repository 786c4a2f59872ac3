"""Show what long steps are doing: one live line for each in a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from ..processes import output
from ..processes.progress import Note
from ..text.markdown import one_line, plain

if TYPE_CHECKING:
    from .rows import Rows
    from .run_plan import RunPlan

COLOURS = {"ready": "green", "needs review": "yellow", "blocked": "red"}
"""Of an item's state; nothing else is coloured."""


class Console:
    """Writes to the real standard error: doit replaces sys.stdout and sys.stderr while an action runs."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._lock = threading.RLock()
        self._rows: Rows | None = None
        self._plan: RunPlan | None = None
        self._verbose = False
        self._notes: dict[str, int] = {}
        self._process = os.getpid()

    @property
    def stream(self) -> TextIO:
        return self._stream or sys.__stderr__ or sys.stderr

    @property
    def is_live(self) -> bool:
        """Return whether lines can be redrawn: in a terminal with a cursor, and not in one of doit's processes."""
        return _is_terminal(self.stream) and os.getpid() == self._process

    def begin(self, plan: RunPlan, *, verbose: bool) -> None:
        """Show how far the items are until `end`; if `verbose`, keep every message as a line above that."""
        if self.is_live:
            with self._lock:
                self._plan, self._verbose = plan, verbose
                self._show()

    def end(self) -> None:
        with self._lock:
            self._plan = None
            self._hide()

    @contextmanager
    def step(self, label: str) -> Iterator[Callable[[str], None]]:
        """Return a function that shows the progress of the step `label`, for as long as it runs."""
        if not self.is_live:
            yield lambda message: self.line(plain(f"   {label}: {self._numbered(message)}"))
            return
        with self._lock:
            rows = self._show()
            row = rows.add(label, began=time.monotonic())

        def update(message: str) -> None:
            is_new = isinstance(message, Note) and message not in self._notes
            text = self._numbered(message)
            if is_new or self._verbose:
                self.line(plain(f"   {label}: {text}"))
            with suppress(OSError):  # a terminal that has gone
                rows.update(row, message=one_line(text))

        try:
            yield update
        finally:
            with self._lock:
                rows.remove_task(row)
                self._hide()

    def line(self, text: str, *, state: str = "") -> None:
        """Write one line at once, above what is live; the word of an item's `state` in it gets a colour."""
        with self._lock:
            if self._rows:
                from rich.text import Text

                shown = Text(text)
                if state:
                    shown.highlight_words([state], COLOURS.get(state, ""))
                with suppress(OSError):
                    self._rows.console.print(shown)
            else:
                output.say(text, self.stream)

    def print(self, text: str, stream: TextIO | None = None) -> None:
        """Write a result to standard output, or `stream`, above what is live if both go to the same terminal."""
        stream = stream or sys.stdout
        with self._lock:
            if self._rows and stream.isatty():
                self.line(text)
            else:
                stream.write(f"{text}\n")
                stream.flush()

    def _numbered(self, message: str) -> str:
        """Return a note with its number the first time, then a reference to it."""
        if not isinstance(message, Note):
            return message
        with self._lock:
            if message in self._notes:
                return f"see note {self._notes[message]}"
            self._notes[message] = len(self._notes) + 1
            return f"note {self._notes[message]}: {message}"

    def _show(self) -> Rows:
        if self._rows is None:
            from .rows import Rows

            self._rows = Rows(self.stream, self._plan)
            self._rows.start()
        return self._rows

    def _hide(self) -> None:
        """Remove the rows if nothing is under way and no run goes on."""
        if self._rows and not self._rows.tasks and self._plan is None:
            with suppress(OSError):
                self._rows.stop()
            self._rows = None


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"}
    except ValueError:  # it is closed
        return False


CONSOLE = Console()
