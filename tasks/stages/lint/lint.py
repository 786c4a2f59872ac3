"""Check a benchmark against the rules, and whether it reaches the change, before anything is measured."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial

from ...artifacts import (
    SIDES,
    ChangedFunction,
    DefinitionPlace,
    Detection,
    LintFinding,
    Linting,
    Reach,
    Recording,
    Side,
)
from ...bench.observing.watching import Watched, WatchedCall, watch
from ...bench.setup import BenchmarkSetup, ItemArtifacts, metrics_of
from ...benchmark_tests.linting import RULES, BenchmarkFile, LintContext, findings
from ...errors import UnequalInputsError, UnreachedError
from ...manifest.model import Optimization
from ...project.code.definitions import MODULE
from ...project.code.reach import DefinitionText, LineRange, changed_statements, executed, line_numbers
from ...project.code.sources import Sources
from ...project.files import FolderTree
from ...staleness import StageInputs
from ...text.messages import enumeration
from .inputs import differing, differing_settings, is_input, listings


def run(inputs: StageInputs) -> None:
    """Check the benchmark by reading and by running it.

    Raise UnreachedError if it executes no changed code, on either side.
    """
    item, artifacts = inputs.settings, ItemArtifacts.read(inputs)
    setup = BenchmarkSetup(item, artifacts, inputs)
    metrics, path = metrics_of(item, artifacts), artifacts.injection.benchmark
    statements = _statements(setup, "head")
    changed = _changed_inputs(setup)
    watched = _watched(setup, "head", statements, changed) if set(metrics) - {"import"} else Watched()
    _refuse_unequal_inputs(setup, watched.calls, changed)
    reach = _reach(setup, watched, statements)
    ignored = set(item.lint.ignore) | (set() if "memory" in metrics else {"mock-allocates-nothing"})
    tree, layout = FolderTree(setup.sides["head"].tree), artifacts.detection.layout
    file = BenchmarkFile(path, tree.read(path) or b"", Sources(tree, layout.import_roots))
    context = LintContext(
        target=artifacts.detection.target or "",
        # The project may keep its own benchmark in any folder.
        root=layout.benchmarks_root if artifacts.scaffolding.origin in {"generated", "edited"} else None,
        boundaries=frozenset(item.lint.boundaries),
        recorded=inputs.read(Recording).seconds,
    )
    broken = tuple(
        LintFinding(rule=each.rule, line=each.line, test=each.test, found=each.message, fatal=RULES[each.rule].fatal)
        for each in findings(file, context, watched.calls)
        if each.rule not in ignored
    )
    missing = watched.missing and f"not everything could be checked: {watched.missing}; a larger `timeout` may help"
    inputs.write(
        Linting(item=item.id, path=path, findings=broken, reach=reach, ran=bool(watched.calls), missing=missing)
    )


def _reach(setup: BenchmarkSetup, watched: Watched, statements: Mapping[str, tuple[LineRange, ...]]) -> Reach | None:
    """Return how much changed Python code the benchmark executes; raise UnreachedError if it surely executes none."""
    item, detection = setup.item, setup.artifacts.detection
    compiled = frozenset[DefinitionPlace]().union(*(call.compiled for call in watched.calls))
    if compiled:
        statements = _statements(setup, "head", without=compiled)
    reach = None if watched.missing else reach_of(statements, watched.calls, detection)
    # A call of compiled code cannot be seen.
    if reach and not reach.executed and not compiled and "not-reached" not in item.lint.ignore:
        _refuse_unreached(item, setup)
    return reach


def reach_of(
    statements: Mapping[str, tuple[LineRange, ...]], calls: Sequence[WatchedCall], detection: Detection
) -> Reach | None:
    """Return how much changed code the calls execute; None if none changed, or a call could not be watched."""
    if not calls or any(call.too_slow for call in calls) or not any(statements.values()):
        return None
    lines = {path: {line for call in calls for line in call.executed.get(path, ())} for path in statements}
    total, done = executed(statements, lines)
    changed = {(function.path, function.name) for function in detection.functions}
    shares = (share for call in calls for place, share in call.shares.items() if place in changed)
    return Reach(statements=total, executed=done, share=max(shares, default=0.0))


def _watched(
    setup: BenchmarkSetup, side: Side, statements: Mapping[str, tuple[LineRange, ...]], files: Collection[str] = ()
) -> Watched:
    watched, _ = setup.repaired(partial(watch, side=side, lines=line_numbers(statements), files=files), seed=1)
    return watched


def _changed_inputs(setup: BenchmarkSetup) -> frozenset[str]:
    """Return the changed files outside the measured packages; the benchmark must not read any of them."""
    detection = setup.artifacts.detection
    base, head = (setup.sides[side].tree for side in SIDES)
    return differing(base, head, (path for path in detection.files if is_input(path, detection.layout)))


def _refuse_unequal_inputs(setup: BenchmarkSetup, calls: Sequence[WatchedCall], changed: frozenset[str]) -> None:
    """Raise UnequalInputsError if pytest's settings, or files that the benchmark reads, differ between the sides."""
    path = setup.artifacts.injection.benchmark
    base, head = (setup.sides[side].tree for side in SIDES)
    what, copied = "", ""
    if settings := differing_settings(base, head, path):
        what = f"pytest's settings `{'`, `'.join(settings)}` differ between base and head"
    elif calls and changed:
        # Base may read what head no longer has.
        calls = (*calls, *_watched(setup, "base", {}, changed).calls)
        if names := sorted(changed.intersection(path for call in calls for path in call.read)):
            what = f"the benchmark reads {enumeration(names)}, which head changes"
            copied = f", or let both sides use one copy: `benchmark_files: [{', '.join(names)}]`"
        else:
            listed = {folder for call in calls for folder in call.listed}
            folders = listings(changed, base, head)
            if names := [folder for folder in folders if folder in listed]:
                what = f"the benchmark lists {names[0] or 'the root folder'}, where head adds or removes files "
                what += f"({folders[names[0]]})"
    if what:
        raise UnequalInputsError(
            f"{what}: base and head would run on different inputs",
            where=f"{setup.item.id}: {path}",
            hint=f"undo this difference on the branch{copied}",
        )


