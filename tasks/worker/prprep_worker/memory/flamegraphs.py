"""Read memray's profiles of a benchmark's calls, and draw their flame graphs (run as a program).

It runs in the project's interpreter, whose memray wrote the profiles: other versions may not read them. One JSON object
on standard input is the order, the last line of standard output is the answer. Every path is relative to the tree or to
the folder that modules are imported from, so that the same profile gives the same file on every machine.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import inspect
import json
import linecache
import os
import sys
import sysconfig
from collections import Counter
from collections.abc import Iterable
from typing import Any

import memray

Frame = tuple[str, str, int]
"""Function, file, line."""

OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
ITSELF = "(the call itself)"
"""What C code allocated that the benchmark calls directly, without a Python function between."""
NATIVE = "(native code)"
"""What was allocated on a thread that runs no Python."""
STEPS = 120
"""Of a call, of each of which the most bytes held are kept."""
MOST_EVENTS = 20_000_000
"""Reading so many allocations takes some 15 seconds; of a longer profile there is no curve."""
# A flame graph alone draws none of memray's other charts, for which it would carry 3.7 MB of Plotly in each file.
NO_PLOTLY = "var Plotly = {Icons: {}, newPlot() {}, Plots: {resize() {}}};"
LIBRARIES = ("stdlib", "platstdlib", "purelib", "platlib")
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


def main() -> None:
    """Print for each profile the call sites at its peak, None if it cannot be read, what was held, and the error."""
    order = json.load(sys.stdin)
    paths = RelativePaths(order["tree"], [*sys.path, *(sysconfig.get_paths()[name] for name in LIBRARIES)])
    print(json.dumps({job["key"]: _read(job, paths, f"{order['side']}: {job['key']}") for job in order["profiles"]}))


def _read(job: dict[str, str], paths: RelativePaths, title: str) -> dict[str, Any]:
    """Keep the call sites if drawing fails: memray's reporter is not a public interface."""
    call_sites, held = None, []
    try:
        reader = memray.FileReader(job["profile"])
        native = reader.metadata.has_native_traces
        records = [
            AllocationRecord(record, paths, native=native)
            for record in reader.get_high_watermark_allocation_records(merge_threads=True)
        ]
        call_sites, held = sites(records), held_in_steps(reader)
        _draw(records, reader.metadata, job["flamegraph"], title)
    except Exception as error:  # noqa: BLE001 - the coordinator reports it
        return {"sites": call_sites, "held": held, "failed": f"{type(error).__name__}: {error}"}
    return {"sites": call_sites, "held": held, "failed": ""}


