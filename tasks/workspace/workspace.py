"""A manifest resolved: its items with defaults merged in, its repositories, and the commits of its refs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ..errors import LinkError, ManifestError, RepositoryError
from ..processes.secrets import pass_variables
from ..storage.cache import RunCache
from ..storage.hashing import digest, hash_of
from ..storage.links import refuse_links_to
from ..storage.paths import STATE_FOLDER, ProjectPaths, cache_folder
from ..text.target_names import body_name
from .repository import Repository, RepositoryKey, Settings

if TYPE_CHECKING:
    from ..errors import Problem
    from ..git.models import Refs
    from ..manifest.model import Manifest, Optimization
    from ..manifest.reader import LoadedManifest

_MODEL = Path(__file__).parents[1] / "manifest" / "model.py"
"""The settings that exist: a plan of others is none of this prprep's, even if the version is the same."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The top level of a manifest, and the settings of each item by its id, defaults merged in.

    As JSON it is cached from the last run, since reading YAML and building models takes longer.
    """

    top: Settings
    items: dict[str, Settings]

    @classmethod
    def of(cls, manifest: Manifest) -> Plan:
        from ..manifest.reader import with_defaults

        items = {
            item.id: with_defaults(item, manifest.defaults).model_dump(mode="json") for item in manifest.optimizations
        }
        return cls(manifest.model_dump(mode="json", exclude={"optimizations", "defaults"}), items)


class Workspace:
    """A resolved manifest. Git is asked once about the refs of all items, when the first is needed.

    `plan` has all settings without the models; `loaded` and `items` read the file, for stages that need them.
    """

    def __init__(
        self,
        path: Path,
        plan: Plan,
        run_cache: RunCache,
        *,
        loaded: LoadedManifest | None = None,
        cache: Path | None = None,
    ) -> None:
        self.plan, self.run_cache = plan, run_cache
        pass_variables(name for settings in plan.items.values() for name in settings["env"]["passed"])
        self.paths = ProjectPaths(path, path.parent / plan.top["output"])
        self.cache = cache or cache_folder()
        self.templates = path.parent / plan.top["templates"] if plan.top["templates"] else None
        self._loaded = loaded

    @classmethod
    def open(cls, manifest: Path, *, cache: Path | None = None, repository_may_be_missing: bool = False) -> Self:
        """Read a manifest and check it against its repositories; raise ManifestError with every problem of both.

        A repository that a task of the caller has yet to make is checked once it exists. Functions are looked up
        only if the manifest or the commits of its refs have changed, since that reads whole trees.
        """
        run_cache = RunCache(manifest.parent / STATE_FOLDER / "cache.json")
        key = [digest(manifest), digest(_MODEL)]
        problems: list[Problem] = []
        if cached := run_cache.get("plan", key):
            workspace = cls(manifest, Plan(*cached), run_cache, cache=cache)
        else:
            from ..manifest.reader import read_leniently, shown_path

            loaded, problems = read_leniently(manifest)
            if loaded is None:
                raise ManifestError(shown_path(manifest), problems)
            workspace = cls(manifest, Plan.of(loaded.manifest), run_cache, loaded=loaded, cache=cache)
        problems += workspace._links()
        repositories = list(workspace.repositories.values())
        if repository_may_be_missing:
            repositories = [each for each in repositories if not each.local or each.local.exists()]
        if problems := [*problems, *workspace._problems(repositories, faulty=bool(problems))]:
            from ..manifest.reader import shown_path

            raise ManifestError(shown_path(manifest), problems)
        if not cached:
            run_cache.put("plan", key, [workspace.plan.top, workspace.plan.items])
            run_cache.save()
        return workspace

    @cached_property
    def loaded(self) -> LoadedManifest:
        """The manifest with the position of everything in it."""
        from ..manifest.reader import read

        return self._loaded or read(self.paths.manifest)

    @cached_property
    def items(self) -> Mapping[str, Optimization]:
        from ..manifest.reader import with_defaults

        manifest = self.loaded.manifest
        return {item.id: with_defaults(item, manifest.defaults) for item in manifest.optimizations}

    @property
    def folder(self) -> Path:
        return self.paths.folder

    @cached_property
    def repositories(self) -> dict[RepositoryKey, Repository]:
        keys = dict.fromkeys(RepositoryKey.of(settings, self.plan.top) for settings in self.plan.items.values())
        return {key: Repository(key, folder=self.folder, cache=self.cache) for key in keys}

    def repository(self, item_id: str) -> Repository:
        return self.repositories[RepositoryKey.of(self.plan.items[item_id], self.plan.top)]

    def items_of(self, repository: Repository) -> dict[str, Settings]:
        """Return the settings of the items that are about a repository."""
        items = self.plan.items.items()
        return {item_id: settings for item_id, settings in items if self.repository(item_id) is repository}

    @cached_property
    def function_owners(self) -> dict[str, str]:
        """Map what the body of the first function of each item is called to the first item that names it."""
        owners: dict[str, str] = {}
        for item_id, settings in self.plan.items.items():
            if settings["functions"]:
                owners.setdefault(body_name(settings["functions"][0]), item_id)
        return owners

    def refs(self, item_id: str) -> Refs:
        """Return the commits of the item's refs; None for a ref that does not resolve."""
        return self._refs[item_id]

    def refs_moved(self) -> None:
        """Ask git again when the next ref is needed."""
        self.__dict__.pop("_refs", None)

    def _problems(self, repositories: Sequence[Repository], *, faulty: bool) -> list[Problem]:
        """Return what the manifest names and these repositories do not have; remember it if they have everything."""
        key = None if faulty else self._checked()
        if key and self.run_cache.get("checked", key):
            return []
        problems = [problem for repository in repositories for problem in self._problems_of(repository)]
        if key and not problems and len(repositories) == len(self.repositories):
            self.run_cache.put("checked", key, value=True)
            self.run_cache.save()
        return problems

    def _links(self) -> list[Problem]:
        """Return the problem of an output folder that is a symbolic link, or reached through one."""
        try:
            refuse_links_to(self.paths.output / "benchmarks", self.folder)
        except LinkError as error:
            return [self.loaded.document.problem(error.what, ("output",), suggestion=error.hint)]
        return []

    def _problems_of(self, repository: Repository) -> list[Problem]:
        from .checks import check, function_lookup

        items = self.items_of(repository)
        try:
            with repository.clone(_names(items)) as clone:
                exists = function_lookup(clone, self._refs_without_upstream)
                return check(self.loaded, repository.local or clone.path, exists, items.keys())
        except RepositoryError as error:
            place = self.loaded.repository_loc(items.keys())
            return [self.loaded.document.problem(error.what, place, suggestion=error.hint)]

    def _checked(self) -> str | None:
        """Hash the manifest and the commits of its refs; None if a ref does not resolve."""
        try:
            refs = {item_id: self.refs(item_id) for item_id in self.plan.items}
        except RepositoryError:
            return None
        commits = [(item_id, each.head, each.base, each.picks) for item_id, each in refs.items()]
        return hash_of([digest(self.paths.manifest), commits])

    @cached_property
    def _refs(self) -> dict[str, Refs]:
        refs: dict[str, Refs] = {}
        for repository in self.repositories.values():
            items = self.items_of(repository)
            upstream, commits = self._commits(repository, items)
            commit = commits.get(upstream)
            if commit is None:
                what = f"`{upstream}` does not resolve to a commit"
                raise RepositoryError(what, where=repository.address, hint="correct `upstream:` in the manifest")
            for item_id, settings in items.items():
                refs[item_id] = repository.refs_of(settings, commits, (upstream, commit))
        return refs

    def _commits(self, repository: Repository, items: Mapping[str, Settings]) -> tuple[str, dict[str, str | None]]:
        """Return upstream's name and the commits of all names; those of the last run if no ref can have moved since."""
        names, entry = sorted(_names(items)), f"refs {hash_of(list(repository.key))}"
        # Reflog names such as main@{yesterday} change with time alone.
        stamp = None if any("@{" in name for name in names) else repository.stamp()
        key = hash_of([stamp, names])
        if stamp is not None and (cached := self.run_cache.get(entry, key)):
            return cached[0], cached[1]
        upstream = repository.upstream()
        commits = repository.resolve({upstream, *names})
        if stamp is not None and stamp == repository.stamp():
            self.run_cache.put(entry, key, [upstream, commits])
            self.run_cache.save()
        return upstream, commits

    def _refs_without_upstream(self, item_id: str) -> Refs:
        """Return an item's refs for looking up its functions, even if `upstream:` is one of the mistakes."""
        try:
            return self.refs(item_id)
        except RepositoryError:
            settings, repository = self.plan.items[item_id], self.repository(item_id)
            commits = repository.resolve(names_of(settings))
            any_commit = next(sha for sha in commits.values() if sha)
            return repository.refs_of(settings, commits, ("", any_commit))


def names_of(settings: Settings) -> set[str]:
    """Return every ref that an item names."""
    return {ref for ref in (settings["base"], settings["head"], *settings["commits"]) if ref}


def _names(items: Mapping[str, Settings]) -> set[str]:
    return set().union(*map(names_of, items.values()))
