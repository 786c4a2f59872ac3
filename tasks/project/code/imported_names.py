"""Tell what the names of a file stand for, by its imports alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping


def imports(module: ast.AST) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the names that imports bind, wherever they stand, as (module, name there)."""
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((alias.asname or alias.name, (node.module, alias.name)) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (
                (alias.asname, (alias.name, ""))
                if alias.asname
                else (alias.name.partition(".")[0], (alias.name.partition(".")[0], ""))
                for alias in node.names
            )


def target_names(used: str, known: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    """Spell a dotted name of the file as targets (`module:name`); each of its beginnings names something, too."""
    parts = used.split(".")
    if parts[0] not in known:
        return
    module, original = known[parts[0]]
    for count in range(1, len(parts) + 1):
        name = ".".join([*([original] if original else []), *parts[1:count]])
        if name:
            yield f"{module}:{name}"


def short_name(target: str) -> str:
    """Return the word that a benchmark of `module:Qualified.name` is named after: of `Table` and `Table.__init__` that is `table`."""
    *owners, last = target.rpartition(":")[2].split(".")
    if last.startswith("__") and last.endswith("__") and owners:
        last = owners[-1]
    if last[:1].isupper() and not last.isupper():
        last = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", last).lower()
    return re.sub(r"\W", "_", last)


def absolute_name(used: str, known: Mapping[str, tuple[str, str]]) -> str:
    """Spell a dotted name of the file as it is known outside of it; "" where no import binds it."""
    first, _, rest = used.partition(".")
    if first not in known:
        return ""
    return ".".join(part for part in (*known[first], rest) if part)
