"""Create and refresh the private clones: bare repositories in the cache, one per address."""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ..errors import CommandFailedError, RepositoryError
from ..processes import programs
from ..processes.locks import file_lock
from ..processes.progress import Report
from ..processes.real_paths import real_path
from ..processes.scratch import remove_folder
from ..storage.hashing import read_bytes, short_hash
from .addresses import local_path, without_password
from .commands import (
    NETWORK_SECONDS,
    QUIET,
    environment,
    first_line,
    is_sha,
    list_refs,
    replace_refs,
    require_version,
    resolve_refs,
    run_git,
    run_git_in,
    sha256_error,
)
from .repository import LocalRepository, locate

REFRESH_SECONDS: Final = 600.0
BUSY: Final = "prprep-busy"
FETCHED: Final = "prprep-fetched"
ALTERNATES: Final = "objects/info/alternates"
TEMPORARY_BRANCHES: Final = ("benchmark-base", "benchmark-head")
# Refs of a single work tree or of git's own bookkeeping, and replacements, which GitHub would not show either.
_SKIPPED_REFS: Final = tuple(
    f"refs/{kind}".encode() for kind in ("bisect/", "worktree/", "rewritten/", "replace/", "stash", "prefetch/")
)

_NO_HEAD: Final = b"ref: refs/heads/.invalid\n"
"""What git writes if it keeps HEAD in a table, as other refs."""


def open_clone(address: str, cache: Path, *, report: Report, wanted: Sequence[str]) -> Path:
    """Return the folder of the up-to-date clone of `address`; raise RepositoryError."""
    path = local_path(address)
    source = locate(path) if path else None
    require_version()
    key = short_hash(os.fsencode(str(real_path(source.folder)) if source else address), size=10)
    clone = real_path(cache / "clones") / f"{key}.git"
    with exclusive(clone):
        try:
            if source:
                _update_local(source, clone)
            else:
                _update_remote(address, clone, report=report, wanted=wanted)
        except CommandFailedError as error:
            raise _explain(error, address) from None
    return clone


@contextmanager
def exclusive(clone: Path) -> Iterator[None]:
    """Lock the clone for writing, and first clean up after a killed writer."""
    with file_lock(clone.with_suffix(".lock"), busy=None):
        marker = clone / BUSY
        if marker.exists():
            _clean(clone)
        if clone.is_dir():
            marker.touch()
        yield
        # Not in a `finally`: after an error the next writer cleans up.
        marker.unlink(missing_ok=True)


# -- a local repository: objects are borrowed, refs copied ----------------------------------------------------


def _update_local(source: LocalRepository, clone: Path) -> None:
    if clone.is_dir() and not (clone / "HEAD").is_file():
        remove_folder(clone)
    if not clone.is_dir():
        _init(clone, source)
    borrow_objects(source.common, clone)
    _copy_refs(source, clone)


def _init(clone: Path, source: LocalRepository) -> None:
    init_bare(clone, lambda part: borrow_objects(source.common, part))


def init_bare(folder: Path, complete: Callable[[Path], None] = lambda _: None) -> None:
    """Create a bare repository of prprep's own; `complete` finishes it before it gets its name."""
    part = folder.with_suffix(".part")
    remove_folder(part)
    part.parent.mkdir(parents=True, exist_ok=True)
    run_git_in(part.parent, "init", "--quiet", "--bare", "--template=", part)
    _configure(part)
    complete(part)
    part.rename(folder)


def _configure(clone: Path) -> None:
    # For the project's own tools that use git in a worktree; our commands pass their settings.
    with (clone / "config").open("a", encoding="utf-8") as config:
        for key, value in QUIET.items():
            section, _, name = key.partition(".")
            config.write(f"[{section}]\n\t{name} = {value}\n")
    (clone / "info").mkdir(exist_ok=True)


def borrows_objects(git_folder: Path) -> bool:
    return (git_folder / ALTERNATES).is_file()


def borrow_objects(source: Path, target: Path) -> None:
    """Let one git folder use the objects of another."""
    alternates = target / ALTERNATES
    alternates.parent.mkdir(parents=True, exist_ok=True)
    _write_if_changed(alternates, _quoted(os.fsencode(source / "objects")) + b"\n")
    copy_shallow(source, target)


def copy_shallow(source: Path, target: Path) -> None:
    """End the history of one git folder at the commits at which that of another ends."""
    if (source / "shallow").is_file():
        _write_if_changed(target / "shallow", (source / "shallow").read_bytes())
    else:
        (target / "shallow").unlink(missing_ok=True)


def _write_if_changed(file: Path, content: bytes) -> None:
    if not file.is_file() or file.read_bytes() != content:
        part = file.with_suffix(".part")
        part.write_bytes(content)
        part.replace(file)


def _quoted(path: bytes) -> bytes:
    """Quote a path in C style if git's list of alternates needs it."""
    if path.isascii() and path.decode().isprintable() and not path.startswith((b'"', b"#")):
        return path
    plain = [bytes([byte]) if 32 <= byte < 127 and byte not in b'"\\' else b"\\%03o" % byte for byte in path]
    return b'"' + b"".join(plain) + b'"'


