"""Make the branch that a pull request is made from: upstream's newest commit, the optimization's commits, and one of our own.

All of it happens in the private clone. Made from the same commits, by the same person, it is the same branch every time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from ..artifacts import Branching, Comparison, Detection, Injection, MadeCommit, Opening, Scaffolding, Survey, Verdict
from ..errors import ArtifactError, CherryPickError, RepositoryError
from ..git import cherry_pick, history
from ..project.conventions import changelog
from ..project.files import CommitTree, Project
from ..project.pytest_config import is_test_file, python_files
from ..storage.artifact import Artifact
from . import audit, audit_tools, changelog_entry
from . import titles as wording
from .fragments import Entry

if TYPE_CHECKING:
    from ..git import Clone
    from ..git.repository import Identity
    from ..manifest.model import Optimization
    from ..storage.paths import ItemPaths

VERSION: Final = 1
T = TypeVar("T", bound=Artifact)
TITLES = 50
"""Commits of upstream's that are looked at to see how their titles are made."""


@dataclass(frozen=True, slots=True)
class Made:
    """What the stages have found out about an item."""

    detection: Detection
    scaffolding: Scaffolding
    injection: Injection
    comparison: Comparison
    survey: Survey | None = None
    opened: int | None = None
    """The pull request that prprep itself has opened for this item: it is made anew, not built upon."""

    @classmethod
    def read(cls, paths: ItemPaths) -> Made:
        return cls(
            Detection.read(paths.detect),
            Scaffolding.read(paths.scaffold),
            Injection.read(paths.inject),
            Comparison.read(paths.compare),
            read_softly(Survey, paths.survey),
            opened_by(paths),
        )


@dataclass(frozen=True, slots=True)
class Start:
    """Where a branch begins, what it is measured against, and what that is called."""

    commit: str
    base: str
    name: str


@dataclass(frozen=True, slots=True)
class Files:
    """What prprep's own commit adds: path to bytes; why; and what a person has to do about it."""

    files: Mapping[str, bytes]
    benchmark: str = ""
    changelog: str = ""
    todos: tuple[str, ...] = ()


def make(
    item: Optimization,
    made: Made,
    clone: Clone,
    who: Identity,
    *,
    contents: Mapping[str, bytes],
    drop_model_authors: bool = False,
) -> Branching:
    """Make the branch in the clone and look through it; raise CherryPickError where the commits do not go onto upstream's newest.

    `contents` are the benchmark and the files that it needs, by their paths.
    """
    detection, start = made.detection, start_of(item, made, clone)
    titles = history.recent_titles(clone.path, detection.upstream, TITLES)
    picked = tuple(commit.sha for commit in detection.commits)
    reword = audit.without_model_co_authors if drop_model_authors else bytes
    try:
        tip = cherry_pick.rebase(clone.path, start.commit, picked, committer=who, reword=reword)
    except CherryPickError as error:
        raise _with_drift(error, made, start) from None
    if tip == start.commit and start.commit == detection.upstream:
        now = "there is nothing left to open a pull request for; remove the item"
        raise RepositoryError(f"{detection.upstream_ref} has all of this optimization already", where=item.id, hint=now)
    added = _added(item, made, clone, tip, contents)
    head = cherry_pick.commit_files(clone.path, tip, _addition(made, added, who, titles)) if added.files else tip
    return _looked_through(
        Branching(
            item=item.id,
            title=wording.pull_request_title(detection.title, titles),
            onto=start.name,
            base=start.base,
            head=head,
            tree=clone.tree_of(head),
            commits=tuple(_commits(clone, start.commit, head, made, own=head if added.files else "")),
            added=tuple(sorted(added.files)),
            benchmark=added.benchmark,
            changelog=added.changelog,
            todos=added.todos,
            notes=tuple(_notes(made, clone, picked)),
        ),
        made,
        clone,
    )


