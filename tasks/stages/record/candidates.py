"""Choose the functions that the change may be about: what changed, and exists on both sides."""

import ast
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from ...artifacts import ChangedFunction, DefinitionPlace, Detection, Layout
from ...bench.observing.site import WatchedFunction
from ...errors import SourceError
from ...project.code.definitions import MODULE
from ...project.code.imported_names import Imports, imports
from ...project.code.modules import module_of
from ...project.code.reach import DefinitionText, LineRange, changed_statements, line_numbers
from ...project.code.sources import LocatedDefinition, Sources, called_target
from ...project.syntax import last_name, parse_or_empty
from .bookkeeping import saves_nothing

MOST_CANDIDATES: Final = 60

GENERATING: Final = frozenset({"dataclass", "define", "mutable", "frozen", "s", "attrs"})
"""Decorators of dataclasses and attrs that generate a constructor."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A function of one side, such as a changed one at base: for a class that is its constructor.

    If a decorator generates that, `located` is the class.

    `watched` is its target, as definitions are named: `shop:Table.rows.setter`.
    """

    watched: str
    located: LocatedDefinition

    @property
    def called_as(self) -> str:
        """The target by which code calls it, such as the property of a setter; "" if code cannot.

        No name refers to a method of a class that a function makes, but code calls it of an object or of that class.
        """
        definition = self.located.definition
        if definition.called:
            return called_target(self.watched, definition)
        method, first = definition.name.rpartition(".")[2], next(iter(definition.parameters), None)
        is_method = definition.outermost and definition.owner and first and first.name in {"self", "cls"}
        is_named = method != "__init__" and (not method.startswith("__") or method.endswith("__"))
        return f"{self.watched.partition(':')[0]}:{definition.owner}.{method}" if is_method and is_named else ""

    @property
    def function(self) -> WatchedFunction:
        definition = self.located.definition
        line = 0 if definition.kind == "class" else definition.start  # no line of the file has generated code
        name = self.called_as if definition.called else self.watched
        return WatchedFunction(name, self.located.path, line)


def candidates(detection: Detection, named: Sequence[str], base: Sources, head: Sources) -> tuple[Candidate, ...]:
    """Return the functions that the manifest has `named`, else those that changed and exist at base.

    Those of which only annotations changed, or how they spell an imported name or a variable, count if there are no
    others, and so do those to which head only adds what other changed functions use.
    """
    at_base = [(each, target) for each in detection.functions if (target := _at_base(each, detection.layout))]
    names = {each.target: target for each, target in at_base}
    # The target is the first that the manifest names, or what changed of it: the setter of that property.
    targets = [names.get(each, each) for each in (detection.target, *named[1:]) if each]
    if not named:
        changed = [(each, target) for each, target in at_base if not each.only_moved]
        codes = {target: (_code_of(target, base), _code_of(each.target, head)) for each, target in changed}
        rewritten = [target for target, (before, after) in codes.items() if before != after]
        faster = [target for target in rewritten if not saves_nothing(*codes[target])]
        chosen = faster or rewritten or list(codes)
        targets = [*chosen, *(each for each in targets if each not in codes)]
    found = (each for target in dict.fromkeys(targets) for each in (callable_of(base, target), inner(base, target)))
    distinct = {each.watched: each for each in found if each is not None}
    return tuple(distinct.values())[:MOST_CANDIDATES]


def _code_of(target: str, sources: Sources) -> str:
    """Return the code of a target without annotations, in which imported names have their modules; "" if it is gone."""
    located = sources.try_find(target)
    if located is None:
        return ""
    spelled = _Imported(dict(imports(parse_or_empty(sources.tree.read(located.path) or b""))))
    return ast.unparse(spelled.visit(parse_or_empty(located.definition.untyped_code.encode())))


class _Imported(ast.NodeTransformer):
    """Replaces imported names by the module and the name there."""

    def __init__(self, names: Imports) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        module, name = self._names.get(node.id, ("", ""))
        return ast.parse(f"{module}.{name}".rstrip("."), mode="eval").body if module else node


def at_head(candidate: Candidate, detection: Detection, head: Sources) -> Candidate | None:
    """Return a candidate of base as head has it, perhaps by another name; None if head lacks it."""
    changed = (each for each in detection.functions if _at_base(each, detection.layout) == candidate.watched)
    target = next((each.target for each in changed), candidate.watched)
    return inner(head, target) if candidate.located.definition.outermost else callable_of(head, target)


def _at_base(function: ChangedFunction, layout: Layout) -> str | None:
    """Return the target of a function that both sides have, as it is named at base."""
    if function.status in {"added", "removed"} or function.name == MODULE:
        return None
    path, name = function.at_base
    module = module_of(path, layout.import_roots)
    return f"{module}:{name}" if module else None


def callable_of(sources: Sources, target: str) -> Candidate | None:
    """Return what has to run for a target: a nested function's outermost one, a class's own constructor."""
    located = sources.try_find(target)
    if located is not None and located.definition.outermost:
        target = f"{target.partition(':')[0]}:{located.definition.outermost}"
        located = sources.try_find(target)
    if located is None and target.endswith(".__init__"):
        return _constructor(sources, target.removesuffix(".__init__"))
    if located is not None and located.definition.kind == "class":
        return _constructor(sources, target)
    if located is None or located.definition.kind != "function":
        return None
    return Candidate(target, located)


def inner(sources: Sources, target: str) -> Candidate | None:
    """Return an inner function, which may run long after the outer one has returned; None if it is none."""
    located = sources.try_find(target)
    is_inner = located is not None and located.definition.outermost and located.definition.kind == "function"
    return Candidate(target, located) if located and is_inner else None


def _constructor(sources: Sources, of_class: str) -> Candidate | None:
    """Return a class's own constructor, which a decorator like that of dataclasses may generate."""
    target = f"{of_class}.__init__"
    own, located = sources.try_find(target), sources.try_find(of_class)
    if own is not None and own.definition.name == target.partition(":")[2]:
        return Candidate(target, own)
    decorators = (
        getattr(next(iter(ast.parse(located.definition.code).body), None), "decorator_list", ()) if located else ()
    )
    is_generated = any(last_name(each) in GENERATING for each in decorators)
    return Candidate(target, located) if located and is_generated else None


def changed_lines(functions: Sequence[ChangedFunction], base: Sources, head: Sources) -> dict[str, tuple[int, ...]]:
    """Return the lines of changed functions whose statements head adds or changes, by file.

    What a class itself has, such as `__slots__`, is executed by its import, whatever its objects do.
    """
    statements: dict[str, set[LineRange]] = defaultdict(set)
    for function in functions:
        own = _text(head, function.at("head"))
        located = head.try_find(function.target)
        is_class = located is not None and located.definition.kind == "class"
        if own and function.name != MODULE and not (function.only_moved or is_class):
            with suppress(SourceError):
                statements[own.path].update(changed_statements(own, _text(base, function.at("base"))))
    return line_numbers({path: tuple(sorted(ranges)) for path, ranges in statements.items() if ranges})


def _text(sources: Sources, place: DefinitionPlace | None) -> DefinitionText | None:
    source = sources.tree.read(place.path) if place else None
    return DefinitionText(source, place.path, place.lines) if place and source is not None else None
