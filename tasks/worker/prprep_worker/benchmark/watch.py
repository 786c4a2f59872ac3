"""Watch for what may invalidate a benchmark's figures: inputs that a round changes, unconsumed results, replaced code.

None of this is loaded while anything is timed.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import random
import sys
import tracemalloc
import types
import typing
import unittest.mock
from collections.abc import Callable, Iterator
from typing import Any

from prprep_worker.benchmark.calls import Calls, Message
from prprep_worker.opened import inside, listed_inside
from prprep_worker.values.comparison import is_iterator, is_lazy
from prprep_worker.values.snapshots import Snapshot
from prprep_worker.watching import hooked, monitored, profiled

SHORT, ROUNDS = 1e-4, 200
"""Seconds of a call that is too short to time alone, and the calls that are timed together."""
LONGEST = 20.0
"""Seconds of a call that is repeated under a profiler, which slows it down."""
_MISSING = object()
UNCHANGING = (
    *(str, bytes, int, float, complex, bool, type(None), types.ModuleType, type),
    *(random.Random, unittest.mock.NonCallableMock),
)
"""Types of inputs that cannot change, or are meant to: generators of random numbers, and mocks, which record calls."""
PATCHING = ("unittest", "monkeypatch", "pytest_mock", "contextlib", "prprep_worker")
"""Parts of the file names of code that patches on behalf of a test."""

_patches: list[tuple[object, object, Message]] = []
"""What was replaced, by what, and what is reported of it."""
_inputs: dict[Calls, tuple[dict[str, Snapshot], list[str]]] = {}
"""Of the current call, the inputs by name, and the names of those that can be consumed only once."""


def install() -> None:
    """Note from now on what `unittest.mock` (and with it pytest-mock) and pytest's `monkeypatch` replace."""
    from _pytest.monkeypatch import MonkeyPatch, resolve

    enter, setattr_ = unittest.mock._patch.__enter__, MonkeyPatch.setattr  # noqa: SLF001 - there is no public name

    @functools.wraps(enter)
    def entered(self: Any) -> object:
        value = enter(self)
        _note(self.target, self.attribute, getattr(self, "temp_original", None), value)
        return value

    @functools.wraps(setattr_)
    def set_(self: Any, target: Any, name: Any, *rest: Any, **options: Any) -> None:
        owner, attribute = target, name
        if isinstance(target, str):
            module, _, attribute = target.rpartition(".")
            # monkeypatch itself reports what does not exist.
            with contextlib.suppress(Exception):
                owner = resolve(module)
        original = inspect.getattr_static(owner, attribute, None) if isinstance(attribute, str) else None
        setattr_(self, target, name, *rest, **options)
        if isinstance(attribute, str):
            _note(owner, attribute, original, getattr(owner, attribute, None))

    unittest.mock._patch.__enter__ = entered  # noqa: SLF001 - as above
    MonkeyPatch.setattr = set_


def _note(owner: object, attribute: str, original: object, new: object) -> None:
    is_on_instance = not isinstance(owner, (type, types.ModuleType))
    declared = inspect.getattr_static(type(owner), attribute, None)
    file, line = _patching_line()
    is_property = is_on_instance and isinstance(declared, property)
    report = {"attribute": attribute, "file": file, "line": line, "property_on_instance": is_property}
    _patches.append((original, new, report))


def _patching_line() -> tuple[str, int]:
    """Return file and line of the nearest frame outside the patching libraries."""
    frame = sys._getframe(2)  # noqa: SLF001 - there is no other way
    while frame and any(part in frame.f_code.co_filename for part in PATCHING):
        frame = frame.f_back
    return (frame.f_code.co_filename, frame.f_lineno) if frame else ("", 0)


def before(calls: Calls) -> None:
    """Remember the inputs of a benchmark, ahead of its first call."""
    _inputs.clear()
    if calls.setup:
        return
    snapshots, exhausted = {}, []
    for name, value, is_direct in _inputs_of(calls):
        if is_iterator(value):
            exhausted.append(name)
        elif (snapshot := Snapshot(value, is_direct=is_direct)).is_known:
            snapshots[name] = snapshot
    _inputs[calls] = snapshots, exhausted


