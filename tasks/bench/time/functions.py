"""Find where in the project a benchmark's call spends its time, by a pass of its own in a fresh process for each side."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...artifacts import SIDES, FunctionShare, Share, Side
from ...errors import MeasuringError
from ..workers.channel import TimeLimitError
from ..workers.workers import Settings, core, hash_seed, started

if TYPE_CHECKING:
    import random

    from ...processes.progress import Report
    from ..request import Request
    from ..workers.channel import Message

SECONDS = 1.0
"""Sampling of one benchmark call on one side."""
SHARE, LEAST_SECONDS = 0.03, 0.2
"""Of the budget, what sampling all of a side's calls takes; and the least seconds that one call gets."""
SHOWN = 10

MODULE = "<module>"
"""The qualified name of a file's own code, which runs when it is imported; the calls of a benchmark do not show it."""


@dataclass(frozen=True, slots=True)
class Profiled:
    """Shares by test, and `tests`: the benchmark calls of which is known on both sides what they reach of what changed.

    Calls into a file whose own code changed are none of these. `unreached` are changed definitions that no call reaches;
    it is empty where not all calls could be looked at.
    """

    functions: tuple[FunctionShare, ...]
    tests: tuple[str, ...]
    unreached: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Function:
    path: str
    share: Share
    changed: bool
    """It, or what it is defined in."""


@dataclass(frozen=True, slots=True)
class _Profile:
    """One benchmark call on one side: functions as the artifacts call them, and what it reaches of what changed."""

    functions: dict[str, _Function]
    reached: frozenset[str]
    samples: int


@dataclass(frozen=True, slots=True)
class _Changes:
    """What changed, as one side has it: what the artifacts call it by path and qualified name, outer definitions first."""

    names: dict[tuple[str, str], str]

    @classmethod
    def of(cls, request: Request, side: Side) -> _Changes:
        places = [(changed.base if side == "base" else changed.head, changed.function) for changed in request.functions]
        return cls(dict(sorted((place, function) for place, function in places if place)))

    def holding(self, path: str, name: str) -> list[tuple[str, str]]:
        """Return qualified name here and name in artifacts of each changed definition that a function is, or is defined in."""
        return [
            (own, function)
            for (file, own), function in self.names.items()
            if file == path and f"{name}.".startswith(f"{own}.")
        ]

    def profile(self, answer: Message) -> _Profile:
        functions, reached = {}, set()
        for told in answer["functions"]:
            path, name = told["path"], told["name"]
            holding = self.holding(path, name)
            reached |= {function for _, function in holding} | (
                {self.names[path, MODULE]} if (path, MODULE) in self.names else set()
            )
            share = Share(calls=told["calls"], share=told["share"], own=told["own"])
            # What is in a renamed class goes by the class's new name on both sides.
            spelled = holding[-1][1] + name[len(holding[-1][0]) :] if holding else f"{told['module'] or path}:{name}"
            functions[spelled] = _Function(path, share, changed=bool(holding))
        return _Profile(functions, frozenset(reached), answer["samples"])


class _Pass:
    """The profiles of one side's calls, as far as they are done; `watched` are those that a thread looked at."""

    def __init__(self, request: Request, side: Side, settings: Settings) -> None:
        self.profiles: dict[str, _Profile] = {}
        self.watched: set[str] = set()
        self._request, self._side, self._settings = request, side, settings
        self._at, self._delicate = "", set[str]()

    def run(self) -> bool:
        """Profile all calls; say whether there was time for that."""
        while True:
            self._at = ""
            try:
                self._sample()
            except TimeLimitError:
                return False
            except MeasuringError:
                # Reading the stack at any instruction may end a process (`profiling.stacks` of the worker); whatever else does, does so again.
                if not self._at or self._at in self._delicate:
                    raise
                self._delicate.add(self._at)
            else:
                return True

    def _sample(self) -> None:
        request, side = self._request, self._side
        changes, benchmark = _Changes.of(request, side), os.path.normpath((request.benchmark or "").partition("::")[0])
        with started(request, side, self._settings) as worker:
            seconds = min(SECONDS, max(LEAST_SECONDS, SHARE * request.budget / max(1, len(worker.collected()))))
            while ready := worker.advance():
                if ready.key in self.profiles:
                    continue
                self._at = ready.key
                worker.settle()
                sampler = "thread" if ready.key in self._delicate else "signal"
                answer = worker.ask(
                    "profile", tree=str(request.side(side).tree), without=[benchmark], seconds=seconds, sampler=sampler
                )
                self.profiles[ready.key] = changes.profile(answer)
                self.watched |= {ready.key} if answer["sampler"] == "thread" else set()


def profile_functions(request: Request, lots: random.Random, report: Report) -> Profiled:
    """Sample every call on both sides, and count which of the project's functions it executes.

    Gives the changed functions that a call reaches and those with the greatest shares, SHOWN together for one test where the
    changed ones leave room. Ends at `request.timeout` with the calls that both sides have by then.
    """
    deadline = None if request.timeout is None else time.monotonic() + request.timeout
    settings = Settings(hash_seed(lots), core=core(pin=request.pin), deadline=deadline)
    passes: dict[Side, _Pass] = {side: _Pass(request, side, settings) for side in SIDES}
    complete = True
    for side in SIDES:
        report(f"functions: sampling {side}")
        complete = passes[side].run() and complete
    both = {
        key: (base, passes["head"].profiles[key])
        for key, base in passes["base"].profiles.items()
        if key in passes["head"].profiles
    }
    reached = {key: base.reached | head.reached for key, (base, head) in both.items()}
    unseen = {
        changed.function
        for changed in request.functions
        if MODULE in {place[1] for place in (changed.base, changed.head) if place}
    }
    missing = [
        changed.function
        for changed in request.functions
        if not any(changed.function in found for found in reached.values())
    ]
    return Profiled(
        functions=tuple(shared for key, (base, head) in both.items() for shared in _shares(key, base, head)),
        tests=tuple(key for key in both if not reached[key] & unseen),
        unreached=tuple(missing) if complete else (),
        notes=tuple(_notes(complete=complete, watched=sorted(passes["base"].watched | passes["head"].watched))),
    )


def _notes(*, complete: bool, watched: list[str]) -> Iterator[str]:
    if not complete:
        yield "Time per function was not sampled for every test: its time limit came first."
    if watched:
        shown = ", ".join(f"`{key.partition('::')[2]}`" for key in watched)
        yield f"Shares of {shown} were sampled between Python's steps: part of a small function's time may be counted for its callers."


def _shares(key: str, base: _Profile, head: _Profile) -> list[FunctionShare]:
    """Return the functions of one test: changed ones, then the others by their greatest share, until SHOWN are full."""
    both = {
        name: [each for each in (head.functions.get(name), base.functions.get(name)) if each]
        for name in base.functions | head.functions
    }
    changed = {name for name, found in both.items() if any(each.changed for each in found)}
    greatest = {name: max(each.share.share for each in found) for name, found in both.items()}
    order = sorted(both, key=lambda name: (name not in changed, -greatest[name], name))
    return [
        FunctionShare(
            test=key,
            function=name,
            path=both[name][0].path,
            changed=name in changed,
            base=base.functions[name].share if name in base.functions else None,
            head=head.functions[name].share if name in head.functions else None,
            samples=min(base.samples, head.samples),
        )
        for place, name in enumerate(order)
        if name in changed or (place < SHOWN and greatest[name])
    ]
