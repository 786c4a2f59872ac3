"""Draft the manifest of a repository: find the repository and its upstream, gather candidates, check them, write."""

import os
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .. import git
from ..errors import ManifestError, RepositoryError, UsageError
from ..git import Clone
from ..git.models import Refs
from ..manifest.reader import parse, shown_path
from ..project.files import CommitTree, TreeReader
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
        hint = "`prprep add REF` adds an optimization to it, `prprep inventory` shows what it contains"
        raise UsageError(
            "the manifest exists already, and `init` never overwrites it", where=shown_path(path), hint=hint
        )


def manifest_place(manifest: str, repo: str, folder: Path) -> tuple[Path, str]:
    """Return the path of the manifest, and its repository relative to it.

    Without `manifest` it goes to the root of the repository around `folder`, or into `folder` for another repository.
    """
    root = None
    if not git.is_address(repo):
        named = folder / Path(repo).expanduser()
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
    return path, os.path.relpath(root.root.resolve(), path.parent.resolve())


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
    return name, "origin's HEAD" if "/" in name else "a local branch"


def history_of(repository: Repository, clone: Clone, upstream: str) -> RepositoryHistory:
    """Return the history to check candidates against; raise RepositoryError without commits or upstream."""
    resolved = clone.resolve([upstream, "HEAD"])
    path = repository.local or clone.path
    commit, head = resolved[upstream], resolved["HEAD"]
    if head is None:
        raise _no_commits(repository)
    if commit is None:
        meant = nearest(upstream, git.ref_names(path))
        hint = (
            f"did you mean {meant}?" if meant else "name the branch that pull requests are against: `--upstream BRANCH`"
        )
        what = f"upstream {quoted(upstream)} does not resolve to a commit"
        raise RepositoryError(what, where=repository.address, hint=hint)
    refs = Refs(
        address=repository.address,
        repository=repository.local,
        slug=repository.slug,
        upstream_ref=upstream,
        upstream=commit,
        base=None,
        head=None,
    )
    return RepositoryHistory(clone, refs, head=head, branch=git.current_branch(path) or "")


def requested_candidates(
    repository: Path, resolved: dict[str, str | None], source: str, hint: str = ""
) -> tuple[Candidate, ...]:
    """Return candidates for refs of the user's, with their commits; raise UsageError for one that does not exist."""
    branches = set(git.branch_names(repository))
    candidates = []
    for ref, sha in resolved.items():
        if sha is None:
            meant = nearest(ref, git.ref_names(repository))
            hint = f"did you mean {meant}?" if meant else hint or "`git branch --all` and `git log` show what exists"
            raise UsageError(f"{quoted(ref)} is not a branch, tag or commit", hint=hint)
        is_branch = ref in branches
        candidates.append(
            Candidate(source, branch=ref if is_branch else "", commits=() if is_branch else (sha,), outcome="kept")
        )
    return tuple(candidates)


def _no_commits(repository: Repository) -> RepositoryError:
    return RepositoryError(
        "this repository has no commits yet", where=repository.address, hint="commit something first"
    )


def _notes(repository: Repository, history: RepositoryHistory) -> tuple[list[NoteFile], list[str]]:
    """Read the notes of the work tree, else of HEAD, else of the first branch that has some."""
    trees: list[tuple[str, TreeReader]] = []
    own = git.find(repository.worktree) if repository.worktree else None
    if own and own.root != own.folder:  # A bare repository has no files of its own.
        trees.append(("", WorkTreeNotes(own.root)))
    commits = [("HEAD", history.head)]
    commits += [(branch.name, branch.commits[-1].sha) for branch in history.optimization_branches]
    trees += [(name, CommitTree(history.clone, sha)) for name, sha in commits]
    warnings: list[str] = []
    for name, tree in trees:
        files, problems = read_notes(tree)
        warnings += problems
        if files:
            if name and name != "HEAD":
                warnings.append(f"{files[0].path}: read from the branch {name}, because the work tree does not have it")
            return files, warnings
    return [], warnings


def _codeflash_settings(history: RepositoryHistory) -> Iterator[str]:
    """Describe `[tool.codeflash]` tables, which detect uses, and the folders in them that do not exist."""
    tree = CommitTree(history.clone, history.head)
    files = tree.files()
    projects = [path for path in files if path.rpartition("/")[2] == "pyproject.toml" and path.count("/") < 3]
    for file in projects[:_MOST_SHOWN]:
        settings: dict[str, str] = {}
        with suppress(ValueError, AttributeError):
            table = tomllib.loads((tree.read(file) or b"").decode()).get("tool", {}).get("codeflash", {})
            settings = {key: table[key] for key in _CODEFLASH_KEYS if isinstance(table.get(key), str)}
        if settings:
            folder = file.rpartition("/")[0]
            missing = [value for value in settings.values() if not _has_folder(files, folder, value)]
            shown = ", ".join(f"{key} {value}" for key, value in settings.items())
            yield f"[tool.codeflash] in {file}: {shown}" + (f" (missing: {', '.join(missing)})" if missing else "")


def _has_folder(files: Sequence[str], folder: str, name: str) -> bool:
    path = os.path.normpath(f"{folder}/{name}" if folder else name)
    return path == "." or any(file == path or file.startswith(f"{path}/") for file in files)


def _nothing_found(selection: Selection, sources: Sequence[str], warnings: Sequence[str], *, where: str) -> UsageError:
    candidates = [
        *(f"{item.values.get('title') or item.id} ({item.source}): {item.problem}" for item in selection.items),
        *(f"{candidate.title} ({candidate.source}): {candidate.reason}" for candidate in selection.left_out),
    ]
    lines = ["found nothing to prepare, so no manifest is written", f"read: {', '.join(sources)}", *warnings]
    lines += candidates[: 2 * _MOST_SHOWN]
    if (more := len(candidates) - 2 * _MOST_SHOWN) > 0:
        lines.append(f"and {more} more")
    hint = "name the change: `prprep init REF ...`; or what it is compared with: `prprep init --upstream REF`"
    return UsageError("\n  ".join(lines), where=where, hint=hint)
