"""Make edge cases of the values that a benchmark passes, as `prprep_worker.inputs.spellings` spells them: the same ones every time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import chain, islice, zip_longest
from typing import Any

Spelling = list[Any]

TELLING = (
    "*",
    "?",
    "\u2018",
    "\u201c",
    "'",
    '"',
    "\\",
    "/",
    ".",
    "-",
    " ",
    "\n",
    ",",
    "#",
    "%",
    "[",
    "(",
    "<",
    "é",
    "😀",
)
"""Put before and after a recorded text one by one."""
LONGEST = 24
IN_A_ROW = {"list", "set", "frozenset", "deque"}


def edges(spellings: list[Spelling], limit: int) -> list[list[Spelling]]:
    """Return up to `limit` inputs in which one argument is an edge case, the others as recorded; simple ones first."""
    own = [as_recorded(index, spelling) for index, spelling in enumerate(spellings)]

    def column(index: int) -> list[list[Spelling]]:
        return [[*own[:index], edge, *own[index + 1 :]] for edge in islice(around_value(spellings[index]), limit)]

    columns = map(column, range(len(own)))
    unlike = {repr(found): found for found in _in_turns(columns) if found != own}
    return sorted(islice(unlike.values(), limit), key=lambda found: len(repr(found)))


def as_recorded(index: int, spelling: Spelling) -> Spelling:
    return spelling if is_whole(spelling) else ["recorded", index]


def is_whole(spelling: Spelling) -> bool:
    kind, *rest = spelling
    if kind in {"str", "bytes", "bytearray"}:
        return bool(len(rest[0]) == rest[1])
    if kind == "ndarray":
        return bool(math.prod(rest[1]) == len(rest[2]))
    if kind == "dict":
        return bool(len(rest[0]) == rest[1]) and all(is_whole(part) for pair in rest[0] for part in pair)
    if kind in IN_A_ROW or kind == "tuple":
        return bool(len(rest[0]) == rest[1]) and all(map(is_whole, rest[0]))
    return kind != "made" or all(is_whole(value) for _, value in rest[2])


def around_value(spelling: Spelling) -> Iterator[Spelling]:
    kind, *rest = spelling
    if kind in NUMBERS:
        yield from _numbers(kind, rest[0])
    elif kind == "str":
        yield from (["str", text, len(text)] for text in _texts(rest[0]))
    elif kind in {"bytes", "bytearray"}:
        yield from (
            [kind, text, len(text)] for text in _texts(rest[0]) if all(ord(character) < 256 for character in text)
        )
    elif kind == "path":
        yield from (["path", rest[0], text] for text in _texts(rest[1]) if "\0" not in text)
    elif kind == "enum":
        yield from (["enum", *rest[:2], member, rest[3]] for member in rest[3])
    elif kind == "made":
        yield from _in_turns(
            [_replacing(rest[2], place, lambda fields: ["made", *rest[:2], fields]) for place in range(len(rest[2]))]
        )
    elif kind == "dict":
        yield from _mappings(rest[0])
    elif kind == "ndarray":
        yield from _arrays(*rest)
    elif kind in IN_A_ROW or kind == "tuple":
        yield from _rows(kind, rest[0])


def _texts(text: str) -> Iterator[str]:
    """Put the telling characters at the end, alone, at the start; then cut, double and change the case."""
    first = next((character for character in text if character.isalnum()), "a")
    for character in TELLING:
        yield from (text + character, first + character, character, character + text)
        if character == "'":
            yield from ("", text * 2, text[:-1], text[1:], text.upper(), text.lower())
    yield from (text[::-1], text.swapcase(), f" {text} ", text[: len(text) // 2], "0", "-1", first)


def in_a_row(kind: str, elements: list[Spelling]) -> Spelling:
    return [kind, elements, len(elements)]


def _rows(kind: str, elements: list[Spelling]) -> Iterator[Spelling]:
    if not elements:
        return
    if kind != "tuple" or is_uniform(elements):
        first, some = elements[:1], elements[: LONGEST // 2]
        shapes: tuple[list[Spelling], ...] = (
            [],
            first,
            first * 2,
            elements[::-1],
            elements[:-1],
            some * 2,
            elements[-1:],
        )
        yield from (in_a_row(kind, list(shape)) for shape in shapes)
        yield from _in_turns(
            [
                (in_a_row(kind, [edge]) for edge in around_value(elements[0])),
                (in_a_row(kind, [*elements[:-1], edge]) for edge in around_value(elements[-1])),
                (in_a_row(kind, [elements[0], edge]) for edge in around_value(elements[0])),
            ]
        )
    else:
        changed = [(edge for edge in around_value(element)) for element in elements]
        places = [
            (in_a_row(kind, [*elements[:place], edge, *elements[place + 1 :]]) for edge in found)
            for place, found in enumerate(changed)
        ]
        yield from _in_turns(places)


def _mappings(pairs: list[list[Any]]) -> Iterator[Spelling]:
    if not pairs:
        return
    for shape in ([], pairs[:1], pairs[:-1], pairs[1:], pairs[::-1]):
        yield in_a_row("dict", list(shape))
    values = [
        _replacing(pairs, place, lambda found: in_a_row("dict", found)) for place in range(min(len(pairs), LONGEST))
    ]
    keys = (in_a_row("dict", [[edge, pairs[0][1]], *pairs[1:]]) for edge in around_value(pairs[0][0]))
    yield from _in_turns([*values, keys])


def _replacing(pairs: list[list[Any]], place: int, made: Callable[[list[list[Any]]], Spelling]) -> Iterator[Spelling]:
    """Put each edge case of a pair's second part in its place."""
    name, value = pairs[place]
    return (made([*pairs[:place], [name, edge], *pairs[place + 1 :]]) for edge in around_value(value))


