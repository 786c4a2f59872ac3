"""Repositories outside the clone, for programs that use git and for the commands of a pull request's reader."""

import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import CommandFailedError, RepositoryError
from ..processes import programs
from ..processes.scratch import remove_folder
from .clone_cache import borrow_objects
from .commands import LOCAL_SECONDS, QUIET, config_variables, environment, run_git, run_git_in


def create(clone: Path, folder: Path, commit: str) -> None:
    """Check `commit` out, detached, in a new repository that borrows the clone's objects; raise CommandFailedError."""
    remove_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    run_git_in(folder.parent, "init", "--quiet", "--template=", folder)
    borrow_objects(clone, folder / ".git")
    run_git(folder / ".git", ["update-ref", "--no-deref", "HEAD", commit])
    run_git_in(folder, "reset", "--quiet", "--hard", commit)


def object_stores(git_folder: Path) -> Iterator[Path]:
    """Yield the object folders that a repository uses, those of its alternates too; quoted paths are skipped."""
    waiting, seen = [git_folder / "objects"], set[Path]()
    while waiting:
        store = waiting.pop()
        if store not in seen:
            seen.add(store)
            yield store
            waiting += [Path(line) for line in _alternates(store) if not line.startswith(('"', "#"))]


def git_variables() -> dict[str, str]:
    """Return the variables that disable the user's git configuration and hooks in a program that runs git."""
    return {name: value for name, value in environment().items() if name.startswith("GIT_")}


# -- a reader's clone -------------------------------------------------------------------------------

_OUTPUTS = (":(exclude).prprep", ":(exclude).codeflash")
"""What prprep writes if the reader runs it."""


def clone_for_reader(clone: Path, folder: Path, commit: str) -> None:
    """Create a plain clone with `commit` checked out, detached; it has every object of the private one.

    Raise RepositoryError.
    """
    options = ("--quiet", "--no-checkout", "--template=", "--no-recurse-submodules")
    env = environment() | {"GIT_ALLOW_PROTOCOL": "file"}
    try:
        # A clone by path links all objects, so commits without a ref are included.
        programs.run(["git", "clone", *options, "--", clone, folder], cwd=clone, env=env, timeout=LOCAL_SECONDS)
        run_git_in(folder, "checkout", "--quiet", "--detach", commit)
    except CommandFailedError as error:
        what = f"the repository could not be cloned: {(error.error or error.what).strip().splitlines()[-1]}"
        raise RepositoryError(what, where=str(clone), hint="run prprep again") from None


def borrowed_objects(folder: Path) -> tuple[str, ...]:
    return tuple(line for line in _alternates(folder / ".git" / "objects") if line.startswith("/"))


def reader_variables() -> dict[str, str]:
    """Return the variables that keep this machine's configuration and hooks out of a reader's git commands."""
    isolated = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    return isolated | config_variables(QUIET)


def repository_state(folder: Path) -> dict[str, str]:
    """Describe what a reader cares about in a clone: HEAD, refs, stash, work trees, files and configuration."""
    status = ("status", "--porcelain", "--untracked-files=all", "--ignore-submodules=all", "--", ".", *_OUTPUTS)
    commands = {
        "HEAD": ("rev-parse", "HEAD", "--abbrev-ref", "HEAD"),
        "branches and tags": ("for-each-ref", "--format=%(refname) %(objectname)"),
        "work trees": ("worktree", "list", "--porcelain"),
        "files": status,
    }
    state = {name: run_git_in(folder, *command).output for name, command in commands.items()}
    return state | {"configuration": (folder / ".git" / "config").read_text(encoding="utf-8", errors="replace")}


def _alternates(store: Path) -> list[str]:
    try:
        text = (store / "info" / "alternates").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return []
    return [line for line in text.splitlines() if line]
