"""Make and refresh the private clones: bare, below the cache, one for each address."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ..errors import CommandFailedError, RepositoryError
from ..processes import programs
from ..processes.locks import file_lock
from ..processes.progress import Note, Report
from ..processes.scratch import remove_folder
from .addresses import local_path, without_password
from .commands import (
    NETWORK_SECONDS,
    environment,
    first_line,
    is_sha,
    list_refs,
    require_version,
    resolve_refs,
    run_git,
)
from .repository import LocalRepository, locate

REFRESH_SECONDS: Final = 600.0
BUSY: Final = "prprep-busy"
FETCHED: Final = "prprep-fetched"
TEMPORARY_BRANCHES: Final = ("benchmark-base", "benchmark-head")
# Refs that belong to one work tree or to git's own bookkeeping, and replacements, which GitHub would not show either.
_LEFT_OUT: Final = (
    b"refs/bisect/",
    b"refs/worktree/",
    b"refs/rewritten/",
    b"refs/replace/",
    b"refs/stash",
    b"refs/prefetch/",
)
_SETTINGS: Final = {
    "gc.auto": "0",
    "maintenance.auto": "false",
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
}


def open_clone(address: str, cache: Path, *, report: Report, wanted: Sequence[str]) -> Path:
    """Return the folder of the clone of `address`, up to date; raise RepositoryError in plain words."""
    path = local_path(address)
    source = locate(path) if path else None
    require_version()
    clone = cache.absolute() / "clones" / f"{_key(address, source)}.git"
    with exclusive(clone):
        try:
            if source:
                _bring_local(source, clone)
            else:
                _bring_remote(address, clone, report=report, wanted=wanted)
        except CommandFailedError as error:
            raise _explained(error, address) from None
    return clone


@contextmanager
def exclusive(clone: Path) -> Iterator[None]:
    """Hold the clone for writing; clean up first what a killed writer left behind."""
    with file_lock(clone.with_suffix(".lock"), busy=None):
        marker = clone / BUSY
        if marker.exists():
            _clean(clone)
        if clone.is_dir():
            marker.touch()
        yield
        # Not in a `finally`: after an error the next writer had better look.
        marker.unlink(missing_ok=True)


def git_folder_of(tree: Path) -> Path | None:
    """Return the folder in a clone that a worktree's file `.git` points to."""
    try:
        first = (tree / ".git").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return tree / first.removeprefix("gitdir: ") if first.startswith("gitdir: ") else None


def _key(address: str, source: LocalRepository | None) -> str:
    named = str(source.folder.resolve()) if source else address
    return hashlib.blake2b(os.fsencode(named), digest_size=10).hexdigest()


# -- a repository on this machine: objects borrowed, refs copied, nothing fetched -----------------------------


def _bring_local(source: LocalRepository, clone: Path) -> None:
    if (first_line(source.folder, ["config", "--get", "extensions.objectformat"]) or "sha1") != "sha1":
        what = "this repository names its objects by SHA-256, which is not supported"
        raise RepositoryError(what, where=str(source.root), hint="use a clone with SHA-1 objects")
    if clone.is_dir() and not (clone / "HEAD").is_file():
        remove_folder(clone)
    if not clone.is_dir():
        _new(clone, source)
    _borrow(source, clone)
    _copy_refs(source, clone)


def _new(clone: Path, source: LocalRepository) -> None:
    part = clone.with_suffix(".part")
    remove_folder(part)
    part.parent.mkdir(parents=True, exist_ok=True)
    programs.run(
        ["git", "init", "--quiet", "--bare", "--template=", part], cwd=part.parent, env=environment(), timeout=60
    )
    _configure(part)
    _borrow(source, part)
    part.rename(clone)


def _configure(clone: Path) -> None:
    # For what the target's own tools do with git in a worktree; our own commands bring their settings along.
    for key, value in _SETTINGS.items():
        run_git(clone, ["config", key, value])
    (clone / "info").mkdir(exist_ok=True)


def write_alternates(git_folder: Path, objects: Path) -> None:
    """Let a repository borrow the objects of another."""
    alternates = git_folder / "objects" / "info" / "alternates"
    alternates.parent.mkdir(parents=True, exist_ok=True)
    _put(alternates, _quoted(os.fsencode(objects)) + b"\n")


def _borrow(source: LocalRepository, clone: Path) -> None:
    write_alternates(clone, source.common / "objects")
    shallow = source.common / "shallow"
    if shallow.is_file():
        _put(clone / "shallow", shallow.read_bytes())
    else:
        (clone / "shallow").unlink(missing_ok=True)


def _put(target: Path, content: bytes) -> None:
    if not target.is_file() or target.read_bytes() != content:
        part = target.with_suffix(".part")
        part.write_bytes(content)
        part.replace(target)


def _quoted(path: bytes) -> bytes:
    """Quote a path as git does in C style where its list of alternates needs it."""
    if path.isascii() and path.decode().isprintable() and not path.startswith((b'"', b"#")):
        return path
    return (
        b'"'
        + b"".join(bytes([byte]) if 32 <= byte < 127 and byte not in b'"\\' else b"\\%03o" % byte for byte in path)
        + b'"'
    )


