"""Create the trees that are compared: a commit checked out, with files written over it; complete or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

from ..artifacts import Injection, Scaffolding, TreeSpec
from ..errors import CommandFailedError, MeasuringError
from ..git import Clone
from ..processes.locks import file_lock
from ..processes.real_paths import real_path
from ..project.files import AUXILIARY_FOLDERS
from ..storage import hashing
from ..storage.files import write_whole
from ..storage.hashing import hash_of, read_bytes

# Files that change how tests run and that no build writes: a new one shows that somebody edited the tree.
_CONFIGURATION: Final = frozenset(
    {"conftest.py", "pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml", "sitecustomize.py"}
)


def prepare(
    clone: Clone,
    spec: TreeSpec,
    contents: Mapping[str, bytes],
    *,
    cache: Path,
    copy: str = "",
    confined: bool = False,
    anew: bool = False,
) -> Path:
    """Return the folder of the tree, created once and repaired if it was damaged since; with `anew` created again.

    `contents` maps the paths of `spec.files` to their bytes (see `contents` in this module); `copy` names a further
    checkout, to compare with the first or to write to. What `confined` code writes to a tree must not run elsewhere, so
    it has its own. Raises MeasuringError if the bytes do not match `spec`, CherryPickError and RepositoryError.
    """
    for path, sha256 in spec.files.items():
        if path not in contents:
            raise MeasuringError("the content of this injected file is missing", where=path, hint="run prprep again")
        _matching(path, sha256, [contents[path]])
    marks = [*([copy] if copy else []), *(["confined"] if confined else [])]
    tree = _folder(clone.path.name, spec, marks, cache=cache)
    with file_lock(tree.with_suffix(".lock"), busy=None):
        commit = commit_of(clone, spec)
        if anew:
            clone.remove_worktree(tree)
        _check_out(clone, tree, commit, injected=frozenset(spec.files))
        for path in spec.files:
            write_into(tree, path, contents[path])
    return tree


class Checkout(NamedTuple):
    """A tree of a commit.

    `renew` creates it again, without what confined code wrote there; None if none runs there. The project is built in
    `pristine`, once for all trees of the commit; None if an injected file may be part of what is built.
    """

    commit: str
    tree: Path
    renew: Callable[[], Path] | None
    pristine: PristineTree | None


def check_out(
    clone: Clone,
    spec: TreeSpec,
    contents: Mapping[str, bytes],
    *,
    open_clone: Callable[[], Clone],
    cache: Path,
    copy: str = "",
    confined: bool = False,
) -> Checkout:
    """Return the tree as `prepare` does, and what building in it needs; `open_clone` opens `clone` later on."""
    commit = commit_of(clone, spec)
    tree = prepare(clone, spec, contents, cache=cache, copy=copy, confined=confined)

    def renew() -> Path:
        with open_clone() as opened:
            return prepare(opened, spec, contents, cache=cache, copy=copy, confined=confined, anew=True)

    pristine = PristineTree(clone.path.name, spec.model_copy(update={"files": {}}), cache, open_clone)
    is_shared = all(map(_is_never_built, spec.files))
    return Checkout(commit, tree, renew if confined else None, pristine if is_shared else None)


@dataclass(frozen=True, slots=True)
class PristineTree:
    """A tree without injected files, in which nothing but the project's build runs: it is removed afterwards."""

    clone_name: str
    spec: TreeSpec
    cache: Path
    open_clone: Callable[[], Clone]

    def folder(self, name: str) -> Path:
        return _folder(self.clone_name, self.spec, [self._copy(name)], cache=self.cache)

    @contextmanager
    def checked_out(self, name: str) -> Iterator[Path]:
        with self.open_clone() as clone:
            tree = prepare(clone, self.spec, {}, cache=self.cache, copy=self._copy(name), anew=True)
            try:
                yield tree
            finally:
                clone.remove_worktree(tree)
                _baseline(tree).unlink(missing_ok=True)

    def _copy(self, name: str) -> str:
        return f"build {name}"


def _folder(clone_name: str, spec: TreeSpec, marks: Sequence[str], *, cache: Path) -> Path:
    return real_path(cache / "trees") / hash_of([clone_name, spec.model_dump(mode="json"), *marks])


def _is_never_built(path: str) -> bool:
    """Return whether a file lies in a folder that projects do not install, such as tests."""
    return not AUXILIARY_FOLDERS.isdisjoint(path.split("/")[:-1])


def commit_of(clone: Clone, spec: TreeSpec) -> str:
    """Return the commit that the tree is a checkout of, cherry-picked again if necessary."""
    commit = clone.cherry_pick(spec.commit, spec.picks) if spec.picks else spec.commit
    if clone.tree_of(commit) != spec.tree:
        raise MeasuringError(
            f"{spec.commit[:12]} with {len(spec.picks)} cherry-picked commits does not give the recorded tree",
            hint="run the item's inject stage again: `prprep forget inject:ITEM`, then `prprep`",
        )
    return commit


# -- the contents of injected files -----------------------------------------------------------------


def benchmark_bytes(scaffolding: Scaffolding, clone: Clone, *, folder: Path, worktree: Path | None) -> bytes:
    """Return the benchmark that scaffold chose; raise MeasuringError if it has changed since.

    `folder` is the manifest's, `worktree` the root of the user's repository.
    """
    origins = _origins(scaffolding, clone, folder=folder, worktree=worktree)
    return _matching(scaffolding.path, scaffolding.sha256, origins)


