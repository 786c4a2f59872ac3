"""One manifest at work: its items with defaults merged in, its places, and what its refs name now."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from . import __version__
from .errors import ManifestError, RepositoryError
from .files import digest, fingerprint_of, hash_of, keep_json, read_json
from .git.source import default_upstream, refs_stamp, repository_root, resolve
from .git.values import Refs
from .paths import STATE_FOLDER, ProjectPaths, cache_folder
from .plan import Plan, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .errors import Problem
    from .git import Clone
    from .manifest.model import Manifest, Optimization
    from .manifest.reader import Loaded

_ADDRESS = re.compile(r"^(?:[a-z][a-z0-9+.-]*://|[^/\s]+@[^/\s]+:|[\w.-]+::)", re.IGNORECASE)


class Workspace:
    """A manifest at work; what git says about its refs is asked once, for all items, when it is needed.

    `plan` has all settings without the models; `manifest` and `items` read the file where a stage needs them.
    """

    def __init__(self, path: Path, plan: Plan, *, loaded: Loaded | None = None, cache: Path | None = None) -> None:
        self.plan = plan
        self.paths = ProjectPaths(path, path.parent / plan.top["output"])
        self.cache = cache or cache_folder()
        self.templates = path.parent / plan.top["templates"] if plan.top["templates"] else None
        self._loaded = loaded
        self._refs: dict[str, Refs] | None = None

    @classmethod
    def open(cls, manifest: Path, *, cache: Path | None = None, repository_may_be_missing: bool = False) -> Self:
        """Read a manifest and hold it against its repository; raise ManifestError with every problem of both.

        A repository that is still to be made, by a task of the caller, is checked once it is there. The functions
        are looked up only when the manifest or what its refs name has changed, since that reads whole trees.
        """
        store, made_of = manifest.parent / STATE_FOLDER / "plan.json", digest(manifest)
        if plan := Plan.kept(store, made_of):
            problems: list[Problem] = []
            workspace = cls(manifest, plan, cache=cache)
        else:
            from .manifest.reader import read_leniently, shown_path  # noqa: PLC0415 - YAML and models, not where a plan was kept

            loaded, problems = read_leniently(manifest)
            if loaded is None:
                raise ManifestError(shown_path(manifest), problems)
            workspace = cls(manifest, Plan.of(loaded.manifest), loaded=loaded, cache=cache)
        if not (repository_may_be_missing and workspace.repository and not workspace.repository.exists()):
            problems = [*problems, *workspace._problems(faulty=bool(problems))]
        if problems:
            from .manifest.reader import shown_path  # noqa: PLC0415

            raise ManifestError(shown_path(manifest), problems)
        if plan is None:
            workspace.plan.keep(store, made_of)
        return workspace

    @cached_property
    def loaded(self) -> Loaded:
        """The manifest with the places of everything in it."""
        from .manifest.reader import read  # noqa: PLC0415

        return self._loaded or read(self.paths.manifest)

    @property
    def manifest(self) -> Manifest:
        return self.loaded.manifest

    @cached_property
    def items(self) -> Mapping[str, Optimization]:
        from .manifest.reader import resolved  # noqa: PLC0415

        return {item.id: resolved(item, self.manifest.defaults) for item in self.manifest.optimizations}

    @property
    def folder(self) -> Path:
        return self.paths.folder

    @cached_property
    def address(self) -> str:
        """The repository as git is told it: an absolute path, or the address that the manifest gives."""
        if _ADDRESS.match(self.plan.top["repo"]):
            return str(self.plan.top["repo"])
        return str((self.folder / Path(self.plan.top["repo"]).expanduser()).resolve())

    @cached_property
    def function_owners(self) -> dict[str, str]:
        """Map the short name of each function that the manifest names first to the item that does so first."""
        owners: dict[str, str] = {}
        for item_id, settings in self.plan.items.items():
            if settings["functions"]:
                owners.setdefault(short_name(settings["functions"][0]), item_id)
        return owners

    @property
    def repository(self) -> Path | None:
        """The user's own repository, where the manifest names a folder of this machine."""
        return None if _ADDRESS.match(self.plan.top["repo"]) else Path(self.address)

    @cached_property
    def worktree(self) -> Path | None:
        """The top folder of the user's work tree; None for a bare repository or an address."""
        return repository_root(self.repository) if self.repository else None

    def refs(self, item_id: str) -> Refs:
        """Give what the item's refs name now; a ref that names nothing is None there."""
        if self._refs is None:
            self._refs = self._resolve()
        return self._refs[item_id]

    def _problems(self, *, faulty: bool) -> list[Problem]:
        """Give what the manifest names and the repository does not have; remember that it has everything."""
        stamp = self.folder / STATE_FOLDER / "checked.json"
        if not faulty and fingerprint_of(stamp) is not None and fingerprint_of(stamp) == self._checked():
            return []
        from .checks import check, function_lookup  # noqa: PLC0415 - a checked manifest needs it not

        try:
            with self._clone(self._names()) as clone:
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
            refs = {item_id: self.refs(item_id) for item_id in self.plan.items}
        except RepositoryError:
            return None
        commits = [(item_id, each.head, each.base, each.picks) for item_id, each in refs.items()]
        return hash_of([__version__, digest(self.paths.manifest), commits])

    def _names(self) -> set[str]:
        return set().union(*map(names_of, self.plan.items.values()))

    def _clone(self, wanted: set[str]) -> Clone:
        from .git import Clone  # noqa: PLC0415 - GitPython, not where nothing is stale

        return Clone.open(self.address, self.cache, wanted=sorted(wanted))

    def refs_moved(self) -> None:
        """Ask git again at the next need."""
        self._refs = None

    def resolve(self, names: set[str]) -> dict[str, str | None]:
        """Resolve names to commits, in one git process where the repository is on this machine."""
        if self.repository:
            return resolve(self.repository, sorted(names))
        with self._clone(names) as clone:
            return clone.resolve(sorted(names))

    def upstream(self) -> str:
        """Name the ref that pull requests are against; raise RepositoryError where none can be found."""
        if named := self.plan.top["upstream"]:
            return str(named)
        if self.repository:
            found = default_upstream(self.repository)
        else:
            with self._clone(set()) as clone:
                found = default_upstream(clone.path)
        if found is None:
            raise RepositoryError(
                "no branch that pull requests could be against was found (origin's HEAD, main, master)",
                where=self.address,
                now="name it: `upstream: BRANCH` in the manifest",
            )
        return found

    def _resolve(self) -> dict[str, Refs]:
        upstream, found = self._found()
        commit = found.get(upstream)
        if commit is None:
            raise RepositoryError(f"`{upstream}` names no commit", where=self.address, now="correct `upstream:` in the manifest")
        return {item_id: self._refs_of(settings, found, (upstream, commit)) for item_id, settings in self.plan.items.items()}

    def _found(self) -> tuple[str, dict[str, str | None]]:
        """Give upstream's name and the commits of all names, from the last run while no ref can have moved."""
        store = self.folder / STATE_FOLDER / "refs.json"
        names = sorted(self._names())
        # Reflog names such as main@{yesterday} change with time alone.
        stamp = None if any("@{" in name for name in names) else self._refs_stamp()
        asked = hash_of([stamp, self.plan.top["upstream"], names])
        if stamp is not None and (kept := read_json(store)) and kept.get("asked") == asked:
            return kept["upstream"], kept["found"]
        upstream = self.upstream()
        found = self.resolve({upstream, *names})
        if stamp is not None and stamp == self._refs_stamp():
            keep_json(store, {"asked": asked, "upstream": upstream, "found": found})
        return upstream, found

    def _refs_stamp(self) -> list[list[object]] | None:
        return refs_stamp(self.repository) if self.repository else None

    def _refs_without_upstream(self, item_id: str) -> Refs:
        """Give an item's refs for looking up its functions, also where `upstream:` is one of the mistakes."""
        try:
            return self.refs(item_id)
        except RepositoryError:
            settings = self.plan.items[item_id]
            found = self.resolve(names_of(settings))
            stand_in = next(sha for sha in found.values() if sha)
            return self._refs_of(settings, found, ("", stand_in))

    def _refs_of(self, settings: Settings, found: Mapping[str, str | None], upstream: tuple[str, str]) -> Refs:
        return Refs(
            address=self.address,
            repository=self.repository,
            upstream_ref=upstream[0],
            upstream=upstream[1],
            base=found.get(settings["base"] or ""),
            head=found.get(settings["head"] or ""),
            picks=tuple(sha for sha in map(found.get, settings["commits"]) if sha),
        )


def short_name(target: str) -> str:
    """Give the last part of `module:Qualified.name`, which files are named after."""
    return target.replace(":", ".").rpartition(".")[2]


def names_of(settings: Settings) -> set[str]:
    """Collect every ref that an item names."""
    return {ref for ref in (settings["base"], settings["head"], *settings["commits"]) if ref}
