"""Choose the function that the change is about, and what to call to measure it, by what the tests reach."""

import ast
import copy
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain, zip_longest
from typing import Final

from ...artifacts import ChangedFunction, DefinitionPlace, Detection, Layout
from ...bench.observing.exploring import Reach, TimedCall
from ...bench.observing.recording import Wanted
from ...bench.observing.site import WatchedFunction
from ...errors import SourceError
from ...project.code.definitions import MODULE
from ...project.code.imported_names import Imports, imports, is_public
from ...project.code.modules import is_test, module_of
from ...project.code.reach import DefinitionText, LineRange, changed_statements, line_numbers
from ...project.code.sources import LocatedDefinition, Sources, called_target
from ...project.syntax import Scope, last_name, names, parse_or_empty, without_docstring
from ...text import figures

MOST_CANDIDATES: Final = 60
MOST_TESTS: Final = 12
"""Tests whose calls are recorded."""
MOST_CASES: Final = 40
"""Cases of such a test that are run again."""
MOST_CALLERS: Final = 6
"""The most near callers that are considered, and the most far ones."""
MOST_CALLS: Final = 6
"""Calls of a function that are written as code; of those that are all shorter than SHORT, twice as many."""
SHORT: Final = 1e-3
"""Seconds of a call below which chance decides which of several takes longest."""
LEAST_SHARE: Final = 0.4
"""The least part of a caller's time that has to be spent in the changed function."""
SHORT_CALL_FACTOR: Final = 0.5
"""Times LEAST_SHARE for calls shorter than SHORT: an unknown part of their time is that of watching them."""
LEAST_PART: Final = 0.3
"""A caller counts if at least this part of the target's time in the tests is spent below it."""

SLOTS: Final = "__slots__"
COLLECTIONS: Final = frozenset({"dict", "list", "set", "OrderedDict", "WeakKeyDictionary", "WeakValueDictionary"})
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
        """The target by which code calls it, such as the property of a setter; "" if no name refers to it."""
        return called_target(self.watched, self.located.definition) if self.located.definition.called else ""

    @property
    def function(self) -> WatchedFunction:
        is_generated = self.located.definition.kind == "class"  # no line of the file has its code
        line = 0 if is_generated else self.located.definition.start
        return WatchedFunction(self.called_as or self.watched, self.located.path, line)


def candidates(detection: Detection, named: Sequence[str], base: Sources, head: Sources) -> tuple[Candidate, ...]:
    """Return the functions that the manifest has `named`, else those that changed and exist at base.

    Those of which only annotations changed, or how they spell an imported name, count if there are no others, and so do
    those to which head only adds what other changed functions use.
    """
    at_base = [(each, target) for each in detection.functions if (target := _at_base(each, detection.layout))]
    names = {each.target: target for each, target in at_base}
    # The target is the first that the manifest names, or what changed of it: the setter of that property.
    targets = [names.get(each, each) for each in (detection.target, *named[1:]) if each]
    if not named:
        changed = [(each, target) for each, target in at_base if not each.only_moved]
        sides = {target: (base.try_find(target), head.try_find(each.target)) for each, target in changed}
        rewritten = [target for target, both in sides.items() if _code_of(both[0], base) != _code_of(both[1], head)]
        faster = [target for target in rewritten if not _only_prepares(*sides[target])]
        chosen = faster or rewritten or list(sides)
        targets = [*chosen, *(each for each in targets if each not in sides)]
    found = (callable_of(base, target) for target in dict.fromkeys(targets))
    distinct = {each.watched: each for each in found if each is not None}
    return tuple(distinct.values())[:MOST_CANDIDATES]


def _code_of(located: LocatedDefinition | None, sources: Sources) -> str:
    """Return the code of a definition without annotations, in which imported names have their modules."""
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


def _only_prepares(before: LocatedDefinition | None, after: LocatedDefinition | None) -> bool:
    """Return whether head only adds constants to a function or class, such as an empty cache: that saves nothing."""
    if before is None or after is None:
        return False
    bodies = [parse_or_empty(each.definition.untyped_code.encode()).body for each in (before, after)]
    old, new = (next(iter(body), None) for body in bodies)
    if not isinstance(old, Scope) or not isinstance(new, Scope) or _header_of(old) != _header_of(new):
        return False
    statements = [[_comparable(each) for each in without_docstring(node)] for node in (old, new)]
    added = Counter(statements[1]) - Counter(statements[0])
    is_kept = not Counter(statements[0]) - Counter(statements[1])
    constants = {_comparable(each) for each in new.body if _is_constant(each)}
    return is_kept and bool(added or _slots(old) != _slots(new)) and constants.issuperset(added)


