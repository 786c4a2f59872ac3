"""Build a tree and an environment for each side of an item, and repair them if the benchmark needs it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from ..artifacts import SIDES, ChangedFunction, Detection, Injection, Layout, Scaffolding, TreeSpec, claimed_domains
from ..environments import builder, package_dates
from ..environments.builder import Environment
from ..environments.declared import requirement_for
from ..environments.diagnoses import Match, diagnose
from ..environments.interpreters import resolve_path
from ..environments.tracebacks import foreign_use
from ..environments.venvs import Venv
from ..errors import ProvenanceError, PrprepError
from ..git import Clone
from ..manifest.model import CoreChoice, Domain, Metric, Optimization
from ..processes.progress import Report
from ..project.absent import Absence, absence
from ..project.code.definitions import MODULE
from ..project.console_scripts import common_commands
from ..project.files import FolderTree, Project
from ..project.variables import ProjectVariables, project_variables
from ..storage.artifact import ArtifactReader
from ..storage.paths import PROFILES
from . import domains, measuring, trees
from .exclusive import cache_lock
from .request import ChangedDefinition, Request, Role, SideRequest

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SideEnvironment:
    """The commit that one side's tree is a checkout of, the tree, and its environment."""

    commit: str
    tree: Path
    environment: Environment


class SetupContext(Protocol):
    """What a setup needs besides the item: the manifest's folder, the item's state, the cache, the private clone."""

    folder: Path
    state: Path
    cache: Path
    tree_owner: str

    @property
    def report(self) -> Report: ...
    @property
    def worktree(self) -> Path | None: ...
    def clone(self) -> Clone: ...


class Sampling(NamedTuple):
    """How to take samples.

    It may stop by the `budget` in seconds, the `confidence` of the intervals, and what change is `negligible`; `cores`
    says where calls are timed.
    """

    budget: float = 20.0
    confidence: float = 0.99
    negligible: float = 0.01
    cores: CoreChoice = "auto"


@dataclass(frozen=True, slots=True)
class ItemArtifacts:
    """What earlier stages wrote about an item."""

    detection: Detection
    scaffolding: Scaffolding
    injection: Injection
    alongside: tuple[Detection, ...] = ()
    """Those of the items in the same lockstep: packages are as of the newest of all their commits."""

    @property
    def domains(self) -> tuple[Domain, ...]:
        return claimed_domains(self.scaffolding, self.detection)

    @classmethod
    def read(cls, reader: ArtifactReader) -> ItemArtifacts:
        return cls(reader.read(Detection), reader.read(Scaffolding), reader.read(Injection))


def metrics_of(item: Optimization, artifacts: ItemArtifacts) -> tuple[Metric, ...]:
    """Return the metrics of the manifest, else those of the domain by which the benchmark was written, or detected."""
    return item.metrics or domains.metrics_for(artifacts.domains)


def dry_run(item: Optimization, artifacts: ItemArtifacts, context: SetupContext) -> BenchmarkSetup:
    """Set everything up as for measuring, and run the benchmark once on every side."""
    setup = BenchmarkSetup(item, artifacts, context)
    setup.repaired(measuring.dry_run, seed=1)
    return setup


