"""Write values as Python source: the arguments of a recorded call, as a person would write them in a test.

What is large is built instead of listed (`["a", "b"] * 500`, `rng.integers(...)`), of the recorded size, a multiple or
a part of it. Nothing that reveals this machine is written: absolute paths, secrets of the environment. Other packages
are supported only if the project's code has loaded them.
"""

from __future__ import annotations

import datetime  # noqa: ICN001 - shadows nothing
import decimal
import enum
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
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from prprep_worker.values.anatomy import (
    attributes_of,
    fields_of,
    imported,
    is_pydantic_model,
    state_of,
    stores_arguments,
)
from prprep_worker.values.comparison import differing_attributes, equal, makes
from prprep_worker.values.containers import write_container
from prprep_worker.values.errors import CannotWriteError, UnknownConstructionError
from prprep_worker.values.packages import write_foreign
from prprep_worker.values.privacy import Secrets, is_of_machine, joined, private_part
from prprep_worker.values.representation import call_shown_by
from prprep_worker.values.texts import LONGEST as TEXT
from prprep_worker.values.texts import (
    MOST_LINES,
    SMALL,
    WHOLE,
    joined_runs,
    lines_needed,
    multiplied,
    numbered_lines,
    period_of,
    quoted,
)

WORDS = 4
"""A text of fewer words is treated as a word, a name or an address, one of more as prose."""
LONGEST = 4_000
"""Characters of one expression; more are not readable."""
DEEPEST = 6
CHANGED = 8
"""The most attributes that are set after an object was created."""
PRIVATE = 120
"""The most characters of what a private attribute is set to: the class may rely on more than that it is equal."""
FILE = 64 << 10
"""Bytes of a file whose content is written in the test."""
TESTS = re.compile(r"(^|\.)(tests?|conftest|test_[^.]*|[^.]*_test)(\.|$)|^__main__$")


class Requirements:
    """What written code needs: `imports` are lines, `needs` names of fixtures and builders, `files` texts by name.

    `statements` make objects that were changed after they were made; `sampled` says that not all of a value is written,
    `scaled` that more than all of it, or less, is.
    """

    def __init__(self) -> None:
        self.imports: set[str] = set()
        self.needs: set[str] = set()
        self.files: dict[str, str] = {}
        self.statements: list[str] = []
        self.scaled = self.sampled = False

    def require(self, other: Requirements) -> None:
        self.imports |= other.imports
        self.needs |= other.needs
        self.files.update(other.files)
        self.statements += other.statements
        self.scaled, self.sampled = self.scaled or other.scaled, self.sampled or other.sampled


class Construction(NamedTuple):
    """The code that made an object, as a Writer wrote it: a call of its class, or of another function."""

    code: str
    requirements: Requirements
    by_function: bool = False

    def repeat(self) -> object:
        names: dict[str, Any] = {}
        exec("\n".join(sorted(self.requirements.imports)), names)  # noqa: S102 - it was written here
        return eval(self.code, names)  # noqa: S307 - likewise


