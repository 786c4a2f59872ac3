"""Describe what the changed functions return within a benchmark's call, if the call itself returns little.

Only calls that no other changed function makes count: a change may divide its work into functions as it likes.
"""

from __future__ import annotations

import collections
import functools
import gc
import inspect
import sys
import time
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dis import opname
from typing import Any

from prprep_worker.benchmark.calls import Calls
from prprep_worker.profiling.functions import ProjectFunctions, starts
from prprep_worker.values.description import Describer, Node

SAYING_LITTLE = {"NoneType", "bool", "int", "float"}
"""Types of results, such as a count, that show little of what was computed."""
MOST, SECONDS = 1_000, 5.0
"""Values described of each function, and seconds for all descriptions, at most."""
LONGEST = 1.0
"""Seconds above which a call is not repeated for this: watching makes it slower."""
CHANGEABLE = (list, dict, set, bytearray, collections.deque)
YIELDING = {"YIELD_VALUE", "RESUME"}
"""Instructions at which a generator waits, the second since Python 3.13."""
GENERATES = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR


async def returned(calls: Calls, functions: Sequence[Sequence[Any]], tree: str, benchmark: str) -> list[Node]:
    """Call once more; return `name`, `calls`, `values`, `tree`, `opaque` and `is_direct` of each changed function.

    `functions` are path in the tree, first line, and name in artifacts; `benchmark` is the path of its file. The
    `tree` lists what each call returned: for None, the arguments that it may have changed; for a generator, what it
    yielded. That is the beginning of all `values`, if they are too many. A call is direct if no code of the project
    makes it.
    """
    if not functions or calls.seconds > LONGEST:
        return []
    watch = _Watch(functions, ProjectFunctions(tree, [benchmark]))
    await calls.run_under(watch.watching())
    return [{"name": name, **values.description()} for name, values in watch.functions.items()]


class _Values:
    """What one function returned."""

    def __init__(self, *, generates: bool) -> None:
        self.calls = self.values = 0
        self.is_direct = False
        self._type = "a generator" if generates else "no generator"
        self._nodes: list[Node] = []
        self._describer = Describer(consumes=False)

    def add(self, value: object, arguments: list[object], *, is_late: bool) -> None:
        self.values += 1
        if not is_late and len(self._nodes) < MOST:
            node = self._describer.node(arguments or value, f"[{len(self._nodes)}]")
            self._nodes.append({**node, "type": "arguments"} if arguments else node)

    def hide(self) -> None:
        """Count a return that may be an error."""
        self.values += 1
        self._describer.opaque.append(["", "compiled code"])

    def description(self) -> Node:
        tree = {"type": self._type, "items": self._nodes, "size": len(self._nodes)}
        opaque = self._describer.opaque[:5]
        counts = {"calls": self.calls, "values": self.values}
        return {**counts, "tree": tree, "opaque": opaque, "is_direct": self.is_direct}


class _Watch:
    def __init__(self, functions: Sequence[Sequence[Any]], project: ProjectFunctions) -> None:
        self.functions: dict[str, _Values] = {}
        self._names = {(path, line): name for path, line, name in functions}
        self._project, self._name_of = project, functools.cache(self._name)
        self._outermost: Any = None
        self._arguments: list[object] = []
        self._seconds = 0.0

    @contextmanager
    def watching(self) -> Iterator[None]:
        before = sys.getprofile()
        sys.setprofile(self._event)
        try:
            yield
        finally:
            sys.setprofile(before)

    def _name(self, file: str, line: int, name: str) -> str | None:
        function = self._project.starts((file, line, name))
        return None if function is None else self._names.get((function.path, function.line))

    def _function(self, code: types.CodeType) -> str | None:
        return self._name_of(code.co_filename, code.co_firstlineno, code.co_name)

    def _event(self, frame: Any, event: str, value: object) -> None:
        if event == "call" and self._outermost is None and (name := self._function(frame.f_code)):
            self._outermost = frame
            if starts(frame):
                generates, caller = bool(frame.f_code.co_flags & GENERATES), frame.f_back
                values = self.functions.setdefault(name, _Values(generates=generates))
                values.calls += 1
                values.is_direct |= caller is None or self._project.file(caller.f_code.co_filename) is None
                self._arguments = _changeable_arguments(frame)
        elif event == "return" and frame is self._outermost:
            self._outermost = None
            began = time.perf_counter()
            self._note(frame, value)
            self._seconds += time.perf_counter() - began

    def _note(self, frame: Any, value: object) -> None:
        """Note what a frame returns or yields; frames of coroutines also end when they wait."""
        code = frame.f_code
        values = self.functions[self._function(code) or ""]
        if not 0 <= frame.f_lasti < len(code.co_code):
            values.hide()  # a frame that Cython made has no instructions: its error looks like a return
            return
        generates, ending = bool(code.co_flags & GENERATES), opname[code.co_code[frame.f_lasti]]
        if code.co_flags & inspect.CO_ASYNC_GENERATOR:
            if type(value).__name__ != "async_generator_wrapped_value":
                return  # it awaits, or ends
            (value,) = gc.get_referents(value)
        if _yields(code, frame.f_lasti) if generates else ending.startswith("RETURN"):
            arguments = self._arguments if value is None and not generates else []
            values.add(value, arguments, is_late=self._seconds > SECONDS)


def _yields(code: types.CodeType, at: int) -> bool:
    """Return whether a generator yields at an instruction; before Python 3.11, `yield from` waits at the one before."""
    here, *following = (opname[each] for each in code.co_code[at : at + 4 : 2])
    return here in YIELDING or following == ["YIELD_FROM"]


def _changeable_arguments(frame: Any) -> list[object]:
    names, args, kwargs, values = inspect.getargvalues(frame)
    given = [*map(values.get, names), *(values.get(args) or ()), *(values.get(kwargs) or {}).values()]
    return [value for value in given if isinstance(value, CHANGEABLE) or type(value).__name__ == "ndarray"]
