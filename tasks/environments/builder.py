"""Build the environment of one side with uv: its dependencies, kept and shared, and its tree on top of them.

Below CACHE/environments, `dependencies/KEY` is a venv by the hash of what decides the dependencies, `trees/KEY` a
small venv for one tree (the project, editable, and a .pth to the first), and `locks` tells who is building what.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CommandFailedError, EnvironmentBuildError
from ..processes.locks import file_lock
from ..processes.progress import Note, Report, silent
from ..project.files import FolderTree, Project
from ..storage.hashing import hash_of
from . import pip_fallback
from .installer import build_error, diagnosis, lacks_editable, run_uv, uv_runs
from .interpreters import Interpreter, choose
from .requirements import MEASURING, Attempt, attempts, build_tools, inputs, project_name
from .venvs import Layer, Venv, environment_folder

if TYPE_CHECKING:
    from ..artifacts import Layout
    from ..manifest.model import EnvironmentSettings

VERSION = 1
"""Raised when the same inputs come to another environment."""

PTH = "zz_prprep_dependencies.pth"  # after the editable project's own, so that the tree comes first
COPIED = "the build back end knows no editable installs: a copy is installed for its metadata, the tree goes before it on the path"


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment of one tree.

    `python` is its interpreter, `key` a hash of what is in it, `packages` are `name==version`, sorted;
    `path_entries` belong on PYTHONPATH (import roots of what cannot be installed), `notes` say what was done
    otherwise than the project's files ask for; `pycache` is where compiled files go, where some of it may not be written into.
    """

    python: Path
    key: str
    python_version: str
    packages: tuple[str, ...]
    path_entries: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    pycache: Path | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """One tree with all that decides its environment."""

    tree: Path
    project: Project
    layout: Layout
    settings: EnvironmentSettings
    interpreter: Interpreter
    cache: Path
    report: Report
    existing: Path | None = None
    """An environment that the manifest names: it is used as it is, and nothing is written into it."""

    @property
    def folder(self) -> Path:
        return self.tree / self.layout.project

    @property
    def where(self) -> str:
        named = next(
            (
                name
                for name in ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt")
                if self.project.has(name)
            ),
            "",
        )
        return str(self.folder / named)

    @property
    def installable(self) -> bool:
        return self.layout.installable and self.project.describes_itself

    def lock(self, name: str) -> Path:
        return self.cache / "locks" / f"{name}.lock"

    def uv(self, *arguments: str | Path, **extra: str) -> None:
        # From the project's folder, where uv finds the indexes and sources of its [tool.uv].
        run_uv(arguments, cwd=self.folder, extra=extra)


def build(
    tree: Path, layout: Layout, settings: EnvironmentSettings, *, cache: Path, report: Report = silent
) -> Environment:
    """Build the environment of a tree, or take the one that is kept.

    Raise EnvironmentBuildError with the cause in words, SourceError where a configuration file is broken.
    """
    tree = tree.resolve()
    project = Project(FolderTree(tree), layout.project)
    if not (tree / layout.project).is_dir():
        now = "name a `base` from after it was made"
        raise EnvironmentBuildError(
            f"this side has no folder {layout.project}, where the project is", where=str(tree), hint=now
        )
    interpreter, note = choose(project, settings.python, cwd=tree)
    existing = environment_folder(interpreter.path) if settings.python else None
    site = Site(tree, project, layout, settings, interpreter, cache.absolute() / "environments", report, existing)
    try:
        with file_lock(site.lock(hash_of(str(tree))), busy=None):  # building writes into the tree
            return _build(site, (note,) if note else ())
    except OSError as error:
        what, where = f"the environment cannot be written: {error.strerror}", str(error.filename or cache)
        raise EnvironmentBuildError(
            what, where=where, hint="make room there, or name another folder in PRPREP_CACHE"
        ) from error


def _build(site: Site, notes: tuple[str, ...]) -> Environment:
    if not uv_runs():
        notes = (*notes, pip_fallback.NOTE)
    if site.existing:
        return _build_on(Venv(site.existing), site, notes)
    key = hash_of(
        [VERSION, inputs(site.project, site.settings), site.interpreter.version, site.interpreter.build, MEASURING]
    )
    dependencies = Venv(site.cache / "dependencies" / key)
    with file_lock(site.lock(key), busy=None):
        below = dependencies.cached_layer(key) or _install_dependencies(site, dependencies, key)
    own, above = _tree_layer(site, dependencies, below.local)
    if doubled := below.names & above.names:  # the project's own name, where only its build tells it
        with file_lock(site.lock(key), busy=None):
            dependencies.uninstall(doubled & dependencies.names())
            below = dependencies.finish(key, below)
    return _environment(site, own, key, layers=(below, above), notes=notes)


