"""Sample where in the project a benchmark's call spends its time, in a fresh process for each side."""

import random
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ...artifacts import SIDES, DefinitionPlace, FunctionShare, Share, Side, Stack
from ...errors import MeasuringError
from ...processes.cores import one_core
from ...processes.progress import Report
from ...project.code.definitions import MODULE
from ...project.code.module_code import Affected
from ..request import ChangedDefinition, MeasurementResult, Request
from ..sampled import ChangedOnSide, SampledFunction, sampled_functions
from ..workers.channel import Message, TimeLimitError
from ..workers.workers import Settings, hash_seed, started
from .own_code import affected_by

SECONDS = 1.0
"""Sampling of one benchmark call on one side."""
SHARE, LEAST_SECONDS = 0.03, 0.2
"""Share of the budget that sampling all of a side's calls takes, and the least seconds for one call."""
SHOWN = 10
MOST_STACKS, LEAST_SHARE = 200, 0.001
"""Stacks kept of a benchmark call, and the least share of samples of one."""


_AffectedBy = Mapping[str, Affected | None]
"""What each change of a file's own code can affect; None if any function of the trees."""


class _Function(NamedTuple):
    path: str
    share: Share
    changed: bool
    """Whether it changed, or the definition around it."""


class _CallProfile(NamedTuple):
    """One benchmark call on one side: functions by their name in artifacts, and the changes it reaches."""

    functions: dict[str, _Function]
    reached: frozenset[str]
    compiled: frozenset[str]
    """Changed functions whose calls cannot be seen."""
    stacks: Counter[tuple[str, ...]]
    """The share of the samples with exactly this stack, outermost function first."""
    samples: int
    by_thread: bool


class _Change(NamedTuple):
    """A definition that changed or moved, as it is on one side; `function` is its name in artifacts."""

    place: DefinitionPlace
    function: str
    only_moved: bool
    affected: frozenset[int] | None
    """Of a file's own code: the first lines of the functions in the file that it can affect; None if any."""

    def reaches(self, sampled: SampledFunction) -> bool:
        """Return whether a function of the side is part of the change, or uses what the file's own code binds."""
        if self.place.name != MODULE:
            return _is_inside(sampled, self.place)
        return sampled.path == self.place.path and (self.affected is None or sampled.line in self.affected)


def _changes(request: Request, side: Side, affected: _AffectedBy) -> list[_Change]:
    """Return what changed on one side, outer definitions first."""
    changes = []
    for each in request.functions:
        if place := each.at(side):
            by_own_code = affected.get(each.function)
            lines = getattr(by_own_code, side) if by_own_code else None
            changes.append(_Change(place, each.function, each.only_moved, lines))
    return sorted(changes, key=lambda change: change[:3])


def _call_profile(
    answer: Message, changes: Sequence[_Change], tree: Path, compiled: Collection[DefinitionPlace]
) -> _CallProfile:
    functions, reached, names = dict[str, _Function](), set[str](), dict[tuple[str, int], str]()
    for sampled in sampled_functions(answer, tree):
        spelled, changed = f"{sampled.module or sampled.path}:{sampled.name}", False
        for change in changes:
            if not change.reaches(sampled):
                continue
            if not change.only_moved:
                reached.add(change.function)
            if change.place.name != MODULE:
                # Both sides use the new name of a renamed class for what is in it.
                spelled = change.function + sampled.name[len(change.place.name) :]
                changed = changed or not change.only_moved
        functions[spelled] = _Function(sampled.path, sampled.share, changed)
        names[sampled.path, sampled.line] = spelled
    hidden = frozenset(change.function for change in changes if change.place in compiled)
    for name in hidden:
        functions.pop(name, None)  # a hook may see calls whose time no sampler sees
    named = [names.get((each["path"], each["line"]), "") for each in answer["functions"]]
    stacks = Counter[tuple[str, ...]]()
    for numbers, share in answer["stacks"]:
        stacks[tuple(named[number] for number in numbers if named[number] and named[number] not in hidden)] += share
    by_thread = answer["sampler"] == "thread"
    return _CallProfile(functions, frozenset(reached), hidden, stacks, answer["samples"], by_thread)


def _is_inside(sampled: SampledFunction, place: DefinitionPlace) -> bool:
    return sampled.path == place.path and place.lines[0] <= sampled.line <= place.lines[1]


