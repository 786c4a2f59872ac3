"""Hold the definitions of two commits against each other, file by file, renamed and moved ones followed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final, Literal

from ...artifacts import ChangedFunction
from ...errors import SourceError
from ...git import printable
from .definitions import MODULE, Definition, definitions
from .modules import is_own_module, is_test, module_of

if TYPE_CHECKING:
    from ...artifacts import Layout
    from ...git import Clone, FileChange

Status = Literal["modified", "added", "removed", "renamed", "moved"]
Variants = tuple[Definition, ...]

_ALIKE: Final = 0.6
"""The share of equal lines (twice, of both) from which on two definitions are one that was renamed."""
_ALIKE_OF_ONE_NAME: Final = 0.3
"""The same where the qualified name is the same, in another file."""
_TELLING_LINES: Final = 3
"""Shorter code is too much like other code to be followed."""
_MOST_PAIRS: Final = 20_000
_SPELLED_OUT: Final = 5
_DOCUMENTS: Final = (
    ".md",
    ".rst",
    ".txt",
    ".in",
    ".adoc",
    ".ipynb",
    ".pyi",
    ".lock",
    ".toml",
    ".cfg",
    ".ini",
    ".yaml",
    ".yml",
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A definition that differs, with what it was at base and is at head (None where it is not there)."""

    function: ChangedFunction
    base: Definition | None
    head: Definition | None

    @property
    def weight(self) -> int:
        """Count the lines of code that differ."""
        before, after = (side.code.splitlines() if side else [] for side in (self.base, self.head))
        blocks = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
        return sum(max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in blocks if tag != "equal")


