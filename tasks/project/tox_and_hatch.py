"""Read the environments in which tox and hatch run a project's tests, with the files that define them."""

import re
from collections.abc import Iterator, Mapping

from .files import Project, lookup

_TOX_SECTIONS = (("tox.ini", "testenv"), ("setup.cfg", "testenv"), ("setup.cfg", "tox:testenv"))
_VARIABLE = "PYTHONPATH"
_HATCH = ("hatch-test", "tests", "test", "default")
"""Environments of hatch that may be for tests, the most specific first."""


def tox_ini_environments(project: Project) -> Iterator[tuple[Mapping[str, str], str]]:
    """Yield the options of tox's test environment in INI files; conditional lines are as they were written."""
    for file, section in _TOX_SECTIONS:
        parser = project.ini(file)
        if parser.has_section(section):
            yield parser[section], project.path(file)


def tox_toml_environments(project: Project) -> Iterator[tuple[Mapping[str, object], str]]:
    for tables, file in ((project.tool("tox"), "pyproject.toml"), (project.toml("tox.toml"), "tox.toml")):
        if isinstance(table := lookup(tables, "env_run_base"), Mapping):
            yield table, project.path(file)


def hatch_environments(project: Project) -> Iterator[tuple[Mapping[str, object], str]]:
    for tables, file in ((project.tool("hatch"), "pyproject.toml"), (project.toml("hatch.toml"), "hatch.toml")):
        for name in _HATCH:
            if isinstance(table := lookup(tables, "envs", name), Mapping):
                yield table, project.path(file)


def python_path(project: Project) -> Iterator[str]:
    """Yield the folders of the project that PYTHONPATH has in these environments, relative to the project's."""
    for options, _ in tox_ini_environments(project):
        lines = (line.partition("=") for key in ("setenv", "set_env") for line in options.get(key, "").splitlines())
        yield from (folder for name, _, value in lines if name.strip() == _VARIABLE for folder in _folders(value))
    for key, environments in (("set_env", tox_toml_environments), ("env-vars", hatch_environments)):
        for table, _ in environments(project):
            yield from _folders(str(lookup(table.get(key), _VARIABLE) or ""))


def _folders(path: str) -> Iterator[str]:
    for part in re.split(r"\{:\}|[:;]", re.sub(r"\{env:[^}]*\}", "", path)):
        folder = re.sub(r"^\{(toxinidir|tox_root|root)\}", ".", part.strip()).replace("{/}", "/")
        if folder and not folder.startswith("/") and not re.search("[{}]", folder):
            yield folder