def _refuse_unreached(item: Optimization, setup: BenchmarkSetup) -> None:
    """Raise UnreachedError, unless module-level code changed too or the benchmark reaches changed code at base."""
    changed = setup.artifacts.detection.functions
    if any(function.name == MODULE for function in changed):
        return
    statements = _statements(setup, "base")
    if any(statements.values()):
        at_base = _watched(setup, "base", statements)
        if at_base.missing or any(call.compiled or any(call.executed.values()) for call in at_base.calls):
            return
    raise UnreachedError(
        f"the benchmark executes no changed code ({', '.join(function.target for function in changed)})",
        where=f"{item.id}: {setup.artifacts.injection.benchmark}",
        hint=(
            "name or write a benchmark that calls it; "
            "if it does so in another process, set `lint: {ignore: [not-reached]}`"
        ),
    )


def _statements(
    setup: BenchmarkSetup, side: Side, *, without: Collection[DefinitionPlace] = ()
) -> dict[str, tuple[LineRange, ...]]:
    """Return the statements of one side that differ from the other, by file."""
    statements: dict[str, set[LineRange]] = {}
    for function in setup.artifacts.detection.functions:
        if function.at(side) in without:
            continue
        texts = {each: _text(setup, each, function) for each in SIDES}
        own, other = texts[side], texts["base" if side == "head" else "head"]
        if own and own.path.endswith(".py"):
            statements.setdefault(own.path, set()).update(changed_statements(own, other))
    return {path: tuple(sorted(ranges)) for path, ranges in statements.items()}


def _text(setup: BenchmarkSetup, side: Side, function: ChangedFunction) -> DefinitionText | None:
    """Return a changed definition as it is on one side; None if it is not there."""
    if function.name == MODULE or (place := function.at(side)) is None:
        return None
    source = FolderTree(setup.sides[side].tree).read(place.path)
    return None if source is None else DefinitionText(source, place.path, place.lines)
