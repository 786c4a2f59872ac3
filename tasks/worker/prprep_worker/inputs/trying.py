"""Call what a benchmark calls with further inputs: each in a forked child that is thrown away.

The child inherits all that the call needs and can spoil none of it; it is killed where it takes too long, its memory is
limited, and what writes files, starts processes or connects is stopped by an audit hook. Standard library only, Python
3.9 or newer.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import json
import os
import select
import signal
import sys
import types
import warnings
from typing import TYPE_CHECKING, Any

from prprep_worker.inputs.guard import Guard, limit_memory
from prprep_worker.inputs.spellings import Builder, RefusedError, Speller, check
from prprep_worker.values.description import describe

if TYPE_CHECKING:
    from collections.abc import Callable

    from prprep_worker.benchmark.calls import Calls

    Message = dict[str, Any]


# Bound now: a test may replace what the module `os` offers.
_fork, _kill, _leave, _pipe, _read, _wait, _write = (
    getattr(os, "fork", None),
    os.kill,
    os._exit,
    os.pipe,
    os.read,
    os.waitpid,
    os.write,
)


class Recording:
    """The call that is tried again: the benchmark's own, or what a function without arguments calls in its place."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        while isinstance(function, functools.partial):
            function, args, kwargs = function.func, (*function.args, *args), {**function.keywords, **kwargs}
        self.function, self.positional, self.keywords = function, len(args), list(kwargs)
        self.values = [*args, *kwargs.values()]
        speller = Speller()
        if (owner := getattr(function, "__self__", None)) is not None and not isinstance(
            owner, (type, types.ModuleType)
        ):
            check([owner])
        self.spellings = [speller.spell(value) for value in self.values]
        self.builder = Builder(self.values, speller.kept)

    @property
    def name(self) -> str:
        return getattr(self.function, "__qualname__", type(self.function).__qualname__)

    def is_varied(self) -> bool:
        return any(_varies(spelling) for spelling in self.spellings)

    def call(self, values: list[Any]) -> object:
        given = dict(zip(self.keywords, values[self.positional :]))  # noqa: B905 - Python 3.9
        value = self.function(*values[: self.positional], **given)
        return _awaited(value) if inspect.iscoroutine(value) else value


_recordings: dict[int, tuple[object, Recording]] = {}


async def try_(order: Message, calls: Calls, _described: Message) -> Message:
    """Return the arguments of the benchmark's call, or what the call makes of `order["input"]` within `order["limit"]` seconds."""
    if "input" in order:
        return _tried(_recordings[id(calls)][1], order["input"], order["limit"])
    try:
        recording = _recorded(calls)
    except RefusedError as refused:
        return {"kind": "refused", "reason": f"the call is given {refused}"}
    if isinstance(recording, str):
        return {"kind": "refused", "reason": recording}
    _recordings[id(calls)] = calls, recording
    # Children need not look through what is here already.
    gc.freeze()
    return {
        "kind": "recorded",
        "name": recording.name,
        "keywords": recording.keywords,
        "arguments": recording.spellings,
    }


def _recorded(calls: Calls) -> Recording | str:
    if _fork is None:
        return "this platform cannot fork"
    if calls.teardown:
        return "the benchmark has a teardown"
    args, kwargs = calls.arguments()
    recording = Recording(calls.function, tuple(args), dict(kwargs))
    if not recording.values and not calls.awaited:
        recording = _inner(calls.function) or recording
    if not recording.values:
        return "the call has no arguments, nor is its result that of one inside it whose arguments can be varied"
    if not recording.is_varied():
        kinds = dict.fromkeys(type(value).__qualname__ for value in recording.values)
        return f"no argument is of a type that can be varied ({', '.join(kinds)})"
    return recording


def _varies(spelling: Any) -> bool:
    kind, *rest = spelling
    if kind == "made":
        return any(_varies(value) for _, value in rest[2])
    return kind not in ("kept", "none")


# -- functions without arguments ------------------------------------------------------------------


class _Watch:
    """Note each call of a Python function, with its arguments and what it returned."""

    def __init__(self, code: types.CodeType) -> None:
        self._code = code
        self.direct = 0
        self._open: dict[Any, tuple[bool, tuple[tuple[Any, ...], dict[str, Any]]]] = {}
        self.returned: list[tuple[object, bool, types.CodeType, tuple[tuple[Any, ...], dict[str, Any]]]] = []

    def __call__(self, frame: Any, event: str, value: object) -> None:
        if event == "call" and frame not in self._open and len(self._open) + len(self.returned) < 10_000:
            direct = frame.f_back is not None and frame.f_back.f_code is self._code
            self.direct += direct
            self._open[frame] = direct, _arguments(frame)
        elif event == "return" and frame in self._open:
            # A coroutine returns each time it waits; what it returns last counts.
            direct, given = self._open[frame]
            self.returned.append((value, direct, frame.f_code, given))


