"""Make inputs around those that a benchmark passes, as `prprep_worker.inputs.spellings` spells them: strategies for hypothesis.

They keep to the types that were recorded, and near their sizes: numbers up to twice as large, containers up to twice as
long. A float that is not finite is made only where one was recorded: with NaN no order holds, and no two ways of
sorting or summing agree.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from .input_edges import (
    IN_A_ROW,
    LONGEST,
    NUMBERS,
    TELLING,
    Spelling,
    around_value,
    array,
    as_recorded,
    in_a_row,
    is_uniform,
    is_whole,
)

if TYPE_CHECKING:
    Spellings = st.SearchStrategy["Spelling"]

FURTHER = "_:;&{}])>$^|+=@!~`\t\r\0019aAzZ\u2019\u201d\u2013\u00dfİǆ\u0301\u00a0\u200b\u2028中\ufeff"


def around(spellings: list[Spelling]) -> st.SearchStrategy[list[Spelling]]:
    """Vary all arguments, each as recorded at times."""
    slots = [_varied(spelling) for spelling in spellings]
    own = [st.just(as_recorded(index, spelling)) for index, spelling in enumerate(spellings)]
    return st.tuples(*(one if slot is None else slot | one for slot, one in zip(slots, own, strict=True))).map(list)


def _varied(spelling: Spelling) -> Spellings | None:
    """Return the strategy around one recorded value; None where it cannot be varied."""
    found = _merged([spelling])
    return None if found is None or found.is_empty else found


def _any_of(spellings: list[Spelling]) -> Spellings:
    """Vary recorded values of several kinds, and take them as they are at times, so that some come twice."""
    kinds: dict[str, list[Spelling]] = {}
    for spelling in spellings:
        kinds.setdefault(spelling[0], []).append(spelling)
    strategies = [found for same in kinds.values() if (found := _merged(same)) is not None]
    whole = [spelling for spelling in spellings if is_whole(spelling)]
    return st.one_of(*strategies, *([st.sampled_from(whole)] if whole else []))


def _merged(same: list[Spelling]) -> Spellings | None:  # noqa: PLR0911 - one a kind
    """Return one strategy around values of the same kind."""
    kind, *first = same[0]
    if kind == "bool":
        return st.booleans().map(lambda value: ["bool", str(value)])
    if kind == "int":
        farthest = max(10, *(2 * abs(int(each[1])) for each in same))
        return st.integers(-farthest, farthest).map(lambda value: ["int", str(value)])
    if kind == "float":
        return _float_strategy([float(each[1]) for each in same])
    if kind in NUMBERS:
        return st.sampled_from([edge for each in same for edge in around_value(each)])
    if kind == "str":
        return _text_strategy([each[1] for each in same]).map(lambda text: ["str", text, len(text)])
    if kind in {"bytes", "bytearray"}:
        latin = _text_strategy([each[1] for each in same]).map(
            lambda text: text.encode("latin-1", "replace").decode("latin-1")
        )
        return latin.map(lambda text: [kind, text, len(text)])
    if kind == "path":
        return _text_strategy([each[2] for each in same]).map(lambda text: ["path", first[0], text.replace("\0", "")])
    if kind == "enum":
        return st.sampled_from(first[3]).map(lambda member: ["enum", *first[:2], member, first[3]])
    return _compound(kind, same)


def _compound(kind: str, same: list[Spelling]) -> Spellings | None:
    first = same[0][1:]
    if kind == "made":
        slots = st.tuples(
            *(_any_of([each[3][place][1] for each in same if len(each[3]) > place]) for place in range(len(first[2])))
        )
        return slots.map(
            lambda values: [
                "made",
                *first[:2],
                [[name, value] for (name, _), value in zip(first[2], values, strict=True)],
            ]
        )
    if kind == "ndarray":
        return _array_strategy(*first)
    if kind == "tuple" and not is_uniform(first[0]):
        places = map(list, zip(*(each[1] for each in same if len(each[1]) == len(first[0])), strict=True))
        return st.tuples(*map(_any_of, places)).map(lambda row: in_a_row("tuple", list(row))) if first[0] else None
    if kind in IN_A_ROW or kind == "tuple":
        children = [child for each in same for child in each[1]]
        longest = min(LONGEST, 2 * max(len(each[1]) for each in same) + 3)
        return st.lists(_any_of(children), max_size=longest).map(lambda row: in_a_row(kind, row)) if children else None
    if kind == "dict":
        return _mapping_strategy([pair for each in same for pair in each[1]], first[0])
    return None


def _mapping_strategy(pairs: list[list[Any]], first: list[list[Any]]) -> Spellings | None:
    """Vary the values under the recorded keys, as of a record, or keys as well, as of a table."""
    if not pairs:
        return None
    record = st.tuples(*(_any_of([value]) for _, value in first)) if first else st.just(())
    records = record.map(
        lambda values: in_a_row("dict", [[key, value] for (key, _), value in zip(first, values, strict=True)])
    )
    pair = st.tuples(_any_of([key for key, _ in pairs]), _any_of([value for _, value in pairs])).map(list)
    return records | st.lists(
        pair, max_size=min(LONGEST, 2 * len(first) + 2), unique_by=lambda found: repr(found[0])
    ).map(lambda found: in_a_row("dict", found))


def _array_strategy(dtype: str, shape: list[int], elements: list[Spelling]) -> Spellings | None:
    rest = math.prod(shape[1:])
    if not shape or not elements or not rest or rest > LONGEST:
        return None
    row = st.lists(_any_of(elements).filter(lambda found: _fits(dtype, found)), min_size=rest, max_size=rest)
    return st.lists(row, max_size=max(2, min(2 * shape[0], 4 * LONGEST // rest))).map(
        lambda rows: array(dtype, shape, rows)
    )


def _fits(dtype: str, spelling: Spelling) -> bool:
    """Return whether a number fits into an integer type of NumPy."""
    kind, bits = dtype[1], 8 * int(dtype[2:])
    if kind not in "iu":
        return True
    low, high = (0, 1 << bits) if kind == "u" else (-(1 << bits - 1), 1 << bits - 1)
    return low <= int(spelling[1]) < high


def _float_strategy(values: list[float]) -> Spellings:
    finite = [abs(value) for value in values if math.isfinite(value)]
    farthest = min(max(10.0, *(2 * value for value in finite), 0.0), 1e300)
    round_ones = st.integers(-min(int(farthest), 2**53), min(int(farthest), 2**53)).map(float)
    wild = [] if len(finite) == len(values) else [st.sampled_from([math.nan, math.inf, -math.inf])]
    any_ones = st.floats(-farthest, farthest, allow_nan=False, allow_subnormal=False)
    return st.one_of(round_ones, any_ones, *wild).map(lambda value: ["float", repr(value)])


def _text_strategy(texts: list[str]) -> st.SearchStrategy[str]:
    """Write with the recorded characters and telling ones, put recorded words together anew, or splice into a recorded text."""
    recorded = dict.fromkeys("".join(texts)[:400])
    characters = st.sampled_from([*recorded, *TELLING, *FURTHER])
    words = list(dict.fromkeys(word for text in texts for word in _words(text)))[:60]
    parts = st.sampled_from([*words, *TELLING]) if words else characters
    written = st.lists(characters, max_size=12).map("".join)
    put_together = st.lists(parts, max_size=10).map("".join)
    return st.one_of(written, put_together, _spliced(texts, characters))


def _spliced(texts: list[str], characters: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def splice(text: str) -> st.SearchStrategy[str]:
        place = st.integers(0, len(text))
        return st.tuples(place, place, st.lists(characters, max_size=3)).map(
            lambda cut: text[: cut[0]] + "".join(cut[2]) + text[cut[1] :]
        )

    return st.sampled_from(texts).flatmap(splice)


def _words(text: str) -> Iterator[str]:
    """Split where letters, digits, white space and the rest change."""
    word = ""
    for character in text:
        if word and (not character.isalnum() or _class_of(word[-1]) != _class_of(character)):
            yield word
            word = ""
        word += character
    if word:
        yield word


def _class_of(character: str) -> int:
    return character.isalpha() + 2 * character.isdigit() + 4 * character.isspace()