@dataclass(frozen=True, slots=True)
class _Place:
    """A name in a file of one side, with the definitions that stand for it there (overloads, setters, alternatives)."""

    path: str
    name: str
    variants: Variants

    @property
    def last_name(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def code(self) -> str:
        return "\n".join(variant.code for variant in self.variants)

    @property
    def is_class(self) -> bool:
        return self.variants[-1].kind == "class"


@dataclass(slots=True)
class _Search:
    """What is known while two commits are held against each other."""

    modified: list[tuple[_Place, _Place]] = field(default_factory=list)
    gone: list[_Place] = field(default_factory=list)
    come: list[_Place] = field(default_factory=list)
    renamed_files: dict[str, str] = field(default_factory=dict)
    """Path at base to path at head."""
    notes: list[str] = field(default_factory=list)


def changed_functions(
    clone: Clone, base: str, head: str, layout: Layout
) -> tuple[tuple[ChangedFunction, ...], tuple[str, ...]]:
    """Return the project's functions that differ between two commits, and what could not be told, a sentence each."""
    found, notes = differences(clone, base, head, layout)
    return tuple(difference.function for difference in found), notes


def differences(clone: Clone, base: str, head: str, layout: Layout) -> tuple[tuple[Difference, ...], tuple[str, ...]]:
    """Return the definitions whose code differs, by path and line, and notes on what has none.

    Of definitions inside of each other it is the innermost that is changed; one that was added or removed
    stands for those inside of it. A file's own code is the definition `<module>`.
    """
    search, changes = _Search(), clone.changes(base, head)
    own = [change for change in changes if _is_own(change, layout)]
    for change in own:
        _hold(clone, base, head, change=change, search=search)
    pairs = _follow(search)
    found = [*_modified(search, layout), *_followed(pairs, search, layout), *_rest(pairs, search, layout)]
    notes = [*search.notes, *_left_out(changes, own, layout)]
    return tuple(sorted(found, key=lambda each: (each.function.path, each.function.lines, each.function.name))), tuple(
        notes
    )


# -- file by file -----------------------------------------------------------------------------------


def _is_own(change: FileChange, layout: Layout) -> bool:
    path = change.head_path or change.base_path or ""
    return not is_test(path, layout) and is_own_module(_module_name(path, layout), layout)


def _module_name(path: str, layout: Layout) -> str:
    """Name a file's module; where the layout was another one at base, by the usual import roots."""
    return module_of(path, layout.import_roots) or module_of(path, ("src", "")) or ""


def _hold(clone: Clone, base: str, head: str, *, change: FileChange, search: _Search) -> None:
    try:
        before, after = _places(clone, base, change.base_path), _places(clone, head, change.head_path)
    except SourceError as error:
        search.notes.append(f"{error.where}: {error.what}; which functions changed there is not known.")
        return
    if change.base_path and change.head_path and change.base_path != change.head_path:
        search.renamed_files[change.base_path] = change.head_path
        search.notes.append(f"{printable(change.base_path)} was renamed to {printable(change.head_path)}.")
    both = [name for name in after if name in before]
    modified = [(before[name], after[name]) for name in both if before[name].code != after[name].code]
    gone = [before[name] for name in before if name not in after and _counts(name, before)]
    come = [after[name] for name in after if name not in before and _counts(name, after)]
    if change.status == "M" and not (modified or gone or come):
        search.notes.append(f"{printable(change.head_path or '')}: only comments, docstrings or layout differ.")
    search.modified += modified
    search.gone += gone
    search.come += come


def _counts(name: str, places: dict[str, _Place]) -> bool:
    """Return whether a name that is on one side only says something: a new file's own code does where there is nothing else."""
    return name != MODULE or (len(places) == 1 and bool(places[MODULE].code))


def _places(clone: Clone, commit: str, path: str | None) -> dict[str, _Place]:
    source = clone.read(commit, path) if path else None
    if path is None or source is None:
        return {}
    grouped: dict[str, list[Definition]] = defaultdict(list)
    for definition in definitions(source, printable(path)):
        grouped[definition.name].append(definition)
    return {name: _Place(path, name, tuple(variants)) for name, variants in grouped.items()}


def _left_out(changes: Iterable[FileChange], own: list[FileChange], layout: Layout) -> Iterator[str]:
    paths = [change.head_path or change.base_path or "" for change in changes if change not in own]
    others = [
        path
        for path in paths
        if not is_test(path, layout) and not path.endswith(_DOCUMENTS) and "." in path.rpartition("/")[2][1:]
    ]
    if beside := [path for path in others if path.endswith(".py")]:
        packages = ", ".join(layout.packages) or "there are none"
        yield f"Python files outside of the project's packages ({packages}) changed too: {_listed(beside)}."
    if foreign := [path for path in others if not path.endswith(".py")]:
        yield f"Files that are not Python changed too, and may matter for what is measured: {_listed(foreign)}."


def _listed(paths: Sequence[str]) -> str:
    shown = ", ".join(map(printable, paths[:_SPELLED_OUT]))
    return f"{shown} and {len(paths) - _SPELLED_OUT} more" if len(paths) > _SPELLED_OUT else shown


# -- renamed and moved ------------------------------------------------------------------------------


def _follow(search: _Search) -> list[tuple[_Place, _Place]]:
    """Pair what is gone with what has come, the likest first."""
    rated = sorted(_rated(search), key=lambda pair: pair[0], reverse=True)
    taken: set[tuple[bool, str, str]] = set()
    pairs = []
    for _, before, after in rated:
        ends = {(False, before.path, before.name), (True, after.path, after.name)}
        if not ends & taken:
            taken |= ends
            pairs.append((before, after))
    return [*pairs, *_members(pairs, search, taken)]


def _members(
    pairs: list[tuple[_Place, _Place]], search: _Search, taken: set[tuple[bool, str, str]]
) -> Iterator[tuple[_Place, _Place]]:
    """Pair what keeps its name inside of something that was renamed or moved, however much it changed."""
    partner = {(before.path, before.name): after for before, after in pairs}
    free = {(place.path, place.name): place for place in search.come if (True, place.path, place.name) not in taken}
    for before in search.gone:
        if (False, before.path, before.name) in taken:
            continue
        for outer in reversed(_outer(before.name)):
            after = partner.get((before.path, outer))
            if after and (member := free.pop((after.path, after.name + before.name[len(outer) :]), None)):
                yield before, member
                break


def _rated(search: _Search) -> Iterator[tuple[float, _Place, _Place]]:
    compares = len(search.gone) * len(search.come) <= _MOST_PAIRS
    for before, after in _plausible(search):
        equal = before.code == after.code
        likeness = 1.0 if equal else _likeness(before.code, after.code) if compares else 0.0
        if likeness >= (_ALIKE_OF_ONE_NAME if before.name == after.name else _ALIKE):
            near = (_same_file(before, after, search) and 0.5) + (before.last_name == after.last_name and 0.5)
            yield likeness + near, before, after


def _plausible(search: _Search) -> Iterator[tuple[_Place, _Place]]:
    """Yield the pairs in one file or with one name, and those elsewhere whose code is the same."""
    by_name, by_path, by_code = (defaultdict(list) for _ in range(3))
    for place in search.come:
        by_name[place.last_name].append(place)
        by_path[place.path].append(place)
        by_code[place.code].append(place)
    for before in search.gone:
        path = search.renamed_files.get(before.path, before.path)
        near = [*by_path[path], *by_name[before.last_name]]
        telling = len(before.code.splitlines()) >= _TELLING_LINES
        candidates = (
            [*near, *by_code[before.code]] if telling else [after for after in near if after.code == before.code]
        )
        unique = {(after.path, after.name): after for after in candidates}
        yield from ((before, after) for after in unique.values() if after.is_class == before.is_class)


def _likeness(before: str, after: str) -> float:
    matcher = SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False)
    return matcher.ratio() if matcher.real_quick_ratio() >= _ALIKE_OF_ONE_NAME else 0.0