def _build_on(existing: Venv, site: Site, notes: tuple[str, ...]) -> Environment:
    """Put a tree's own layer on an environment that exists; what measuring needs and it lacks goes into that layer."""
    below = Layer(packages=existing.packages(), notes=(f"the environment {site.existing} was used as it is",))
    key = hash_of([VERSION, str(existing.folder), below.packages, MEASURING])
    own, above = _tree_layer(site, existing, (), below=key)
    hidden = [package for package in below.packages if package.partition("==")[0] in above.names]
    below = below.model_copy(update={"packages": tuple(package for package in below.packages if package not in hidden)})
    return _environment(site, own, key, layers=(below, above), notes=notes)


def _environment(
    site: Site, own: Venv, key: str, *, layers: tuple[Layer, Layer], notes: tuple[str, ...]
) -> Environment:
    below, above = layers
    packages = tuple(sorted({*below.packages, *above.packages}))
    return Environment(
        python=own.python,
        key=hash_of([key, packages]),
        python_version=site.interpreter.version,
        packages=packages,
        path_entries=_path_entries(site, above),
        notes=notes + below.notes + above.notes,
        pycache=own.folder / "pycache" if site.existing else None,
    )


def _path_entries(site: Site, layer: Layer) -> tuple[Path, ...]:
    """Return the import roots that installing the project does not cover."""
    roots = site.layout.import_roots or (site.layout.project,)
    if site.installable and not layer.by_path:
        roots = tuple(root for root in roots if not (site.tree / root).is_relative_to(site.folder))
    return tuple(site.tree / root for root in roots)


# -- the dependencies -----------------------------------------------------------------------------


def _install_dependencies(site: Site, venv: Venv, key: str) -> Layer:
    """Try the ways to resolve them, the fullest first; a way that failed is noted."""
    notes: list[str] = []
    *ways, last = attempts(site.project, site.settings)
    for way in ways:
        try:
            return _finished_way(site, venv, way, key=key, notes=notes)
        except CommandFailedError as error:
            if diagnosis(error).diagnosis.final:
                raise _refused(site, way, error) from error
            notes.append(f"{way.label} could not be installed: {diagnosis(error).cause}")
            site.report(Note(notes[-1]))
    try:
        return _finished_way(site, venv, last, key=key, notes=notes)
    except CommandFailedError as error:
        raise _refused(site, last, error) from error


def _finished_way(site: Site, venv: Venv, way: Attempt, *, key: str, notes: Sequence[str]) -> Layer:
    site.report(f"installing the dependencies: {way.label}")
    venv.create(site.interpreter)
    _install(site, venv, way)
    local = _detach(site, venv)
    told = (*notes, f"the dependencies are those of {way.label}") if notes else ()
    return venv.finish(key, Layer(notes=told, local=local))


def _install(site: Site, venv: Venv, way: Attempt) -> None:
    extras = _flagged("--extra", way.extras)
    if way.lock:
        chosen = [*extras, *_flagged("--group", way.groups), *(["--no-default-groups"] if way.bare else [])]
        command = ("sync", "--quiet", "--frozen", "--no-install-project", "--python", str(venv.python))
        site.uv(*command, *chosen, UV_PROJECT_ENVIRONMENT=str(venv.folder))
    asked = venv.write("asked.in", [*way.lines, *way.install, *_measuring(site, venv)])
    sources = [
        *_flagged("-r", [file for file in (way.metadata, *way.files) if file]),
        *(extras if way.metadata else []),
    ]
    pinned = _flagged("--constraints", [str(venv.write("pins.txt", way.pins))] if way.pins else [])
    site.uv("pip", "install", "--quiet", "--python", venv.python, *sources, "-r", asked, *pinned, *way.arguments)


def _measuring(site: Site, venv: Venv) -> list[str]:
    """Return what measuring needs and is neither the project itself nor there already."""
    from packaging.requirements import Requirement

    there = venv.names() | {project_name(site.project)}
    return [line for line in MEASURING if Requirement(line).name not in there]


