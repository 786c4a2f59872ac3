"""One manifest at work: its items with defaults merged in, its places, and what its refs name now."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from .. import __version__
from ..errors import ManifestError, RepositoryError
from ..storage.cache import keep_json
from ..storage.files import fingerprint_of, read_json
from ..storage.hashing import digest, hash_of
from ..storage.paths import STATE_FOLDER, ProjectPaths, cache_folder
from .plan import Plan
from .repository import Named, Target

if TYPE_CHECKING:
    from ..errors import Problem
    from ..git.models import Refs
    from ..manifest.model import Manifest, Optimization
    from ..manifest.reader import Loaded
    from .plan import Settings


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
            from ..manifest.reader import read_leniently, shown_path

            loaded, problems = read_leniently(manifest)
            if loaded is None:
                raise ManifestError(shown_path(manifest), problems)
            workspace = cls(manifest, Plan.of(loaded.manifest), loaded=loaded, cache=cache)
        missing = [
            target.repository
            for target in workspace.targets.values()
            if target.repository and not target.repository.exists()
        ]
        problems = [
            *problems,
            *workspace._problems(
                faulty=bool(problems), without=frozenset(missing if repository_may_be_missing else ())
            ),
        ]
        if problems:
            from ..manifest.reader import shown_path

            raise ManifestError(shown_path(manifest), problems)
        if plan is None:
            workspace.plan.keep(store, made_of)
        return workspace

    @cached_property
    def loaded(self) -> Loaded:
        """The manifest with the places of everything in it."""
        from ..manifest.reader import read

        return self._loaded or read(self.paths.manifest)

    @property
    def manifest(self) -> Manifest:
        return self.loaded.manifest

    @cached_property
    def items(self) -> Mapping[str, Optimization]:
        from ..manifest.reader import with_defaults

        return {item.id: with_defaults(item, self.manifest.defaults) for item in self.manifest.optimizations}

    @property
    def folder(self) -> Path:
        return self.paths.folder

    @cached_property
    def targets(self) -> dict[Named, Target]:
        """The repositories that items are about."""
        named = dict.fromkeys(Named.of(settings, self.plan.top) for settings in self.plan.items.values())
        return {each: Target(each, folder=self.folder, cache=self.cache) for each in named}

    def target(self, item_id: str) -> Target:
        """Return the repository that an item is about."""
        return self.targets[Named.of(self.plan.items[item_id], self.plan.top)]

    def items_of(self, target: Target) -> dict[str, Settings]:
        """Return the settings of the items that are about a repository."""
        return {item_id: settings for item_id, settings in self.plan.items.items() if self.target(item_id) is target}

    @cached_property
    def function_owners(self) -> dict[str, str]:
        """Map the short name of each function that the manifest names first to the item that does so first."""
        owners: dict[str, str] = {}
        for item_id, settings in self.plan.items.items():
            if settings["functions"]:
                owners.setdefault(short_name(settings["functions"][0]), item_id)
        return owners

    def refs(self, item_id: str) -> Refs:
        """Return what the item's refs name now; a ref that names nothing is None there."""
        if self._refs is None:
            self._refs = self._resolve()
        return self._refs[item_id]

    def _problems(self, *, faulty: bool, without: frozenset[Path]) -> list[Problem]:
        """Return what the manifest names and its repositories do not have; remember that they have everything.

        Repositories in `without` are still to be made.
        """
        stamp = self.folder / STATE_FOLDER / "checked.json"
        if not faulty and fingerprint_of(stamp) is not None and fingerprint_of(stamp) == self._checked():
            return []
        targets = [target for target in self.targets.values() if target.repository not in without]
        problems = [problem for target in targets for problem in self._problems_of(target)]
        if not problems and not faulty and len(targets) == len(self.targets) and (checked := self._checked()):
            from ..artifacts import Stamp

            Stamp().write(stamp, checked)
        return problems

    def _problems_of(self, target: Target) -> list[Problem]:
        from .checks import check, function_lookup

        items = self.items_of(target)
        try:
            with target.clone(_names(items)) as clone:
                exists = function_lookup(clone, self._refs_without_upstream)
                return check(self.loaded, target.repository, clone=clone, exists=exists, items=items.keys())
        except RepositoryError as error:
            return [
                self.loaded.document.problem(
                    error.what, self.loaded.repository_loc(items.keys()), suggestion=error.hint
                )
            ]

    def _checked(self) -> str | None:
        """Hash the manifest and what its refs name; None where a ref names nothing."""
        try:
            refs = {item_id: self.refs(item_id) for item_id in self.plan.items}
        except RepositoryError:
            return None
        commits = [(item_id, each.head, each.base, each.picks) for item_id, each in refs.items()]
        return hash_of([__version__, digest(self.paths.manifest), commits])

    def refs_moved(self) -> None:
        """Ask git again at the next need."""
        self._refs = None

    def _resolve(self) -> dict[str, Refs]:
        refs: dict[str, Refs] = {}
        store = self.folder / STATE_FOLDER / "refs.json"
        kept = read_json(store)
        now: dict[str, Any] = {}
        for target in self.targets.values():
            items = self.items_of(target)
            upstream, found = self._found(target, items, kept, now)
            commit = found.get(upstream)
            if commit is None:
                raise RepositoryError(
                    f"`{upstream}` names no commit", where=target.address, hint="correct `upstream:` in the manifest"
                )
            refs |= {
                item_id: target.refs_of(settings, found, (upstream, commit)) for item_id, settings in items.items()
            }
        if now != kept:
            keep_json(store, now)
        return refs

    def _found(
        self, target: Target, items: Mapping[str, Settings], kept: dict[str, Any], now: dict[str, Any]
    ) -> tuple[str, dict[str, str | None]]:
        """Return upstream's name and the commits of all names, from the last run (`kept`) while no ref can have moved."""
        names, key = sorted(_names(items)), hash_of(list(target.named))
        # Reflog names such as main@{yesterday} change with time alone.
        stamp = None if any("@{" in name for name in names) else target.stamp()
        asked = hash_of([stamp, names])
        if stamp is not None and key in kept and kept[key].get("asked") == asked:
            now[key] = kept[key]
            return kept[key]["upstream"], kept[key]["found"]
        upstream = target.upstream()
        found = target.resolve({upstream, *names})
        if stamp is not None and stamp == target.stamp():
            now[key] = {"asked": asked, "upstream": upstream, "found": found}
        return upstream, found

    def _refs_without_upstream(self, item_id: str) -> Refs:
        """Return an item's refs for looking up its functions, also where `upstream:` is one of the mistakes."""
        try:
            return self.refs(item_id)
        except RepositoryError:
            settings, target = self.plan.items[item_id], self.target(item_id)
            found = target.resolve(names_of(settings))
            stand_in = next(sha for sha in found.values() if sha)
            return target.refs_of(settings, found, ("", stand_in))


def short_name(target: str) -> str:
    """Return the last part of `module:Qualified.name`, which files are named after."""
    return target.replace(":", ".").rpartition(".")[2]


def names_of(settings: Settings) -> set[str]:
    """Collect every ref that an item names."""
    return {ref for ref in (settings["base"], settings["head"], *settings["commits"]) if ref}


def _names(items: Mapping[str, Settings]) -> set[str]:
    return set().union(*map(names_of, items.values()))
