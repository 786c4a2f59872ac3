"""Find the commands that a project installs, as arguments to Python that run each without installing it."""

import re
from collections.abc import Iterable, Mapping

from ..artifacts import Layout
from .files import Project, TreeReader, lookup, strings

ARGUMENT = "--help"

# `module:attribute.path`, perhaps with extras: the entry points specification of packaging.python.org.
_REFERENCE = re.compile(r"\s*([\w.]+)\s*:\s*([\w.]+)\s*(?:\[[^]]*\])?\s*")
_LINE = re.compile(r"\s*([^=\s][^=]*?)\s*=\s*(.+?)\s*")

Command = tuple[str, ...]


def commands_of(tree: TreeReader, layout: Layout) -> tuple[Command, ...]:
    """Return the arguments to Python that run each console script of the project with `--help`.

    Scripts named after a package of the project come first. They are read from `[project.scripts]`, else from Poetry's
    and flit's tables, setup.cfg and the literals of setup.py. Raise SourceError if such a file is malformed.
    """
    project = Project(tree, layout.project)
    packages = {name.replace("_", "-").lower() for name in layout.packages}
    scripts = sorted(_scripts(project).items(), key=lambda script: script[0].replace("_", "-").lower() not in packages)
    return tuple(_command(name, match) for name, reference in scripts if (match := _REFERENCE.fullmatch(reference)))


def common_commands(base: TreeReader, head: TreeReader, layout: Layout) -> tuple[Command, ...]:
    """Return the commands with one name and entry point at both refs."""
    before = set(commands_of(base, layout))
    return tuple(command for command in commands_of(head, layout) if command in before)


def _command(name: str, reference: re.Match[str]) -> Command:
    """Do as an installed script does: its name is the first argument, its folder is not on the import path."""
    module, path = reference.groups()
    imported = path.partition(".")[0]
    code = f"import sys; del sys.path[0], sys.argv[0]; from {module} import {imported}; sys.exit({path}())"
    return ("-c", code, name, ARGUMENT)


def _scripts(project: Project) -> dict[str, str]:
    """Return name and entry point of each script, from the first table that has any."""
    entry_points = lookup(project.setup_keywords, "entry_points", "console_scripts")
    lines = entry_points.splitlines() if isinstance(entry_points, str) else strings(entry_points)
    tables = (
        lookup(project.pyproject, "project", "scripts"),
        project.tool("poetry", "scripts"),
        project.tool("flit", "scripts"),
        _parsed(project.setup_cfg.get("options.entry_points", "console_scripts", fallback="").splitlines()),
        _parsed(lines),
    )
    return next(filter(None, map(_references, tables)), {})


def _references(table: object) -> dict[str, str]:
    """Read a table of scripts; an entry of Poetry's may be a table, with a `type` other than console."""
    references = {}
    for name, entry in table.items() if isinstance(table, Mapping) else ():
        value = entry if isinstance(entry, str) else lookup(entry, "reference") or lookup(entry, "callable")
        if isinstance(value, str) and lookup(entry, "type") in {None, "console"}:
            references[name] = value
    return references


def _parsed(lines: Iterable[str]) -> dict[str, str]:
    return {match[1]: match[2] for match in map(_LINE.fullmatch, lines) if match}
