"""Watch a run in another process, and keep its page up to date."""

import os
import posixpath
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from .. import pipeline
from ..errors import PrprepError
from ..graph.loader import Graph
from ..processes import secrets
from ..processes.locks import holder
from ..stages.report import page
from ..storage.hashing import sha256
from ..storage.journal import tail
from ..storage.paths import ItemPaths, ProjectPaths, relative_path
from ..text.markdown import one_line, shorten

SECONDS = 1.5
PAUSES = 3.0
"""A pause is at least so many times as long as the look before it: many items must not slow the run down."""
LONGEST_LINE = 160
TAIL_LINES = 200


class State(NamedTuple):
    """The page, a name for this version of it, and a line for each item under way."""

    version: str
    html: str
    running: tuple[str, ...]


class Watch:
    """The page and what is under way; a file that the run has half written is read again at the next look."""

    def __init__(self, open_graph: Callable[[], Graph]) -> None:
        self._open_graph = open_graph
        self._graph = open_graph()
        self._manifest = self._stamp()
        self._made_from = ""
        self._news = threading.Condition()
        self.is_over = False
        self.state = State("", "", ())
        self.look()

    def run(self) -> None:
        """Look until the process is interrupted."""
        try:
            while True:
                began = time.monotonic()
                self.look()
                time.sleep(max(SECONDS, PAUSES * (time.monotonic() - began)))
        finally:
            self.end()

    def end(self) -> None:
        with self._news:
            self.is_over = True
            self._news.notify_all()

    def await_news(self, known: State | None, seconds: float) -> None:
        """Wait until the state is another than `known`, the watch has ended, or `seconds` have passed."""
        with self._news:
            self._news.wait_for(lambda: self.is_over or self.state is not known, seconds)

    def look(self) -> None:
        """Make the page again if anything that it shows has changed."""
        try:
            state = self._look()
        except (PrprepError, OSError) as error:
            # An artifact that is replaced meanwhile, or a manifest that is being edited.
            state = self.state._replace(running=(one_line(secrets.masked(str(error))),))
        if state != self.state:
            with self._news:
                self.state = state
                self._news.notify_all()

    def profile(self, address: str) -> Path | None:
        """Return the file of a flame graph that the page links to; None if it links to no such address."""
        paths = self._graph.workspace.paths
        for item_id in self._graph.workspace.plan.items:
            profiles = paths.item(item_id).profiles
            for path in profiles.glob("*.html"):
                # As a browser resolves the page's link.
                if address == posixpath.normpath(f"/{relative_path(path, paths.output)}"):
                    return path
        return None

    def _look(self) -> State:
        if (stamp := self._stamp()) != self._manifest:
            self._graph, self._manifest = self._open_graph(), stamp
        staleness = self._graph.staleness
        staleness.changed()
        html, version = self.state.html, self.state.version
        if (made_from := staleness.fingerprint_of_all(pipeline.PAGE)) != self._made_from or not html:
            html = page.page_text(staleness, pipeline.PAGE, live=True)
            self._made_from, version = made_from, sha256(html.encode())
        return State(version, html, tuple(under_way(self._graph.workspace.paths, self._graph.workspace.plan.items)))

    def _stamp(self) -> tuple[int, int]:
        status = self._graph.manifest.stat()
        return status.st_mtime_ns, status.st_size


def under_way(paths: ProjectPaths, item_ids: Iterable[str]) -> Iterator[str]:
    """Yield the stage, and the last line of the log, of each item that a run is working on."""
    if not _is_alive(holder(paths.state / "lock")):
        return
    for item_id in item_ids:
        item = paths.item(item_id)
        if _changed_at(item.log) > max(map(_changed_at, (item.times, item.failure))):
            yield f"{item_id}: {_doing(item)}"


def _doing(item: ItemPaths) -> str:
    """Return the stage and the last line of a log, of which a run may have written only a part."""
    lines = tail(item.log, TAIL_LINES).splitlines()
    stage = next((line[3:].partition(",")[0] for line in reversed(lines) if line.startswith("== ")), "")
    last = "" if not lines or lines[-1].startswith("== ") else f", {shorten(one_line(lines[-1]), LONGEST_LINE)}"
    return f"{stage}{last}"


def _changed_at(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def _is_alive(process: int | None) -> bool:
    if process is None or process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
