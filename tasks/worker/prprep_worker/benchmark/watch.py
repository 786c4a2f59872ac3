"""Watch what a benchmark does beside being fast: inputs that a round changes, results that nobody consumes, replacements.

Nothing of this is loaded where anything is timed. Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import functools
import inspect
import io
import pickle
import sys
import tracemalloc
import types
import typing
import unittest.mock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prprep_worker.benchmark.calls import Calls

    Message = dict[str, Any]

MOST_BYTES = 64 << 20
"""Of an input that is kept for being compared; of larger ones nothing is said."""
SHORT, ROUNDS = 1e-4, 200
"""Seconds of a call of which one alone gives no figure, and how many give one."""
LONGEST = 20.0
"""Seconds that a call may take for it to be made again under the slow eye of a profiler."""
_MISSING = object()

_patches: list[Message] = []
_inputs: dict[int, tuple[Calls, list[tuple[str, bytes]], list[str]]] = {}


# -- what is replaced -------------------------------------------------------------------------------


def install() -> None:
    """Note from now on what `unittest.mock` (pytest-mock, too) and pytest's `monkeypatch` replace."""
    from _pytest.monkeypatch import MonkeyPatch

    enter, setattr_ = unittest.mock._patch.__enter__, MonkeyPatch.setattr  # noqa: SLF001 - nothing public tells

    @functools.wraps(enter)
    def entered(self: Any) -> object:
        value = enter(self)
        _note(self.target, self.attribute, getattr(self, "temp_original", None), value)
        return value

    @functools.wraps(setattr_)
    def set_(self: Any, target: Any, name: Any, *rest: Any, **words: Any) -> None:
        owner, attribute = target, name
        if isinstance(target, str):
            module, _, attribute = target.rpartition(".")
            owner = _imported(module)
        original = inspect.getattr_static(owner, attribute, None) if isinstance(attribute, str) else None
        setattr_(self, target, name, *rest, **words)
        if isinstance(attribute, str):
            _note(owner, attribute, original, getattr(owner, attribute, None))

    unittest.mock._patch.__enter__ = entered  # noqa: SLF001 - as above
    MonkeyPatch.setattr = set_


def _imported(dotted: str) -> object:
    try:
        from _pytest.monkeypatch import resolve

        return resolve(dotted)
    except Exception:  # noqa: BLE001 - monkeypatch says itself what is wrong
        return None


def _note(owner: object, attribute: str, original: object, new: object) -> None:
    kind = owner if isinstance(owner, (type, types.ModuleType)) else type(owner)
    declared = inspect.getattr_static(type(owner), attribute, None)
    _patches.append(
        {
            "owner": getattr(kind, "__qualname__", None) or getattr(kind, "__name__", ""),
            "attribute": attribute,
            "line": _line(),
            "property_on_instance": kind is not owner and isinstance(declared, property),
            "original": original,
            "new": new,
        }
    )


def _line() -> list[Any]:
    """Return file and line of the nearest frame outside of the machinery of patching."""
    frame = sys._getframe(2)  # noqa: SLF001 - there is no other way
    while frame and any(
        part in frame.f_code.co_filename
        for part in ("unittest", "monkeypatch", "pytest_mock", "contextlib", "prprep_worker")
    ):
        frame = frame.f_back
    return [frame.f_code.co_filename, frame.f_lineno] if frame else ["", 0]


# -- what a round changes ---------------------------------------------------------------------------


def before(calls: Calls) -> None:
    """Remember the inputs of a benchmark, ahead of its first call."""
    _inputs.clear()
    if calls.setup:
        return
    kept, exhausted = [], []
    for name, value in _named(calls):
        if _is_iterator(value):
            exhausted.append(name)
        elif not isinstance(
            value, (str, bytes, int, float, complex, bool, type(None), types.ModuleType, type)
        ) and not callable(value):
            spelled = _pickled(value)
            if spelled is not None:
                kept.append((name, spelled))
    _inputs[id(calls)] = calls, kept, exhausted