def _copy_refs(source: LocalRepository, clone: Path) -> None:
    theirs = {name: sha for name, sha in list_refs(source.folder).items() if not name.startswith(_LEFT_OUT)}
    ours = list_refs(clone)
    gone = b"".join(b"delete %s\0\0" % name for name in ours if name not in theirs)
    moved = b"".join(
        b"update %s\0%s\0\0" % (name, sha.encode()) for name, sha in theirs.items() if ours.get(name) != sha
    )
    # Deletions first and by themselves: `a` may have given way to `a/b`.
    for changes in (gone, moved):
        if changes:
            run_git(clone, ["update-ref", "--no-deref", "-z", "--stdin"], stdin=changes)
    branch = first_line(source.folder, ["symbolic-ref", "--quiet", "HEAD"])
    head = f"ref: {branch}" if branch else resolve_refs(source.folder, ["HEAD"])["HEAD"]
    if head:
        _put(clone / "HEAD", os.fsencode(head) + b"\n")


# -- a repository elsewhere: an ordinary bare clone, refreshed by fetching ------------------------------------


def _bring_remote(address: str, clone: Path, *, report: Report, wanted: Sequence[str]) -> None:
    if not (clone / FETCHED).exists():
        _clone_remote(address, clone, report)
    elif time.time() - (clone / FETCHED).stat().st_mtime > REFRESH_SECONDS or _missing(clone, wanted):
        _refresh(address, clone, report)
    for ref in _missing(clone, wanted):
        _fetch_one(address, clone, ref)


def _clone_remote(address: str, clone: Path, report: Report) -> None:
    report(f"cloning {without_password(address)}")
    part = clone.with_suffix(".part")
    remove_folder(part)
    remove_folder(clone)
    command = ["git", "clone", "--quiet", "--bare", "--template=", "--no-recurse-submodules", "--", address, str(part)]
    programs.run(command, cwd=part.parent, env=environment(network=True), timeout=NETWORK_SECONDS)
    _configure(part)
    (part / FETCHED).touch()
    part.rename(clone)


def _refresh(address: str, clone: Path, report: Report) -> None:
    try:
        _fetch(address, clone, "--prune", "--", address, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
    except RepositoryError as error:
        why = error.what.splitlines()[-1].strip()
        report(Note(f"{without_password(address)} could not be fetched; using what was fetched before ({why})"))
        return
    (clone / FETCHED).touch()


def _fetch(address: str, clone: Path, *arguments: str) -> None:
    command = [
        "git",
        f"--git-dir={clone}",
        "fetch",
        "--quiet",
        "--no-write-fetch-head",
        "--no-recurse-submodules",
        *arguments,
    ]
    try:
        programs.run(command, cwd=clone, env=environment(network=True), timeout=NETWORK_SECONDS)
    except CommandFailedError as error:
        raise _explained(error, address) from None


def _fetch_one(address: str, clone: Path, ref: str) -> None:
    """Fetch a commit by its SHA, or a ref outside of branches and tags such as `refs/pull/12/head`."""
    full = ref if is_sha(ref) or ref.startswith("refs/") else f"refs/{ref}"
    target = f"refs/prprep/{ref}" if is_sha(ref) else full
    if ":" in full or (full != ref and "/" not in ref):
        return
    try:
        _fetch(address, clone, "--", address, f"+{full}:{target}")
    except RepositoryError:
        return  # It is then reported, by the manifest's line, as a ref that does not exist.


def _missing(clone: Path, wanted: Sequence[str]) -> list[str]:
    return [ref for ref, commit in resolve_refs(clone, wanted).items() if commit is None] if wanted else []


# -- after a crash, and in plain words ----------------------------------------------------------------------


def _clean(clone: Path) -> None:
    """Remove what a killed writer left: git's locks, half-written objects, temporary branches, lost worktrees."""
    for place, _, names in os.walk(clone):
        for name in names:
            if name.endswith(".lock") or name.startswith(("tmp_obj_", "tmp_pack_", "tmp_idx_")):
                os.unlink(os.path.join(place, name))  # noqa: PTH108, PTH118 - os.walk gives text
    for admin in clone.glob("worktrees/*"):
        if not _is_linked(admin):
            shutil.rmtree(admin, ignore_errors=True)
    left = [name for name in TEMPORARY_BRANCHES if b"refs/heads/" + name.encode() in list_refs(clone)]
    for name in left:
        run_git(clone, ["update-ref", "--no-deref", "-d", f"refs/heads/{name}"])
    if left and (clone / FETCHED).exists():
        os.utime(clone / FETCHED, (0, 0))  # The repository may have branches of these names of its own.


def _is_linked(admin: Path) -> bool:
    from pathlib import Path

    try:
        return Path((admin / "gitdir").read_text(errors="surrogateescape").removesuffix("\n")).exists()
    except OSError:
        return False


def _explained(error: CommandFailedError, address: str) -> RepositoryError:
    said = without_password(error.error or error.what).strip()
    lines = [line for line in said.splitlines() if line.strip()]
    told = next(
        (line for line in reversed(lines) if line.startswith("fatal:")), lines[-1] if lines else "git gave no reason"
    )
    what = f"git could not read this repository: {told.removeprefix('fatal: ')}"
    if error.code is None:
        what = without_password(error.what)
    now = "check the address, the network and your access to it: `git ls-remote` on it must work without a prompt"
    if local_path(address):
        now = "check that it is whole and readable: `git fsck --connectivity-only` in it must find nothing wrong"
    return RepositoryError(what, where=without_password(address), hint=now)
