"""Do what `prprep branch ID` does: demand fresh evidence, make the branch, measure it, keep what was found, tell of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from .. import pipeline
from ..artifacts import Branching, Detection, Rendering, Survey
from ..bench import trees
from ..body.reproduction import manifest_text
from ..errors import ArtifactError, RepositoryError, UsageError
from ..git import Clone
from ..git.export import create_branch, write_patches
from ..git.repository import identity
from ..processes.progress import Report, silent
from ..staleness import ALL, Item, Stage, Uses, Value
from ..storage.files import fingerprint_of
from ..storage.hashing import digest, hash_of
from . import assembling as making
from . import bundle

if TYPE_CHECKING:
    from ..git.repository import Identity
    from ..manifest.model import Optimization
    from ..staleness import Staleness
    from ..storage.paths import ItemPaths
    from ..workspace.workspace import Workspace

NEEDED = pipeline.NAMES[: pipeline.NAMES.index("compare") + 1]
"""The stages whose evidence the branch is made from."""


@dataclass
class Work:
    """One item's branch at work."""

    workspace: Workspace
    staleness: Staleness
    item_id: str
    drop_model_authors: bool = False
    report: Report = silent

    @property
    def item(self) -> Optimization:
        return self.workspace.items[self.item_id]

    @property
    def paths(self) -> ItemPaths:
        return self.workspace.paths.item(self.item_id)

    @cached_property
    def who(self) -> Identity:
        """The user, as git has them; raise RepositoryError where git does not know."""
        place = self.workspace.repository(self.item_id).local or self.workspace.folder
        found = identity(place)
        if found is None:
            now = 'say who makes the commits: git config --global user.name "YOUR NAME"; git config --global user.email ADDRESS'
            raise RepositoryError("git does not know your name and address", where=str(place), hint=now)
        return found

    def fingerprint(self) -> str:
        """Hash what the branch would be made from now."""
        return fingerprint(self.staleness, self.item_id, str(self.who), drop_model_authors=self.drop_model_authors)

    def done(self, *, measure: bool = True) -> Branching:
        """Make the branch and measure it, or give the one that is there where it would be the same."""
        self._demand_evidence()
        if kept := self._kept(measured=measure):
            return kept
        self.paths.branch.unlink(missing_ok=True)
        made = making.Made.read(self.paths)
        with self.opened() as clone:
            contents = self._contents(made, clone)
            self.report("putting the commits together")
            branch = making.make(
                self.item, made, clone, self.who, contents=contents, drop_model_authors=self.drop_model_authors
            )
            if measure:
                from .measuring import Ground, measured

                ground = Ground(self.paths, contents, self.workspace.cache)
                branch = measured(self.item, branch, made, clone, ground=ground, report=self.report)
        branch = self._with_evidence(branch, made, contents)
        branch.write(self.paths.branch, self.fingerprint())
        return branch

    def give(self, branch: Branching, *, into: str = "", patches: Path | None = None) -> list[str]:
        """Hand the branch over as the user asked for it, and say how; without being asked, say how to ask."""
        told = []
        repository = self.workspace.repository(self.item_id).local
        with self.opened() as clone:
            if into:
                if repository is None:
                    raise UsageError(
                        "the repository is an address: no branch can be made there", hint="use --patches FOLDER"
                    )
                known = (branch.base, *(commit.source or commit.sha for commit in branch.commits))
                create_branch(clone.path, branch.head, repository, into, known=known)
                told.append(f"made the branch {into} in {repository}: {branch.head[:12]}")
            if patches:
                written = write_patches(clone.path, branch.base, branch.head, patches)
                told += [f"wrote {path}" for path in written]
        asking = f"`prprep branch {self.item_id} --into BRANCH` or `--patches FOLDER` gives it to you"
        return told or [f"it is in prprep's clone alone: {asking}"]

    def opened(self) -> Clone:
        """Open the private clone, with the optimization's commits in it."""
        detection = Detection.read(self.paths.detect)
        wanted = (detection.upstream, *(commit.sha for commit in detection.commits))
        return Clone.open(
            self.workspace.repository(self.item_id).address, self.workspace.cache, report=self.report, wanted=wanted
        )

    def _demand_evidence(self) -> None:
        for stage in NEEDED:
            if not self.staleness.is_fresh(stage, self.item_id) or not self.paths.artifact(stage).exists():
                now = f"run `prprep render:{self.item_id}` first, or `prprep explain {self.item_id}` to see why"
                raise RepositoryError(
                    f"there is no fresh evidence yet: {stage} is not up to date", where=self.item_id, hint=now
                )

    def _kept(self, *, measured: bool) -> Branching | None:
        """Return the branch that is there, if it would be made the same and the clone still has it."""
        if fingerprint_of(self.paths.branch) != self.fingerprint():
            return None
        try:
            kept = Branching.read(self.paths.branch)
        except ArtifactError:
            return None
        bundled = digest_of_bundle(self.paths, kept)
        with self.opened() as clone:
            there = self.has(clone, kept)
        return kept if there and bundled == kept.evidence_sha256 and (kept.verdict or not measured) else None

    def has(self, clone: Clone, branch: Branching) -> bool:
        """Return whether the clone has the branch, made once more where the cache was emptied meanwhile."""
        if clone.resolve([branch.head])[branch.head] is not None:
            return True
        made = making.Made.read(self.paths)
        again = making.make(
            self.item,
            made,
            clone,
            self.who,
            contents=self._contents(made, clone),
            drop_model_authors=self.drop_model_authors,
        )
        return again.head == branch.head

    def _contents(self, made: making.Made, clone: Clone) -> dict[str, bytes]:
        """Read the benchmark and what it needs beside itself."""
        worktree = self.workspace.repository(self.item_id).worktree
        found = trees.contents(made.injection, made.scaffolding, clone, folder=self.workspace.folder, worktree=worktree)
        if made.scaffolding.path not in found:
            read = trees.benchmark_bytes(made.scaffolding, clone, folder=self.workspace.folder, worktree=worktree)
            found[made.scaffolding.path] = read
        return found

    def _with_evidence(self, branch: Branching, made: making.Made, contents: dict[str, bytes]) -> Branching:
        """Write the bundle beside the body."""
        from .measuring import state_of

        target = bundle.place_for(self._body(made))
        state = state_of(self.paths, self.item_id)
        own = state if branch.comparison and digest(state / "compare.json") == branch.comparison else None
        manifest = manifest_text(self.item, made.detection, made.scaffolding)
        sha256 = bundle.write(target, bundle.gathered(self.paths, benchmark=contents, manifest=manifest, branch=own))
        place = target.relative_to(self.workspace.folder).as_posix()
        return branch.model_copy(update={"evidence": place, "evidence_sha256": sha256})

    def _body(self, made: making.Made) -> Path:
        try:
            return self.workspace.folder / Rendering.read(self.paths.render).body
        except ArtifactError:
            return self.paths.body(made.detection.function)