def _inputs_of(calls: Calls) -> Iterator[tuple[str, Any, bool]]:
    """Yield name and value of what the measured function may change, and whether the function gets it directly.

    This is the object whose method it is, its arguments, and the variables that it uses if it is the test's own.
    """
    function, args, kwargs = calls.function, list(calls.args), dict(calls.kwargs)
    while isinstance(function, functools.partial):
        function, args, kwargs = function.func, [*function.args, *args], {**function.keywords, **kwargs}
    owner = getattr(function, "__self__", None if isinstance(function, types.FunctionType) else function)
    if not isinstance(owner, UNCHANGING):
        whose = "that is called" if owner is function else f"whose {function.__name__} is called"
        yield f"the {type(owner).__qualname__} {whose}", owner, True
    code = getattr(function, "__code__", None)
    names = code.co_varnames[inspect.ismethod(function) : code.co_argcount] if code else ()
    given = {(names[index] if index < len(names) else f"argument {index + 1}"): arg for index, arg in enumerate(args)}
    used = _variables(function) if code is not None and _is_test(code.co_filename) else {}
    for variables, is_direct in (({**given, **kwargs}, True), (used, False)):
        for name, value in variables.items():
            if not isinstance(value, UNCHANGING) and not callable(value):
                yield name, value, is_direct


def _variables(function: Any) -> dict[str, object]:
    """Return the variables of a test, and of its module, that a function defined there uses."""
    variables = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):  # noqa: B905 - Python 3.9
        with contextlib.suppress(ValueError):  # it is empty
            variables[name] = cell.cell_contents
    for name in function.__code__.co_names:
        if name in function.__globals__:
            variables.setdefault(name, function.__globals__[name])
    return variables


def _is_test(file: str) -> bool:
    return file.rpartition("/")[2].startswith(("test_", "bench")) or file.endswith("_test.py")


async def _changed(calls: Calls) -> list[str]:
    """Name the inputs that the first call changed, without those that a second call leaves as the first filled them."""
    snapshots, exhausted = _inputs.get(calls, ({}, []))
    now = {name: value for name, value, _ in _inputs_of(calls)} if snapshots else {}
    changed = [name for name, snapshot in snapshots.items() if name in now and snapshot.differs(now[name])]
    filled = {name: Snapshot(now[name], is_direct=True) for name in changed if snapshots[name].is_filled(now[name])}
    if filled:
        await calls.value()
    return [*exhausted, *(name for name in changed if name not in filled or filled[name].differs(now[name]))]


async def watch_(order: Message, calls: Calls, _described: Message) -> Message:
    """Return what was seen of a benchmark's call.

    `order`: the `benchmark` file and its `tree` (absolute), and `lines` to look for, by file. The answer: `changed`
    inputs, whether the result is `lazy` and its `type`, `seconds` of a call, `substitutes` (code of the test that ran
    instead of real code, with `peak` in bytes, the types `returned` and `expected`), `patches`, `executed` lines,
    and what was `opened` and `listed` of the tree so far.
    """
    changed = await _changed(calls)
    value = await calls.value()
    seconds = calls.seconds
    if seconds < SHORT and not calls.setup and not changed:
        seconds = (await calls.block(ROUNDS))["wall"] / 1e9 / ROUNDS
    answer: Message = {
        "kind": "watched",
        "changed": changed,
        "lazy": is_lazy(value) or inspect.isasyncgen(value),
        "type": type(value).__qualname__,
        "seconds": seconds,
        "iterations": calls.iterations,
        "substitutes": [],
        "executed": {},
        "slow": seconds > LONGEST,
        "patches": [report for _, _, report in _patches],
        "opened": inside(order["tree"]),
        "listed": listed_inside(order["tree"]),
    }
    del value
    if seconds <= LONGEST:
        substitutes = _Substitutes(order["benchmark"], order["tree"])
        await calls.run_under(profiled(substitutes.event))
        answer["substitutes"] = substitutes.reports()
        answer["executed"] = {path: [] for path in order["lines"]}
        if order["lines"]:
            await calls.run_under(_traced(order["lines"], order["tree"], answer["executed"]))
    return answer


