"""Repositories outside the clone, for programs that use git and for the commands of a pull request's reader."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..errors import CommandFailedError, RepositoryError
from ..processes import programs
from ..processes.scratch import remove_folder
from ..storage.files import read_regular
from ..storage.hashing import read_bytes
from .clone_cache import borrow_objects
from .commands import LOCAL_SECONDS, QUIET, config_variables, environment, list_refs, run_git, run_git_in
from .objects import shallow_commits


def create(clone: Path, folder: Path, commit: str) -> None:
    """Check `commit` out, detached, in a new repository that borrows the clone's objects; raise CommandFailedError."""
    remove_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    run_git_in(folder.parent, "init", "--quiet", "--template=", folder)
    borrow_objects(clone, folder / ".git")
    run_git(folder / ".git", ["update-ref", "--no-deref", "HEAD", commit])
    run_git_in(folder, "reset", "--quiet", "--hard", commit, "--")


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


def clone_for_reader(source: Path, folder: Path, commit: str, *, linked: bool = True) -> None:
    """Create a plain clone with `commit` checked out, detached; it has every object of `source`.

    Git's folder `FOLDER.state` beside it is for `repository_state`. With `linked` it shares the files of objects; not
    for code that must not change those. Raise RepositoryError.
    """
    options = ("--quiet", "--no-checkout", "--template=", "--no-recurse-submodules")
    env = environment() | {"GIT_ALLOW_PROTOCOL": "file"}
    own = _state_folder(folder)
    try:
        # A clone by path links or copies all objects, so commits without a ref are included.
        command = ["git", "clone", *options, *(() if linked else ("--no-hardlinks",)), "--", source, folder]
        programs.run(command, cwd=source, env=env, timeout=LOCAL_SECONDS)
        if shallow_commits(source):
            # Of a shallow repository git clones only what branches and tags reach.
            wanted = "".join(f"{sha}\n" for sha in sorted({commit, *list_refs(source).values()})).encode()
            fetch = ["git", "fetch", "--quiet", "--update-shallow", "--no-tags", "--stdin", "origin"]
            programs.run(fetch, cwd=folder, env=env, timeout=LOCAL_SECONDS, stdin=wanted)
        run_git_in(folder, "checkout", "--quiet", "--detach", commit)
        run_git_in(folder.parent, "init", "--quiet", "--bare", "--template=", own)
        borrow_objects(source, own)
        run_git(own, ["update-ref", "--no-deref", "HEAD", commit])
        shutil.copyfile(folder / ".git" / "index", own / "index")
    except CommandFailedError as error:
        what = f"the repository could not be cloned: {(error.error or error.what).strip().splitlines()[-1]}"
        raise RepositoryError(what, where=str(source), hint="run prprep again") from None


def reader_variables() -> dict[str, str]:
    """Return the variables that keep this machine's configuration and hooks out of a reader's git commands."""
    isolated = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    return isolated | config_variables(QUIET)


def repository_state(folder: Path) -> dict[str, str]:
    """Describe what a reader cares about in a clone: HEAD, refs, stash, work trees, files and configuration.

    The commands that ran there may have changed its configuration, attributes and hooks, so git never uses the clone's
    own folder: its files are read, and the work tree is compared by another folder of git's, beside the clone.
    """
    own, git_folder = _state_folder(folder), folder / ".git"
    places = (f"--git-dir={own}", f"--work-tree={folder}", "-c", "core.bare=false")
    status = ("status", "--porcelain", "--untracked-files=all", "--ignore-submodules=all", "--", ".", *_OUTPUTS)
    return {
        "HEAD": _content(git_folder / "HEAD"),
        "branches and tags": "".join(f"{name} {sha}\n" for name, sha in sorted(_refs(git_folder).items())),
        "work trees": "".join(
            f"{path.parent.name} {_content(path)}" for path in _files(git_folder, "worktrees/*/gitdir")
        ),
        "files": run_git_in(folder, *places, *status).output,
        "configuration": "".join(
            f"{path.relative_to(git_folder)}: {_content(path)}\n"
            for pattern in ("config", "config.worktree", "info/attributes", "info/exclude", "hooks/*")
            for path in _files(git_folder, pattern)
        ),
    }


def _refs(git_folder: Path) -> dict[str, str]:
    """Return the refs as files have them: packed ones, and over these the others."""
    lines = [line.partition(" ") for line in _content(git_folder / "packed-refs").splitlines()]
    packed = {name: sha for sha, _, name in lines if name and not sha.startswith(("#", "^"))}
    loose = {str(path.relative_to(git_folder)): _content(path).strip() for path in _files(git_folder, "refs/**/*")}
    tables = _content(git_folder / "reftable" / "tables.list")
    return {**packed, **loose, **({"reftable": tables} if tables else {})}


def _files(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if path.is_symlink() or not path.is_dir())


def _content(path: Path) -> str:
    content = read_regular(path)
    return "" if content is None else content.decode(errors="surrogateescape")


def _state_folder(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.state")


def _alternates(store: Path) -> list[str]:
    text = os.fsdecode(read_bytes(store / "info" / "alternates") or b"")
    return [line for line in text.splitlines() if line]
