"""Draft the manifest of a repository: find the repository and its upstream, gather candidates, check them, write."""

import os
import posixpath
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .. import git
from ..errors import ManifestError, RepositoryError, SourceError, UsageError
from ..git import Clone
from ..git.models import Refs
from ..manifest.reader import parse, shown_path
from ..processes.real_paths import expanded, real_path
from ..project.files import CommitTree, Project, TreeReader
from ..storage.files import write_new
from ..text.messages import nearest, quoted
from ..workspace.repository import Repository, RepositoryKey
from .candidate import Candidate
from .gathering import gather
from .items import Selection, select
from .manifest_text import Preamble, manifest_text
from .notes import NoteFile, WorkTreeNotes, read_notes
from .repository import RepositoryHistory

_CODEFLASH_KEYS = ("module-root", "tests-root", "benchmarks-root")
_MOST_SHOWN = 12


@dataclass(frozen=True, slots=True)
class WrittenDraft:
    path: Path
    selection: Selection
    warnings: tuple[str, ...]


def run(path: Path, *, repo: str, upstream: str | None, refs: Sequence[str], cache: Path) -> WrittenDraft:
    """Write the manifest at `path` for the repository `repo`: an address, or a path relative to the manifest's folder.

    `refs` are prepared in addition to what is found. Raise UsageError if there is a manifest or nothing to put in it,
    RepositoryError if the repository cannot be read.
    """
    check_absent(path)
    repository = Repository(RepositoryKey(repo, upstream, None), folder=path.parent, cache=cache)
    upstream_ref, reason = _upstream(repository, upstream)
    with repository.clone({upstream_ref, *refs}) as clone:
        history = history_of(repository, clone, upstream_ref)
        notes, warnings = _notes(repository, history)
        gathered = gather(history, notes, requested_candidates(clone.path, clone.resolve(refs), "the command line"))
        selection = select(history, gathered)
        settings = tuple(_codeflash_settings(history))
    warnings += [f"{file.path}: {warning}" for file in notes for warning in file.warnings]
    warnings += [git.SHALLOW] if history.clone.is_shallow else []
    if all(item.problem for item in selection.items):
        raise _nothing_found(selection, gathered.sources, warnings, where=repository.address)
    preamble = Preamble(repo, upstream_ref, reason, repository.slug, gathered.sources, tuple(warnings), settings)
    text = manifest_text(preamble, selection)
    _, mistakes = parse(text.encode(), path)
    if mistakes:
        raise ManifestError(shown_path(path), mistakes)
    try:
        write_new(path, text)
    except FileExistsError:
        check_absent(path)
        raise
    return WrittenDraft(path, selection, tuple(warnings))


def check_absent(path: Path) -> None:
    """Raise UsageError if there is a manifest."""
    if os.path.lexists(path):
        what = "the manifest exists already, and `init` never overwrites it"
        hint = "`prprep add REF` adds an optimization to it, `prprep inventory` shows what it contains"
        raise UsageError(what, where=shown_path(path), hint=hint)


def manifest_place(manifest: str, repo: str, folder: Path) -> tuple[Path, str]:
    """Return the path of the manifest, and its repository relative to it.

    Without `manifest` it goes to the root of the repository around `folder`, or into `folder` for another repository.
    """
    root = None
    if not git.is_address(repo):
        named = folder / expanded(repo)
        root = git.find(named)
        if root is None:
            hint = "change into a repository, or pass one: `prprep init --repo PATH`"
            raise RepositoryError("this is not a git repository", where=str(named if repo else folder), hint=hint)
    own = git.find(folder)
    is_own = root is not None and own is not None and own.root == root.root and own.root != own.folder
    path = (folder / manifest) if manifest else (root.root if root and is_own else folder) / "prprep.yaml"
    path = path / "prprep.yaml" if path.is_dir() else path
    path = Path(os.path.abspath(path))  # noqa: PTH100 - must not follow links
    if root is None:
        return path, repo
    # `..` does not lead back through a link, so the relative path needs real paths.
    return path, os.path.relpath(real_path(root.root), real_path(path.parent))


def _upstream(repository: Repository, requested: str | None) -> tuple[str, str]:
    """Return upstream, and why it is that."""
    if requested:
        return requested, "as requested"
    if repository.local and repository.resolve({"HEAD"})["HEAD"] is None:
        raise _no_commits(repository)
    try:
        name = repository.upstream()
    except RepositoryError as error:
        hint = "name it: `prprep init --upstream BRANCH`"
        raise RepositoryError(error.what, where=error.where, hint=hint) from None
    remote, slash, _ = name.partition("/")
    return name, f"{remote}'s HEAD" if slash else "a local branch"


