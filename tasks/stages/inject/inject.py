"""Make the two trees comparable: one and the same benchmark, byte for byte, against both refs."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...artifacts import Commit, Detection, Injection, Scaffolding, TreeSpec
from ...bench import trees
from ...benchmark_tests.writing.companions import companions
from ...errors import CherryPickError, NeedsReviewError, RepositoryError

if TYPE_CHECKING:
    from ...benchmark_tests.writing.companions import Companion
    from ...git import Clone
    from ...staleness import StageInputs


def run(inputs: StageInputs) -> None:
    """Make the specification of both trees; raise NeedsReviewError if a person has to complete the benchmark."""
    detection, scaffolding = inputs.read(Detection), inputs.read(Scaffolding)
    if scaffolding.needs:
        raise NeedsReviewError(scaffolding.needs, hint="then run doit again")
    with inputs.clone(detection.base, *(detection.picked or (detection.head,))) as clone:
        # The sides first: a head that is made of commits may have to be made again before it can be read.
        sides = _sides(clone, detection)
        content = trees.benchmark_bytes(scaffolding, clone, folder=inputs.folder, worktree=inputs.worktree)
        plan = Plan(scaffolding, content, sides)
        if inputs.settings.strategy == "cherry-pick":
            injection = cherry_pick(plan, clone, detection)
        else:
            injection = inject(plan, clone, _Origin(plan, clone, inputs.worktree, inputs.folder).read)
    inputs.report(injection.reason)
    inputs.write(injection)


@dataclass(frozen=True, slots=True)
class Side:
    """One side before anything is injected: how its tree is made, and the commit in the clone that it is."""

    spec: TreeSpec
    commit: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What both strategies start from."""

    scaffolding: Scaffolding
    content: bytes
    sides: dict[str, Side]

    @property
    def path(self) -> str:
        return self.scaffolding.path

    def injection(self, strategy: str, reason: str, sides: dict[str, TreeSpec], repairs: tuple[str, ...]) -> Injection:
        return Injection.model_validate(
            {
                "item": self.scaffolding.item,
                "strategy": strategy,
                "reason": reason,
                "benchmark": self.path,
                "benchmark_sha256": self.scaffolding.sha256,
                **sides,
                "repairs": repairs,
            },
        )


def _sides(clone: Clone, detection: Detection) -> dict[str, Side]:
    base = _side(clone, detection.base, ())
    return {
        "base": base,
        "head": _side(clone, detection.base, detection.picked)
        if detection.picked
        else _side(clone, detection.head, ()),
    }


def _side(clone: Clone, commit: str, picks: tuple[str, ...]) -> Side:
    made = clone.cherry_pick(commit, picks) if picks else commit
    return Side(TreeSpec(commit=commit, picks=picks, tree=clone.tree_of(made)), made)


# -- inject -----------------------------------------------------------------------------------------


def inject(plan: Plan, clone: Clone, origin: Callable[[str], bytes | None]) -> Injection:
    """Write the benchmark, and what it needs beside itself, over both trees; nothing where both hold it already."""
    had = {name: clone.read(side.commit, plan.path) for name, side in plan.sides.items()}
    files, repairs = {}, []
    if any(content != plan.content for content in had.values()):
        files[plan.path] = plan.scaffolding.sha256
        repairs.append(f"the benchmark {plan.path} was written over both trees: {_who_lacks(had, plan.content)}")
    for companion in _needed(plan, clone, origin):
        files[companion.path] = hashlib.sha256(companion.content).hexdigest()
        texts = {name: clone.read(side.commit, companion.path) for name, side in plan.sides.items()}
        repairs.append(
            f"{companion.path} was written over both trees ({companion.why}): {_who_lacks(texts, companion.content)}"
        )
    reason = (
        "the benchmark goes into both trees"
        if plan.path in files
        else "both refs hold the benchmark, byte for byte the same"
    )
    specs = {name: side.spec.model_copy(update={"files": files}) for name, side in plan.sides.items()}
    return plan.injection("inject", reason, specs, tuple(repairs))


def _who_lacks(had: dict[str, bytes | None], content: bytes) -> str:
    """Say what the sides had instead."""
    told = {
        name: "has none" if text is None else "has another version" for name, text in had.items() if text != content
    }
    if len(set(told.values())) == 1 and len(told) > 1:
        return "base and head " + next(iter(told.values())).replace("has", "have")
    return ", ".join(f"{name} {what}" for name, what in told.items())


