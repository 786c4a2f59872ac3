"""Find a project's modules and definitions by the names that Python imports them by."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterator, Sequence
from contextlib import suppress
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, NamedTuple

from ...errors import SourceError
from .definitions import MODULE, Binding, Definition, ModuleContents, Parameter, contents, definitions
from .differences import Difference, changed_functions, differences
from .modules import module_of

if TYPE_CHECKING:
    from ..layout import TreeReader

__all__ = [
    "MODULE",
    "Definition",
    "Difference",
    "LocatedDefinition",
    "Parameter",
    "Sources",
    "changed_functions",
    "definitions",
    "differences",
    "find",
    "module_of",
    "near_names",
]

_MOST_NEAR: Final = 3


class LocatedDefinition(NamedTuple):
    """A definition and the path of the file that holds it."""

    path: str
    definition: Definition


def find(tree: TreeReader, import_roots: Sequence[str], target: str) -> LocatedDefinition | None:
    """Find what `package.module:Qualified.name`, or a module alone, names; None where it is not there.

    Names that are imported from elsewhere in the tree are followed, methods are looked for in base classes too. A
    name that is bound to something else than a definition, or imported from what is no Python file of the
    tree, gives a Definition of the kind "name". Raise SourceError where a file on the way cannot be read.
    """
    return Sources(tree, import_roots).find(target)


def near_names(tree: TreeReader, import_roots: Sequence[str], target: str) -> tuple[str, ...]:
    """Return targets that exist and are spelled much like this one, the most similar first.

    Raise SourceError where the module that it names cannot be read.
    """
    module, colon, name = target.partition(":")
    sources = Sources(tree, import_roots)
    if path := sources.path_of(module):
        return tuple(f"{module}:{near}" for near in _near(contents(tree.read(path) or b"", path), name))
    modules = {found for path in tree.files() if path.endswith(".py") and (found := module_of(path, import_roots))}
    similar = get_close_matches(module, sorted(modules), n=_MOST_NEAR)
    if same := [near + colon + name for near in similar if sources.try_find(near + colon + name)]:
        return tuple(same)
    return near_names(tree, import_roots, similar[0] + colon + name) if similar else ()


def _near(read: ModuleContents, name: str) -> tuple[str, ...]:
    """Return the names of a file that end like this one, then those that are spelled like it."""
    names = [*(definition.name for definition in read.definitions[:-1]), *(binding.name for binding in read.bindings)]
    by_lower = {known.lower(): known for known in names if known != "*"}
    same_end = [known for known in by_lower.values() if known.rpartition(".")[2] == name.rpartition(".")[2]]
    similar = [by_lower[found] for found in get_close_matches(name.lower(), by_lower, n=_MOST_NEAR)]
    return tuple(dict.fromkeys([*same_end, *similar]))[:_MOST_NEAR]


class Sources:
    """The Python files of one tree, as imports see them; each is read once."""

    def __init__(self, tree: TreeReader, import_roots: Sequence[str]) -> None:
        self.tree, self.roots = tree, tuple(import_roots)
        self._files = frozenset(tree.files())
        self._known: dict[str, LocatedDefinition | None] = {}

    def find(self, target: str) -> LocatedDefinition | None:
        """Do as the function `find` does."""
        if target not in self._known:
            self._known[target] = None  # What leads back to itself leads nowhere.
            module, _, name = target.partition(":")
            self._known[target] = self._find(module, name)
        return self._known[target]

    def try_find(self, target: str) -> LocatedDefinition | None:
        """Find a target; None also where a file on the way cannot be read."""
        with suppress(SourceError):
            return self.find(target)
        return None

    def users(self, path: str, names: frozenset[str]) -> tuple[Definition, ...]:
        """Return the functions of a file that use one of these names; raise SourceError where it cannot be read."""
        functions = [each for each in definitions(self.tree.read(path) or b"", path) if each.kind == "function"]
        used = (
            {node.id for node in ast.walk(ast.parse(each.code)) if isinstance(node, ast.Name)} for each in functions
        )
        return tuple(function for function, found in zip(functions, used, strict=True) if names & found)

    def path_of(self, module: str) -> str | None:
        """Return the file that an import of `module` runs; a package goes before a module of its name."""
        stem = module.replace(".", "/")
        ends = (f"{stem}/__init__.py", f"{stem}.py")
        return next(
            (path for root in self.roots for end in ends if (path := posixpath.join(root, end)) in self._files), None
        )

    def _find(self, module: str, name: str) -> LocatedDefinition | None:
        path = self.path_of(module)
        if path is None:
            return None
        read = contents(self.tree.read(path) or b"", path)
        if not name:
            return LocatedDefinition(path, read.definitions[-1])
        if direct := chosen(read, name):
            return LocatedDefinition(path, direct)
        for target in self._elsewhere(module, path, read, name):
            if found := self.find(target):
                return found
        return next(
            (LocatedDefinition(path, _bound(binding)) for binding in read.bindings if binding.name == name), None
        )

    def _elsewhere(self, module: str, path: str, read: ModuleContents, name: str) -> Iterator[str]:
        """Yield the targets that a name may stand for which the module does not define."""
        package = module if posixpath.basename(path) == "__init__.py" else module.rpartition(".")[0]
        first, _, rest = name.partition(".")
        for binding in reversed(read.bindings):
            if binding.name == first and binding.module:
                yield from _imported(binding, package, rest)
        for binding in read.bindings:
            if binding.name == "*":
                yield f"{absolute(binding.module, package)}:{name}"
        parts = name.split(".")
        for count in range(1, len(parts)):
            if self.path_of(submodule := ".".join([module, *parts[:count]])):
                yield f"{submodule}:{'.'.join(parts[count:])}"
        owner, _, method = name.rpartition(".")
        holder = chosen(read, owner) if owner else None
        if holder and method != "__init__":
            yield from (f"{module}:{base.partition('[')[0]}.{method}" for base in holder.bases)


def chosen(read: ModuleContents, name: str) -> Definition | None:
    """Return the definition that a name stands for: the last one, setters and overloads left out where there is another."""
    named = [definition for definition in read.definitions[:-1] if definition.name == name]
    return next((definition for definition in reversed(named) if not definition.role), named[-1] if named else None)


def absolute(module: str, package: str) -> str:
    """Spell a module with leading dots as it is seen from outside; "" where the dots lead too far up."""
    relative = module.lstrip(".")
    level = len(module) - len(relative)
    if not level:
        return module
    parts = package.split(".")
    above = parts[: len(parts) - level + 1]
    return ".".join([*above, relative] if relative else above) if above else ""


def _imported(binding: Binding, package: str, rest: str) -> Iterator[str]:
    module = absolute(binding.module, package)
    if not binding.original:
        yield f"{module}:{rest}" if rest else module
        return
    yield f"{module}:{binding.original}" + (f".{rest}" if rest else "")
    submodule = f"{module}.{binding.original}"
    yield f"{submodule}:{rest}" if rest else submodule


def _bound(binding: Binding) -> Definition:
    return Definition(binding.name, "name", binding.line, binding.line)
