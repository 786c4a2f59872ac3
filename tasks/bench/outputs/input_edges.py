"""Derive edge cases from the values that a benchmark passes, spelled as in `prprep_worker.inputs.spellings`."""

import math
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import chain, islice, zip_longest
from typing import Any

Spelling = list[Any]

SPECIAL_CHARACTERS = tuple("*?\u2018\u201c'\"\\/.- \n,#%[(<é😀")
"""Put before and after a recorded text one by one."""
LONGEST = 24
SEQUENCES = {"list", "set", "frozenset", "deque", "tuple"}


def edges(spellings: list[Spelling], limit: int) -> list[list[Spelling]]:
    """Return up to `limit` inputs with an edge case as one argument and the others as recorded; short ones first."""
    own = [as_recorded(index, spelling) for index, spelling in enumerate(spellings)]
    inputs = _interleave(
        _replaced(own, index, islice(around_value(spelling), limit)) for index, spelling in enumerate(spellings)
    )
    unique = {repr(edge): edge for edge in inputs if edge != own}
    return sorted(islice(unique.values(), limit), key=lambda edge: len(repr(edge)))


def as_recorded(index: int, spelling: Spelling) -> Spelling:
    return spelling if is_whole(spelling) else ["recorded", index]


def is_whole(spelling: Spelling) -> bool:
    """Return whether a spelling holds the complete value; long ones are cut."""
    kind, *rest = spelling
    if kind in {"str", "bytes", "bytearray"}:
        return bool(len(rest[0]) == rest[1])
    if kind == "ndarray":
        return bool(math.prod(rest[1]) == len(rest[2]))
    if kind == "dict":
        return bool(len(rest[0]) == rest[1]) and all(is_whole(part) for pair in rest[0] for part in pair)
    if kind in SEQUENCES:
        return bool(len(rest[0]) == rest[1]) and all(map(is_whole, rest[0]))
    return kind != "object" or all(is_whole(value) for _, value in rest[2])


def around_value(spelling: Spelling) -> Iterator[Spelling]:
    kind, *rest = spelling
    if kind in NUMBERS:
        read, vary = NUMBERS[kind]
        yield from ([kind, _spelled(value)] for value in vary(read(rest[0])))
    elif kind == "str":
        yield from (["str", text, len(text)] for text in _texts(rest[0]))
    elif kind in {"bytes", "bytearray"}:
        latin = (text for text in _texts(rest[0]) if all(ord(character) < 256 for character in text))
        yield from ([kind, text, len(text)] for text in latin)
    elif kind == "path":
        yield from (["path", rest[0], text] for text in _texts(rest[1]) if "\0" not in text)
    elif kind == "enum":
        yield from (["enum", *rest[:2], member, rest[3]] for member in rest[3])
    elif kind == "object":
        fields = (_replaced_value(rest[2], index) for index in range(len(rest[2])))
        yield from (["object", *rest[:2], each] for each in _interleave(fields))
    elif kind == "dict":
        yield from _mappings(rest[0])
    elif kind == "ndarray":
        yield from _arrays(*rest)
    elif kind in SEQUENCES:
        yield from _sequences(kind, rest[0])