def start_of(item: Optimization, made: Made, clone: Clone) -> Start:
    """Return where the branch begins: upstream's newest commit, or the branch of the pull request that it goes into."""
    detection, number = made.detection, folded_into(item, made.survey, made.opened)
    if number is None:
        return Start(detection.upstream, detection.upstream, f"{detection.upstream_ref} ({detection.upstream[:12]})")
    name = next((each.branch for each in made.survey.pull_requests if each.number == number), "") if made.survey else ""
    commit = clone.resolve([name])[name] if name else None
    if commit is None:
        branch = f"its branch {name}" if name else "its branch"
        now = "fetch it, then run `prprep` with --refresh and this again; or remove `pr:` to open a new one"
        raise RepositoryError(
            f"#{number} is to be updated, and {branch} is not in the repository", where=item.id, hint=now
        )
    base = clone.merge_base(detection.upstream, commit) or detection.upstream
    return Start(commit, base, f"#{number}, {name} ({commit[:12]})")


def folded_into(item: Optimization, survey: Survey | None, opened: int | None) -> int | None:
    """Return the number of the pull request that the branch goes into, None where it is to be a new one, or is `opened` by prprep."""
    if item.pr:
        return item.pr if item.pr != opened else None
    into = survey.decision.into if survey and survey.decision.kind == "fold" else ""
    number = int(into[1:]) if into.startswith("#") and into[1:].isdigit() else None
    return None if number == opened else number


def opened_by(paths: ItemPaths) -> int | None:
    """Return the number of the pull request that prprep has opened for an item."""
    opened = read_softly(Opening, paths.opened)
    return opened.number if opened and opened.own else None


def read_softly(kind: type[T], path: Path) -> T | None:
    """Read an artifact that need not be there."""
    try:
        return kind.read(path)
    except ArtifactError:
        return None


# -- prprep's own commit -----------------------------------------------------------------------------------


def _added(item: Optimization, made: Made, clone: Clone, tip: str, contents: Mapping[str, bytes]) -> Files:
    project = Project(CommitTree(clone, tip), made.detection.layout.project)
    benchmark, why = _benchmark(item, made, project, contents)
    entry = _changelog(item, made, clone, project)
    return replace(entry, files={**benchmark, **entry.files}, benchmark=why)


def _benchmark(
    item: Optimization, made: Made, project: Project, contents: Mapping[str, bytes]
) -> tuple[dict[str, bytes], str]:
    """Return the benchmark's files that the branch lacks, where it is to have them, and the reason."""
    path, tree = made.scaffolding.path, project.tree
    if tree.read(path) is not None:
        return {}, f"{path} is there already"
    lacking = {name: content for name, content in contents.items() if tree.read(name) is None}
    root = made.detection.layout.benchmarks_root
    if item.commit_benchmark == "never":
        return {}, "the manifest says never; it is in the evidence"
    if item.commit_benchmark == "always":
        return lacking, "the manifest says always"
    patterns = python_files(project)
    if not any(name.startswith(f"{root}/") and is_test_file(name, patterns) for name in tree.files()):
        return (
            {},
            f"the project keeps no benchmark tests in {root}; it is in the evidence (`commit_benchmark: always` changes that)",
        )
    return lacking, f"the project keeps benchmarks in {root}"


def _changelog(item: Optimization, made: Made, clone: Clone, project: Project) -> Files:
    """Write the changelog entry, where the project has a changelog, the change is an improvement, and none came with it."""
    detection, kind = made.detection, changelog(project.tree, project=made.detection.layout.project)
    if kind is None:
        return Files({}, changelog="the project keeps no changelog")
    if made.comparison.verdict is not Verdict.IMPROVED:
        return Files({}, changelog=f"no entry: the comparison says {made.comparison.verdict}")
    place = kind.partition(" ")[2]
    if any(path == place or path.startswith(place) for path in detection.files):
        return Files({}, changelog=f"the optimization brings its own entry in {place}")
    told, doubts = changelog_entry.sentence(detection.title, detection.target, detection.domain.domains)
    dated = history.author_date(clone.path, detection.commits[-1].sha)
    number = folded_into(item, made.survey, made.opened) or made.opened
    written = changelog_entry.write(project, kind, Entry(item.id, told, number, dated, detection.files))
    files = {path: text.encode("utf-8", "surrogateescape") for path, text in written.files.items()}
    return Files(files, changelog=f"{kind}: {told}" if files else f"{kind}: by hand", todos=(*doubts, *written.todos))


