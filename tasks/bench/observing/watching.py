"""Watch a benchmark's calls on one side, untimed: what they change, return, replace and reach."""

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import NamedTuple

from ...artifacts import DefinitionPlace
from ...processes.cores import one_core
from ...processes.progress import Report
from ..exclusive import exclusive
from ..request import Request, Role
from ..sampled import ChangedOnSide, sampled_functions
from ..workers.channel import Message, TimeLimitError
from ..workers.workers import Settings, hash_seed, started
from .opened_files import OpenedFiles

SECONDS = 0.3
"""Of sampling, for the shares of the project's functions in one call."""


@dataclass(frozen=True, slots=True)
class Substitute:
    """Code of the test that ran instead of real code; `peak` in bytes of one call, `returned` and `expected` types."""

    name: str
    line: int
    peak: int
    returned: str
    expected: str
    fits: bool
    patched: bool


@dataclass(frozen=True, slots=True)
class WatchedCall:
    """What one benchmark call did; `seconds` of one call, `shares` of its time by path and qualified name.

    `read` are the files of the tree that its process has imported or opened by then, `listed` the folders whose names
    it has read; `compiled` the changed functions whose lines and time cannot be seen.
    """

    key: str
    seconds: float
    changed: tuple[str, ...]
    lazy: bool
    returns: str
    substitutes: tuple[Substitute, ...]
    patched_properties: tuple[tuple[str, int], ...]
    shares: Mapping[tuple[str, str], float]
    executed: Mapping[str, tuple[int, ...]]
    too_slow: bool
    read: frozenset[str] = frozenset()
    listed: frozenset[str] = frozenset()
    compiled: frozenset[DefinitionPlace] = frozenset()


class Watched(NamedTuple):
    """The calls of a benchmark; `missing` says why there are no more of them, "" if these are all."""

    calls: tuple[WatchedCall, ...] = ()
    missing: str = ""


def watch(
    request: Request,
    side: Role,
    *,
    lines: Mapping[str, tuple[int, ...]],
    files: Collection[str] = (),
    report: Report,
) -> Watched:
    """Run the benchmark once more on one side and watch its calls; `lines` are the lines to look for, by file.

    `files` count as read also if a library in C or a child process opens them.

    At the time limit, returns the calls watched so far. Raises MeasuringError if the benchmark does not pass,
    ProvenanceError if a module comes from another tree.
    """
    if not request.benchmark:
        return Watched()
    report(f"watching the benchmark on {side}")
    tree, path = request.side(side).tree, request.benchmark_path
    benchmark, calls, imported = str(tree / path), list[WatchedCall](), set[str]()
    places = filter(None, (each.at(side) for each in request.functions))
    changed, compiled = ChangedOnSide(places, tree), set[DefinitionPlace]()
    try:
        with ExitStack() as stack:
            stack.enter_context(exclusive(request.lock, report))
            # Waiting for another comparison is no part of the time limit.
            settings = Settings(hash_seed(request.rng()), cores=one_core(), watch=True, deadline=request.deadline())
            opened = stack.enter_context(OpenedFiles().watching(tree, files))
            worker = stack.enter_context(started(request, side, settings))
            worker.collected()
            while ready := worker.advance():
                imported |= {module.path for module in ready.modules}
                seen = worker.ask("watch", benchmark=benchmark, tree=str(tree), lines=dict(lines))
                shares: dict[tuple[str, str], float] = {}
                if not seen["slow"]:
                    order = {"tree": str(tree), "without": [path], "changed": changed.order}
                    profile = worker.ask("profile", **order, seconds=SECONDS, sampler="child")
                    compiled |= changed.compiled(profile)
                    shares = {(each.path, each.name): each.share.share for each in sampled_functions(profile, tree)}
                call = _watched(ready.key, seen, shares, benchmark=benchmark)
                read = opened.so_far().union(imported, seen["opened"])
                calls.append(replace(call, read=read, listed=frozenset(seen["listed"])))
    except TimeLimitError:
        missing = f"watching the benchmark took longer than the time limit of {request.timeout:g} s"
        report(missing)
        return Watched(tuple(calls), missing)
    return Watched(tuple(replace(call, compiled=frozenset(compiled)) for call in calls))


def _watched(key: str, seen: Message, shares: dict[tuple[str, str], float], *, benchmark: str) -> WatchedCall:
    names = Substitute.__dataclass_fields__
    own = (patch for patch in seen["patches"] if patch["file"] == benchmark)
    return WatchedCall(
        key=key,
        seconds=seen["seconds"] / seen["iterations"],
        changed=tuple(seen["changed"]),
        lazy=seen["lazy"],
        returns=seen["type"],
        substitutes=tuple(Substitute(**{name: each[name] for name in names}) for each in seen["substitutes"]),
        patched_properties=tuple((patch["attribute"], patch["line"]) for patch in own if patch["property_on_instance"]),
        shares=shares,
        executed={path: tuple(lines) for path, lines in seen["executed"].items()},
        too_slow=seen["slow"],
    )
