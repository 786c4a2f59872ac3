"""Watch the calls of some functions, however they are resumed.

On Python 3.12 or newer `sys.monitoring` watches their code alone; on older versions calls are diverted to wrappers.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prprep_worker.recording.functions import (
    ModuleWatch,
    WantedFunction,
    code_inside,
    divert,
    find_functions,
    with_code_of,
)
from prprep_worker.watching import claim_tool

HAS_MONITORING = sys.version_info >= (3, 12)
RESUMABLE = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
ENDINGS = StopIteration, StopAsyncIteration, GeneratorExit
"""Errors that a generator, or one iteration of it, ends with."""


class CallWatch:
    """Notes when functions, by the names of targets, are entered and left; with `identify`, in which of their calls."""

    def __init__(self, targets: Mapping[str, WantedFunction], *, identify: bool) -> None:
        self._identify = identify
        self._modules: dict[str, dict[str, WantedFunction]] = {}
        for target, function in targets.items():
            self._modules.setdefault(function.module, {})[target] = function
        self._codes: dict[int, str] = {}
        """Targets by the identity of their code: two functions may have equal code."""
        self._tool: int | None = None
        self._is_paused = False
        ModuleWatch(self._modules.keys(), self._watch)

    def enter(self, target: str, *, is_call: bool = True, resumable: int = 0) -> None:
        """Note that a function begins, or is resumed; `resumable` identifies the call if it can be."""
        raise NotImplementedError

    def leave(self, target: str, error: BaseException | None = None) -> None:
        """Note that a function returns, is suspended or raises an error."""
        raise NotImplementedError

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Let the functions take as long as without watching them, or hardly longer, if wrappers replace them."""
        self._set_paused(is_paused=True)
        try:
            yield
        finally:
            self._set_paused(is_paused=False)

    def _set_paused(self, *, is_paused: bool) -> None:
        self._is_paused = is_paused
        if self._tool is not None:
            self._register_callbacks(self._tool)

    def _watch(self, module: types.ModuleType) -> None:
        targets = self._modules[module.__name__]
        for target, found in zip(targets, find_functions(module, list(targets.values()))):  # noqa: B905 - Python 3.9
            if found is not None:
                # An inner function is made anew by each call of the outer one.
                for function in with_code_of(found.function) if found.held is None else [found.function]:
                    self._watch_function(target, function)
            elif HAS_MONITORING and (code := code_inside(module, targets[target])):
                self._watch_code(target, code)

    def _watch_function(self, target: str, function: types.FunctionType) -> None:
        if HAS_MONITORING:
            self._watch_code(target, function.__code__)
        else:
            divert(function, functools.partial(self._wrapper, target))

    # -- Python 3.12 or newer

    def _watch_code(self, target: str, code: types.CodeType) -> None:
        self._codes[id(code)] = target
        monitoring = sys.monitoring
        events = monitoring.events
        if self._tool is None:
            self._tool = claim_tool("prprep-calls")
            self._register_callbacks(self._tool)
            # These are no local events: they are reported for all code or for none.
            monitoring.set_events(self._tool, events.PY_THROW | events.PY_UNWIND)
        local = events.PY_START | events.PY_RESUME | events.PY_RETURN | events.PY_YIELD
        monitoring.set_local_events(self._tool, code, local)

    def _register_callbacks(self, tool: int) -> None:
        events = sys.monitoring.events
        callbacks = {
            events.PY_START: self._started,
            events.PY_RESUME: self._resumed,
            events.PY_THROW: self._resumed,
            events.PY_RETURN: self._left,
            events.PY_YIELD: self._left,
            events.PY_UNWIND: self._unwound,
        }
        for event, callback in callbacks.items():
            sys.monitoring.register_callback(tool, event, None if self._is_paused else callback)

    def _started(self, code: types.CodeType, _offset: int) -> None:
        self.enter(self._codes[id(code)], resumable=self._resumed_frame(code))

    def _resumed_frame(self, code: types.CodeType) -> int:
        is_resumable = self._identify and code.co_flags & RESUMABLE
        return id(sys._getframe(2)) if is_resumable else 0  # noqa: SLF001 - there is no other way

    def _resumed(self, code: types.CodeType, _offset: int, _error: object = None) -> None:
        if target := self._codes.get(id(code)):
            self.enter(target, is_call=False, resumable=self._resumed_frame(code))

    def _left(self, code: types.CodeType, _offset: int, _value: object) -> None:
        self.leave(self._codes[id(code)])

    def _unwound(self, code: types.CodeType, _offset: int, error: BaseException) -> None:
        if target := self._codes.get(id(code)):
            self.leave(target, error)

    # -- older versions

    def _wrapper(self, target: str, function: Callable[..., Any]) -> Callable[..., Any]:
        wrapper: Callable[..., Any]
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                return await self._followed(target, function(*args, **kwargs))

        elif inspect.isasyncgenfunction(function):
            wrapper = self._wrapper_of_async_generator(target, function)

        elif inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                return (yield from self._followed(target, function(*args, **kwargs)))

        else:

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                if self._is_paused:
                    return function(*args, **kwargs)
                self.enter(target)
                try:
                    value = function(*args, **kwargs)
                except BaseException as error:
                    self.leave(target, error)
                    raise
                self.leave(target)
                return value

        return wrapper

    def _followed(self, target: str, inner: Any, **details: Any) -> Any:
        return inner if self._is_paused else _Resumed(self, target, inner, **details)

    def _wrapper_of_async_generator(self, target: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            inner, is_new = function(*args, **kwargs), True
            resumed = inner.__anext__()
            while True:
                try:
                    item = await self._followed(target, resumed, is_new=is_new, key=id(inner))
                except StopAsyncIteration:
                    return
                is_new = False
                try:
                    resumed = inner.asend((yield item))
                except GeneratorExit:
                    await inner.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 - the inner one gets what is thrown into this one
                    resumed = inner.athrow(error)

        return wrapper


class _Resumed:
    """A generator or coroutine: the time between its resumptions does not count."""

    def __init__(self, watch: CallWatch, target: str, inner: Any, *, is_new: bool = True, key: int = 0) -> None:
        self._watch, self._target, self._inner, self._is_new, self._key = watch, target, inner, is_new, key

    def __iter__(self) -> _Resumed:
        return self

    __await__ = __iter__

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: object) -> Any:
        return self._run(self._inner.send, value)

    def throw(self, *error: Any) -> Any:
        return self._run(self._inner.throw, *error)

    def close(self) -> None:
        self._is_new = False
        self._run(self._inner.close)

    def _run(self, resume: Callable[..., Any], *values: Any) -> Any:
        self._watch.enter(self._target, is_call=self._is_new, resumable=self._key or id(self))
        self._is_new = False
        try:
            value = resume(*values)
        except BaseException as error:
            self._watch.leave(self._target, error)
            raise
        self._watch.leave(self._target)
        return value