def _arrays(dtype: str, shape: list[int], elements: list[Spelling]) -> Iterator[Spelling]:
    rest = math.prod(shape[1:])
    if not shape or not elements or not rest or rest > len(elements):
        return
    rows = [elements[start : start + rest] for start in range(0, len(elements) - rest + 1, rest)]
    for taken in ([], rows[:1], rows[:1] * 2, rows[::-1], rows[:-1]):
        yield array(dtype, shape, taken)
    yield from (array(dtype, shape, [[edge] * rest]) for edge in around_value(elements[0]))
    yield from (array(dtype, shape, [*rows[:-1], [*rows[-1][:-1], edge]]) for edge in around_value(elements[-1]))


def array(dtype: str, shape: list[int], rows: list[list[Spelling]]) -> Spelling:
    return ["ndarray", dtype, [len(rows), *shape[1:]], list(chain.from_iterable(rows))]


def _numbers(kind: str, text: str) -> Iterator[Spelling]:
    for value in NUMBERS[kind](text):
        yield [kind, _spelled(value)]


def _spelled(value: object) -> str:
    if isinstance(value, timedelta):
        return f"{value.days} {value.seconds} {value.microseconds}"
    if isinstance(value, range):
        return f"{value.start} {value.stop} {value.step}"
    return value.isoformat() if isinstance(value, date) else str(value)


def _ints(text: str) -> Iterable[object]:
    value = int(text)
    return (0, 1, -1, 2, value - 1, value + 1, -value, value // 2, value * 2)


def _floats(text: str) -> Iterable[object]:
    value = float(text)
    wild = () if math.isfinite(value) else (math.nan, math.inf, -math.inf)
    return (0.0, -0.0, 1.0, -1.0, 0.1, value / 2, -value, value * 2, *wild)


def _ranges(text: str) -> Iterable[range]:
    value = range(*map(int, text.split()))
    shorter = (value[:length] for length in (0, 1, 2, 3, len(value) // 2, len(value) - 1))
    return (*shorter, value[1:], value[::-1], value[::2], range(value.start - 1, value.stop, value.step))


def _dates(text: str) -> Iterable[date]:
    value = date.fromisoformat(text)
    return (
        value + timedelta(1),
        value - timedelta(1),
        value.replace(day=1),
        date(2024, 2, 29),
        date(1970, 1, 1),
        date(1999, 12, 31),
    )


def _datetimes(text: str) -> Iterable[datetime]:
    value = datetime.fromisoformat(text)
    leap = value.replace(year=2024, month=2, day=29)
    return (
        value + timedelta(1),
        value - timedelta(seconds=1),
        value.replace(hour=0, minute=0, second=0, microsecond=0),
        leap,
    )


def _durations(text: str) -> Iterable[timedelta]:
    value = timedelta(*map(int, text.split()))
    return (timedelta(), -value, value * 2, timedelta(microseconds=1), timedelta(days=-1))


NUMBERS: dict[str, Callable[[str], Iterable[object]]] = {
    "bool": lambda text: (text != "True",),
    "int": _ints,
    "float": _floats,
    "complex": lambda text: (0j, 1 + 0j, -1j, -complex(text), complex(text).conjugate()),
    "Decimal": lambda text: (
        Decimal(0),
        Decimal(-1),
        Decimal("0.1"),
        -Decimal(text),
        Decimal(text) * 2,
        Decimal(text) / 3,
    ),
    "Fraction": lambda text: (Fraction(0), Fraction(-1), Fraction(1, 3), -Fraction(text), Fraction(text) * 2),
    "date": _dates,
    "datetime": _datetimes,
    "timedelta": _durations,
    "range": _ranges,
}


def is_uniform(elements: list[Spelling]) -> bool:
    """Return whether a tuple is a row of the same, and not a record."""
    return len(elements) > 3 and len({element[0] for element in elements}) == 1


def _in_turns(columns: Iterable[Iterable[Any]]) -> Iterator[Any]:
    missing = object()
    return (each for row in zip_longest(*columns, fillvalue=missing) for each in row if each is not missing)
