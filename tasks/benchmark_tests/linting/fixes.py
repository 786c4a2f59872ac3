"""Fix the findings that have one right answer: properties patched on their type, names, the file's folder."""

import posixpath
import re
from typing import NamedTuple

from ...project.code.imported_names import short_name
from ...project.syntax import string_value
from ..benchmark_file import BenchmarkFile
from .static import LintContext, findings, subject_of


class FixedFile(NamedTuple):
    """A benchmark file as it should be; `done` says what was changed, one sentence each."""

    path: str
    source: bytes
    done: tuple[str, ...]


def fixed(file: BenchmarkFile, context: LintContext) -> FixedFile:
    """Return the fixed file, without writing it."""
    source = file.source.decode("utf-8", "surrogateescape")
    violations = findings(file, context)
    source, done = _properties(file, source, {each.line for each in violations if each.rule == "property-on-instance"})
    for each in violations:
        if each.rule == "wrong-name" and each.test:
            name = each.message.rpartition(": ")[2].partition(" ")[0]
            source = re.sub(rf"\bdef {re.escape(each.test)}\b", f"def {name}", source)
            done.append(f"{each.test} is {name} now")
    path = _path(file, context, {each.rule for each in violations if not each.test})
    if path != file.path:
        done.append(f"the file is {path} now")
    return FixedFile(path, source.encode("utf-8", "surrogateescape"), tuple(done))


def _properties(file: BenchmarkFile, source: str, lines: set[int]) -> tuple[str, list[str]]:
    """Put `type(...)` around the owners of properties, from the end of the file to its beginning."""
    patches = [patch for test in file.tests for patch in test.patches if patch.node.lineno in lines]
    nodes = [patch.owner_node for patch in patches if patch.is_property_mock and patch.owner_node]
    owners = {(node.lineno, node.col_offset): node for node in nodes if not string_value(node)}
    rows, done = source.splitlines(keepends=True), []
    for (line, start), node in sorted(owners.items(), reverse=True):
        if node.end_lineno == line and node.end_col_offset is not None:
            row = rows[line - 1].encode("utf-8", "surrogateescape")
            owner, rest = row[start : node.end_col_offset], row[node.end_col_offset :]
            rows[line - 1] = (row[:start] + b"type(" + owner + b")" + rest).decode("utf-8", "surrogateescape")
            done.append(f"line {line}: the property is patched on type({owner.decode('utf-8', 'replace')})")
    return "".join(rows), done[::-1]


def _path(file: BenchmarkFile, context: LintContext, rules: set[str]) -> str:
    folder, name = posixpath.split(file.path)
    if "wrong-name" in rules:
        subjects = {subject_of(test, context) for test in file.tests} - {""}
        function = short_name(subjects.pop()).strip("_") if len(subjects) == 1 else ""
        stem = f"benchmark_{function}" if function else name.removesuffix(".py")
        name = posixpath.basename(file.naming.file(folder, stem))
    if "wrong-place" in rules and context.root is not None:
        folder = context.root
    return posixpath.join(folder, name)