def history_of(repository: Repository, clone: Clone, upstream: str) -> RepositoryHistory:
    """Return the history to check candidates against; raise RepositoryError without commits or upstream."""
    resolved = clone.resolve([upstream, "HEAD"])
    path = repository.local or clone.path
    commit, head = resolved[upstream], resolved["HEAD"]
    if head is None:
        raise _no_commits(repository)
    if commit is None:
        what = f"upstream {quoted(upstream)} does not resolve to a commit"
        hint = _did_you_mean(upstream, path) or "name the branch that pull requests are against: `--upstream BRANCH`"
        raise RepositoryError(what, where=repository.address, hint=hint)
    refs = Refs(repository.address, repository.local, repository.slug, upstream, commit, base=None, head=None)
    return RepositoryHistory(clone, refs, head=head, branch=git.current_branch(path) or "")


def requested_candidates(
    repository: Path, resolved: dict[str, str | None], source: str, hint: str = ""
) -> tuple[Candidate, ...]:
    """Return candidates for refs of the user's, with their commits; raise UsageError for one that does not exist."""
    branches = set(git.branch_names(repository))
    candidates = []
    for ref, sha in resolved.items():
        if sha is None:
            hint = _did_you_mean(ref, repository) or hint or "`git branch --all` and `git log` show what exists"
            raise UsageError(f"{quoted(ref)} is not a branch, tag or commit", hint=hint)
        commits, branch = ((), ref) if ref in branches else ((sha,), "")
        candidates.append(Candidate(source, branch=branch, commits=commits, outcome="kept"))
    return tuple(candidates)


def _did_you_mean(ref: str, repository: Path) -> str:
    """Return a hint at the ref with the most similar name, "" if there is none."""
    meant = nearest(ref, git.ref_names(repository))
    return f"did you mean {meant}?" if meant else ""


def _no_commits(repository: Repository) -> RepositoryError:
    what, hint = "this repository has no commits yet", "commit something first"
    return RepositoryError(what, where=repository.address, hint=hint)


def _notes(repository: Repository, history: RepositoryHistory) -> tuple[list[NoteFile], list[str]]:
    """Read the notes of the work tree, else of HEAD, else of the first branch that has some."""
    trees: list[tuple[str, TreeReader]] = [("", CommitTree(history.clone, history.head))]
    own = git.find(repository.worktree) if repository.worktree else None
    if own and own.root != own.folder:  # A bare repository has no files of its own.
        trees.insert(0, ("", WorkTreeNotes(own.root)))
    branches = history.optimization_branches
    trees += [(branch.name, CommitTree(history.clone, branch.commits[-1].sha)) for branch in branches]
    warnings: list[str] = []
    for branch_name, tree in trees:
        files, problems = read_notes(tree)
        warnings += problems
        if files:
            reason = f"read from the branch {branch_name}, because the work tree does not have it"
            return files, [*warnings, *([f"{files[0].path}: {reason}"] if branch_name else [])]
    return [], warnings


def _codeflash_settings(history: RepositoryHistory) -> Iterator[str]:
    """Describe `[tool.codeflash]` tables, which detect uses, and the folders in them that do not exist."""
    tree = CommitTree(history.clone, history.head)
    files = [path for path in tree.files() if posixpath.basename(path) == "pyproject.toml" and path.count("/") < 3]
    for file in files[:_MOST_SHOWN]:
        project = Project(tree, posixpath.dirname(file))
        settings: dict[str, str] = {}
        with suppress(SourceError):
            values = ((key, project.tool("codeflash", key)) for key in _CODEFLASH_KEYS)
            settings = {key: value for key, value in values if isinstance(value, str)}
        if settings:
            missing = [value for value in settings.values() if not _exists(project, value)]
            shown = ", ".join(f"{key} {value}" for key, value in settings.items())
            yield f"[tool.codeflash] in {file}: {shown}" + (f" (missing: {', '.join(missing)})" if missing else "")


def _exists(project: Project, name: str) -> bool:
    path = project.path(name)
    return not path or any(file == path or file.startswith(f"{path}/") for file in project.tree.files())


def _nothing_found(selection: Selection, sources: Sequence[str], warnings: Sequence[str], *, where: str) -> UsageError:
    items, left_out = selection.items, selection.left_out
    candidates = [f"{item.values.get('title') or item.id} ({item.source}): {item.problem}" for item in items]
    candidates += [f"{candidate.title} ({candidate.source}): {candidate.reason}" for candidate in left_out]
    lines = ["found nothing to prepare, so no manifest is written", f"read: {', '.join(sources)}", *warnings]
    lines += candidates[: 2 * _MOST_SHOWN]
    if (more := len(candidates) - 2 * _MOST_SHOWN) > 0:
        lines.append(f"and {more} more")
    hint = "name the change: `prprep init REF ...`; or what it is compared with: `prprep init --upstream REF`"
    return UsageError("\n  ".join(lines), where=where, hint=hint)
