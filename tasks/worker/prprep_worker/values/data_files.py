"""Store a value that has no readable code in a data file next to the test: text, bytes, JSON or arrays.

Reading such a file runs no code: values that need a pickle are refused.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from prprep_worker.values.comparison import same
from prprep_worker.values.privacy import is_of_machine, joined

Check = Callable[[str], None]

LARGEST = 128 * 1024
"""Bytes of a file next to a benchmark; a repository keeps it forever."""
NOT_TRIED = 16
"""A value of more than this many times LARGEST is refused without encoding it."""
AS_TEXT = '{}.read_text(encoding="utf-8")'


class NotDataError(Exception):
    """A value cannot become a data file; the text is the reason, or empty if it is not plain data."""


class Encoded(NamedTuple):
    suffix: str
    content: bytes
    code: str
    imports: tuple[str, ...] = ()


class EncodedFile(NamedTuple):
    """A data file, and the `code` that reads the value back from it, with the `imports` that it needs."""

    name: str
    content: bytes
    code: str
    imports: frozenset[str]


def data_file(value: Any, stem: str, check: Check, *, size: int = 0) -> EncodedFile:
    """Put a value into a file whose name begins with `stem`; `check` raises for a text that must stay on this machine.

    Raise NotDataError if it is not plain data, or too large; `size` is about how much it holds.
    """
    if size > NOT_TRIED * LARGEST:
        raise NotDataError(f"a file of {LARGEST:,} bytes, which is the limit, cannot hold it")
    encoded = _text(value, check) or _arrays(value, check) or _json(value, check)
    if encoded is None:
        raise NotDataError
    _check_length(encoded.content)
    check(encoded.content.decode("latin-1"))
    name = f"{stem}{encoded.suffix}"
    code = encoded.code.format(f'Path(__file__).with_name("{name}")')
    return EncodedFile(name, encoded.content, code, frozenset({"from pathlib import Path", *encoded.imports}))


def _check_length(content: bytes) -> None:
    if len(content) > LARGEST:
        raise NotDataError(f"as a file it would have {len(content):,} bytes, and {LARGEST:,} are the limit")


def _text(value: Any, check: Check) -> Encoded | None:
    if type(value) is bytes:
        return Encoded(".bin", value, "{}.read_bytes()")
    if type(value) is bytearray:
        return Encoded(".bin", bytes(value), "bytearray({}.read_bytes())")
    if type(value) is not str:
        return None
    _check_texts(value, check)
    try:
        content = value.encode()
    except UnicodeEncodeError:
        return None
    # read_text() would change the ends of lines.
    return Encoded(".txt", content, "{}.read_bytes().decode()" if "\r" in value else AS_TEXT)


def _json(value: Any, check: Check) -> Encoded | None:
    read, plain = f"json.loads({AS_TEXT})", value
    if type(value) in (tuple, set, frozenset):
        read = f"{type(value).__name__}({read})"
        plain = list(value) if type(value) is tuple else sorted(value, key=repr)
    if type(plain) not in (list, dict):
        return None
    try:
        content = f"{json.dumps(plain, ensure_ascii=False, separators=(',', ':'))}\n".encode()
        _check_length(content)
        back = json.loads(content)
    except (TypeError, ValueError, RecursionError):
        return None
    if not same(back, plain, -100):
        return None  # tuples become lists, keys become texts
    _check_texts(plain, check)
    return Encoded(".json", content, read, ("import json",))


def _check_texts(value: Any, check: Check) -> None:
    texts = list(_texts(value))
    check(joined(texts))
    if any(map(is_of_machine, texts)):
        raise NotDataError("it holds a path of this machine")


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, str):
            yield inner
        elif isinstance(inner, dict):
            waiting += [*inner, *inner.values()]
        elif isinstance(inner, list):
            waiting += inner


def _arrays(value: Any, check: Check) -> Encoded | None:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    if type(value) is numpy.ndarray:
        if value.nbytes > LARGEST // 2:
            return _zipped(check, 'np.load({})["arr_0"]', value)
        _check_array(value, check)
        out = io.BytesIO()
        numpy.save(out, value, allow_pickle=False)
        return Encoded(".npy", out.getvalue(), "np.load({})", ("import numpy as np",))
    if type(value) is list and value and all(type(each) is numpy.ndarray for each in value):
        return _zipped(check, "list(np.load({}).values())", *value)
    if type(value) is not dict or not value or any(type(each) is not numpy.ndarray for each in value.values()):
        return None
    are_names = all(type(key) is str and key.isidentifier() and key != "file" for key in value)
    return _zipped(check, "dict(np.load({}))", **value) if are_names else None


def _zipped(check: Check, read: str, *arrays: Any, **named: Any) -> Encoded:
    for array in (*arrays, *named.values()):
        _check_array(array, check)
    out = io.BytesIO()
    sys.modules["numpy"].savez_compressed(out, *arrays, **named)
    return Encoded(".npz", out.getvalue(), read, ("import numpy as np",))


def _check_array(array: Any, check: Check) -> None:
    if array.dtype.hasobject:
        raise NotDataError("its elements are objects, which a file could hold as a pickle only")
    if array.nbytes > NOT_TRIED * LARGEST:
        raise NotDataError(f"it has {array.nbytes:,} bytes, and a file of {LARGEST:,} is the limit")
    if array.dtype.kind == "U":
        _check_texts(list(map(str, array.ravel().tolist())), check)
    else:
        check(array.tobytes().decode("latin-1"))