def _header_of(node: Scope) -> str:
    """Return the first line of a function or class, with its decorators."""
    empty = copy.copy(node)
    empty.body = [ast.Pass()]
    return ast.unparse(empty)


def _comparable(statement: ast.stmt) -> str:
    return SLOTS if _names_slots(statement) else ast.dump(statement)


def _names_slots(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assign) and SLOTS in names(statement.targets, ast.Store)


def _slots(node: Scope) -> list[str]:
    return [ast.dump(each) for each in node.body if _names_slots(each)]


def _is_constant(statement: ast.stmt) -> bool:
    """Return whether a statement assigns a constant or an empty collection, or only declares an attribute's type."""
    if isinstance(statement, ast.AnnAssign) and statement.value is None:
        return True
    value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
    is_empty = isinstance(value, ast.List | ast.Tuple | ast.Dict | ast.Set | ast.Call) and not any(
        isinstance(each, ast.expr) for each in ast.iter_child_nodes(value) if each is not getattr(value, "func", None)
    )
    is_collection = not isinstance(value, ast.Call) or last_name(value) in COLLECTIONS
    return isinstance(value, ast.Constant) or (is_empty and is_collection)


def at_head(candidate: Candidate, detection: Detection, head: Sources) -> Candidate | None:
    """Return a candidate of base as head has it, perhaps by another name; None if head lacks it."""
    changed = (each for each in detection.functions if _at_base(each, detection.layout) == candidate.watched)
    return callable_of(head, next((each.target for each in changed), candidate.watched))


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


@dataclass(frozen=True, slots=True)
class NamedReach:
    """What a test reached of a target; each chain has the names of the target's callers, the nearest first."""

    test: str
    target: str
    seconds: float
    chains: tuple[tuple[tuple[str, ...], float], ...]
    longest: tuple[TimedCall, ...] = ()
    case: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, str | int | bool | None] = field(default_factory=dict)
    generated: bool = False


def named(reach: Reach, sources: Sources, layout: Layout) -> NamedReach:
    """Name the project's functions in the chains, tests left out."""

    def name(path: str, line: int) -> str | None:
        module = module_of(path, layout.import_roots)
        if module is None or is_test(path, layout):
            return None
        # A frame's first line is that of its first decorator.
        functions = (each for each in sources.definitions(path) if each.kind == "function" and each.start == line)
        return next((f"{module}:{each.outermost or each.name}" for each in functions), None)

    chains = tuple(
        (tuple(filter(None, (name(*frame) for frame in each.callers))), each.seconds) for each in reach.chains
    )
    return NamedReach(
        reach.test,
        reach.target,
        reach.seconds,
        chains,
        reach.longest,
        case=reach.case,
        values=reach.values,
        generated=reach.generated,
    )


def undisturbed(runs: Sequence[Sequence[NamedReach]]) -> Iterator[NamedReach]:
    """Combine what several runs of the same tests reached: each call has its shortest times.

    A call that is among the longest of one run alone was interrupted there.
    """
    reached: dict[tuple[str, str], list[NamedReach]] = defaultdict(list)
    for each in chain.from_iterable(runs):
        reached[each.test, each.target].append(each)
    for seen in reached.values():
        calls: dict[int, list[TimedCall]] = defaultdict(list)
        for call in chain.from_iterable(each.longest for each in seen):
            calls[call.number].append(call)
        kept = [each for each in calls.values() if len(each) > 1] or list(calls.values())
        longest = (
            TimedCall(each[0].number, min(call.seconds for call in each), min(call.inside for call in each))
            for each in kept
        )
        yield replace(seen[0], longest=tuple(longest))


