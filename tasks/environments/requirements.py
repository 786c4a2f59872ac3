"""Find out from a project's files what its benchmarks need besides the project itself."""

import posixpath
import re
import shlex
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from packaging.utils import canonicalize_name

from ..errors import EnvironmentBuildError
from ..manifest.model import EnvironmentSettings
from ..project.dependencies import locked_packages, resolved_group, string_list
from ..project.files import Project, lookup, strings
from ..project.members import declared_by_members
from ..storage.hashing import hash_of
from ..text.messages import nearest
from .interpreters import pep440

MEASURING = ("pytest>=7", "pytest-benchmark>=4", "memray>=1.10; sys_platform != 'win32'")
"""The packages for measuring; installed only if the project does not have them."""

TESTING = ("test", "tests", "testing", "benchmark", "benchmarks")
"""Extras and groups that are tried without being requested: conftest files import from them."""

TEST_FILES = (
    "requirements-test.txt", "requirements-tests.txt", "requirements-testing.txt", "test-requirements.txt",
    "test_requirements.txt", "requirements_test.txt", "requirements/test.txt", "requirements/tests.txt",
    "requirements/testing.txt", "tests/requirements.txt", "requirements-dev.txt", "requirements_dev.txt",
    "dev-requirements.txt", "requirements/dev.txt",
)  # fmt: skip
MAIN_FILES = ("requirements.txt", "requirements/base.txt", "requirements/requirements.txt", "requirements/main.txt")
READ_BY_SETUP = re.compile(r"setup\.(py|cfg)|(.*/)?[\w.-]*requirements[\w.-]*(/[\w.-]+)?\.(txt|in)")
PINNING_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to resolve the dependencies; paths are relative to the project's folder.

    `lock` means that uv.lock has everything (`bare`: without its default groups); `metadata` is the file with the
    project's requirements; `files` are requirements files; `lines` the requirements of groups; `install` and
    `arguments` come from the manifest. The names of the fields are part of the hash of an environment.
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
    """Return the attempts, the most complete first; the last has only what is required.

    Raise EnvironmentBuildError if the manifest requests an extra or group that the project does not have.
    """
    requested = _requested(project, settings)
    tests = _with_tests(project, requested)
    pins, source = _pins(project)
    result = [tests, requested] if tests != requested else [requested]
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


def dependencies_hash(project: Project, settings: EnvironmentSettings) -> str:
    """Return a hash of everything in the project's files and the settings that decides the dependencies."""
    candidates = attempts(project, settings)
    files = {file for attempt in candidates for file in attempt.files} | ({"uv.toml"} & project.files)
    is_static = _is_static(project)
    if not is_static:  # its code or its back end decides what it needs, and may read these files
        files |= {file for file in project.files if READ_BY_SETUP.fullmatch(file)}
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


def project_name(project: Project) -> str:
    """Return the distribution's normalized name, "" if no file states it."""
    return canonicalize_name(project.name)


def build_tools(project: Project) -> tuple[str, ...]:
    """Return the build requirements that must stay installed, () for most projects.

    An editable install by meson-python compiles again when it is imported.
    """
    if lookup(project.pyproject, "build-system", "build-backend") != "mesonpy":
        return ()
    return (*string_list(lookup(project.pyproject, "build-system", "requires")), "ninja")


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
    files = tuple(name for name in TEST_FILES if project.has(name))[:1] if not extras and not groups else ()
    if not (extras or groups or files):
        return requested
    return replace(
        requested,
        label=f"{requested.label} with {', '.join((*extras, *groups, *files))}",
        extras=requested.extras + extras,
        groups=requested.groups + groups,
        files=requested.files + files,
        lines=requested.lines + tuple(line for group in groups for line in group_lines(project, group)),
    )


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


def extra_names(project: Project) -> tuple[str, ...]:
    cfg = project.setup_cfg
    tables = (
        lookup(project.pyproject, "project", "optional-dependencies"),
        project.tool("poetry", "extras"),
        project.setup_keywords.get("extras_require"),
        dict(cfg["options.extras_require"]) if cfg.has_section("options.extras_require") else None,
    )
    return tuple(dict.fromkeys(name for table in tables if isinstance(table, Mapping) for name in table))


def dependency_groups(project: Project) -> dict[str, object]:
    """Return the entries of each dependency group, of any tool."""
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
    entries = dependency_groups(project).get(name)
    if isinstance(entries, Mapping):
        return tuple(_from_poetry(package, demand) for package, demand in entries.items() if package != "python")
    return strings(entries) if isinstance(entries, list) else ()


def _from_poetry(name: str, demand: object) -> str:
    version = demand if isinstance(demand, str) else lookup(demand, "version")
    extras = ",".join(strings(lookup(demand, "extras")))
    return f"{name}[{extras}]{pep440(str(version or ''))}" if extras else f"{name}{pep440(str(version or ''))}"


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


def _pins(project: Project) -> tuple[tuple[str, ...], str]:
    """Return `name==version` for the index packages with a single locked version, and the lock file."""
    lock = next((name for name in PINNING_LOCKS if project.has(name)), "")
    versions: dict[str, set[str]] = {}
    for package in locked_packages(project.toml(lock)) if lock else ():
        if _is_from_index(package) and package.get("version"):
            versions.setdefault(str(package["name"]), set()).add(str(package["version"]))
    return tuple(sorted(f"{name}=={min(locked)}" for name, locked in versions.items() if len(locked) == 1)), lock


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
