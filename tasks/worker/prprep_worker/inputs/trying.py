"""Call what a benchmark calls with further inputs, each in a forked child that is then discarded.

The child inherits all that the call needs and can spoil none of it. It is killed if it takes too long, its memory is
limited, and an audit hook stops whatever writes files, starts processes or connects.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import os
import resource
import sys
import types
from collections.abc import Callable
from typing import Any

from prprep_worker.benchmark.calls import Calls, Message
from prprep_worker.forking import CAN_FORK, NoAnswerError, answer_of_child
from prprep_worker.inputs.spellings import InputBuilder, RefusedError, Speller, check
from prprep_worker.values.description import describe
from prprep_worker.values.places import named

Arguments = tuple[tuple[Any, ...], dict[str, Any]]

WATCHED_CALLS = 10_000
LIMIT_BYTES = 1 << 30
"""Memory that a process may take beyond what it has."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
STOPPED = """
os.remove os.rename os.rmdir os.mkdir os.link os.symlink os.truncate os.chmod os.chown os.utime os.setxattr
os.removexattr os.lockf os.system os.exec os.posix_spawn os.spawn os.fork os.forkpty os.kill os.killpg os.startfile
subprocess.Popen pty.spawn webbrowser.open socket.connect socket.bind socket.sendto socket.sendmsg socket.getaddrinfo
socket.gethostbyname sqlite3.connect urllib.Request http.client.connect http.client.send ftplib.connect
smtplib.connect
"""
STOPPED_EVENTS = frozenset(STOPPED.split())


