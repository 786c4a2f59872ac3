"""Read which packages a project's files name, and what else they state of it, without running its build back end."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from ..errors import SourceError
from ..project.code.compiled import is_compiled
from ..project.dependencies import resolved_group, string_list, uncommented
from ..project.files import Project, lookup, strings
from ..project.pytest_config import in_auxiliary_folder, is_test_code
from .diagnoses import Match, distribution_of
from .interpreters import pep440
from .measuring_packages import applies
from .testing_requirements import lines_of_files, listed_by_runners, name_of

TESTING = ("test", "tests", "testing", "benchmark", "benchmarks")
"""Extras and groups that are tried without being requested: conftest files import from them."""

MAIN_FILES = ("requirements.txt", "requirements/base.txt", "requirements/requirements.txt", "requirements/main.txt")
_GENERATING = (".proto", ".g4")
_COMPILES = re.compile(
    r"ext_modules|cffi_modules|rust_extensions|cython|mypyc|maturin|scikit.build|meson", re.IGNORECASE
)
_VERSION = re.compile(r"[\w.+!-]+")
_SEEDED = re.compile(rb"^[ \t]*(?:from[ \t]|import[ \t](?:.*,)?)[ \t]*(?:setuptools|pkg_resources)\b", re.MULTILINE)


def project_name(project: Project) -> str:
    """Return the distribution's normalized name, "" if no file states it."""
    return canonicalize_name(project.name)


def seeded_packages(project: Project, minor: int) -> tuple[str, ...]:
    """Return what the environments of Python's own `venv` have without asking, if the project's code imports it.

    Before Python 3.12 that is setuptools, which such code rarely requires.
    """
    if minor >= 12 or project_name(project) == "setuptools":
        return ()
    code = (path for path in sorted(project.files) if path.endswith(".py") and path != "setup.py")
    sources = (project.tree.read(project.path(path)) or b"" for path in code if not _is_beside(path))
    return ("setuptools",) if any(map(_SEEDED.search, sources)) else ()


def _is_beside(path: str) -> bool:
    return is_test_code(path) or in_auxiliary_folder(path)


