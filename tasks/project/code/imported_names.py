"""Resolve the names of a file from its imports alone."""

import ast
import re
from collections.abc import Iterator, Mapping

from ...text.target_names import own_name

Imports = Mapping[str, tuple[str, str]]
"""The names that imports bind, each with its module and the name there, "" for the module itself."""


def imports(module: ast.AST) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the items of `Imports`, wherever in the file the imports are; relative ones are left out."""
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((alias.asname or alias.name, (node.module, alias.name)) for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.name if alias.asname else alias.name.partition(".")[0]
                yield alias.asname or bound, (bound, "")


def target_names(used: str, imported: Imports) -> Iterator[str]:
    """Yield the targets (`module:name`) that a dotted name of the file and each of its beginnings stand for."""
    first, *rest = used.split(".")
    if first not in imported:
        return
    module, original = imported[first]
    for count in range(len(rest) + 1):
        if name := ".".join(filter(None, [original, *rest[:count]])):
            yield f"{module}:{name}"


def absolute_name(used: str, imported: Imports) -> str:
    """Return a dotted name of the file with its module, "" if no import binds it."""
    first, _, rest = used.partition(".")
    return ".".join(filter(None, (*imported[first], rest))) if first in imported else ""


def short_name(target: str) -> str:
    """Return the name for a benchmark of a target, such as `table` for `module:Table` and `module:Table.__init__`."""
    *owners, last = target.rpartition(":")[2].split(".")
    if last.startswith("__") and owners:
        last = owners[-1] if last.endswith("__") else last.lstrip("_")
    elif owners:
        last = own_name(target)
    if last[:1].isupper() and not last.isupper():
        last = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", last).lower()
    return re.sub(r"\W", "_", last).lstrip("_") or "call"


def is_public(name: str) -> bool:
    """Return whether no part of a qualified name is private; special methods are public."""
    return not any(
        part.startswith("_") and not (part.startswith("__") and part.endswith("__")) for part in name.split(".")
    )
