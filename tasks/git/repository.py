"""Ask the user's repository: nothing here writes to it, refreshes its index or runs anything it configures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import CommandFailedError, RepositoryError
from .addresses import slug_of
from .commands import first_line, list_refs, resolve_refs, run_git


@dataclass(frozen=True, slots=True)
class LocalRepository:
    """Where a local repository keeps what: `folder` holds its HEAD, `common` its objects and refs.

    They differ in a linked worktree only.
    """

    root: Path
    folder: Path
    common: Path


def repository_root(folder: Path) -> Path | None:
    """Return the root of the work tree (or the bare repository) that `folder` lies in, None outside of any."""
    found = find(folder)
    return found.root if found else None


def resolve(repository: Path, refs: Sequence[str]) -> dict[str, str | None]:
    """Resolve refs to full commit SHAs in one git process; None where one does not exist or is ambiguous.

    Annotated tags give their commit; `origin/x` stands in where `x` itself does not resolve.
    """
    return resolve_refs(locate(repository).folder, refs)


def refs_stamp(repository: Path) -> list[list[object]]:
    """Return what changes whenever a ref of a local repository does: time stamps and sizes, taken without running git.

    git writes a ref to a new file and renames it, so a folder's time stamp tells of every ref in it.
    """
    source = locate(repository)
    files: list[str | Path] = [
        source.folder / "HEAD",
        *(source.common / name for name in ("packed-refs", "config", "shallow")),
    ]
    folders = [place for top in ("refs", "reftable") for place, _, _ in os.walk(source.common / top)]
    return [[str(path), *_stamp(path)] for path in [*files, *sorted(folders)]]


def ref_names(repository: Path) -> tuple[str, ...]:
    """Return the short names of all branches, tags and remote branches, to suggest from."""
    wanted = (b"refs/heads/", b"refs/tags/", b"refs/remotes/")
    names = [name.split(b"/", 2)[2] for name in list_refs(locate(repository).folder) if name.startswith(wanted)]
    return tuple(dict.fromkeys(name.decode(errors="replace") for name in names if not name.endswith(b"/HEAD")))


def branch_names(repository: Path) -> tuple[str, ...]:
    """Return the local branches, then those of remotes (as `origin/x`) that have no local one of their name."""
    names = [name.decode(errors="replace") for name in list_refs(locate(repository).folder)]
    local = [name.removeprefix("refs/heads/") for name in names if name.startswith("refs/heads/")]
    remote = [
        name.removeprefix("refs/remotes/")
        for name in names
        if name.startswith("refs/remotes/") and not name.endswith("/HEAD")
    ]
    return (*local, *(name for name in remote if name.partition("/")[2] not in local))


def current_branch(repository: Path) -> str | None:
    """Return the branch that HEAD stands for, None where it is detached."""
    named = first_line(locate(repository).folder, ["symbolic-ref", "--quiet", "HEAD"])
    return named.removeprefix("refs/heads/") if named else None


def default_upstream(repository: Path) -> str | None:
    """Return what origin's HEAD names (as `origin/x`), else main, else master; of a bare one, its HEAD's branch first."""
    source = locate(repository)
    origin = first_line(source.folder, ["symbolic-ref", "--quiet", "refs/remotes/origin/HEAD"])
    own = first_line(source.folder, ["symbolic-ref", "--quiet", "HEAD"]) if source.root == source.folder else None
    candidates = [
        (origin or "").removeprefix("refs/remotes/"),
        (own or "").removeprefix("refs/heads/"),
        "main",
        "master",
    ]
    resolved = resolve_refs(source.folder, candidates)
    return next((name for name in candidates if resolved[name]), None)


def slug(repository: Path) -> str | None:
    """Return owner/name from the address of `origin`, or of the one remote that there is."""
    return slug_of(remote_address(repository) or "")


def remote_address(repository: Path, upstream: str = "") -> str | None:
    """Return the address of the remote that `upstream` is a branch of, else of `origin`, or of the one remote that there is.

    None where there is none, or several others.
    """
    try:
        listed = run_git(locate(repository).folder, ["config", "-z", "--get-regexp", r"^remote\..*\.url$"])
    except CommandFailedError:
        return None
    urls = {
        key: url for key, _, url in (entry.partition("\n") for entry in listed.decode(errors="replace").split("\0"))
    }
    urls.pop("", None)
    named = upstream.removeprefix("refs/remotes/").partition("/")
    if named[1] and (address := urls.get(f"remote.{named[0]}.url")):
        return address
    return urls.get("remote.origin.url") or (next(iter(urls.values())) if len(urls) == 1 else None)


def locate(repository: Path) -> LocalRepository:
    """Find the repository that `repository` is in; raise RepositoryError where there is none."""
    if found := find(repository):
        return found
    what = "this is not a git repository" if repository.exists() else "there is no such folder"
    raise RepositoryError(
        what, where=str(repository), hint="name the repository under `repo` in prprep.yaml, or run `git init` there"
    )


def find(folder: Path) -> LocalRepository | None:
    """Look for a repository in `folder` and above it, without running git."""
    start = folder.absolute()
    for place in (start, *start.parents):
        inside = _pointed_to(place / ".git")
        if inside and _is_git_folder(inside):
            return LocalRepository(place, inside, _common(inside))
        if _is_git_folder(place):
            return LocalRepository(place, place, _common(place))
    return None


def _stamp(path: str | Path) -> tuple[int, int]:
    try:
        status = os.stat(path)  # noqa: PTH116 - folders come as strings
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _pointed_to(dot_git: Path) -> Path | None:
    """Follow the file `.git` of linked worktrees and submodules to the folder that it names."""
    try:
        if dot_git.is_dir():
            return dot_git
        first = dot_git.read_text(errors="surrogateescape").removesuffix("\n")
    except OSError:
        return None
    return (dot_git.parent / first.removeprefix("gitdir: ")) if first.startswith("gitdir: ") else None


def _common(folder: Path) -> Path:
    try:
        named = (folder / "commondir").read_text(errors="surrogateescape").removesuffix("\n")
    except OSError:
        return folder
    return (folder / named).resolve()


def _is_git_folder(place: Path) -> bool:
    try:
        if not (place / "HEAD").is_file() and not (place / "HEAD").is_symlink():
            return False
        common = _common(place)
        return (common / "objects").is_dir() and ((common / "refs").exists() or (common / "reftable").exists())
    except OSError:
        return False
