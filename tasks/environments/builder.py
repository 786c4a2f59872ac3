"""Build the environment of one side with uv: shared dependencies, and the tree on top of them.

In CACHE/environments, `dependencies/KEY` is a venv named by the hash of what decides the dependencies,
`measuring/KEY` has what measuring needs and they lack, and `trees/KEY` is a small venv for one tree: the project,
editable, and a .pth to the dependencies and, behind them, to what measuring needs. The project of a commit is built
once for all trees of the commit, in one that is removed afterwards; `trees` has its venv, too. `locks` has locks.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ..artifacts import Layout
from ..errors import CommandFailedError, EnvironmentBuildError
from ..manifest.model import EnvironmentSettings
from ..processes.locks import file_lock
from ..processes.progress import Note, Report, silent
from ..processes.real_paths import real_path
from ..project.dependencies import uncommented
from ..project.files import FolderTree, Project
from ..project.layout import PROJECT_FILES
from ..storage.hashing import hash_of
from . import measuring_packages, pip_fallback
from .declared import is_pure, project_name, seeded_packages, static_requirements, version_of
from .installer import build_error, diagnosis, fails_itself, lacks_editable, run_uv, uv_runs
from .interpreters import Interpreter, choose
from .measuring_packages import MeasuringPackages, applies, complete_benchmark
from .package_dates import Cutoff, install_as_of, supported_since
from .requirements import Attempt, attempts, build_tools, chooses_date, dependencies_hash, imports_copies, locked_pins
from .shared_builds import BuildTree, SharedBuild, files_and_links, without_caches
from .testing_requirements import lines_of, name_of
from .venvs import Layer, Venv, environment_folder

VERSION = 3
"""Increase it if the same inputs give another environment."""

PTH = "zz_prprep_dependencies.pth"  # sorts after the editable project's own, so that the tree comes first
UNBUILT = "the project's build back end fails: its files say what it needs, and its tree is on the path instead"
COPIED = (
    "the build back end has no editable installs that import from the tree: a copy provides the metadata, and the tree "
    "precedes it on the path"
)


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment of one tree.

    `key` is a hash of its content, `packages` are `name==version`, sorted; `path_entries` belong on PYTHONPATH (import
    roots that cannot be installed), `notes` say what differs from the project's files; `pycache` is the folder for
    compiled files if the environment must not be changed; `as_of` is the date of the packages if it is not today.
    """

    python: Path
    key: str
    python_version: str
    packages: tuple[str, ...]
    path_entries: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    pycache: Path | None = None
    as_of: str = ""


@dataclass(frozen=True, slots=True)
class _Below:
    """What the environment of a tree lies on, by hash `key`; `local` are folders of the tree to install with it."""

    dependencies: Venv
    measuring: Venv
    local: tuple[str, ...]
    key: str
    as_of: date | None

    @property
    def identity(self) -> list[str]:
        return [self.key, self.measuring.folder.name, str(self.as_of)]


class _RenewedError(Exception):
    """The tree was checked out again: what was read of it no longer counts."""


def build(
    tree: Path,
    layout: Layout,
    settings: EnvironmentSettings,
    *,
    cache: Path,
    report: Report = silent,
    as_of: date | None = None,
    renew: Callable[[], object] | None = None,
    pristine: BuildTree | None = None,
) -> Environment:
    """Build the environment of a tree, or reuse it; with `as_of`, from packages that are no newer, if possible.

    With `pristine`, the project is built there, once for all trees of its commit, and copied to this tree. Building
    runs code of the tree outside of any sandbox. If confined code may have run there since it was checked out, `renew`
    checks it out again, before anything is built. Raise EnvironmentBuildError with the cause, SourceError if a
    configuration file is broken.
    """
    build_it = partial(_build, tree, layout, settings, cache=cache, report=report, as_of=as_of, pristine=pristine)
    try:
        return build_it(renew=renew)
    except _RenewedError:
        return build_it()


