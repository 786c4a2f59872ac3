"""Guess which function was optimized, from what differs and from the benchmarks that are there."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...project.code.definitions import MODULE
from ...project.code.modules import module_of

if TYPE_CHECKING:
    from ...benchmark_tests.benchmark_file import BenchmarkFile
    from ...manifest.model import Domain
    from ...project.code.differences import Difference
    from ...project.code.sources import LocatedDefinition, Sources

Guess = tuple[str | None, str]
"""A target, and the reason in words."""

_MADE_BY_CLASS = frozenset({"__init__", "__new__", "__post_init__"})


def guess(
    differences: Sequence[Difference],
    *,
    domains: Sequence[Domain],
    benchmarks: Sequence[BenchmarkFile],
    base: Sources,
    head: Sources,
) -> Guess:
    """Choose the target: a module for its import, else a function with a benchmark, else the public one that changed most.

    Only what is at base too can be compared, so functions that were added or removed are left out, but for methods that
    base inherits.
    """
    both = [each for each in differences if each.base and each.head]
    functions = sorted((each for each in both if each.function.name != MODULE), key=_rank)
    modules = sorted(
        (each for each in both if each.function.name == MODULE), key=lambda each: (-each.weight, each.function.path)
    )
    if tuple(domains[:1]) == ("struct",):
        return _of_import(modules, functions)
    changed = _benchmarked(functions, benchmarks, head) or _most_changed(functions)
    return changed or _overriding(differences, base) or _user_of_module(modules, head) or _none(differences)


def is_public(name: str) -> bool:
    """Return whether no part of a qualified name is private; `__init__` and its like are public."""
    return not any(
        part.startswith("_") and not (part.startswith("__") and part.endswith("__")) for part in name.split(".")
    )


def _rank(difference: Difference) -> tuple[bool, int, str, str]:
    return not is_public(_callable(difference)), -difference.weight, difference.function.path, difference.function.name


def _callable(difference: Difference) -> str:
    """Name what can be called from outside: of a nested function the outer one, of a constructor the class."""
    definition = difference.head
    name = (definition.outermost if definition else "") or difference.function.name
    owner, _, last = name.rpartition(".")
    return owner if owner and last in _MADE_BY_CLASS else name


def _target(difference: Difference) -> str:
    return f"{difference.function.module}:{_callable(difference)}"


def _of_import(modules: Sequence[Difference], functions: Sequence[Difference]) -> Guess:
    if modules:
        return modules[0].function.module, "the domain is struct, and of the modules' own code this one's changed most"
    if functions:
        return functions[
            0
        ].function.module, "the domain is struct, and the function that changed most is in this module"
    return None, "the domain is struct, but no module is there on both sides whose code changed"


def _benchmarked(functions: Sequence[Difference], benchmarks: Sequence[BenchmarkFile], head: Sources) -> Guess | None:
    for difference in functions:
        target = _target(difference)
        found = head.try_find(target)
        for benchmark in benchmarks:
            if found and benchmark.uses(found):
                return target, f"it changed, and {benchmark.path} calls it"
    return None


def _most_changed(functions: Sequence[Difference]) -> Guess | None:
    if not functions:
        return None
    first = functions[0]
    kind = "public function" if is_public(_callable(first)) else "function"
    lines = f"{first.weight} line{'' if first.weight == 1 else 's'}"
    nested = f", in {first.function.name}" if _callable(first) != first.function.name else ""
    why = (
        f"it is the only {kind} that changed" if len(functions) == 1 else f"of the {kind}s that changed it changed most"
    )
    return _target(first), f"{why} ({lines}{nested})"


def _overriding(differences: Sequence[Difference], base: Sources) -> Guess | None:
    """Take a method that head adds to a class in the place of one that base inherits, perhaps from outside of the project."""
    added = sorted(
        (each for each in differences if each.head and not each.base and each.function.name != MODULE), key=_rank
    )
    for difference in added:
        owner, _, method = difference.function.name.rpartition(".")
        target, holder = _target(difference), base.try_find(f"{difference.function.module}:{owner}") if owner else None
        if holder is None or holder.definition.kind != "class" or method in _MADE_BY_CLASS:
            continue
        if base.try_find(target) or _inherits_from_outside(holder, difference.function.module, base):
            return target, "head adds it in the place of the one that base inherits"
    return None


def _inherits_from_outside(holder: LocatedDefinition, module: str, sources: Sources) -> bool:
    """Return whether a class has a base, at whatever distance, that the project does not define."""
    waiting, seen = [(module, holder)], {holder}
    while waiting:
        where, each = waiting.pop()
        for name in each.definition.bases:
            found = sources.try_find(f"{where}:{name.partition('[')[0]}")
            if found is None or found.definition.kind != "class":
                return True
            if found not in seen:
                seen.add(found)
                waiting.append((module_of(found.path, sources.roots) or where, found))
    return False


def _user_of_module(modules: Sequence[Difference], head: Sources) -> Guess | None:
    """Where only constants and the like changed, take the function that uses them; else the module's import."""
    for difference in modules:
        changed = _changed_names(difference)
        path = head.path_of(difference.function.module)
        if path and (users := head.users(path, changed)):
            chosen = min(users, key=lambda each: not is_public(each.name))
            name = chosen.outermost or chosen.name
            return (
                f"{difference.function.module}:{name}",
                f"it uses what changed in its module: {', '.join(sorted(changed))}",
            )
    if modules:
        return modules[0].function.module, "only the module's own code changed, which runs when it is imported"
    return None


def _changed_names(difference: Difference) -> frozenset[str]:
    """Return the names whose assignment in the module differs."""
    before, after = (
        Counter(_assignments(side.code)) if side else Counter() for side in (difference.base, difference.head)
    )
    return frozenset(name for name, _ in (after - before) + (before - after))


def _assignments(code: str) -> Iterator[tuple[str, str]]:
    for statement in ast.parse(code).body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id, ast.unparse(statement)


def _none(differences: Sequence[Difference]) -> Guess:
    if not differences:
        return None, "no function of the project changed"
    how = " and ".join(sorted({each.function.status for each in differences}))
    return None, f"functions were {how} only: none of those that changed is at base and at head"
