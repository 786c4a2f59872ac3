"""Find out from a project's files what its benchmarks need besides the project itself."""

import posixpath
import re
import shlex
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from ..errors import EnvironmentBuildError
from ..manifest.model import EnvironmentSettings
from ..project.dependencies import locked_packages, string_list
from ..project.files import Project, lookup
from ..project.layout import PROJECT_FILES
from ..project.members import declared_by_members
from ..storage.hashing import hash_of
from ..text.messages import nearest
from .declared import (
    MAIN_FILES,
    TESTING,
    declared_requirements,
    dependency_groups,
    extra_names,
    group_lines,
    project_name,
    requirement_tables,
    static_requirements,
)
from .testing_requirements import file_for_tests, marked_as_tests, name_of, needed_at_start

READ_BY_SETUP = re.compile(r"setup\.(py|cfg)|(.*/)?[\w.-]*requirements[\w.-]*(/[\w.-]+)?\.(txt|in)")
PINNING_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to resolve the dependencies; paths are relative to the project's folder.

    `lock` means that uv.lock has everything (`bare`: without its default groups); `metadata` is the file with the
    project's requirements, if its build back end is not too broken to state them; `files` are requirements files;
    `lines` single requirements, of groups above all; `install` and `arguments` come from the manifest; no package is
    newer than `as_of`. The names of the fields are part of the hash of an environment.
    """

    label: str
    lock: bool = False
    bare: bool = False
    metadata: str = ""
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    install: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    as_of: date | None = None
    unbuilt: bool = False
    """Whether the requirements were read from the project's files because its back end fails."""


def attempts(project: Project, settings: EnvironmentSettings, as_of: date | None = None) -> tuple[Attempt, ...]:
    """Return the attempts, the most complete first; the last has only what is required.

    Those that are `unbuilt` are for a project whose build failed in the attempts before. Raise EnvironmentBuildError if
    the manifest requests an extra or group that the project does not have.
    """
    requested = _requested(project, settings)
    tests = _with_tests(project, requested)
    pins, source = locked_pins(project, settings)
    result = [tests, requested] if tests != requested else [requested]
    if requested.metadata and not _is_static(project):
        result += [_unbuilt(project, each) for each in result]
    result = [*_dated(result, as_of), *result]
    if pins:
        pinned = [replace(each, pins=pins, label=f"{each.label}, pinned as in {source}") for each in result]
        result = pinned + result
    if _uv_lock(project):
        # uv itself selects extras and groups from the lock.
        full = replace(tests, label="uv.lock", lock=True, metadata="", files=(), lines=build_tools(project))
        label = "uv.lock without default groups and tests"
        bare = replace(full, label=label, bare=True, extras=requested.extras, groups=requested.groups)
        result = [full, bare, *result]
    return tuple(result)


def dependencies_hash(project: Project, settings: EnvironmentSettings, as_of: date | None = None) -> str:
    """Return a hash of everything in the project's files and the settings that decides the dependencies."""
    candidates = attempts(project, settings, as_of)
    files = {file for attempt in candidates for file in attempt.files} | ({"uv.toml"} & project.files)
    is_static = _is_static(project)
    if not is_static:  # its code or its back end decides what it needs, and may read these files
        files |= {file for file in project.files if READ_BY_SETUP.fullmatch(file)} | _named_files(project)
    return hash_of(
        [
            project_name(project),
            [repr(attempt) for attempt in candidates],
            {file: _digest(project, file) for file in sorted(files | _included(project, files))},
            _lock_content(project),
            declared_by_members(project),
            _tables(project) if is_static or project.tool("poetry") else _digest(project, "pyproject.toml"),
        ]
    )


def _named_files(project: Project) -> set[str]:
    """Return the lists that the project's own files name: `dependencies = {file = "deps/core.in"}`."""
    contents = (project.tree.read(project.path(name)) or b"" for name in PROJECT_FILES)
    text = b"\n".join(contents).decode("utf-8", "replace")
    return {file for file in project.files if file.endswith((".txt", ".in")) and file in text}