def _named(calls: Calls) -> Iterator[tuple[str, object]]:
    """Yield what the measured function gets: arguments, variables of the test that it uses, and data of its module."""
    function, args, kwargs = calls.function, list(calls.args), dict(calls.kwargs)
    while isinstance(function, functools.partial):
        function, args, kwargs = function.func, [*function.args, *args], {**function.keywords, **kwargs}
    code = getattr(function, "__code__", None)
    names = code.co_varnames[: code.co_argcount] if code else ()
    for index, value in enumerate(args):
        yield (
            (names[index] if index < len(names) and not inspect.ismethod(function) else f"argument {index + 1}"),
            value,
        )
    yield from kwargs.items()
    if code is None or not _is_test(code.co_filename):
        return
    for name, cell in zip(code.co_freevars, function.__closure__ or ()):  # noqa: B905 - Python 3.9
        try:
            yield name, cell.cell_contents
        except ValueError:
            continue
    for name in code.co_names:
        value = function.__globals__.get(name, _MISSING)
        if value is not _MISSING:
            yield name, value


def _is_test(file: str) -> bool:
    return file.rpartition("/")[2].startswith(("test_", "bench")) or file.endswith("_test.py")


def _pickled(value: object) -> bytes | None:
    try:
        spelled = pickle.dumps(value, protocol=4)
    except Exception:  # noqa: BLE001 - many things cannot be pickled; of them nothing is said
        return None
    return spelled if len(spelled) <= MOST_BYTES else None


def _changed(calls: Calls) -> list[str]:
    known, kept, exhausted = _inputs.get(id(calls), (None, [], []))
    if known is not calls:
        return []
    now = dict(_named(calls))
    return [*exhausted, *(name for name, spelled in kept if name in now and _differs(spelled, now[name]))]


def _differs(spelled: bytes, now: object) -> bool:
    """Return whether a value is another one now; what only shares its parts in another way is equal."""
    after = _pickled(now)
    if after is None or after == spelled:
        return False
    try:
        return (pickle.loads(spelled) == now) is False  # noqa: S301 - written by this process
    except Exception:  # noqa: BLE001 - `==` of the target's
        return True


def _is_iterator(value: object) -> bool:
    return hasattr(type(value), "__next__") and not isinstance(value, (io.IOBase, unittest.mock.NonCallableMock))


# -- one call ---------------------------------------------------------------------------------------


async def watch_(order: Message, calls: Calls, _described: Message) -> Message:
    """Return what was seen of a benchmark's call.

    `order`: the `benchmark` file and its `tree` (absolute), and `lines`: of files, those to look out for. The answer:
    `changed` inputs, whether the result is `lazy` and its `type`, `seconds` of a call, `standins` (code of the test that ran
    in the place of real code, with `peak` in bytes, what it `returned` and what was `expected`), `patches`, `executed` lines.
    """
    changed = _changed(calls)
    value = await calls.value()
    seconds = calls.seconds
    if seconds < SHORT and not calls.setup and not changed:
        seconds = (await calls.block(ROUNDS))["wall"] / 1e9 / ROUNDS
    answer: Message = {
        "kind": "watched",
        "changed": changed,
        "lazy": inspect.isgenerator(value)
        or inspect.isasyncgen(value)
        or (_is_iterator(value) and iter(value) is value),
        "type": type(value).__qualname__,
        "seconds": seconds,
        "iterations": calls.iterations,
        "standins": [],
        "executed": {},
        "slow": seconds > LONGEST,
        "patches": [{**_shown(patch), "file": patch["line"][0], "line": patch["line"][1]} for patch in _patches],
    }
    del value
    if seconds <= LONGEST:
        eye = _Standins(order["benchmark"], order["tree"])
        await _under(eye, calls)
        answer["standins"] = eye.found()
        lines = _Lines(order["lines"], order["tree"])
        if order["lines"]:
            await _under(lines, calls)
        answer["executed"] = lines.found()
    return answer


def _shown(patch: Message) -> Message:
    return {key: patch[key] for key in ("owner", "attribute", "property_on_instance")}


async def _under(eye: Any, calls: Calls) -> None:
    args, kwargs = calls.arguments()
    with eye:
        value = calls.function(*args, **kwargs)
        if calls.awaited:
            await value
    calls.end(args, kwargs)


