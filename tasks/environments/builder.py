"""Build the environment of one side with uv: shared dependencies, and the tree on top of them.

In CACHE/environments, `dependencies/KEY` is a venv named by the hash of what decides the dependencies,
`trees/KEY` a small venv for one tree (the project, editable, and a .pth to the dependencies); `locks` has locks.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from ..artifacts import Layout
from ..errors import CommandFailedError, EnvironmentBuildError
from ..manifest.model import EnvironmentSettings
from ..processes.locks import file_lock
from ..processes.progress import Note, Report, silent
from ..project.files import FolderTree, Project
from ..project.layout import PROJECT_FILES
from ..storage.hashing import hash_of
from . import pip_fallback
from .installer import build_error, diagnosis, lacks_editable, run_uv, uv_runs
from .interpreters import Interpreter, choose
from .requirements import MEASURING, Attempt, attempts, build_tools, dependencies_hash, project_name
from .venvs import Layer, Venv, environment_folder

VERSION = 1
"""Increase it if the same inputs give another environment."""

PTH = "zz_prprep_dependencies.pth"  # sorts after the editable project's own, so that the tree comes first
COPIED = (
    "the build back end has no editable installs: a copy provides the metadata, and the tree precedes it on the path"
)


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment of one tree.

    `key` is a hash of its content, `packages` are `name==version`, sorted; `path_entries` belong on PYTHONPATH (import
    roots that cannot be installed), `notes` say what differs from the project's files; `pycache` is the folder for
    compiled files if the environment must not be changed.
    """

    python: Path
    key: str
    python_version: str
    packages: tuple[str, ...]
    path_entries: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    pycache: Path | None = None


class _RenewedError(Exception):
    """The tree was checked out again: what was read of it no longer counts."""


def build(
    tree: Path,
    layout: Layout,
    settings: EnvironmentSettings,
    *,
    cache: Path,
    report: Report = silent,
    renew: Callable[[], object] | None = None,
) -> Environment:
    """Build the environment of a tree, or reuse it.

    Building runs code of the tree outside of any sandbox. If confined code may have run there since it was checked
    out, `renew` checks it out again, before anything is built. Raise EnvironmentBuildError with the cause, SourceError
    if a configuration file is broken.
    """
    try:
        return _build(tree, layout, settings, cache=cache, report=report, renew=renew)
    except _RenewedError:
        return _build(tree, layout, settings, cache=cache, report=report)


def _build(
    tree: Path,
    layout: Layout,
    settings: EnvironmentSettings,
    *,
    cache: Path,
    report: Report,
    renew: Callable[[], object] | None = None,
) -> Environment:
    tree = tree.resolve()
    project = Project(FolderTree(tree), layout.project)
    if not (tree / layout.project).is_dir():
        what = f"this side has no folder {layout.project}, where the project is"
        raise EnvironmentBuildError(what, where=str(tree), hint="name a later `base` that has it")
    interpreter, note = choose(project, settings.python, cwd=tree)
    existing = environment_folder(interpreter.path) if settings.python else None
    builder = EnvironmentBuilder(
        tree, project, layout, settings, interpreter, cache.absolute() / "environments", report, existing, renew
    )
    try:
        with file_lock(builder.lock(hash_of(str(tree))), busy=None):  # building writes into the tree
            return builder.build((note,) if note else ())
    except OSError as error:
        what, where = f"the environment cannot be written: {error.strerror}", str(error.filename or cache)
        hint = "free some space, or name another folder in PRPREP_CACHE"
        raise EnvironmentBuildError(what, where=where, hint=hint) from error


