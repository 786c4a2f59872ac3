"""Compare the definitions of two commits, file by file, and follow renamed and moved ones."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Final, Literal, NamedTuple

from ...artifacts import ChangedFunction, Layout
from ...errors import SourceError
from ...git import Clone, FileChange, printable
from ...text.messages import enumeration
from .definitions import MODULE, Definition, definitions
from .modules import is_own_module, is_test, module_of

Status = Literal["modified", "added", "removed", "renamed", "moved"]
_Key = tuple[str, str]
"""Path and name of a symbol."""

_ALIKE: Final = 0.6
"""The least `SequenceMatcher.ratio` of lines for two definitions to be one that was renamed."""
_ALIKE_WITH_SAME_NAME: Final = 0.3
"""The same for two definitions with one qualified name in different files."""
_DISTINCTIVE_LINES: Final = 3
"""Shorter code is too common to be followed to another file."""
_MOST_PAIRS: Final = 20_000
_NOT_CODE: Final = re.compile(r"\.(md|rst|txt|in|adoc|ipynb|pyi|lock|toml|cfg|ini|ya?ml)$|(^|/)[^.]+$|(^|/)\.[^.]*$")
"""Documents, configuration, and files without a suffix."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A definition that differs, as it is at base and at head; None if it is not there."""

    function: ChangedFunction
    base: Definition | None
    head: Definition | None

    @property
    def weight(self) -> int:
        """The number of lines of code that differ."""
        before, after = (side.code.splitlines() if side else [] for side in (self.base, self.head))
        blocks = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
        return sum(max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in blocks if tag != "equal")


