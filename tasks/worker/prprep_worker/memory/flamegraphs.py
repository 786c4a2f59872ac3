"""Read memray's profiles of a benchmark's calls, and draw their flame graphs: a program of prprep's own.

It runs in the target's interpreter, whose memray wrote the profiles: other versions may not read them. One JSON object on
standard input says what is wanted, the last line of standard output is the answer. Every path is spelled relative to the tree
or to the folder that modules are imported from, so that the same profile gives the same file on every machine.
Standard library and memray, Python 3.9 or newer.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import inspect
import json
import linecache
import os
import sys
import sysconfig
from collections import Counter
from typing import TYPE_CHECKING, Any

import memray

if TYPE_CHECKING:
    from collections.abc import Iterable

    Frame = tuple[str, str, int]
    """Function, file, line."""

OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
ITSELF = "(the call itself)"
"""What C code allocated that the benchmark calls directly, with no function of Python's own between."""
NATIVE = "(native code)"
"""What was allocated on a thread that runs no Python."""
LIBRARIES = ("stdlib", "platstdlib", "purelib", "platlib")
THE_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


def main() -> None:
    """Return for each profile its call sites at the peak, None where it cannot be read, and what went wrong."""
    asked = json.load(sys.stdin)
    spelling = Spelling(asked["tree"], [*sys.path, *(sysconfig.get_paths()[name] for name in LIBRARIES)])
    print(json.dumps({job["key"]: _read(job, spelling, f"{asked['side']}: {job['key']}") for job in asked["profiles"]}))


def _read(job: dict[str, str], spelling: Spelling, title: str) -> dict[str, Any]:
    """Try the two apart: memray's reporter is no published interface, and the call sites do not hang on it."""
    found = None
    try:
        reader = memray.FileReader(job["profile"])
        native = reader.metadata.has_native_traces
        records = [
            Record(record, spelling, native=native)
            for record in reader.get_high_watermark_allocation_records(merge_threads=True)
        ]
        found = sites(records)
        _draw(records, reader.metadata, job["flamegraph"], title)
    except Exception as error:  # noqa: BLE001 - told to the coordinator
        return {"sites": found, "failed": f"{type(error).__name__}: {error}"}
    return {"sites": found, "failed": ""}


def sites(records: Iterable[Record]) -> list[list[Any]]:
    """Sum up bytes by the innermost function of Python's: `[file, line, function, bytes]`, the largest first."""
    held: Counter[Frame] = Counter()
    for record in records:
        held[record.site()] += record.size
    return [[file, line, function, size] for (function, file, line), size in held.most_common()]


def _draw(records: list[Record], metadata: Any, target: str, title: str) -> None:
    from memray.reporters.flamegraph import FlameGraphReporter

    unchanging = {"start_time": THE_EPOCH, "end_time": THE_EPOCH, "command_line": title, "pid": 0}
    named = {field.name for field in dataclasses.fields(metadata)}
    metadata = dataclasses.replace(metadata, **{name: value for name, value in unchanging.items() if name in named})
    # Snapshots of the whole process's size are taken by the clock: nothing that is the same twice.
    reporter = _call(
        FlameGraphReporter.from_snapshot,
        records,
        memory_records=(),
        native_traces=metadata.has_native_traces,
        inverted=False,
    )
    with open(target, "w", encoding="utf-8") as stream:
        _call(reporter.render, stream, metadata=metadata, show_memory_leaks=False, merge_threads=True, inverted=False)


def _call(function: Any, first: object, **options: object) -> Any:
    """Leave out the options that this version of memray does not have."""
    known = inspect.signature(function).parameters
    return function(first, **{name: value for name, value in options.items() if name in known})


class Record:
    """One of memray's records, as its reporter reads it: stacks begin at the benchmark's call, and paths are relative."""

    def __init__(self, record: Any, spelling: Spelling, *, native: bool) -> None:
        self.size, self.n_allocations, self.tid = record.size, record.n_allocations, -1
        self.thread_name = ""
        self._python = spelling.stack(record.stack_trace())
        self._hybrid = spelling.stack(record.hybrid_stack_trace()) if native else self._python

    def stack_trace(self, max_stacks: int | None = None) -> list[Frame]:
        return self._python[:max_stacks]

    def hybrid_stack_trace(self, max_stacks: int | None = None) -> list[Frame]:
        return self._hybrid[:max_stacks]

    def site(self) -> Frame:
        """Return the innermost function of Python's that has a name: comprehensions and lambdas count for what they stand in."""
        if not self._python:
            return self._hybrid[0] if self._hybrid else ("", NATIVE, 0)
        function, file, line = self._python[0]
        for outer, outer_file, outer_line in self._python[1:]:
            if not _is_nameless(function) or outer_file != file:
                break
            # memray gives 0 for some of these on Python 3.9.
            function, line = outer, line or outer_line
        return function, file, line


def _is_nameless(function: str) -> bool:
    return function.startswith("<") and function.endswith(">") and function != "<module>"


class Spelling:
    """Spells files relative to the tree, or to the nearest folder on the import path."""

    def __init__(self, tree: str, folders: Iterable[str]) -> None:
        self._tree = tuple(dict.fromkeys((tree, os.path.realpath(tree))))
        named = {
            spelled for folder in folders if folder for spelled in (os.path.abspath(folder), os.path.realpath(folder))
        }
        self._folders = sorted(named - set(self._tree), key=len, reverse=True)
        self._known: dict[str, str] = {}

    def stack(self, frames: Iterable[Frame]) -> list[Frame]:
        """Spell a stack, innermost first, up to the benchmark's call; what led there is prprep's and pytest's."""
        spelled = []
        for function, file, line in frames:
            if file.startswith(OURS):
                return spelled or [("", ITSELF, 0)]
            spelled.append((function, self.file(file), line))
        return spelled

    def file(self, file: str) -> str:
        if file not in self._known:
            self._known[file] = spelled = self._spell(file)
            # memray shows lines of code by the names that it is given.
            linecache.cache[spelled] = (0, None, linecache.getlines(file), file)
        return self._known[file]

    def _spell(self, file: str) -> str:
        if not os.path.isabs(file):
            return file
        tree = next((file[len(tree) + 1 :] for tree in self._tree if file.startswith(tree + os.sep)), None)
        if tree is not None and not {"site-packages", "dist-packages"} & set(tree.split(os.sep)):
            return tree.replace(os.sep, "/")
        found = next(
            (file[len(folder) + 1 :] for folder in self._folders if file.startswith(folder.rstrip(os.sep) + os.sep)),
            None,
        )
        return (found or tree or os.path.basename(file)).replace(os.sep, "/")


if __name__ == "__main__":
    main()
