"""Find a project's modules and definitions by the names that Python imports them by."""

import posixpath
from collections.abc import Iterator, Sequence
from contextlib import suppress
from difflib import get_close_matches
from typing import Final, NamedTuple

from ...errors import SourceError
from ..files import TreeReader
from ..syntax import names, parse_or_empty
from .cython import cython_contents
from .definitions import Binding, Definition, ModuleContents, contents
from .modules import module_of

ENDINGS: Final = ("/__init__.py", ".py", "/__init__.pyx", ".pyx")
"""Of the files of a module."""
_MOST_NEAR: Final = 3


class LocatedDefinition(NamedTuple):
    """A definition and the path of the file that holds it."""

    path: str
    definition: Definition


class Sources:
    """The Python files of one tree as imports see them; each is read once."""

    def __init__(self, tree: TreeReader, import_roots: Sequence[str]) -> None:
        self.tree, self.roots = tree, tuple(import_roots)
        self._files = frozenset(tree.files())
        self._cache: dict[str, LocatedDefinition | None] = {}

    def find(self, target: str) -> LocatedDefinition | None:
        """Find what `package.module:Qualified.name`, or a module alone, names.

        Imports from elsewhere in the tree are followed, and methods are looked up in base classes too. A name that is
        bound to something other than a definition of the tree has a Definition of the kind "name". Raise SourceError
        if a file on the way cannot be parsed.
        """
        if target not in self._cache:
            self._cache[target] = None  # ends circular imports
            module, _, name = target.partition(":")
            self._cache[target] = self._find(module, name)
        return self._cache[target]

    def try_find(self, target: str) -> LocatedDefinition | None:
        """Find a target; return None if a file on the way cannot be parsed."""
        with suppress(SourceError):
            return self.find(target)
        return None

    def near_names(self, target: str) -> tuple[str, ...]:
        """Return targets that exist and are spelled much like this one, the most similar first.

        Raise SourceError if the module that it names cannot be parsed.
        """
        module, colon, name = target.partition(":")
        if path := self.path_of(module):
            return tuple(f"{module}:{near}" for near in _near(self._contents(path), name))
        python = (path.removesuffix("x") for path in self._files if path.endswith((".py", ".pyx")))
        modules = sorted({each for path in python if (each := module_of(path, self.roots))})
        similar = get_close_matches(module, modules, n=_MOST_NEAR)
        if same := [near + colon + name for near in similar if self.try_find(near + colon + name)]:
            return tuple(same)
        return self.near_names(similar[0] + colon + name) if similar else ()

    def users(self, path: str, used: frozenset[str]) -> tuple[Definition, ...]:
        """Return the functions of a file that use one of these names; raise SourceError if it cannot be parsed."""
        functions = [each for each in self._contents(path).definitions if each.kind == "function"]
        return tuple(each for each in functions if used & names([parse_or_empty(each.code.encode())]))

    def path_of(self, module: str) -> str | None:
        """Return the file that an import of `module` runs, or is compiled from, by Cython.

        A package goes before a module of its name.
        """
        stem = module.replace(".", "/")
        paths = (posixpath.join(root, stem + end) for root in self.roots for end in ENDINGS)
        return next((path for path in paths if path in self._files), None)

    def definitions(self, path: str) -> tuple[Definition, ...]:
        """Return the definitions of a file; none if it cannot be parsed."""
        with suppress(SourceError):
            return self._contents(path).definitions
        return ()

    def _contents(self, path: str) -> ModuleContents:
        source = self.tree.read(path) or b""
        return cython_contents(source) if path.endswith(".pyx") else contents(source, path)

    def _find(self, module: str, name: str) -> LocatedDefinition | None:
        path = self.path_of(module)
        if path is None:
            return None
        defined = self._contents(path)
        if not name:
            return LocatedDefinition(path, defined.definitions[-1])
        if definition := definition_of(defined, name):
            return LocatedDefinition(path, definition)
        for target in self._elsewhere(module, path, defined, name):
            if located := self.find(target):
                return located
        line = next((binding.line for binding in defined.bindings if binding.name == name), None)
        return LocatedDefinition(path, Definition(name, "name", line, line)) if line else None

    def _elsewhere(self, module: str, path: str, defined: ModuleContents, name: str) -> Iterator[str]:
        """Yield the targets in other modules, or in base classes, that a name of the module may stand for."""
        package = module if posixpath.basename(path) == "__init__.py" else module.rpartition(".")[0]
        first, _, rest = name.partition(".")
        for binding in reversed(defined.bindings):
            if binding.name == first and binding.module:
                yield from _imported(binding, package, rest)
        for binding in defined.bindings:
            if binding.name == "*":
                yield f"{_absolute(binding.module, package)}:{name}"
        parts = name.split(".")
        for count in range(1, len(parts)):
            if self.path_of(submodule := ".".join([module, *parts[:count]])):
                yield f"{submodule}:{'.'.join(parts[count:])}"
        owner, _, method = name.rpartition(".")
        holder = definition_of(defined, owner) if owner else None
        if holder and method != "__init__":
            yield from (f"{module}:{base.partition('[')[0]}.{method}" for base in holder.bases)


def called_target(target: str, definition: Definition) -> str:
    """Return the `module:name` by which code calls the definition that a target names.

    For a registered implementation that is the generic function, for a setter the property.
    """
    module, _, name = target.partition(":")
    if name == definition.name:
        return f"{module}:{definition.called}"
    owner, _, last = name.rpartition(".")
    if owner and last == definition.name.rpartition(".")[2]:  # inherited, perhaps by a mangled name
        last = definition.called.rpartition(".")[2] or last
    return f"{module}:{owner}.{last}" if owner else target


def definition_of(module: ModuleContents, name: str) -> Definition | None:
    """Return the definition of a name, or the last one that is called by it; overloads only if there is no other."""
    defined = module.definitions[:-1]
    named = [each for each in defined if each.name == name] or [each for each in defined if each.called == name]
    return next((each for each in reversed(named) if each.role != "overload"), named[-1] if named else None)


def _near(module: ModuleContents, name: str) -> tuple[str, ...]:
    """Return the names of a file with the same last part, then similar ones."""
    known = [
        *(definition.name for definition in module.definitions[:-1]),
        *(binding.name for binding in module.bindings),
    ]
    by_lower = {each.lower(): each for each in known if each != "*"}
    same_end = [each for each in by_lower.values() if each.rpartition(".")[2] == name.rpartition(".")[2]]
    similar = [by_lower[each] for each in get_close_matches(name.lower(), by_lower, n=_MOST_NEAR)]
    return tuple(dict.fromkeys([*same_end, *similar]))[:_MOST_NEAR]


def _absolute(module: str, package: str) -> str:
    """Resolve the leading dots of a module, "" if they lead above the package."""
    relative = module.lstrip(".")
    level = len(module) - len(relative)
    if not level:
        return module
    parts = package.split(".")
    above = parts[: len(parts) - level + 1]
    return ".".join([*above, relative] if relative else above) if above else ""


def _imported(binding: Binding, package: str, rest: str) -> Iterator[str]:
    module = _absolute(binding.module, package)
    if not binding.original:
        yield f"{module}:{rest}" if rest else module
        return
    yield f"{module}:{binding.original}" + (f".{rest}" if rest else "")
    submodule = f"{module}.{binding.original}"
    yield f"{submodule}:{rest}" if rest else submodule
