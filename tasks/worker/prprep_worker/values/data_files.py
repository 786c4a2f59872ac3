"""Keep a value as a file of data beside the test, where it has no readable spelling: text, bytes, JSON or arrays.

Reading such a file runs nothing: what would need a pickle is refused. Standard library only, Python 3.9 or newer; numpy where the
target has loaded it.
"""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from prprep_worker.values.comparison import same
from prprep_worker.values.source import is_of_machine, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    _Found = tuple[str, bytes, str, tuple[str, ...]]

LARGEST = 128 * 1024
"""Bytes of a file that is kept beside a benchmark: a repository keeps it for good."""
HOPELESS = 16
"""Times LARGEST, from which a value is not even tried."""


class NotDataError(Exception):
    """A value cannot be kept as data; the text says why, where there is more to say than that it is none."""


class Kept(NamedTuple):
    """A file of data, and the expression that reads the value back from it; `imports` are lines that the expression needs."""

    name: str
    content: bytes
    code: str
    imports: frozenset[str]


def data_file(value: Any, stem: str, check: Callable[[str], None], *, size: int = 0) -> Kept:
    """Keep a value in a file whose name begins with `stem`; `check` raises for a text that must not leave this machine.

    Raise NotDataError where it is no plain data, or too much; `size` is about how much it holds.
    """
    if size > HOPELESS * LARGEST:
        raise NotDataError(f"a file of {LARGEST:,} bytes, which is the limit, would not hold it")
    for way in (_text, _arrays, _json):
        found = way(value, check)
        if found is not None:
            suffix, content, code, imports = found
            _check_length(content)
            check(content.decode("latin-1"))
            place = f'Path(__file__).with_name("{stem}{suffix}")'
            return Kept(
                f"{stem}{suffix}", content, code.format(place), frozenset({"from pathlib import Path", *imports})
            )
    raise NotDataError


def _check_length(content: bytes) -> None:
    if len(content) > LARGEST:
        raise NotDataError(f"as a file it would have {len(content):,} bytes, and {LARGEST:,} are the limit")


def _text(value: Any, check: Callable[[str], None]) -> _Found | None:
    if type(value) is str:
        _check_all(value, check)
        try:
            content = value.encode()
        except UnicodeEncodeError:
            return None
        # Reading as text would turn every end of a line into one of its own.
        return ".txt", content, "{}.read_bytes().decode()" if "\r" in value else '{}.read_text(encoding="utf-8")', ()
    if type(value) in (bytes, bytearray):
        return ".bin", bytes(value), "{}.read_bytes()" if type(value) is bytes else "bytearray({}.read_bytes())", ()
    return None


def _json(value: Any, check: Callable[[str], None]) -> _Found | None:
    around, plain = "{}", value
    if type(value) in (tuple, set, frozenset):
        around = f"{type(value).__name__}({{}})"
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
    _check_all(plain, check)
    return ".json", content, around.format('json.loads({}.read_text(encoding="utf-8"))'), ("import json",)


def _check_all(value: Any, check: Callable[[str], None]) -> None:
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


def _arrays(value: Any, check: Callable[[str], None]) -> _Found | None:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    if type(value) is numpy.ndarray:
        return _one_array(numpy, value, check)
    if type(value) is list and value and all(type(each) is numpy.ndarray for each in value):
        return ".npz", _zipped(numpy, check, *value), "list(np.load({}).values())", ("import numpy as np",)
    if (
        type(value) is dict
        and value
        and all(type(key) is str and type(each) is numpy.ndarray for key, each in value.items())
    ):
        if any(not key.isidentifier() or key == "file" for key in value):
            return None
        return ".npz", _zipped(numpy, check, **value), "dict(np.load({}))", ("import numpy as np",)
    return None


def _one_array(numpy: Any, value: Any, check: Callable[[str], None]) -> _Found:
    _check_array(value, check)
    if value.nbytes <= LARGEST // 2:
        out = io.BytesIO()
        numpy.save(out, value, allow_pickle=False)
        return ".npy", out.getvalue(), "np.load({})", ("import numpy as np",)
    return ".npz", _zipped(numpy, check, value), 'np.load({})["arr_0"]', ("import numpy as np",)


def _zipped(numpy: Any, check: Callable[[str], None], *arrays: Any, **named: Any) -> bytes:
    for array in (*arrays, *named.values()):
        _check_array(array, check)
    out = io.BytesIO()
    numpy.savez_compressed(out, *arrays, **named)
    return out.getvalue()


def _check_array(array: Any, check: Callable[[str], None]) -> None:
    if array.dtype.hasobject:
        raise NotDataError("its elements are objects, which a file could hold as a pickle only")
    if array.nbytes > HOPELESS * LARGEST:
        raise NotDataError(f"it has {array.nbytes:,} bytes, and a file of {LARGEST:,} is the limit")
    if array.dtype.kind == "U":
        _check_all(list(map(str, array.ravel().tolist())), check)
    else:
        check(array.tobytes().decode("latin-1"))
