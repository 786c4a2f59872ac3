"""One manifest at work: its items with defaults merged in, its places, and what its refs name now."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from . import __version__, git
from .errors import ManifestError, RepositoryError
from .manifest.reader import read_leniently, resolved, shown_path
from .paths import STATE_FOLDER, ProjectPaths, cache_folder
from .store import digest, fingerprint_of, hash_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .errors import Problem
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

    @classmethod
    def open(cls, manifest: Path, *, cache: Path | None = None, repository_may_be_missing: bool = False) -> Self:
        """Read a manifest and hold it against its repository; raise ManifestError with every problem of both.

        A repository that is still to be made, by a task of the caller, is checked once it is there. The functions
        are looked up only when the manifest or what its refs name has changed, since that reads whole trees.
        """
        loaded, problems = read_leniently(manifest)
        workspace = cls(loaded, cache=cache) if loaded else None
        if workspace and not (repository_may_be_missing and workspace.repository and not workspace.repository.exists()):
            problems = [*problems, *workspace._problems(faulty=bool(problems))]  # noqa: SLF001 - its own class
        if problems or workspace is None:
            raise ManifestError(shown_path(manifest), problems)
        return workspace

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

    @cached_property
    def worktree(self) -> Path | None:
        """The top folder of the user's work tree; None for a bare repository or an address."""
        return git.repository_root(self.repository) if self.repository else None

    def refs(self, item_id: str) -> git.Refs:
        """Give what the item's refs name now; a ref that names nothing is None there."""
        if self._refs is None:
            self._refs = self._resolve()
        return self._refs[item_id]

    def _problems(self, *, faulty: bool) -> list[Problem]:
        """Give what the manifest names and the repository does not have; remember that it has everything."""
        from .checks import check, function_lookup  # noqa: PLC0415 - a checked manifest needs it not

        stamp = self.folder / STATE_FOLDER / "checked.json"
        if not faulty and fingerprint_of(stamp) is not None and fingerprint_of(stamp) == self._checked():
            return []
        try:
            with git.Clone.open(self.address, self.cache, wanted=sorted(self._names())) as clone:
                problems = check(self.loaded, self.repository, clone=clone, exists=function_lookup(clone, self._refs_without_upstream))
        except RepositoryError as error:
            return [self.loaded.document.problem(error.what, ("repo",), suggestion=error.now)]
        if not problems and not faulty and (checked := self._checked()):
            from .artifacts import Stamp  # noqa: PLC0415 - a checked manifest needs it not

            Stamp().write(stamp, checked)
        return problems

    def _checked(self) -> str | None:
        """Hash the manifest and what its refs name; None where a ref names nothing."""
        try:
            refs = {item_id: self.refs(item_id) for item_id in self.items}
        except RepositoryError:
            return None
        commits = [(item.id, refs[item.id].head, refs[item.id].base, refs[item.id].picks) for item in self.items.values()]
        return hash_of([__version__, digest(self.loaded.path), commits])

    def _names(self) -> set[str]:
        return set().union(*(names_of(item) for item in self.items.values()))

    def refs_moved(self) -> None:
        """Ask git again at the next need."""
        self._refs = None

    def resolve(self, names: set[str]) -> dict[str, str | None]:
        """Resolve names to commits, in one git process where the repository is on this machine."""
        if self.repository:
            return git.resolve(self.repository, sorted(names))
        with git.Clone.open(self.address, self.cache, wanted=sorted(names)) as clone:
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
        found = self.resolve({upstream} | self._names())
        commit = found.get(upstream)
        if commit is None:
            raise RepositoryError(f"`{upstream}` names no commit", where=self.address, now="correct `upstream:` in the manifest")
        return {item.id: self._refs_of(item, found, (upstream, commit)) for item in self.items.values()}

    def _refs_without_upstream(self, item_id: str) -> git.Refs:
        """Give an item's refs for looking up its functions, also where `upstream:` is one of the mistakes."""
        try:
            return self.refs(item_id)
        except RepositoryError:
            item = self.items[item_id]
            found = self.resolve(names_of(item))
            stand_in = next(sha for sha in found.values() if sha)
            return self._refs_of(item, found, ("", stand_in))

    def _refs_of(self, item: Optimization, found: Mapping[str, str | None], upstream: tuple[str, str]) -> git.Refs:
        return git.Refs(
            address=self.address,
            repository=self.repository,
            upstream_ref=upstream[0],
            upstream=upstream[1],
            base=found.get(item.base) if item.base else None,
            head=found.get(item.head) if item.head else None,
            picks=tuple(sha for sha in map(found.get, item.commits) if sha),
        )


def short_name(target: str) -> str:
    """Give the last part of `module:Qualified.name`, which files are named after."""
    return target.replace(":", ".").rpartition(".")[2]


def names_of(item: Optimization) -> set[str]:
    """Collect every ref that an item names."""
    return {ref for ref in (item.base, item.head, *item.commits) if ref}
