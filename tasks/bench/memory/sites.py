"""Compare where memory is held at the peak: call sites of base and head, matched by file and function."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ...artifacts import DefinitionPlace, Site
from ...text.target_names import shared_name
from ..request import ChangedDefinition

MOST = 10
NEGLIGIBLE, NEGLIGIBLE_BYTES = 0.001, 1024
"""Share of the larger peak, and bytes, below which a site's change is not shown: hash tables with addresses as keys
differ by as much from run to run."""


@dataclass(frozen=True, slots=True)
class HeldMemory:
    """Bytes that one line of a function holds at the peak; `file` is relative, `line` 0 if it is unknown."""

    file: str
    line: int
    function: str
    size: int


class Function(NamedTuple):
    """The function of a call site; lines differ between sides when code moves."""

    file: str
    name: str


@dataclass(frozen=True, slots=True)
class _FunctionMemory:
    """Bytes that all lines of a function hold together, and the line that holds most."""

    function: Function
    line: int
    size: int

    def __str__(self) -> str:
        return _formatted(self.function, str(self.line or ""))


def changed_sites(
    test: str, base: Iterable[HeldMemory], head: Iterable[HeldMemory], *, renamed: Mapping[Function, Function]
) -> tuple[Site, ...]:
    """Return the call sites whose part of the peak changed most, the largest change first; at most MOST.

    The lines of one function count together, under the line that holds most of it. `renamed` maps a function at head to
    the same one at base.
    """
    before, after = _by_function(base, {}), _by_function(head, renamed)
    peak = max(sum(held.size for held in side.values()) for side in (before, after))
    sites = [_site(test, before.get(function), after.get(function)) for function in before.keys() | after.keys()]
    sites = [site for site in sites if abs(site.head - site.base) >= max(NEGLIGIBLE * peak, NEGLIGIBLE_BYTES)]
    return tuple(sorted(sites, key=lambda site: (-abs(site.head - site.base), site.place))[:MOST])


def renamed(functions: Sequence[ChangedDefinition]) -> dict[Function, Function]:
    """Return the function at base for each function at head that was moved or renamed."""
    pairs = [(_function(each.head), _function(each.base)) for each in functions if each.head and each.base]
    return {head: base for head, base in pairs if head != base}


def _function(place: DefinitionPlace) -> Function:
    # A profile has a function's own name, without its class: `rows` for `Table.rows.setter`.
    return Function(place.path, shared_name(place.name).rpartition(".")[2])


def _by_function(held: Iterable[HeldMemory], renamed: Mapping[Function, Function]) -> dict[Function, _FunctionMemory]:
    """Sum up by the function at base; a function that reuses the old name of a renamed one counts as new."""
    taken_over = set(renamed.values()) - renamed.keys()
    lines: dict[Function, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for each in held:
        lines[Function(each.file, each.function)][each.line] += each.size
    functions: dict[Function, _FunctionMemory] = {}
    for function, sizes in lines.items():
        largest = min(sizes, key=lambda line: (-sizes[line], line))
        new = Function(function.file, f"{function.name}, new")
        key = new if function in taken_over else renamed.get(function, function)
        functions[key] = _FunctionMemory(function, largest, sum(sizes.values()))
    return functions


def _site(test: str, base: _FunctionMemory | None, head: _FunctionMemory | None) -> Site:
    """Name one place, or both if they differ: `src/x.py:41 → 45 rows`, `src/x.py:41 rows → src/y.py:7 lines`."""
    place = " → ".join(str(each) for each in (base, head) if each)
    if base and head and base.function == head.function:
        lines = dict.fromkeys(str(each.line) for each in (base, head) if each.line)
        place = _formatted(base.function, " → ".join(lines))
    return Site(test=test, place=place, base=base.size if base else 0, head=head.size if head else 0)


def _formatted(function: Function, lines: str) -> str:
    file = f"{function.file}:{lines}" if lines else function.file
    return f"{file} {function.name}".rstrip()