def _texts(text: str) -> Iterator[str]:
    """Put special characters at the end, alone, at the start; then cut, double and change the case."""
    first = next((character for character in text if character.isalnum()), "a")
    for character in SPECIAL_CHARACTERS:
        yield from (text + character, first + character, character, character + text)
        if character == "'":
            yield from ("", text * 2, text[:-1], text[1:], text.upper(), text.lower())
    yield from (text[::-1], text.swapcase(), f" {text} ", text[: len(text) // 2], "0", "-1", first)


def sequence(kind: str, elements: list[Spelling]) -> Spelling:
    return [kind, elements, len(elements)]


def _sequences(kind: str, elements: list[Spelling]) -> Iterator[Spelling]:
    if not elements:
        return
    if kind == "tuple" and not is_uniform(elements):
        records = (_replaced(elements, index, around_value(element)) for index, element in enumerate(elements))
        yield from (sequence(kind, record) for record in _interleave(records))
        return
    first, some = elements[:1], elements[: LONGEST // 2]
    for shape in ([], first, first * 2, elements[::-1], elements[:-1], some * 2, elements[-1:]):
        yield sequence(kind, list(shape))
    alone = ([edge] for edge in around_value(elements[0]))
    at_end = _replaced(elements, len(elements) - 1, around_value(elements[-1]))
    as_second = ([elements[0], edge] for edge in around_value(elements[0]))
    yield from (sequence(kind, each) for each in _interleave([alone, at_end, as_second]))


def _mappings(pairs: list[list[Any]]) -> Iterator[Spelling]:
    if not pairs:
        return
    for shape in ([], pairs[:1], pairs[:-1], pairs[1:], pairs[::-1]):
        yield sequence("dict", list(shape))
    values = (_replaced_value(pairs, index) for index in range(min(len(pairs), LONGEST)))
    keys = ([[edge, pairs[0][1]], *pairs[1:]] for edge in around_value(pairs[0][0]))
    yield from (sequence("dict", each) for each in _interleave([*values, keys]))


def _replaced(elements: list[Any], index: int, edges: Iterable[Any]) -> Iterator[list[Any]]:
    return ([*elements[:index], edge, *elements[index + 1 :]] for edge in edges)


def _replaced_value(pairs: list[list[Any]], index: int) -> Iterator[list[list[Any]]]:
    name, value = pairs[index]
    return _replaced(pairs, index, ([name, edge] for edge in around_value(value)))


def _arrays(dtype: str, shape: list[int], elements: list[Spelling]) -> Iterator[Spelling]:
    size = math.prod(shape[1:])
    if not shape or not elements or not size or size > len(elements):
        return
    rows = [elements[start : start + size] for start in range(0, len(elements) - size + 1, size)]
    for some in ([], rows[:1], rows[:1] * 2, rows[::-1], rows[:-1]):
        yield array(dtype, shape, some)
    yield from (array(dtype, shape, [[edge] * size]) for edge in around_value(elements[0]))
    yield from (array(dtype, shape, [*rows[:-1], [*rows[-1][:-1], edge]]) for edge in around_value(elements[-1]))


def array(dtype: str, shape: list[int], rows: list[list[Spelling]]) -> Spelling:
    return ["ndarray", dtype, [len(rows), *shape[1:]], list(chain.from_iterable(rows))]


def _spelled(value: object) -> str:
    if isinstance(value, timedelta):
        return f"{value.days} {value.seconds} {value.microseconds}"
    if isinstance(value, range):
        return f"{value.start} {value.stop} {value.step}"
    return value.isoformat() if isinstance(value, date) else str(value)


def _floats(value: float) -> Iterable[float]:
    non_finite = () if math.isfinite(value) else (math.nan, math.inf, -math.inf)
    return (0.0, -0.0, 1.0, -1.0, 0.1, value / 2, -value, value * 2, *non_finite)


def _ranges(value: range) -> Iterable[range]:
    shorter = (value[:length] for length in (0, 1, 2, 3, len(value) // 2, len(value) - 1))
    return (*shorter, value[1:], value[::-1], value[::2], range(value.start - 1, value.stop, value.step))


def _dates(value: date) -> Iterable[date]:
    known = (date(2024, 2, 29), date(1970, 1, 1), date(1999, 12, 31))
    return (value + timedelta(1), value - timedelta(1), value.replace(day=1), *known)


def _datetimes(value: datetime) -> Iterable[datetime]:
    midnight = value.replace(hour=0, minute=0, second=0, microsecond=0)
    return (value + timedelta(1), value - timedelta(seconds=1), midnight, value.replace(year=2024, month=2, day=29))


def _durations(value: timedelta) -> Iterable[timedelta]:
    return (timedelta(), -value, value * 2, timedelta(microseconds=1), timedelta(days=-1))


NUMBERS: dict[str, tuple[Callable[[str], Any], Callable[[Any], Iterable[object]]]] = {
    "bool": (lambda text: text == "True", lambda value: (not value,)),
    "int": (int, lambda value: (0, 1, -1, 2, value - 1, value + 1, -value, value // 2, value * 2)),
    "float": (float, _floats),
    "complex": (complex, lambda value: (0j, 1 + 0j, -1j, -value, value.conjugate())),
    "Decimal": (Decimal, lambda value: (*map(Decimal, ("0", "-1", "0.1")), -value, value * 2, value / 3)),
    "Fraction": (Fraction, lambda value: (Fraction(0), Fraction(-1), Fraction(1, 3), -value, value * 2)),
    "date": (date.fromisoformat, _dates),
    "datetime": (datetime.fromisoformat, _datetimes),
    "timedelta": (lambda text: timedelta(*map(int, text.split())), _durations),
    "range": (lambda text: range(*map(int, text.split())), _ranges),
}
"""How to read a spelled value, and its edge cases."""


def is_uniform(elements: list[Spelling]) -> bool:
    """Return whether a tuple is a sequence of like elements rather than a record."""
    return len(elements) > 3 and len({element[0] for element in elements}) == 1


def _interleave(iterables: Iterable[Iterable[Any]]) -> Iterator[Any]:
    missing = object()
    return (each for row in zip_longest(*iterables, fillvalue=missing) for each in row if each is not missing)
