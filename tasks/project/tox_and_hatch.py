"""Read the environments in which tox and hatch run a project's tests, with the files that define them."""

from collections.abc import Iterator, Mapping

from .files import Project, lookup

_TOX_SECTIONS = (("tox.ini", "testenv"), ("setup.cfg", "testenv"), ("setup.cfg", "tox:testenv"))
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