@dataclass(frozen=True, slots=True)
class EnvironmentBuilder:
    """Builds the environment of one tree; an `existing` one, named in the manifest, is used but never changed."""

    tree: Path
    project: Project
    layout: Layout
    settings: EnvironmentSettings
    interpreter: Interpreter
    cache: Path
    report: Report
    existing: Path | None = None
    renew: Callable[[], object] | None = None

    @property
    def folder(self) -> Path:
        return self.tree / self.layout.project

    @property
    def where(self) -> str:
        return str(self.folder / next(filter(self.project.has, (*PROJECT_FILES, "requirements.txt")), ""))

    @property
    def installable(self) -> bool:
        return self.layout.installable and self.project.describes_itself

    def lock(self, name: str) -> Path:
        return self.cache / "locks" / f"{name}.lock"

    def uv(self, *arguments: str | Path, **extra: str) -> None:
        # In the project's folder, where uv finds the indexes and sources of its [tool.uv].
        run_uv(arguments, cwd=self.folder, extra=extra)

    def build(self, notes: tuple[str, ...]) -> Environment:
        if not uv_runs():
            notes = (*notes, pip_fallback.NOTE)
        if self.existing:
            return self._build_on(Venv(self.existing), notes)
        python = self.interpreter
        key = hash_of(
            [VERSION, dependencies_hash(self.project, self.settings), python.version, python.build, MEASURING]
        )
        dependencies = Venv(self.cache / "dependencies" / key)
        with file_lock(self.lock(key), busy=None):
            below = dependencies.cached_layer(key) or self._install_dependencies(dependencies, key)
        venv, above = self._tree_layer(dependencies, below.local)
        if duplicates := below.names & above.names:  # the project itself, if only its build knows its name
            with file_lock(self.lock(key), busy=None):
                dependencies.uninstall(duplicates & dependencies.names())
                below = dependencies.finish(key, below)
        return self._environment(venv, key, layers=(below, above), notes=notes)

    def _build_on(self, existing: Venv, notes: tuple[str, ...]) -> Environment:
        """Put the tree's layer, with missing measuring packages, on an existing environment."""
        below = Layer(packages=existing.packages(), notes=(f"the environment {self.existing} was used as it is",))
        key = hash_of([VERSION, str(existing.folder), below.packages, MEASURING])
        venv, above = self._tree_layer(existing, (), below=key)
        visible = tuple(package for package in below.packages if package.partition("==")[0] not in above.names)
        below = below.model_copy(update={"packages": visible})
        return self._environment(venv, key, layers=(below, above), notes=notes)

    def _environment(self, venv: Venv, key: str, *, layers: tuple[Layer, Layer], notes: tuple[str, ...]) -> Environment:
        below, above = layers
        packages = tuple(sorted({*below.packages, *above.packages}))
        return Environment(
            python=venv.python,
            key=hash_of([key, packages]),
            python_version=self.interpreter.version,
            packages=packages,
            path_entries=self._path_entries(above),
            notes=notes + below.notes + above.notes,
            pycache=venv.folder / "pycache" if self.existing else None,
        )

    def _path_entries(self, layer: Layer) -> tuple[Path, ...]:
        """Return the import roots that installing the project does not cover."""
        roots = self.layout.import_roots or (self.layout.project,)
        if self.installable and not layer.by_path:
            roots = tuple(root for root in roots if not (self.tree / root).is_relative_to(self.folder))
        return tuple(self.tree / root for root in roots)

    # -- the dependencies -------------------------------------------------------------------------

    def _install_dependencies(self, venv: Venv, key: str) -> Layer:
        """Try the attempts, the most complete first; note those that fail."""
        self._renew_tree()
        notes: list[str] = []
        candidates = attempts(self.project, self.settings)
        for attempt in candidates:
            try:
                return self._install_attempt(venv, attempt, key=key, notes=notes)
            except CommandFailedError as error:
                match = diagnosis(error)
                if match.diagnosis.final or attempt is candidates[-1]:
                    doing = f"installing the dependencies ({attempt.label})"
                    raise build_error(error, doing, self.where) from error
                notes.append(f"{attempt.label} could not be installed: {match.cause}")
                self.report(Note(notes[-1]))
        raise AssertionError("there is always an attempt")

    def _install_attempt(self, venv: Venv, attempt: Attempt, *, key: str, notes: Sequence[str]) -> Layer:
        self.report(f"installing the dependencies: {attempt.label}")
        venv.create(self.interpreter)
        self._install(venv, attempt)
        local = self._detach(venv)
        all_notes = (*notes, f"the dependencies are those of {attempt.label}") if notes else ()
        return venv.finish(key, Layer(notes=all_notes, local=local))

    def _install(self, venv: Venv, attempt: Attempt) -> None:
        extras = _repeated("--extra", attempt.extras)
        if attempt.lock:
            groups = [*_repeated("--group", attempt.groups), *(["--no-default-groups"] if attempt.bare else [])]
            sync = ("sync", "--quiet", "--frozen", "--no-install-project", "--python", str(venv.python))
            self.uv(*sync, *extras, *groups, UV_PROJECT_ENVIRONMENT=str(venv.folder))
        requested = venv.write("asked.in", [*attempt.lines, *attempt.install, *self._measuring_packages(venv)])
        files = _repeated("-r", [file for file in (attempt.metadata, *attempt.files) if file])
        sources = (*files, *(extras if attempt.metadata else ()), "-r", requested)
        pins = _repeated("--constraints", [str(venv.write("pins.txt", attempt.pins))] if attempt.pins else [])
        self.uv("pip", "install", "--quiet", "--python", venv.python, *sources, *pins, *attempt.arguments)

    def _measuring_packages(self, venv: Venv) -> list[str]:
        """Return the packages for measuring that are neither the project itself nor installed."""
        installed = venv.names() | {project_name(self.project)}
        return [line for line in MEASURING if Requirement(line).name not in installed]

    def _detach(self, venv: Venv) -> tuple[str, ...]:
        """Uninstall the project and folders of the tree from the shared layer; return those folders.

        pytest requires packaging and pluggy: if the project is one of them, the index's copy must not hide the tree.
        """
        folders = {name: path for name, path in venv.installed_folders().items() if path.is_relative_to(self.tree)}
        venv.uninstall(({project_name(self.project)} | folders.keys()) & venv.names())
        return tuple(sorted(path.relative_to(self.tree).as_posix() for path in folders.values() if path != self.folder))

    # -- the tree ---------------------------------------------------------------------------------

    def _tree_layer(self, dependencies: Venv, local: tuple[str, ...], *, below: str = "") -> tuple[Venv, Layer]:
        """Return the tree's venv and its layer; rebuilt if files that its build left in the tree are gone.

        `below` identifies the dependencies if the name of their folder does not.
        """
        metadata = {name: self.project.tree.read(self.project.path(name)) for name in PROJECT_FILES}
        contents = {name: content.hex() for name, content in metadata.items() if content}
        key = hash_of([VERSION, below or dependencies.folder.name, str(self.tree), self.layout.project, contents])
        venv = Venv(self.cache / "trees" / key)
        layer = venv.cached_layer(key)
        if layer and all((self.tree / path).exists() for path in layer.produced):
            return venv, layer
        self._renew_tree()
        venv.create(self.interpreter)
        link = f"import site; site.addsitedir({str(dependencies.site_packages)!r})\n"
        (venv.site_packages / PTH).write_text(link, encoding="utf-8")
        if self.existing:
            self._install_measuring_packages(dependencies, venv)
        folders = [*([self.folder] if self.installable else []), *(self.tree / path for path in local)]
        layer = self._install_tree(venv, folders, tools=dependencies.python.parent) if folders else Layer()
        return venv, venv.finish(key, layer)

    def _renew_tree(self) -> None:
        if self.renew:
            self.renew()
            raise _RenewedError

    def _install_measuring_packages(self, existing: Venv, venv: Venv) -> None:
        """Install missing packages for measuring into `venv`, compatible with those of an existing environment."""
        missing, own_name = self._measuring_packages(existing), project_name(self.project)
        if not missing:
            return
        self.report(f"installing packages for measuring: {', '.join(missing)}")
        others = (package for package in existing.packages() if package.partition("==")[0] != own_name)
        pins = venv.write("pins.txt", others)
        try:
            self.uv("pip", "install", "--quiet", "--python", venv.python, "--constraints", pins, *missing)
        except CommandFailedError as error:
            doing = f"installing packages for measuring on top of {existing.folder}"
            raise build_error(error, doing, self.where) from error

    def _install_tree(self, venv: Venv, folders: list[Path], *, tools: Path) -> Layer:
        before = set(FolderTree(self.tree).files())
        self.report(f"installing the project from {self.layout.project or 'the root of its tree'}")
        names = list(map(str, folders))
        editable = True
        try:
            try:
                self._install_folders(venv, _repeated("-e", names), tools=tools)
            except CommandFailedError as error:
                if not lacks_editable(error):
                    raise
                editable = False
                self._install_folders(venv, names, tools=tools)
        except CommandFailedError as error:
            raise build_error(error, "building the project", self.where) from error
        produced = sorted(set(FolderTree(self.tree).files()) - before)
        return Layer(produced=tuple(produced), by_path=not editable, notes=() if editable else (COPIED,))

    def _install_folders(self, venv: Venv, folders: list[str], *, tools: Path) -> None:
        arguments = attempts(self.project, self.settings)[-1].arguments
        install = ("pip", "install", "--quiet", "--no-deps", "--python", venv.python)
        if build_tools(self.project):
            path = f"{tools}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
            self.uv(*install, "--no-build-isolation", *folders, *arguments, PATH=path)
        else:
            self.uv(*install, *folders, *arguments)


def _repeated(flag: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (flag, value)]
