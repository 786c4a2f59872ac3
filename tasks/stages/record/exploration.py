"""Choose the function that the change is about, and what to call to measure it, by what the tests reach."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, takewhile, zip_longest
from typing import Final

from ...artifacts import Layout
from ...bench.observing.exploring import Frame, Reach, TimedCall
from ...bench.observing.recording import Wanted
from ...project.code.definitions import Definition
from ...project.code.imported_names import is_public
from ...project.code.modules import is_test, module_of
from ...project.code.sources import Sources
from ...text import figures
from ...text.target_names import shared_name
from .candidates import Candidate, callable_of, inner

MOST_TESTS: Final = 12
"""Tests whose calls are recorded."""
MOST_ADDED: Final = 6
"""The most of them that head adds or changes; they go first, since they show what the change is about."""
MOST_NAMED: Final = 3
"""The most of them that have the target's name in theirs, or in that of their file, and go next."""
PART_OF_OTHERS: Final = 3
"""One of so many is of another file, if there is one: tests of a file may all use what cannot be written as code."""
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
STEM: Final = 6
"""Letters that two words share at least if they are about the same."""
GENERAL: Final = (
    *("alloca", "comple", "comput", "condit", "defaul", "execut", "expens", "functi", "genera", "implem", "improv"),
    *("instan", "intern", "iterat", "linear", "memory", "method", "multip", "object", "operat", "optimi", "perfor"),
    *("proces", "quadra", "redund", "result", "simple", "statem", "string", "unnece", "values"),
)
"""How words begin that many titles have, and many names."""
ENDING: Final = 5
"""Letters in which such words may differ."""
LEAST_PART: Final = 0.3
"""A caller counts if at least this part of the target's time in the tests is spent below it."""


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
    is_added: bool = False
    """Whether head adds or changes the test."""


