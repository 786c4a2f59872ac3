"""Guess which function was optimized, from the differences and the existing benchmarks."""

import ast
from collections import Counter
from collections.abc import Iterator, Sequence

from ...benchmark_tests.benchmark_file import BenchmarkFile
from ...manifest.model import Domain
from ...project.code.definitions import MODULE
from ...project.code.differences import Difference
from ...project.code.imported_names import is_public
from ...project.code.modules import module_of
from ...project.code.sources import LocatedDefinition, Sources

Guess = tuple[str | None, str]
"""A target and the reason for it."""

_CONSTRUCTORS = frozenset({"__init__", "__new__", "__post_init__"})


def guess(
    differences: Sequence[Difference],
    *,
    domains: Sequence[Domain],
    benchmarks: Sequence[BenchmarkFile],
    base: Sources,
    head: Sources,
) -> Guess:
    """Choose a module for its import, else a function with a benchmark, else the public one that changed most.

    Only code that exists on both sides, and is not merely moved, is comparable: added functions count only if they
    override one of base.
    """
    comparable = [each for each in differences if each.base and each.head and not each.function.only_moved]
    functions = sorted((each for each in comparable if each.function.name != MODULE), key=_rank)
    modules = sorted((each for each in comparable if each.function.name == MODULE), key=_rank)
    if tuple(domains[:1]) == ("struct",):
        return _module_to_import(modules, functions)
    changed = _benchmarked(functions, benchmarks, head) or _most_changed(functions)
    return changed or _overriding(differences, base) or _user_of_module(modules, head) or _nothing(differences)


def changed_definition(named: str, differences: Sequence[Difference], head: Sources) -> Guess | None:
    """Return what changed if the target `named` did not: its setter, or an implementation registered for it.

    Return None if `named` itself changed, or nothing that code calls by its name did.
    """
    located = head.try_find(named)
    if located is None or not located.definition.called:
        return None
    called = [
        each
        for each in differences
        if each.head and each.function.path == located.path and each.head.called == located.definition.called
    ]
    if not called or any(each.function.name == located.definition.name for each in called):
        return None
    reason = f"{named} itself did not change; code calls this by the same name"
    return min(called, key=_rank).function.target, reason


def _rank(difference: Difference) -> tuple[bool, bool, int, str, str]:
    function, head = difference.function, difference.head
    can_be_called = head is None or bool(head.called or head.outermost)
    is_private = not is_public(_callable(difference))
    return not can_be_called, is_private, -difference.weight, function.path, function.name


def _callable(difference: Difference) -> str:
    """Name what can be called from outside: the outermost function of a nested one, the class of a constructor."""
    definition = difference.head
    name = (definition.outermost if definition else "") or difference.function.name
    owner, _, last = name.rpartition(".")
    return owner if owner and last in _CONSTRUCTORS else name


def _target(difference: Difference) -> str:
    return f"{difference.function.module}:{_callable(difference)}"


def _module_to_import(modules: Sequence[Difference], functions: Sequence[Difference]) -> Guess:
    if modules:
        return modules[0].function.module, "the domain is struct, and this module's own code changed most"
    if functions:
        module = functions[0].function.module
        return module, "the domain is struct, and the function that changed most is in this module"
    return None, "the domain is struct, but no changed module exists on both sides"


def _benchmarked(functions: Sequence[Difference], benchmarks: Sequence[BenchmarkFile], head: Sources) -> Guess | None:
    for target in map(_target, functions):
        definition = head.try_find(target)
        for benchmark in benchmarks:
            if definition and benchmark.uses(definition):
                return target, f"it changed, and {benchmark.path} calls it"
    return None


def _most_changed(functions: Sequence[Difference]) -> Guess | None:
    if not functions:
        return None
    first = functions[0]
    is_class = (first.head and first.head.kind == "class") or first.function.name.rpartition(".")[2] in _CONSTRUCTORS
    kind = ("public " if is_public(_callable(first)) else "") + ("class" if is_class else "function")
    which = f"the only {kind} that changed" if len(functions) == 1 else f"the {kind} that changed most"
    lines = f"{first.weight} line{'' if first.weight == 1 else 's'}"
    nested = f", in {first.function.name}" if _callable(first) != first.function.name else ""
    return _target(first), f"it is {which} ({lines}{nested})"


def _overriding(differences: Sequence[Difference], base: Sources) -> Guess | None:
    """Return a method that head adds to a class and that base inherits, perhaps from a class outside the project."""
    added = (each for each in differences if each.head and not each.base and each.function.name != MODULE)
    for difference in sorted(added, key=_rank):
        module, name = difference.function.module, difference.function.name
        owner, _, method = name.rpartition(".")
        target, holder = _target(difference), base.try_find(f"{module}:{owner}") if owner else None
        if holder is None or holder.definition.kind != "class" or method in _CONSTRUCTORS:
            continue
        if base.try_find(target) or _inherits_from_outside(holder, module, base):
            return target, "head overrides the method that base inherits"
    return None


def _inherits_from_outside(holder: LocatedDefinition, module: str, sources: Sources) -> bool:
    """Return whether the project lacks the definition of one of a class's ancestors."""
    waiting, seen = [(module, holder)], {holder}
    while waiting:
        module, derived = waiting.pop()
        for name in derived.definition.bases:
            ancestor = sources.try_find(f"{module}:{name.partition('[')[0]}")
            if ancestor is None or ancestor.definition.kind != "class":
                return True
            if ancestor not in seen:
                seen.add(ancestor)
                waiting.append((module_of(ancestor.path, sources.roots) or module, ancestor))
    return False


def _user_of_module(modules: Sequence[Difference], head: Sources) -> Guess | None:
    """Return a function that uses a changed module-level name, else the first module."""
    for difference in modules:
        module, changed = difference.function.module, _changed_names(difference)
        path = head.path_of(module)
        if path and (users := head.users(path, changed)):
            user = min(users, key=lambda each: not is_public(each.name))
            reason = f"it uses what changed in its module: {', '.join(sorted(changed))}"
            return f"{module}:{user.outermost or user.name}", reason
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


def _nothing(differences: Sequence[Difference]) -> Guess:
    if not differences:
        return None, "no function of the project changed"
    statuses = " and ".join(sorted({each.function.status for each in differences}))
    if all(each.base and each.head for each in differences):
        return None, f"functions were only {statuses}: their code is the same"
    return None, f"functions were only {statuses}: none that changed exists at both base and head"
