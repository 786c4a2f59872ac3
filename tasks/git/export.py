"""Hand commits of the private clone to the user: as a new branch in their repository, or as patches."""

from collections.abc import Sequence
from pathlib import Path

from ..errors import CommandFailedError, RepositoryError, UsageError
from .commands import resolve_refs, run_git, run_git_in
from .remotes import is_branch_name
from .repository import locate

_ABSENT = "0" * 40
_IDENTITY = {"GIT_COMMITTER_NAME": "prprep", "GIT_COMMITTER_EMAIL": "prprep@localhost"}
_OTHER_NAME = "choose another name; prprep overwrites no branch"


def create_branch(clone: Path, commit: str, repository: Path, branch: str, *, known: Sequence[str]) -> None:
    """Create `branch` in the user's repository; besides the branch, only objects are added.

    `known` are commits that the repository has. Raises UsageError for an invalid name, RepositoryError if it is taken.
    """
    source, ref = locate(repository), f"refs/heads/{branch}"
    if not is_branch_name(branch):
        raise UsageError(f"{branch!r} is not a valid branch name", hint="choose another name")
    if resolve_refs(source.folder, [ref])[ref]:
        raise RepositoryError(f"the branch {branch} already exists", where=str(repository), hint=_OTHER_NAME)
    present = [sha for sha, resolved in resolve_refs(source.folder, [commit, *known]).items() if resolved]
    if commit not in present:
        wanted = "\n".join([commit, *(f"^{sha}" for sha in present)]) + "\n"
        pack = run_git(clone, ["pack-objects", "--revs", "--stdout", "--quiet"], stdin=wanted.encode())
        run_git(source.folder, ["index-pack", "--stdin"], stdin=pack)
    try:
        # Only if it is still absent: a branch that somebody creates meanwhile is not overwritten.
        run_git(source.folder, ["update-ref", "--no-deref", ref, commit, _ABSENT], extra=_IDENTITY)
    except CommandFailedError as error:
        what = f"the branch {branch} cannot be created: {error.error.strip()}"
        raise RepositoryError(what, where=str(repository), hint=_OTHER_NAME) from None


def write_patches(clone: Path, base: str, head: str, folder: Path) -> tuple[Path, ...]:
    """Write base..head as patches for `git am`; raise UsageError if the folder has patches already."""
    if folder.is_dir() and any(folder.glob("*.patch")):
        raise UsageError("this folder already has patches", where=str(folder), hint="name another folder, or empty it")
    folder.mkdir(parents=True, exist_ok=True)
    options = ("--quiet", "--no-signature", "-o", folder.absolute())
    run_git_in(clone, f"--git-dir={clone}", "format-patch", *options, f"{base}..{head}")
    return tuple(sorted(folder.glob("*.patch")))
