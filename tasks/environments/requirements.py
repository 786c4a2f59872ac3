"""Read from a project's files what has to be installed beside it before its benchmarks can run."""

from __future__ import annotations

import difflib
import posixpath
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ..errors import EnvironmentBuildError
from ..project.dependencies import locked_packages, resolved_group, string_list
from ..project.files import lookup, strings
from ..storage.hashing import hash_of
from .interpreters import pep440

if TYPE_CHECKING:
    from ..manifest.model import EnvironmentSettings
    from ..project.files import Project

MEASURING = ("pytest>=7", "pytest-benchmark>=4", "memray>=1.10; sys_platform != 'win32'")
"""What measuring needs in the target's environment; installed only where the project does not bring it."""

TESTING = ("test", "tests", "testing", "benchmark", "benchmarks")
"""Extras and groups that are tried without being asked for: conftest files import from them."""

TEST_FILES = (
    "requirements-test.txt", "requirements-tests.txt", "requirements-testing.txt", "test-requirements.txt", "test_requirements.txt",
    "requirements_test.txt", "requirements/test.txt", "requirements/tests.txt", "requirements/testing.txt", "tests/requirements.txt",
    "requirements-dev.txt", "requirements_dev.txt", "dev-requirements.txt", "requirements/dev.txt",
)  # fmt: skip
MAIN_FILES = ("requirements.txt", "requirements/base.txt", "requirements/requirements.txt", "requirements/main.txt")
READ_BY_SETUP = re.compile(r"setup\.(py|cfg)|(.*/)?[\w.-]*requirements[\w.-]*(/[\w.-]+)?\.(txt|in)")
PINNING_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to resolve the dependencies; paths are relative to the project's folder.

    `label` tells what it is; `lock` whether uv.lock says it all (`bare`: without its default groups);
    `metadata` the file whose project is asked for its requirements; `files` requirements files; `lines` what
    groups come to; `install` and `arguments` the manifest's.
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


def attempts(project: Project, settings: EnvironmentSettings) -> tuple[Attempt, ...]:
    """Return the ways to try, the fullest first; the last has nothing but what must be there.

    Raise EnvironmentBuildError where the manifest asks for an extra or group that the project does not have.
    """
    asked = _asked(project, settings)
    tests = _with_tests(project, asked)
    pins, source = _pins(project)
    ways = [tests, asked] if tests != asked else [asked]
    if pins:
        ways = [replace(way, pins=pins, label=f"{way.label}, pinned as in {source}") for way in ways] + ways
    if _uv_lock(project):
        ways = [*_locked(asked, tests, build_tools(project)), *ways]
    return tuple(ways)


def inputs(project: Project, settings: EnvironmentSettings) -> str:
    """Hash everything in the project's files and the settings that decides what `attempts` come to."""
    ways = attempts(project, settings)
    named = {file for way in ways for file in way.files} | ({"uv.toml"} & project.files)
    opaque = not _is_static(project)
    if opaque:  # its code or its back end says what it needs, and may read these files
        named |= {file for file in project.files if READ_BY_SETUP.fullmatch(file)}
    return hash_of(
        [
            project_name(project),
            [repr(way) for way in ways],
            {file: _digest(project, file) for file in sorted(named | _included(project, named))},
            _lock_content(project),
            _tables(project) if not opaque or project.tool("poetry") else _digest(project, "pyproject.toml"),
        ],
    )


def project_name(project: Project) -> str:
    """Return the distribution's normalized name, "" where no file states it."""
    from packaging.utils import canonicalize_name

    stated = lookup(project.pyproject, "project", "name") or project.tool("poetry", "name")
    stated = stated or project.setup_cfg.get("metadata", "name", fallback="") or project.setup_keywords.get("name")
    return canonicalize_name(stated) if isinstance(stated, str) else ""


def build_tools(project: Project) -> tuple[str, ...]:
    """Return what a project needs to build itself outside of an isolated environment, () where it need not.

    An editable install by meson-python compiles again when it is imported, so its tools have to stay.
    """
    if lookup(project.pyproject, "build-system", "build-backend") != "mesonpy":
        return ()
    return (*string_list(lookup(project.pyproject, "build-system", "requires")), "ninja")


