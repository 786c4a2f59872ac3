"""Vary the inputs that a benchmark passes, as `prprep_worker.inputs.spellings` spells them: strategies for hypothesis.

They have the types of the recorded values and similar sizes: numbers up to twice as large (at least 10), containers up
to about twice as long. Floats are finite unless a recorded one is not: correct ways of sorting or summing may treat NaN
differently.
"""

import math
import re
from typing import Any

from hypothesis import strategies as st

from .input_edges import (
    LONGEST,
    NUMBERS,
    SEQUENCES,
    SPECIAL_CHARACTERS,
    Spelling,
    around_value,
    array,
    as_recorded,
    is_uniform,
    is_whole,
    sequence,
)

Spellings = st.SearchStrategy["Spelling"]

_WORD = re.compile(r"[^\W\d_]+|\d+|.", re.DOTALL)
"""Letters, digits, or one other character."""
MORE_CHARACTERS = "_:;&{}])>$^|+=@!~`\t\r\0019aAzZ\u2019\u201d\u2013\u00dfİǆ\u0301\u00a0\u200b\u2028中\ufeff"


def around(spellings: list[Spelling]) -> st.SearchStrategy[list[Spelling]]:
    """Vary all arguments; each is sometimes as recorded."""
    arguments = []
    for index, spelling in enumerate(spellings):
        own, varied = st.just(as_recorded(index, spelling)), _of_one_kind([spelling])
        arguments.append(own if varied is None or varied.is_empty else varied | own)
    return st.tuples(*arguments).map(list)


def _any_of(spellings: list[Spelling]) -> Spellings:
    """Vary recorded values of several kinds; some are as recorded, so that equal ones occur."""
    kinds: dict[str, list[Spelling]] = {}
    for spelling in spellings:
        kinds.setdefault(spelling[0], []).append(spelling)
    strategies = [strategy for same in kinds.values() if (strategy := _of_one_kind(same)) is not None]
    whole = [spelling for spelling in spellings if is_whole(spelling)]
    return st.one_of(*strategies, *([st.sampled_from(whole)] if whole else []))


def _of_one_kind(same: list[Spelling]) -> Spellings | None:  # noqa: PLR0911 - one return for each kind
    kind, *first = same[0]
    if kind == "bool":
        return st.booleans().map(lambda value: ["bool", str(value)])
    if kind == "int":
        largest = max(10, *(2 * abs(int(spelling[1])) for spelling in same))
        return st.integers(-largest, largest).map(lambda value: ["int", str(value)])
    if kind == "float":
        return _float_strategy([float(spelling[1]) for spelling in same])
    if kind in NUMBERS:
        return st.sampled_from([edge for spelling in same for edge in around_value(spelling)])
    if kind == "str":
        return _text_strategy([spelling[1] for spelling in same]).map(lambda text: ["str", text, len(text)])
    if kind in {"bytes", "bytearray"}:
        latin = _text_strategy([spelling[1] for spelling in same]).map(
            lambda text: text.encode("latin-1", "replace").decode("latin-1")
        )
        return latin.map(lambda text: [kind, text, len(text)])
    if kind == "path":
        return _text_strategy([spelling[2] for spelling in same]).map(
            lambda text: ["path", first[0], text.replace("\0", "")]
        )
    if kind == "enum":
        return st.sampled_from(first[3]).map(lambda member: ["enum", *first[:2], member, first[3]])
    return _compound(kind, same)


def _compound(kind: str, same: list[Spelling]) -> Spellings | None:
    first = same[0][1:]
    if kind == "object":
        class_, fields = first[:2], first[2]
        values = st.tuples(
            *(_any_of([other[3][index][1] for other in same if len(other[3]) > index]) for index in range(len(fields)))
        )
        return values.map(lambda row: ["object", *class_, _with_values(fields, row)])
    if kind == "ndarray":
        return _array_strategy(*first)
    if kind == "tuple" and not is_uniform(first[0]):
        columns = map(list, zip(*(other[1] for other in same if len(other[1]) == len(first[0])), strict=True))
        return st.tuples(*map(_any_of, columns)).map(lambda row: sequence("tuple", list(row))) if first[0] else None
    if kind in SEQUENCES:
        elements = [element for other in same for element in other[1]]
        longest = min(LONGEST, 2 * max(len(other[1]) for other in same) + 3)
        return st.lists(_any_of(elements), max_size=longest).map(lambda row: sequence(kind, row)) if elements else None
    if kind == "dict":
        return _mapping_strategy([pair for other in same for pair in other[1]], first[0])
    return None


