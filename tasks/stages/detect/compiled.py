"""Find out what changed in compiled sources: definitions in Cython files, and which other files."""

import re
from collections.abc import Iterable, Iterator

from ...artifacts import ChangedFunction
from ...git import FileChange, printable
from ...project.code.compiled import is_compiled
from ...project.code.cython import cython_contents
from ...project.code.definitions import MODULE, Definition
from ...project.code.differences import Difference
from ...project.code.modules import module_of
from ...project.code.sources import Sources
from ...project.pytest_config import is_test_code


def compiled_sources(changes: Iterable[FileChange]) -> tuple[str, ...]:
    """Return the compiled sources that changed, without those of tests."""
    paths = (change.head_path or change.base_path or "" for change in changes)
    return tuple(path for path in paths if is_compiled(path) and not is_test_code(path))


def cython_differences(changes: Iterable[FileChange], base: Sources, head: Sources) -> Iterator[Difference]:
    """Yield the definitions that Python code can call and that differ in a Cython file of both sides."""
    for change in changes:
        before, after = change.base_path or "", change.head_path or ""
        module = module_of(f"{after.removesuffix('.pyx')}.py", head.roots)
        if before.endswith(".pyx") and after.endswith(".pyx") and module and not is_test_code(after):
            old, new = (
                {each.name: each for each in cython_contents(sources.tree.read(path) or b"").definitions}
                for sources, path in ((base, before), (head, after))
            )
            for name in _changed(old, new):
                function = ChangedFunction(
                    path=printable(after),
                    module=module,
                    name=name,
                    status="modified",
                    base_path=printable(before),
                    base_name=name,
                    is_async=new[name].is_async,
                    lines=(new[name].start, new[name].end),
                )
                yield Difference(function, old[name], new[name])


def _changed(old: dict[str, Definition], new: dict[str, Definition]) -> list[str]:
    """Return the callables that differ; for what only Cython can call, the callables of the file that use it."""
    names = [name for name in new if name in old and name != MODULE and old[name].code != new[name].code]
    callables = [
        name for name in new if name in old and new[name].kind in {"function", "class"} and _reachable(name, new)
    ]
    hidden = {name.rpartition(".")[2] for name in names if new[name].kind == "name"}
    used = re.compile(rf"\b({'|'.join(map(re.escape, hidden))})\s*\(") if hidden else None
    direct = [name for name in names if name in callables]
    return direct or [name for name in callables if used and used.search(new[name].code)]


def _reachable(name: str, definitions: dict[str, Definition]) -> bool:
    """Return whether nothing but classes encloses a definition, so that it can be called from outside."""
    parts = name.split(".")
    outer = (".".join(parts[:count]) for count in range(1, len(parts)))
    return all(each in definitions and definitions[each].kind == "class" for each in outer)