def extra_names(project: Project) -> tuple[str, ...]:
    """Return the names of the project's extras."""
    return _extras(project)


def group_names(project: Project) -> tuple[str, ...]:
    """Return the names of the project's dependency groups, whoever manages them."""
    return tuple(_groups(project))


# -- what is asked for ----------------------------------------------------------------------------


def _asked(project: Project, settings: EnvironmentSettings) -> Attempt:
    metadata = _metadata_file(project)
    _refuse_unknown(
        "extra", settings.extras, _extras(project) if _is_static(project) or not metadata else settings.extras
    )
    _refuse_unknown("group", settings.groups, tuple(_groups(project)))
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


def _with_tests(project: Project, asked: Attempt) -> Attempt:
    extras = (
        tuple(extra for extra in _extras(project) if extra in TESTING and extra not in asked.extras)
        if asked.metadata
        else ()
    )
    groups = tuple(group for group in _groups(project) if group in TESTING and group not in asked.groups)
    files = tuple(name for name in TEST_FILES if project.has(name))[:1] if not extras and not groups else ()
    if not (extras or groups or files):
        return asked
    return replace(
        asked,
        label=f"{asked.label} with {', '.join((*extras, *groups, *files))}",
        extras=asked.extras + extras,
        groups=asked.groups + groups,
        files=asked.files + files,
        lines=asked.lines + tuple(line for group in groups for line in group_lines(project, group)),
    )


def _locked(asked: Attempt, tests: Attempt, lines: tuple[str, ...]) -> list[Attempt]:
    """Turn the attempts into ones from uv.lock: uv itself takes extras and groups out of it."""
    full = replace(tests, label="uv.lock", lock=True, metadata="", files=(), lines=lines)
    return [
        full,
        replace(
            full, label="uv.lock without default groups and tests", bare=True, extras=asked.extras, groups=asked.groups
        ),
    ]


def _refuse_unknown(kind: str, asked: Iterable[str], known: tuple[str, ...]) -> None:
    for name in asked:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"; did you mean `{near[0]}`?" if near else ""
            has = f"it has {', '.join(sorted(known))}" if known else "it has none"
            raise EnvironmentBuildError(
                f"the project has no {'extra' if kind == 'extra' else 'dependency group'} `{name}`{meant}",
                where=f"env: {kind}s",
                hint=f"{has}; mend `env: {{{kind}s: [...]}}`",
            )


# -- what the files say ---------------------------------------------------------------------------


def _metadata_file(project: Project) -> str:
    if not project.describes_itself:
        return ""
    if project.pyproject.keys() & {"project", "build-system"} or project.tool("poetry"):
        return "pyproject.toml"
    return "setup.py" if project.has("setup.py") else "setup.cfg"


def _is_static(project: Project) -> bool:
    """Whether pyproject.toml alone tells the requirements."""
    dynamic = string_list(lookup(project.pyproject, "project", "dynamic"))
    return lookup(project.pyproject, "project") is not None and not {"dependencies", "optional-dependencies"} & set(
        dynamic
    )


def _tables(project: Project) -> object:
    """Return what a project's requirements follow from, without its version and description."""
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


def _extras(project: Project) -> tuple[str, ...]:
    cfg = project.setup_cfg
    tables = (
        lookup(project.pyproject, "project", "optional-dependencies"),
        project.tool("poetry", "extras"),
        project.setup_keywords.get("extras_require"),
        dict(cfg["options.extras_require"]) if cfg.has_section("options.extras_require") else None,
    )
    return tuple(dict.fromkeys(name for table in tables if isinstance(table, Mapping) for name in table))


