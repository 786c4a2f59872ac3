"""Put one and the same benchmark, byte for byte, into the trees of both sides."""

import posixpath
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from ...artifacts import SIDES, Commit, Detection, Injection, Scaffolding, Side, TreeSpec
from ...bench import trees
from ...benchmark_tests.writing.companions import companions, own_fixture
from ...errors import CherryPickError, NeedsReviewError, RepositoryError
from ...git import Clone
from ...staleness import StageInputs
from ...storage.hashing import sha256

BOTH_EQUAL = "both refs hold the benchmark, byte for byte the same"


def run(inputs: StageInputs) -> None:
    """Specify both trees; raise NeedsReviewError if a person has to complete the benchmark."""
    detection, scaffolding = inputs.read(Detection), inputs.read(Scaffolding)
    if scaffolding.needs:
        raise NeedsReviewError(scaffolding.needs, hint="then run prprep again")
    with inputs.clone(detection.base, *(detection.picked or (detection.head,))) as clone:
        # First the sides: a head that consists of picked commits may have to be created again before it can be read.
        base = _side(clone, detection.base)
        head = _side(clone, detection.base, detection.picked) if detection.picked else _side(clone, detection.head)
        content = trees.benchmark_bytes(scaffolding, clone, folder=inputs.folder, worktree=inputs.worktree)
        plan = _Plan(inputs, clone, scaffolding, content, {"base": base, "head": head})
        injection = cherry_pick(plan, detection) if inputs.settings.strategy == "cherry-pick" else inject(plan)
    inputs.report(injection.reason)
    inputs.write(injection)


class InjectedSide(NamedTuple):
    """One side before anything is injected: how to create its tree, and its commit in the clone."""

    spec: TreeSpec
    commit: str


@dataclass(frozen=True, slots=True)
class _Plan:
    """What both strategies start from; `content` is the benchmark's."""

    inputs: StageInputs
    clone: Clone
    scaffolding: Scaffolding
    content: bytes
    sides: dict[Side, InjectedSide]

    @property
    def path(self) -> str:
        return self.scaffolding.path

    def at(self, side: Side, path: str) -> bytes | None:
        return self.clone.read(self.sides[side].commit, path)

    def read(self, path: str) -> bytes | None:
        """Read from the tree that the benchmark comes from, which is head's if prprep wrote the benchmark."""
        scaffolding, worktree = self.scaffolding, self.inputs.worktree
        if path in scaffolding.data:
            return trees.data_bytes(scaffolding, path, folder=self.inputs.folder)
        if scaffolding.origin == "worktree" and worktree:
            return trees.read_inside(worktree, path)
        return self.at("base" if scaffolding.origin == "base" else "head", path)

    def injection(
        self, strategy: Literal["inject", "cherry-pick"], reason: str, specs: dict[Side, TreeSpec], repairs: list[str]
    ) -> Injection:
        own = own_fixture(self.path, self.read)
        return Injection(
            item=self.scaffolding.item,
            strategy=strategy,
            reason=reason,
            benchmark=self.path,
            benchmark_sha256=self.scaffolding.sha256,
            base=specs["base"],
            head=specs["head"],
            own_fixture=own,
            repairs=(
                *repairs,
                *([f"the fixture `benchmark` of {own} was replaced by pytest-benchmark's"] if own else ()),
            ),
        )


def _side(clone: Clone, commit: str, picks: tuple[str, ...] = ()) -> InjectedSide:
    result = clone.cherry_pick(commit, picks) if picks else commit
    return InjectedSide(TreeSpec(commit=commit, picks=picks, tree=clone.tree_of(result)), result)


@dataclass(slots=True)
class _AddedFiles:
    """The SHA-256 of the files that are put into both trees, by path, and a sentence on each."""

    plan: _Plan
    files: dict[str, str] = field(default_factory=dict)
    repairs: list[str] = field(default_factory=list)

    def add(self, path: str, content: bytes, what: str, why: str = "") -> None:
        self.files[path] = sha256(content)
        existing = {side: self.plan.at(side, path) for side in SIDES}
        self.repairs.append(f"{what} was put into both trees{why}: {_differences(existing, content)}")

    def add_named(self) -> None:
        """Add what `benchmark_files` names, if a side lacks it; raise RepositoryError if there is none."""
        for path in self.plan.inputs.settings.benchmark_files:
            content = self.plan.read(path)
            if content is None:
                what = f"there is no {path} at the ref that the benchmark comes from ({self.plan.scaffolding.origin})"
                raise RepositoryError(what, where=self.plan.path, hint="correct `benchmark_files`")
            if path not in self.files and any(self.plan.at(side, path) != content for side in SIDES):
                self.add(path, content, path, " (`benchmark_files`)")


