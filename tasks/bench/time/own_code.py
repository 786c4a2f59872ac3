"""What a change of a file's own code, which runs when it is imported, can affect in a call of the benchmark."""

import re
from collections.abc import Collection, Iterator

from ...project.code.module_code import Affected, affected_functions
from ...project.pytest_config import is_test_file
from ...storage.hashing import read_bytes
from ..request import ChangedDefinition, Request

_SUFFIXES = (".py", ".pyx")


def affected_by(request: Request, changed: ChangedDefinition) -> Affected | None:
    """Return the functions of the file that can be affected; None if any function of the trees may be."""
    base, head = changed.base, changed.head
    if base is None or head is None:
        # Such a file has nothing but its own code, and whatever uses it had to change, too.
        return Affected(frozenset(), frozenset(), frozenset())
    before, after = read_bytes(request.base.tree / base.path), read_bytes(request.head.tree / head.path)
    try:
        affected = affected_functions(before or b"", after or b"")
    except (SyntaxError, ValueError, RecursionError):
        return None
    if affected and affected.names:
        word = re.compile(rf"\b(?:{'|'.join(affected.names)})\b")
        if any(word.search(text) for text in _other_files(request, {base.path, head.path})):
            return None
    return affected


def _other_files(request: Request, changed: Collection[str]) -> Iterator[str]:
    """Yield the text of every other file of both trees that a call may run: of tests, only the benchmark."""
    for tree in (request.base.tree, request.head.tree):
        for file in tree.rglob("*.py*"):
            path = file.relative_to(tree).as_posix()
            is_hidden = any(part.startswith(".") for part in path.split("/"))
            is_other_test = is_test_file(path) and path != request.benchmark_path
            if file.suffix in _SUFFIXES and not is_hidden and not is_other_test and path not in changed:
                yield (read_bytes(file) or b"").decode("utf-8", "replace")