class RepeatableCall:
    """The call to repeat: the benchmark's own, or one that a function without arguments makes."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        while isinstance(function, functools.partial):
            function, args, kwargs = function.func, (*function.args, *args), {**function.keywords, **kwargs}
        self.function, self.positional, self.keywords = function, len(args), list(kwargs)
        self.values = [*args, *kwargs.values()]
        speller = Speller()
        owner = getattr(function, "__self__", None)
        if owner is not None and not isinstance(owner, (type, types.ModuleType)):
            check([owner])
        self.spellings = [speller.spell(value) for value in self.values]
        self.builder = InputBuilder(self.values, speller.unchanged)

    @property
    def name(self) -> str:
        return getattr(self.function, "__qualname__", type(self.function).__qualname__)

    def can_vary(self) -> bool:
        return any(_can_vary(spelling) for spelling in self.spellings)

    def call(self, values: list[Any]) -> object:
        keywords = dict(zip(self.keywords, values[self.positional :]))  # noqa: B905 - Python 3.9
        value = self.function(*values[: self.positional], **keywords)
        return _await(value) if inspect.iscoroutine(value) else value


_repeatable_calls: dict[Calls, RepeatableCall] = {}


async def try_(order: Message, calls: Calls, _described: Message) -> Message:
    """Return the arguments of the benchmark's call, or its `outcome` with an `input` within a `limit` of seconds.

    Outcomes: returned (with `value` and, if they changed, `arguments`), raised, late, stopped, unbuilt, broke.
    """
    if "input" in order:
        recorded = _repeatable_calls[calls]
        try:
            outcome = answer_of_child(lambda: _outcome(recorded, order["input"]), order["limit"])
        except NoAnswerError as error:
            outcome = {"outcome": str(error)}
        return {"kind": "tried", **outcome}
    if order.get("no_setup") and calls.setup:
        # The next setup may fail if no call has used up what this one left.
        return {"kind": "unknown"}
    try:
        recorded = _record(calls)
    except RefusedError as refused:
        return {"kind": "refused", "reason": str(refused)}
    _repeatable_calls[calls] = recorded
    # The garbage collector of a child need not traverse objects that exist already.
    gc.freeze()
    return {"kind": "recorded", "name": recorded.name, "keywords": recorded.keywords, "arguments": recorded.spellings}


def _record(calls: Calls) -> RepeatableCall:
    if not CAN_FORK:
        raise RefusedError("this platform cannot fork")
    if calls.teardown:
        raise RefusedError("the benchmark has a teardown")
    args, kwargs = calls.arguments()
    try:
        recorded = RepeatableCall(calls.function, tuple(args), dict(kwargs))
    except RefusedError as refused:
        raise RefusedError(f"the call is given {refused}") from None
    if not recorded.values and not calls.awaited:
        recorded = _inner_call(calls.function) or recorded
    if not recorded.values:
        raise RefusedError(
            "the call has no arguments, and its result is not that of an inner call whose arguments can be varied"
        )
    if not recorded.can_vary():
        kinds = dict.fromkeys(type(value).__qualname__ for value in recorded.values)
        raise RefusedError(f"no argument is of a type that can be varied ({', '.join(kinds)})")
    return recorded


def _can_vary(spelling: Any) -> bool:
    kind, *rest = spelling
    if kind == "object":
        return any(_can_vary(value) for _, value in rest[2])
    return kind not in ("unchanged", "none")


class _CallWatch:
    """Note each call of a Python function, with its arguments and what it returned."""

    def __init__(self, code: types.CodeType) -> None:
        self._code = code
        self.direct = 0
        self._open: dict[Any, tuple[bool, Arguments]] = {}
        self.returned: list[tuple[object, bool, types.CodeType, Arguments]] = []

    def __call__(self, frame: Any, event: str, value: object) -> None:
        if event == "call" and frame not in self._open and len(self._open) + len(self.returned) < WATCHED_CALLS:
            is_direct = frame.f_back is not None and frame.f_back.f_code is self._code
            self.direct += is_direct
            self._open[frame] = is_direct, _arguments(frame)
        elif event == "return" and frame in self._open:
            # A coroutine returns each time it waits; what it returns last counts.
            is_direct, arguments = self._open[frame]
            self.returned.append((value, is_direct, frame.f_code, arguments))


def _inner_call(function: Any) -> RepeatableCall | None:
    """Find the outermost call with arguments whose result is what a function without arguments returns."""
    code = getattr(function, "__code__", None)
    if code is None:
        return None
    watch, profiling = _CallWatch(code), sys.getprofile()
    sys.setprofile(watch)
    try:
        value = function()
    finally:
        sys.setprofile(profiling)
    # Many calls may return the same small number, None or short text.
    is_shared = value is None or isinstance(value, (bool, int, str, bytes, tuple, frozenset, float))
    for returned, is_direct, called, (args, kwargs) in reversed(watch.returned):
        if returned is not value or called is code or (is_shared and not (is_direct and watch.direct == 1)):
            continue
        inner = _function_of(called)
        if inner is None or not (args or kwargs):
            continue
        try:
            recorded = RepeatableCall(inner, args, kwargs)
        except RefusedError:
            continue
        if recorded.can_vary():
            return recorded
    return None


def _arguments(frame: Any) -> Arguments:
    names, args, kwargs, values = inspect.getargvalues(frame)
    count = frame.f_code.co_argcount
    keywords = {name: values.get(name) for name in names[count:]}
    return (*map(values.get, names[:count]), *(values.get(args) or ())), {**keywords, **(values.get(kwargs) or {})}


def _function_of(code: types.CodeType) -> Callable[..., Any] | None:
    """Return the function that has this code, if there is only one."""
    # The collector sees no referrers of what is frozen; try_ freezes again.
    gc.unfreeze()
    functions = [
        each for each in gc.get_referrers(code) if isinstance(each, types.FunctionType) and each.__code__ is code
    ]
    return functions[0] if len(functions) == 1 else None


def _outcome(recorded: RepeatableCall, spellings: list[Any]) -> Message:
    try:
        return _call_guarded(recorded, spellings)
    except MemoryError:
        return {"outcome": "late"}
    except BaseException as error:  # noqa: BLE001 - the project's code may raise anything
        return _raised(error)


def _call_guarded(recorded: RepeatableCall, spellings: list[Any]) -> Message:
    _limit_memory()
    try:
        values = [recorded.builder.build(spelling) for spelling in spellings]
    except Exception:  # noqa: BLE001 - constructors are the project's
        return {"outcome": "unbuilt"}
    # Objects that are passed unchanged may change inside as they like.
    checked = [
        index for index, spelling in enumerate(spellings) if _is_mutable(spelling) and not _holds_unchanged(spelling)
    ]
    before = [describe(values[index]) for index in checked]
    guard = _Guard()
    try:
        answer = {"outcome": "returned", "value": describe(recorded.call(values))}
    except MemoryError:
        raise
    except BaseException as error:  # noqa: BLE001 - the project's code may raise anything
        answer = _raised(error)
    if guard.stopped:
        return {"outcome": "stopped", "text": guard.stopped}
    if answer["outcome"] == "returned":
        after = [describe(values[index]) for index in checked]
        if after != before:
            answer["arguments"] = [[index, value] for index, value in zip(checked, after)]  # noqa: B905 - Python 3.9
    return answer


class _Guard:
    """Stop whatever has effects outside this process, from now on; `stopped` names the first such event."""

    def __init__(self) -> None:
        self.stopped = ""
        sys.dont_write_bytecode = True
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if not isinstance(flags, int) or not flags & WRITING or path == os.devnull:
                return
        elif event not in STOPPED_EVENTS and not event.startswith(("shutil.", "tempfile.")):
            return
        self.stopped = self.stopped or event
        raise PermissionError(f"{event} is not allowed with further inputs")


def _limit_memory() -> None:
    """Let the process take LIMIT_BYTES more, if the platform says how much it has, and write no core file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    try:
        with open("/proc/self/statm") as status:
            taken = int(status.read().split()[0]) * resource.getpagesize()
    except OSError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (taken + LIMIT_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _is_mutable(spelling: Any) -> bool:
    return spelling[0] in ("list", "dict", "set", "bytearray", "deque", "ndarray", "tuple", "object")


def _holds_unchanged(spelling: Any) -> bool:
    if not isinstance(spelling, list) or not spelling:
        return False
    return spelling[0] == "unchanged" or any(_holds_unchanged(part) for part in spelling)


def _await(coroutine: Any) -> object:
    """Run a coroutine on a loop of its own: the running one has not come along into the child."""
    asyncio._set_running_loop(None)  # noqa: SLF001 - there is no other way to forget it
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop.run_until_complete(coroutine)


def _raised(error: BaseException) -> Message:
    try:
        text = named(str(error))[:200]
    except Exception:  # noqa: BLE001 - the project's own code
        text = ""
    return {"outcome": "raised", "type": type(error).__qualname__, "text": text}