def _addition(made: Made, added: Files, who: Identity, titles: tuple[str, ...]) -> cherry_pick.FileCommit:
    with_benchmark = any(path.endswith(".py") for path in added.files)
    with_entry = any(not path.endswith(".py") for path in added.files)
    title = wording.own_title(made.detection.function, benchmark=with_benchmark, entry=with_entry, titles=titles)
    asked = any(rule.about == "sign-off" for rule in made.detection.contribution_rules)
    message = f"{title}\n" + (f"\nSigned-off-by: {who}\n" if asked else "")
    return cherry_pick.FileCommit(added.files, message, who, made.detection.commits[-1].sha)


# -- what it holds -----------------------------------------------------------------------------------------


def _commits(clone: Clone, start: str, head: str, made: Made, *, own: str) -> Iterator[MadeCommit]:
    left = list(made.detection.commits)
    for commit in clone.commits(start, head):
        source = next((each for each in left if (each.title, each.author) == (commit.title, commit.author)), None)
        if source:
            left = left[left.index(source) + 1 :]
        kind = "own" if commit.sha == own else "kept" if source and source.sha == commit.sha else "picked"
        came_from = source.sha if source and kind == "picked" else ""
        yield MadeCommit.model_validate(
            {"sha": commit.sha, "title": commit.title, "author": commit.author, "made": kind, "source": came_from}
        )


def _notes(made: Made, clone: Clone, picked: tuple[str, ...]) -> Iterator[str]:
    merges = [sha for sha in picked if clone.is_merge(sha)]
    if merges:
        yield f"merge commits were left out, as a rebase does: {', '.join(sha[:12] for sha in merges)}"
    if made.survey and made.survey.contained:
        yield f"upstream has these already: {', '.join(commit.sha[:12] for commit in made.survey.contained)}"


def _looked_through(branch: Branching, made: Made, clone: Clone) -> Branching:
    """Add what the audit finds."""
    detection = made.detection
    files = history.changed_files(clone.path, branch.base, branch.head)
    known = {path for function in detection.functions for path in (function.path, function.base_path) if path}
    related = known | {*branch.added, made.scaffolding.path} if known else set()
    base, head = CommitTree(clone, branch.base), CommitTree(clone, branch.head)
    paths = [file.path for file in files if file.status != "D"]
    commits = [clone.commit(commit.sha) for commit in branch.commits if commit.made != "own"]
    findings = [
        *audit.of_files(files, related=related),
        *audit.of_commits(commits, detection.contribution_rules),
        *audit.of_white_space(history.whitespace_errors(clone.path, branch.base, branch.head)),
        *audit_tools.of_code(base, head, paths, folder=detection.layout.project, packages=detection.layout.packages),
    ]
    left = audit_tools.not_run(head, detection.layout.project, base=branch.base)
    return branch.model_copy(update={"findings": tuple(findings), "not_run": left})


def _with_drift(error: CherryPickError, made: Made, start: Start) -> CherryPickError:
    """Tell of a conflict with what is known of its cause."""
    changed = {drift.function: drift for drift in made.survey.drift} if made.survey else {}
    told = [
        f"{name} was {drift.change} by {', '.join(each.sha[:12] for each in drift.commits)}"
        for name, drift in changed.items()
    ]
    what = f"{error.what}" + (f"\n  since then {'; '.join(told)}" if told else "")
    now = f"put the optimization onto {start.name} yourself, resolve the conflict there, and name that branch as `head`"
    return CherryPickError(what, files=error.files, where=made.detection.item, hint=now)
