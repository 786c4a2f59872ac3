"""Find out which tests reach some functions, and for how long: a pytest plugin.

PRPREP_EXPLORER names the file of the orders in JSON: the `targets` (functions, see `WantedFunction`, by name), the
`tree`, the file to write (`out`: two lines of JSON for each test, written as it begins and ends, and one for each file
of tests that takes too long to import), the `seconds` that one test may take and those of the import of a file
(`importing`), those after which no further test begins (`session`), the target of which it matters how long it runs in
each call (`inside`, "" for none), whether the callers are noted (`chains`), and the cases (pytest's ids) for which the
other ones of their tests are left out (`only`). Tests that began in an earlier run into the same file are left out. If
the process still runs after `dump_after` seconds, the file `stacks` gets what each thread then does.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from prprep_worker.exploring.cases import case_of, plain_values_of
from prprep_worker.exploring.reach import ReachWatch
from prprep_worker.recording.functions import WantedFunction


class Explorer:
    """Runs each test with a time limit, and notes what it reached."""

    def __init__(self, orders: dict[str, Any]) -> None:
        self._orders = orders
        self._end = time.monotonic() + orders["session"]
        targets = {target: WantedFunction.of(function) for target, function in orders["targets"].items()}
        self._watch = ReachWatch(targets, orders["tree"], orders["inside"], chains=orders["chains"])
        stacks = os.open(orders["stacks"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        faulthandler.dump_traceback_later(orders["dump_after"], file=stacks)

    @classmethod
    def of_file(cls, path: str) -> Explorer:
        with open(path, encoding="utf-8") as file:
            return cls(json.load(file))

    @pytest.hookimpl(hookwrapper=True)
    def pytest_make_collect_report(self, collector: Any) -> Iterator[None]:
        """Leave out a file whose import takes too long, such as one that waits for a server."""
        if not isinstance(collector, pytest.File):
            yield
            return
        if time.monotonic() > self._end:
            collector.session.shouldstop = "the time for exploring is over"

        def stopped(frame: FrameType | None) -> None:
            self._write({"stopped": collector.nodeid, "at": _place(frame, os.path.realpath(self._orders["tree"]))})

        with _limited(self._orders["importing"], stopped):
            yield

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> None:
        """Run tests last that hypothesis repeats with inputs of its own: they take long, and have no input to keep."""
        only, skip = set(self._orders["only"]), self._begun()
        chosen = {_without_case(item) for item in items if item.nodeid in only}
        kept, left_out = [], []
        for item in items:
            is_kept = item.nodeid not in skip and (item.nodeid in only or _without_case(item) not in chosen)
            (kept if is_kept else left_out).append(item)
        if left_out:
            config.hook.pytest_deselected(items=left_out)
        items[:] = sorted(kept, key=_is_generated)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
        self._watch.restart(str(item.fspath))
        self._write({"began": item.nodeid})
        yield
        tree = os.path.realpath(self._orders["tree"])
        reached = {target: reach.message(tree) for target, reach in self._watch.reached.items()}
        self._write({**_described(item), "reached": reached})
        if time.monotonic() > self._end:
            item.session.shouldstop = "the time for exploring is over"

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        with _limited(self._orders["seconds"]):
            yield

    def _begun(self) -> set[str]:
        if not os.path.exists(self._orders["out"]):
            return set()
        with open(self._orders["out"], encoding="utf-8") as out:
            return {json.loads(line).get("began", "") for line in out}

    def _write(self, message: dict[str, Any]) -> None:
        with open(self._orders["out"], "a", encoding="utf-8") as out:
            out.write(json.dumps(message) + "\n")


def _described(item: Any) -> dict[str, Any]:
    """Return a test's id, the index of the value that each parametrized name has, and whether it is generated."""
    case, values = case_of(item), plain_values_of(item)
    return {"test": item.nodeid, "case": case, "values": values, "generated": _is_generated(item)}


def _without_case(item: Any) -> str:
    return str(item.nodeid.partition("[")[0])


def _is_generated(item: Any) -> bool:
    return bool(getattr(getattr(item, "obj", None), "is_hypothesis_test", False))


@contextlib.contextmanager
def _limited(seconds: float, stopped: Callable[[FrameType | None], object] = bool) -> Iterator[None]:
    """Fail what takes longer, after a call of `stopped`, if the system and the thread allow it."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, frame: FrameType | None) -> None:
        stopped(frame)
        pytest.fail(f"stopped after {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _place(frame: FrameType | None, tree: str) -> str:
    """Return path and line of the innermost frame in the tree; "" if there is none."""
    while frame:
        path = os.path.realpath(frame.f_code.co_filename)
        if path.startswith(tree + os.sep):
            return f"{os.path.relpath(path, tree)}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def pytest_configure(config: Any) -> None:
    if EXPLORER:
        config.pluginmanager.register(EXPLORER, "prprep-explorer")


# Now, not when pytest is configured: before that a conftest may import the project, and modules copy names.
# Tests that run pytest themselves must not explore.
_orders = os.environ.pop("PRPREP_EXPLORER", None)
EXPLORER = Explorer.of_file(_orders) if _orders else None