def _same_file(before: _Place, after: _Place, search: _Search) -> bool:
    return search.renamed_files.get(before.path, before.path) == after.path


# -- what is told of them ---------------------------------------------------------------------------


def _modified(search: _Search, layout: Layout) -> Iterator[Difference]:
    for before, after in search.modified:
        yield _difference("modified", before, after, layout)


def _followed(pairs: list[tuple[_Place, _Place]], search: _Search, layout: Layout) -> Iterator[Difference]:
    partner = {(before.path, before.name): (after.path, after.name) for before, after in pairs}
    for before, after in pairs:
        went_along = any(
            partner.get((before.path, outer)) == (after.path, after.name.removesuffix(before.name[len(outer) :]))
            for outer in _outer(before.name)
            if after.name.endswith(before.name[len(outer) :])
        )
        if not (went_along and before.code == after.code):
            yield _difference("renamed" if _same_file(before, after, search) else "moved", before, after, layout)


def _rest(pairs: list[tuple[_Place, _Place]], search: _Search, layout: Layout) -> Iterator[Difference]:
    """Yield what has no partner, each standing for what is inside of it."""
    followed = {id(place) for pair in pairs for place in pair}
    for side, status in ((search.gone, "removed"), (search.come, "added")):
        alone = {(place.path, place.name): place for place in side if id(place) not in followed}
        for place in alone.values():
            if not any((place.path, outer) in alone for outer in _outer(place.name)):
                yield (
                    _difference("removed", place, None, layout)
                    if status == "removed"
                    else _difference("added", None, place, layout)
                )


def _outer(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _difference(status: Status, before: _Place | None, after: _Place | None, layout: Layout) -> Difference:
    place = after or before
    assert place is not None  # noqa: S101 - one of the two is given
    base, head = _changed_variants(before.variants if before else (), after.variants if after else ())
    shown = head or base
    assert shown is not None  # noqa: S101 - a place has a variant
    function = ChangedFunction(
        path=printable(place.path),
        module=_module_name(place.path, layout),
        name=place.name,
        status=status,
        base_path=printable(before.path) if before else None,
        base_name=before.name if before else None,
        is_async=shown.is_async,
        lines=(shown.start, shown.end),
    )
    return Difference(function, base, head)


def _changed_variants(before: Variants, after: Variants) -> tuple[Definition | None, Definition | None]:
    """Return the first variant of either side that the other side does not have, else the last one."""
    known, wanted = ({variant.code for variant in side} for side in (before, after))
    base = next((variant for variant in before if variant.code not in wanted), before[-1] if before else None)
    head = next((variant for variant in after if variant.code not in known), after[-1] if after else None)
    return base, head