def _profile_side(
    request: Request, side: Side, settings: Settings, affected: _AffectedBy
) -> Iterator[tuple[str, _CallProfile]]:
    """Yield the profile of each of a side's calls; raise TimeLimitError at the deadline."""
    tree = request.side(side).tree
    changes = _changes(request, side, affected)
    profiled, delicate, current = set[str](), set[str](), ""
    on_side = ChangedOnSide((change.place for change in changes), tree)
    while True:
        try:
            with started(request, side, settings) as worker:
                seconds = min(SECONDS, max(LEAST_SECONDS, SHARE * request.budget / max(1, len(worker.collected()))))
                while ready := worker.advance():
                    if ready.key not in profiled:
                        current = ready.key
                        worker.settle()
                        answer = worker.ask(
                            "profile",
                            tree=str(tree),
                            without=[request.benchmark_path],
                            seconds=seconds,
                            sampler="thread" if current in delicate else "signal",
                            changed=on_side.order,
                        )
                        profiled.add(current)
                        yield current, _call_profile(answer, changes, tree, on_side.compiled(answer))
        except MeasuringError:
            # The signal sampler may crash a process (`prprep_worker.profiling.stacks`); other causes fail again.
            if not current or current in delicate:
                raise
            delicate.add(current)
            current = ""
        else:
            return


def profile_functions(request: Request, rng: random.Random, report: Report) -> MeasurementResult:
    """Sample every call on both sides, and count which of the project's functions it executes.

    Returns for each test the changed functions that it reaches, and as many of those with the greatest shares as fit
    into SHOWN. At `request.timeout`, returns the calls that both sides have by then. `profiled` are the calls for which
    it is known on both sides which changes they reach; those that may use what changed in a file's own code are not
    among these.
    `unreached` are changed definitions that no call reaches; it is empty if not all calls could be sampled. Of those
    that are `compiled` on a side, calls and time are not known.
    """
    settings = Settings(hash_seed(rng), cores=one_core(), deadline=request.deadline())
    affected = {each.function: affected_by(request, each) for each in request.functions if MODULE in _names(each)}
    profiles: dict[Side, dict[str, _CallProfile]] = {side: {} for side in SIDES}
    complete = True
    for side in SIDES:
        report(f"functions: sampling {side}")
        try:
            for key, profile in _profile_side(request, side, settings, affected):
                profiles[side][key] = profile
        except TimeLimitError:
            complete = False
    base, head = (profiles[side] for side in SIDES)
    keys = [key for key in base if key in head]
    reached = {key: base[key].reached | head[key].reached for key in keys}
    everything = [profile for side in profiles.values() for profile in side.values()]
    compiled = frozenset[str]().union(*(profile.compiled for profile in everything))
    is_unknown = bool(compiled) or None in affected.values()
    notes = [] if complete else ["Time per function was not sampled for every test: its time limit came first."]
    return MeasurementResult(
        functions=tuple(share for key in keys for share in _shares(key, base[key], head[key])),
        stacks=tuple(stack for key in keys for stack in _stacks(key, base[key].stacks, head[key].stacks)),
        profiled=() if is_unknown else tuple(key for key in keys if not reached[key] & affected.keys()),
        unreached=tuple(_unreached(request, affected, everything)) if complete else (),
        compiled=tuple(sorted(compiled)),
        notes=(*notes, *_notes(key for side in profiles.values() for key, call in side.items() if call.by_thread)),
    )


def _names(changed: ChangedDefinition) -> set[str]:
    return {place.name for place in (changed.base, changed.head) if place}


def _unreached(request: Request, affected: _AffectedBy, profiles: Sequence[_CallProfile]) -> Iterator[str]:
    """Yield the changed definitions that no call reaches; own code may be used by any function of its file."""
    known = frozenset[str]().union(*(profile.reached | profile.compiled for profile in profiles))
    called = {function.path for profile in profiles for function in profile.functions.values()}
    for each in request.functions:
        is_own_code, paths = each.function in affected, {place.path for place in (each.base, each.head) if place}
        may_be_used = is_own_code and (affected[each.function] is None or paths & called)
        if not (each.only_moved or each.function in known or may_be_used):
            yield each.function


def _notes(by_thread: Iterable[str]) -> Iterator[str]:
    if names := ", ".join(f"`{key.partition('::')[2]}`" for key in sorted(set(by_thread))):
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


def _stacks(key: str, base: Counter[tuple[str, ...]], head: Counter[tuple[str, ...]]) -> list[Stack]:
    """Return the stacks of one test with the greatest shares, in the order of their functions' names."""
    greatest = Counter({stack: max(base[stack], head[stack]) for stack in base.keys() | head.keys() if stack})
    order = sorted(greatest, key=lambda stack: (-greatest[stack], stack))[:MOST_STACKS]
    return [
        Stack(test=key, functions=stack, base=round(base[stack], 4), head=round(head[stack], 4))
        for stack in sorted(order)
        if greatest[stack] >= LEAST_SHARE
    ]
