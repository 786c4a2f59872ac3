"""Worktrees of a private clone; a marker written last shows that one is complete."""

import os
from pathlib import Path
from typing import Final

from ..errors import RepositoryError
from ..processes import programs
from ..processes.real_paths import real_path
from ..processes.scratch import remove_folder
from .commands import LOCAL_SECONDS, environment, run_git, run_git_in
from .repository import git_folder_of

COMPLETE: Final = "prprep-whole"
TREES: Final = "trees"
"""The folder, in that of a clone that borrows objects, of the repository that its trees belong to."""


def is_complete(clone: Path, tree: Path, commit: str) -> bool:
    admin = git_folder_of(tree)
    if admin is None:
        return False
    try:
        marked = _is_ours(clone, admin) and (admin / COMPLETE).read_text("ascii") == commit
        return marked and (admin / "HEAD").read_text("ascii").strip() == commit
    except OSError:
        return False


def create(clone: Path, tree: Path, commit: str) -> None:
    """Check `commit` out at `tree` and replace what was there; raise CommandFailedError."""
    remove(clone, tree)
    tree.parent.mkdir(parents=True, exist_ok=True)
    options = ("--quiet", "--detach", "--force", "--no-checkout", "--end-of-options")
    run_git(clone, ["worktree", "add", *options, tree.absolute(), commit])
    # A separate process, which ends with prprep; the checkout of `worktree add` would continue.
    reset(clone, tree)
    (_admin(clone, tree) / COMPLETE).write_text(commit, encoding="ascii")


def reset(clone: Path, tree: Path) -> None:
    admin = _admin(clone, tree)
    for lock in admin.glob("*.lock"):
        lock.unlink(missing_ok=True)
    run_git_in(tree, *_in(admin, tree), "reset", "--quiet", "--hard", "HEAD", "--")


def status(clone: Path, tree: Path) -> tuple[tuple[str, str], ...]:
    """Return what differs from the commit: (two letters, path), `??` for untracked files."""
    options = ("--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=all")
    env = environment() | {"GIT_OPTIONAL_LOCKS": "1"}
    command = ["git", *_in(_admin(clone, tree), tree), "status", *options]
    output = programs.run(command, cwd=tree, env=env, timeout=LOCAL_SECONDS, limit=None).raw
    return tuple((entry[:2].decode("ascii"), os.fsdecode(entry[3:])) for entry in output.split(b"\0") if entry)


def remove(clone: Path, tree: Path) -> None:
    """Delete a worktree; raise RepositoryError if the folder is something else and outside of the cache."""
    admin = git_folder_of(tree)
    ours = admin is not None and _is_ours(clone, admin)
    in_cache = tree.absolute().is_relative_to(clone.parents[1])
    is_empty = tree.is_dir() and not any(tree.iterdir())
    if os.path.lexists(tree) and not ours and not in_cache and not is_empty:
        raise RepositoryError("something else is in the way of a worktree", where=str(tree), hint="move it away")
    remove_folder(tree)
    if admin is not None and ours:
        remove_folder(admin)


def _in(admin: Path, tree: Path) -> tuple[str, str]:
    # Named, so that git does not look for a repository in the tree, where the project's code may have made one.
    return f"--git-dir={admin}", f"--work-tree={tree}"


def _admin(clone: Path, tree: Path) -> Path:
    """Return the folder of git's files about a tree; the project's code could have written another one into `.git`."""
    admin = git_folder_of(tree)
    if admin is None or not _is_ours(clone, admin):
        raise RepositoryError("this is not a worktree", where=str(tree), hint="run prprep again to recreate it")
    return admin


def _is_ours(clone: Path, admin: Path) -> bool:
    return real_path(admin.parent) in {real_path(clone / folder) for folder in ("worktrees", f"{TREES}/worktrees")}
