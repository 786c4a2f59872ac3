"""Assemble the branch of a pull request: upstream's newest commit, the optimization's commits, and one of our own.

All of it happens in the private clone. The same commits and the same person make the same branch every time.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ..artifacts import (
    Branching,
    Comparison,
    Detection,
    Injection,
    MadeCommit,
    Opening,
    Scaffolding,
    Survey,
    Verdict,
    claimed_domains,
    optimized_function,
)
from ..body import summary, titles
from ..body.evidence import Evidence
from ..errors import CherryPickError, RepositoryError
from ..git import SHALLOW, Clone, cherry_pick, history
from ..manifest.model import Domain, Optimization
from ..project.conventions import changelog
from ..project.files import CommitTree, Project
from ..project.pytest_config import is_test_file, python_files
from ..storage.artifact import read_if_valid
from ..storage.paths import ItemPaths
from ..text.target_names import own_name
from . import audit, audit_tools, changelog_entry
from .fragments import ChangelogEntry

VERSION: Final = 3


@dataclass(frozen=True, slots=True)
class StageResults:
    """What the stages wrote about an item."""

    detection: Detection
    scaffolding: Scaffolding
    injection: Injection
    comparison: Comparison
    survey: Survey | None = None
    opened: int | None = None
    """The pull request that prprep opened for this item: the branch replaces its commits instead of adding to them."""

    @classmethod
    def read(cls, paths: ItemPaths) -> "StageResults":
        return cls(
            Detection.read(paths.detect),
            Scaffolding.read(paths.scaffold),
            Injection.read(paths.inject),
            Comparison.read(paths.compare),
            read_if_valid(Survey, paths.survey),
            opened_by(paths),
        )

    @property
    def target(self) -> str | None:
        return optimized_function(self.scaffolding, self.detection)

    @property
    def domains(self) -> tuple[Domain, ...]:
        return claimed_domains(self.scaffolding, self.detection)

    def evidence_of(self, item: Optimization) -> Evidence:
        return Evidence(item, self.detection, self.scaffolding, self.injection, self.comparison, self.survey)


@dataclass(frozen=True, slots=True)
class Start:
    """The commit on which a branch starts, the one that it is compared with, and how to name the first."""

    commit: str
    base: str
    name: str


@dataclass(frozen=True, slots=True)
class AddedFiles:
    """What prprep's own commit adds, path to bytes; the reason for each kind; what a person has to do about it."""

    files: Mapping[str, bytes]
    benchmark: str = ""
    changelog: str = ""
    todos: tuple[str, ...] = ()


def assemble(
    item: Optimization,
    results: StageResults,
    clone: Clone,
    who: str,
    *,
    contents: Mapping[str, bytes],
    drop_model_authors: bool = False,
) -> Branching:
    """Assemble the branch in the clone and audit it; raise CherryPickError if the commits conflict with upstream.

    `who` is `NAME <EMAIL>`; `contents` maps the paths of the benchmark and of the files that it needs to their bytes.
    """
    detection, start = results.detection, start_of(item, results, clone)
    upstream_titles = history.recent_titles(clone.path, detection.upstream, titles.NEWEST)
    tip = _rebased(results, start, clone, who, drop_model_authors=drop_model_authors)
    added = _added_files(item, results, clone, tip, contents)
    head = tip
    if added.files:
        message = _own_message(results, added, who, upstream_titles)
        dated = detection.commits[-1].sha
        head = cherry_pick.commit_files(clone.path, tip, added.files, message, author=who, dated=dated)
    branch = Branching(
        item=item.id,
        title=summary.pull_request_title(results.evidence_of(item)),
        onto=start.name,
        base=start.base,
        head=head,
        tree=clone.tree_of(head),
        commits=tuple(_commits(clone, start.commit, head, results, own=head if added.files else "")),
        added=tuple(sorted(added.files)),
        benchmark=added.benchmark,
        changelog=added.changelog,
        todos=added.todos,
        notes=tuple(_notes(results, clone)),
    )
    return _audited(branch, results, clone)


