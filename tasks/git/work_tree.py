"""Commit the user's work tree, uncommitted changes included, in a repository of prprep's own."""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ..errors import CommandFailedError, RepositoryError, UsageError
from ..processes import programs
from ..processes.scratch import remove_folder
from ..text import figures
from .cherry_pick import IDENTITY
from .clone_cache import borrow_objects, exclusive, init_bare
from .commands import LOCAL_SECONDS, environment, resolve_refs, run_git
from .repository import LocalRepository, locate

BRANCH: Final = "refs/heads/work-tree"
MOST_UNTRACKED: Final = 256 << 20
"""Bytes of untracked files; more is hardly source code."""

_INDEX: Final = "prprep-index"
_OUTPUTS: Final = (":(top,exclude).prprep", ":(top,exclude).codeflash", ":(top,exclude)prprep.yaml")
_SETTINGS: Final = r"^core\.(filemode|symlinks|ignorecase|precomposeunicode|autocrlf|eol)$"
"""Settings of the user's repository that decide whether a file counts as changed."""


def commit_work_tree(folder: Path, store: Path) -> str:
    """Return a commit of the work tree around `folder`: a child of HEAD in `store`, a bare repository for it.

    The user's repository and its index stay as they are; `store` borrows its objects. Ignored files, what prprep
    writes, and changes within submodules are left out. The same content always has the same commit, which is HEAD if
    nothing is changed. Raise UsageError for conflicts and too large files, RepositoryError without a work tree or HEAD.
    """
    local = locate(folder)
    if local.root == local.folder:
        raise RepositoryError("a bare repository has no work tree", where=str(local.root), hint="name two refs")
    head = resolve_refs(local.folder, ["HEAD"])["HEAD"]
    if head is None:
        raise RepositoryError(
            "this repository has no commits yet", where=str(local.root), hint="commit something first"
        )
    with exclusive(store):
        if not (store / "HEAD").is_file():
            remove_folder(store)
            init_bare(store)
        borrow_objects(local.common, store)
        try:
            return _committed(local, store, head)
        except CommandFailedError as error:
            reason = (error.error or error.what).strip().splitlines()[-1]
            what = f"git could not read this work tree: {reason.removeprefix('fatal: ')}"
            raise RepositoryError(what, where=str(local.root), hint="check that `git status` works in it") from None


def _committed(local: LocalRepository, store: Path, head: str) -> str:
    index = _copied_index(local, store)
    extra = {"GIT_INDEX_FILE": str(index)}
    within = _within(local, store)
    if unmerged := _git(local, *within, "ls-files", "--unmerged", "-z", extra=extra):
        file = os.fsdecode(unmerged.partition(b"\0")[0].partition(b"\t")[2])
        raise UsageError(f"{file} has conflicts", where=str(local.root), hint="resolve them, or name a commit")
    listed = _git(local, *within, "diff-files", "--name-only", "-z", "--ignore-submodules=all", extra=extra)
    paths = [*listed.split(b"\0"), *_untracked(local)]
    stdin = b"".join(path + b"\0" for path in paths if path)
    _git(local, *within, "update-index", "--add", "--remove", "--replace", "-z", "--stdin", extra=extra, stdin=stdin)
    tree = _git(local, *within, "write-tree", extra=extra).decode("ascii").strip()
    index.unlink()
    if tree == run_git(store, ["rev-parse", f"{head}^{{tree}}"]).decode("ascii").strip():
        return head
    date = run_git(store, ["log", "-1", "--format=%ct", head]).decode("ascii").strip()
    dates = {"GIT_AUTHOR_DATE": f"{date} +0000", "GIT_COMMITTER_DATE": f"{date} +0000"}
    message = ("-m", "Uncommitted changes")
    created = run_git(store, ["commit-tree", tree, "-p", head, *message], extra={**IDENTITY, **dates})
    commit = created.decode("ascii").strip()
    run_git(store, ["update-ref", "--no-deref", BRANCH, commit], extra=IDENTITY)
    run_git(store, ["symbolic-ref", "HEAD", BRANCH])
    return commit


def _copied_index(local: LocalRepository, store: Path) -> Path:
    """Copy the user's index: its time stamps tell git which files it need not read."""
    index = store / _INDEX
    for shared in local.folder.glob("sharedindex.*"):
        shutil.copyfile(shared, store / shared.name)
    if (local.folder / "index").is_file():
        # With its time stamp: git reads files that are as new as the index again, whatever their own time stamps say.
        shutil.copy2(local.folder / "index", index)
    else:
        index.unlink(missing_ok=True)
    return index


def _within(local: LocalRepository, store: Path) -> tuple[str, ...]:
    """Return git's options for the user's work tree with the objects of `store`."""
    command = (f"--git-dir={local.folder}", "config", "-z", "--get-regexp", _SETTINGS)
    try:
        settings = _git(local, *command).decode(errors="replace").split("\0")
    except CommandFailedError:  # none is set
        settings = []
    options = (("-c", setting.replace("\n", "=", 1)) for setting in settings if setting)
    places = (f"--git-dir={store}", f"--work-tree={local.root}", "-c", "core.bare=false")
    return (*places, *(part for option in options for part in option))


def _untracked(local: LocalRepository) -> Iterator[bytes]:
    """Yield the files that git neither tracks nor ignores, by the user's own lists of what to ignore."""
    places = (f"--git-dir={local.folder}", f"--work-tree={local.root}")
    command = ("ls-files", "--others", "--exclude-standard", "-z", "--", ".", *_OUTPUTS)
    listed = _git(local, *places, *command, env=environment(network=True)).split(b"\0")
    # A name that ends with a slash is another repository.
    files = [path for path in listed if path and not path.endswith(b"/")]
    sizes = {path: (local.root / os.fsdecode(path)).lstat().st_size for path in files}
    if sum(sizes.values()) > MOST_UNTRACKED:
        largest = os.fsdecode(max(sizes, key=lambda path: sizes[path]))
        what = f"the untracked files have {figures.size(sum(sizes.values()))}, most of it in {largest}"
        raise UsageError(what, where=str(local.root), hint="list what is no source code in .gitignore")
    yield from files


def _git(
    local: LocalRepository,
    *arguments: str,
    env: dict[str, str] | None = None,
    extra: dict[str, str] | None = None,
    stdin: bytes = b"",
) -> bytes:
    command: Sequence[str] = ["git", *arguments]
    env = (env or environment()) | (extra or {})
    return programs.run(command, cwd=local.root, env=env, timeout=LOCAL_SECONDS, stdin=stdin, limit=None).raw