class BenchmarkSetup:
    """A tree and an environment for each side of an item; `repairs` name what was installed to run the benchmark."""

    def __init__(
        self, item: Optimization, artifacts: ItemArtifacts, context: SetupContext, sampling: Sampling | None = None
    ) -> None:
        self.item, self.artifacts, self._context, self._sampling = item, artifacts, context, sampling or Sampling()
        metrics = metrics_of(item, artifacts)
        confined = item.sandbox == "bwrap"
        measuring.check_tools(metrics, confined=confined)
        injection, scaffolding, cache = artifacts.injection, artifacts.scaffolding, context.cache
        specs: dict[Role, TreeSpec] = {"base": injection.base, "head": injection.head}
        if {"time", "import"} & set(metrics):
            specs["control"] = injection.base
        with context.clone() as clone:
            detections = (artifacts.detection, *artifacts.alongside)
            self._newest = max(package_dates.newest_date(clone, each) for each in detections)
            contents = trees.contents(injection, scaffolding, clone, folder=context.folder, worktree=context.worktree)
            self.tracked = {
                role: frozenset((*clone.files(trees.commit_of(clone, spec)), *spec.files))
                for role, spec in specs.items()
            }
            """The files of each side's tree that are in its commit, or were injected."""
            owner = context.tree_owner
            check_out = partial(trees.check_out, open_clone=context.clone, cache=cache, confined=confined)
            self._checkouts = {
                role: check_out(clone, spec, contents, copy=owner + (" second" if role == "control" else ""))
                for role, spec in specs.items()
            }
        self._as_of = package_dates.if_old(self._newest)
        self._extra: tuple[str, ...] = ()
        self.repairs: tuple[str, ...] = ()
        self.sides = self._build()

    def repaired(self, do: Callable[..., T], *, seed: int) -> tuple[T, Request]:
        """Call `do` with a request; if it fails for a cause that has a safe repair, repair that once and call it again.

        A repair installs a package for all sides alike; the code under test is never touched.
        """
        while True:
            request = self.request(seed=seed)
            try:
                return do(request, report=self._context.report), request
            except PrprepError as error:
                shorten_paths(error, self.sides, self._context.cache)
                if isinstance(error, ProvenanceError) or not self._repair(error):
                    raise

    def request(self, *, seed: int) -> Request:
        return request_for(
            self.item,
            self.artifacts,
            self.sides,
            profiles=self._context.state / PROFILES,
            cache=self._context.cache,
            seed=seed,
            sampling=self._sampling,
        )

    def adopt_packages(self, other: BenchmarkSetup) -> None:
        """Install what was installed to repair another item, whose benchmark is the same."""
        if (self._extra, self._as_of) != (other._extra, other._as_of):
            self._extra, self._as_of = other._extra, other._as_of
            self.sides = self._build()

    @property
    def environments(self) -> dict[str, str]:
        """The hashes of what went into the environments, by side."""
        return {role: side.environment.key for role, side in self.sides.items()}

    def _build(self) -> dict[Role, SideEnvironment]:
        env, report = self.item.env, self._context.report
        python = resolve_path(env.python, self._context.folder)
        settings = env.model_copy(update={"install": (*env.install, *self._extra), "python": python})
        layout = self.artifacts.detection.layout
        sides: dict[Role, SideEnvironment] = {}
        build = partial(builder.build, cache=self._context.cache, report=report, as_of=self._as_of)
        for role, (commit, tree, renew, pristine) in self._checkouts.items():
            report(f"environment of {role}")
            built = build(tree, layout, settings, renew=renew, pristine=pristine)
            sides[role] = SideEnvironment(commit, tree, built)
        return sides

    def _repair(self, error: PrprepError) -> bool:
        """Repair what failed, if possible; otherwise add the cause and what to do to the error's hint, if known."""
        diagnosis = self._diagnosis(error)
        if diagnosis is None:
            return False
        own = diagnosis.text.partition(".")[0] in self.artifacts.detection.layout.packages
        if diagnosis.diagnosis.name == "module-missing" and (absent := self._absence(diagnosis.text, own=own)):
            error.hint = "\n  ".join((absent.cause, *filter(None, (error.hint, absent.hint))))
            return False
        repaired = False
        if diagnosis.diagnosis.uses == "package":
            if not self._as_of and (day := package_dates.if_old(self._newest, age=timedelta(days=1))):
                packages = f"packages as of {day}, the date of the commits,"
                repaired = self._rebuilt(error, packages, diagnosis, as_of=day)
        elif (package := self._requirement(diagnosis)) and package not in self._extra:
            repaired = self._rebuilt(error, package, diagnosis, extra=package)
        if repaired:
            return True
        error.hint = "\n  ".join((diagnosis.cause, *filter(None, (error.hint, diagnosis.hint))))
        return False

    def _diagnosis(self, error: PrprepError) -> Match | None:
        own, environment = self.artifacts.detection.layout.packages, self.sides["head"].environment
        trees = [FolderTree(side.tree) for side in self.sides.values()]
        use = foreign_use(error.what, trees=trees, own=own, packages=environment.packages)
        if use is None:
            return diagnose(error.what, "benchmark")
        return diagnose(error.what, "benchmark", uses="python" if use.is_python else "package", values=use.values)

    def _requirement(self, diagnosis: Match) -> str:
        layout, head = self.artifacts.detection.layout, self.sides["head"]
        project = Project(FolderTree(head.tree), layout.project)
        return requirement_for(diagnosis, project, layout.packages, head.environment.python_version)

    def _rebuilt(
        self, error: PrprepError, packages: str, diagnosis: Match, *, extra: str = "", as_of: date | None = None
    ) -> bool:
        """Build all sides with other packages; return whether that worked, and changed anything."""
        before = self.sides, self._extra, self._as_of
        self._extra, self._as_of = (*self._extra, *filter(None, [extra])), as_of or self._as_of
        try:
            self.sides = self._build()
        except PrprepError as failure:
            error.hint += f"\n  installing {packages} failed: {failure.what.splitlines()[0]}"
            changed = False
        else:
            changed = any(
                side.environment.packages != before[0][role].environment.packages for role, side in self.sides.items()
            )
        if not changed:
            self.sides, self._extra, self._as_of = before
            return False
        repair = f"{packages} {'were' if as_of else 'was'} installed for all sides, since {diagnosis.cause}"
        self._context.report(repair)
        self.repairs = (*self.repairs, repair)
        return True

    def _absence(self, module: str, *, own: bool) -> Absence | None:
        """Return why a module that belongs to the repository is missing: no package index can provide it."""
        layout = self.artifacts.detection.layout
        for role in SIDES:
            if absent := absence(
                module, FolderTree(self.sides[role].tree), layout.import_roots, project=layout.project
            ):
                return absent
        hint = "name a `base` that has it, or import only what both sides have in the benchmark"
        return Absence(f"`{module}` is a module of the project that this side does not have", hint) if own else None


