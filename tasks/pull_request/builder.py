"""Build the branch of an item, as `prprep branch ID` does: assemble, measure and record it, and hand it over."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from .. import pipeline
from ..artifacts import Branching, Comparison, Detection, Rendering, Survey
from ..bench import trees
from ..body.reproduction import manifest_text
from ..environments.interpreters import resolve_path
from ..errors import RepositoryError, UsageError
from ..git import Clone
from ..git.export import create_branch, write_patches
from ..git.repository import identity
from ..manifest.model import Optimization
from ..processes.progress import Report, silent
from ..staleness import ALL, Item, Stage, Staleness, Uses, Value, fields_of
from ..storage.artifact import read_if_valid
from ..storage.files import fingerprint_of, write_whole
from ..storage.hashing import digest, hash_of, sha256_of
from ..storage.links import refuse_links_in
from ..storage.paths import MANIFEST_NAME, ItemPaths, ProjectPaths
from ..text.target_names import body_name
from ..workspace import nested
from ..workspace.workspace import Workspace
from . import assembling, bundle
from .assembling import StageResults

NEEDED = pipeline.NAMES[: pipeline.NAMES.index("compare") + 1]
"""The stages whose evidence the branch is built from."""


def _surroundings(item: Item) -> list[object]:
    """Return the pull request that the branch is added to, and the commits that upstream has already."""
    survey = read_if_valid(Survey, item.paths.survey)
    into = assembling.folded_into(item.workspace.items[item.id], survey, assembling.opened_by(item.paths))
    return [into, survey and [commit.sha for commit in survey.contained]]


BRANCH = Stage(
    name="branch",
    doc="build the branch of a pull request",
    version=assembling.VERSION,
    uses=(
        Uses(
            settings=ALL,
            artifacts=dict.fromkeys(NEEDED, ALL),
            values=(Value("pull requests and commits about the same", _surroundings),),
        ),
    ),
)


@dataclass
class ItemWork:
    staleness: Staleness
    item_id: str
    report: Report = silent

    @property
    def workspace(self) -> Workspace:
        return self.staleness.workspace

    @property
    def item(self) -> Optimization:
        return self.workspace.items[self.item_id]

    @property
    def paths(self) -> ItemPaths:
        return self.workspace.paths.item(self.item_id)

    @property
    def branch_paths(self) -> ItemPaths:
        """The artifacts of the branch's own measurement."""
        folder = self.paths.branch_folder
        return ProjectPaths(folder / MANIFEST_NAME, folder).item(self.item_id)


