"""One manifest at work: its items with defaults merged in, its places, and what its refs name now."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from . import git
from .errors import RepositoryError
from .manifest.reader import resolved
from .paths import ProjectPaths, cache_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .manifest.model import Manifest, Optimization
    from .manifest.reader import Loaded

_ADDRESS = re.compile(r"^(?:[a-z][a-z0-9+.-]*://|[^/\s]+@[^/\s]+:|[\w.-]+::)", re.IGNORECASE)


class Workspace:
    """A manifest that was read, and lazily what git says about its refs: asked once, for all items."""

    def __init__(self, loaded: Loaded, *, cache: Path | None = None) -> None:
        self.loaded = loaded
        self.manifest: Manifest = loaded.manifest
        folder = loaded.path.parent
        self.paths = ProjectPaths(loaded.path, folder / self.manifest.output)
        self.cache = cache or cache_folder()
        self.items: Mapping[str, Optimization] = {item.id: resolved(item, self.manifest.defaults) for item in self.manifest.optimizations}
        self.templates = folder / self.manifest.templates if self.manifest.templates else None
        self._refs: dict[str, git.Refs] | None = None

    @property
    def folder(self) -> Path:
        return self.paths.folder

    @cached_property
    def address(self) -> str:
        """The repository as git is told it: an absolute path, or the address that the manifest gives."""
        if _ADDRESS.match(self.manifest.repo):
            return self.manifest.repo
        return str((self.folder / Path(self.manifest.repo).expanduser()).resolve())

    @cached_property
    def function_owners(self) -> dict[str, str]:
        """Map the short name of each function that the manifest names first to the item that does so first."""
        owners: dict[str, str] = {}
        for item in self.manifest.optimizations:
            if item.functions:
                owners.setdefault(short_name(item.functions[0]), item.id)
        return owners

    @property
    def repository(self) -> Path | None:
        """The user's own repository, where the manifest names a folder of this machine."""
        return None if _ADDRESS.match(self.manifest.repo) else Path(self.address)

    @property
    def worktree(self) -> Path | None:
        """The top folder of the user's work tree; None for a bare repository or an address."""
        return git.repository_root(self.repository) if self.repository else None

    def refs(self, item_id: str) -> git.Refs:
        """Give what the item's refs name now; a ref that names nothing is None there."""
        if self._refs is None:
            self._refs = self._resolve()
        return self._refs[item_id]

    def refs_moved(self) -> None:
        """Ask git again at the next need."""
        self._refs = None

    def resolve(self, names: set[str]) -> dict[str, str | None]:
        """Resolve names to commits, in one git process where the repository is on this machine."""
        if self.repository:
            return git.resolve(self.repository, sorted(names))
        with git.Clone.open(self.address, self.cache) as clone:
            return clone.resolve(sorted(names))

    def upstream(self) -> str:
        """Name the ref that pull requests are against; raise RepositoryError where none can be found."""
        if self.manifest.upstream:
            return self.manifest.upstream
        if self.repository:
            found = git.default_upstream(self.repository)
        else:
            with git.Clone.open(self.address, self.cache) as clone:
                found = git.default_upstream(clone.path)
        if found is None:
            raise RepositoryError(
                "no branch that pull requests could be against was found (origin's HEAD, main, master)",
                where=self.address,
                now="name it: `upstream: BRANCH` in the manifest",
            )
        return found

    def _resolve(self) -> dict[str, git.Refs]:
        upstream = self.upstream()
        found = self.resolve({upstream}.union(*(names_of(item) for item in self.items.values())))
        commit = found.get(upstream)
        if commit is None:
            raise RepositoryError(f"`{upstream}` names no commit", where=self.address, now="correct `upstream:` in the manifest")
        return {
            item.id: git.Refs(
                address=self.address,
                repository=self.repository,
                upstream_ref=upstream,
                upstream=commit,
                base=found.get(item.base) if item.base else None,
                head=found.get(item.head) if item.head else None,
                picks=tuple(sha for sha in map(found.get, item.commits) if sha),
            )
            for item in self.items.values()
        }


def short_name(target: str) -> str:
    """Give the last part of `module:Qualified.name`, which files are named after."""
    return target.replace(":", ".").rpartition(".")[2]


def names_of(item: Optimization) -> set[str]:
    """Collect every ref that an item names."""
    return {ref for ref in (item.base, item.head, *item.commits) if ref}