class _Substitutes:
    """Note calls of the test's own code by other code of the tree: mocks, with what each allocates and returns."""

    def __init__(self, benchmark: str, tree: str) -> None:
        self._benchmark, self._tree = benchmark, tree
        self._open: list[tuple[Any, int]] = []
        self._reports: dict[tuple[str, int], Message] = {}

    def event(self, frame: Any, event: str, value: object) -> None:
        code = frame.f_code
        if code.co_filename != self._benchmark:
            return
        if event == "call":
            caller = frame.f_back.f_code.co_filename if frame.f_back is not None else ""
            is_foreign = caller.startswith(self._tree + "/") and caller != self._benchmark
            if is_foreign and not code.co_name.startswith("<"):
                tracemalloc.reset_peak()
                self._open.append((frame, tracemalloc.get_traced_memory()[0]))
        elif event == "return" and self._open and self._open[-1][0] is frame:
            _, held = self._open.pop()
            self._note(frame, max(0, tracemalloc.get_traced_memory()[1] - held), value)

    def _note(self, frame: Any, peak: int, value: object) -> None:
        code = frame.f_code
        owner = frame.f_locals.get("self", _MISSING) if code.co_varnames[:1] == ("self",) else _MISSING
        name = code.co_name if owner is _MISSING else f"{type(owner).__qualname__.rpartition('.')[2]}.{code.co_name}"
        key = name, code.co_firstlineno
        new = {"name": name, "line": key[1], "calls": 0, "peak": 0, "returned": "", "expected": "", "fits": True}
        report = self._reports.setdefault(key, new)
        report["calls"] += 1
        report["peak"] = max(report["peak"], peak)
        expected = _expected(code, owner, code.co_name)
        if report["calls"] == 1 or report["fits"]:
            report["returned"] = type(value).__qualname__
            report["patched"] = expected is not _MISSING
            if isinstance(expected, type):
                report["expected"], report["fits"] = expected.__qualname__, isinstance(value, expected)

    def reports(self) -> list[Message]:
        return list(self._reports.values())


def _expected(code: Any, owner: object, method: str) -> object:
    """Return the type that the replaced function should return; None if unknown, _MISSING if nothing is replaced."""
    for original, new, _ in _patches:
        if getattr(new, "__code__", None) is code:
            return _annotated_return(original)
        if owner is not _MISSING and (new is owner or new is type(owner) or _mock_returns(new, owner)):
            kind: object = original
            if not isinstance(original, type):
                kind = _annotated_return(original) if callable(original) else type(original)
            return _annotated_return(inspect.getattr_static(kind, method, None)) if isinstance(kind, type) else None
    return _MISSING


def _mock_returns(new: object, owner: object) -> bool:
    # `return_value` would create one.
    return isinstance(new, unittest.mock.Mock) and new._mock_return_value is owner  # noqa: SLF001 - as above


def _annotated_return(function: object) -> type | None:
    function = getattr(function, "__func__", function)
    try:
        kind = typing.get_type_hints(function).get("return")
    except Exception:  # noqa: BLE001 - annotations may name what does not exist
        return None
    if kind is type(None):
        return kind
    origin = typing.get_origin(kind)
    if isinstance(origin, type):
        return origin
    return kind if isinstance(kind, type) and not getattr(kind, "_is_protocol", False) else None


def _traced(
    lines: dict[str, list[int]], tree: str, executed: dict[str, list[int]]
) -> contextlib.AbstractContextManager[None]:
    """Add to `executed` those of the lines that are executed, by file, in any thread of this process."""
    wanted = {f"{tree}/{path}": (path, set(numbers)) for path, numbers in lines.items()}

    def note(file: str, line: int) -> None:
        path, numbers = wanted[file]
        if line in numbers:
            numbers.discard(line)
            executed[path] = sorted({*executed[path], line})

    def line_(code: types.CodeType, line: int) -> object:
        if code.co_filename in wanted:
            note(code.co_filename, line)
        return sys.monitoring.DISABLE

    def trace(frame: Any, _event: str, _argument: object) -> Callable[..., Any] | None:
        return trace_lines if frame.f_code.co_filename in wanted else None

    def trace_lines(frame: Any, event: str, _argument: object) -> Callable[..., Any]:
        if event == "line":
            note(frame.f_code.co_filename, frame.f_lineno)
        return trace_lines

    # Monitoring also sees threads that began earlier.
    return monitored("LINE", line_) if sys.version_info >= (3, 12) else hooked("trace", trace)
