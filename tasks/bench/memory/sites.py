"""Compare where memory was held at the peak: call sites of base and head, matched by file and function."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ...artifacts import Site

if TYPE_CHECKING:
    from ..request import ChangedDefinition

MOST = 10
NEGLIGIBLE, ALMOST_NOTHING = 0.001, 1024
"""Share of the larger peak, and bytes, below which a site's change is not shown: tables that hash by address differ by as much."""


@dataclass(frozen=True, slots=True)
class HeldMemory:
    """Bytes that one line of a function holds at the peak, its file spelled relative; line 0 where it is not known."""

    file: str
    line: int
    function: str
    size: int


class Function(NamedTuple):
    """Where a call site stands; lines differ between sides when code moves."""

    file: str
    name: str


@dataclass(frozen=True, slots=True)
class _Part:
    place: Function
    line: int
    size: int

    def spelled(self) -> str:
        return _spelled(self.place, str(self.line or ""))


def changed_sites(
    test: str, base: Iterable[HeldMemory], head: Iterable[HeldMemory], *, renamed: Mapping[Function, Function]
) -> tuple[Site, ...]:
    """Return the call sites whose part of the peak changed most, the largest change first; at most MOST.

    The lines of one function count together, under the line that holds most of it. `renamed` leads from a function at head to
    the same one at base.
    """
    before, after = _by_function(base, {}), _by_function(head, renamed)
    peak = max((sum(part.size for part in side.values()) for side in (before, after)), default=0)
    found = [_site(test, before.get(place), after.get(place)) for place in before.keys() | after.keys()]
    found = [site for site in found if abs(site.head - site.base) >= max(NEGLIGIBLE * peak, ALMOST_NOTHING)]
    return tuple(sorted(found, key=lambda site: (-abs(site.head - site.base), site.place))[:MOST])


def renamed(functions: Sequence[ChangedDefinition]) -> dict[Function, Function]:
    """Return where each function that was moved or renamed stood at base, by where it stands at head."""
    pairs = [(_function(*each.head), _function(*each.base)) for each in functions if each.head and each.base]
    return {head: base for head, base in pairs if head != base}


def _function(file: str, name: str) -> Function:
    # A profile has a function's own name, without its class.
    return Function(file, name.rpartition(".")[2])


def _by_function(held: Iterable[HeldMemory], renamed: Mapping[Function, Function]) -> dict[Function, _Part]:
    """Sum up by the function's place at base; what took over the name of a renamed function is another one."""
    taken_over = set(renamed.values()) - renamed.keys()
    lines: dict[Function, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for each in held:
        lines[Function(each.file, each.function)][each.line] += each.size
    parts: dict[Function, _Part] = {}
    for place, sizes in lines.items():
        largest = min(sizes, key=lambda line: (-sizes[line], line))
        key = Function(place.file, f"{place.name}, new") if place in taken_over else renamed.get(place, place)
        parts[key] = _Part(place, largest, sum(sizes.values()))
    return parts


def _site(test: str, base: _Part | None, head: _Part | None) -> Site:
    return Site(test=test, place=_place(base, head), base=base.size if base else 0, head=head.size if head else 0)


def _place(base: _Part | None, head: _Part | None) -> str:
    """Spell one place, or both where they differ: `src/x.py:41 → 45 rows`, `src/x.py:41 rows → src/y.py:7 lines`."""
    if not (base and head):
        only = base or head
        return only.spelled() if only else ""
    if base.place != head.place:
        return f"{base.spelled()} → {head.spelled()}"
    return _spelled(base.place, " → ".join(dict.fromkeys(str(line) for line in (base.line, head.line) if line)))


def _spelled(place: Function, lines: str) -> str:
    file = f"{place.file}:{lines}" if lines else place.file
    return f"{file} {place.name}".rstrip()