def inject(plan: _Plan) -> Injection:
    """Put the benchmark and the files it needs into both trees, but only what at least one of them lacks."""
    added = _AddedFiles(plan)
    if any(plan.at(side, plan.path) != plan.content for side in SIDES):
        added.add(plan.path, plan.content, f"the benchmark {plan.path}")
    folder = posixpath.dirname(plan.path)
    for each in companions(plan.path, plan.content, plan.read):
        if not all(each.is_satisfied_by(plan.at(side, each.path), folder=folder) for side in SIDES):
            added.add(each.path, each.content, each.path, f" ({each.why})")
    added.add_named()
    files = added.files
    reason = "the benchmark goes into both trees" if plan.path in files else BOTH_EQUAL
    specs = {name: side.spec.model_copy(update={"files": files}) for name, side in plan.sides.items()}
    return plan.injection("inject", reason, specs, added.repairs)


def _differences(existing: dict[Side, bytes | None], content: bytes) -> str:
    """Say what the sides have instead."""
    differing = {side: other for side, other in existing.items() if other != content}
    texts = {side: "none" if other is None else "another version" for side, other in differing.items()}
    if len(texts) > 1 and texts["base"] == texts["head"]:
        return f"base and head have {texts['base']}"
    return ", ".join(f"{side} has {text}" for side, text in texts.items())


# -- cherry-pick ------------------------------------------------------------------------------------


def cherry_pick(plan: _Plan, detection: Detection) -> Injection:
    """Pick the benchmark's commits onto the side that lacks it, on temporary branches of the clone.

    Raise CherryPickError if they conflict, include the optimization, or result in different benchmarks; RepositoryError
    if no commit contains the benchmark.
    """
    if plan.scaffolding.origin not in ("base", "head"):
        hint = "commit it on the branch of the optimization, or set `strategy: inject`"
        raise RepositoryError("no commit holds the benchmark, so none can be cherry-picked", where=plan.path, hint=hint)
    source, clone = plan.scaffolding.origin, plan.clone
    other: Side = "head" if source == "base" else "base"
    sides, picked = dict(plan.sides), tuple[Commit, ...]()
    if plan.at(other, plan.path) != plan.content:
        picked = _benchmark_commits(plan, source=source, other=other)
        _refuse_mixed(picked, clone, detection, plan.path)
        spec = sides[other].spec
        sides[other] = _side(clone, spec.commit, (*spec.picks, *(commit.sha for commit in picked)))
    with clone.temporary_branches(sides["base"].commit, sides["head"].commit):
        for name in ("benchmark-base", "benchmark-head"):
            if clone.read(f"refs/heads/{name}", plan.path) != plan.content:
                what = f"the cherry-picked commits do not lead to the same benchmark: {name} holds another version"
                raise CherryPickError(what, files=(plan.path,), where=plan.path, hint="set `strategy: inject`")
    repairs = [
        f"commit {commit.sha[:12]} ({commit.title}) was put onto {other} for the benchmark that it holds"
        for commit in picked
    ]
    reason = f"the benchmark's commits go onto {other}" if picked else BOTH_EQUAL
    added = _AddedFiles(replace(plan, sides=sides))
    added.add_named()
    specs = {name: side.spec.model_copy(update={"files": added.files}) for name, side in sides.items()}
    return plan.injection("cherry-pick", reason, specs, [*repairs, *added.repairs])


def _benchmark_commits(plan: _Plan, *, source: Side, other: Side) -> tuple[Commit, ...]:
    clone = plan.clone
    if picks := plan.sides[source].spec.picks:
        # The commits on a side that was created by picking may be lost with the clone; the picked ones are not.
        commits = tuple(clone.commit(sha) for sha in picks if plan.path in _paths(clone, sha))
    else:
        commits = clone.commits(plan.sides[other].commit, plan.sides[source].commit, path=plan.path)
    if not commits:
        what = f"no commit of {source} that {other} lacks changed the benchmark (merges aside)"
        raise RepositoryError(what, where=plan.path, hint="set `strategy: inject`")
    return commits


def _refuse_mixed(picked: tuple[Commit, ...], clone: Clone, detection: Detection, benchmark: str) -> None:
    """Raise CherryPickError for commits that would bring the optimization to the side without it."""
    optimized = {path for function in detection.functions for path in (function.path, function.base_path) if path}
    if not optimized:
        folder = posixpath.dirname(benchmark)
        optimized = {path for path in detection.files if posixpath.dirname(path) != folder}
    for commit in picked:
        if mixed := sorted(_paths(clone, commit.sha) & (optimized - {benchmark})):
            raise CherryPickError(
                f"commit {commit.sha[:12]} ({commit.title}) holds the benchmark and a part of the optimization "
                f"({', '.join(mixed)})",
                files=tuple(mixed),
                where=benchmark,
                hint="set `strategy: inject`, or split the commit",
            )


def _paths(clone: Clone, commit: str) -> set[str]:
    return {path for change in clone.changes_of(commit) for path in (change.base_path, change.head_path) if path}
