"""Try code that was written from a recorded call: does it run, how long does a call take, what does it leave behind.

A program: JSON on standard input with `setup` (code), `call` (an expression), `inputs` (names), `file` (where the test
will lie), `awaited`, `filters` of warnings (each a text, and whether it is an option of a command line), and `tell` where
the value itself is asked for; one line of JSON on standard output. Where fixtures give arguments, a test imports this and
calls `answer` with their values: the order is the file PRPREP_TRIAL then, the answer goes to the file that it names as `out`.
Python 3.9 or newer, pytest 6.2 or newer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pathlib
import sys
import tempfile
import time
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.config import parse_warning_filter

from prprep_worker.benchmark.watch import _differs, _is_iterator, _pickled
from prprep_worker.values.sizes import size_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ENOUGH = 0.1
"""Seconds of calls for a figure."""
MOST = 1_000


def tried(order: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return `seconds` of a call, whether it `changes` its inputs and its result is `lazy`, what it `returned`; or what was `raised`."""
    filters, awaited = order["filters"], order["awaited"]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        names: dict[str, Any] = {"__file__": order["file"], "__name__": "test_trial", "tmp_path": pathlib.Path(folder)}
        names.update(given, monkeypatch=patch)
        with _filtered(filters):
            exec(compile(order["setup"], order["file"], "exec"), names)  # noqa: S102 - it was written by prprep
        call = compile(f"({order['call']}\n)", order["file"], "eval")
        sizes = {name: size_of(names.get(name)) for name in order["inputs"]}
        before = {name: _pickled(names.get(name)) for name in order["inputs"]}
        with _filtered(filters):
            seconds, value = _timed(call, names, awaited=awaited)
        changes = [
            name
            for name, spelled in before.items()
            if _is_iterator(names.get(name))
            or (spelled is not None and _differs(spelled, names[name]))
            or (spelled is None and size_of(names.get(name)) != sizes[name])
        ]
        lazy = _is_iterator(value) and iter(value) is value
        with _filtered(filters):
            if lazy:
                begun = time.perf_counter()
                for _ in value:
                    pass
                seconds += time.perf_counter() - begun
            spent, count = seconds, 1
            while not changes and not lazy and spent < ENOUGH and count < MOST:
                took, _ = _timed(call, names, awaited=awaited)
                spent, count, seconds = spent + took, count + 1, min(seconds, took)
        size, returned = sum(sizes.values()), type(value).__qualname__
        told = {"value": value} if order.get("tell") else {}
        return {"seconds": seconds, "changes": bool(changes), "lazy": lazy, "returned": returned, "size": size, **told}


@contextlib.contextmanager
def _filtered(filters: list[tuple[str, bool]]) -> Iterator[None]:
    """Let warnings be what pytest would make of them; a filter that it could not understand is left out."""
    # As pytest does: a warning that is kept costs less than one that is printed.
    with warnings.catch_warnings(record=True):
        if not sys.warnoptions:
            for category in (DeprecationWarning, PendingDeprecationWarning):
                warnings.filterwarnings("always", category=category)
        for text, is_option in filters:
            # What its parser raises depends on its version, and a category may be of a module that raises anything.
            with contextlib.suppress(Exception):
                warnings.filterwarnings(*parse_warning_filter(text, escape=is_option))
        yield


def _timed(call: Any, names: dict[str, Any], *, awaited: bool) -> tuple[float, Any]:
    if awaited:
        begun = time.perf_counter()
        value = asyncio.run(_awaited(call, names))
        return time.perf_counter() - begun, value
    begun = time.perf_counter()
    value = eval(call, names)  # noqa: S307 - as above
    return time.perf_counter() - begun, value


async def _awaited(call: Any, names: dict[str, Any]) -> Any:
    return await eval(call, names)  # noqa: S307 - as above


def main() -> None:
    out = os.dup(1)
    os.dup2(2, 1)  # what the target prints is not the answer
    found = _answered(json.load(sys.stdin), {})
    with os.fdopen(out, "w") as stream:
        json.dump(found, stream)


def answer(*given: Any) -> None:
    """Try the code with what the fixtures of the order give."""
    with open(os.environ["PRPREP_TRIAL"], encoding="utf-8") as asked:
        order = json.load(asked)
    found = _answered(order, dict(zip(order["fixtures"], given)))  # noqa: B905 - Python 3.9
    with open(order["out"], "w", encoding="utf-8") as stream:
        json.dump(found, stream)


def _answered(order: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    try:
        return tried(order, given)
    except BaseException as error:  # noqa: BLE001 - whatever the target raises is the answer
        return {"raised": f"{type(error).__name__}: {error}"[:300]}


if __name__ == "__main__":
    if sys.path[0] == os.path.dirname(__file__):
        del sys.path[0]  # names of our modules may be names of the project's
    main()
