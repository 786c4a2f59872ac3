"""Draft the manifest of a repository: find out where it lies and what it is against, gather, check, and write."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .. import git
from ..errors import ManifestError, RepositoryError, UsageError
from ..git.models import Refs
from ..manifest.reader import parse, shown_path
from ..project.files import CommitTree
from ..storage.files import write_new
from ..text.messages import nearest, quoted
from ..workspace.repository import Named, Target
from . import manifest_text as drafting
from .candidate import Lead
from .gathering import gather
from .items import entries
from .notes import Committed, WorkTree, notes
from .repository import Repository

if TYPE_CHECKING:
    from ..git import Clone
    from .items import Sorted
    from .notes import Note, Shelf

_CODEFLASH_KEYS = ("module-root", "tests-root", "benchmarks-root")
_MOST_ASIDES = 12


@dataclass(frozen=True, slots=True)
class Drafted:
    """The manifest that was written, and what is to be told of it."""

    path: Path
    found: Sorted
    problems: tuple[str, ...]


def run(path: Path, *, repo: str, upstream: str | None, refs: Sequence[str], cache: Path) -> Drafted:
    """Write the manifest at `path` for the repository `repo`, a path seen from its folder or an address; nothing is overwritten.

    `refs` are named by the user, to be prepared beside what is found. Raise UsageError where a manifest is there
    already or nothing was found, RepositoryError where the repository cannot be read.
    """
    demand_none(path)
    target = Target(Named(repo, upstream, None), folder=path.parent, cache=cache)
    name, reason = _upstream(target, upstream)
    with target.clone({name, *refs}) as clone:
        repository = repository_of(target, clone, name)
        shelved, problems = _notes(target, repository)
        gathered = gather(repository, shelved, _named(clone, refs))
        found = entries(repository, gathered)
        settings = tuple(_settings(repository))
    problems = [*problems, *(f"{note.path}: {told}" for note in shelved for told in note.told)]
    if not any(not entry.problem for entry in found.entries):
        raise _nothing(found, gathered.sources, problems, where=target.address)
    frame = drafting.Frame(repo, name, reason, target.slug, gathered.sources, tuple(problems), settings)
    text = drafting.manifest_text(frame, found.entries, found.asides)
    _, mistakes = parse(text.encode(), path)
    if mistakes:
        raise ManifestError(shown_path(path), mistakes)
    try:
        write_new(path, text)
    except FileExistsError:
        demand_none(path)
        raise
    return Drafted(path, found, tuple(problems))


def demand_none(path: Path) -> None:
    """Raise UsageError where there is a manifest already."""
    if os.path.lexists(path):
        now = "`prprep add REF` adds one optimization to it, `prprep inventory` shows what is in it"
        raise UsageError("there is a manifest already, and it is never overwritten", where=shown_path(path), hint=now)


def place(manifest: str, repo: str, folder: Path) -> tuple[Path, str]:
    """Return where the manifest goes, and its repository as seen from there.

    Where no manifest is named it goes to the root of the repository that `folder` is in, or into `folder` where
    another repository is named.
    """
    local = not git.is_address(repo)
    root = git.find(folder / Path(repo).expanduser()) if local else None
    if local and root is None:
        where = str((folder / Path(repo).expanduser()) if repo else folder)
        raise RepositoryError(
            "this is not a git repository", where=where, hint="go into yours, or name it: `prprep init --repo PATH`"
        )
    own = git.find(folder)
    inside = root is not None and own is not None and own.root == root.root and own.root != own.folder
    path = (folder / manifest) if manifest else (root.root if root and inside else folder) / "prprep.yaml"
    path = path / "prprep.yaml" if path.is_dir() else path
    path = Path(os.path.abspath(path))  # noqa: PTH100 - links stay as they are
    if root is None:
        return path, repo
    # Seen from where the folder really is: `..` does not lead back through a link.
    return path, os.path.relpath(root.root.resolve(), path.parent.resolve())


def _upstream(target: Target, given: str | None) -> tuple[str, str]:
    """Name upstream, and say why it is that."""
    if given:
        return given, "as you named it"
    if target.repository and target.resolve({"HEAD"})["HEAD"] is None:
        raise _no_commits(target)
    try:
        name = target.upstream()
    except RepositoryError as error:
        raise RepositoryError(error.what, where=error.where, hint="name it: `prprep init --upstream BRANCH`") from None
    return name, "origin's HEAD" if "/" in name else f"the branch {name}"


def repository_of(target: Target, clone: Clone, upstream: str) -> Repository:
    """Return what leads are held against; raise RepositoryError where there are no commits, or upstream names none."""
    found = clone.resolve([upstream, "HEAD"])
    place = target.repository or clone.path
    commit, head = found[upstream], found["HEAD"]
    if head is None:
        raise _no_commits(target)
    if commit is None:
        meant = nearest(upstream, git.ref_names(place))
        now = (
            f"did you mean {meant}?" if meant else "name the branch that pull requests are against: `--upstream BRANCH`"
        )
        raise RepositoryError(f"upstream is {quoted(upstream)}, which names no commit", where=target.address, hint=now)
    refs = Refs(
        address=target.address,
        repository=target.repository,
        slug=target.slug,
        upstream_ref=upstream,
        upstream=commit,
        base=None,
        head=None,
    )
    return Repository(clone, refs, head=head, branch=git.current_branch(place) or "")


def _no_commits(target: Target) -> RepositoryError:
    return RepositoryError("this repository has no commits yet", where=target.address, hint="commit something first")


def _notes(target: Target, repository: Repository) -> tuple[list[Note], list[str]]:
    """Read notes of the work tree, else of HEAD, else of the first branch that has some."""
    shelves: list[tuple[str, Shelf]] = []
    own = git.find(target.worktree) if target.worktree else None
    if own and own.root != own.folder:  # A bare repository has no files of its own.
        shelves.append(("", WorkTree(own.root)))
    commits = [
        ("HEAD", repository.head),
        *((branch.name, branch.commits[-1].sha) for branch in repository.named_branches),
    ]
    shelves += [(name, Committed(CommitTree(repository.clone, sha))) for name, sha in commits]
    problems: list[str] = []
    for name, shelf in shelves:
        found, unread = notes(shelf)
        problems += unread
        if found:
            if name and name != "HEAD":
                problems.append(f"{found[0].path}: read from the branch {name}, since it is not in the work tree")
            return found, problems
    return [], problems


def _named(clone: Clone, refs: Sequence[str]) -> tuple[Lead, ...]:
    """Return leads for the refs that the user names; raise UsageError for one that is not there."""
    found = clone.resolve(refs)
    if unknown := next((ref for ref in refs if not found[ref]), None):
        meant = nearest(unknown, git.ref_names(clone.path))
        now = f"did you mean {meant}?" if meant else "`git branch --all` and `git log` show what there is"
        raise UsageError(f"{quoted(unknown)} names no branch, tag or commit", hint=now)
    branches = set(git.branch_names(clone.path))
    return tuple(
        Lead("the command line", branch=ref, standing="kept")
        if ref in branches
        else Lead("the command line", commits=(str(found[ref]),), standing="kept")
        for ref in refs
    )


def _settings(repository: Repository) -> Iterator[str]:
    """Tell of `[tool.codeflash]` tables: detect goes by them, and what they name may not be there."""
    tree = CommitTree(repository.clone, repository.head)
    files = tree.files()
    for file in [path for path in files if path.rpartition("/")[2] == "pyproject.toml" and path.count("/") < 3][
        :_MOST_ASIDES
    ]:
        try:
            table = tomllib.loads((tree.read(file) or b"").decode()).get("tool", {}).get("codeflash", {})
        except (ValueError, AttributeError):
            continue
        named = {
            key: table[key] for key in _CODEFLASH_KEYS if isinstance(table, dict) and isinstance(table.get(key), str)
        }
        if not named:
            continue
        folder = file.rpartition("/")[0]
        told = ", ".join(f"{key} {value}" for key, value in named.items())
        gone = [value for value in named.values() if not _has_folder(files, folder, value)]
        yield f"[tool.codeflash] in {file}: {told}" + (f" (not there: {', '.join(gone)})" if gone else "")


def _has_folder(files: Sequence[str], folder: str, name: str) -> bool:
    path = os.path.normpath(f"{folder}/{name}" if folder else name)
    return path == "." or any(file == path or file.startswith(f"{path}/") for file in files)


def _nothing(found: Sorted, sources: Sequence[str], problems: Sequence[str], *, where: str) -> UsageError:
    lines = ["nothing was found that could be prepared, so nothing is written", f"  looked at: {', '.join(sources)}"]
    lines += [f"  {problem}" for problem in problems]
    lines += [
        f"  {entry.values.get('title') or entry.id} ({entry.source}): {entry.problem}"
        for entry in found.entries[:_MOST_ASIDES]
    ]
    lines += [f"  {aside.title} ({aside.source}): {aside.why}" for aside in found.asides[:_MOST_ASIDES]]
    more = (
        len(found.entries)
        + len(found.asides)
        - min(len(found.entries), _MOST_ASIDES)
        - min(len(found.asides), _MOST_ASIDES)
    )
    lines += [f"  and {more} more"] if more else []
    now = "name what holds the change: `prprep init REF ...`; or what it is against: `prprep init --upstream REF`"
    return UsageError("\n".join(lines), where=where, hint=now)
