"""Note how the project's own functions make objects when tests call them: `parse("a = 1").body[0]`.

On Python 3.12 or newer `sys.monitoring` watches the project's code, on older versions a profile function all code.
"""

from __future__ import annotations

import contextlib
import inspect
import keyword
import sys
import threading
import types
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, NamedTuple

from prprep_worker.recording.functions import innermost
from prprep_worker.values.anatomy import imported, state_of
from prprep_worker.values.comparison import equal
from prprep_worker.values.errors import CannotWriteError
from prprep_worker.values.source import TESTS, Writer
from prprep_worker.watching import claim_tool, parameters

DEEPEST = 4
"""How far below a made object others are noted."""
MOST_PARTS = 60
"""Objects that are noted in a made one."""
LISTED = 16
"""Elements of a list that are."""
ATOMS = (str, bytes, int, float, complex, bool, type(None), type, types.ModuleType, types.FunctionType)
KINDS = ("positional", "keyword", "args", "kwargs")
OUTER_FRAMES = 4
"""Frames of other packages, like wrappers, between a function and the test that calls it."""
RESUMABLE = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
HAS_MONITORING = sys.version_info >= (3, 12)


class MadeBy(NamedTuple):
    """The call of a test that made an object: the function's code, its module's names and the arguments."""

    code: types.CodeType
    module: dict[str, Any]
    values: dict[str, Any]
    kinds: dict[str, str]

    def written(self, writer: Writer) -> str:
        """Write the call; raise CannotWriteError."""
        name, names = self.code.co_name, list(self.values)
        # Before Python 3.11 the code of a static method does not say whose it is.
        *owners, _ = getattr(self.code, "co_qualname", name).split(".")
        owner = imported(self.module["__name__"], ".".join(owners)) if owners else None
        if self._is_of(held := self.module.get(name)):
            return f"{writer.imported_name(held)}({self._arguments(writer, names, held)})"
        if issubclass(type(owner), type) and isinstance(static := vars(owner).get(name), staticmethod):
            return f"{writer.imported_name(owner)}.{name}({self._arguments(writer, names, static)})"
        first = self.values[names[0]] if names else None
        is_class = issubclass(type(first), type)
        method = inspect.getattr_static(first if is_class else type(first), name, None)
        if not self._is_of(method):
            raise CannotWriteError(f"{name} is not called by its name")
        code = writer.imported_name(first) if is_class else writer.write(first, 1)
        if isinstance(method, property):
            return f"{code}.{name}"
        return f"{code}.{name}({self._arguments(writer, names[1:], method)})"

    def _is_of(self, held: object) -> bool:
        return getattr(innermost(held), "__code__", None) is self.code

    def _arguments(self, writer: Writer, names: list[str], held: object) -> str:
        """Write the arguments of these parameters, without defaults; all after the first flag or default by name."""
        parameters_of = inspect.signature(innermost(held)).parameters  # type: ignore[arg-type]
        given = [name for name in names if not equal(self.values[name], parameters_of[name].default)]
        values = {kind: {name: self.values[name] for name in names if self.kinds[name] == kind} for kind in KINDS}
        more = [each for several in values["args"].values() for each in several]
        only_by_position = self.code.co_varnames[: self.code.co_posonlyargcount]
        by_name, codes = False, []
        for name, value in values["positional"].items():
            if more or name in only_by_position:
                codes.append(writer.write(value, 1))
            elif name in given:
                by_name = by_name or value is None or isinstance(value, bool)
                codes.append(f"{name}={writer.write(value, 1)}" if by_name else writer.write(value, 1))
            else:
                by_name = True
        codes += (writer.write(each, 1) for each in more)
        named = [(name, value) for name, value in values["keyword"].items() if name in given]
        for name, value in chain(named, *(each.items() for each in values["kwargs"].values())):
            if not _is_name(name):
                raise CannotWriteError(f"{name!r} is no name of an argument")
            codes.append(f"{name}={writer.write(value, 1)}")
        return ", ".join(codes)


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def parts_of(value: object) -> Iterator[tuple[str, object]]:
    """Yield objects reached from a value by public attributes and indices, the nearest first, each with that code."""
    seen, level = {id(value)}, [("", value)]
    for _ in range(DEEPEST):
        following = []
        for code, held in level:
            for inner, each in _children(held):
                if id(each) not in seen and not issubclass(type(each), ATOMS):
                    seen.add(id(each))
                    following.append((code + inner, each))
        yield from ((code, each) for code, each in following if type(each).__module__ != "builtins")
        level = following