def _copy_refs(source: LocalRepository, clone: Path) -> None:
    theirs = {name: sha for name, sha in list_refs(source.folder).items() if not name.startswith(_SKIPPED_REFS)}
    if not all(map(is_sha, theirs.values())):
        raise sha256_error(source.root)
    ours = list_refs(clone)
    changed = {name: sha for name, sha in theirs.items() if ours.get(name) != sha}
    replace_refs(clone, ours.keys() - theirs.keys(), changed)
    if head := _head(source.folder):
        _write_if_changed(clone / "HEAD", head)


def _head(git_folder: Path) -> bytes | None:
    """Return what a HEAD file says; None if it names no commit."""
    content = (git_folder / "HEAD").read_bytes()
    if is_sha(content.decode(errors="replace").strip()) or (content.startswith(b"ref: ") and content != _NO_HEAD):
        return content
    branch = first_line(git_folder, ["symbolic-ref", "--quiet", "HEAD"])
    head = f"ref: {branch}" if branch else resolve_refs(git_folder, ["HEAD"])["HEAD"]
    return os.fsencode(head) + b"\n" if head else None


# -- a remote repository: a plain bare clone, refreshed by fetching -------------------------------------------


def _update_remote(address: str, clone: Path, *, report: Report, wanted: Sequence[str]) -> None:
    if not (clone / FETCHED).exists():
        _clone_remote(address, clone, report)
    elif time.time() - (clone / FETCHED).stat().st_mtime > REFRESH_SECONDS or _missing(clone, wanted):
        _refresh(address, clone, report)
    for ref in _missing(clone, wanted):
        _fetch_ref(address, clone, ref)


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
        _fetch(address, clone, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", prune=True)
    except RepositoryError as error:
        reason = error.what.splitlines()[-1].strip()
        report(f"{without_password(address)} could not be fetched; the last fetch is used ({reason})")
        return
    (clone / FETCHED).touch()


def _fetch(address: str, clone: Path, *refspecs: str, prune: bool = False) -> None:
    options = ["--quiet", "--no-write-fetch-head", "--no-recurse-submodules", *(["--prune"] if prune else [])]
    command = ["git", f"--git-dir={clone}", "fetch", *options, "--", address, *refspecs]
    try:
        programs.run(command, cwd=clone, env=environment(network=True), timeout=NETWORK_SECONDS)
    except CommandFailedError as error:
        raise _explain(error, address) from None


def _fetch_ref(address: str, clone: Path, ref: str) -> None:
    """Fetch a commit by its SHA, or a ref outside of branches and tags such as `refs/pull/12/head`."""
    full = ref if is_sha(ref) or ref.startswith("refs/") else f"refs/{ref}"
    local = f"refs/prprep/{ref}" if is_sha(ref) else full
    if ":" in full or (full != ref and "/" not in ref):
        return
    try:
        _fetch(address, clone, f"+{full}:{local}")
    except RepositoryError:
        return  # reported later as a missing ref, with the manifest's line


def _missing(clone: Path, wanted: Sequence[str]) -> list[str]:
    return [ref for ref, commit in resolve_refs(clone, wanted).items() if commit is None] if wanted else []


# -- after a crash --------------------------------------------------------------------------------------------


def _clean(clone: Path) -> None:
    """Remove what a killed writer left: git's locks, partial objects, temporary branches, lost worktrees."""
    for folder, _, names in os.walk(clone):
        for name in names:
            if name.endswith(".lock") or name.startswith(("tmp_obj_", "tmp_pack_", "tmp_idx_")):
                Path(folder, name).unlink()
    for pattern in ("worktrees/*", "*/worktrees/*"):
        for admin in clone.glob(pattern):
            if not _is_linked(admin):
                shutil.rmtree(admin, ignore_errors=True)
    left = [name for name in TEMPORARY_BRANCHES if b"refs/heads/" + name.encode() in list_refs(clone)]
    for name in left:
        run_git(clone, ["update-ref", "--no-deref", "-d", f"refs/heads/{name}"])
    if left and (clone / FETCHED).exists():
        os.utime(clone / FETCHED, (0, 0))  # the repository may have branches of these names


def _is_linked(admin: Path) -> bool:
    linked = os.fsdecode(read_bytes(admin / "gitdir") or b"").removesuffix("\n")
    return bool(linked) and Path(linked).exists()


def _explain(error: CommandFailedError, address: str) -> RepositoryError:
    lines = [line for line in without_password(error.error or error.what).strip().splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith("fatal:")]
    message = (fatal or lines or ["git gave no reason"])[-1]
    what = f"git could not read this repository: {message.removeprefix('fatal: ')}"
    if error.code is None:
        what = without_password(error.what)
    hint = "check the address, the network and your access: `git ls-remote` must work without a prompt"
    if local_path(address):
        hint = "check the repository with `git fsck --connectivity-only`"
    return RepositoryError(what, where=without_password(address), hint=hint)
