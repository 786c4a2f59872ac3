"""What an item is measured on: a tree and an environment for every side, and what was repaired in them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..artifacts import SIDES, Detection, Injection, Scaffolding
from ..environments import builder
from ..environments.diagnoses import BENCHMARK, diagnose
from ..environments.interpreters import resolve_path
from ..environments.venvs import Venv
from ..errors import ProvenanceError, PrprepError
from ..git import Clone
from ..processes.progress import Report, silent
from ..project.console_scripts import common_commands
from ..project.files import FolderTree
from . import domains, machine, measuring, trees
from .request import ChangedDefinition, Request, SideRequest

if TYPE_CHECKING:
    from ..artifacts import ChangedFunction, Layout, TreeSpec
    from ..environments.builder import Environment
    from ..manifest.model import Metric, Optimization
    from ..storage.paths import ItemPaths
    from .request import Role

T = TypeVar("T")
_COPIES = {"control": "second"}
"""Where a role has a checkout of its own, to hold the first one of the same commit against."""


@dataclass(frozen=True, slots=True)
class SideEnvironment:
    """What one side stands on: the commit that its tree is made of, the tree, and its environment."""

    commit: str
    tree: Path
    environment: Environment


def dry_run(
    item: Optimization,
    *,
    paths: ItemPaths,
    worktree: Path | None,
    cache: Path,
    address: str,
    report: Report = silent,
) -> BenchmarkSetup:
    """Do all that measuring does before it measures: build what it stands on, and run the benchmark once on every side."""
    setup = BenchmarkSetup(
        item, ItemArtifacts.read(paths), paths=paths, worktree=worktree, cache=cache, address=address, report=report
    )
    setup.repaired(measuring.dry_run, seed=1)
    return setup


@dataclass(frozen=True, slots=True)
class ItemArtifacts:
    """What the stages before have made of an item."""

    detection: Detection
    scaffolding: Scaffolding
    injection: Injection

    @classmethod
    def read(cls, paths: ItemPaths) -> ItemArtifacts:
        return cls(Detection.read(paths.detect), Scaffolding.read(paths.scaffold), Injection.read(paths.inject))


class BenchmarkSetup:
    """What an item is measured on: a tree and an environment for every side, and what was repaired in them."""

    def __init__(
        self,
        item: Optimization,
        made: ItemArtifacts,
        *,
        paths: ItemPaths,
        worktree: Path | None,
        cache: Path,
        address: str,
        report: Report,
    ) -> None:
        self.item, self.artifacts, self._cache, self._report, self._profiles = item, made, cache, report, paths.profiles
        self._folder = paths.folder
        metrics = domains.metrics_for(made.detection.domain.domains, item.metrics)
        measuring.check_tools(metrics, confined=item.sandbox == "bwrap")
        with Clone.open(address, cache, report=report) as clone:
            contents = trees.contents(made.injection, made.scaffolding, clone, folder=paths.folder, worktree=worktree)
            self._places = {
                role: (
                    trees.commit_of(clone, spec),
                    trees.prepare(clone, spec, contents, cache=cache, copy=_COPIES.get(role, "")),
                )
                for role, spec in _specs(made.injection, metrics).items()
            }
        self._extra: tuple[str, ...] = ()
        self.repairs: tuple[str, ...] = ()
        self.sides = self._build()

    def repaired(self, do: Callable[..., T], *, seed: int) -> tuple[T, Request]:
        """Do something with the benchmark; where it fails for a reason that can be repaired safely, repair that once, and do it again.

        A repair is a package that is installed for all sides alike; the code under test is never touched.
        """
        while True:
            request = request_for(
                self.item, self.artifacts, self.sides, profiles=self._profiles, cache=self._cache, seed=seed
            )
            try:
                return do(request, report=self._report), request
            except ProvenanceError as error:
                self._relate(error)
                raise
            except PrprepError as error:
                self._relate(error)
                if not self._repair(error):
                    raise

    def _build(self) -> dict[Role, SideEnvironment]:
        asked = self.item.env
        python = resolve_path(asked.python, self._folder)
        settings = asked.model_copy(update={"install": (*asked.install, *self._extra), "python": python})
        environments_by_side: dict[Role, SideEnvironment] = {}
        for role, (commit, tree) in self._places.items():
            self._report(f"environment of {role}")
            built = builder.build(
                tree, self.artifacts.detection.layout, settings, cache=self._cache, report=self._report
            )
            environments_by_side[role] = SideEnvironment(commit, tree, built)
        return environments_by_side

    def _repair(self, error: PrprepError) -> bool:
        """Return whether what failed was repaired; else the error tells its cause and the way out, where they are known."""
        found = diagnose(error.what, BENCHMARK)
        if found is None:
            return False
        needed, own = found.requirement, found.text.partition(".")[0] in self.artifacts.detection.layout.packages
        if needed and not own and needed not in self._extra:
            self._extra = (*self._extra, needed)
            told = f"{needed} was installed for all sides, since {found.cause}"
            try:
                self.sides = self._build()
            except PrprepError as failed:
                error.hint += f"\n  {needed} was to be installed, which failed: {failed.what.splitlines()[0]}"
            else:
                self._report(told)
                self.repairs = (*self.repairs, told)
                return True
        error.hint = "\n  ".join((found.cause, *filter(None, (error.hint, found.hint))))
        return False

    def _relate(self, error: PrprepError) -> None:
        """Tell a failure with paths that mean the same everywhere, and what made-up arguments may have to do with it."""
        shorten_paths(error, self.sides, self._cache)
        scaffolding = self.artifacts.scaffolding
        made_up = scaffolding.made_from == "signature" and self.artifacts.detection.domain.domains != ("struct",)
        if made_up and "the benchmark failed on" in error.what:
            error.hint += (
                f"\n  its arguments were made up from the function's signature: correct them in {scaffolding.source}"
            )


def request_for(
    item: Optimization,
    made: ItemArtifacts,
    environments_by_side: Mapping[Role, SideEnvironment],
    *,
    profiles: Path,
    cache: Path,
    seed: int,
) -> Request:
    """Say what is to be measured; a metric that is not asked for follows from the domain."""
    detection, injection = made.detection, made.injection
    metrics = domains.metrics_for(detection.domain.domains, item.metrics)
    return Request(
        base=side_of(environments_by_side["base"], detection.layout, item),
        head=side_of(environments_by_side["head"], detection.layout, item),
        benchmark=injection.benchmark,
        metrics=metrics,
        profiles=profiles,
        seed=seed,
        control=side_of(environments_by_side["control"], detection.layout, item)
        if "control" in environments_by_side
        else None,
        packages=detection.layout.packages,
        modules=modules_of(detection),
        functions=tuple(_changed(function) for function in detection.functions),
        commands=_commands(environments_by_side, detection.layout) if "import" in metrics else (),
        project=detection.layout.project,
        budget=item.budget,
        timeout=domains.timeout_for(metrics, item.timeout),
        memory_timeout=item.timeout,
        confidence=item.confidence,
        negligible=item.negligible,
        lock=machine.lock_path(cache),
    )


def _commands(environments_by_side: Mapping[Role, SideEnvironment], layout: Layout) -> tuple[tuple[str, ...], ...]:
    """Return the console scripts that both commits have, as arguments to Python."""
    base, head = (FolderTree(environments_by_side[side].tree) for side in SIDES)
    return common_commands(base, head, layout)


def _changed(function: ChangedFunction) -> ChangedDefinition:
    """Spell a changed function as it is found in either tree; one that a side lacks is None there."""
    head = None if function.status == "removed" else (function.path, function.name)
    base = (
        None
        if function.status == "added"
        else (function.base_path or function.path, function.base_name or function.name)
    )
    return ChangedDefinition(function.target, base=base, head=head)


def side_of(ground: SideEnvironment, layout: Layout, item: Optimization) -> SideRequest:
    """Put the tree's own import roots first, then what the environment could not install."""
    roots = (ground.tree / root for root in layout.import_roots)
    confined = item.sandbox == "bwrap"
    return SideRequest(
        ground.tree,
        ground.environment.python,
        tuple(dict.fromkeys((*roots, *ground.environment.path_entries))),
        passed=item.env.passed,
        confined=confined,
        environments=Venv(ground.environment.python.parents[1]).required_folders() if confined else (),
        pycache=ground.environment.pycache,
    )


def modules_of(detection: Detection) -> tuple[str, ...]:
    """Return the modules whose import is timed: the target's, else those that changed, else the project's packages."""
    if detection.target:
        return (detection.target.partition(":")[0],)
    return tuple(dict.fromkeys(function.module for function in detection.functions)) or detection.layout.packages


def _specs(injection: Injection, metrics: Sequence[Metric]) -> dict[Role, TreeSpec]:
    """Return what the tree of each side is made from; the control is base's, where anything is timed."""
    timed: dict[Role, TreeSpec] = {"control": injection.base} if {"time", "import"} & set(metrics) else {}
    return {"base": injection.base, "head": injection.head, **timed}


def shorten_paths(error: PrprepError, environments_by_side: Mapping[Role, SideEnvironment], cache: Path) -> None:
    """Spell the paths in a message relative to the trees and the cache, the same on every machine."""
    folders = [os.path.realpath(ground.tree) for ground in environments_by_side.values()] + [
        str(ground.tree) for ground in environments_by_side.values()
    ]
    for folder in (*folders, os.path.realpath(cache), str(cache)):
        error.what, error.where, error.hint = (
            text.replace(f"{folder}/", "") for text in (error.what, error.where, error.hint)
        )