def _rebased(results: StageResults, start: Start, clone: Clone, who: str, *, drop_model_authors: bool) -> str:
    """Return the last of the optimization's commits on top of `start`."""
    detection = results.detection
    commits = [commit.sha for commit in detection.commits]
    reword = audit.without_model_co_authors if drop_model_authors else bytes
    try:
        tip = cherry_pick.rebase(clone.path, start.commit, commits, committer=who, reword=reword)
    except CherryPickError as error:
        raise _with_cause(error, results, start) from None
    if tip == start.commit == detection.upstream:
        hint = "there is nothing left to open a pull request for; remove the item"
        what = f"{detection.upstream_ref} has all of this optimization already"
        raise RepositoryError(what, where=detection.item, hint=hint)
    return tip


def start_of(item: Optimization, results: StageResults, clone: Clone) -> Start:
    """Return where the branch starts: at upstream's newest commit, or at the pull request that it is folded into."""
    detection, number = results.detection, folded_into(item, results.survey, results.opened)
    if number is None:
        return Start(detection.upstream, detection.upstream, f"{detection.upstream_ref} ({detection.upstream[:12]})")
    pull_requests = results.survey.pull_requests if results.survey else ()
    name = next((pull_request.branch for pull_request in pull_requests if pull_request.number == number), "")
    commit = clone.resolve([name])[name] if name else None
    if commit is None:
        hint = "fetch it, then run `prprep --refresh` and this again; or remove `pr:` to open a new one"
        what = f"the branch of #{number}{f', {name},' if name else ''} is not in the repository"
        raise RepositoryError(what, where=item.id, hint=hint)
    base = clone.merge_base(detection.upstream, commit)
    if base is None and clone.is_shallow:
        what = f"{detection.upstream_ref} and #{number} have no common history in this clone"
        raise RepositoryError(what, where=item.id, hint=SHALLOW)
    base = base or detection.upstream
    return Start(commit, base, f"#{number}, {name} ({commit[:12]})")


def folded_into(item: Optimization, survey: Survey | None, opened: int | None) -> int | None:
    """Return the existing pull request to add the branch to; None for a new one, or one `opened` by prprep."""
    number = item.pr
    if not number and survey and survey.decision.kind == "fold":
        into = survey.decision.into
        number = int(into[1:]) if into.startswith("#") and into[1:].isdigit() else None
    return None if number == opened else number


def opened_by(paths: ItemPaths) -> int | None:
    """Return the number of the pull request that prprep opened for an item."""
    opened = read_if_valid(Opening, paths.opened)
    return opened.number if opened and opened.own else None


# -- prprep's own commit -----------------------------------------------------------------------------------


def _added_files(
    item: Optimization, results: StageResults, clone: Clone, tip: str, contents: Mapping[str, bytes]
) -> AddedFiles:
    project = Project(CommitTree(clone, tip), results.detection.layout.project)
    benchmark, reason = _benchmark(item, results, project, contents)
    entry = _changelog(item, results, clone, project)
    return replace(entry, files={**benchmark, **entry.files}, benchmark=reason)


def _benchmark(
    item: Optimization, results: StageResults, project: Project, contents: Mapping[str, bytes]
) -> tuple[Mapping[str, bytes], str]:
    """Return the benchmark files to add to the branch, and the reason for adding them or not."""
    path, tree = results.scaffolding.path, project.tree
    if tree.read(path) is not None:
        return {}, f"{path} is there already"
    missing = {name: content for name, content in contents.items() if tree.read(name) is None}
    root = results.detection.layout.benchmarks_root
    if item.commit_benchmark == "never":
        return {}, "the manifest says never; it is in the evidence"
    if item.commit_benchmark == "always":
        return missing, "the manifest says always"
    patterns = python_files(project)
    if any(name.startswith(f"{root}/") and is_test_file(name, patterns) for name in tree.files()):
        return missing, f"the project keeps benchmarks in {root}"
    reason = f"the project keeps no benchmark tests in {root}; it is in the evidence"
    return {}, f"{reason} (`commit_benchmark: always` changes that)"