class _Standins:
    """Note calls of the test's own code by code that is not the test's: mocks, with what each allocates and returns."""

    def __init__(self, benchmark: str, tree: str) -> None:
        self._benchmark, self._tree = benchmark, tree
        self._open: list[tuple[Any, int]] = []
        self._seen: dict[tuple[str, int], Message] = {}

    def __enter__(self) -> None:
        self._before = sys.getprofile()
        self._traced = tracemalloc.is_tracing()
        if not self._traced:
            tracemalloc.start()
        sys.setprofile(self._event)

    def __exit__(self, *_: object) -> None:
        sys.setprofile(self._before)
        if not self._traced:
            tracemalloc.stop()

    def _event(self, frame: Any, event: str, value: object) -> None:
        code = frame.f_code
        if code.co_filename != self._benchmark:
            return
        if (
            event == "call"
            and frame.f_back is not None
            and frame.f_back.f_code.co_filename.startswith(self._tree + "/")
        ):
            if frame.f_back.f_code.co_filename != self._benchmark and not code.co_name.startswith("<"):
                tracemalloc.reset_peak() if hasattr(tracemalloc, "reset_peak") else tracemalloc.clear_traces()
                self._open.append((frame, tracemalloc.get_traced_memory()[0]))
        elif event == "return" and self._open and self._open[-1][0] is frame:
            _, held = self._open.pop()
            self._note(frame, max(0, tracemalloc.get_traced_memory()[1] - held), value)

    def _note(self, frame: Any, peak: int, value: object) -> None:
        code = frame.f_code
        owner = frame.f_locals.get("self", _MISSING) if code.co_varnames[:1] == ("self",) else _MISSING
        name = code.co_name if owner is _MISSING else f"{type(owner).__qualname__.rpartition('.')[2]}.{code.co_name}"
        known = self._seen.setdefault(
            (name, code.co_firstlineno),
            {
                "name": name,
                "line": code.co_firstlineno,
                "calls": 0,
                "peak": 0,
                "returned": "",
                "expected": "",
                "fits": True,
            },
        )
        known["calls"] += 1
        known["peak"] = max(known["peak"], peak)
        expected = _expected(code, owner, code.co_name)
        if known["calls"] == 1 or known["fits"]:
            known["returned"] = type(value).__qualname__
            known["patched"] = expected is not _MISSING
            if isinstance(expected, type):
                known["expected"], known["fits"] = expected.__qualname__, isinstance(value, expected)

    def found(self) -> list[Message]:
        return list(self._seen.values())


def _expected(code: Any, owner: object, method: str) -> object:
    """Return what the replaced function returns by its annotations; None where they do not tell, _MISSING where nothing is replaced."""
    for patch in _patches:
        new, original = patch["new"], patch["original"]
        if getattr(new, "__code__", None) is code:
            return _returned(original)
        if owner is not _MISSING and (new is owner or new is type(owner) or _gives(new, owner)):
            kind = (
                original
                if isinstance(original, type)
                else _returned(original)
                if callable(original)
                else type(original)
            )
            return _returned(inspect.getattr_static(kind, method, None)) if isinstance(kind, type) else None
    return _MISSING


def _gives(new: object, owner: object) -> bool:
    """Return whether a Mock that was put in place returns the object."""
    return isinstance(new, unittest.mock.Mock) and new._mock_return_value is owner  # noqa: SLF001 - asking it makes one


def _returned(function: object) -> type | None:
    function = getattr(function, "__func__", function)
    try:
        kind = typing.get_type_hints(function).get("return")
    except Exception:  # noqa: BLE001 - annotations may name what is not there
        return None
    if kind is type(None):
        return kind
    origin = typing.get_origin(kind)
    if isinstance(origin, type):
        return origin
    return kind if isinstance(kind, type) and not getattr(kind, "_is_protocol", False) else None


class _Lines:
    """Note which of the lines that are looked out for are executed."""

    def __init__(self, lines: dict[str, list[int]], tree: str) -> None:
        self._wanted = {f"{tree}/{path}": (path, set(numbers)) for path, numbers in lines.items()}
        self._executed: dict[str, set[int]] = {path: set() for path in lines}

    def __enter__(self) -> None:
        self._before = sys.gettrace()
        sys.settrace(self._trace)

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _trace(self, frame: Any, _event: str, _argument: object) -> Callable[..., Any] | None:
        wanted = self._wanted.get(frame.f_code.co_filename)
        if wanted is None:
            return None
        path, numbers = wanted
        executed = self._executed[path]

        def local(frame: Any, event: str, _argument: object) -> Callable[..., Any]:
            if event == "line" and frame.f_lineno in numbers:
                executed.add(frame.f_lineno)
            return local

        return local

    def found(self) -> dict[str, list[int]]:
        return {path: sorted(lines) for path, lines in self._executed.items()}