def _detach(site: Site, venv: Venv) -> tuple[str, ...]:
    """Take out of the shared layer what is the tree's own: the project, and folders of the tree; give the latter.

    pytest asks for packaging and pluggy: where one of them is the target, the copy of the index must not hide the tree.
    """
    folders = {name: path for name, path in venv.installed_folders().items() if path.is_relative_to(site.tree)}
    venv.uninstall(({project_name(site.project)} | folders.keys()) & venv.names())
    return tuple(sorted(path.relative_to(site.tree).as_posix() for path in folders.values() if path != site.folder))


# -- the tree -------------------------------------------------------------------------------------


def _tree_layer(site: Site, dependencies: Venv, local: tuple[str, ...], *, below: str = "") -> tuple[Venv, Layer]:
    """Return the tree's own venv and what is in it; anew where files that its build left in the tree are gone.

    `below` tells apart what the dependencies are where their folder's name does not.
    """
    describing = {
        name: site.project.tree.read(site.project.path(name)) for name in ("pyproject.toml", "setup.py", "setup.cfg")
    }
    spelled = {name: content.hex() for name, content in describing.items() if content}
    key = hash_of([VERSION, below or dependencies.folder.name, str(site.tree), site.layout.project, spelled])
    venv = Venv(site.cache / "trees" / key)
    layer = venv.cached_layer(key)
    if layer and all((site.tree / path).exists() for path in layer.produced):
        return venv, layer
    venv.create(site.interpreter)
    link = f"import site; site.addsitedir({str(dependencies.site_packages)!r})\n"
    (venv.site_packages / PTH).write_text(link, encoding="utf-8")
    if site.existing:
        _install_lacking(site, dependencies, venv)
    places = [*([site.folder] if site.installable else []), *(site.tree / path for path in local)]
    return venv, venv.finish(
        key, _install_tree(site, venv, places, tools=dependencies.python.parent) if places else Layer()
    )


def _install_lacking(site: Site, existing: Venv, venv: Venv) -> None:
    """Install what measuring needs and an existing environment lacks, beside it, with the versions that it has of the rest."""
    lacking, own = _measuring(site, existing), project_name(site.project)
    if not lacking:
        return
    site.report(f"installing what measuring needs: {', '.join(lacking)}")
    pins = venv.write("pins.txt", (package for package in existing.packages() if package.partition("==")[0] != own))
    try:
        site.uv("pip", "install", "--quiet", "--python", venv.python, "--constraints", pins, *lacking)
    except CommandFailedError as error:
        raise build_error(error, f"installing what measuring needs beside {existing.folder}", site.where) from error


def _install_tree(site: Site, venv: Venv, places: list[Path], *, tools: Path) -> Layer:
    before = set(FolderTree(site.tree).files())
    site.report(f"installing the project from {site.layout.project or 'the root of its tree'}")
    editable = True
    try:
        _install_places(site, venv, _flagged("-e", map(str, places)), tools=tools)
    except CommandFailedError as error:
        if not lacks_editable(error):
            raise build_error(error, "building the project", site.where) from error
        editable = False
        _install_copies(site, venv, places, tools=tools)
    produced = sorted(set(FolderTree(site.tree).files()) - before)
    return Layer(produced=tuple(produced), by_path=not editable, notes=() if editable else (COPIED,))


def _install_copies(site: Site, venv: Venv, places: list[Path], *, tools: Path) -> None:
    try:
        _install_places(site, venv, list(map(str, places)), tools=tools)
    except CommandFailedError as error:
        raise build_error(error, "building the project", site.where) from error


def _install_places(site: Site, venv: Venv, places: list[str], *, tools: Path) -> None:
    arguments = attempts(site.project, site.settings)[-1].arguments
    own = {"PATH": f"{tools}{os.pathsep}{os.environ.get('PATH', os.defpath)}"} if build_tools(site.project) else {}
    open_build = ["--no-build-isolation"] if own else []
    site.uv("pip", "install", "--quiet", "--no-deps", "--python", venv.python, *open_build, *places, *arguments, **own)


def _refused(site: Site, way: Attempt, error: CommandFailedError) -> EnvironmentBuildError:
    return build_error(error, f"installing the dependencies ({way.label})", site.where)


def _flagged(flag: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (flag, value)]
