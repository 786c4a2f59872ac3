"""Note how the project's own functions make objects when tests call them: `parse("a = 1").body[0]`.

On Python 3.12 or newer `sys.monitoring` watches the project's code, on older versions a profile function all code.
"""

from __future__ import annotations

import inspect
import sys
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from prprep_worker.recording.functions import innermost
from prprep_worker.values.anatomy import state_of
from prprep_worker.values.comparison import equal
from prprep_worker.values.source import TESTS, Writer
from prprep_worker.watching import claim_tool, parameters

DEEPEST = 3
"""How far below a made object others are noted."""
MOST_PARTS = 60
"""Objects that are noted in a made one."""
LISTED = 16
"""Elements of a list that are."""
ATOMS = (str, bytes, int, float, complex, bool, type(None), type, types.ModuleType, types.FunctionType)
OUTER_FRAMES = 4
"""Frames of other packages, like wrappers, between a function and the test that calls it."""
RESUMABLE = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
HAS_MONITORING = sys.version_info >= (3, 12)


class MadeBy(NamedTuple):
    """The call of a test that made an object: the function's code, its module's names, and the arguments."""

    code: types.CodeType
    module: dict[str, Any]
    values: dict[str, Any]
    kinds: dict[str, str]

    def written(self, writer: Writer) -> str:
        """Write the call; raise CannotWriteError."""
        values = list(self.values.items())
        held = self.module.get(self.code.co_name)
        if callable(held) and getattr(innermost(held), "__code__", self.code) is self.code:
            name, called = writer.imported_name(held), innermost(held) or held
        else:
            (_, first), *values = values
            owner = writer.imported_name(first) if isinstance(first, type) else writer.write(first, 1)
            name, called = f"{owner}.{self.code.co_name}", getattr(first, self.code.co_name)
        return f"{name}({', '.join(_arguments(values, self.kinds, called, writer))})"


def _arguments(values: list[tuple[str, Any]], kinds: dict[str, str], called: Any, writer: Writer) -> Iterator[str]:
    """Write arguments, without defaults; flags, and all from the first default on, by name."""
    defaults = _defaults(called)
    by_name = False
    for name, held in values:
        kind = kinds[name]
        if kind == "args":
            yield from (writer.write(each, 1) for each in held) if not by_name else (f"*{writer.write(held, 1)}",)
        elif kind == "kwargs":
            yield from (f"{key}={writer.write(inner, 1)}" for key, inner in held.items())
        elif name in defaults and equal(held, defaults[name]):
            by_name = True
        else:
            is_flag = held is None or isinstance(held, bool)
            by_name = by_name or kind == "keyword"
            yield f"{name}={writer.write(held, 1)}" if by_name or is_flag else writer.write(held, 1)


def _defaults(called: Any) -> dict[str, Any]:
    try:
        parameters = inspect.signature(called).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {each.name: each.default for each in parameters if each.default is not each.empty}


def parts_of(value: object, depth: int = 0) -> Iterator[tuple[str, object]]:
    """Yield objects that are reached from a value by public attributes and indices, each with the code for that."""
    if type(value) in (list, tuple):
        found = [(f"[{index}]", each) for index, each in enumerate(value[:LISTED])]  # type: ignore[index]
    else:
        found = [(f".{name}", each) for name, each in (state_of(value) or {}).items() if not name.startswith("_")]
    for code, each in found:
        if isinstance(each, ATOMS):
            continue
        if type(each).__module__ != "builtins":
            yield code, each
        if depth < DEEPEST:
            yield from ((code + inner, part) for inner, part in parts_of(each, depth + 1))


class MakerWatch:
    """Calls `noted` with what a function of the project in `tree` returns to a test, objects and lists of them."""

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
        monitoring.set_events(tool, events.PY_START | events.PY_RETURN)

    def _started(self, code: types.CodeType, _offset: int) -> Any:
        if not self._is_named_here(code):
            return sys.monitoring.DISABLE
        self._begin(sys._getframe(1))  # noqa: SLF001 - there is no other way
        return None

    def _returned(self, code: types.CodeType, _offset: int, value: object) -> Any:
        if not self._is_named_here(code):
            return sys.monitoring.DISABLE
        self._end(sys._getframe(1), value)  # noqa: SLF001 - as above
        return None

    def _profile(self, frame: Any, event: str, value: object) -> None:
        if event in ("call", "return") and self._is_named_here(frame.f_code):
            self._begin(frame) if event == "call" else self._end(frame, value)

    def _is_named_here(self, code: types.CodeType) -> bool:
        is_named = not code.co_name.startswith(("_", "<")) and not code.co_flags & RESUMABLE
        return is_named and code.co_filename.startswith(self._tree)

    def _begin(self, frame: Any) -> None:
        if _is_of_test(frame) or not self._is_called_by_test(frame):
            return
        kinds = {name: kind for name, kind in parameters(frame.f_code).items() if name in frame.f_locals}
        values = {name: frame.f_locals[name] for name in kinds}
        self._begun[id(frame)] = MadeBy(frame.f_code, frame.f_globals, values, kinds)

    def _end(self, frame: Any, value: object) -> None:
        made = self._begun.pop(id(frame), None)
        if made is not None and made.code is frame.f_code and not isinstance(value, ATOMS):
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
    return bool(TESTS.search(frame.f_globals.get("__name__") or ""))
