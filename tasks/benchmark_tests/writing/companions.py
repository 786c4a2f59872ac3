"""Find what a benchmark needs beside itself: conftest files, packages' __init__, sibling modules, files of data that they read."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from .data_files import data_files_read

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Readable(Protocol):
    """One state of a repository."""

    def read(self, path: str, /) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Companion:
    """A file beside a benchmark, and why it is needed; `fixtures` are those that the benchmark uses of it."""

    path: str
    content: bytes
    why: str
    fixtures: frozenset[str] = frozenset()

    def is_served_by(self, other: bytes | None, *, folder: str) -> bool:
        """Return whether a tree whose file is `other` needs nothing: the benchmark would find the same there.

        In the benchmark's folder the whole file counts. A conftest further up is other tests' business too:
        there only the fixtures count that the benchmark uses. Of a package's __init__ that it is there.
        """
        if other is None or other == self.content:
            return other is not None
        if not self.path.endswith(".py"):
            return False
        if self.path.endswith("__init__.py"):
            return True
        if posixpath.dirname(self.path) == folder:
            return False
        mine, theirs = _fixtures(self.content), _fixtures(other)
        return all(name in theirs and ast.dump(mine[name]) == ast.dump(theirs[name]) for name in self.fixtures)


def companions(benchmark: str, content: bytes, tree: Readable) -> tuple[Companion, ...]:
    """Return what `benchmark` needs beside itself as it stands in `tree`, in the order of their paths."""
    modules = _modules(benchmark, content, tree)
    conftests = _conftests(benchmark, [content, *(module.content for module in modules)], tree)
    sources = [(benchmark, content), *((found.path, found.content) for found in (*modules, *conftests))]
    data = _data(sources, tree)
    packages = _packages(posixpath.dirname(benchmark), tree) if _imports_as_package(sources) else []
    found = {companion.path: companion for companion in (*packages, *modules, *conftests, *data)}
    return tuple(found[path] for path in sorted(found))


# -- sibling modules --------------------------------------------------------------------------------


def _modules(benchmark: str, content: bytes, tree: Readable) -> list[Companion]:
    folder = posixpath.dirname(benchmark)
    found: dict[str, Companion] = {}
    waiting = [(benchmark, content)]
    while waiting:
        path, source = waiting.pop()
        for place in _imported(path, source, folder):
            known = place == benchmark or place in found
            if not known and posixpath.basename(place) != "__init__.py" and (text := tree.read(place)) is not None:
                found[place] = Companion(place, text, f"{posixpath.basename(path)} imports it")
                waiting.append((place, text))
    return list(found.values())


def _imported(path: str, source: bytes, folder: str) -> Iterator[str]:
    """Yield the files in `folder` that the imports of a file may mean; whether they exist is another question."""
    for node in ast.walk(_parsed(source)):
        # Absolute imports find siblings too: pytest puts the folder, or the package's parent, on the path.
        roots = [""] if isinstance(node, ast.ImportFrom) and node.level else list(dict.fromkeys((folder, "")))
        for name in _module_names(node, path):
            for root in roots:
                stem = posixpath.join(root, *name.split("."))
                if stem.startswith(folder + "/" if folder else "") and name:
                    yield stem + ".py"


def _module_names(node: ast.AST, path: str) -> list[str]:
    """Return the dotted names that an import may mean; relative ones counted from the root of the tree."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    above = posixpath.dirname(path).split("/") if node.level else []
    above = above[: len(above) - node.level + 1] if node.level else above
    stem = ".".join([*filter(None, above), *filter(None, [node.module])])
    return [stem, *(f"{stem}.{alias.name}" for alias in node.names)] if stem else [alias.name for alias in node.names]


def _data(sources: list[tuple[str, bytes]], tree: Readable) -> list[Companion]:
    """Return the files of data that any of the sources reads from beside itself."""
    found = {}
    for path, source in sources:
        for place in data_files_read(path, _parsed(source)):
            if not place.endswith(".py") and (content := tree.read(place)) is not None:
                found[place] = Companion(place, content, f"{posixpath.basename(path)} reads it")
    return list(found.values())


# -- conftest files ---------------------------------------------------------------------------------


def _conftests(benchmark: str, sources: list[bytes], tree: Readable) -> list[Companion]:
    """Find the nearest conftest that defines each fixture that is used, and what those fixtures use in turn."""
    wanted = set().union(*(_used(source) for source in sources)) - set(_fixtures(sources[0]))
    found = []
    for folder in _upwards(posixpath.dirname(benchmark)):
        path = posixpath.join(folder, "conftest.py")
        content = tree.read(path)
        fixtures = _fixtures(content) if content else {}
        if content and (serving := wanted & fixtures.keys()):
            serving = _closed(serving, fixtures)
            wanted = (wanted - serving) | {
                name for used in serving for name in _parameters(fixtures[used])
            } - fixtures.keys()
            found.append(
                Companion(
                    path, content, "it uses " + ", ".join(f"`{name}`" for name in sorted(serving)), frozenset(serving)
                )
            )
    return found


def _closed(names: set[str], fixtures: dict[str, Function]) -> set[str]:
    while more := {name for used in names for name in _parameters(fixtures[used]) if name in fixtures} - names:
        names = names | more
    return names


def _used(source: bytes) -> set[str]:
    """Return the names of fixtures that tests and fixtures of a file may ask for."""
    used: set[str] = set()
    for node in ast.walk(_parsed(source)):
        if isinstance(node, Function) and (node.name.startswith("test") or _is_fixture(node)):
            used |= set(_parameters(node))
        if isinstance(node, ast.Call) and _last(node.func) in ("usefixtures", "getfixturevalue"):
            used |= {word.value for word in node.args if isinstance(word, ast.Constant) and isinstance(word.value, str)}
    return used


def _fixtures(source: bytes) -> dict[str, Function]:
    return {
        _fixture_name(node): node
        for node in ast.walk(_parsed(source))
        if isinstance(node, Function) and _is_fixture(node)
    }


def _fixture_name(node: Function) -> str:
    for decorator in node.decorator_list:
        for keyword in decorator.keywords if isinstance(decorator, ast.Call) else []:
            if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
                return str(keyword.value.value)
    return node.name


def _is_fixture(node: Function) -> bool:
    return any(
        _last(decorator.func if isinstance(decorator, ast.Call) else decorator) == "fixture"
        for decorator in node.decorator_list
    )


def _parameters(node: Function) -> list[str]:
    return [
        argument.arg
        for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        if argument.arg != "self"
    ]


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


# -- packages ---------------------------------------------------------------------------------------


def _packages(folder: str, tree: Readable) -> list[Companion]:
    found = []
    for place in _upwards(folder):
        path = posixpath.join(place, "__init__.py")
        if not place or (content := tree.read(path)) is None:
            break
        found.append(Companion(path, content, "the benchmark is imported as part of a package"))
    return found


def _imports_as_package(sources: list[tuple[str, bytes]]) -> bool:
    """Return whether any of the files has a relative import, or imports its own folder by its dotted name."""
    for path, source in sources:
        dotted = posixpath.dirname(path).replace("/", ".")
        for node in ast.walk(_parsed(source)):
            if isinstance(node, ast.ImportFrom) and node.level:
                return True
            names = _module_names(node, path)
            if dotted and any(name == dotted or name.startswith(dotted + ".") for name in names):
                return True
    return False


def _upwards(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = posixpath.dirname(folder)
    yield ""


def _parsed(source: bytes) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return ast.Module(body=[], type_ignores=[])
