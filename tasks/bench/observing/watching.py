"""Watch a benchmark's calls on one side, untimed: what they change, return, replace and reach."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..machine import exclusive
from ..workers.channel import TimeLimitError
from ..workers.workers import Settings, core, hash_seed, started

if TYPE_CHECKING:
    from ...processes.progress import Report
    from ..request import Request, Role
    from ..workers.channel import Message

SECONDS = 0.3
"""Of sampling, for the shares of the project's functions in one call."""


@dataclass(frozen=True, slots=True)
class Standin:
    """Code of the test that ran in the place of real code: `peak` in bytes of one call, types of what it and the real one return."""

    name: str
    line: int
    peak: int
    returned: str
    expected: str
    fits: bool
    patched: bool


@dataclass(frozen=True, slots=True)
class WatchedCall:
    """What was seen of one benchmark call; `seconds` of one call, `shares` of its time by path and qualified name."""

    key: str
    seconds: float
    changed: tuple[str, ...]
    lazy: bool
    returns: str
    standins: tuple[Standin, ...]
    patched_properties: tuple[tuple[str, int], ...]
    shares: Mapping[tuple[str, str], float]
    executed: Mapping[str, tuple[int, ...]]
    too_slow: bool


def watch(
    request: Request, side: Role, *, lines: Mapping[str, tuple[int, ...]], report: Report
) -> tuple[WatchedCall, ...]:
    """Run the benchmark once more on one side, and look at it; `lines` are those of the tree's files to look out for.

    Gives nothing where its time limit comes before the end. Raises MeasuringError where the benchmark does not pass,
    ProvenanceError where a module comes from another tree.
    """
    if not request.benchmark:
        return ()
    report(f"watching the benchmark on {side}")
    lots = random.Random(request.seed)  # noqa: S311 - lots that can be drawn again, no secret
    deadline = None if request.timeout is None else time.monotonic() + request.timeout
    settings = Settings(hash_seed(lots), core=core(pin=request.pin), watch=True, deadline=deadline)
    tree, path = request.side(side).tree, os.path.normpath(request.benchmark.partition("::")[0])
    found = []
    wanted = {file: list(numbers) for file, numbers in lines.items()}
    try:
        with exclusive(request.lock, report), started(request, side, settings) as worker:
            worker.collected()
            while ready := worker.advance():
                seen, shares = worker.ask("watch", benchmark=str(tree / path), tree=str(tree), lines=wanted), {}
                if not seen["slow"]:
                    shares = _shares(
                        worker.ask("profile", tree=str(tree), without=[path], seconds=SECONDS, sampler="child")
                    )
                found.append(_watched(ready.key, seen, shares, benchmark=str(tree / path)))
    except TimeLimitError:
        return ()
    return tuple(found)


def _shares(answer: Message) -> dict[tuple[str, str], float]:
    return {(each["path"], each["name"]): each["share"] for each in answer["functions"]}


def _watched(key: str, seen: Message, shares: dict[tuple[str, str], float], *, benchmark: str) -> WatchedCall:
    names = Standin.__dataclass_fields__
    own = (patch for patch in seen["patches"] if patch["file"] == benchmark)
    return WatchedCall(
        key=key,
        seconds=seen["seconds"] / seen["iterations"],
        changed=tuple(seen["changed"]),
        lazy=seen["lazy"],
        returns=seen["type"],
        standins=tuple(Standin(**{name: each[name] for name in names}) for each in seen["standins"]),
        patched_properties=tuple((patch["attribute"], patch["line"]) for patch in own if patch["property_on_instance"]),
        shares=shares,
        executed={path: tuple(lines) for path, lines in seen["executed"].items()},
        too_slow=seen["slow"],
    )