class Writer(Requirements):
    """Write the values of one call.

    `tree` is the root of the project, `depth` how many folders the test will lie below it; `scale` multiplies the sizes
    of the arguments, and may be a part of 1. `construction_of` returns how an object was made, if that was recorded.
    `statements` use names that are not `taken`; an argument has the name of its parameter, `own_name`. What holds
    `secrets` is not written. A long text that is the content of one of the `files` is read from there; all others take
    MOST_LINES at most.
    """

    def __init__(
        self,
        tree: str,
        depth: int,
        scale: Fraction = WHOLE,
        construction_of: Callable[[object], Construction | None] = lambda _value: None,
        taken: set[str] | None = None,
        secrets: Secrets | None = None,
        files: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._secrets = secrets or Secrets()
        self.own_name, self._read_files, self._lines = "", files, 0
        self._construction_of, self._taken = construction_of, set() if taken is None else taken
        self._tree, self._depth, self._scale = os.path.realpath(tree), depth, scale

    def argument(self, value: object) -> str:
        """Write an argument; raise CannotWriteError."""
        code = self.write(value, 0)
        if len(code) > LONGEST:
            raise CannotWriteError(f"its code would have {len(code):,} characters")
        return self._checked(code)

    def expression(self, value: object) -> str:
        """Write a value as one expression, in its own size; raise CannotWriteError."""
        code = self.write(value, 1)
        if self.statements:
            raise CannotWriteError("it was changed after it was made")
        return self._checked(code)

    def _checked(self, code: str) -> str:
        """Return the code if it and what it needs hold no secret: as a number, a path, or in another encoding."""
        if self._secrets.are_in(joined((code, *self.statements, *self.files.values()))):
            raise CannotWriteError("it holds a secret of the environment")
        return code

    def write(self, value: Any, depth: int) -> str:
        if depth > DEEPEST:
            raise CannotWriteError("it is nested too deeply")
        if isinstance(value, unittest.mock.NonCallableMock):
            raise CannotWriteError("it is a Mock")
        for write_as in (
            self._atom,
            self._text,
            functools.partial(write_container, self),
            self._named,
            self._file,
            self._structure_or_made,
            functools.partial(write_foreign, self),
            self._object,
        ):
            code = write_as(value, depth)
            if code is not None:
                return code
        raise CannotWriteError(f"a {type(value).__qualname__} cannot be written as code")

    def factor(self, depth: int, size: int) -> Fraction:
        """Return what the size of a value is multiplied by."""
        if depth > 0 or self._scale == 1 or not size or (self._scale < 1 and size <= SMALL):
            return WHOLE
        self.scaled = self.sampled = True
        return self._scale

    def resized(self, depth: int, size: int) -> int:
        """Return the size to write instead of a value's own."""
        return multiplied(size, self.factor(depth, size)) if size else 0

    def is_made_smaller(self, depth: int) -> bool:
        return depth == 0 and self._scale < 1

    def check_private(self, text: str) -> None:
        """Raise CannotWriteError if a text reveals this machine, its user or the environment's secrets."""
        if reason := private_part(text, self._tree, self._secrets):
            raise CannotWriteError(reason)

    def _atom(self, value: Any, _depth: int) -> str | None:
        kind = type(value)
        if kind is float and not math.isfinite(value):
            return f'float("{value}")'
        if value is None or value is ... or kind in (bool, int, float, complex, range, slice):
            return repr(value)
        if kind in (datetime.datetime, datetime.date, datetime.time, datetime.timedelta, datetime.timezone):
            self.imports.add("import datetime")
            return repr(value)
        if kind in (decimal.Decimal, Fraction, uuid.UUID):
            self.imports.add(f"from {kind.__module__} import {kind.__name__}")
            return repr(value)
        return None

    def _text(self, value: Any, depth: int) -> str | None:
        kind = type(value)
        if kind not in (str, bytes, bytearray):
            return None
        if kind is str:
            if (path := self._path(value)) is not None:
                return f"str({path})"
            self.check_private(value)
        if kind is bytes:
            self.check_private(value.decode("latin-1"))
        if kind is bytearray:
            return f"bytearray({self.write(bytes(value), depth)})"
        is_prose = len(value.split()) >= WORDS or len(value) > TEXT
        lines = value.splitlines(keepends=True)
        is_line = len(lines) == 1 and lines[0] != lines[0].strip("\r\n" if kind is str else b"\r\n")
        is_resized = is_prose and (not is_line or self.is_made_smaller(depth))
        factor = self.factor(depth, len(value)) if is_resized else WHOLE
        if len(value) <= TEXT and factor == 1:
            return quoted(value)
        return self._pattern(value, factor) or self._document(value, factor)

    def _pattern(self, value: Any, factor: Fraction) -> str | None:
        """Write a text that repeats itself or consists of parts that do, or whose lines are numbered."""
        whole = period_of(value)
        if len(whole) <= TEXT:
            self.sampled = True
            if len(whole) == len(value) and not value[-1:].isspace():
                # The last word and the first are two.
                return f"{quoted(whole + (' ' if isinstance(whole, str) else b' '))} * {multiplied(1, factor):_}"
            return f"{quoted(whole)} * {multiplied(len(value), factor / len(whole)):_}"
        numbered = numbered_lines(value, factor) if isinstance(value, str) else None
        return numbered if numbered is not None and len(numbered) <= TEXT else joined_runs(value, factor)

    def _document(self, value: Any, factor: Fraction) -> str:
        content = self._content(value)
        if content is not None and factor >= 1:
            return content if factor == 1 else f"{content} * {multiplied(1, factor):_}"
        self._lines += lines_needed(value)
        # A part of a document is no document.
        if factor != 1 or self._lines > MOST_LINES:
            raise CannotWriteError(f"it is a text of {len(value):,} characters")
        return quoted(value)

    def _content(self, value: Any) -> str | None:
        """Read a text from the project's file that holds it, if there is one."""
        try:
            wanted = value if isinstance(value, bytes) else value.encode()
        except UnicodeEncodeError:
            return None
        for path in self._read_files:
            real = os.path.realpath(path)
            if not real.startswith(self._tree + os.sep) or not os.path.isfile(real):
                continue
            if os.path.getsize(real) == len(wanted):
                with open(real, "rb") as file:
                    if file.read() == wanted:
                        is_plain = isinstance(value, str) and "\r" not in value
                        read = 'read_text(encoding="utf-8")' if is_plain else "read_bytes()"
                        decoded = ".decode()" if isinstance(value, str) and not is_plain else ""
                        return f"({self._path(real)}).{read}{decoded}"
        return None

    def _named(self, value: Any, depth: int) -> str | None:
        if isinstance(value, enum.Enum):
            name = self.imported_name(type(value))
            is_member = value.name is not None and value.name.isidentifier()
            # A combination of flags has no name of its own.
            return f"{name}.{value.name}" if is_member else f"{name}({self.write(value.value, depth + 1)})"
        if isinstance(value, type) or inspect.isroutine(value):
            owner = getattr(value, "__self__", None)
            if owner is not None and not isinstance(owner, (type, types.ModuleType)):
                return f"{self.write(owner, depth + 1)}.{value.__name__}"
            return self.imported_name(value)
        if isinstance(value, types.ModuleType):
            self.imports.add(f"import {value.__name__}")
            return value.__name__
        if isinstance(value, re.Pattern):
            self.imports.add("import re")
            flags = f", {int(value.flags & ~re.UNICODE)}" if value.flags & ~re.UNICODE else ""
            return f"re.compile({value.pattern!r}{flags})"
        return None

    def imported_name(self, thing: Any) -> str:
        """Return the name of a class or function, and import it; raise CannotWriteError if that is impossible."""
        module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", "")
        if module == "builtins":
            return name
        is_of_test = bool(module and TESTS.search(module))
        if is_of_test or imported(module, name) is not thing:
            raise CannotWriteError(f"{name} cannot be imported: it is defined in {'a test' if is_of_test else module}")
        self.imports.add(f"from {module} import {name.partition('.')[0]}")
        return name

    def _file(self, value: Any, depth: int) -> str | None:
        if isinstance(value, pathlib.PurePath):
            path = self._path(str(value))
            if path is not None:
                return path
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
        """Write an existing path: one of the project's relative to the test, a test's small file as a fixture."""
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

    def _structure(self, value: Any, depth: int) -> str | None:
        kind = type(value)
        fields = fields_of(kind)
        if fields is not None:
            fields = [field for field in fields if field.argument]
            values = [(field, getattr(value, field.name)) for field in fields]
            arguments = [
                (field.argument, held)
                for field, held in values
                if field.default is None or not equal(held, field.default())
            ]
            return self._completed(value, arguments, {field.name for field in fields}, depth)
        if is_pydantic_model(kind):
            names = getattr(value, "model_fields_set", None) or getattr(value, "__fields_set__", ())
            return self._call(kind, [(name, getattr(value, name)) for name in sorted(names)], depth)
        return None

    def _completed(self, value: Any, arguments: list[tuple[str, object]], covered: set[str], depth: int) -> str:
        """Call the class of a structure, and set the attributes that its constructor does not set as they are."""
        kind = type(value)
        if stores_arguments(kind) and not (state_of(value) or {}).keys() - covered:
            return self._call(kind, arguments, depth)
        code = self._as_constructed(value, depth) or self._constructed(value, arguments, depth)
        if code is None:
            raise UnknownConstructionError(
                kind,
                f"{kind.__qualname__} was changed after it was made, in a way that setting attributes does not repeat",
            )
        return code

    def _constructed(self, value: Any, arguments: list[tuple[str, object]], depth: int) -> str | None:
        """Call the class; if an argument has no code, without those that its constructor makes itself."""
        kind = type(value)

        def write(arguments: list[tuple[str, object]]) -> str | None:
            make = functools.partial(kind, **dict(arguments))
            return self._made(value, make, lambda: self._call(kind, arguments, depth), depth)

        def write_needed() -> str | None:
            needed = arguments
            for each in arguments:
                fewer = [other for other in needed if other is not each]
                needed = fewer if makes(functools.partial(kind, **dict(fewer)), value) else needed
            return write(needed) if len(needed) < len(arguments) else None

        return self._either(lambda: write(arguments), write_needed)

    def _either(self, write: Callable[[], str | None], otherwise: Callable[[], str | None]) -> str | None:
        """Write in one way, or if that is impossible in another one, which may return None."""
        before, lines = Requirements(), self._lines
        before.require(self)
        try:
            return write()
        except CannotWriteError:
            vars(self).update(vars(before), _lines=lines)
            code = otherwise()
            if code is None:
                raise
            return code

    def _made(self, value: Any, make: Callable[[], object], write: Callable[[], str], depth: int) -> str | None:
        """Write what makes an object; if it was changed later, as statements that set this, and return its name."""
        if makes(make, value):
            return write()
        names = differing_attributes(make, value)
        if not names or len(names) > CHANGED:
            return None
        state = state_of(value) or {}
        attributes = [(_public_name(value, name, state[name]), state[name]) for name in names]
        if not makes(lambda: _with(make(), attributes), value):
            return None
        made = write()
        codes = [(attribute, self._exact(value, attribute, inner, depth)) for attribute, inner in attributes]
        name = self.own_name if self.own_name and depth == 0 else self._free_name(type(value).__name__)
        self.statements += [f"{name} = {made}", *(f"{name}.{attribute} = {code}" for attribute, code in codes)]
        return name

    def _exact(self, owner: Any, attribute: str, held: Any, depth: int) -> str:
        """Write an attribute that was set after its object was made: others may depend on all that it holds."""
        code = self.write(held, depth + 1)

        def read() -> object:
            names: dict[str, Any] = {"__file__": os.path.join(self._tree, *("d" * self._depth), "test.py")}
            exec("\n".join((*sorted(self.imports), *self.statements)), names)  # noqa: S102 - it was written here
            return eval(code, names)  # noqa: S307 - likewise

        is_hidden = attribute.startswith("_") and len(code) > PRIVATE
        if is_hidden or not makes(read, held):
            kind = type(owner)
            how = "has too much to be set from outside" if is_hidden else "cannot be written exactly as it is"
            raise UnknownConstructionError(kind, f"{kind.__qualname__}.{attribute}, which was set later, {how}")
        return code

    def _free_name(self, kind: str) -> str:
        stem = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind).lower().strip("_")
        name, number = stem, 2
        while name in self._taken or not name.isidentifier() or keyword.iskeyword(name):
            name, number = f"{stem}_{number}", number + 1
        self._taken.add(name)
        return name

    def _call(self, kind: type, arguments: Iterable[tuple[str, object]], depth: int) -> str:
        name = self.imported_name(kind)
        # A value inside an object is as large as it was recorded.
        codes = [f"{key}={self.write(inner, depth + 1)}" for key, inner in arguments]
        return f"{name}({', '.join(codes)})"

    def _object(self, value: Any, depth: int) -> str | None:
        """Write an object by the name that a module has for it, as it was made, by its constructor or its `repr`."""
        kind = type(value)
        if kind.__module__ == "builtins" or hasattr(kind, "__next__"):
            return None
        if (place := _place_in_modules(value)) is not None:
            self.imports.add("from {} import {}".format(*place))
            return place[1]
        if (code := self._as_constructed(value, depth)) is not None:
            return code
        try:
            return self._from_attributes(value, depth) or self._represented(value, depth)
        except UnknownConstructionError:
            if (code := self._represented(value, depth)) is None:
                raise
            return code

    def _from_attributes(self, value: Any, depth: int) -> str | None:
        kind, arguments = type(value), _stored_arguments(value)
        if arguments is None:
            return None
        if (code := self._constructed(value, arguments, depth)) is not None:
            return code
        raise UnknownConstructionError(
            kind, f"{kind.__qualname__} is not what its constructor makes of the attributes that it keeps"
        )

    def _represented(self, value: Any, depth: int) -> str | None:
        """Write the call that an object shows as its `repr`, if that makes an equal object."""
        kind, call = type(value), call_shown_by(value)
        if call is None or not makes(lambda: kind(*call.positional, **call.named), value):
            return None
        name = self.imported_name(kind)
        positional = (self.write(inner, depth + 1) for inner in call.positional)
        named = (f"{key}={self.write(inner, depth + 1)}" for key, inner in call.named.items())
        return f"{name}({', '.join((*positional, *named))})"

    def _structure_or_made(self, value: Any, depth: int) -> str | None:
        """Write a structure, or if that is impossible the call of a function that made it."""
        recorded = self._construction_of(value)
        if not recorded or not recorded.by_function:
            return self._structure(value, depth)
        return self._either(lambda: self._structure(value, depth), lambda: self._as_constructed(value, depth))

    def _as_constructed(self, value: Any, depth: int) -> str | None:
        """Write the call of the constructor that made an object; None if none was recorded, or it makes another."""
        recorded = self._construction_of(value)
        if recorded is None:
            return None
        adopt = functools.partial(self._adopt, recorded)
        # What a function makes of a part of a text may be anything.
        is_adopted = recorded.requirements.sampled and not recorded.by_function
        return adopt() if is_adopted else self._made(value, recorded.repeat, adopt, depth)

    def _adopt(self, recorded: Construction) -> str:
        self.require(recorded.requirements)
        return recorded.code


