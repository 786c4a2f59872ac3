"""Write the findings that have one right answer: properties patched on their type, names, the place of the file."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from ...project.code.imported_names import short_name
from .static import LintContext, findings, subject_of

if TYPE_CHECKING:
    from ..benchmark_file import BenchmarkFile


class Fixed(NamedTuple):
    """The file as it should be: its path, its bytes, and what was done, one sentence each."""

    path: str
    source: bytes
    done: tuple[str, ...]


def fixed(file: BenchmarkFile, expected: LintContext) -> Fixed:
    """Mend what has one right answer; nothing is written here."""
    text = file.source.decode("utf-8", "surrogateescape")
    found = findings(file, expected)
    text, done = _properties(file, text, {each.line for each in found if each.rule == "property-on-instance"})
    for each in found:
        if each.rule == "wrong-name" and each.test:
            name = each.found.rpartition(": ")[2].partition(" ")[0]
            text = re.sub(rf"\bdef {re.escape(each.test)}\b", f"def {name}", text)
            done.append(f"{each.test} is {name} now")
    path = _path(file, expected, {each.rule for each in found if not each.test})
    if path != file.path:
        done.append(f"the file is {path} now")
    return Fixed(path, text.encode("utf-8", "surrogateescape"), tuple(done))


def _properties(file: BenchmarkFile, text: str, lines: set[int]) -> tuple[str, list[str]]:
    """Put `type(...)` around the owners of properties, from the end of the file to its beginning."""
    patches = [patch for test in file.tests for patch in test.patches if patch.is_property_mock and patch.line in lines]
    owners = {
        (node.lineno, node.col_offset): node
        for patch in patches
        if (node := patch.owner_node) is not None and not _is_text(node)
    }
    rows, done = text.splitlines(keepends=True), []
    for (line, start), node in sorted(owners.items(), reverse=True):
        if node.end_lineno != line or node.end_col_offset is None:
            continue
        row = rows[line - 1].encode("utf-8", "surrogateescape")
        owner = row[start : node.end_col_offset]
        rows[line - 1] = (row[:start] + b"type(" + owner + b")" + row[node.end_col_offset :]).decode(
            "utf-8", "surrogateescape"
        )
        done.append(f"line {line}: the property is patched on type({owner.decode('utf-8', 'replace')})")
    return "".join(rows), done[::-1]


def _is_text(node: object) -> bool:
    return isinstance(getattr(node, "value", None), str)


def _path(file: BenchmarkFile, expected: LintContext, rules: set[str]) -> str:
    folder, name = posixpath.split(file.path)
    if "wrong-name" in rules:
        subjects = {subject_of(test, expected) for test in file.tests} - {""}
        of_one = short_name(subjects.pop()).strip("_") if len(subjects) == 1 else ""
        name = f"test_benchmark_{of_one}.py" if of_one else f"test_{name}"
    if "wrong-place" in rules and expected.root is not None:
        folder = expected.root
    return posixpath.join(folder, name)
