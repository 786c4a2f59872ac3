"""Worktrees of a private clone: whole or not there, and never anybody else's folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from ..errors import RepositoryError
from ..processes import programs
from ..processes.scratch import remove_folder
from .clone_cache import git_folder_of
from .commands import LOCAL_SECONDS, environment, run_git

WHOLE: Final = "prprep-whole"


def is_complete(clone: Path, tree: Path, commit: str) -> bool:
    """Return whether `make` has made this commit's worktree at `tree` to its end."""
    admin = git_folder_of(tree)
    try:
        marked = admin is not None and _is_ours(clone, admin) and (admin / WHOLE).read_text("ascii") == commit
        return admin is not None and marked and (admin / "HEAD").read_text("ascii").strip() == commit
    except OSError:
        return False


def create(clone: Path, tree: Path, commit: str) -> None:
    """Check `commit` out at `tree`, in the place of what was there; raise CommandFailedError."""
    remove(clone, tree)
    tree.parent.mkdir(parents=True, exist_ok=True)
    run_git(
        clone,
        [
            "worktree",
            "add",
            "--quiet",
            "--detach",
            "--force",
            "--no-checkout",
            "--end-of-options",
            tree.absolute(),
            commit,
        ],
    )
    # By a process of its own, which dies with us; the one that `worktree add` starts would write on.
    reset(tree)
    # Last of all: a worktree without this mark was being made when somebody was killed.
    (_admin(tree) / WHOLE).write_text(commit, encoding="ascii")


def reset(tree: Path) -> None:
    """Put the tracked files back as they were committed; raise CommandFailedError."""
    for lock in _admin(tree).glob("*.lock"):
        lock.unlink(missing_ok=True)
    programs.run(["git", "reset", "--quiet", "--hard", "HEAD"], cwd=tree, env=environment(), timeout=LOCAL_SECONDS)


def status(tree: Path) -> tuple[tuple[str, str], ...]:
    """Return what differs from the commit: (two letters, path), `??` for files that git does not know."""
    command = [
        "git",
        "status",
        "--porcelain=v1",
        "-z",
        "--untracked-files=all",
        "--no-renames",
        "--ignore-submodules=all",
    ]
    told = programs.run_bytes(command, cwd=tree, env=environment() | {"GIT_OPTIONAL_LOCKS": "1"}, timeout=LOCAL_SECONDS)
    return tuple((entry[:2].decode("ascii"), os.fsdecode(entry[3:])) for entry in told.split(b"\0") if entry)


def remove(clone: Path, tree: Path) -> None:
    """Delete a worktree; raise RepositoryError where the folder is something else, outside of the cache."""
    admin = git_folder_of(tree)
    ours = admin is not None and _is_ours(clone, admin)
    in_cache = tree.absolute().is_relative_to(clone.parents[1])
    if os.path.lexists(tree) and not ours and not in_cache and not _is_empty(tree):
        raise RepositoryError("something else is in the way of a worktree", where=str(tree), hint="move it away")
    remove_folder(tree)
    if admin is not None and ours:
        remove_folder(admin)


def _admin(tree: Path) -> Path:
    admin = git_folder_of(tree)
    if admin is None:
        raise RepositoryError("this is not a worktree", where=str(tree), hint="run doit again to make it anew")
    return admin


def _is_ours(clone: Path, admin: Path) -> bool:
    return admin.parent.resolve() == (clone / "worktrees").resolve()


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())
