"""Find benchmark tests that are there already, by which functions of the project they use."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..artifacts import Presence
from ..errors import SourceError
from ..git import printable
from ..project.code.definitions import parsed
from ..project.code.imported_names import dotted_name, imports, target_names

if TYPE_CHECKING:
    from ..git import Clone
    from ..project.code.sources import LocatedDefinition, Sources
    from ..project.code.span import Span

_FIXTURES: Final = frozenset({"benchmark", "benchmark_weave"})


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A file with benchmark tests: the definitions that it names, as (path, name), and the attributes that it asks for."""

    path: str
    names: frozenset[tuple[str, str]]
    attributes: frozenset[str]

    def uses(self, found: LocatedDefinition) -> bool:
        """Return whether the file names a definition, or for a method its class and the method as an attribute."""
        name = found.definition.name
        owner, _, method = name.rpartition(".")
        return (found.path, name) in self.names or (
            bool(owner) and (found.path, owner) in self.names and method in self.attributes
        )


def benchmarks(files: Mapping[str, bytes], sources: Sources) -> tuple[tuple[Benchmark, ...], tuple[str, ...]]:
    """Read the benchmark tests among test files, and give notes on files that cannot be read."""
    found, notes = [], []
    for path, source in sorted(files.items()):
        try:
            module = parsed(source, printable(path))
            if _measures(module):
                found.append(Benchmark(path, frozenset(_names(module, sources)), frozenset(_attributes(module))))
        except SourceError as error:
            notes.append(f"{error.where}: {error.what}; whether it is a benchmark of the change is not known.")
    return tuple(found), tuple(notes)


def users(path: str, source: bytes, sources: Sources, found: LocatedDefinition) -> int:
    """Say how near a file is to a definition: 2 where it uses it, 1 where it uses its module, 0 for neither."""
    try:
        module = parsed(source, printable(path))
    except SourceError:
        return 0
    file = Benchmark(path, frozenset(_names(module, sources)), frozenset(_attributes(module)))
    if file.uses(found) or found.definition.name.rpartition(".")[2] in file.attributes:
        return 2
    return int(any(place == found.path for place, _ in file.names))


def files_below(root: str, *, clone: Clone, span: Span, worktree: Path | None) -> dict[str, bytes]:
    """Read the Python files below the benchmarks root: as they are being edited in the work tree, else at head, else at base."""
    base, head = (
        {path: clone.read(commit, path) or b"" for path in _below(clone, commit, root)}
        for commit in (span.base, span.head)
    )
    here = _in_worktree(worktree, root) if worktree else {}
    edited = {path: content for path, content in here.items() if content not in (base.get(path), head.get(path))}
    return base | head | edited


def presence(path: str, *, clone: Clone, span: Span, worktree: Path | None) -> Presence:
    """Say where the file is: at base, at head, in the work tree."""
    here = _content(worktree / path) if worktree else None
    base, head = clone.read(span.base, path), clone.read(span.head, path)
    return Presence(path=printable(path), base=blob_of(base), head=blob_of(head), worktree=blob_of(here))


def blob_of(content: bytes | None) -> str | None:
    """Hash content as `git hash-object` does (SHA-1); None for none."""
    if content is None:
        return None
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _below(clone: Clone, commit: str, root: str) -> Iterator[str]:
    return (path for path in clone.files(commit) if _is_below(path, root))


def _is_below(path: str, root: str) -> bool:
    # Where the root of the repository is meant, only the files that lie in it: all else has another purpose.
    return path.endswith(".py") and (path.startswith(f"{root}/") if root else "/" not in path)


def _in_worktree(worktree: Path, root: str) -> dict[str, bytes]:
    places = (worktree / root).rglob("*.py") if root else worktree.glob("*.py")
    read = ((place.relative_to(worktree).as_posix(), _content(place)) for place in places)
    return {path: content for path, content in read if content is not None}


def _content(place: Path) -> bytes | None:
    try:
        return place.read_bytes()
    except OSError:
        return None


# -- what a file uses -------------------------------------------------------------------------------


def _measures(module: ast.Module) -> bool:
    """Return whether a test takes the fixture `benchmark` or has the marker of that name."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            if _FIXTURES & {argument.arg for argument in arguments}:
                return True
            if any(".benchmark" in ast.unparse(decorator) for decorator in node.decorator_list):
                return True
    return False


def _names(module: ast.Module, sources: Sources) -> Iterator[tuple[str, str]]:
    """Yield the project's definitions that the file names outside of its imports."""
    known = dict(imports(module))
    for used in {name for node in ast.walk(module) if (name := dotted_name(node))}:
        for target in target_names(used, known):
            if found := sources.try_find(target):
                yield found.path, found.definition.name


def _attributes(module: ast.Module) -> Iterator[str]:
    return (node.attr for node in ast.walk(module) if isinstance(node, ast.Attribute))