@dataclass
class BranchBuilder(ItemWork):
    drop_model_authors: bool = False

    @cached_property
    def who(self) -> str:
        """The user, as git knows them; raise RepositoryError if it does not."""
        folder = self.workspace.repository(self.item_id).local or self.workspace.folder
        user = identity(folder)
        if user is None:
            hint = 'git config --global user.name "YOUR NAME"; git config --global user.email ADDRESS'
            raise RepositoryError("git does not know your name and address", where=str(folder), hint=hint)
        return user

    def fingerprint(self) -> str:
        return hash_of([self.staleness.fingerprint(BRANCH, self.item_id), self.who, self.drop_model_authors])

    def build(self, *, measure: bool = True) -> Branching:
        """Return the branch, measured with `measure`; an existing one is used again if nothing changed."""
        self._check_evidence()
        if existing := self._existing(measured=measure):
            return existing
        refuse_links_in(self.paths.state, self.paths.folder)
        previous = fields_of(self.paths.branch).get("evidence_sha256")
        self.paths.branch.unlink(missing_ok=True)
        results = StageResults.read(self.paths)
        with self.clone() as clone:
            self.report("assembling the commits")
            contents = self._contents(results, clone)
            branch = self._assemble(results, clone, contents)
            if measure:
                branch = self._measured(branch, results, clone, contents)
        branch = self._with_evidence(branch, results, contents, previous=previous)
        branch.write(self.paths.branch, self.fingerprint())
        return branch

    def deliver(self, branch: Branching, *, into: str = "", patches: Path | None = None) -> list[str]:
        """Create the branch or the patches that the user asked for; return a line for each."""
        lines = []
        repository = self.workspace.repository(self.item_id).local
        with self.clone() as clone:
            if into:
                if repository is None:
                    what = "the manifest's repository is an address: no branch can be created there"
                    raise UsageError(what, hint="use --patches FOLDER")
                known = (branch.base, *(commit.source or commit.sha for commit in branch.commits))
                create_branch(clone.path, branch.head, repository, into, known=known)
                lines.append(f"created the branch {into} in {repository}: {branch.head[:12]}")
            if patches:
                lines += [f"wrote {path}" for path in write_patches(clone.path, branch.base, branch.head, patches)]
        command = f"prprep branch {self.item_id}"
        return lines or [f"to get it: `{command} --into BRANCH` or `{command} --patches FOLDER`"]

    def clone(self) -> Clone:
        """Open the private clone, with the optimization's commits in it."""
        detection = Detection.read(self.paths.detect)
        wanted = (detection.upstream, *(commit.sha for commit in detection.commits))
        address = self.workspace.repository(self.item_id).address
        return Clone.open(address, self.workspace.cache, report=self.report, wanted=wanted)

    def is_available(self, clone: Clone, branch: Branching) -> bool:
        """Return whether the clone has the branch, assembled again if the cache was emptied."""
        if clone.resolve([branch.head])[branch.head] is not None:
            return True
        results = StageResults.read(self.paths)
        return self._assemble(results, clone, self._contents(results, clone)).head == branch.head

    def _assemble(self, results: StageResults, clone: Clone, contents: dict[str, bytes]) -> Branching:
        return assembling.assemble(
            self.item, results, clone, self.who, contents=contents, drop_model_authors=self.drop_model_authors
        )

    def _check_evidence(self) -> None:
        for stage in NEEDED:
            if not self.staleness.is_fresh(stage, self.item_id) or not self.paths.artifact(stage).exists():
                hint = f"run `prprep render:{self.item_id}` first, or `prprep explain {self.item_id}` to see why"
                raise RepositoryError(f"{stage} is not up to date", where=self.item_id, hint=hint)

    def _existing(self, *, measured: bool) -> Branching | None:
        """Return the recorded branch if it would be built the same and the clone still has it."""
        if fingerprint_of(self.paths.branch) != self.fingerprint():
            return None
        branch = read_if_valid(Branching, self.paths.branch)
        if branch is None or (measured and not branch.verdict):
            return None
        archive = self.paths.folder / branch.evidence
        if sha256_of(archive) != branch.evidence_sha256:
            return None
        with self.clone() as clone:
            return branch if self.is_available(clone, branch) else None

    def _contents(self, results: StageResults, clone: Clone) -> dict[str, bytes]:
        """Read the benchmark and the files that it needs."""
        folder, worktree = self.workspace.folder, self.workspace.repository(self.item_id).worktree
        scaffolding = results.scaffolding
        contents = trees.contents(results.injection, scaffolding, clone, folder=folder, worktree=worktree)
        if scaffolding.path not in contents:
            contents[scaffolding.path] = trees.benchmark_bytes(scaffolding, clone, folder=folder, worktree=worktree)
        return contents

    def _measured(
        self, branch: Branching, results: StageResults, clone: Clone, contents: dict[str, bytes]
    ) -> Branching:
        """Return the branch with its verdict, from a nested run unless the item's comparison has the same commits."""
        if (branch.base, branch.head) == (results.detection.base, results.detection.head):
            return _judged(branch, results.comparison, self.paths.compare)
        folder = self.paths.branch_folder
        lacking = {path: content for path, content in contents.items() if clone.blob(branch.head, path) is None}
        tree = trees.with_files(clone, branch.head, lacking, cache=self.workspace.cache)
        write_whole(
            folder / MANIFEST_NAME, manifest_for(self.item, branch, results, tree=tree, folder=self.paths.folder)
        )
        nested.run(
            [f"compare:{self.item_id}"],
            folder=folder,
            cache=self.workspace.cache,
            passed=self.item.env.passed,
            report=self.report,
        )
        compared = self.branch_paths.compare
        return _judged(branch, Comparison.read(compared), compared)

    def _with_evidence(
        self, branch: Branching, results: StageResults, contents: dict[str, bytes], *, previous: str | None
    ) -> Branching:
        """Write the archive of the evidence next to the body, and return the branch with its path and hash."""
        rendering = read_if_valid(Rendering, self.paths.render)
        body = (
            self.workspace.folder / rendering.body
            if rendering
            else self.paths.body(body_name(results.target or self.item_id))
        )
        archive = bundle.path_for(body)
        compared, state = self.branch_paths.compare, self.branch_paths.state
        own = state if branch.comparison and digest(compared) == branch.comparison else None
        manifest = manifest_text(self.item, results.detection, results.scaffolding)
        files = bundle.files_of(self.paths, benchmark=contents, manifest=manifest, branch=own)
        sha256 = bundle.write(archive, files, root=self.workspace.folder, last=previous)
        path = archive.relative_to(self.workspace.folder).as_posix()
        return branch.model_copy(update={"evidence": path, "evidence_sha256": sha256})


def manifest_for(item: Optimization, branch: Branching, results: StageResults, *, tree: Path, folder: Path) -> str:
    """Return a manifest that measures the branch in `tree`; `folder` is that of the item's manifest."""
    detection = results.detection.model_copy(
        update={"base": branch.base, "head": branch.head, "upstream": branch.base, "picked": ()}
    )
    manifest: dict[str, Any] = yaml.safe_load(manifest_text(item, detection, results.scaffolding))
    manifest["repo"] = str(tree)
    if item.env.python and os.sep in item.env.python:
        manifest["optimizations"][0].setdefault("env", {})["python"] = resolve_path(item.env.python, folder)
    text: str = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=120)
    return text


def _judged(branch: Branching, comparison: Comparison, artifact: Path) -> Branching:
    return branch.model_copy(
        update={"verdict": comparison.verdict, "headline": comparison.headline, "comparison": digest(artifact) or ""}
    )


def description(branch: Branching) -> Iterator[str]:
    """Yield lines about what the branch holds, what the audit found, and what is left to a person."""
    origin = {"kept": "as it is", "picked": "cherry-picked", "own": "by prprep"}
    yield f"{branch.item}: {branch.title}"
    yield f"on {branch.onto}:"
    for commit in branch.commits:
        source = f" from {commit.source[:12]}" if commit.source else ""
        yield f"  {commit.sha[:12]}  {commit.title}  ({commit.author}; {origin[commit.made]}{source})"
    yield from (f"  adds {path}" for path in branch.added)
    yield f"benchmark: {branch.benchmark}"
    yield f"changelog: {branch.changelog}"
    yield f"compared with {branch.base[:12]}: {branch.verdict}, {branch.headline}" if branch.verdict else "not measured"
    yield from (f"found: {finding.text}{' (must be fixed)' if finding.fatal else ''}" for finding in branch.findings)
    yield from (f"not run: {check}" for check in branch.not_run)
    yield from (f"note: {note}" for note in branch.notes)
    yield from (f"to do: {todo}" for todo in branch.todos)
    yield f"evidence: {branch.evidence}"
