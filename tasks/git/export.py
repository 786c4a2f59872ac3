"""Give the user what was made in the private clone, when they ask: one new branch in their repository, or patches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import CommandFailedError, RepositoryError, UsageError
from ..processes import programs
from .commands import LOCAL_SECONDS, environment, resolve_refs, run_git
from .repository import locate

_ABSENT = "0" * 40
_IDENTITY = {f"GIT_COMMITTER_{part}": value for part, value in {"NAME": "prprep", "EMAIL": "prprep@localhost"}.items()}


def create_branch(clone: Path, commit: str, repository: Path, branch: str, *, known: Sequence[str]) -> None:
    """Make `branch` in the user's repository; nothing else of it changes but that objects are added.

    `known` are commits that it has. Raises UsageError for a name that git does not take, RepositoryError for one that is there.
    """
    source = locate(repository)
    ref = f"refs/heads/{branch}"
    finished = programs.run(
        ["git", "check-ref-format", "--branch", branch], cwd=source.folder, env=environment(), timeout=60, check=False
    )
    if finished.code != 0 or branch.startswith("-") or finished.output.strip() != branch:
        raise UsageError(f"git takes no branch of the name {branch!r}", hint="give another name")
    if resolve_refs(source.folder, [ref])[ref]:
        raise RepositoryError(
            f"there is a branch {branch} already", where=str(repository), hint="give another name; none is overwritten"
        )
    has = [sha for sha, found in resolve_refs(source.folder, [commit, *known]).items() if found]
    if commit not in has:
        wanted = "\n".join([commit, *(f"^{sha}" for sha in has)]) + "\n"
        pack = run_git(clone, ["pack-objects", "--revs", "--stdout", "--quiet"], stdin=wanted.encode())
        run_git(source.folder, ["index-pack", "--stdin"], stdin=pack)
    try:
        # With the value that it has to have before: a branch that somebody makes meanwhile is not overwritten.
        run_git(source.folder, ["update-ref", "--no-deref", ref, commit, _ABSENT], extra=_IDENTITY)
    except CommandFailedError as error:
        now = "give another name; none is overwritten"
        raise RepositoryError(
            f"the branch {branch} cannot be made: {error.error.strip()}", where=str(repository), hint=now
        ) from None


def write_patches(clone: Path, base: str, head: str, folder: Path) -> tuple[Path, ...]:
    """Write base..head as patches that `git am` takes; raise UsageError where there are some in the folder."""
    if folder.is_dir() and any(folder.glob("*.patch")):
        raise UsageError(
            "this folder holds patches already", where=str(folder), hint="name another folder, or empty it"
        )
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        "git",
        f"--git-dir={clone}",
        "format-patch",
        "--quiet",
        "--no-signature",
        "-o",
        str(folder.absolute()),
        f"{base}..{head}",
    ]
    programs.run(command, cwd=clone, env=environment(), timeout=LOCAL_SECONDS)
    return tuple(sorted(folder.glob("*.patch")))