def _needed(plan: Plan, clone: Clone, origin: Callable[[str], bytes | None]) -> list[Companion]:
    """Return the companions that at least one of the sides lacks, or has in a way that the benchmark would notice."""
    folder = posixpath.dirname(plan.path)

    def serves(side: Side, companion: Companion) -> bool:
        return companion.is_served_by(clone.read(side.commit, companion.path), folder=folder)

    found = companions(plan.path, plan.content, _Reader(origin))
    return [companion for companion in found if not all(serves(side, companion) for side in plan.sides.values())]


@dataclass(frozen=True, slots=True)
class _Reader:
    read: Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where the benchmark comes from: its own commit or the user's work tree; head for one that prprep wrote."""

    plan: Plan
    clone: Clone
    worktree: Path | None
    folder: Path

    def read(self, path: str) -> bytes | None:
        if path in self.plan.scaffolding.data:
            return trees.data_bytes(self.plan.scaffolding, path, folder=self.folder)
        if self.plan.scaffolding.origin == "worktree" and self.worktree:
            return trees.read_inside(self.worktree, path)
        return self.clone.read(
            self.plan.sides["base" if self.plan.scaffolding.origin == "base" else "head"].commit, path
        )


# -- cherry-pick ------------------------------------------------------------------------------------


def cherry_pick(plan: Plan, clone: Clone, detection: Detection) -> Injection:
    """Put the commits that made the benchmark onto the side that lacks them, on temporary branches of the clone.

    Raises CherryPickError where they conflict, bring the optimization along, or do not lead to the same
    bytes on both sides; RepositoryError where no commit holds the benchmark.
    """
    if plan.scaffolding.origin not in ("base", "head"):
        now = "commit it on the branch of the optimization, or set `strategy: inject`"
        raise RepositoryError("no commit holds the benchmark, so none can be cherry-picked", where=plan.path, hint=now)
    giving = plan.scaffolding.origin
    taking = "head" if giving == "base" else "base"
    sides, picked = dict(plan.sides), tuple[Commit, ...]()
    if clone.read(sides[taking].commit, plan.path) != plan.content:
        picked = _benchmark_commits(plan, clone, giving=giving, taking=taking)
        _refuse_mixed(picked, clone, detection, plan.path)
        spec = sides[taking].spec
        sides[taking] = _side(clone, spec.commit, (*spec.picks, *(commit.sha for commit in picked)))
    with clone.temporary_branches(sides["base"].commit, sides["head"].commit):
        _verify(plan, clone)
    titles = tuple(
        f"commit {commit.sha[:12]} ({commit.title}) was put onto {taking} for the benchmark that it holds"
        for commit in picked
    )
    reason = (
        f"the benchmark's commits go onto {taking}"
        if picked
        else "both refs hold the benchmark, byte for byte the same"
    )
    return plan.injection("cherry-pick", reason, {name: side.spec for name, side in sides.items()}, titles)


def _benchmark_commits(plan: Plan, clone: Clone, *, giving: str, taking: str) -> tuple[Commit, ...]:
    if picks := plan.sides[giving].spec.picks:
        # A made side's own commits are gone with the clone: those that it was made from are not.
        found = tuple(clone.commit(sha) for sha in picks if plan.path in _touched(clone, sha))
    else:
        found = clone.commits(plan.sides[taking].commit, plan.sides[giving].commit, path=plan.path)
    if not found:
        what = f"no commit of {giving} that {taking} lacks changed the benchmark (merges aside)"
        raise RepositoryError(what, where=plan.path, hint="set `strategy: inject`")
    return found


def _refuse_mixed(picked: tuple[Commit, ...], clone: Clone, detection: Detection, benchmark: str) -> None:
    """Refuse commits that would bring the optimization to the side that is to be without it."""
    optimized = {path for function in detection.functions for path in (function.path, function.base_path) if path}
    optimized = optimized or {
        path for path in detection.files if posixpath.dirname(path) != posixpath.dirname(benchmark)
    }
    for commit in picked:
        if mixed := sorted(_touched(clone, commit.sha) & (optimized - {benchmark})):
            what = f"commit {commit.sha[:12]} ({commit.title}) holds the benchmark and a part of the optimization ({', '.join(mixed)})"
            raise CherryPickError(
                what, files=tuple(mixed), where=benchmark, hint="set `strategy: inject`, or split the commit"
            )


def _touched(clone: Clone, commit: str) -> set[str]:
    return {path for change in clone.changes_of(commit) for path in (change.base_path, change.head_path) if path}


def _verify(plan: Plan, clone: Clone) -> None:
    for name in ("benchmark-base", "benchmark-head"):
        if clone.read(f"refs/heads/{name}", plan.path) != plan.content:
            what = f"the cherry-picked commits do not lead to the same benchmark: {name} holds another version"
            raise CherryPickError(what, files=(plan.path,), where=plan.path, hint="set `strategy: inject`")
