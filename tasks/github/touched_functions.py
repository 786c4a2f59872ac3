"""Tell which functions a patch touches, from its hunks and the file as it is after it."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from typing import Final

from ..project.code.definitions import definitions

_HUNK: Final = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@")
_REMOVED: Final = re.compile(r"^-\s*(?:async\s+def|def|class)\s+(\w+)", re.MULTILINE)


def touched_functions(patch: str, after: bytes, path: str, names: Collection[str]) -> tuple[str, ...]:
    """Return those of `names` (qualified, as `Table.rows`) whose lines the patch of one file changes or removes.

    `after` is the file with the patch in it. Of definitions inside of each other the innermost is touched, and the
    functions around it. Raise SourceError where the file cannot be read as Python.
    """
    found = [each for each in definitions(after, path) if each.kind in {"function", "class"}]
    lines = after.decode("utf-8", "replace").splitlines()
    changed: set[str] = set()
    for line, indent in changed_lines(patch):
        around = [each for each in found if each.start <= line <= each.end and indent > _indent(lines[each.start - 1])]
        changed |= {each.name for each in around if each.kind == "function"}
        changed |= {around[-1].name} if around else set()
    gone = set(_REMOVED.findall(patch)) - {each.name.rpartition(".")[2] for each in found}
    return tuple(name for name in names if name in changed or name.rpartition(".")[2] in gone)


def changed_lines(patch: str) -> Iterator[tuple[int, float]]:
    """Yield the lines of the new file that were added, and the line before each that was removed.

    Beside it stands how far a removed line was indented, which tells whether it belonged to what ends there; an added
    one belongs where it stands (infinity). Removed blank lines tell nothing.
    """
    line = 0
    for text in patch.splitlines():
        if hunk := _HUNK.match(text):
            # A hunk that leaves nothing is placed at the line before it.
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