def _place_in_modules(value: object) -> tuple[str, str] | None:
    """Return the module and the public name of an object that a module of its class's package holds, as for others."""
    package = type(value).__module__.partition(".")[0]
    found = _objects_of_modules(package, len(sys.modules)).get(id(value))
    return found if found is not None and imported(*found) is value else None


@functools.lru_cache(maxsize=8)
def _objects_of_modules(package: str, _loaded: int) -> dict[int, tuple[str, str]]:
    """Return the objects with public names in a package's loaded modules, those of the outermost module first."""
    loaded = sorted(
        (name for name in list(sys.modules) if name.partition(".")[0] == package), key=lambda name: name.count(".")
    )
    found: dict[int, tuple[str, str]] = {}
    for module in loaded:
        if not TESTS.search(module):
            for name, held in list(vars(sys.modules[module]).items()):
                if not name.startswith("_") and type(held).__module__.partition(".")[0] == package:
                    found.setdefault(id(held), (module, name))
    return found


def _stored_arguments(value: Any) -> list[tuple[str, object]] | None:
    """Return the constructor's arguments that an object stores, without defaults; None if it has no signature.

    An attribute goes before a property, which may make something else of it.
    """
    kind = type(value)
    try:
        parameters = list(inspect.signature(kind).parameters.values())
    except (TypeError, ValueError):
        return None
    arguments, state = [], state_of(value) or {}
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        names = parameter.name, f"_{parameter.name}"
        attributes = {name: state[name] for name in names if name in state} or attributes_of(value, names)
        if not attributes and parameter.default is parameter.empty:
            raise UnknownConstructionError(kind, f"{kind.__qualname__} does not keep its parameter {parameter.name}")
        held = next(iter(attributes.values()), parameter.default)
        if not equal(held, parameter.default):
            arguments.append((parameter.name, held))
    return arguments


def _public_name(value: object, name: str, held: object) -> str:
    """Return the name to set an attribute by: that of a property over it, if that can be set."""
    public = name.lstrip("_")
    declared = inspect.getattr_static(type(value), public, None)
    has_setter = public != name and isinstance(declared, property) and declared.fset is not None
    return public if has_setter and equal(attributes_of(value, [public]).get(public), held) else name


def _with(rebuilt: object, attributes: Iterable[tuple[str, object]]) -> object:
    for name, held in attributes:
        setattr(rebuilt, name, held)
    return rebuilt