@dataclass(frozen=True, slots=True)
class Exploration:
    """What the tests reached of the candidates."""

    candidates: tuple[Candidate, ...]
    reached: tuple[NamedReach, ...]
    sources: Sources

    @property
    def target(self) -> Candidate | None:
        """The candidate in which the tests spend the most time, with what it calls; None if none is reached."""
        seconds = self._seconds
        reached = [each for each in self.candidates if each.watched in seconds]
        return max(reached, key=lambda each: seconds[each.watched], default=None)

    @property
    def reason(self) -> str:
        target, seconds = self.target, self._seconds
        if target is None:
            return ""
        tests = len({each.test for each in self.reached if each.target == target.watched})
        spent = f"{tests} test{'s' * (tests != 1)} spend{'s' * (tests == 1)} {figures.seconds(seconds[target.watched])}"
        which = f", the most of {len(seconds)} changed functions" if len(seconds) > 1 else ""
        return f"{spent} in {target.watched}{which}"

    @property
    def _seconds(self) -> dict[str, float]:
        seconds: dict[str, float] = defaultdict(float)
        for reach in self.reached:
            seconds[reach.target] += reach.seconds
        return seconds

    def tests(self, target: str) -> tuple[tuple[str, ...], ...]:
        """Return the tests that spend the most time in a target, file by file; the cases of a test are one."""
        seconds: dict[str, float] = defaultdict(float)
        for reach in self.reached:
            if reach.target == target:
                seconds[reach.test.partition("[")[0]] += reach.seconds
        return by_file(sorted(seconds, key=lambda test: -seconds[test])[:MOST_TESTS])

    def cases(self, target: str) -> tuple[str, ...]:
        """Return the cases of each test that spend the most time in a target."""
        seconds: dict[str, dict[str, float]] = defaultdict(dict)
        for reach in self.reached:
            if reach.target == target:
                seconds[reach.test.partition("[")[0]][reach.test] = reach.seconds
        longest = (sorted(cases, key=lambda case: -cases[case])[:MOST_CASES] for cases in seconds.values())
        return tuple(chain.from_iterable(longest))

    def longest_tests(self, target: str) -> tuple[NamedReach, ...]:
        """Return one case of each test that reaches a target: those that reach most of what changed go first.

        Of several the one that spends the most time in the target.
        """
        changed = Counter(test for test, _ in {(each.test, each.target) for each in self.reached})
        of_target = (each for each in self.reached if each.target == target)
        reached = sorted(of_target, key=lambda each: (-changed[each.test], -each.seconds))
        by_test: dict[str, NamedReach] = {}
        for each in reached:
            by_test.setdefault(each.test.partition("[")[0], each)
        return tuple(by_test.values())

    def callers(self, target: str) -> tuple[Candidate, ...]:
        """Return the project's functions that call a target, directly or not: the nearest and the outermost ones."""
        chains = [chain for reach in self.reached if reach.target == target for chain in reach.chains]
        below: dict[str, float] = defaultdict(float)
        distance: dict[str, int] = {}
        for callers, seconds in chains:
            for step, name in enumerate(dict.fromkeys(callers)):
                below[name] += seconds
                distance[name] = min(step, distance.get(name, step))
        total = sum(seconds for _, seconds in chains)
        names = sorted((name for name in below if below[name] >= LEAST_PART * total), key=distance.__getitem__)
        found = {each.watched: each for name in names if (each := callable_of(self.sources, name))}
        others = [each for each in found.values() if each.watched != target]
        return (*others[:MOST_CALLERS], *others[MOST_CALLERS:][-MOST_CALLERS:])


def by_file(tests: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    files: dict[str, list[str]] = defaultdict(list)
    for test in tests:
        files[test.partition("::")[0]].append(test)
    return tuple(map(tuple, files.values()))


@dataclass(frozen=True, slots=True)
class Workload:
    """A function to call, and the calls of tests that spend the most time in what changed."""

    called: Candidate
    wanted: Wanted
    inside: float
    """Seconds in the changed function, of the call with the most."""
    share: float
    is_mostly: bool
    """Whether that is most of the call's time."""

    @property
    def is_public(self) -> bool:
        return is_public(self.called.called_as.replace(":", "."))

    @property
    def tests(self) -> tuple[tuple[str, ...], ...]:
        """The tests that make the calls, file by file."""
        return by_file(dict.fromkeys(test.partition("[")[0] for test in self.wanted))


def workload(called: Candidate, reached: Sequence[NamedReach]) -> Workload | None:
    """Choose the calls of a function that spend the most time in what changed; None if no test makes one.

    If there are calls in which that is most of the time, the others do not count. Each test has its longest first.
    """
    calls = [(each, reach.test) for reach in reached if reach.target == called.watched for each in reach.longest]
    mostly = [(each, test) for each, test in calls if _is_mostly(each)]
    longest = sorted(mostly or calls, key=lambda each: -each[0].inside)
    if not longest:
        return None
    # Calls of one test are alike, and at head the optimized ones are not the longest.
    by_test = defaultdict(list)
    for each in longest:
        by_test[each[1]].append(each)
    most = MOST_CALLS if longest[0][0].inside >= SHORT else 2 * MOST_CALLS
    longest = [each for turn in zip_longest(*by_test.values()) for each in turn if each]
    wanted: dict[str, list[int]] = defaultdict(list)
    for call, test in longest[:most]:
        wanted[test].append(call.number)
    first = longest[0][0]
    return Workload(called, wanted, first.inside, first.inside / max(first.seconds, 1e-9), _is_mostly(first))


def _is_mostly(call: TimedCall) -> bool:
    return call.inside >= LEAST_SHARE * call.seconds * (SHORT_CALL_FACTOR if call.seconds < SHORT else 1)


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
