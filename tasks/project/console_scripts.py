"""Find the commands that a project installs, as arguments to Python that start each of them without being installed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from .files import Project, lookup, strings

if TYPE_CHECKING:
    from ..artifacts import Layout
    from .files import TreeReader

ASKED = "--help"

# `module:attribute.path`, with extras that may follow: the entry points specification of packaging.python.org.
_REFERENCE = re.compile(r"\s*([\w.]+)\s*:\s*([\w.]+)\s*(?:\[[^]]*\])?\s*")
_LINE = re.compile(r"\s*([^=\s][^=]*?)\s*=\s*(.+?)\s*")

Command = tuple[str, ...]


def commands_of(tree: TreeReader, layout: Layout) -> tuple[Command, ...]:
    """Return the arguments to Python that run each console script of the project with `--help`.

    Those named after a package of the project come first, the others in the order of the file. Read from `[project.scripts]`, else from
    Poetry's and flit's tables, setup.cfg and the literals of setup.py. Raise SourceError where such a file is broken.
    """
    project = Project(tree, layout.project)
    names = {name.replace("_", "-").lower() for name in layout.packages}
    scripts = sorted(_scripts(project).items(), key=lambda script: script[0].replace("_", "-").lower() not in names)
    return tuple(_command(name, found) for name, reference in scripts if (found := _REFERENCE.fullmatch(reference)))


def common_commands(base: TreeReader, head: TreeReader, layout: Layout) -> tuple[Command, ...]:
    """Return the commands that are the same at both refs: same name, same entry point."""
    there = set(commands_of(base, layout))
    return tuple(command for command in commands_of(head, layout) if command in there)


def _command(name: str, reference: re.Match[str]) -> Command:
    """Do what an installed script does: its name for the arguments' first, no folder of its own on the import path."""
    module, path = reference.groups()
    code = (
        f"import sys; del sys.path[0], sys.argv[0]; from {module} import {path.partition('.')[0]}; sys.exit({path}())"
    )
    return ("-c", code, name, ASKED)


def _scripts(project: Project) -> dict[str, str]:
    """Return name and entry point of each script, from the first place that has any."""
    places = (
        lookup(project.pyproject, "project", "scripts"),
        project.tool("poetry", "scripts"),
        project.tool("flit", "scripts"),
        _of_lines(project.setup_cfg.get("options.entry_points", "console_scripts", fallback="").splitlines()),
        _of_lines(_of_setup(project)),
    )
    return next((found for place in places if (found := _references(place))), {})


def _references(table: object) -> dict[str, str]:
    """Read a table of scripts; Poetry's may hold tables themselves, of which only those for console scripts count."""
    if not isinstance(table, Mapping):
        return {}
    inner = {
        name: value if isinstance(value, str) else lookup(value, "reference") or lookup(value, "callable")
        for name, value in table.items()
    }
    return {
        name: value
        for name, value in inner.items()
        if isinstance(value, str) and lookup(table[name], "type") in {None, "console"}
    }


def _of_setup(project: Project) -> tuple[str, ...]:
    found = lookup(project.setup_keywords, "entry_points", "console_scripts")
    return tuple(found.splitlines()) if isinstance(found, str) else strings(found)


def _of_lines(lines: Iterable[str]) -> dict[str, str]:
    found = map(_LINE.fullmatch, lines)
    return {match[1]: match[2] for match in found if match}