def chooses_date(project: Project, settings: EnvironmentSettings) -> bool:
    """Return whether the manifest or the project says itself as of when requirements are resolved."""
    return project.tool("uv", "exclude-newer") is not None or any(
        "--exclude-newer" in line for line in settings.install
    )


def build_tools(project: Project) -> tuple[str, ...]:
    """Return the build requirements that must stay installed, () for most projects.

    An editable install by meson-python compiles again when it is imported.
    """
    if _back_end(project) != "mesonpy":
        return ()
    return (*string_list(lookup(project.pyproject, "build-system", "requires")), "ninja")


def imports_copies(project: Project) -> bool:
    """Return whether an editable install imports compiled modules from the environment, whatever the tree has."""
    return _back_end(project).startswith("scikit_build_core")


def _back_end(project: Project) -> str:
    return str(lookup(project.pyproject, "build-system", "build-backend") or "")


# -- attempts -------------------------------------------------------------------------------------


def _requested(project: Project, settings: EnvironmentSettings) -> Attempt:
    metadata = _metadata_file(project)
    if _is_static(project) or not metadata:
        _reject_unknown("extra", settings.extras, extra_names(project))
    _reject_unknown("group", settings.groups, dependency_groups(project))
    return Attempt(
        label=metadata or "requirements.txt",
        metadata=metadata,
        extras=settings.extras,
        groups=settings.groups,
        files=() if metadata else next(((name,) for name in MAIN_FILES if project.has(name)), ()),
        lines=(*build_tools(project), *(line for group in settings.groups for line in group_lines(project, group))),
        install=tuple(entry for entry in settings.install if not entry.startswith("-")),
        arguments=tuple(word for entry in settings.install if entry.startswith("-") for word in shlex.split(entry)),
    )


def _with_tests(project: Project, requested: Attempt) -> Attempt:
    known = extra_names(project) if requested.metadata else ()
    extras = tuple(extra for extra in known if extra in TESTING and extra not in requested.extras)
    groups = tuple(group for group in dependency_groups(project) if group in TESTING and group not in requested.groups)
    files = () if extras or groups else file_for_tests(project)
    lines = tuple(line for group in groups for line in group_lines(project, group))
    if requested.metadata and not (extras or groups or files):
        lines = marked_as_tests(project)
    tables = requirement_tables(project)
    listed = (*lines, *(line for name in ("", *requested.extras, *extras) for line in tables.get(name, ())))
    covered = {name_of(line) for line in (*listed, *requested.lines)}
    needed = needed_at_start(project, declared_requirements(project))
    lines += tuple(line for line in needed if name_of(line) not in covered)
    if not (extras or groups or files or lines):
        return requested
    return replace(
        requested,
        label=f"{requested.label} with {', '.join((*extras, *groups, *files)) or 'what its tests need'}",
        extras=requested.extras + extras,
        groups=requested.groups + groups,
        files=requested.files + files,
        lines=requested.lines + lines,
    )


def _unbuilt(project: Project, attempt: Attempt) -> Attempt:
    """Return the attempt with what the project's files list, for a back end that fails."""
    lines, files = static_requirements(project, attempt.extras)
    return replace(
        attempt,
        label=f"what {attempt.label} lists",
        metadata="",
        lines=(*lines, *attempt.lines),
        files=tuple(dict.fromkeys((*files, *attempt.files))),
        unbuilt=True,
    )


def _dated(undated: Iterable[Attempt], as_of: date | None) -> list[Attempt]:
    return [replace(each, as_of=as_of, label=f"{each.label} as of {as_of}") for each in undated] if as_of else []


def _reject_unknown(kind: str, requested: Iterable[str], known: Collection[str]) -> None:
    for name in requested:
        if name not in known:
            near = nearest(name, known)
            suggestion = f"; did you mean `{near}`?" if near else ""
            what = f"the project has no {'extra' if kind == 'extra' else 'dependency group'} `{name}`{suggestion}"
            known_names = f"it has {', '.join(sorted(known))}" if known else "it has none"
            hint = f"{known_names}; correct `env: {{{kind}s: [...]}}`"
            raise EnvironmentBuildError(what, where=f"env: {kind}s", hint=hint)


