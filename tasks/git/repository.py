"""Query the user's repository; never write to it, refresh its index or run a command that it configures."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import CommandFailedError, RepositoryError
from ..processes import programs
from ..processes.real_paths import real_path
from ..storage.hashing import read_bytes
from .addresses import host_of, slug_of
from .commands import environment, first_line, list_refs, resolve_refs, run_git_in

PROJECT_REMOTES = ("upstream", "github", "origin")
"""Names of the project's remote, in the order of `gh`: in a fork's clone `origin` is the fork."""


@dataclass(frozen=True, slots=True)
class LocalRepository:
    """The folders of a repository: `folder` holds HEAD, `common` objects and refs; they differ in linked worktrees."""

    root: Path
    folder: Path
    common: Path


def identity(folder: Path) -> str | None:
    """Return the author, as `NAME <EMAIL>`, that git would use for a commit; None if git would have to guess."""
    author = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL")
    env = environment(network=True) | {name: os.environ[name] for name in author if name in os.environ}
    command = ["git", "-c", "user.useConfigOnly=true", "var", "GIT_AUTHOR_IDENT"]
    finished = programs.run(command, cwd=folder, env=env, timeout=60, check=False)
    match = re.match(r"(.+ <[^<>]+>) \d+ [+-]\d+$", finished.output.strip())
    return match[1] if finished.code == 0 and match else None


def repository_root(folder: Path) -> Path | None:
    """Return the root of the work tree (or the bare repository) around `folder`, None outside of any."""
    repository = find(folder)
    return repository.root if repository else None


def resolve(repository: Path, refs: Sequence[str]) -> dict[str, str | None]:
    """Resolve refs as `resolve_refs` does; annotated tags resolve to their commit."""
    return resolve_refs(locate(repository).folder, refs)


def refs_stamp(repository: Path) -> list[list[object]]:
    """Return time stamps and sizes that change whenever a ref does, without running git.

    git writes a ref to a new file and renames it, so a folder's time stamp covers every ref in it.
    """
    local = locate(repository)
    files = [local.folder / "HEAD", *(local.common / name for name in ("packed-refs", "config", "shallow"))]
    folders = [folder for top in ("refs", "reftable") for folder, _, _ in os.walk(local.common / top)]
    return [[path, *_stamp(path)] for path in (*map(str, files), *sorted(folders))]


def is_shallow(repository: Path) -> bool:
    return (locate(repository).common / "shallow").is_file()


def is_tracked(file: Path) -> bool:
    """Return whether the repository around a file has it in its index, or a file in it if it is a folder."""
    path = real_path(file.parent) / file.name
    repository = find(path.parent)
    if repository is None or repository.root == repository.folder:
        return False
    where = (f"--git-dir={repository.folder}", f"--work-tree={repository.root}")
    name = path.relative_to(real_path(repository.root))
    return bool(run_git_in(repository.root, *where, "ls-files", "-z", "--", f":(top,literal){name}", check=False).raw)


def ref_names(repository: Path) -> tuple[str, ...]:
    kinds = (b"refs/heads/", b"refs/tags/", b"refs/remotes/")
    names = [name.split(b"/", 2)[2] for name in list_refs(locate(repository).folder) if name.startswith(kinds)]
    return tuple(dict.fromkeys(name.decode(errors="replace") for name in names if not name.endswith(b"/HEAD")))


def branch_names(repository: Path) -> tuple[str, ...]:
    """Return the local branches, then the remote branches (as `origin/x`) without a local one of the same name."""
    names = [name.decode(errors="replace") for name in list_refs(locate(repository).folder)]
    local = [name.removeprefix("refs/heads/") for name in names if name.startswith("refs/heads/")]
    remotes = (name for name in names if name.startswith("refs/remotes/") and not name.endswith("/HEAD"))
    remote = [name.removeprefix("refs/remotes/") for name in remotes]
    return (*local, *(name for name in remote if name.partition("/")[2] not in local))


def current_branch(repository: Path) -> str | None:
    """Return the checked out branch, None for a detached HEAD."""
    ref = first_line(locate(repository).folder, ["symbolic-ref", "--quiet", "HEAD"])
    return ref.removeprefix("refs/heads/") if ref else None


def default_upstream(repository: Path) -> str | None:
    """Return the HEAD of the project's remote (as `origin/x`), else the HEAD of a bare repository, else main or master.

    A remote that was added later has no HEAD: its branch of the name of origin's HEAD counts, else main or master.
    """
    local = locate(repository)
    remote = project_remote(repository) or "origin"
    head, of_origin = (_remote_head(local.folder, name) for name in (remote, "origin"))
    branches = [of_origin.removeprefix("origin/"), "main", "master"] if remote != "origin" else []
    is_bare = local.root == local.folder
    own = (first_line(local.folder, ["symbolic-ref", "--quiet", "HEAD"]) or "") if is_bare else ""
    theirs = [f"{remote}/{branch}" for branch in branches if branch]
    candidates = [head, *theirs, of_origin, own.removeprefix("refs/heads/"), "main", "master"]
    resolved = resolve_refs(local.folder, candidates)
    return next((name for name in candidates if resolved[name]), None)


def _remote_head(git_folder: Path, remote: str) -> str:
    """Return the branch that is the HEAD of a remote, as `origin/x`; "" if that is not known."""
    ref = first_line(git_folder, ["symbolic-ref", "--quiet", f"refs/remotes/{remote}/HEAD"]) or ""
    return ref.removeprefix("refs/remotes/")


def slug(repository: Path) -> str | None:
    return slug_of(remote_address(repository) or "")


def project_remote(repository: Path) -> str | None:
    """Return the name of the remote that pull requests go to, chosen as `gh` does; None if that is not clear."""
    return _project_remote(_remote_settings(repository))


def remote_address(repository: Path, upstream: str = "") -> str | None:
    """Return the address of the remote of the branch `upstream`, else of the project's remote."""
    settings = _remote_settings(repository)
    remote, slash, _ = upstream.removeprefix("refs/remotes/").partition("/")
    if slash and (address := settings.get((remote, "url"))):
        return address
    remote = _project_remote(settings) or ""
    address, resolved = settings.get((remote, "url")), settings.get((remote, "gh-resolved"), "base")
    # The user chose a repository that is no remote itself, such as the one that `origin` is a fork of.
    return f"https://{host_of(address) or 'github.com'}/{resolved}" if address and resolved != "base" else address