def named(reach: Reach, sources: Sources, layout: Layout, *, is_added: bool) -> NamedReach:
    """Name the project's functions in the chains, tests left out."""

    def function_at(path: str, line: int) -> tuple[str, Definition] | None:
        module = module_of(path, layout.import_roots)
        if module is None or is_test(path, layout):
            return None
        # A frame's first line is that of its first decorator.
        functions = (each for each in sources.definitions(path) if each.kind == "function" and each.start == line)
        return next(((module, each) for each in functions), None)

    def names(frames: Sequence[Frame]) -> tuple[str, ...]:
        functions = [found for frame in frames if (found := function_at(*frame))]
        running = {f"{module}:{each.name}" for module, each in functions}
        # An inner function may run long after the outer one has returned.
        outer = ((f"{module}:{each.outermost or each.name}", f"{module}:{each.name}") for module, each in functions)
        return tuple(outermost if outermost in running else own for outermost, own in outer)

    chains = tuple((names(each.callers), each.seconds) for each in reach.chains)
    return NamedReach(
        reach.test,
        reach.target,
        reach.seconds,
        chains,
        reach.longest,
        case=reach.case,
        values=reach.values,
        generated=reach.generated,
        is_added=is_added,
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
    titles: tuple[str, ...] = ()
    """Those of the commits that describe the change, without prefixes."""

    @property
    def target(self) -> Candidate | None:
        """The candidate in which the tests spend the most time, with what it calls; None if none is reached.

        If titles name some of them, or use a word of their names, it is one of these: others may have changed by the
        way.
        """
        seconds, words = self._seconds, set(chain.from_iterable(map(_possible_names, self.titles)))
        reached = [each for each in self.candidates if each.watched in seconds]
        named = [each for each in reached if _own_name(each.watched) in words]
        named = named or [each for each in reached if _is_about(words, _own_name(each.watched))]
        return max(named or reached, key=lambda each: seconds[each.watched], default=None)

    @property
    def reason(self) -> str:
        target, seconds = self.target, self._seconds
        if target is None:
            return ""
        tests = len({each.test for each in self.reached if each.target == target.watched})
        spent = f"{tests} test{'s' * (tests != 1)} spend{'s' * (tests == 1)} {figures.seconds(seconds[target.watched])}"
        most = max(seconds, key=seconds.__getitem__) == target.watched
        why = f"the most of {len(seconds)} changed functions" if most else "which a commit's title names"
        which = f", {why}" if len(seconds) > 1 else ""
        return f"{spent} in {target.watched}{which}"

    @property
    def _seconds(self) -> dict[str, float]:
        seconds: dict[str, float] = defaultdict(float)
        for reach in self.reached:
            seconds[reach.target] += reach.seconds
        return seconds

    def tests(self, target: str) -> tuple[tuple[str, ...], ...]:
        """Return tests that reach a target, file by file; the cases of a test are one.

        Some that head adds come first, then some that are named after the target, and then those that spend the most
        time in it, of several files if possible.
        """
        seconds: dict[str, float] = defaultdict(float)
        for reach in self.reached:
            if reach.target == target:
                seconds[reach.test.partition("[")[0]] += reach.seconds
        longest = sorted(seconds, key=lambda test: -seconds[test])
        added = {each.test.partition("[")[0] for each in self.reached if each.is_added}
        first = [test for test in longest if test in added][:MOST_ADDED]
        named = [test for test in longest if _is_named_after(test, _own_name(target))][:MOST_NAMED]
        chosen = [*dict.fromkeys((*first, *named, *longest))]
        return by_file(_of_several_files(chosen, MOST_TESTS))

    def cases(self, target: str) -> tuple[str, ...]:
        """Return the cases of each test that spend the most time in a target."""
        seconds: dict[str, dict[str, float]] = defaultdict(dict)
        for reach in self.reached:
            if reach.target == target:
                seconds[reach.test.partition("[")[0]][reach.test] = reach.seconds
        longest = (sorted(cases, key=lambda case: -cases[case])[:MOST_CASES] for cases in seconds.values())
        return tuple(chain.from_iterable(longest))

    def longest_tests(self, target: str) -> tuple[NamedReach, ...]:
        """Return one case of each test that reaches a target, that which spends the most time in it.

        Tests that head adds go first, then those that reach most of what changed.
        """
        changed = Counter(test for test, _ in {(each.test, each.target) for each in self.reached})
        of_target = (each for each in self.reached if each.target == target)
        reached = sorted(of_target, key=lambda each: (not each.is_added, -changed[each.test], -each.seconds))
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
        callables = (inner(self.sources, name) or callable_of(self.sources, name) for name in names)
        found = {each.watched: each for each in callables if each}
        others = [each for each in found.values() if each.watched != target]
        return (*others[:MOST_CALLERS], *others[MOST_CALLERS:][-MOST_CALLERS:])


def _is_named_after(test: str, name: str) -> bool:
    """Return whether the name of a test, or of its file, has that of a function as a word: `test_get`, not `target`."""
    own = test.partition("[")[0].rpartition("/")[2].lower()
    return re.search(rf"(?<![^\W_]){re.escape(name.lower().strip('_'))}(?![^\W_])", own) is not None


def _own_name(target: str) -> str:
    """Return the last part of a target's name as people write it, such as the property of a setter."""
    *owners, last = shared_name(target).partition(":")[2].split(".")
    return owners[-1] if owners and last == "__init__" else last


def _is_about(words: Iterable[str], name: str) -> bool:
    """Return whether a word is a part of a name but for its ending: `atomization` of `get_atomized_operand`."""
    parts = [part for part in re.findall(r"[A-Z]?[a-z]+", name) if not part.lower().startswith(GENERAL)]
    pairs = ((word.lower(), part.lower()) for word in words for part in parts)
    return any(max(map(len, pair)) - ENDING <= _shared(*pair) >= STEM for pair in pairs)


def _shared(one: str, other: str) -> int:
    """Return with how many equal letters two words begin."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _possible_names(title: str) -> list[str]:
    """Return the words of a title that may name functions: a first word such as `add` says what a commit does.

    Of `Table.add` that is the last part.
    """
    words = re.findall(r"\w+(?:\.\w+)*", title)
    return [word.rpartition(".")[2] for word in (words[1:] if words and words[0].isalpha() else words)]


def _of_several_files(tests: Sequence[str], most: int) -> list[str]:
    """Return the first `most` tests; if they are of one file, some of other files instead of the last ones."""
    first = list(tests[:most])
    usual, _ = Counter(map(_file, first)).most_common(1)[0]
    others = [test for test in tests if _file(test) != usual][: most // PART_OF_OTHERS]
    missing = [test for test in others if test not in first]
    return [*first[: len(first) - len(missing)], *missing]


def _file(test: str) -> str:
    return test.partition("::")[0]


def by_file(tests: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    files: dict[str, list[str]] = defaultdict(list)
    for test in tests:
        files[_file(test)].append(test)
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

    If there are calls in which that is most of the time, the others do not count, unless head adds their tests: at head
    it may hardly take time. Each test has its longest first.
    """
    added = {each.test for each in reached if each.is_added}
    calls = [(each, reach.test) for reach in reached if reach.target == called.watched for each in reach.longest]
    mostly = [(each, test) for each, test in calls if _is_mostly(each)]
    counting = [(each, test) for each, test in calls if _is_mostly(each) or test in added] if mostly else calls
    longest = sorted(counting, key=lambda each: -each[0].inside)
    if not longest:
        return None
    # Calls of one test are alike, and at head the optimized ones are not the longest.
    by_test = defaultdict(list)
    for each in sorted(longest, key=lambda each: each[1] not in added):
        by_test[each[1]].append(each)
    most = MOST_CALLS if longest[0][0].inside >= SHORT else 2 * MOST_CALLS
    turns = zip_longest(*(by_test[test] for test in _of_several_files([*by_test], most)))
    longest = [each for turn in turns for each in turn if each]
    wanted: dict[str, list[int]] = defaultdict(list)
    for call, test in longest[:most]:
        wanted[test].append(call.number)
    first = max((each for each, _ in mostly or calls), key=lambda each: each.inside)
    return Workload(called, wanted, first.inside, first.inside / max(first.seconds, 1e-9), _is_mostly(first))


def _is_mostly(call: TimedCall) -> bool:
    return call.inside >= LEAST_SHARE * call.seconds * (SHORT_CALL_FACTOR if call.seconds < SHORT else 1)
