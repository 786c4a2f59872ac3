"""Functions by the names that people write, and as the manifest writes them (`module:Qualified.name`)."""

import posixpath
from collections.abc import Iterable, Iterator
from contextlib import suppress

from ..artifacts import ChangedFunction
from ..errors import SourceError
from ..project.code.definitions import definitions
from ..project.code.modules import module_of
from ..project.code.sources import Sources
from ..text.target_names import shared_name


def is_named(changed: ChangedFunction, name: str) -> bool:
    """Return whether `path::name`, `module:name`, `dotted.name` or a bare name means a changed function.

    People write the name that a setter or a registered implementation shares with others.
    """
    path, colons, qualified = name.partition("::")
    for own in dict.fromkeys((changed.name, shared_name(changed.name))):
        if colons and _ends_with(changed.path, path, "/") and _ends_with(own, qualified, "."):
            return True
        if not colons and _ends_with(f"{changed.module}.{own}", name.replace(":", "."), "."):
            return True
    return False


def matching_functions(name: str, sources: Sources, files: Iterable[str]) -> tuple[str, ...]:
    """Return the functions of a tree that a name can mean; a bare name is only looked up in `files`."""
    path, colons, qualified = name.partition("::")
    if colons:
        modules = [module_of(file, sources.roots) for file in _files_ending_with(path, sources)]
        targets = [f"{module}:{qualified}" for module in modules if module]
        return tuple(filter(sources.try_find, targets))
    if ":" in name:
        return (name,) if sources.try_find(name) else ()
    parts = name.split(".")
    dotted = [f"{'.'.join(parts[:count])}:{'.'.join(parts[count:])}" for count in range(len(parts) - 1, 0, -1)]
    if target := next(filter(sources.try_find, dotted), None):
        return (target,)
    return tuple(dict.fromkeys(_in_files(name, sources, files)))


def similar_function(name: str, sources: Sources) -> str:
    """Return a function with a name like that of a missing one, "" if there is none."""
    path, colons, qualified = name.partition("::")
    module = module_of(path, sources.roots) if colons else ""
    target = f"{module}:{qualified}" if module else name
    with suppress(SourceError):
        return next(iter(sources.near_names(target)), "") if ":" in target else ""
    return ""


def _in_files(name: str, sources: Sources, files: Iterable[str]) -> Iterator[str]:
    all_files = sources.tree.files()
    paths = (path for file in files for path in ([file] if file in all_files else _files_ending_with(file, sources)))
    for path in paths:
        with suppress(SourceError):
            if module := module_of(path, sources.roots):
                defined = definitions(sources.tree.read(path) or b"", path)[:-1]  # without the file's own code
                yield from (f"{module}:{each.name}" for each in defined if _ends_with(each.name, name, "."))


def _files_ending_with(path: str, sources: Sources) -> list[str]:
    return [file for file in sources.tree.files() if _ends_with(file, path, "/")]


def _ends_with(whole: str, part: str, separator: str) -> bool:
    part = posixpath.normpath(part) if separator == "/" else part
    return whole == part or whole.endswith(f"{separator}{part}")
