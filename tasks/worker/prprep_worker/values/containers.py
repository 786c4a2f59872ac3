"""Write lists, tuples, sets and dictionaries as Python source; each function takes the Writer that calls it."""

from __future__ import annotations

import collections
import contextlib
import itertools
import math
from collections.abc import Iterable
from typing import Any

from prprep_worker.values.anatomy import CONTAINERS, SEQUENCES
from prprep_worker.values.errors import CannotWriteError
from prprep_worker.values.packages import LISTED
from prprep_worker.values.privacy import joined
from prprep_worker.values.texts import LONGEST as TEXT
from prprep_worker.values.texts import stem_of

SAMPLED = 8
"""Elements that represent all of more than LISTED."""
LINKED = 400
"""Keys of a mapping that is written whole, since its values refer to them."""


def write_container(writer: Any, value: Any, depth: int) -> str | None:
    kind = type(value)
    if kind in (dict, collections.OrderedDict, collections.Counter, collections.defaultdict):
        return _mapping(writer, value, depth)
    if kind in (set, frozenset):
        return _set(writer, value, depth)
    if kind not in SEQUENCES:
        return None
    if writer.is_made_smaller(depth) and len(value) == 1:
        depth -= 1  # of a single element its content is made smaller
    if kind is tuple and len(value) <= LISTED:
        elements = ", ".join(writer.write(element, depth + 1) for element in value)
        return f"({elements},)" if len(value) == 1 else f"({elements})"
    code = _list(writer, list(value), depth)
    if kind is collections.deque:
        writer.imports.add("from collections import deque")
    return code if kind is list else f"{kind.__name__}({code})"


def _set(writer: Any, value: Any, depth: int) -> str:
    name = type(value).__name__
    if (size := writer.resized(depth, len(value))) > LISTED:
        return f"{name}({_distinct(writer, list(value), depth)})"
    return f"{name}({_list(writer, sorted(value, key=repr)[:size], depth + 1)})" if value else f"{name}()"


def _list(writer: Any, elements: list[Any], depth: int) -> str:
    size = writer.resized(depth, len(elements))
    if size <= LISTED:
        return f"[{', '.join(writer.write(element, depth + 1) for element in elements[:size])}]"
    built = _numbers(writer, elements, size) or _texts(writer, elements, size)
    if built:
        return built
    writer.sampled = True
    sample = _sample(elements)
    code = ", ".join(writer.write(element, depth + 1) for element in sample)
    return f"[{code}] * {max(1, round(size / len(sample))):_}"


def _distinct(writer: Any, elements: list[Any], depth: int) -> str:
    """Build the elements of a large set, each of them once."""
    size, kinds = writer.resized(depth, len(elements)), {type(element) for element in elements}
    if kinds == {int}:
        writer.needs.add("rng")
        low = min(elements)
        return f"rng.sample(range({low}, {max(max(elements) + 1, low + size)}), k={size:_})"
    if (stem := _stem(writer, elements, kinds)) is not None:
        return f'f"{stem}{{number}}" for number in range({size:_})'
    raise CannotWriteError(f"it has {len(elements):,} different elements that cannot be made up")


def _stem(writer: Any, texts: Iterable[Any], kinds: set[type]) -> str | None:
    if kinds != {str}:
        return None
    writer.check_private(joined(texts))
    return stem_of(list(texts))


def _numbers(writer: Any, elements: list[Any], size: int) -> str | None:
    """Build many numbers: drawn between the smallest and the largest, sorted if they are."""
    kinds = {type(element) for element in elements}
    if not kinds <= {int, float} or len(kinds) != 1 or not all(map(math.isfinite, elements)):
        return None
    low, high = min(elements), max(elements)
    if elements == list(range(len(elements))):
        return f"list(range({size:_}))"
    if low == high:
        return f"[{low!r}] * {size:_}"
    writer.needs.add("rng")
    writer.sampled = True
    drawn = f"rng.randint({low}, {high})" if kinds == {int} else f"rng.uniform({low!r}, {high!r})"
    numbers = f"{drawn} for _ in range({size:_})"
    return f"sorted({numbers})" if elements == sorted(elements) else f"[{numbers}]"


def _texts(writer: Any, elements: list[Any], size: int) -> str | None:
    if {type(element) for element in elements} != {str} or max(map(len, elements)) > TEXT:
        return None
    distinct = list(dict.fromkeys(elements))
    stem = _stem(writer, distinct, {str})
    if stem is not None and len(distinct) > SAMPLED:
        return f'[f"{stem}{{number}}" for number in range({size:_})]'
    # Made-up texts would be no versions, dates or names any more.
    writer.needs.add("rng")
    writer.sampled = True
    return f"rng.choices({_sample(distinct)!r}, k={size:_})"


def _mapping(writer: Any, value: Any, depth: int) -> str:
    kind = type(value)
    is_linked = len(value) > LISTED and _is_linked(value)
    if is_linked and (len(value) > LINKED or writer.factor(depth, len(value)) != 1):
        raise CannotWriteError(f"the values of its {len(value):,} keys refer to these: they cannot be made up")
    # Few keys mean something each; of many, more can be made up.
    size = writer.resized(depth, len(value)) if len(value) > LISTED and not is_linked else len(value)
    if size <= LISTED or is_linked:
        items = itertools.islice(value.items(), size)
        pairs = (f"{writer.write(key, depth + 1)}: {writer.write(inner, depth + 1)}" for key, inner in items)
        code = f"{{{', '.join(pairs)}}}"
    else:
        inner = writer.write(next(iter(value.values())), depth + 1)
        kinds = {type(key) for key in value}
        if (stem := _stem(writer, value, kinds)) is not None:
            code = f'{{f"{stem}{{number}}": {inner} for number in range({size:_})}}'
        elif kinds == {int}:
            code = f"{{number: {inner} for number in range({size:_})}}"
        else:
            raise CannotWriteError(f"it has {len(value):,} keys that cannot be made up")
    if kind is dict:
        return code
    writer.imports.add(f"from collections import {kind.__name__}")
    if kind is collections.defaultdict:
        return f"defaultdict({writer.write(value.default_factory, depth + 1)}, {code})"
    return f"{kind.__name__}({code})"


def _is_linked(value: Any) -> bool:
    """Return whether the first values consist of keys, as neighbors in a graph do, perhaps with something of each."""
    first = itertools.islice(value.values(), LISTED)
    held = [each for each in first if isinstance(each, (dict, *CONTAINERS)) and each]
    return len(held) > 1 and all(_is_key(element, value) for each in held for element in each)


def _is_key(element: Any, mapping: Any) -> bool:
    first = element[0] if isinstance(element, tuple) and element else element
    with contextlib.suppress(TypeError):
        return element in mapping or first in mapping
    return False


def _sample(elements: list[Any]) -> list[Any]:
    return elements[:: max(1, len(elements) // SAMPLED)][:SAMPLED]
