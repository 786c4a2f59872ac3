"""Try code that was written from a recorded call: does it run, how long does a call take, what does it leave behind.

A program: JSON on standard input with `setup` (code), `call` (an expression), `inputs` (names), `file` (where the test
will lie), `awaited`, and `tell` where the value itself is asked for; one line of JSON on standard output. Python 3.9 or newer, pytest.
"""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import sys
import tempfile
import time
from typing import Any

import prprep_sizes
import prprep_watch
import pytest

ENOUGH = 0.1
"""Seconds of calls for a figure."""
MOST = 1_000


def tried(order: dict[str, Any]) -> dict[str, Any]:
    """Give `seconds` of a call, whether it `changes` its inputs and its result is `lazy`, what it `returned`; or what was `raised`."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        names: dict[str, Any] = {"__file__": order["file"], "__name__": "test_trial", "tmp_path": pathlib.Path(folder)}
        names["monkeypatch"] = patch
        exec(compile(order["setup"], order["file"], "exec"), names)  # noqa: S102 - it was written by prprep
        call = compile(f"({order['call']}\n)", order["file"], "eval")
        size = sum(prprep_sizes.size_of(names.get(name)) for name in order["inputs"])
        before = {name: prprep_watch._pickled(names.get(name)) for name in order["inputs"]}  # noqa: SLF001 - a part of the same program
        seconds, value = _timed(call, names, awaited=order["awaited"])
        changes = [
            name
            for name, spelled in before.items()
            if prprep_watch._is_iterator(names.get(name)) or (spelled is not None and prprep_watch._differs(spelled, names[name]))  # noqa: SLF001
        ]
        lazy = prprep_watch._is_iterator(value) and iter(value) is value  # noqa: SLF001
        if lazy:
            begun = time.perf_counter()
            for _ in value:
                pass
            seconds += time.perf_counter() - begun
        spent, count = seconds, 1
        while not changes and not lazy and spent < ENOUGH and count < MOST:
            took, _ = _timed(call, names, awaited=order["awaited"])
            spent, count, seconds = spent + took, count + 1, min(seconds, took)
        told = {"value": value} if order.get("tell") else {}
        return {"seconds": seconds, "changes": bool(changes), "lazy": lazy, "returned": type(value).__qualname__, "size": size, **told}


def _timed(call: Any, names: dict[str, Any], *, awaited: bool) -> tuple[float, Any]:  # noqa: ANN401 - code
    if awaited:
        begun = time.perf_counter()
        value = asyncio.run(_awaited(call, names))
        return time.perf_counter() - begun, value
    begun = time.perf_counter()
    value = eval(call, names)  # noqa: S307 - as above
    return time.perf_counter() - begun, value


async def _awaited(call: Any, names: dict[str, Any]) -> Any:  # noqa: ANN401 - code
    return await eval(call, names)  # noqa: S307 - as above


def main() -> None:
    out = os.dup(1)
    os.dup2(2, 1)  # what the target prints is not the answer
    try:
        answer = tried(json.load(sys.stdin))
    except BaseException as error:  # noqa: BLE001 - whatever the target raises is the answer
        answer = {"raised": f"{type(error).__name__}: {error}"[:300]}
    with os.fdopen(out, "w") as stream:
        json.dump(answer, stream)


if __name__ == "__main__":
    main()
