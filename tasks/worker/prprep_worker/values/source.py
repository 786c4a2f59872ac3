"""Write values as Python source: what a recorded call was given, as a person would spell it in a test.

What is large is built instead of listed (`["a", "b"] * 500`, `rng.integers(...)`), of the recorded size or a multiple of
it. Nothing that tells of this machine is written: absolute paths, secrets of the environment. Standard library only, Python
3.9 or newer; of other packages only what the target has loaded is looked at.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime  # noqa: ICN001 - shadows nothing
import decimal
import enum
import fractions
import functools
import inspect
import io
import keyword
import math
import os
import pathlib
import re
import sys
import tempfile
import types
import unittest.mock
import uuid
from typing import TYPE_CHECKING, Any

from prprep_worker.values.comparison import differing, equal, gives, is_default
from prprep_worker.values.sizes import kind_of
from prprep_worker.values.state import state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LISTED = 24
"""Elements that are spelled one by one; of more, a sample of SAMPLED stands for all."""
SAMPLED = 8
TEXT = 160
"""Characters of a text that is spelled whole."""
WORDS = 4
"""Words from which a text is one."""
LONGEST = 4_000
"""Characters of one expression; what is longer is no readable code."""
DEEPEST = 6
CHANGED = 8
"""Attributes that are set again after an object was made."""
FILE = 64 << 10
"""Bytes of a file whose content is spelled in the test."""
DIGITS = "0123456789"
SECRET = re.compile(r"token|secret|passw|api_?key|credential|private", re.IGNORECASE)
TESTS = re.compile(r"(^|\.)(tests?|conftest|test_[^.]*|[^.]*_test)(\.|$)|^__main__$")


class CannotWriteError(Exception):
    """A value has no spelling; the text says why."""


class UnknownMakingError(CannotWriteError):
    """How an object was made cannot be told from what it holds; `kind` is its class."""

    def __init__(self, kind: type, told: str) -> None:
        super().__init__(told)
        self.kind = kind


class Made:
    """The code that an object was made by, as a Writer wrote it."""

    def __init__(self, code: str, writer: Writer) -> None:
        self.code, self.sampled = code, writer.sampled
        self.imports, self.needs, self.files = set(writer.imports), set(writer.needs), dict(writer.files)

    def evaluated(self) -> object:
        names: dict[str, Any] = {}
        exec("\n".join(sorted(self.imports)), names)  # noqa: S102 - it was written here
        return eval(self.code, names)  # noqa: S307 - likewise


class Writer:
    """Write the values of one call; `imports` are lines that the code needs, `needs` names of fixtures and builders.

    `tree` is the root of the project, `depth` how many folders the test will lie below it; `scale` multiplies the sizes of
    what is passed directly. `made` tells how an object was made, where that was seen; `sampled` that not all of a value is spelled;
    `statements` make objects that were changed after they were made, under names that are not among those `taken`; one that is
    passed directly has the name of its parameter, `own`.
    """

    def __init__(
        self,
        tree: str,
        depth: int,
        scale: int = 1,
        made: Callable[[object], Made | None] = lambda _value: None,
        taken: set[str] | None = None,
    ) -> None:
        self.imports: set[str] = set()
        self.needs: set[str] = set()
        self.files: dict[str, str] = {}
        self.statements: list[str] = []
        self.scaled = self.sampled = False
        self.own = ""
        self._made, self._taken = made, set() if taken is None else taken
        self._tree, self._depth, self._scale = os.path.realpath(tree), depth, scale

    def argument(self, value: object) -> str:
        """Write what is passed directly; raise CannotWriteError."""
        written = self.write(value, 0)
        if len(written) > LONGEST:
            raise CannotWriteError(f"its spelling would have {len(written):,} characters")
        return written

    def expression(self, value: object) -> str:
        """Write what has to be one expression, in the size that it has; raise CannotWriteError."""
        written = self.write(value, 1)
        if self.statements:
            raise CannotWriteError("it was changed after it was made")
        return written

    def write(self, value: Any, depth: int) -> str:
        if depth > DEEPEST:
            raise CannotWriteError("it is nested too deeply")
        if isinstance(value, unittest.mock.NonCallableMock):
            raise CannotWriteError("it is a Mock")
        for way in (
            self._plain,
            self._text,
            self._container,
            self._named,
            self._place,
            self._structure,
            self._foreign,
            self._object,
        ):
            written = way(value, depth)
            if written is not None:
                return written
        raise CannotWriteError(f"a {kind_of(value)} has no spelling as code")

    def check_private(self, text: str) -> None:
        """Raise CannotWriteError where a text tells of this machine, its user or the environment's secrets."""
        home = os.path.expanduser("~")
        if len(home) > 1 and home in text:
            raise CannotWriteError("it names a folder of this machine's user")
        if self._tree + os.sep in text:
            raise CannotWriteError("it holds a path of this machine")
        for name, value in os.environ.items():
            if SECRET.search(name) and len(value) > 7 and value in text:
                raise CannotWriteError("it holds a secret of the environment")

    def _check_all(self, texts: Iterable[str]) -> None:
        self.check_private(joined(texts))

    # -- small things ----------------------------------------------------------------------------------

    def _plain(self, value: Any, _depth: int) -> str | None:
        kind = type(value)
        if value is None or value is ... or kind in (bool, int, complex):
            return repr(value)
        if kind is float:
            return repr(value) if math.isfinite(value) else f'float("{value}")'
        if kind in (range, slice):
            return repr(value)
        if kind in (datetime.datetime, datetime.date, datetime.time, datetime.timedelta, datetime.timezone):
            self.imports.add("import datetime")
            return repr(value)
        for module, kinds in (("decimal", decimal.Decimal), ("fractions", fractions.Fraction), ("uuid", uuid.UUID)):
            if kind is kinds:
                self.imports.add(f"from {module} import {kind.__name__}")
                return repr(value)
        return None

    def _text(self, value: Any, depth: int) -> str | None:
        kind = type(value)
        if kind not in (str, bytes, bytearray):
            return None
        if kind is str:
            if (place := self._path(value)) is not None:
                return f"str({place})"
            self.check_private(value)
        if kind is bytearray:
            return f"bytearray({self.write(bytes(value), depth)})"
        size = len(value) * self._text_factor(value, depth)
        if size == len(value) <= TEXT:
            return _quoted(value)
        self.sampled = True
        sample = _period(value) if len(value) <= TEXT else _chunk(_period(value))
        return f"{_quoted(sample)} * {max(1, round(size / len(sample))):_}"

    def _factor(self, depth: int, size: int) -> int:
        if depth > 0 or self._scale == 1 or not size:
            return 1
        self.scaled = self.sampled = True
        return self._scale

    def _text_factor(self, value: Any, depth: int) -> int:
        """Scale what is a text: of a word, a name or an address, several in a row are none."""
        spaces = len(value.split())
        return self._factor(depth, len(value)) if spaces >= WORDS or len(value) > TEXT else 1

    # -- containers ------------------------------------------------------------------------------------

    def _container(self, value: Any, depth: int) -> str | None:
        kind = type(value)
        ways = {
            list: self._listed,
            tuple: self._tuple,
            set: self._set,
            frozenset: self._set,
            collections.deque: self._deque,
        }
        if kind in ways:
            return ways[kind](value, depth)
        is_mapping = kind in (dict, collections.OrderedDict, collections.Counter, collections.defaultdict)
        return self._mapping(value, depth) if is_mapping else None

    def _tuple(self, value: Any, depth: int) -> str:
        if len(value) > LISTED:
            return f"tuple({self._listed(list(value), depth)})"
        elements = ", ".join(self.write(element, depth + 1) for element in value)
        return f"({elements},)" if len(value) == 1 else f"({elements})"

    def _set(self, value: Any, depth: int) -> str:
        name = type(value).__name__
        if len(value) * self._factor(depth, len(value)) > LISTED:
            return f"{name}({self._distinct(list(value), depth)})"
        return f"{name}({self._listed(sorted(value, key=repr), depth + 1)})" if value else f"{name}()"

    def _deque(self, value: Any, depth: int) -> str:
        self.imports.add("from collections import deque")
        return f"deque({self._listed(list(value), depth)})"

    def _listed(self, elements: list[Any], depth: int) -> str:
        size = len(elements) * self._factor(depth, len(elements))
        if size <= LISTED:
            return f"[{', '.join(self.write(element, depth + 1) for element in elements)}]"
        built = self._numbers(elements, size) or self._texts(elements, size)
        if built:
            return built
        self.sampled = True
        sample = elements[:: max(1, len(elements) // SAMPLED)][:SAMPLED]
        spelled = ", ".join(self.write(element, depth + 1) for element in sample)
        return f"[{spelled}] * {max(1, round(size / len(sample))):_}"

    def _distinct(self, elements: list[Any], depth: int) -> str:
        """Build the elements of a large set, each of them once."""
        size, kinds = len(elements) * self._factor(depth, len(elements)), {type(element) for element in elements}
        if kinds == {int}:
            self.needs.add("rng")
            low = min(elements)
            return f"rng.sample(range({low}, {max(max(elements) + 1, low + size)}), k={size:_})"
        if kinds == {str}:
            self._check_all(elements)
            if (stem := _stem(elements)) is not None:
                return f'f"{stem}{{number}}" for number in range({size:_})'
        raise CannotWriteError(f"it has {len(elements):,} different elements that cannot be made up")

    def _numbers(self, elements: list[Any], size: int) -> str | None:
        """Build many numbers: drawn between the smallest and the largest, in order where they are."""
        kinds = {type(element) for element in elements}
        if not kinds <= {int, float} or len(kinds) != 1 or not all(map(math.isfinite, elements)):
            return None
        low, high = min(elements), max(elements)
        if elements == list(range(len(elements))):
            return f"list(range({size:_}))"
        self.needs.add("rng")
        self.sampled = True
        drawn = f"rng.randint({low}, {high})" if kinds == {int} else f"rng.uniform({low!r}, {high!r})"
        listed = f"{drawn} for _ in range({size:_})"
        return f"sorted({listed})" if elements == sorted(elements) else f"[{listed}]"

    def _texts(self, elements: list[Any], size: int) -> str | None:
        if {type(element) for element in elements} != {str} or max(map(len, elements)) > TEXT:
            return None
        self._check_all(elements)
        distinct = list(dict.fromkeys(elements))
        stem = _stem(distinct)
        if stem is not None and len(distinct) > SAMPLED:
            return f'[f"{stem}{{number}}" for number in range({size:_})]'
        # Made up ones would be no versions, dates or names any more, whatever these are.
        self.needs.add("rng")
        self.sampled = True
        some = distinct[:: max(1, len(distinct) // SAMPLED)][:SAMPLED]
        return f"rng.choices({some!r}, k={size:_})"

    def _mapping(self, value: Any, depth: int) -> str:
        kind = type(value)
        # Few keys mean something each; of many, more can be made up.
        size = len(value) * (self._factor(depth, len(value)) if len(value) > LISTED else 1)
        if size <= LISTED:
            pairs = (f"{self.write(key, depth + 1)}: {self.write(inner, depth + 1)}" for key, inner in value.items())
            spelled = f"{{{', '.join(pairs)}}}"
        else:
            inner = self.write(next(iter(value.values())), depth + 1)
            keys = {type(key) for key in value}
            if keys == {str}:
                self._check_all(value)
            if keys == {str} and (stem := _stem(list(value))) is not None:
                spelled = f'{{f"{stem}{{number}}": {inner} for number in range({size:_})}}'
            elif keys == {int}:
                spelled = f"{{number: {inner} for number in range({size:_})}}"
            else:
                raise CannotWriteError(f"it has {len(value):,} keys that cannot be made up")
        if kind is dict:
            return spelled
        self.imports.add(f"from collections import {kind.__name__}")
        if kind is collections.defaultdict:
            return f"defaultdict({self.write(value.default_factory, depth + 1)}, {spelled})"
        return f"{kind.__name__}({spelled})"

    # -- names and places ------------------------------------------------------------------------------

    def _named(self, value: Any, depth: int) -> str | None:
        if isinstance(value, enum.Enum):
            return f"{self._imported(type(value))}.{value.name}" if value.name else None
        if isinstance(value, type) or inspect.isroutine(value) or isinstance(value, types.FunctionType):
            if getattr(value, "__self__", None) is not None and not isinstance(
                value.__self__, (type, types.ModuleType)
            ):
                return f"{self.write(value.__self__, depth + 1)}.{value.__name__}"
            return self._imported(value)
        if isinstance(value, types.ModuleType):
            self.imports.add(f"import {value.__name__}")
            return value.__name__
        if isinstance(value, re.Pattern):
            self.imports.add("import re")
            flags = f", {int(value.flags & ~re.UNICODE)}" if value.flags & ~re.UNICODE else ""
            return f"re.compile({value.pattern!r}{flags})"
        return None

    def _imported(self, thing: Any) -> str:
        """Return the name under which a class or function can be imported; raise CannotWriteError where there is none."""
        module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", "")
        if module == "builtins":
            return name
        top, _, rest = name.partition(".")
        found = getattr(sys.modules.get(module or ""), top, None)
        for part in rest.split(".") if rest else ():
            found = getattr(found, part, None)
        if found is not thing or TESTS.search(module):
            where = "a test" if module and TESTS.search(module) else module
            raise CannotWriteError(f"{name} cannot be imported: it is defined in {where}")
        self.imports.add(f"from {module} import {top}")
        return name

    def _place(self, value: Any, depth: int) -> str | None:
        if isinstance(value, pathlib.PurePath):
            place = self._path(str(value))
            if place is not None:
                return place
            if value.is_absolute():
                raise CannotWriteError("it is a path of this machine")
            self.imports.add("from pathlib import Path")
            return f"Path({str(value)!r})"
        if type(value) in (io.StringIO, io.BytesIO):
            self.imports.add("import io")
            self.needs.add("anew")
            return f"io.{type(value).__name__}({self.write(value.getvalue(), depth)})"
        return None

    def _path(self, text: str) -> str | None:
        """Write a path that exists: one of the project's from the test's own place, a small file of a test as a fixture."""
        if not is_of_machine(text):
            return None
        real = os.path.realpath(text)
        if real.startswith(self._tree + os.sep):
            self.imports.add("from pathlib import Path")
            relative = os.path.relpath(real, self._tree).replace(os.sep, "/")
            return f'Path(__file__).parents[{self._depth}] / "{relative}"'
        if real.startswith(os.path.realpath(tempfile.gettempdir()) + os.sep) and os.path.isfile(real):
            return self._fixture(real)
        raise CannotWriteError("it is a path of this machine")

    def _fixture(self, real: str) -> str:
        if os.path.getsize(real) > FILE:
            raise CannotWriteError(f"the file that it names has {os.path.getsize(real):,} bytes")
        with open(real, "rb") as file:
            content = file.read()
        name = os.path.basename(real)
        try:
            self.files[name] = self.write(content.decode(), 1)
        except UnicodeDecodeError:
            raise CannotWriteError("the file that it names is no text") from None
        self.needs.add("tmp_path")
        return f'tmp_path / "{name}"'

    # -- structures ------------------------------------------------------------------------------------

    def _structure(self, value: Any, depth: int) -> str | None:
        kind = type(value)
        if isinstance(value, tuple) and hasattr(kind, "_fields"):
            return self._called(kind, [(name, getattr(value, name)) for name in kind._fields], depth)
        if dataclasses.is_dataclass(kind):
            fields = [field for field in dataclasses.fields(kind) if field.init]
            asked = [field for field in fields if not is_default(field, value, dataclasses.MISSING)]
            given = [(field.name, getattr(value, field.name)) for field in asked]
            return self._completed(value, given, {field.name for field in fields}, depth)
        attributes = getattr(kind, "__attrs_attrs__", None)
        if isinstance(attributes, tuple):
            named = [
                (getattr(each, "alias", None) or each.name.lstrip("_"), getattr(value, each.name))
                for each in attributes
                if each.init
            ]
            return self._completed(value, named, {each.name for each in attributes if each.init}, depth)
        if any(
            base.__module__.partition(".")[0] == "pydantic" and base.__name__ == "BaseModel" for base in kind.__mro__
        ):
            given = getattr(value, "model_fields_set", None) or getattr(value, "__fields_set__", ())
            return self._called(kind, [(name, getattr(value, name)) for name in sorted(given)], depth)
        return None

    def _completed(self, value: Any, given: list[tuple[str, object]], covered: set[str], depth: int) -> str:
        """Call the class of a structure, and set what its constructor is not given where it makes something else of that."""
        kind = type(value)
        make = functools.partial(kind, **dict(given))
        if not (state_of(value) or {}).keys() - covered or gives(make, value):
            return self._called(kind, given, depth)
        changed = self._changed(value, make, lambda: self._called(kind, given, depth), depth)
        if changed is None:
            raise CannotWriteError(
                f"{kind.__qualname__} was changed after it was made, in a way that setting attributes does not repeat"
            )
        return changed

    def _changed(self, value: Any, make: Callable[[], object], spell: Callable[[], str], depth: int) -> str | None:
        """Write an object that was changed after it was made: statements that make it and set what differs; gives its name."""
        names = differing(make, value)
        if not names or len(names) > CHANGED:
            return None
        state = state_of(value) or {}
        set_again = [(_public(value, name, state[name]), state[name]) for name in names]
        if not gives(lambda: _with(make(), set_again), value):
            return None
        made = spell()
        words = [(attribute, self.write(inner, depth + 1)) for attribute, inner in set_again]
        name = self.own if self.own and depth == 0 else self._free(type(value).__name__)
        self.statements += [f"{name} = {made}", *(f"{name}.{attribute} = {word}" for attribute, word in words)]
        return name

    def _free(self, kind: str) -> str:
        stem = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind).lower().strip("_")
        name, number = stem, 2
        while name in self._taken or not name.isidentifier() or keyword.iskeyword(name):
            name, number = f"{stem}_{number}", number + 1
        self._taken.add(name)
        return name

    def _called(self, kind: type, given: Iterable[tuple[str, object]], depth: int) -> str:
        name = self._imported(kind)
        # What is passed inside of an object is as large as it was recorded.
        words = [f"{key}={self.write(inner, depth + 1)}" for key, inner in given]
        return f"{name}({', '.join(words)})"

    def _object(self, value: Any, depth: int) -> str | None:
        """Write an object as it was made, or by its constructor where that gives it back from what it keeps."""
        kind = type(value)
        if kind.__module__ == "builtins" or hasattr(kind, "__next__"):
            return None
        seen = self._made(value)
        if seen is not None and (seen.sampled or gives(seen.evaluated, value)):
            return self._adopted(seen)
        if seen is not None and (
            changed := self._changed(value, seen.evaluated, functools.partial(self._adopted, seen), depth)
        ):
            return changed
        given = self._kept_parameters(value)
        if given is None:
            return None
        make = functools.partial(kind, **dict(given))
        if gives(make, value):
            return self._called(kind, given, depth)
        if changed := self._changed(value, make, lambda: self._called(kind, given, depth), depth):
            return changed
        raise UnknownMakingError(kind, f"{kind.__qualname__} is not what its constructor makes of what it keeps")

    def _adopted(self, seen: Made) -> str:
        self.imports |= seen.imports
        self.needs |= seen.needs
        self.files.update(seen.files)
        self.sampled = self.sampled or seen.sampled
        return seen.code

    def _kept_parameters(self, value: Any) -> list[tuple[str, object]] | None:
        """Return the parameters of the constructor that an object keeps, other than their defaults; None where nothing tells them."""
        kind = type(value)
        try:
            parameters = list(inspect.signature(kind).parameters.values())
        except (TypeError, ValueError):
            return None
        given = []
        for parameter in parameters:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            kept = next((name for name in (parameter.name, f"_{parameter.name}") if hasattr(value, name)), None)
            if kept is None and parameter.default is parameter.empty:
                raise UnknownMakingError(kind, f"{kind.__qualname__} does not keep its parameter {parameter.name}")
            if kept is not None:
                held = getattr(value, kept)
                if not equal(held, parameter.default):
                    given.append((parameter.name, held))
        return given

    # -- other packages --------------------------------------------------------------------------------

    def _foreign(self, value: Any, depth: int) -> str | None:
        ways: dict[str, Callable[[Any, Any, int], str | None]] = {
            "numpy": self._numpy,
            "pandas": self._pandas,
            "PIL": self._image,
        }
        top = type(value).__module__.partition(".")[0]
        module = sys.modules.get(top)
        return ways[top](module, value, depth) if module is not None and top in ways else None

    def _numpy(self, numpy: Any, value: Any, depth: int) -> str | None:
        self.imports.add("import numpy as np")
        if isinstance(value, numpy.generic):
            return f"np.{type(value).__name__}({value.item()!r})"
        if isinstance(value, numpy.dtype):
            return f"np.dtype({value.str!r})"
        return self._array(numpy, value, depth) if type(value) is numpy.ndarray else None

    def _array(self, numpy: Any, value: Any, depth: int) -> str:
        kind, shape = value.dtype.kind, list(value.shape)
        if shape and value.size:
            shape[0] *= self._factor(depth, shape[0])
        if math.prod(shape) <= LISTED and kind in "biufc":
            return f"np.array({value.tolist()!r}, dtype=np.{value.dtype.name})"
        dims = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
        self.needs.add("np_rng")
        if kind == "b":
            return f"np_rng.random({dims}) < {float(value.mean()):.3g}"
        if kind in "iu":
            return (
                f"np_rng.integers({int(value.min())}, {int(value.max()) + 1}, size={dims}, dtype=np.{value.dtype.name})"
            )
        if kind != "f" or not numpy.isfinite(value).all():
            raise CannotWriteError(f"an array of {value.dtype} has no builder")
        drawn = f"np_rng.normal({float(value.mean()):.6g}, {float(value.std()):.6g}, size={dims})"
        return drawn if value.dtype.name == "float64" else f"{drawn}.astype(np.{value.dtype.name})"

    def _pandas(self, pandas: Any, value: Any, depth: int) -> str | None:
        if isinstance(value, pandas.DataFrame):
            self.imports.add("import pandas as pd")
            columns = ", ".join(f"{name!r}: {self._column(value[name], depth)}" for name in value.columns)
            return f"pd.DataFrame({{{columns}}})"
        if isinstance(value, pandas.Series):
            self.imports.add("import pandas as pd")
            return f"pd.Series({self._column(value, depth)})"
        return None

    def _column(self, series: Any, depth: int) -> str:
        values = series.to_numpy()
        if values.dtype.kind in "biuf" and not (values.dtype.kind == "f" and series.isna().any()):
            return self.write(values, depth)
        if values.dtype.kind == "M":
            self.imports.add("import pandas as pd")
            return (
                f'pd.date_range("{series.min()}", periods={len(series) * self._factor(depth, len(series))}, freq="min")'
            )
        return self.write(series.tolist(), depth)

    def _image(self, _: Any, value: Any, depth: int) -> str | None:
        if not hasattr(value, "mode") or not hasattr(value, "size"):
            return None
        bands = {"RGB": (3,), "RGBA": (4,), "L": ()}.get(value.mode)
        self.imports |= {"from PIL import Image"}
        width, height = value.size
        height *= self._factor(depth, height)
        if bands is None or "numpy" not in sys.modules:
            return f"Image.new({value.mode!r}, ({width}, {height}))"
        self.imports.add("import numpy as np")
        self.needs.add("np_rng")
        dims = ", ".join(map(str, (height, width, *bands)))
        return f"Image.fromarray(np_rng.integers(0, 256, size=({dims}), dtype=np.uint8))"


def joined(texts: Iterable[str]) -> str:
    """Return one text to look for something private in, since to look into each of many takes longer than tests may.

    Neither a path nor a variable can hold a NUL: what is found began and ended in one of them.
    """
    return "\0".join(texts)


def is_of_machine(text: str) -> bool:
    """Return whether a text is the absolute path of something that there is; the root alone tells nothing."""
    if not text.strip(os.sep) or len(text) > 4_096 or "\n" in text or "\0" in text:
        return False
    return os.path.isabs(text) and os.path.exists(text)


def _quoted(value: Any) -> str:
    """Spell a text with double quotes, as formatters do, where it holds none."""
    spelled = repr(value)
    start = spelled.index("'") if "'" in spelled and '"' not in spelled else -1
    return spelled if start < 0 else f'{spelled[:start]}"{spelled[start + 1 : -1]}"'


def _stem(texts: list[str]) -> str | None:
    """Return what numbered texts begin with; None where they are anything else, of which more cannot be made up."""
    stem = texts[0].rstrip(DIGITS)
    alike = all(text.rstrip(DIGITS) == stem != text for text in texts)
    return stem if alike and not set(stem) & set('{}\\"\n') else None


def _period(value: Any) -> Any:
    """Return what a text repeats, where it is nothing but repetitions of that (by its borders: Knuth, Morris and Pratt)."""
    head = value[: 4 * TEXT]
    borders = [0] * len(head)
    for place in range(1, len(head)):
        length = borders[place - 1]
        while length and head[place] != head[length]:
            length = borders[length - 1]
        borders[place] = length + (head[place] == head[length])
    period = len(head) - borders[-1] if borders else 0
    repeats = 0 < period <= len(head) // 2 and value == (head[:period] * (len(value) // period + 1))[: len(value)]
    return head[:period] if repeats else value


def _chunk(value: Any) -> Any:
    """Return the beginning of a text, up to the end of a line or a word."""
    head = value[:TEXT]
    for end in ("\n", " "):
        mark = end if isinstance(value, str) else end.encode()
        if (place := head.rfind(mark)) > TEXT // 3:
            return head[: place + 1]
    return head


def _public(value: object, name: str, held: object) -> str:
    """Return the name to set an attribute by: that of a property in front of it, where there is one that can be set."""
    public = name.lstrip("_")
    front = inspect.getattr_static(type(value), public, None)
    is_front = public != name and isinstance(front, property) and front.fset is not None
    return public if is_front and equal(getattr(value, public, None), held) else name


def _with(made: object, attributes: Iterable[tuple[str, object]]) -> object:
    for name, held in attributes:
        setattr(made, name, held)
    return made
