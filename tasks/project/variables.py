"""Read the environment variables that a project sets for its tests: by pytest-env, tox or hatch."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from .dependencies import requires
from .files import Project, lookup
from .tox_and_hatch import hatch_environments, python_path, tox_ini_environments, tox_toml_environments

_NAME = re.compile(r"[A-Za-z_]\w*")
_NOT_CARRIED = re.compile(
    r"(PYTHON|PYTEST|COV|COVERAGE|PIP|UV|TOX|HATCH|VIRTUALENV|VIRTUAL_ENV|CONDA|GIT|PRPREP|LD|DYLD)(_\w*|\w*PATH\w*)?"
    r"|PYTHON\w*|PATH|HOME|TMPDIR|TEMP|TMP|COLUMNS|LINES",
    re.IGNORECASE,
)
"""Variables about the interpreter, the tools and the machine, which prprep sets itself."""


class Variable(NamedTuple):
    """A variable of the tests and the file that sets it; `value` is None if it depends on the tool's own values."""

    name: str
    value: str | None
    source: str


class ProjectVariables(NamedTuple):
    """The variables that a benchmark gets, and sentences on where they come from and on those that it does not get."""

    values: dict[str, str]
    notes: tuple[str, ...] = ()


def project_variables(project: Project) -> ProjectVariables:
    """Return the variables of the tests of a project, else of the nearest folder above it that sets any.

    pytest-env goes before tox and hatch. Raise SourceError if a configuration file is malformed.
    """
    found = (variables for each in project.upwards if (variables := _variables_of(each)) != ProjectVariables({}))
    return next(found, ProjectVariables({}))


def _variables_of(project: Project) -> ProjectVariables:
    values: dict[str, str] = {}
    sources: dict[str, list[str]] = {}
    notes: dict[str, str] = {}
    for name, value, source in (*_of_pytest_env(project), *_of_tox(project), *_of_hatch(project)):
        if not _NAME.fullmatch(name) or name in values or name in notes:
            continue
        why = ""
        if name == "PYTHONPATH" and any(python_path(project)):
            continue  # its folders are import roots
        if _NOT_CARRIED.fullmatch(name):
            why = "it is about tools that prprep runs itself"
        elif value is None or "\0" in value or "\n" in value:
            why = "its value depends on the tool"
        if why:
            notes[name] = f"{source} sets {name} for the tests, which the benchmark does not get: {why}."
        else:
            values[name] = value or ""
            sources.setdefault(source, []).append(f"{name}={value}")
    set_by = (f"{', '.join(pairs)} ({source})" for source, pairs in sources.items())
    first = f"The benchmark ran with the variables that the project sets for its tests: {'; '.join(set_by)}."
    return ProjectVariables(values, (*([first] if values else []), *notes.values()))


# -- pytest-env -------------------------------------------------------------------------------------


def _of_pytest_env(project: Project) -> Iterator[Variable]:
    """Yield the variables of pytest-env; if it is installed, it expands the values itself that depend on it."""
    entries = list(_pytest_env_entries(project))
    is_installed = bool(entries) and requires(project.tree, "pytest-env")
    yield from (each for each in entries if each.value is not None or not is_installed)


def _pytest_env_entries(project: Project) -> Iterator[Variable]:
    table = project.tool("pytest_env")
    for name, entry in table.items() if isinstance(table, Mapping) else ():
        if isinstance(entry, Mapping):
            if not entry.get("unset"):
                yield Variable(name, _literal(entry.get("value"), raw=not entry.get("transform")), _pyproject(project))
        else:
            yield Variable(name, _literal(entry, raw=True), _pyproject(project))
    for line, source in _pytest_env_lines(project):
        name, equals, value = line.partition("=")
        *flags, name = name.strip().split(":")
        if equals and "U" not in (flag.upper() for flag in flags):
            raw = "R" in (flag.upper() for flag in flags)
            yield Variable(name.strip(), _literal(value.strip(), raw=raw), source)


def _pytest_env_lines(project: Project) -> Iterator[tuple[str, str]]:
    for keys, source in ((("pytest", "ini_options"), _pyproject(project)), (("pytest",), _pyproject(project))):
        entries = lookup(project.tool(*keys), "env")
        for entry in entries.splitlines() if isinstance(entries, str) else entries if isinstance(entries, list) else ():
            yield str(entry), source
    for file, section in (("pytest.ini", "pytest"), ("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
        for line in project.ini(file).get(section, "env", fallback="").splitlines():
            yield line, project.path(file)


# -- tox --------------------------------------------------------------------------------------------


def _of_tox(project: Project) -> Iterator[Variable]:
    for options, source in tox_ini_environments(project):
        for key in ("setenv", "set_env"):
            yield from _tox_lines(options.get(key, ""), source)
    for table, source in tox_toml_environments(project):
        yield from _of_table(table.get("set_env"), source)


def _tox_lines(text: str, source: str) -> Iterator[Variable]:
    for line in text.splitlines():
        name, equals, value = (part.strip() for part in line.partition("="))
        if equals and ":" not in name and not name.startswith("#"):  # `py312: NAME=value` is for one environment
            yield Variable(name, _literal(value), source)


# -- hatch ------------------------------------------------------------------------------------------


def _of_hatch(project: Project) -> Iterator[Variable]:
    for table, source in hatch_environments(project):
        yield from _of_table(table.get("env-vars"), source)


def _of_table(variables: object, source: str) -> Iterator[Variable]:
    for name, value in variables.items() if isinstance(variables, Mapping) else ():
        yield Variable(name, _literal(value), source)


def _pyproject(project: Project) -> str:
    return project.path("pyproject.toml")


def _literal(value: object, *, raw: bool = False) -> str | None:
    """Return a value as text; None if it has a substitution such as `{toxinidir}`, unless it is `raw`."""
    if not isinstance(value, str | int | float):
        return None
    text = str(value)
    return text if raw or not re.search(r"(?<!\\)\{", text) else None