def request_for(
    item: Optimization,
    artifacts: ItemArtifacts,
    sides: Mapping[Role, SideEnvironment],
    *,
    profiles: Path,
    cache: Path,
    seed: int,
    sampling: Sampling,
) -> Request:
    detection, layout = artifacts.detection, artifacts.detection.layout
    metrics = metrics_of(item, artifacts)
    imports = "import" in metrics
    variables = variables_of(sides["head"].tree, layout)
    requests = {role: side_of(side, layout, item, variables=variables) for role, side in sides.items()}
    base, head = (FolderTree(sides[side].tree) for side in SIDES)
    return Request(
        base=requests["base"],
        head=requests["head"],
        control=requests.get("control"),
        benchmark="::".join(filter(None, (artifacts.injection.benchmark, artifacts.scaffolding.test))),
        metrics=metrics,
        profiles=profiles,
        seed=seed,
        packages=layout.packages,
        modules=modules_of(detection) if imports else (),
        changed_modules=() if imports else _changed_modules(detection),
        functions=tuple(map(_changed, detection.functions)),
        commands=common_commands(base, head, layout) if imports else (),
        project=layout.project,
        budget=sampling.budget,
        timeout=domains.timeout_for(metrics, item.timeout),
        memory_timeout=item.timeout,
        confidence=sampling.confidence,
        negligible=sampling.negligible,
        cores=sampling.cores,
        lock=cache_lock(cache),
    )


def variables_of(tree: Path, layout: Layout) -> ProjectVariables:
    return project_variables(Project(FolderTree(tree), layout.project))


def side_of(
    side: SideEnvironment, layout: Layout, item: Optimization, *, variables: ProjectVariables | None = None
) -> SideRequest:
    """Return the request of a side: the tree's import roots come first, then what the environment could not install.

    `variables` are those of the project's tests, by default as the side's own tree has them.
    """
    variables = variables or variables_of(side.tree, layout)
    roots = (side.tree / root for root in layout.import_roots)
    confined = item.sandbox == "bwrap"
    return SideRequest(
        side.tree,
        side.environment.python,
        tuple(dict.fromkeys((*roots, *side.environment.path_entries))),
        passed=item.env.passed,
        confined=confined,
        environments=Venv(side.environment.python.parents[1]).required_folders() if confined else (),
        pycache=side.environment.pycache,
        variables=tuple(variables.values.items()),
    )


def modules_of(detection: Detection) -> tuple[str, ...]:
    """Return the modules whose import is timed: the target's, else those that changed, else the project's packages."""
    if detection.target:
        return (detection.target.partition(":")[0],)
    return tuple(dict.fromkeys(function.module for function in detection.functions)) or detection.layout.packages


def _changed_modules(detection: Detection) -> tuple[str, ...]:
    """Return the modules of both sides whose own code changed, outside of functions."""
    return tuple(
        dict.fromkeys(
            function.module
            for function in detection.functions
            if function.name == MODULE and function.status == "modified"
        )
    )


def shorten_paths(error: PrprepError, sides: Mapping[Role, SideEnvironment], cache: Path) -> None:
    """Make the paths in a message relative to the trees and the cache, the same on every machine."""
    folders = [side.tree for side in sides.values()]
    for folder in (*map(os.path.realpath, folders), *folders, os.path.realpath(cache), cache):
        error.what, error.where, error.hint = (
            text.replace(f"{folder}/", "") for text in (error.what, error.where, error.hint)
        )


def _changed(function: ChangedFunction) -> ChangedDefinition:
    base, head = function.at("base"), function.at("head")
    return ChangedDefinition(function.target, base, head, only_moved=function.only_moved)