def _inner(function: Any) -> Recording | None:
    """Find the outermost call with arguments whose result is what a function without arguments returns."""
    code = getattr(function, "__code__", None)
    if code is None:
        return None
    watch, profiling = _Watch(code), sys.getprofile()
    sys.setprofile(watch)
    try:
        value = function()
    finally:
        sys.setprofile(profiling)
    # The same small number, None or short text may be returned by many.
    is_shared = value is None or isinstance(value, (bool, int, str, bytes, tuple, frozenset, float))
    for returned, direct, called, (args, kwargs) in reversed(watch.returned):
        if returned is not value or called is code or (is_shared and not (direct and watch.direct == 1)):
            continue
        found = _function(called)
        if found is None or not (args or kwargs):
            continue
        try:
            recording = Recording(found, args, kwargs)
        except RefusedError:
            continue
        if recording.is_varied():
            return recording
    return None


def _arguments(frame: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    code, values = frame.f_code, frame.f_locals
    count, more = code.co_argcount, code.co_argcount + code.co_kwonlyargcount
    args = tuple(values.get(name) for name in code.co_varnames[:count])
    kwargs = {name: values.get(name) for name in code.co_varnames[count:more]}
    if code.co_flags & inspect.CO_VARARGS:
        args += tuple(values.get(code.co_varnames[more], ()))
        more += 1
    if code.co_flags & inspect.CO_VARKEYWORDS:
        kwargs.update(values.get(code.co_varnames[more], {}))
    return args, kwargs


def _function(code: types.CodeType) -> Callable[..., Any] | None:
    """Find the one function that has this code."""
    # What is frozen has no referrers for the collector; who made the recording freezes again.
    gc.unfreeze()
    found = [each for each in gc.get_referrers(code) if isinstance(each, types.FunctionType) and each.__code__ is code]
    return found[0] if len(found) == 1 else None


# -- one input ------------------------------------------------------------------------------------


def _tried(recording: Recording, spellings: list[Any], limit: float) -> Message:
    """Return `outcome`: returned (with `value` and, where they were changed, `arguments`), raised, late, stopped, unbuilt or broke."""
    state = sys.modules["random"].getstate() if "random" in sys.modules else None
    readable, writable = _pipe()
    with warnings.catch_warnings():
        # Threads do not come along; where that keeps the call from ending, it is killed.
        warnings.simplefilter("ignore")
        pid = _fork()
    if pid == 0:
        _child(recording, spellings, writable, state)
    os.close(writable)
    try:
        answer = _received(readable, limit)
    finally:
        os.close(readable)
        _kill(pid, signal.SIGKILL)
        _wait(pid, 0)
    if answer is None:
        return {"kind": "tried", "outcome": "late"}
    return {"kind": "tried", **json.loads(answer)} if answer else {"kind": "tried", "outcome": "broke"}


def _received(readable: int, limit: float) -> bytes | None:
    chunks = []
    while True:
        # What comes after the first part is there already: a child says everything at once.
        if not select.select([readable], [], [], limit)[0]:
            return None
        chunk = _read(readable, 1 << 16)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)


def _child(recording: Recording, spellings: list[Any], writable: int, state: object) -> None:
    try:
        if state is not None:
            sys.modules["random"].setstate(state)
        answer = _answer(recording, spellings)
    except MemoryError:
        answer = {"outcome": "late"}
    except BaseException as error:  # noqa: BLE001 - nothing of the test goes on in a child
        answer = {"outcome": "raised", "type": type(error).__qualname__, "text": _text(error)}
    message = json.dumps(answer).encode()
    while message:
        message = message[_write(writable, message) :]
    _leave(0)


def _answer(recording: Recording, spellings: list[Any]) -> Message:
    limit_memory()
    try:
        values = [recording.builder.build(spelling) for spelling in spellings]
    except Exception:  # noqa: BLE001 - constructors are the target's
        return {"outcome": "unbuilt"}
    # What is kept as it is may change inside as it likes.
    looked_at = [
        index for index, spelling in enumerate(spellings) if _is_mutable(spelling) and not _holds_kept(spelling)
    ]
    before = [describe(values[index]) for index in looked_at]
    guard = Guard()
    error = None
    try:
        described = describe(recording.call(values))
    except MemoryError:
        raise
    except BaseException as raised:  # noqa: BLE001 - whatever the target raises is its answer
        error = raised
    if guard.stopped:
        return {"outcome": "stopped", "text": guard.stopped}
    if error is not None:
        return {"outcome": "raised", "type": type(error).__qualname__, "text": _text(error)}
    answer: Message = {"outcome": "returned", "value": described}
    after = [describe(values[index]) for index in looked_at]
    if after != before:
        answer["arguments"] = [[index, value] for index, value in zip(looked_at, after)]  # noqa: B905 - Python 3.9
    return answer


def _is_mutable(spelling: Any) -> bool:
    return spelling[0] in ("list", "dict", "set", "bytearray", "deque", "ndarray", "tuple", "made")


def _holds_kept(spelling: Any) -> bool:
    if not isinstance(spelling, list) or not spelling:
        return False
    return spelling[0] == "kept" or any(_holds_kept(part) for part in spelling)


def _awaited(coroutine: Any) -> object:
    """Run a coroutine to its end on a loop of its own: the one that runs has not come along."""
    asyncio._set_running_loop(None)  # noqa: SLF001 - there is no other way to forget it
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop.run_until_complete(coroutine)


def _text(error: BaseException) -> str:
    try:
        return str(error)[:200]
    except Exception:  # noqa: BLE001 - the target's own
        return ""