def _children(value: object) -> list[tuple[str, object]]:
    if type(value) in (list, tuple):
        return [(f"[{index}]", each) for index, each in enumerate(value[:LISTED])]  # type: ignore[index]
    names = state_of(value) or {}
    public = (
        name for name in names if name.isidentifier() and not name.startswith("_") and not keyword.iskeyword(name)
    )
    return [(f".{name}", names[name]) for name in public]


class MakerWatch:
    """Calls `noted` with what a public function of the project in `tree` returns to a test, objects and lists of them.

    No error of watching reaches the project's code.
    """

    def __init__(self, tree: str, noted: Callable[[Any, MadeBy], None]) -> None:
        self._tree, self._noted = tree + "/", noted
        self._begun: dict[int, MadeBy] = {}
        """The calls of tests that have not returned, by the identity of their frames."""
        if HAS_MONITORING:
            self._monitor()
        self.resume()

    def resume(self) -> None:
        """Go on watching if something else, such as a plugin of pytest, has switched profiling off."""
        if not HAS_MONITORING and sys.getprofile() is None:
            threading.setprofile(self._profile)
            sys.setprofile(self._profile)

    def _monitor(self) -> None:
        monitoring, tool = sys.monitoring, claim_tool("prprep-makers")
        events = monitoring.events
        monitoring.register_callback(tool, events.PY_START, self._started)
        monitoring.register_callback(tool, events.PY_RETURN, self._returned)
        monitoring.register_callback(tool, events.PY_UNWIND, self._unwound)
        monitoring.set_events(tool, events.PY_START | events.PY_RETURN | events.PY_UNWIND)

    def _started(self, code: types.CodeType, _offset: int) -> Any:
        if not self._is_public_here(code):
            return sys.monitoring.DISABLE
        self._begin(sys._getframe(1))  # noqa: SLF001 - there is no other way
        return None

    def _returned(self, code: types.CodeType, _offset: int, value: object) -> Any:
        if not self._is_public_here(code):
            return sys.monitoring.DISABLE
        self._end(sys._getframe(1), value)  # noqa: SLF001 - as above
        return None

    def _unwound(self, _code: types.CodeType, _offset: int, _error: BaseException) -> None:
        self._begun.pop(id(sys._getframe(1)), None)  # noqa: SLF001 - as above

    def _profile(self, frame: Any, event: str, value: object) -> None:
        if event in ("call", "return") and self._is_public_here(frame.f_code):
            self._begin(frame) if event == "call" else self._end(frame, value)

    def _is_public_here(self, code: types.CodeType) -> bool:
        is_public = not code.co_name.startswith(("_", "<")) and not code.co_flags & RESUMABLE
        return is_public and code.co_filename.startswith(self._tree)

    def _begin(self, frame: Any) -> None:
        with contextlib.suppress(Exception):
            if not _is_of_test(frame) and self._is_called_by_test(frame):
                kinds = {name: kind for name, kind in parameters(frame.f_code).items() if name in frame.f_locals}
                values = {name: frame.f_locals[name] for name in kinds}
                self._begun[id(frame)] = MadeBy(frame.f_code, frame.f_globals, values, kinds)

    def _end(self, frame: Any, value: object) -> None:
        made = self._begun.pop(id(frame), None)
        # Of a proxy, isinstance would ask for the class of what it stands for.
        if made is not None and made.code is frame.f_code and not issubclass(type(value), ATOMS):
            self._noted(value, made)

    def _is_called_by_test(self, frame: Any) -> bool:
        for _ in range(OUTER_FRAMES):
            frame = frame.f_back
            if frame is None or _is_of_test(frame):
                return frame is not None
            if frame.f_code.co_filename.startswith(self._tree):
                return False
        return False


def _is_of_test(frame: Any) -> bool:
    return bool(TESTS.search(str(frame.f_globals.get("__name__"))))