def held_in_steps(reader: Any) -> list[int]:
    """Return the most bytes held in each of STEPS equal parts of a call, by the number of its allocations and frees.

    Not by the clock: that would differ from run to run, and may miss the peak.
    """
    events = reader.metadata.total_allocations
    if not 0 < events <= MOST_EVENTS:
        return []
    kinds = memray.AllocatorType
    freeing = {kinds.FREE, kinds.MUNMAP, getattr(kinds, "PYMALLOC_FREE", None)}
    steps, held, live = [0] * min(STEPS, events), 0, {}
    for number, record in enumerate(reader.get_allocation_records()):
        if record.allocator in freeing:
            held -= live.pop(record.address, 0)
        else:
            held += record.size - live.get(record.address, 0)
            live[record.address] = record.size
        step = min(number * len(steps) // events, len(steps) - 1)
        steps[step] = max(steps[step], held)
    return steps


def sites(records: Iterable[AllocationRecord]) -> list[list[Any]]:
    """Sum up bytes by the innermost Python function: `[file, line, function, bytes]`, the largest first."""
    held: Counter[Frame] = Counter()
    for record in records:
        held[record.site()] += record.size
    return [[file, line, function, size] for (function, file, line), size in held.most_common()]


def _draw(records: list[AllocationRecord], metadata: Any, target: str, title: str) -> None:
    from memray.reporters.flamegraph import FlameGraphReporter

    _leave_out_plotly()
    constant = {"start_time": EPOCH, "end_time": EPOCH, "command_line": title, "pid": 0}
    names = {field.name for field in dataclasses.fields(metadata)}
    metadata = dataclasses.replace(metadata, **{name: value for name, value in constant.items() if name in names})
    # Leave out the snapshots of the process's size: they are taken by the clock, so that no two are the same.
    reporter = _call(
        FlameGraphReporter.from_snapshot,
        records,
        memory_records=(),
        native_traces=metadata.has_native_traces,
        inverted=False,
    )
    with open(target, "w", encoding="utf-8") as stream:
        options = {"show_memory_leaks": False, "merge_threads": True, "inverted": False, "no_web": True}
        _call(reporter.render, stream, metadata=metadata, **options)


def _leave_out_plotly() -> None:
    from memray.reporters import templates

    files = templates.get_render_environment().globals
    include = files["include_file"]
    files["include_file"] = lambda name: NO_PLOTLY if name.endswith("plotly.min.js") else include(name)


def _call(function: Any, first: object, **options: object) -> Any:
    """Call a function without the options that this version of memray does not have."""
    known = inspect.signature(function).parameters
    return function(first, **{name: value for name, value in options.items() if name in known})


class AllocationRecord:
    """A record as memray's reporter reads it: stacks begin at the benchmark's call, and paths are relative."""

    def __init__(self, record: Any, paths: RelativePaths, *, native: bool) -> None:
        self.size, self.n_allocations, self.tid = record.size, record.n_allocations, -1
        self.thread_name = ""
        self._python = paths.stack(record.stack_trace())
        self._hybrid = paths.stack(record.hybrid_stack_trace()) if native else self._python

    def stack_trace(self, max_stacks: int | None = None) -> list[Frame]:
        return self._python[:max_stacks]

    def hybrid_stack_trace(self, max_stacks: int | None = None) -> list[Frame]:
        return self._hybrid[:max_stacks]

    def site(self) -> Frame:
        """Return the innermost Python function with a name; comprehensions and lambdas belong to the one around."""
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


class RelativePaths:
    """Files relative to the tree, or to the nearest folder on the import path."""

    def __init__(self, tree: str, folders: Iterable[str]) -> None:
        self._trees = tuple(dict.fromkeys((tree, os.path.realpath(tree))))
        names = {name for folder in folders if folder for name in (os.path.abspath(folder), os.path.realpath(folder))}
        self._folders = sorted(names - set(self._trees), key=len, reverse=True)
        self.file = functools.cache(self._file)

    def stack(self, frames: Iterable[Frame]) -> list[Frame]:
        """Return a stack, innermost first, up to the benchmark's call; below are prprep and pytest."""
        stack = []
        for function, file, line in frames:
            if file.startswith(OURS):
                return stack or [("", ITSELF, 0)]
            stack.append((function, self.file(file), line))
        return stack

    def _file(self, file: str) -> str:
        relative = self._relative(file)
        # memray shows lines of code by the names that it gets.
        linecache.cache[relative] = (0, None, linecache.getlines(file), file)
        return relative

    def _relative(self, file: str) -> str:
        if not os.path.isabs(file):
            return file
        in_tree = _below(file, self._trees)
        is_installed = in_tree and {"site-packages", "dist-packages"} & set(in_tree.split(os.sep))
        relative = in_tree if in_tree and not is_installed else _below(file, self._folders) or in_tree
        return (relative or os.path.basename(file)).replace(os.sep, "/")


def _below(file: str, folders: Iterable[str]) -> str:
    """Return a file's path below the first of the folders that holds it; "" if none does."""
    return next((file[len(folder) + 1 :] for folder in folders if file.startswith(folder.rstrip(os.sep) + os.sep)), "")


if __name__ == "__main__":
    main()
