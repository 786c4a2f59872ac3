"""Find the functions that a patch touches."""

import math
import re
from collections.abc import Collection, Iterator
from typing import Final

from ..project.code.definitions import definitions
from ..text.target_names import shared_name

_HUNK: Final = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@")
_REMOVED: Final = re.compile(r"^-\s*(?:async\s+def|def|class)\s+(\w+)", re.MULTILINE)


def touched_functions(patch: str, after: bytes, path: str, names: Collection[str]) -> tuple[str, ...]:
    """Return those of `names` (qualified, such as `Table.rows`) that the patch of one file changes or removes.

    `after` is the patched file. A change in a nested definition touches it and the functions around it. Raises
    SourceError if the file is not valid Python.
    """
    defined = [definition for definition in definitions(after, path) if definition.kind in {"function", "class"}]
    lines = after.decode("utf-8", "replace").splitlines()
    changed: set[str] = set()
    for line, indent in changed_lines(patch):
        around = [
            definition
            for definition in defined
            if definition.start <= line <= definition.end and indent > _indent(lines[definition.start - 1])
        ]
        changed |= {definition.name for definition in around if definition.kind == "function"}
        changed |= {around[-1].name} if around else set()
    removed = set(_REMOVED.findall(patch)) - {shared_name(each.name).rpartition(".")[2] for each in defined}
    return tuple(name for name in names if name in changed or shared_name(name).rpartition(".")[2] in removed)


def changed_lines(patch: str) -> Iterator[tuple[int, float]]:
    """Yield (line of the new file, indentation) for every added line and for the line before every removed one.

    The indentation of a removed line shows whether it belonged to the definition that ends there; an added line has
    infinity, since its own position is enough. Removed blank lines are skipped.
    """
    line = 0
    for text in patch.splitlines():
        if hunk := _HUNK.match(text):
            # An empty new range is given by the line before it.
            line = int(hunk[1]) + (hunk[2] == "0")
        elif text.startswith("+"):
            yield line, math.inf
            line += 1
        elif text.startswith("-"):
            if text[1:].strip():
                yield line - 1, _indent(text[1:])
        elif not text.startswith("\\"):
            line += 1


def _indent(text: str) -> int:
    return len(text.expandtabs()) - len(text.expandtabs().lstrip())
