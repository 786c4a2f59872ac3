"""Functions by the names that people give them, as the manifest spells them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import SourceError
from ..project.code.definitions import MODULE, definitions
from ..project.code.modules import module_of

if TYPE_CHECKING:
    from ..artifacts import ChangedFunction
    from ..project.code.sources import Sources


def is_named(changed: ChangedFunction, name: str) -> bool:
    """Return whether `path::name`, `module:name`, `dotted.name` or a bare name stands for a function that changed."""
    path, colons, inside = name.partition("::")
    if colons:
        return _ends_with(changed.path, path, "/") and _ends_with(changed.name, inside, ".")
    return _ends_with(changed.target.replace(":", "."), name.replace(":", "."), ".")


def spelled(name: str, sources: Sources, files: Iterable[str]) -> tuple[str, ...]:
    """Return what a name may stand for in a tree, as `module:Qualified.name`; a bare name is looked for in `files`."""
    path, colons, inside = name.partition("::")
    if colons:
        paths = [file for file in sources.tree.files() if _ends_with(file, path, "/")]
        targets = [f"{module}:{inside}" for file in paths if (module := module_of(file, sources.roots))]
        return tuple(target for target in targets if sources.try_find(target))
    if ":" in name:
        return (name,) if sources.try_find(name) else ()
    parts = name.split(".")
    dotted = [f"{'.'.join(parts[:count])}:{'.'.join(parts[count:])}" for count in range(len(parts) - 1, 0, -1)]
    if found := [target for target in dotted if sources.try_find(target)]:
        return (found[0],)
    return tuple(dict.fromkeys(_in_files(name, sources, files)))


def near(name: str, sources: Sources) -> str:
    """Return a function that is spelled like a missing one, "" where there is none."""
    path, colons, inside = name.partition("::")
    module = module_of(path, sources.roots) if colons else ""
    target = f"{module}:{inside}" if module else name
    if ":" not in target:
        return ""
    with suppress(SourceError):
        return next(iter(sources.near_names(target)), "")
    return ""


def _in_files(name: str, sources: Sources, files: Iterable[str]) -> Iterable[str]:
    for file in files:
        paths = (
            [file]
            if file in sources.tree.files()
            else [path for path in sources.tree.files() if _ends_with(path, file, "/")]
        )
        for path in paths:
            module = module_of(path, sources.roots)
            if module:
                yield from (f"{module}:{found}" for found in _names_in(path, sources) if _ends_with(found, name, "."))


def _names_in(path: str, sources: Sources) -> Sequence[str]:
    try:
        return [each.name for each in definitions(sources.tree.read(path) or b"", path) if each.name != MODULE]
    except SourceError:
        return []


def _ends_with(whole: str, part: str, separator: str) -> bool:
    part = posixpath.normpath(part) if separator == "/" else part
    return whole == part or whole.endswith(f"{separator}{part}")