def _around(item: Item) -> list[object]:
    """Return the pull request that the branch goes into, and the commits that upstream has already."""
    survey = making.read_softly(Survey, item.paths.survey)
    into = making.folded_into(item.workspace.items[item.id], survey, making.opened_by(item.paths))
    return [into, survey and [each.sha for each in survey.contained]]


BRANCH = Stage(
    name="branch",
    doc="make the branch of a pull request",
    version=making.VERSION,
    uses=(
        Uses(
            settings=ALL,
            artifacts=dict.fromkeys(NEEDED, ALL),
            values=(Value("pull requests and commits about the same", _around),),
        ),
    ),
)


def fingerprint(staleness: Staleness, item_id: str, who: str, *, drop_model_authors: bool) -> str:
    """Hash what an item's branch would be made from now."""
    return hash_of([staleness.fingerprint(BRANCH, item_id), who, drop_model_authors])


def digest_of_bundle(paths: ItemPaths, branch: Branching) -> str:
    """Hash the evidence bundle as it is now; "" where it is gone."""
    import hashlib

    place = paths.folder / branch.evidence
    return hashlib.sha256(place.read_bytes()).hexdigest() if place.is_file() else ""


def told(branch: Branching) -> Iterator[str]:
    """Tell what the branch holds, what was found in it, and what is left for a person."""
    verb = {"kept": "as it is", "picked": "put there", "own": "by prprep"}
    yield f"{branch.item}: {branch.title}"
    yield f"on {branch.onto}:"
    for commit in branch.commits:
        came = f", was {commit.source[:12]}" if commit.source else ""
        yield f"  {commit.sha[:12]}  {commit.title}  ({commit.author}; {verb[commit.made]}{came})"
    yield from (f"  adds {path}" for path in branch.added)
    yield f"benchmark: {branch.benchmark}"
    yield f"changelog: {branch.changelog}"
    yield f"compared with {branch.base[:12]}: {branch.verdict}, {branch.headline}" if branch.verdict else "not measured"
    yield from (f"found: {finding.text}{' (must be mended)' if finding.fatal else ''}" for finding in branch.findings)
    yield from (f"not run: {each}" for each in branch.not_run)
    yield from (f"note: {each}" for each in branch.notes)
    yield from (f"to do: {each}" for each in branch.todos)
    yield f"evidence: {branch.evidence}"