# -- metadata -------------------------------------------------------------------------------------


def _metadata_file(project: Project) -> str:
    if not project.describes_itself:
        return ""
    if project.pyproject.keys() & {"project", "build-system"} or project.tool("poetry"):
        return "pyproject.toml"
    return "setup.py" if project.has("setup.py") else "setup.cfg"


def _is_static(project: Project) -> bool:
    dynamic = string_list(lookup(project.pyproject, "project", "dynamic"))
    has_table = lookup(project.pyproject, "project") is not None
    return has_table and not {"dependencies", "optional-dependencies"} & set(dynamic)


def _tables(project: Project) -> object:
    """Return the tables that decide the requirements, without version and description."""
    keys = ("requires-python", "dependencies", "optional-dependencies")
    poetry = ("dependencies", "dev-dependencies", "group", "extras", "source")
    uv = lookup(project.pyproject, "tool", "uv")
    return [
        {key: lookup(project.pyproject, "project", key) for key in keys},
        {key: project.tool("poetry", key) for key in poetry},
        lookup(project.pyproject, "dependency-groups"),
        {key: value for key, value in uv.items() if key != "build-backend"} if isinstance(uv, Mapping) else None,
        lookup(project.pyproject, "build-system", "requires") if project.tool("poetry") else None,
    ]


# -- locks and files ------------------------------------------------------------------------------


def _uv_lock(project: Project) -> str:
    """Return the uv.lock of the project or its workspace, relative to the project's folder."""
    locks = (owner.path("uv.lock") for owner in project.upwards)
    lock = next((path for path in locks if project.tree.read(path) is not None), "")
    return lock and posixpath.relpath(lock, project.folder or ".")


def _lock_content(project: Project) -> object:
    """Return the packages in uv.lock, without the versions of the workspace's own projects."""
    content = []
    for package in locked_packages(project.toml(lock)) if (lock := _uv_lock(project)) else ():
        is_own = any(lookup(package, "source", key) is not None for key in ("editable", "virtual", "directory"))
        content.append({**package, "version": ""} if is_own else package)
    return content


def locked_pins(project: Project, settings: EnvironmentSettings) -> tuple[tuple[str, ...], str]:
    """Return `name==version` for the index packages with a single locked version, and the lock file.

    What the manifest installs in a version of its own is not pinned.
    """
    own = {name_of(line) for line in settings.install if re.search(r"[=<>~@]", line.partition(";")[0])}
    lock = next((name for name in PINNING_LOCKS if project.has(name)), "")
    versions: dict[str, set[str]] = {}
    for package in locked_packages(project.toml(lock)) if lock else ():
        if _is_from_index(package) and package.get("version"):
            versions.setdefault(str(package["name"]), set()).add(str(package["version"]))
    pins = (f"{name}=={min(locked)}" for name, locked in versions.items() if len(locked) == 1)
    return tuple(sorted(pin for pin in pins if name_of(pin) not in own)), lock


def _is_from_index(package: Mapping[str, object]) -> bool:
    source = package.get("source")
    elsewhere = {"git", "directory", "path", "url", "vcs", "archive", "editable", "virtual"}
    if isinstance(source, Mapping):
        return not elsewhere & source.keys() and source.get("type", "legacy") == "legacy"
    return not elsewhere & package.keys()


def _included(project: Project, files: Iterable[str]) -> set[str]:
    included: set[str] = set()
    waiting = list(files)
    while waiting:
        file = waiting.pop()
        text = (project.tree.read(project.path(file)) or b"").decode("utf-8", "replace")
        for name in re.findall(r"^\s*(?:-r|-c|--requirement|--constraint)[\s=]+(\S+)", text, re.MULTILINE):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(file), name))
            if path not in included and project.has(path):
                included.add(path)
                waiting.append(path)
    return included


def _digest(project: Project, file: str) -> str | None:
    content = project.tree.read(project.path(file))
    return None if content is None else hash_of(content.hex())