def _project_remote(settings: Mapping[tuple[str, str], str]) -> str | None:
    chosen = next((name for name, key in settings if key == "gh-resolved"), "")
    slug = settings.get((chosen, "gh-resolved"), "").lower()
    with_slug = (name for (name, key), url in settings.items() if key == "url" and (slug_of(url) or "").lower() == slug)
    if chosen:
        return next(with_slug, chosen)
    names = [name for name, key in settings if key == "url"]
    return next((name for name in PROJECT_REMOTES if name in names), names[0] if len(names) == 1 else None)


def _remote_settings(repository: Path) -> dict[tuple[str, str], str]:
    """Return addresses (`url`) and the choices of `gh repo set-default` (`gh-resolved`), by name and key."""
    folder = locate(repository).folder
    command = (f"--git-dir={folder}", "config", "-z", "--get-regexp", r"^remote\..*\.(url|gh-resolved)$")
    try:
        entries = run_git_in(folder, *command).output.split("\0")
    except CommandFailedError:
        return {}
    settings = {}
    for key, _, value in (entry.partition("\n") for entry in entries if entry):
        name, _, last = key.removeprefix("remote.").rpartition(".")
        settings[name, last] = value
    return settings


def locate(repository: Path) -> LocalRepository:
    if local := find(repository):
        return local
    what = "this is not a git repository" if repository.exists() else "there is no such folder"
    hint = "name the repository under `repo` in prprep.yaml, or run `git init` there"
    raise RepositoryError(what, where=str(repository), hint=hint)


def find(folder: Path) -> LocalRepository | None:
    """Look for a repository in `folder` and its parents, without running git."""
    start = folder.absolute()
    for candidate in (start, *start.parents):
        for inside in (candidate / ".git", git_folder_of(candidate), candidate):
            if inside and _is_git_folder(inside):
                return LocalRepository(candidate, inside, _common(inside))
    return None


def git_folder_of(tree: Path) -> Path | None:
    """Return the git folder that the file `.git` of a linked worktree or submodule names; None for any other tree."""
    first = os.fsdecode(read_bytes(tree / ".git") or b"").removesuffix("\n")
    return tree / first.removeprefix("gitdir: ") if first.startswith("gitdir: ") else None


def _stamp(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)  # noqa: PTH116 - folders are strings
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _common(folder: Path) -> Path:
    relative = os.fsdecode(read_bytes(folder / "commondir") or b"").removesuffix("\n")
    return real_path(folder / relative) if relative else folder


def _is_git_folder(folder: Path) -> bool:
    try:
        if not (folder / "HEAD").is_file() and not (folder / "HEAD").is_symlink():
            return False
        common = _common(folder)
        return (common / "objects").is_dir() and ((common / "refs").exists() or (common / "reftable").exists())
    except OSError:
        return False
