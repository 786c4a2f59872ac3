"""Hold an item's benchmark against the rules, and see whether it reaches what changed: before an hour is spent measuring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ...artifacts import Detection, LintFinding, Linting, Reach, Recording
from ...bench.observing.watching import watch
from ...bench.setup import BenchmarkSetup, ItemArtifacts, metrics_of
from ...bench.time.functions import MODULE
from ...benchmark_tests.linting import RULES, BenchmarkFile, LintContext, findings
from ...errors import UnreachedError
from ...project.code.reach import changed_statements, executed, line_numbers
from ...project.code.sources import Sources
from ...project.files import FolderTree

if TYPE_CHECKING:
    from ...artifacts import Side
    from ...bench.observing.watching import WatchedCall
    from ...benchmark_tests.linting import Finding
    from ...manifest.model import Optimization
    from ...project.code.reach import LineRange
    from ...staleness import StageInputs

NOT_REACHED = "not-reached"


def run(inputs: StageInputs) -> None:
    """Check the benchmark by reading and by running it.

    Raise UnreachedError if it executes nothing of what changed, on either side.
    """
    item, artifacts = inputs.settings, ItemArtifacts.read(inputs)
    setup = BenchmarkSetup(item, artifacts, inputs)
    statements = _statements(setup, "head")
    calls: tuple[WatchedCall, ...] = ()
    if set(metrics_of(item, artifacts.detection)) - {"import"}:
        calls, _ = setup.repaired(partial(watch, side="head", lines=line_numbers(statements)), seed=1)
    reach = reach_of(statements, calls, artifacts.detection)
    if reach and not reach.executed and NOT_REACHED not in item.lint.ignore:
        _refuse_unreached(item, setup, artifacts)
    expected = _expected(item, artifacts, inputs.read(Recording).seconds)
    found = findings(_file(setup, artifacts), expected, calls)
    inputs.write(
        Linting(
            item=item.id,
            path=artifacts.injection.benchmark,
            findings=tuple(_recorded(each) for each in found if _counts(each.rule, item, artifacts)),
            reach=reach,
            ran=bool(calls),
        )
    )


def _recorded(finding: Finding) -> LintFinding:
    return LintFinding(
        rule=finding.rule, line=finding.line, test=finding.test, found=finding.message, fatal=RULES[finding.rule].fatal
    )


def reach_of(
    statements: Mapping[str, tuple[LineRange, ...]], seen: Sequence[WatchedCall], detection: Detection
) -> Reach | None:
    """Say how much of what changed the calls execute; None where nothing that changed is code of a function."""
    if not seen or any(call.too_slow for call in seen) or not any(statements.values()):
        return None
    lines = {path: {line for call in seen for line in call.executed.get(path, ())} for path in statements}
    total, done = executed(statements, lines)
    changed = {(function.path, function.name) for function in detection.functions}
    shares = [max((share for place, share in call.shares.items() if place in changed), default=0.0) for call in seen]
    return Reach(statements=total, executed=done, share=max(shares, default=0.0))


def _counts(rule: str, item: Optimization, artifacts: ItemArtifacts) -> bool:
    """Leave out what the manifest ignores, and what mocks allocate where no memory is measured."""
    if rule in item.lint.ignore:
        return False
    return rule != "mock-allocates-nothing" or "memory" in metrics_of(item, artifacts.detection)


def _refuse_unreached(item: Optimization, setup: BenchmarkSetup, artifacts: ItemArtifacts) -> None:
    """Raise the error, unless what changed is reached at base, or something else than functions changed too."""
    changed = artifacts.detection.functions
    if any(function.name == MODULE for function in changed):
        return
    statements = _statements(setup, "base")
    if any(statements.values()):
        seen, _ = setup.repaired(partial(watch, side="base", lines=line_numbers(statements)), seed=1)
        if any(numbers for call in seen for numbers in call.executed.values()):
            return
    names = ", ".join(function.target for function in changed)
    raise UnreachedError(
        f"the benchmark executes nothing of what changed ({names})",
        where=f"{item.id}: {artifacts.injection.benchmark}",
        hint="name or write a benchmark that calls it; where it does so in another process, set `lint: {ignore: [not-reached]}`",
    )


def _statements(setup: BenchmarkSetup, side: Side) -> dict[str, tuple[LineRange, ...]]:
    """Return the statements that differ, in the files of one side."""
    other: Side = "base" if side == "head" else "head"
    here, there = (FolderTree(setup.sides[each].tree) for each in (side, other))
    names: dict[tuple[str, str], set[str]] = {}
    for function in setup.artifacts.detection.functions:
        head, base = (
            (function.path, function.name),
            (function.base_path or function.path, function.base_name or function.name),
        )
        (path, name), (before, _) = (head, base) if side == "head" else (base, head)
        if function.status != ("removed" if side == "head" else "added"):
            names.setdefault((path, before), set()).add(name)
    found: dict[str, tuple[LineRange, ...]] = {}
    for (path, before), functions in names.items():
        content = here.read(path)
        if content is not None and path.endswith(".py"):
            found[path] = found.get(path, ()) + changed_statements(there.read(before) or b"", content, path, functions)
    return found


def _file(setup: BenchmarkSetup, artifacts: ItemArtifacts) -> BenchmarkFile:
    tree = FolderTree(setup.sides["head"].tree)
    path = artifacts.injection.benchmark
    return BenchmarkFile(path, tree.read(path) or b"", Sources(tree, artifacts.detection.layout.import_roots))


def _expected(item: Optimization, artifacts: ItemArtifacts, recorded: float) -> LintContext:
    """Return what is known of the benchmark; where the project's own one lies is the project's business."""
    is_ours = artifacts.scaffolding.origin in {"generated", "edited"}
    return LintContext(
        target=artifacts.detection.target or "",
        root=artifacts.detection.layout.benchmarks_root if is_ours else None,
        boundaries=frozenset(item.lint.boundaries),
        recorded=recorded,
    )
