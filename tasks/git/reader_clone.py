"""Clone a private clone as a reader of a pull request would have the repository, and see whether somebody changes it."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import CommandFailedError, RepositoryError
from ..processes import programs
from .commands import CLOSED, LOCAL_SECONDS, environment


def create(clone: Path, folder: Path, commit: str) -> None:
    """Make a plain clone with a work tree of `commit`, detached; every object of the private one is there. Raise RepositoryError."""
    try:
        # By a path git links the objects rather than choose among them, so commits that no ref names come along.
        options = ("--quiet", "--no-checkout", "--template=", "--no-recurse-submodules")
        own = environment() | {"GIT_ALLOW_PROTOCOL": "file"}
        programs.run(["git", "clone", *options, "--", clone, folder], cwd=clone, env=own, timeout=LOCAL_SECONDS)
        _git(folder, "checkout", "--quiet", "--detach", commit)
    except CommandFailedError as error:
        what = f"the repository could not be cloned: {(error.error or error.what).strip().splitlines()[-1]}"
        raise RepositoryError(what, where=str(clone), hint="run doit again") from None


def alternates(folder: Path) -> tuple[str, ...]:
    """Return the folders of objects that a clone borrows from."""
    try:
        lines = (
            (folder / ".git" / "objects" / "info" / "alternates")
            .read_text(encoding="utf-8", errors="surrogateescape")
            .splitlines()
        )
    except OSError:
        return ()
    return tuple(line for line in lines if line.startswith("/"))


def variables() -> dict[str, str]:
    """Return what keeps a reader's git commands to what their repository says: no configuration and no hooks of this machine."""
    settings = {key: CLOSED[key] for key in ("core.hooksPath", "core.fsmonitor", "gc.auto", "maintenance.auto")}
    told = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_COUNT": str(len(settings)),
    }
    for number, (key, value) in enumerate(settings.items()):
        told |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return told


def repository_state(folder: Path) -> dict[str, str]:
    """Tell how a clone stands, by what readers care for: HEAD, refs, stash, work trees, and the state of every file in their tree."""
    return {
        "HEAD": _git(folder, "rev-parse", "HEAD") + _git(folder, "rev-parse", "--abbrev-ref", "HEAD"),
        "branches and tags": _git(folder, "for-each-ref", "--format=%(refname) %(objectname)"),
        "work trees": _git(folder, "worktree", "list", "--porcelain"),
        "files": _git(
            folder, "status", "--porcelain", "--untracked-files=all", "--ignore-submodules=all", "--", ".", *_OUTPUTS
        ),
        "configuration": (folder / ".git" / "config").read_text(encoding="utf-8", errors="replace"),
    }


_OUTPUTS = (":(exclude).prprep", ":(exclude).codeflash")
"""What prprep itself leaves, where the reader runs it."""


def _git(folder: Path, *arguments: str) -> str:
    return programs.run(["git", *arguments], cwd=folder, env=environment(), timeout=LOCAL_SECONDS).output
