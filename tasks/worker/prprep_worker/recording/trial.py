"""Try code that was written from a recorded call: does it run, how long does a call take, does it change its inputs.

A program: it reads an order (a JSON object) from standard input and writes one line of JSON, the answer, to standard
output. All code may contain `await`, and then runs on one event loop. The order has

- `setup` (code), `call` (an expression), `inputs` (names of variables that the call may change);
- `file` (the path of the test), `filters` of warnings (each a text, and whether it is a command line option);
- `lines` (numbers by file): the answer says which of them are `executed` by the second call, since a cache may answer
  all but the first, or by the first one if that is long, and if the first one executed any (`reached_first`); the code
  can call `reached()`, which returns whether one was executed since `reached()` was last called;
- `inside` (functions, see `WantedFunction`): the answer has the `share` of the call's time in those functions;
- `steps` (statements, with `inside`): they run instead of the call, one after the other, and the answer has the `calls`
  of the functions in each that raise no error;
- `steady`: the answer says whether the call returns the same each time, and has a `digest` of that, "" if it cannot be
  described;
- `setup_each_call`: the setup runs before every call;
- `peak`: the answer has the most bytes that a call allocates at a time;
- `tell`: the answer has the `value` that the call returns;
- `stack`: the name of an AsyncExitStack that the setup may make, and that is closed in the end.

If fixtures provide arguments, a test imports this and calls `answer` with its module's names and their values: the
file that PRPREP_TRIAL names has the order then, and its `out` names the file for the answer.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import inspect
import json
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import time
import tracemalloc
import types
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

from prprep_worker.benchmark import waiting
from prprep_worker.recording.functions import WantedFunction
from prprep_worker.recording.share import TIMES, ShareWatch, WatchedTime
from prprep_worker.values.anatomy import size_of
from prprep_worker.values.comparison import has_changed, is_iterator, is_lazy, pickle_of
from prprep_worker.values.description import describe

Message = dict[str, Any]

ENOUGH_SECONDS = 0.1
"""Calls are repeated until they took this many seconds in all, by the clock of the watch if there is one."""
LONG_SECONDS = 5.0
"""Seconds of a call that is not repeated; others are once at least, since the first call may fill caches."""
MOST_CALLS = 1_000
LEAST_CPU_SHARE = 0.9
"""Least part of the time of a call that computes, without its waits for a core, that is CPU time of its thread."""
FEW_CALLS = 5
"""Further calls with new inputs, if a call changes them, or to see whether a call computes: the first takes longer."""


def try_code(order: Message, fixtures: Message) -> Message:
    """Return `seconds` of a call, if it `changes` inputs, their `size`, the type `returned` and if it is `lazy`."""
    with _temporary_folder() as folder, _patching(order) as patch:
        # Classes that the code defines look for their module, as those of `dataclasses` do.
        module = sys.modules["test_trial"] = types.ModuleType("test_trial")
        names: Message = vars(module)
        names.update({"tmp_path": pathlib.Path(folder), **patch, **fixtures, "__file__": order["file"]})
        trial = Trial(order, names)
        try:
            with _filtered(order["filters"]):
                trial.set_up()
                return trial.steps() if "steps" in order else trial.calls()
        finally:
            trial.close()


class Trial:
    """Code that is tried in one namespace (`names`), and on one event loop if it awaits something."""

    def __init__(self, order: Message, names: Message) -> None:
        self._order, self._names = order, names
        self._loop: Any = None
        self._executed = ExecutedLines(order.get("lines", {}))
        names["reached"] = self._executed.reached
        self._inside = ShareWatch([*map(WantedFunction.of, order["inside"])]) if order.get("inside") else None
        self._setup, self._call = self._compiled(order["setup"]), self._compiled(f"({order['call']}\n)", "eval")

    def _compiled(self, code: str, mode: str = "exec") -> types.CodeType:
        return compile(code, self._order["file"], mode, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)

    def _run(self, code: types.CodeType) -> Any:
        value = eval(code, self._names)  # noqa: S307 - prprep wrote it
        if not code.co_flags & inspect.CO_COROUTINE:
            return value
        self._open_loop()
        return self._loop.run_until_complete(value)

    def _open_loop(self) -> None:
        if self._loop is None:
            import asyncio

            self._loop = asyncio.new_event_loop()

    def close(self) -> None:
        try:
            self._close_fixtures()
        finally:
            if self._loop is not None:
                self._loop.close()

    def set_up(self) -> None:
        self._close_fixtures()
        self._run(self._setup)

    def _close_fixtures(self) -> None:
        """Close what asynchronous fixtures and the setup opened when the code was set up last."""
        stack = self._names.pop(self._order.get("stack", ""), None)
        if stack is not None:
            self._open_loop()
            self._loop.run_until_complete(stack.aclose())

    def steps(self) -> Message:
        """Run the statements of the order; return how often each calls the functions that are watched."""
        return {"calls": [self._calls_in(self._compiled(step)) for step in self._order["steps"]]}

    def _calls_in(self, step: types.CodeType) -> int:
        if self._inside is None:
            raise ValueError("the order has no function to watch")
        self._inside.restart()
        self._run(step)
        return self._inside.calls

    def calls(self) -> Message:
        """Repeat the call until ENOUGH_SECONDS have passed in it, and describe it."""
        order, names = self._order, self._names
        sizes = {name: size_of(names.get(name)) for name in order["inputs"]}
        pickles = {name: pickle_of(names.get(name)) for name in order["inputs"]}
        if self._call.co_flags & inspect.CO_COROUTINE:
            self._open_loop()  # the first call alone would do this
        before = ThreadTimes.now()
        with self._executed:
            once = self._timed(self._call)
        value, reached_first = once.value, bool(self._executed.executed)
        changed = any(_has_changed(names.get(name), pickles[name], sizes[name]) for name in order["inputs"])
        with_setup = bool(order.get("setup_each_call"))
        changes = changed or with_setup
        first = _digest(value) if order.get("steady") else ""
        if self._inside and (before.only_computed_since() or self._computes(once.wall, changes=changes)):
            # While others have the core, wall time would go on in one part of the call or another.
            self._inside.clock = time.thread_time
        again, last = self._repeated(once.wall, changes=changes)
        described = {
            "seconds": min(each.wall for each in (once, *(unwatched for unwatched, _ in again))),
            "changes": changed and not with_setup,
            "lazy": is_lazy(value),
            "returned": type(value).__qualname__,
            "size": sum(sizes.values()),
            "reached": bool(self._executed.executed),
            "reached_first": reached_first,
            "executed": sorted(self._executed.executed),
        }
        if self._inside and not self._order.get("lines"):
            described["share"] = self._share(self._inside, once, again)
        if order.get("peak"):
            described["peak"] = self._peak(changes=changes)
        if order.get("steady"):
            described |= {"digest": first, "steady": _digest(last if again else value) == first}
        if order.get("tell"):
            described["value"] = last if again and order.get("lines") else value
        return described

    def _computes(self, seconds: float, *, changes: bool) -> bool:
        """Return whether a further call only computes: the first one may import modules, and a machine may pause."""
        for _ in range(FEW_CALLS if seconds < ENOUGH_SECONDS else 0):
            if changes:
                self.set_up()
            before = ThreadTimes.now()
            self._timed(self._call)
            if before.only_computed_since():
                return True
        return False

    def _share(self, inside: ShareWatch, once: Timed, again: list[tuple[Timed, Timed]]) -> float:
        """Return the share of the watched functions in a call; the first call may fill caches, as others do not."""
        nothing = self._compiled("None", "eval")
        trial = min(self._timed(nothing).own for _ in range(TIMES))
        cost = inside.cost()
        if not again:
            return cost.share(once.seen, once.own - trial, None)
        return statistics.median(
            cost.share(watched.seen, watched.own - trial, unwatched.own - trial) for unwatched, watched in again
        )

    def _repeated(self, spent: float, *, changes: bool) -> tuple[list[tuple[Timed, Timed]], Any]:
        """Return the times of further calls, each without and with watching, and what the last one returns."""
        again: list[tuple[Timed, Timed]] = []
        last = None
        most = FEW_CALLS if changes else MOST_CALLS
        if spent >= LONG_SECONDS:
            most = 0
        elif self._order.get("lines"):
            # Whoever asks for lines needs the time of one call without tracing.
            last = self._traced_anew(changes=changes)
            return [(self._timed_anew(changes=changes)._replace(value=None),) * 2], last.value
        while (not again or spent < ENOUGH_SECONDS) and len(again) < most:
            with self._inside.paused() if self._inside else contextlib.nullcontext():
                unwatched = last = self._timed_anew(changes=changes)
            if self._inside:
                last = self._timed_anew(changes=changes)
            spent += unwatched.own
            again.append((unwatched._replace(value=None), last._replace(value=None)))
        return again, last.value if last else None

    def _traced_anew(self, *, changes: bool) -> Timed:
        if changes:
            self.set_up()
        self._executed.restart()
        with self._executed:
            return self._timed(self._call)

    def _timed_anew(self, *, changes: bool) -> Timed:
        if changes:
            self.set_up()
        return self._timed(self._call)

    def _timed(self, code: types.CodeType) -> Timed:
        """Return the times of code, and what it returns; consume an iterator."""
        clock = self._inside.clock if self._inside else time.perf_counter
        if self._inside:
            self._inside.restart()
        own, begun = clock(), time.perf_counter()
        value = self._run(code)
        for _ in value if is_lazy(value) else ():
            pass
        wall, own = time.perf_counter() - begun, clock() - own
        return Timed(wall, own, self._inside.seen if self._inside else WatchedTime(), value)

    def _peak(self, *, changes: bool) -> int:
        """Return the most bytes that one more call, with what it returns, allocates at a time."""
        if changes:
            self.set_up()
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            value = self._run(self._call)
            for _ in value if is_lazy(value) else ():
                pass
            return tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()


class Timed(NamedTuple):
    """Seconds of a call by wall time, and by the clock of the watch, what that saw, and what the call returned."""

    wall: float
    own: float
    seen: WatchedTime
    value: Any


class ThreadTimes(NamedTuple):
    """Seconds of CPU, of wall time, and nanoseconds of waiting for a core, of this thread so far."""

    cpu: float
    wall: float
    waited: int | None

    @classmethod
    def now(cls) -> ThreadTimes:
        return cls(time.thread_time(), time.perf_counter(), waiting.waited())

    def only_computed_since(self) -> bool:
        """Return whether the thread has only computed since then, or waited for a core; False if that is not known."""
        now = ThreadTimes.now()
        if now.waited is None or self.waited is None:
            return False
        return now.cpu - self.cpu >= LEAST_CPU_SHARE * (now.wall - self.wall - (now.waited - self.waited) / 1e9)


def _digest(value: object) -> str:
    described = describe(value)
    if described["opaque"]:
        return ""
    return hashlib.sha256(json.dumps(described["tree"], sort_keys=True).encode()).hexdigest()


@contextlib.contextmanager
def _temporary_folder() -> Iterator[str]:
    """Provide an empty folder, and remove it; what another process still writes there may stay."""
    folder = tempfile.mkdtemp()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _patching(order: Message) -> Iterator[Message]:
    """Provide `monkeypatch` if the code uses it: importing pytest takes longer than most trials."""
    if "monkeypatch" not in "".join((order["setup"], order["call"], *order.get("steps", ()))):
        yield {}
        return
    import pytest

    with pytest.MonkeyPatch.context() as patch:
        yield {"monkeypatch": patch}


class ExecutedLines:
    """In its context, notes whether one of some lines is executed by this thread; `lines` are numbers by file."""

    def __init__(self, lines: dict[str, list[int]]) -> None:
        self._lines = {os.path.realpath(path): frozenset(numbers) for path, numbers in lines.items()}
        self._reached = False
        self.executed: set[int] = set()

    def __enter__(self) -> None:
        if self._lines:
            sys.settrace(self._trace)

    def __exit__(self, *_error: object) -> None:
        if self._lines:
            sys.settrace(None)

    def restart(self) -> None:
        self._reached, self.executed = False, set()

    def reached(self) -> bool:
        """Return whether a line was executed since this was last asked."""
        reached, self._reached = self._reached, False
        return reached

    def _trace(self, frame: Any, event: str, _argument: Any) -> Any:
        lines = self._lines.get(frame.f_code.co_filename)
        if lines is None:
            return None
        if event == "line" and frame.f_lineno in lines:
            self._reached = True
            self.executed.add(frame.f_lineno)
        return self._trace


def _has_changed(value: object, pickled: bytes | None, size: int) -> bool:
    if is_iterator(value):
        return True
    return size_of(value) != size if pickled is None else has_changed(pickled, value)


@contextlib.contextmanager
def _filtered(filters: list[tuple[str, bool]]) -> Iterator[None]:
    """Filter warnings as pytest would; leave out a filter that it could not understand."""
    # As pytest does: a warning that is recorded costs less than one that is printed.
    with warnings.catch_warnings(record=True):
        if not sys.warnoptions:
            for category in (DeprecationWarning, PendingDeprecationWarning):
                warnings.filterwarnings("always", category=category)
        for text, is_option in filters:
            # What its parser raises depends on its version, and a category may be of a module that raises anything.
            with contextlib.suppress(Exception):
                _filter_warnings(text, is_option=is_option)
        yield


def _filter_warnings(text: str, *, is_option: bool) -> None:
    try:
        from _pytest.config import parse_warning_filter
    except ImportError:  # before pytest 6.2
        from _pytest import warnings as of_pytest

        parse_warning_filter = getattr(of_pytest, "_parse_filter", None)
    if parse_warning_filter is not None:
        warnings.filterwarnings(*parse_warning_filter(text, escape=is_option))
    elif is_option:  # before pytest 6
        vars(warnings)["_setoption"](text)
    else:
        vars(of_pytest)["_setoption"](warnings, text)


def main() -> None:
    out = os.dup(1)
    os.dup2(2, 1)  # what the project's code prints is not the answer
    outcome = _outcome(json.load(sys.stdin), {})
    with os.fdopen(out, "w") as stream:
        json.dump(outcome, stream)


def answer(module: Message, *fixtures: Any) -> None:
    """Try the code with the names of a module and the values of the order's fixtures."""
    with open(os.environ["PRPREP_TRIAL"], encoding="utf-8") as stream:
        order = json.load(stream)
    names = {name: value for name, value in module.items() if not name.startswith("__")}
    outcome = _outcome(order, {**names, **dict(zip(order["fixtures"], fixtures))})  # noqa: B905 - Python 3.9
    with open(order["out"], "w", encoding="utf-8") as stream:
        json.dump(outcome, stream)


def _outcome(order: Message, fixtures: Message) -> Message:
    try:
        return try_code(order, fixtures)
    except BaseException as error:  # noqa: BLE001 - the project's code may raise anything
        return {"raised": f"{type(error).__name__}: {error}"[:300]}


if __name__ == "__main__":
    if sys.path[0] == os.path.dirname(__file__):
        del sys.path[0]  # our modules may have names of the project's
    main()