def _build(
    tree: Path,
    layout: Layout,
    settings: EnvironmentSettings,
    *,
    cache: Path,
    report: Report,
    as_of: date | None,
    pristine: BuildTree | None,
    renew: Callable[[], object] | None = None,
) -> Environment:
    tree = real_path(tree)
    project = Project(FolderTree(tree), layout.project)
    if not (tree / layout.project).is_dir():
        what = f"this side has no folder {layout.project}, where the project is"
        raise EnvironmentBuildError(what, where=str(tree), hint="name a later `base` that has it")
    as_of = None if chooses_date(project, settings) else as_of
    interpreter, note = choose(project, settings.python, cwd=tree, as_of=as_of)
    existing = environment_folder(interpreter.path) if settings.python else None
    settings = settings.model_copy(
        update={"install": (*settings.install, *seeded_packages(project, interpreter.minor))}
    )
    folder = real_path(cache / "environments")
    builder = EnvironmentBuilder(
        tree, project, layout, settings, interpreter, folder, report, existing, as_of, renew, pristine
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
    commits_of: date | None = None
    renew: Callable[[], object] | None = None
    pristine: BuildTree | None = None

    @property
    def as_of(self) -> date | None:
        """The date of the packages: at least one of which most packages support this Python."""
        since = supported_since(self.interpreter.minor)
        return self.commits_of and max(self.commits_of, since)

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
        wanted = dependencies_hash(self.project, self.settings, self.as_of)
        # What measuring needs decides which of the project's pins are too old.
        measuring = measuring_packages.requirements(python.minor)
        key = hash_of([VERSION, wanted, python.version, python.build, measuring])
        dependencies = Venv(self.cache / "dependencies" / key)
        with file_lock(self.lock(key), busy=None):
            below = dependencies.cached_layer(key) or self._install_dependencies(dependencies, key)
        return self._environment(dependencies, below, key, notes)

    def _build_on(self, existing: Venv, notes: tuple[str, ...]) -> Environment:
        """Put the tree's layer, with missing measuring packages, on an existing environment."""
        below = Layer(packages=existing.packages(), notes=(f"the environment {self.existing} was used as it is",))
        key = hash_of([VERSION, str(existing.folder), below.packages])
        return self._environment(existing, below, key, notes)

    def _environment(self, dependencies: Venv, below: Layer, key: str, notes: tuple[str, ...]) -> Environment:
        """Put what measuring needs, then the tree, on the dependencies."""
        measuring, beside = self._measuring_layer(below, key)
        venv, above = self._tree_layer(_Below(dependencies, measuring, below.local, key, self.as_of))
        below = self._without(above.names, dependencies, below, key)
        beside = self._without(above.names, measuring, beside, measuring.folder.name)
        packages = tuple(sorted({*below.packages, *beside.packages, *above.packages}))
        return Environment(
            python=venv.python,
            key=hash_of([key, packages]),
            python_version=self.interpreter.version,
            packages=packages,
            path_entries=self._path_entries(above),
            notes=notes + below.notes + beside.notes + above.notes,
            pycache=venv.folder / "pycache" if self.existing else None,
            as_of=below.as_of,
        )

    def _without(self, names: set[str], venv: Venv, layer: Layer, key: str) -> Layer:
        """Remove packages that the tree has itself: the project, if only its build knows its name."""
        if not names & layer.names:
            return layer
        if venv.folder == self.existing:
            visible = tuple(package for package in layer.packages if package.partition("==")[0] not in names)
            return layer.model_copy(update={"packages": visible})
        with file_lock(self.lock(key), busy=None):
            venv.uninstall(names & venv.names())
            return venv.finish(key, layer)

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
        failure: EnvironmentBuildError | None = None
        cause: CommandFailedError | None = None
        for attempt in attempts(self.project, self.settings, self.as_of):
            if attempt.unbuilt and not (cause and fails_itself(cause)):
                continue
            try:
                return self._install_attempt(venv, attempt, key=key, notes=notes)
            except CommandFailedError as error:
                match = diagnosis(error)
                if not attempt.unbuilt or failure is None:
                    failure = build_error(error, f"installing the dependencies ({attempt.label})", self.where)
                    failure.__cause__ = cause = error
                if match.diagnosis.final:
                    break
                notes.append(f"{attempt.label} could not be installed: {match.cause}")
                self.report(Note(notes[-1]))
        raise failure or AssertionError("there is always an attempt")

    def _install_attempt(self, venv: Venv, attempt: Attempt, *, key: str, notes: Sequence[str]) -> Layer:
        self.report(f"installing the dependencies: {attempt.label}")
        if attempt.lock and not uv_runs():
            raise pip_fallback.needs_uv(("sync",))
        venv.create(self.interpreter)
        cutoff = self._install(venv, attempt)
        complete_benchmark(venv, self.uv)
        local = self._detach(venv)
        all_notes = (*notes, f"the dependencies are those of {attempt.label}") if notes else ()
        if cutoff:
            all_notes += (cutoff.note(self._why_later()),)
        if outdated := self._outdated(attempt):
            names = ", ".join(dict.fromkeys(outdated))
            all_notes += (f"too old to measure with on Python {self.interpreter.version}, so replaced: {names}",)
        as_of = str(cutoff.day) if cutoff else ""
        return venv.finish(key, Layer(notes=all_notes, local=local, as_of=as_of))

    def _why_later(self) -> str:
        if self.as_of == self.commits_of:
            return " (the date of the commits)"
        minor = f"Python {self.interpreter.version.rpartition('.')[0]}"
        return f" (the commits are of {self.commits_of}, but few packages supported {minor} before)"

    def _install(self, venv: Venv, attempt: Attempt) -> Cutoff | None:
        extras = _repeated("--extra", attempt.extras)
        if attempt.lock:
            groups = [*_repeated("--group", attempt.groups), *(["--no-default-groups"] if attempt.bare else [])]
            sync = ("sync", "--quiet", "--frozen", "--no-install-project", "--python", str(venv.python))
            self.uv(*sync, *extras, *groups, UV_PROJECT_ENVIRONMENT=str(venv.folder))
        requested = venv.write("asked.in", [*attempt.lines, *attempt.install])
        files = _repeated("-r", [file for file in (attempt.metadata, *attempt.files) if file])
        sources = (*files, *(extras if attempt.metadata else ()), "-r", requested)
        outdated = self._outdated(attempt)
        pinned = [pin for pin in attempt.pins if pin not in outdated]
        pins = _repeated("--constraints", [str(venv.write("pins.txt", pinned))] if pinned else [])
        pins += _repeated("--overrides", [str(venv.write("newer.txt", outdated.values()))] if outdated else [])
        install = ("pip", "install", "--quiet", "--python", venv.python, *sources, *pins, *attempt.arguments)
        cutoff = self._as_of(attempt.as_of, install)
        if attempt.metadata and (lost := self._lost(venv, attempt)):
            cutoff = self._as_of(attempt.as_of, (*install, *lost))
        return cutoff

    def _outdated(self, attempt: Attempt) -> dict[str, str]:
        """Return requirements of the project that are too old to measure with, each with what is installed instead."""
        files = (uncommented(line) for file in attempt.files for line in lines_of(self.project, file))
        lines, _ = static_requirements(self.project, attempt.extras)
        listed = (*lines, *attempt.lines, *attempt.pins, *files)
        return measuring_packages.too_old(listed, self.interpreter.minor)

    def _lost(self, venv: Venv, attempt: Attempt) -> list[str]:
        """Return listed requirements that are not installed: metadata ends early if its summary has two lines."""
        lines, _ = static_requirements(self.project, attempt.extras)
        listed = [Requirement(line) for line in lines if name_of(line) not in ("", project_name(self.project))]
        wanted = [each for each in listed if not each.url and applies(each, self.interpreter.version)]
        present = venv.names() if wanted else set()
        return [str(each) for each in wanted if canonicalize_name(each.name) not in present]

    def _as_of(self, day: date | None, command: Sequence[str | Path], **extra: str) -> Cutoff | None:
        """Run uv with packages of a day, and return which those are; with any packages if there is no day."""
        if day is None:
            self.uv(*command, **extra)
            return None
        # uv does not know how old the files of a folder are, and takes the newest.
        extra = {"UV_FIND_LINKS": "", **extra}
        return install_as_of(lambda arguments: self.uv(*command, *arguments, **extra), day)

    def _measuring_layer(self, below: Layer, key: str) -> tuple[Venv, Layer]:
        """Return the venv with the packages for measuring that the dependencies lack, and its layer.

        They come behind the dependencies, so that none of the project's own packages is replaced.
        """
        needed = measuring_packages.requirements(self.interpreter.minor)
        key = hash_of([VERSION, key, needed, str(self.as_of)])
        venv = Venv(self.cache / "measuring" / key)
        own_name = project_name(self.project)
        with file_lock(self.lock(key), busy=None):
            if layer := venv.cached_layer(key):
                return venv, layer
            venv.create(self.interpreter)
            locked, _ = locked_pins(self.project, self.settings)
            arguments = attempts(self.project, self.settings)[-1].arguments
            packages = MeasuringPackages(
                below.packages, locked, arguments, self.as_of, self.interpreter.minor, own_name
            )
            try:
                notes = packages.install(venv, uv=self.uv, report=self.report)
            except CommandFailedError as error:
                raise build_error(error, "installing packages for measuring", self.where) from error
            complete_benchmark(venv, self.uv)
            venv.uninstall(venv.names() & {*below.names, own_name})
            return venv, venv.finish(key, Layer(notes=notes))

    def _detach(self, venv: Venv) -> tuple[str, ...]:
        """Uninstall the project and folders of the tree from the shared layer; return those folders.

        pytest requires packaging and pluggy: if the project is one of them, the index's copy must not hide the tree.
        """
        folders = {name: path for name, path in venv.installed_folders().items() if path.is_relative_to(self.tree)}
        venv.uninstall(({project_name(self.project)} | folders.keys()) & venv.names())
        return tuple(sorted(path.relative_to(self.tree).as_posix() for path in folders.values() if path != self.folder))

    # -- the tree ---------------------------------------------------------------------------------

    def _tree_layer(self, below: _Below) -> tuple[Venv, Layer]:
        """Return the tree's venv and its layer; rebuilt if files that its build left in the tree are gone."""
        key = self._tree_key(self.tree, below)
        venv = Venv(self.cache / "trees" / key)
        layer = venv.cached_layer(key)
        if layer and all((self.tree / path).exists() for path in layer.produced):
            return venv, layer
        self._renew_tree()
        # An editable install by meson-python compiles again in its own tree.
        pristine = self.pristine if self._built_folders(below) and not build_tools(self.project) else None
        layer = self._copy_build(pristine, venv, below) if pristine else self.fill(venv, below)
        return venv, venv.finish(key, layer)

    def _tree_key(self, tree: Path, below: _Below) -> str:
        metadata = {name: self.project.tree.read(self.project.path(name)) for name in PROJECT_FILES}
        contents = {name: content.hex() for name, content in metadata.items() if content}
        return hash_of([VERSION, below.identity, str(tree), self.layout.project, contents])

    def _built_folders(self, below: _Below) -> list[Path]:
        return [*([self.folder] if self.installable else []), *(self.tree / path for path in below.local)]

    def fill(self, venv: Venv, below: _Below) -> Layer:
        venv.create(self.interpreter)
        venv.link(PTH, below.dependencies, below.measuring)
        if folders := self._built_folders(below):
            return self._install_tree(venv, folders, tools=below.dependencies.python.parent)
        return Layer()

    def _copy_build(self, pristine: BuildTree, venv: Venv, below: _Below) -> Layer:
        """Copy what was built of the commit to the tree and its `venv`; build it if nobody has."""
        name = hash_of([*below.identity, self.layout.project])
        place = pristine.folder(name)
        key = self._tree_key(place, below)
        built = Venv(self.cache / "trees" / key)
        with file_lock(self.lock(key), busy=None):
            if (layer := built.cached_layer(key)) is None:
                with pristine.checked_out(name):
                    layer = self._build_in(place, built, below)
                    SharedBuild(built, place, layer.produced).keep()
                layer = built.finish(key, layer)
            SharedBuild(built, place, layer.produced).copy_to(venv, self.tree)
        return layer

    def _build_in(self, place: Path, venv: Venv, below: _Below) -> Layer:
        builder = replace(self, tree=place, project=Project(FolderTree(place), self.layout.project))
        try:
            layer = builder.fill(venv, below)
        except EnvironmentBuildError as error:
            error.what, error.where = (text.replace(str(place), str(self.tree)) for text in (error.what, error.where))
            raise
        return layer.model_copy(update={"produced": without_caches(place, layer.produced)})

    def _renew_tree(self) -> None:
        if self.renew:
            self.renew()
            raise _RenewedError

    def _install_tree(self, venv: Venv, folders: list[Path], *, tools: Path) -> Layer:
        before = files_and_links(self.tree)
        self.report(f"installing the project from {self.layout.project or 'the root of its tree'}")
        try:
            by_path, notes = self._install_folders(venv, folders, tools=tools)
        except CommandFailedError as error:
            if diagnosis(error).diagnosis.final or not is_pure(self.project):
                raise build_error(error, "building the project", self.where) from error
            venv.describe(self.project.name, version_of(self.project))
            by_path, notes = True, (UNBUILT,)
        produced = sorted(files_and_links(self.tree) - before)
        return Layer(produced=tuple(produced), by_path=by_path, notes=notes)

    def _install_folders(self, venv: Venv, folders: list[Path], *, tools: Path) -> tuple[bool, tuple[str, ...]]:
        """Build and install folders; return whether their import roots belong on the path, and notes.

        The build requirements are as old as the commits, or today's if that fails. Raise CommandFailedError.
        """
        arguments = attempts(self.project, self.settings)[-1].arguments
        install: tuple[str | Path, ...] = (
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--python",
            venv.python,
            *arguments,
        )
        extra: dict[str, str] = {}
        if build_tools(self.project):
            install = (*install, "--no-build-isolation")
            extra = {"PATH": f"{tools}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
        names = list(map(str, folders))
        failure: CommandFailedError | None = None
        for day in dict.fromkeys((self.as_of, None)):
            by_copy = imports_copies(self.project)
            try:
                if not by_copy:
                    self._as_of(day, (*install, *_repeated("-e", names)), **extra)
                    return False, ()
            except CommandFailedError as error:
                failure, by_copy = error, lacks_editable(error)
            try:
                if by_copy:
                    self._as_of(day, (*install, *names), **extra)
                    take_compiled(venv.site_packages, self.tree, self.layout.import_roots)
                    return True, (COPIED,)
            except CommandFailedError as error:
                failure = failure or error
        raise failure or AssertionError("there is always an attempt")


def take_compiled(site_packages: Path, tree: Path, import_roots: Iterable[str]) -> None:
    """Copy the compiled modules of an installed copy into the tree, which precedes it on the path."""
    for file in [*site_packages.rglob("*.so"), *site_packages.rglob("*.pyd")]:
        for root in import_roots:
            target = tree / root / file.relative_to(site_packages)
            # The tree may have links, and nothing is written through one that leads out of it.
            is_inside = real_path(target).is_relative_to(real_path(tree))
            if is_inside and target.parent.is_dir() and not target.exists():
                shutil.copyfile(file, target)
                break


def _repeated(flag: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (flag, value)]
