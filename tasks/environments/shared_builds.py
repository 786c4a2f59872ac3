"""Copy what was built of a commit in one tree to another tree of it: the environment, and the files that it left.

The folders of trees and of their environments are named by hashes, which are equally long. Replacing one by another in
every file and link, binary ones included, moves a build, as conda does with its prefixes.
"""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from ..processes.real_paths import real_path
from ..processes.scratch import remove_folder
from ..project.files import FolderTree
from ..storage.hashing import read_bytes
from .venvs import RECORD, Venv

CACHE_TAG = b"Signature: 8a477f597d28d172789f06886806bc55"


class BuildTree(Protocol):
    """A tree of a commit alone, which exists only while its project is built there."""

    def folder(self, name: str) -> Path: ...

    def checked_out(self, name: str) -> AbstractContextManager[Path]: ...


@dataclass(frozen=True, slots=True)
class SharedBuild:
    """An environment that nothing runs in, and the `produced` files of `tree`, in which it was built."""

    venv: Venv
    tree: Path
    produced: tuple[str, ...]

    def keep(self) -> None:
        """Copy the files that the build left in its tree, before the tree is removed."""
        for path in self.produced:
            _copy(self.tree / path, self._kept / path, {})

    def copy_to(self, venv: Venv, tree: Path) -> None:
        """Replace `venv` by a copy for `tree`, and copy the produced files into the tree."""
        names = {
            old.name.encode(): new.name.encode() for old, new in ((self.venv.folder, venv.folder), (self.tree, tree))
        }
        remove_folder(venv.folder)  # first: its record would say that files copied half are whole
        for path in self.produced:
            # The tree may have links, and nothing is written through one that leads out of it.
            if real_path((tree / path).parent).is_relative_to(real_path(tree)):
                _copy(self._kept / path, tree / path, names)
        for entry in _entries(self.venv.folder, without={RECORD, self._kept.name}):
            _copy(self.venv.folder / entry, venv.folder / entry, names)

    @property
    def _kept(self) -> Path:
        return self.venv.folder / "produced"


def files_and_links(tree: Path) -> set[str]:
    """Return the paths of files and links below a tree, also of links to folders, which are no files of it."""
    links = (path.as_posix() for path in _entries(tree, without={".git"}) if (tree / path).is_symlink())
    return {*FolderTree(tree).files(), *links}


def without_caches(tree: Path, paths: Iterable[str]) -> tuple[str, ...]:
    """Leave out files below folders that a tool, such as cargo, has tagged as its cache: only builds need them."""
    tagged = {folder for path in paths for folder in PurePosixPath(path).parents if _is_cache(tree / folder)}
    return tuple(path for path in paths if tagged.isdisjoint(PurePosixPath(path).parents))


def _is_cache(folder: Path) -> bool:
    return (read_bytes(folder / "CACHEDIR.TAG") or b"").startswith(CACHE_TAG)


def _entries(folder: Path, *, without: set[str]) -> Iterator[Path]:
    """Yield the files and links below a folder, relative to it."""
    for parent, folders, files in os.walk(folder):
        below = Path(parent).relative_to(folder)
        if not below.parts:
            folders[:] = [name for name in folders if name not in without]
        linked = [name for name in folders if (Path(parent) / name).is_symlink()]
        yield from (below / name for name in (*linked, *files) if below.parts or name not in without)


def _copy(source: Path, target: Path, names: Mapping[bytes, bytes]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    if source.is_symlink():
        target.symlink_to(os.fsdecode(_renamed(os.fsencode(source.readlink()), names)))
    else:
        target.write_bytes(_renamed(source.read_bytes(), names))
        shutil.copystat(source, target)


def _renamed(content: bytes, names: Mapping[bytes, bytes]) -> bytes:
    for old, new in names.items():
        content = content.replace(old, new)
    return content
