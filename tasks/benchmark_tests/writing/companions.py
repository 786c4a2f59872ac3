"""Find the files that a benchmark needs beside itself: conftests, packages' __init__, sibling modules, data files."""

import ast
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from ...project.syntax import parse_or_empty
from ..reading import PytestFile, PytestFunction
from .data_files import data_files_read

Read = Callable[[str], bytes | None]
"""Reads a file of one state of a repository; None if there is none."""


@dataclass(frozen=True, slots=True)
class Companion:
    """A file that a benchmark needs, and why; `fixtures` are those of it that the benchmark uses."""

    path: str
    content: bytes
    why: str
    fixtures: frozenset[str] = frozenset()

    def is_served_by(self, other: bytes | None, *, folder: str) -> bool:
        """Return whether the benchmark finds the same in a tree whose file of this path is `other`.

        In the benchmark's folder the files must be equal. Of a conftest further up only the fixtures matter that the
        benchmark uses: the rest serves other tests. A package's __init__ only has to exist.
        """
        if other is None or other == self.content or self.path.endswith("__init__.py"):
            return other is not None
        if not self.path.endswith(".py") or posixpath.dirname(self.path) == folder:
            return False
        ours, theirs = (
            {name: ast.dump(each.node) for name, each in PytestFile.of(source).fixtures.items()}
            for source in (self.content, other)
        )
        return all(name in theirs and ours[name] == theirs[name] for name in self.fixtures)


def companions(benchmark: str, content: bytes, read: Read) -> tuple[Companion, ...]:
    """Return what the file `benchmark` needs of what `read` reads, by path."""
    modules = _sibling_modules(benchmark, content, read)
    conftests = _conftests(benchmark, [content, *(module.content for module in modules)], read)
    parsed = {benchmark: parse_or_empty(content)}
    parsed |= {each.path: parse_or_empty(each.content) for each in (*modules, *conftests)}
    packages = _packages(posixpath.dirname(benchmark), read) if _are_in_package(parsed) else ()
    needed = {each.path: each for each in (*packages, *modules, *conftests, *_data_files(parsed, read))}
    return tuple(needed[path] for path in sorted(needed))


# -- sibling modules --------------------------------------------------------------------------------


def _sibling_modules(benchmark: str, content: bytes, read: Read) -> list[Companion]:
    modules: dict[str, Companion] = {}
    pending = [(benchmark, content)]
    while pending:
        path, source = pending.pop()
        for module in _imported_files(path, source, posixpath.dirname(benchmark)):
            known = module == benchmark or module in modules or posixpath.basename(module) == "__init__.py"
            if not known and (code := read(module)) is not None:
                modules[module] = Companion(module, code, f"{posixpath.basename(path)} imports it")
                pending.append((module, code))
    return list(modules.values())


def _imported_files(path: str, source: bytes, folder: str) -> Iterator[str]:
    """Yield the files in `folder` that the imports of a file may mean, whether they exist or not."""
    for node in ast.walk(parse_or_empty(source)):
        # Absolute imports find siblings too: pytest puts the folder, or the package's parent, on the path.
        roots = [""] if isinstance(node, ast.ImportFrom) and node.level else list(dict.fromkeys((folder, "")))
        for name, root in product(filter(None, _module_names(node, path)), roots):
            stem = posixpath.join(root, *name.split("."))
            if stem.startswith(folder + "/" if folder else ""):
                yield stem + ".py"


def _module_names(node: ast.AST, path: str) -> list[str]:
    """Return the dotted names that an import may mean; relative ones are resolved from the root of the tree."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    folders = posixpath.dirname(path).split("/")
    above = folders[: len(folders) - node.level + 1] if node.level else []
    stem = ".".join(filter(None, [*above, node.module]))
    return [stem, *(f"{stem}.{alias.name}" for alias in node.names)] if stem else [alias.name for alias in node.names]


def _data_files(parsed: dict[str, ast.Module], read: Read) -> Iterator[Companion]:
    for path, module in parsed.items():
        for file in data_files_read(path, module):
            if not file.endswith(".py") and (content := read(file)) is not None:
                yield Companion(file, content, f"{posixpath.basename(path)} reads it")


# -- conftest files ---------------------------------------------------------------------------------


def _conftests(benchmark: str, sources: Sequence[bytes], read: Read) -> list[Companion]:
    """Find the nearest conftest of each fixture that is requested, and of the fixtures that those request."""
    files = [PytestFile.of(source) for source in sources]
    wanted = {name for file in files for name in file.requested_fixtures} - files[0].fixtures.keys()
    conftests = []
    for folder in _upwards(posixpath.dirname(benchmark)):
        path = posixpath.join(folder, "conftest.py")
        content = read(path) or b""
        fixtures = PytestFile.of(content).fixtures
        if used := _with_their_own(wanted & fixtures.keys(), fixtures):
            wanted = (wanted - used) | {name for each in used for name in fixtures[each].parameters} - fixtures.keys()
            why = "it uses " + ", ".join(f"`{name}`" for name in sorted(used))
            conftests.append(Companion(path, content, why, frozenset(used)))
    return conftests


def _with_their_own(names: set[str], fixtures: Mapping[str, PytestFunction]) -> set[str]:
    """Add the fixtures of the same file that fixtures request."""
    while more := {name for each in names for name in fixtures[each].parameters if name in fixtures} - names:
        names = names | more
    return names


# -- packages ---------------------------------------------------------------------------------------


def _packages(folder: str, read: Read) -> Iterator[Companion]:
    for package in _upwards(folder):
        path = posixpath.join(package, "__init__.py")
        if not package or (content := read(path)) is None:
            return
        yield Companion(path, content, "the benchmark is imported as part of a package")


def _are_in_package(parsed: dict[str, ast.Module]) -> bool:
    """Return whether a file has a relative import, or imports its own folder by its dotted name."""
    for path, node in ((path, node) for path, module in parsed.items() for node in ast.walk(module)):
        package = posixpath.dirname(path).replace("/", ".")
        if isinstance(node, ast.ImportFrom) and node.level:
            return True
        if package and any(f"{name}.".startswith(f"{package}.") for name in _module_names(node, path)):
            return True
    return False


def _upwards(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = posixpath.dirname(folder)
    yield ""