def _changelog(item: Optimization, results: StageResults, clone: Clone, project: Project) -> AddedFiles:
    """Write the changelog entry of an improvement, unless the project has no changelog or the commits bring one."""
    detection, kind = results.detection, changelog(project.tree, project=results.detection.layout.project)
    if kind is None:
        return AddedFiles({}, changelog="the project keeps no changelog")
    if results.comparison.verdict is not Verdict.IMPROVED:
        return AddedFiles({}, changelog=f"no entry: the comparison says {results.comparison.verdict}")
    path = kind.partition(" ")[2]
    if any(changed.startswith(path) for changed in detection.files):
        return AddedFiles({}, changelog=f"the optimization brings its own entry in {path}")
    sentence, title_todos = changelog_entry.sentence(detection.title, results.target, results.domains)
    dated = history.author_date(clone.path, detection.commits[-1].sha)
    number = folded_into(item, results.survey, results.opened) or results.opened
    edit = changelog_entry.write(project, kind, ChangelogEntry(item.id, sentence, number, dated, detection.files))
    files = {path: text.encode("utf-8", "surrogateescape") for path, text in edit.files.items()}
    summary = f"{kind}: {sentence if files else 'by hand'}"
    return AddedFiles(files, changelog=summary, todos=(*title_todos, *edit.todos))


def _own_message(results: StageResults, added: AddedFiles, who: str, upstream_titles: tuple[str, ...]) -> str:
    has_benchmark = any(path.endswith(".py") for path in added.files)
    has_entry = any(not path.endswith(".py") for path in added.files)
    function = own_name(results.target or results.detection.item)
    title = titles.own_title(function, benchmark=has_benchmark, entry=has_entry, titles=upstream_titles)
    needs_sign_off = any(rule.about == "sign-off" for rule in results.detection.contribution_rules)
    return f"{title}\n" + (f"\nSigned-off-by: {who}\n" if needs_sign_off else "")


# -- description and audit ---------------------------------------------------------------------------------


def _commits(clone: Clone, start: str, head: str, results: StageResults, *, own: str) -> Iterator[MadeCommit]:
    sources = list(results.detection.commits)
    for commit in clone.commits(start, head):
        source = next((each for each in sources if (each.title, each.author) == (commit.title, commit.author)), None)
        if source:
            sources = sources[sources.index(source) + 1 :]
        kind = "own" if commit.sha == own else "kept" if source and source.sha == commit.sha else "picked"
        picked_from = source.sha if source and kind == "picked" else ""
        yield MadeCommit.model_validate(
            {"sha": commit.sha, "title": commit.title, "author": commit.author, "made": kind, "source": picked_from}
        )


def _notes(results: StageResults, clone: Clone) -> Iterator[str]:
    if merges := [each.sha for each in results.detection.commits if len(clone.parents(each.sha)) > 1]:
        yield f"merge commits were left out, as a rebase does: {_short(merges)}"
    if results.survey and results.survey.contained:
        yield f"upstream has these already: {_short(commit.sha for commit in results.survey.contained)}"


def _audited(branch: Branching, results: StageResults, clone: Clone) -> Branching:
    detection = results.detection
    files = history.changed_files(clone.path, branch.base, branch.head)
    optimized = {path for function in detection.functions for path in (function.path, function.base_path) if path}
    related = optimized | {*branch.added, results.scaffolding.path} if optimized else set()
    base, head = CommitTree(clone, branch.base), CommitTree(clone, branch.head)
    paths = [file.path for file in files if file.status != "D"]
    commits = [clone.commit(commit.sha) for commit in branch.commits if commit.made != "own"]
    folder, packages = detection.layout.project, detection.layout.packages
    findings = (
        *audit.of_files(files, related=related),
        *(finding for commit in commits for finding in audit.of_commit(commit, detection.contribution_rules)),
        *(finding for commit in commits for finding in audit.of_claims(commit, results.comparison)),
        *audit.of_white_space(history.whitespace_errors(clone.path, branch.base, branch.head)),
        *audit_tools.of_code(base, head, paths, folder=folder, packages=packages),
    )
    not_run = audit_tools.not_run(head, folder, base=branch.base)
    return branch.model_copy(update={"findings": findings, "not_run": not_run})


def _with_cause(error: CherryPickError, results: StageResults, start: Start) -> CherryPickError:
    """Return the error with the upstream commits that changed the function since, if the survey found them."""
    drift = results.survey.drift if results.survey else ()
    changes = (
        f"{each.function} was {each.change} by {_short(commit.sha for commit in each.commits)}" for each in drift
    )
    what = error.what + (f"\n  since then {'; '.join(changes)}" if drift else "")
    hint = f"rebase the optimization onto {start.name}, resolve the conflict, and name that branch as `head`"
    return CherryPickError(what, files=error.files, where=results.detection.item, hint=hint)


def _short(commits: Iterable[str]) -> str:
    return ", ".join(sha[:12] for sha in commits)