def _groups(project: Project) -> dict[str, object]:
    poetry = project.tool("poetry", "group")
    tables = (
        {"dev": project.tool("uv", "dev-dependencies")} if project.tool("uv", "dev-dependencies") else None,
        {"dev": project.tool("poetry", "dev-dependencies")} if project.tool("poetry", "dev-dependencies") else None,
        {name: lookup(poetry, name, "dependencies") for name in poetry} if isinstance(poetry, Mapping) else None,
        project.tool("pdm", "dev-dependencies"),
        lookup(project.pyproject, "dependency-groups"),
    )
    return {str(name): entries for table in tables if isinstance(table, Mapping) for name, entries in table.items()}


def group_lines(project: Project, name: str) -> tuple[str, ...]:
    """Return the requirements of a dependency group and of the groups that it includes.

    Raise SourceError if the group in `[dependency-groups]` is malformed.
    """
    standard = lookup(project.pyproject, "dependency-groups")
    if isinstance(standard, Mapping) and name in standard:
        return resolved_group(standard, name, where=project.path("pyproject.toml"))
    entries = _groups(project).get(name)
    if isinstance(entries, Mapping):
        return tuple(_from_poetry(package, demand) for package, demand in entries.items() if package != "python")
    return strings(entries) if isinstance(entries, list) else ()


def _from_poetry(name: str, demand: object) -> str:
    version = demand if isinstance(demand, str) else lookup(demand, "version")
    extras = ",".join(strings(lookup(demand, "extras")))
    return f"{name}[{extras}]{pep440(str(version or ''))}" if extras else f"{name}{pep440(str(version or ''))}"


# -- locks and files ------------------------------------------------------------------------------


def _uv_lock(project: Project) -> str:
    """Return the uv.lock that holds for the project, relative to its folder: its own, or its workspace's."""
    for folder in (project.folder, *(map(str, PurePosixPath(project.folder).parents) if project.folder else ())):
        path = posixpath.join("" if folder == "." else folder, "uv.lock")
        if project.tree.read(path) is not None:
            return posixpath.relpath(path, project.folder or ".")
    return ""


def _lock_content(project: Project) -> object:
    """Return what uv.lock locks, without the versions of the workspace's own projects."""
    packages = locked_packages(project.toml(lock)) if (lock := _uv_lock(project)) else ()
    local = {"editable", "virtual", "directory"}

    def is_local(package: Mapping[str, object]) -> bool:
        source = package.get("source")
        return isinstance(source, Mapping) and bool(local & source.keys())

    return [{**package, "version": ""} if is_local(package) else package for package in packages]


def _pins(project: Project) -> tuple[tuple[str, ...], str]:
    """Return `name==version` of the first lock file, for packages of an index that are locked to one version only."""
    lock = next((name for name in PINNING_LOCKS if project.has(name)), "")
    versions: dict[str, set[str]] = {}
    for package in locked_packages(project.toml(lock)) if lock else ():
        if _is_from_index(package) and package.get("version"):
            versions.setdefault(str(package["name"]), set()).add(str(package["version"]))
    return tuple(sorted(f"{name}=={min(found)}" for name, found in versions.items() if len(found) == 1)), lock


def _is_from_index(package: Mapping[str, object]) -> bool:
    source = package.get("source")
    elsewhere = {"git", "directory", "path", "url", "vcs", "archive", "editable", "virtual"}
    if isinstance(source, Mapping):
        return not elsewhere & source.keys() and source.get("type", "legacy") == "legacy"
    return not elsewhere & package.keys()


def _included(project: Project, files: Iterable[str]) -> set[str]:
    """Return the requirements files that others include with `-r` or `-c`."""
    found: set[str] = set()
    waiting = list(files)
    while waiting:
        file = waiting.pop()
        text = (project.tree.read(project.path(file)) or b"").decode("utf-8", "replace")
        for name in re.findall(r"^\s*(?:-r|-c|--requirement|--constraint)[\s=]+(\S+)", text, re.MULTILINE):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(file), name))
            if path not in found and project.has(path):
                found.add(path)
                waiting.append(path)
    return found


def _digest(project: Project, file: str) -> str | None:
    content = project.tree.read(project.path(file))
    return None if content is None else hash_of(content.hex())