def data_bytes(scaffolding: Scaffolding, path: str, *, folder: Path) -> bytes:
    """Return a data file that prprep wrote next to the benchmark; raise MeasuringError if it has changed since."""
    file = scaffolding.data[path]
    return _matching(file.source, file.sha256, [read_bytes(folder / file.source)])


def contents(
    injection: Injection, scaffolding: Scaffolding, clone: Clone, *, folder: Path, worktree: Path | None
) -> dict[str, bytes]:
    """Return the bytes of all injected files by path, for `prepare`: the benchmark and the files it needs."""
    for spec in (injection.base, injection.head):
        commit_of(clone, spec)  # A clone may have lost a picked commit, which the benchmark may be read from.

    def candidates(path: str) -> Iterator[bytes | None]:
        if path == scaffolding.path:
            yield from _origins(scaffolding, clone, folder=folder, worktree=worktree)
        elif path in scaffolding.data:
            yield read_bytes(folder / scaffolding.data[path].source)
        for spec in (injection.head, injection.base):
            yield clone.read(commit_of(clone, spec), path)
        if worktree:
            yield read_inside(worktree, path)

    files = injection.base.files | injection.head.files
    return {path: _matching(path, sha256, candidates(path)) for path, sha256 in files.items()}


def _origins(scaffolding: Scaffolding, clone: Clone, *, folder: Path, worktree: Path | None) -> Iterator[bytes | None]:
    if scaffolding.origin in ("base", "head"):
        yield clone.read(scaffolding.source, scaffolding.path)
        return
    if scaffolding.origin == "worktree" and worktree:
        yield read_inside(worktree, scaffolding.path)
    yield read_bytes(folder / scaffolding.source)


def _matching(path: str, sha256: str, candidates: Iterable[bytes | None]) -> bytes:
    for content in candidates:
        if content is not None and hashing.sha256(content) == sha256:
            return content
    raise MeasuringError(
        "this file was edited or removed since the item was prepared", where=path, hint="run prprep again"
    )


def read_inside(root: Path, path: str) -> bytes | None:
    """Return a file's bytes, None if it does not exist or links lead out of `root`."""
    file = real_path(root / path)
    return read_bytes(file) if file.is_relative_to(real_path(root)) else None


# -- the checkout -----------------------------------------------------------------------------------


def _check_out(clone: Clone, tree: Path, commit: str, *, injected: frozenset[str]) -> None:
    # Some checkouts differ from their commit from the start (line endings that attributes rewrite).
    baseline = _baseline(tree)
    try:
        allowed = {os.fsdecode(bytes.fromhex(path)) for path in json.loads(baseline.read_text("utf-8"))} | injected
    except (OSError, ValueError, TypeError):
        allowed = None
    if allowed is not None and clone.is_complete(tree, commit) and _repaired(clone, tree, allowed):
        return
    baseline.unlink(missing_ok=True)
    clone.remove_worktree(tree)
    clone.worktree(tree, commit)
    dirty = [path for code, path in clone.status(tree) if code != "??"]
    write_whole(baseline, json.dumps([os.fsencode(path).hex() for path in dirty]))


def _baseline(tree: Path) -> Path:
    return tree.with_suffix(".json")


def _repaired(clone: Clone, tree: Path, allowed: set[str]) -> bool:
    """Restore changed files; return whether the tree is as it should be.

    A new checkout would lose what a build left in the tree (extensions, metadata).
    """
    try:
        if damage := _damage(clone, tree, allowed):
            for path in (path for code, path in damage if code == "??"):
                (tree / path).unlink()
            clone.restore(tree)
        return not damage or not _damage(clone, tree, allowed)
    except (CommandFailedError, OSError):
        return False


def _damage(clone: Clone, tree: Path, allowed: set[str]) -> list[tuple[str, str]]:
    """Return what differs and should not; untracked files count only if they configure how tests run."""
    differing = [(code, path) for code, path in clone.status(tree) if path not in allowed]
    return [(code, path) for code, path in differing if code != "??" or PurePosixPath(path).name in _CONFIGURATION]


def with_files(clone: Clone, commit: str, contents: Mapping[str, bytes], *, cache: Path) -> Path:
    """Return a work tree of `commit` with these files written over it, as the repository of a nested run.

    Raise MeasuringError for a path that is not in the tree.
    """
    files = [[path, hashing.sha256(content)] for path, content in sorted(contents.items())]
    tree = real_path(cache / "branches") / hash_of([clone.path.name, commit, files])
    clone.worktree(tree, commit)
    for path, content in contents.items():
        write_into(tree, path, content)
    return tree


# -- injected files ---------------------------------------------------------------------------------


def write_into(tree: Path, path: str, content: bytes) -> None:
    """Write a file of the tree; raise MeasuringError rather than leave the tree through a link or `..`."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or any(part.lower() == ".git" for part in parts):
        raise MeasuringError(
            "this path is not in the tree", where=path, hint="write a path relative to the root of the repository"
        )
    folder = tree.joinpath(*parts[:-1])
    if not real_path(folder).is_relative_to(real_path(tree)):
        raise MeasuringError(
            "a symbolic link in this path leads out of the tree",
            where=path,
            hint="choose another path for the benchmark",
        )
    target = folder / parts[-1]
    if not target.is_symlink() and read_bytes(target) == content:
        return
    try:
        write_whole(target, content)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise MeasuringError(
            "something else in the tree has this path", where=path, hint="choose another path for the file"
        ) from None
