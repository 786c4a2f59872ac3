"""Sample where in the project a benchmark's call spends its time, in a fresh process for each side."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ...artifacts import SIDES, FunctionShare, Share, Side
from ...errors import MeasuringError
from ...processes.progress import Report
from ..request import Request
from ..workers.channel import Message, TimeLimitError
from ..workers.workers import Settings, core, hash_seed, started

SECONDS = 1.0
"""Sampling of one benchmark call on one side."""
SHARE, LEAST_SECONDS = 0.03, 0.2
"""Share of the budget that sampling all of a side's calls takes, and the least seconds for one call."""
SHOWN = 10

MODULE = "<module>"
"""The qualified name of a file's own code, which runs when it is imported; the calls of a benchmark do not show it."""


@dataclass(frozen=True, slots=True)
class FunctionProfiles:
    """Shares by test, and `tests`: the benchmark calls for which it is known on both sides which changes they reach.

    Calls into a file whose own code changed are not among these. `unreached` are changed definitions that no call
    reaches; it is empty if not all calls could be sampled.
    """

    functions: tuple[FunctionShare, ...]
    tests: tuple[str, ...]
    unreached: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class _Function(NamedTuple):
    path: str
    share: Share
    changed: bool
    """Whether it changed, or the definition around it."""


class _CallProfile(NamedTuple):
    """One benchmark call on one side: functions by their name in artifacts, and the changes it reaches."""

    functions: dict[str, _Function]
    reached: frozenset[str]
    samples: int


def _changes(request: Request, side: Side) -> dict[tuple[str, str], str]:
    """Return the names in artifacts of what changed, by path and qualified name on a side, outer definitions first."""
    names = [(changed.base if side == "base" else changed.head, changed.function) for changed in request.functions]
    return dict(sorted((place, function) for place, function in names if place))


def _call_profile(answer: Message, changes: dict[tuple[str, str], str]) -> _CallProfile:
    functions, reached = {}, set()
    for sampled in answer["functions"]:
        path, name = sampled["path"], sampled["name"]
        spelled, changed = f"{sampled['module'] or path}:{name}", False
        for (file, own), function in changes.items():
            inside = file == path and f"{name}.".startswith(f"{own}.")
            if inside or (file, own) == (path, MODULE):
                reached.add(function)
            if inside:
                # Both sides use the new name of a renamed class for what is in it.
                spelled, changed = function + name[len(own) :], True
        share = Share(calls=sampled["calls"], share=sampled["share"], own=sampled["own"])
        functions[spelled] = _Function(path, share, changed)
    return _CallProfile(functions, frozenset(reached), answer["samples"])


class _SideProfiler:
    """Profile one side's calls: `profiles` so far, and `by_thread`, those that a thread had to sample."""

    def __init__(self, request: Request, side: Side, settings: Settings) -> None:
        self.profiles: dict[str, _CallProfile] = {}
        self.by_thread: set[str] = set()
        self._request, self._side, self._settings = request, side, settings
        self._current, self._delicate = "", set[str]()

    def run(self) -> bool:
        """Profile all calls; return whether there was time for that."""
        while True:
            self._current = ""
            try:
                self._sample()
            except TimeLimitError:
                return False
            except MeasuringError:
                # The signal sampler may crash a process (`prprep_worker.profiling.stacks`); other causes fail again.
                if not self._current or self._current in self._delicate:
                    raise
                self._delicate.add(self._current)
            else:
                return True

    def _sample(self) -> None:
        request, side = self._request, self._side
        changes, benchmark = _changes(request, side), os.path.normpath((request.benchmark or "").partition("::")[0])
        with started(request, side, self._settings) as worker:
            seconds = min(SECONDS, max(LEAST_SECONDS, SHARE * request.budget / max(1, len(worker.collected()))))
            while ready := worker.advance():
                if ready.key in self.profiles:
                    continue
                self._current = ready.key
                worker.settle()
                sampler = "thread" if ready.key in self._delicate else "signal"
                answer = worker.ask(
                    "profile", tree=str(request.side(side).tree), without=[benchmark], seconds=seconds, sampler=sampler
                )
                self.profiles[ready.key] = _call_profile(answer, changes)
                if answer["sampler"] == "thread":
                    self.by_thread.add(ready.key)


def profile_functions(request: Request, rng: random.Random, report: Report) -> FunctionProfiles:
    """Sample every call on both sides, and count which of the project's functions it executes.

    Returns for each test the changed functions that it reaches, and as many of those with the greatest shares as fit
    into SHOWN. At `request.timeout`, returns the calls that both sides have by then.
    """
    settings = Settings(hash_seed(rng), core=core(pin=request.pin), deadline=request.deadline())
    sides: dict[Side, _SideProfiler] = {side: _SideProfiler(request, side, settings) for side in SIDES}
    complete = True
    for side, profiler in sides.items():
        report(f"functions: sampling {side}")
        complete = profiler.run() and complete
    base, head = (sides[side].profiles for side in SIDES)
    keys = [key for key in base if key in head]
    reached = {key: base[key].reached | head[key].reached for key in keys}
    of_modules = {
        changed.function
        for changed in request.functions
        if MODULE in {place[1] for place in (changed.base, changed.head) if place}
    }
    everything = set().union(*reached.values())
    unreached = (changed.function for changed in request.functions if changed.function not in everything)
    return FunctionProfiles(
        functions=tuple(share for key in keys for share in _shares(key, base[key], head[key])),
        tests=tuple(key for key in keys if not reached[key] & of_modules),
        unreached=tuple(unreached) if complete else (),
        notes=tuple(_notes(complete=complete, by_thread=sides["base"].by_thread | sides["head"].by_thread)),
    )


def _notes(*, complete: bool, by_thread: set[str]) -> Iterator[str]:
    if not complete:
        yield "Time per function was not sampled for every test: its time limit came first."
    if by_thread:
        names = ", ".join(f"`{key.partition('::')[2]}`" for key in sorted(by_thread))
        yield (
            f"Shares of {names} were sampled between Python's steps: "
            "part of a small function's time may be counted for its callers."
        )


def _shares(key: str, base: _CallProfile, head: _CallProfile) -> list[FunctionShare]:
    """Return the functions of one test: changed ones, then the others by their greatest share, until SHOWN are full."""
    both = {
        name: [each for each in (head.functions.get(name), base.functions.get(name)) if each]
        for name in base.functions | head.functions
    }
    changed = {name for name, sides in both.items() if any(each.changed for each in sides)}
    greatest = {name: max(each.share.share for each in sides) for name, sides in both.items()}
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
        for rank, name in enumerate(order)
        if name in changed or (rank < SHOWN and greatest[name])
    ]