def extra_names(project: Project) -> tuple[str, ...]:
    cfg = project.setup_cfg
    tables = (
        lookup(project.pyproject, "project", "optional-dependencies"),
        project.tool("setuptools", "dynamic", "optional-dependencies"),
        project.tool("hatch", "metadata", "hooks", "requirements_txt", "optional-dependencies"),
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
        named = ((package, demand) for package, demand in entries.items() if package != "python")
        return tuple(line for package, demand in named for line in _from_poetry(package, demand))
    return strings(entries) if isinstance(entries, list) else ()


def _readable(project: Project, group: str) -> tuple[str, ...]:
    """Return the requirements of a group, () if it is malformed, which matters only if it is installed."""
    try:
        return group_lines(project, group)
    except SourceError:
        return ()


def _from_poetry(name: str, demand: object) -> Iterator[str]:
    """Yield the requirements of an entry of a poetry table; a folder of the project is none."""
    for each in demand if isinstance(demand, list) else [demand]:
        version = each if isinstance(each, str) else lookup(each, "version")
        extras = ",".join(strings(lookup(each, "extras")))
        address = lookup(each, "git") or lookup(each, "url")
        if not version and not address and lookup(each, "path"):
            continue
        full_name = f"{name}[{extras}]" if extras else name
        if address and not version:
            ref = lookup(each, "rev") or lookup(each, "tag") or lookup(each, "branch")
            full_name += f" @ {'git+' if lookup(each, 'git') else ''}{address}{f'@{ref}' if ref else ''} "
        python, stated = lookup(each, "python"), lookup(each, "markers")
        markers = [*filter(None, [_python_marker(str(python or ""))]), *([f"({stated})"] if stated else [])]
        yield f"{full_name}{pep440(str(version or ''))}" + (f"; {' and '.join(markers)}" if markers else "")


def _python_marker(specifier: str) -> str:
    """Return the marker for poetry's versions of Python, of which `||` separates alternatives; "" for any version."""
    alternatives = [
        " and ".join(
            f'python_full_version {each.operator} "{each.version}"'
            for each in sorted(SpecifierSet(pep440(part)), key=str)  # the hash of an environment covers the order
        )
        for part in specifier.split("||")
    ]
    return alternatives[0] if len(alternatives) == 1 else f"({' or '.join(alternatives)})" if all(alternatives) else ""


def static_requirements(project: Project, extras: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the requirements that a project's files list, and the requirements files that they name.

    They are those of the project's own back end, which may compute others.
    """
    tables = requirement_tables(project)
    lines = [line for name in ("", *extras) for line in tables.get(name, ())]
    dynamic = project.tool("setuptools", "dynamic")
    keys = ("dependencies",), *(("optional-dependencies", extra) for extra in extras)
    names = tuple(name for key in keys for name in strings(lookup(dynamic, *key, "file")))
    read = str(project.setup_cfg.get("options", "install_requires", fallback="")).strip()
    names += strings(read.removeprefix("file:").replace(",", " ")) if read.startswith("file:") else ()
    if project.has("setup.py") and not lines and not names:
        names = next(((name,) for name in MAIN_FILES if project.has(name)), ())
    return tuple(lines), tuple(name for name in names if project.has(name))


def version_of(project: Project) -> str:
    """Return the version that the project's files state, "0" if they state none."""
    stated = (
        lookup(project.pyproject, "project", "version"),
        project.tool("poetry", "version"),
        project.setup_cfg.get("metadata", "version", fallback=""),
        project.setup_keywords.get("version"),
    )
    return next((version for version in stated if isinstance(version, str) and _VERSION.fullmatch(version)), "0")


def is_pure(project: Project) -> bool:
    """Return whether nothing in the project looks as if its build compiles or generates modules."""
    sources = (path for path in project.files if is_compiled(path) or path.endswith(_GENERATING))
    if not all(map(in_auxiliary_folder, sources)):
        return False
    setup = (project.tree.read(project.path("setup.py")) or b"").decode("utf-8", "replace")
    required = " ".join(string_list(lookup(project.pyproject, "build-system", "requires")))
    return not _COMPILES.search(f"{setup}\n{required}")


def requirement_tables(project: Project) -> dict[str, tuple[str, ...]]:
    """Return the requirements that the project's files list, by extra; those of the project itself under ""."""
    cfg, keywords, poetry = project.setup_cfg, project.setup_keywords, project.tool("poetry", "dependencies")
    by_extra: dict[str, list[str]] = {}
    flit = project.tool("flit", "metadata")
    for lines, tables in (
        (
            lookup(project.pyproject, "project", "dependencies"),
            lookup(project.pyproject, "project", "optional-dependencies"),
        ),
        (lookup(flit, "requires"), lookup(flit, "requires-extra")),
        (keywords.get("install_requires"), keywords.get("extras_require")),
        (
            cfg.get("options", "install_requires", fallback="").splitlines(),
            {name: value.splitlines() for name, value in cfg["options.extras_require"].items()}
            if cfg.has_section("options.extras_require")
            else None,
        ),
    ):
        for name, value in {"": lines, **(tables if isinstance(tables, Mapping) else {})}.items():
            by_extra.setdefault(str(name), []).extend(
                bare for line in string_list(value) if (bare := uncommented(line)) and not bare.startswith("file:")
            )
    if isinstance(poetry, Mapping):
        entries = {name: tuple(_from_poetry(name, demand)) for name, demand in poetry.items() if name != "python"}
        optional = {name for name, demand in poetry.items() if lookup(demand, "optional")}
        by_extra.setdefault("", []).extend(
            line for name, lines in entries.items() if name not in optional for line in lines
        )
        named = project.tool("poetry", "extras")
        for extra, names in named.items() if isinstance(named, Mapping) else ():
            by_extra.setdefault(str(extra), []).extend(
                line for name in strings(names) for line in entries.get(name, ())
            )
    return {name: tuple(lines) for name, lines in by_extra.items()}


def declared_requirements(project: Project, python: str = "") -> dict[str, str]:
    """Return a requirement for each package that any of the project's files names, by its normalized name.

    What tests need comes before what the project needs, and both before what other tools and people need. Only those
    that apply to this version of Python are returned if there is one.
    """
    tables = requirement_tables(project)
    groups = dependency_groups(project)
    lines = [
        *(line for name in sorted(tables, key=lambda name: name not in TESTING) for line in tables[name]),
        *(line for name in sorted(groups, key=lambda name: name not in TESTING) for line in _readable(project, name)),
        *string_list(project.setup_keywords.get("tests_require")),
        *project.setup_cfg.get("options", "tests_require", fallback="").splitlines(),
        *listed_by_runners(project),
        *lines_of_files(project),
    ]
    named = {name: line.strip() for line in reversed(lines) if (name := name_of(line)) and _applies(line, python)}
    return {name: line for name, line in named.items() if name != project_name(project)}


def _applies(line: str, python: str) -> bool:
    return not python or applies(Requirement(uncommented(line)), python)


def requirement_for(match: Match, project: Project, packages: Collection[str], python: str) -> str:
    """Return the requirement that repairs a failure: as the project's files have it, else one that is known.

    A version of Python, `python`, decides which of the project's requirements apply. If the known one has limits, both
    hold. Return "" if there is none, or if a module of the project's own `packages` is missing.
    """
    if match.text.partition(".")[0] in packages or match.diagnosis.repairs is None:
        return ""
    known = match.requirement
    name = name_of(known) or distribution_of(match.text)
    declared = declared_requirements(project, python).get(canonicalize_name(name))
    if not declared or not known or not (limits := Requirement(known).specifier):
        return declared or known
    limited = Requirement(uncommented(declared))
    if limited.url:
        return declared
    # The module may be missing because the version is too new.
    limited.specifier &= limits
    return str(limited)