def _with_values(pairs: list[list[Any]], values: tuple[Any, ...]) -> list[list[Any]]:
    return [[key, value] for (key, _), value in zip(pairs, values, strict=True)]


def _mapping_strategy(pairs: list[list[Any]], first: list[list[Any]]) -> Spellings | None:
    """Vary the values under the recorded keys, as of a record, or the keys as well, as of a table."""
    if not pairs:
        return None
    record = st.tuples(*(_any_of([value]) for _, value in first)) if first else st.just(())
    records = record.map(lambda values: sequence("dict", _with_values(first, values)))
    pair = st.tuples(_any_of([key for key, _ in pairs]), _any_of([value for _, value in pairs])).map(list)
    longest = min(LONGEST, 2 * len(first) + 2)
    table = st.lists(pair, max_size=longest, unique_by=lambda each: repr(each[0]))
    return records | table.map(lambda table: sequence("dict", table))


def _array_strategy(dtype: str, shape: list[int], elements: list[Spelling]) -> Spellings | None:
    size = math.prod(shape[1:])
    if not shape or not elements or not size or size > LONGEST:
        return None
    row = st.lists(_any_of(elements).filter(lambda element: _fits(dtype, element)), min_size=size, max_size=size)
    rows = st.lists(row, max_size=max(2, min(2 * shape[0], 4 * LONGEST // size)))
    return rows.map(lambda rows: array(dtype, shape, rows))


def _fits(dtype: str, spelling: Spelling) -> bool:
    """Return whether a number fits into an integer type of NumPy."""
    kind, bits = dtype[1], 8 * int(dtype[2:])
    if kind not in "iu":
        return True
    low, high = (0, 1 << bits) if kind == "u" else (-(1 << bits - 1), 1 << bits - 1)
    return low <= int(spelling[1]) < high


def _float_strategy(values: list[float]) -> Spellings:
    finite = [abs(value) for value in values if math.isfinite(value)]
    largest = min(max(10.0, *(2 * value for value in finite), 0.0), 1e300)
    integers = st.integers(-min(int(largest), 2**53), min(int(largest), 2**53)).map(float)
    floats = st.floats(-largest, largest, allow_nan=False, allow_subnormal=False)
    non_finite = [] if len(finite) == len(values) else [st.sampled_from([math.nan, math.inf, -math.inf])]
    return st.one_of(integers, floats, *non_finite).map(lambda value: ["float", repr(value)])


def _text_strategy(texts: list[str]) -> st.SearchStrategy[str]:
    """Combine recorded and special characters, combine recorded words, or splice characters into a recorded text."""
    recorded = dict.fromkeys("".join(texts)[:400])
    characters = st.sampled_from([*recorded, *SPECIAL_CHARACTERS, *MORE_CHARACTERS])
    words = list(dict.fromkeys(word for text in texts for word in _WORD.findall(text)))[:60]
    parts = st.sampled_from([*words, *SPECIAL_CHARACTERS]) if words else characters
    from_characters = st.lists(characters, max_size=12).map("".join)
    from_words = st.lists(parts, max_size=10).map("".join)
    return st.one_of(from_characters, from_words, _spliced(texts, characters))


def _spliced(texts: list[str], characters: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def splice(text: str) -> st.SearchStrategy[str]:
        index = st.integers(0, len(text))
        return st.tuples(index, index, st.lists(characters, max_size=3)).map(
            lambda cut: text[: cut[0]] + "".join(cut[2]) + text[cut[1] :]
        )

    return st.sampled_from(texts).flatmap(splice)
