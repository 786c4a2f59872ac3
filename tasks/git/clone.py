"""The private clone: what stages read of the repository, and the parent of their worktrees."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self, cast

from ..errors import CommandFailedError, RepositoryError
from ..processes.progress import Report, silent
from . import bundles, cherry_pick, history, standalone, tree_repository, worktrees
from .addresses import without_password
from .clone_cache import TEMPORARY_BRANCHES, exclusive, open_clone
from .commands import is_sha, replace_refs, resolve_refs, run_git, run_git_in
from .models import FileChange, printable
from .objects import SHALLOW, RawCommit, shallow_commits

if TYPE_CHECKING:
    from git import Git

    from ..artifacts import Commit

_SYMLINK, _SUBMODULE = "120000", "160000"
_GONE: Final = "a rebase or a forced push may have removed it: name one that exists"
_EMPTY_TREE: Final = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


class Clone:
    """A bare repository in the cache that borrows the source's objects; not thread-safe.

    Paths are relative to the root, with forward slashes; names that are not UTF-8 have surrogates (see `printable`).
    """

    def __init__(self, path: Path, address: str) -> None:
        self.path, self.address = path, address
        self._cat_file: Git | None = None
        self._depth = 0
        self._picks: dict[tuple[str, tuple[str, ...]], str] = {}

    @classmethod
    def open(cls, address: str, cache: Path, *, report: Report = silent, wanted: Sequence[str] = ()) -> Self:
        """Create or update the clone of `address`.

        The refs of a local repository are copied every time; a remote one is fetched at most every ten minutes, unless
        one of `wanted` is missing. Raises RepositoryError.
        """
        return cls(open_clone(address, cache, report=report, wanted=wanted), address)

    @classmethod
    def of_bundle(cls, bundle: bundles.Bundle, cache: Path) -> Self:
        """Create or update the clone of a bundle's history, which needs no repository. Raises RepositoryError."""
        return cls(bundles.unpack(bundle, cache), "")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._cat_file:
            self._cat_file.clear_cache()
            self._cat_file = None

    # -- reading ----------------------------------------------------------------------------------

    def resolve(self, refs: Sequence[str]) -> dict[str, str | None]:
        """Resolve refs to commits; None if a ref is missing or ambiguous."""
        return resolve_refs(self.path, refs)

    def merge_base(self, a: str, b: str) -> str | None:
        command = (f"--git-dir={self.path}", "merge-base", self._sha(a), self._sha(b))
        with self._explained():
            finished = run_git_in(self.path, *command, check=False)
        if finished.code not in (0, 1):
            raise self._unreadable(finished.error.strip())
        return finished.output.strip() or None

    def tree_of(self, commit: str) -> str:
        return self._commit(commit).tree

    def commit(self, sha: str) -> Commit:
        return self._commit(sha).to_artifact()

    def parents(self, commit: str) -> tuple[str, ...]:
        """Return the parents of a commit; none if the history of a shallow clone ends there."""
        return self._commit(commit).parents

    @property
    def is_shallow(self) -> bool:
        """Return whether the repository lacks the parents of some commits, as `git clone --depth` makes it."""
        return bool(shallow_commits(self.path))

    def way_out(self, otherwise: str) -> str:
        """Return the hint for what a history lacks; a shallow clone may only not have it yet."""
        return f"{SHALLOW}; or {otherwise}" if self.is_shallow else otherwise

    def with_prefix(self, digits: str) -> tuple[str, ...]:
        """Return the commits whose SHA-1 begins with these digits (at least four)."""
        names = self._run("rev-parse", f"--disambiguate={digits}").decode("ascii").split()
        commits = self.resolve(names)
        return tuple(name for name in names if commits[name] == name)

    def commits(self, base: str, head: str, *, path: str | None = None) -> tuple[Commit, ...]:
        """Return the commits of base..head, oldest first; with `path`, those that changed it, without merges."""
        with self._explained():
            commits = history.commits_of(self.path, self._commit(base).sha, self._commit(head).sha, path)
        return tuple(map(self.commit, commits))

    def changes(self, base: str, head: str) -> tuple[FileChange, ...]:
        """Return the files that differ between two commits, with renames, without submodules."""
        options = ("-r", "-z", "--raw", "-M", "--no-ext-diff", "--no-textconv")
        return tuple(_parse_raw(self._run("diff-tree", *options, self._sha(base), self._sha(head))))

    def diff(self, base: str, head: str) -> str:
        """Return a patch, decoded with replacement; of binary files it has only the names."""
        options = ("--patch", "-r", "-M", "--no-color", "--no-ext-diff", "--no-textconv")
        return self._run("diff-tree", *options, self._sha(base), self._sha(head)).decode("utf-8", "replace")

    def changes_of(self, commit: str) -> tuple[FileChange, ...]:
        parents = self.parents(commit)
        if self._sha(commit) in shallow_commits(self.path):
            raise RepositoryError(f"the parent of commit {commit[:12]} is not in the clone", hint=SHALLOW)
        return self.changes(parents[0] if parents else _EMPTY_TREE, commit)

    def files(self, commit: str) -> tuple[str, ...]:
        return tuple(self._tree(commit))

    def submodules(self, commit: str) -> dict[str, str]:
        """Return the commit of each submodule by its path; most commits of other repositories are not in the clone."""
        listed = self._run("ls-tree", "-r", "-z", "--full-tree", "--end-of-options", self._sha(commit)).split(b"\0")
        entries = (entry.partition(b"\t") for entry in listed if entry.startswith(_SUBMODULE.encode()))
        return {os.fsdecode(path): meta.decode("ascii").split(" ")[2] for meta, _, path in entries}

    def blob(self, commit: str, path: str) -> str | None:
        """Return the SHA-1 of a file's blob, None if it does not exist."""
        entry = self._tree(commit).get(path)
        return entry[1] if entry else None

    def read(self, commit: str, path: str) -> bytes | None:
        """Return a file's committed bytes; symbolic links are followed within the tree."""
        entries = self._tree(commit)
        for _ in range(10):
            mode, sha = entries.get(path, ("", ""))
            if mode != _SYMLINK:
                return self._blob(sha, path) if sha else None
            link = os.fsdecode(self._blob(sha, path))
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), link))
        return None

    def bundle(self, *commits: str, present: Sequence[str] = ()) -> bundles.Bundle:
        """Pack commits with their files, their history and its tags, for `of_bundle` on another machine.

        It leaves out the history and the files of the commits `present` there, except those that this clone lacks.
        """
        tips = tuple(map(self._sha, commits))
        known = tuple(sha for sha in self.resolve(present).values() if sha) if present else ()
        blobs, theirs = ({sha for tip in each for _, sha in self._tree(tip).values()} for each in (tips, known))
        with self._explained():
            return bundles.create(self.path, tips, blobs - theirs, present=known)

    def bundle_outline(self, *commits: str) -> bundles.Bundle:
        """Return the bundle of commits without its objects."""
        with self._explained():
            return bundles.outline(self.path, map(self._sha, commits))

    # -- writing ----------------------------------------------------------------------------------

    def cherry_pick(self, onto: str, commits: Sequence[str]) -> str:
        """Cherry-pick commits reproducibly, without those already contained; raise CherryPickError."""
        start, wanted = self._sha(onto), tuple(map(self._sha, commits))
        if (start, wanted) not in self._picks:
            with self._exclusive(), self._explained():
                self._picks[start, wanted] = cherry_pick.cherry_pick(self.path, start, wanted)
        return self._picks[start, wanted]

    @contextmanager
    def temporary_branches(self, base: str, head: str) -> Iterator[None]:
        """Let benchmark-base and benchmark-head name two commits within the block, and restore them after it."""
        names = [f"refs/heads/{name}" for name in TEMPORARY_BRANCHES]
        with self._exclusive():
            before = self.resolve(names)
            try:
                self._update_refs(dict(zip(names, (base, head), strict=True)))
                yield
            finally:
                self._update_refs(before)

    def worktree(self, path: Path, commit: str) -> None:
        """Check `commit` out at `path`, detached; a complete worktree of it is left alone."""
        sha = self._sha(commit)
        if not self.is_complete(path, sha):
            with self._exclusive(), self._explained():
                worktrees.remove(self.path, path)
                worktrees.create(self.tree_repository(sha), path, sha)

    def is_complete(self, path: Path, commit: str) -> bool:
        return worktrees.is_complete(tree_repository.tree_repository(self.path), path, commit)

    def tree_repository(self, *commits: str) -> Path:
        """Return a repository that has these commits and borrows no objects: for code that may write some."""
        with self._exclusive(), self._explained():
            return tree_repository.with_commits(self.path, tuple(map(self._sha, commits)))

    def status(self, path: Path) -> tuple[tuple[str, str], ...]:
        """Return what differs in a worktree from its commit: (two letters, path), `??` for untracked files."""
        return worktrees.status(self.path, path)

    def restore(self, path: Path) -> None:
        with self._exclusive(), self._explained():
            worktrees.reset(self.path, path)

    def remove_worktree(self, path: Path) -> None:
        """Delete a worktree; raise RepositoryError if `path` is something else."""
        with self._exclusive():
            worktrees.remove(self.path, path)

    def create_standalone(self, folder: Path, commit: str, *others: str) -> None:
        """Replace `folder` with a repository of its own at `commit`, for programs that create worktrees and refs.

        It borrows the objects of the repository for trees, which has the commits `others` too.
        """
        store = self.tree_repository(commit, *others)
        with self._explained():
            standalone.create(store, folder, self._sha(commit))

    # -- inside -----------------------------------------------------------------------------------

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        if self._depth:
            yield
            return
        with exclusive(self.path):
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1

    def _update_refs(self, refs: dict[str, str | None]) -> None:
        gone = [ref.encode() for ref, sha in refs.items() if not sha]
        with self._explained():
            replace_refs(self.path, gone, {ref.encode(): sha for ref, sha in refs.items() if sha})

    def _run(self, *arguments: str) -> bytes:
        with self._explained():
            return run_git(self.path, arguments)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except CommandFailedError as error:
            raise self._unreadable(error.error.strip() or error.what) from None

    def _tree(self, commit: str) -> dict[str, tuple[str, str]]:
        with self._explained():
            return _list_tree(self.path, self._sha(commit))

    def _commit(self, name: str) -> RawCommit:
        sha = self._sha(name)
        try:
            commit = RawCommit.parse(sha, self._object(sha))
            return replace(commit, parents=()) if sha in shallow_commits(self.path) else commit
        except ValueError:
            raise self._gone(f"the commit {sha[:12]} does not exist") from None

    def _blob(self, sha: str, path: str) -> bytes:
        try:
            return self._object(sha)
        except ValueError:
            raise self._unreadable(f"the content of {printable(path)} is missing") from None

    def _object(self, sha: str) -> bytes:
        return self._git().get_object_data(sha)[3]

    def _sha(self, name: str) -> str:
        """Return the commit of a name; a name may move, so only commits are cached."""
        sha = name if is_sha(name) else self.resolve([name])[name]
        if sha is None:
            raise self._gone(f"{printable(name)} does not resolve to a commit")
        return sha

    def _gone(self, what: str) -> RepositoryError:
        return RepositoryError(what, where=without_password(self.address), hint=self.way_out(_GONE))

    def _unreadable(self, why: str) -> RepositoryError:
        what = f"git could not read this repository: {without_password(why)}"
        hint = "complete a partial clone with `git fetch --refetch --no-filter`, or clone it again in full"
        return RepositoryError(what, where=without_password(self.address), hint=hint)

    def _git(self) -> Git:
        """Return GitPython's git, which reads all objects with one `cat-file --batch`."""
        if self._cat_file is None:
            from git import Git

            self._cat_file = Git(self.path)
            objects = str(self.path / "objects")
            pinned = {"GIT_DIR": str(self.path), "GIT_COMMON_DIR": str(self.path), "GIT_OBJECT_DIRECTORY": objects}
            # GitPython's processes inherit our environment: what cannot be removed is overridden.
            unset = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": "", "GIT_CONFIG_PARAMETERS": "", "GIT_GRAFT_FILE": os.devnull}
            self._cat_file.update_environment(**standalone.git_variables(), **pinned, **unset)
        return self._cat_file


@lru_cache(maxsize=8)  # every stage opens the clone again
def _list_tree(git_folder: Path, commit: str) -> dict[str, tuple[str, str]]:
    """Return mode and blob of each file of a commit by its path."""
    entries = {}
    for entry in run_git(git_folder, ["ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit]).split(b"\0"):
        meta, _, path = entry.partition(b"\t")
        if path and not meta.startswith(_SUBMODULE.encode()):
            mode, _, sha = meta.decode("ascii").split(" ")
            entries[os.fsdecode(path)] = (mode, sha)
    return entries


def _parse_raw(raw: bytes) -> Iterator[FileChange]:
    fields = iter(raw.split(b"\0"))
    for meta in fields:
        if meta:
            old_mode, new_mode, _, _, status = meta.decode("ascii").lstrip(":").split(" ")
            first = os.fsdecode(next(fields))
            second = os.fsdecode(next(fields)) if status[0] in "RC" else first
            if _SUBMODULE not in (old_mode, new_mode):
                kind = cast("Literal['A', 'M', 'D', 'R', 'T']", status[0])
                yield FileChange(kind, None if kind == "A" else first, None if kind == "D" else second)