@dataclass(frozen=True, slots=True)
class _Symbol:
    """A definition in a file of one side."""

    path: str
    definition: Definition

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def key(self) -> _Key:
        return self.path, self.name

    @property
    def last_name(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def shared_name(self) -> str:
        """The name without the number that distinguishes several definitions of one name."""
        return self.name.partition("#")[0]

    @property
    def code(self) -> str:
        return self.definition.code

    @property
    def is_class(self) -> bool:
        return self.definition.kind == "class"


_Pair = tuple[_Symbol, _Symbol]


class _Symbols(NamedTuple):
    """What a file of one side defines; the overloads of typing, which are never called, as code alone."""

    defined: tuple[_Symbol, ...]
    overloads: tuple[str, ...]


def differences(clone: Clone, base: str, head: str, layout: Layout) -> tuple[tuple[Difference, ...], tuple[str, ...]]:
    """Return the definitions whose code differs, by path and line, and notes on other changes.

    The innermost definition counts as changed; one that was added or removed counts for those inside it. A file's own
    code is the definition `<module>`.
    """
    comparison = _Comparison(clone, base, head, layout)
    changes = clone.changes(base, head)
    own = [change for change in changes if comparison.is_own(change)]
    for change in own:
        comparison.compare_file(change)
    notes = (*comparison.notes, *_other_changes(changes, own, layout))
    changed = sorted(
        comparison.differences(), key=lambda each: (each.function.path, each.function.lines, each.function.name)
    )
    return tuple(changed), notes


@dataclass(slots=True)
class _Comparison:
    clone: Clone
    base: str
    head: str
    layout: Layout
    modified: list[_Pair] = field(default_factory=list)
    removed: list[_Symbol] = field(default_factory=list)
    added: list[_Symbol] = field(default_factory=list)
    renamed_files: dict[str, str] = field(default_factory=dict)
    """Path at base to path at head."""
    notes: list[str] = field(default_factory=list)

    def is_own(self, change: FileChange) -> bool:
        path = change.head_path or change.base_path or ""
        return not is_test(path, self.layout) and is_own_module(_module_name(path, self.layout), self.layout)

    def compare_file(self, change: FileChange) -> None:
        try:
            before = self._symbols(self.base, change.base_path)
            after = self._symbols(self.head, change.head_path)
        except SourceError as error:
            self.notes.append(f"{error.where}: {error.what}; which functions changed there is not known.")
            return
        if change.base_path and change.head_path and change.base_path != change.head_path:
            self.renamed_files[change.base_path] = change.head_path
            self.notes.append(f"{printable(change.base_path)} was renamed to {printable(change.head_path)}.")
        both = list(_same(before.defined, after.defined))
        modified = [pair for pair in both if pair[0].code != pair[1].code]
        removed, added = (
            _alone(side.defined, {pair[index] for pair in both}) for index, side in enumerate((before, after))
        )
        if change.status == "M" and not (modified or removed or added):
            is_typing = before.overloads != after.overloads
            what = "overloads for type checkers" if is_typing else "comments, docstrings or layout"
            self.notes.append(f"{printable(change.head_path or '')}: only {what} differ.")
        self.modified += modified
        self.removed += removed
        self.added += added

    def differences(self) -> Iterator[Difference]:
        for pair in self.modified:
            yield self._difference("modified", *pair)
        pairs = self._pairs()
        partner = {before.key: after.key for before, after in pairs}
        for before, after in pairs:
            if before.code != after.code or not _moved_along(before, after, partner):
                yield self._difference("renamed" if self._in_same_file(before, after) else "moved", before, after)
        for symbol in _outermost(self.removed, {before.key for before, _ in pairs}):
            yield self._difference("removed", symbol, None)
        for symbol in _outermost(self.added, {after.key for _, after in pairs}):
            yield self._difference("added", None, symbol)

    def _symbols(self, commit: str, path: str | None) -> _Symbols:
        source = self.clone.read(commit, path) if path else None
        if path is None or source is None:
            return _Symbols((), ())
        defined = definitions(source, printable(path))
        overloads = tuple(each.code for each in defined if each.role == "overload")
        return _Symbols(tuple(_Symbol(path, each) for each in defined if each.role != "overload"), overloads)

    # -- renamed and moved -------------------------------------------------------------------------

    def _pairs(self) -> list[_Pair]:
        """Pair removed with added symbols, the most similar first, then the members of these."""
        partner: dict[_Key, _Symbol] = {}
        pairs = []
        free = {symbol.key: symbol for symbol in self.added}
        for _, before, after in sorted(self._rated(), key=lambda rated: rated[0], reverse=True):
            if before.key not in partner and after.key in free:
                partner[before.key] = free.pop(after.key)
                pairs.append((before, after))
        return [*pairs, *self._members(partner, free)]

    def _members(self, partner: dict[_Key, _Symbol], free: dict[_Key, _Symbol]) -> Iterator[_Pair]:
        """Pair the members of renamed or moved definitions that kept their name, however much they changed."""
        for before in (symbol for symbol in self.removed if symbol.key not in partner):
            for outer in reversed(_outer_names(before.name)):
                after = partner.get((before.path, outer))
                if after and (member := free.pop((after.path, after.name + before.name[len(outer) :]), None)):
                    yield before, member
                    break

    def _rated(self) -> Iterator[tuple[float, _Symbol, _Symbol]]:
        few = len(self.removed) * len(self.added) <= _MOST_PAIRS
        for before, after in self._candidates():
            likeness = 1.0 if before.code == after.code else _likeness(before.code, after.code) if few else 0.0
            if likeness >= (_ALIKE_WITH_SAME_NAME if before.name == after.name else _ALIKE):
                near = self._in_same_file(before, after) + (before.last_name == after.last_name)
                yield likeness + near / 2, before, after

    def _candidates(self) -> Iterator[_Pair]:
        """Yield the pairs in one file or with one name, and those elsewhere with the same code."""
        by_name, by_path, by_code = (defaultdict(list) for _ in range(3))
        for symbol in self.added:
            by_name[symbol.last_name].append(symbol)
            by_path[symbol.path].append(symbol)
            by_code[symbol.code].append(symbol)
        for before in self.removed:
            near = [*by_path[self.renamed_files.get(before.path, before.path)], *by_name[before.last_name]]
            if len(before.code.splitlines()) >= _DISTINCTIVE_LINES:
                candidates = [*near, *by_code[before.code]]
            else:
                candidates = [after for after in near if after.code == before.code]
            unique = {after.key: after for after in candidates}
            yield from ((before, after) for after in unique.values() if after.is_class == before.is_class)

    def _in_same_file(self, before: _Symbol, after: _Symbol) -> bool:
        return self.renamed_files.get(before.path, before.path) == after.path

    def _difference(self, status: Status, before: _Symbol | None, after: _Symbol | None) -> Difference:
        symbol = next(filter(None, (after, before)))
        function = ChangedFunction(
            path=printable(symbol.path),
            module=_module_name(symbol.path, self.layout),
            name=symbol.name,
            status=status,
            base_path=printable(before.path) if before else None,
            base_name=before.name if before else None,
            is_async=symbol.definition.is_async,
            lines=symbol.definition.lines,
            base_lines=before.definition.lines if before else None,
            only_moved=bool(before and after and before.code == after.code),
        )
        base, head = (side.definition if side else None for side in (before, after))
        return Difference(function, base, head)


def _module_name(path: str, layout: Layout) -> str:
    # The layout is that of head: base may have had another one.
    return module_of(path, layout.import_roots) or module_of(path, ("src", "")) or ""


def _same(before: Sequence[_Symbol], after: Sequence[_Symbol]) -> Iterator[_Pair]:
    """Pair definitions by name; several of one name by their code (in the same place, if possible), then in order."""
    olds, news = defaultdict[str, list[_Symbol]](list), defaultdict[str, list[_Symbol]](list)
    for side, symbols in ((olds, before), (news, after)):
        for symbol in symbols:
            side[symbol.shared_name].append(symbol)
    for name, symbols in news.items():
        left = olds[name]
        for in_place in (True, False) if max(len(symbols), len(left)) > 1 else ():
            for symbol in list(symbols):
                alike = (old for old in left if old.code == symbol.code and (old.name == symbol.name or not in_place))
                if same := next(alike, None):
                    yield same, symbol
                    left.remove(same)
                    symbols.remove(symbol)
        yield from zip(left, symbols, strict=False)


def _alone(symbols: Sequence[_Symbol], paired: Collection[_Symbol]) -> list[_Symbol]:
    """Return what one side alone has; a file's own code counts if the file has nothing else."""
    alone = [symbol for symbol in symbols if symbol not in paired]
    return [each for each in alone if each.name != MODULE or (len(symbols) == 1 and each.code)]


def _other_changes(changes: Iterable[FileChange], own: list[FileChange], layout: Layout) -> Iterator[str]:
    paths = [change.head_path or change.base_path or "" for change in changes if change not in own]
    others = [printable(path) for path in paths if not _NOT_CODE.search(path) and not is_test(path, layout)]
    if python := [path for path in others if path.endswith(".py")]:
        packages = ", ".join(layout.packages) or "there are none"
        yield f"Python files outside the project's packages ({packages}) changed too: {enumeration(python)}."
    if foreign := [path for path in others if not path.endswith(".py")]:
        yield f"Files that are not Python changed too, and may affect what is measured: {enumeration(foreign)}."


def _likeness(before: str, after: str) -> float:
    matcher = SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False)
    return matcher.ratio() if matcher.real_quick_ratio() >= _ALIKE_WITH_SAME_NAME else 0.0


def _moved_along(before: _Symbol, after: _Symbol, partner: dict[_Key, _Key]) -> bool:
    """Return whether a definition only followed the one that it is defined in."""
    inner = ((outer, before.name[len(outer) :]) for outer in _outer_names(before.name))
    return any(
        after.name.endswith(rest) and partner.get((before.path, outer)) == (after.path, after.name.removesuffix(rest))
        for outer, rest in inner
    )


def _outermost(symbols: Iterable[_Symbol], followed: Collection[_Key]) -> Iterator[_Symbol]:
    alone = {symbol.key: symbol for symbol in symbols if symbol.key not in followed}
    for symbol in alone.values():
        if not any((symbol.path, outer) in alone for outer in _outer_names(symbol.name)):
            yield symbol


def _outer_names(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]
