"""Watch calls of Python functions: their parameters, wrappers, profilers and monitoring tools."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import threading
import tracemalloc
import types
from collections.abc import Callable, Iterator
from typing import Any


def parameters(code: types.CodeType) -> dict[str, str]:
    """Return the kind of each parameter by its name: `positional`, `keyword`, `args` or `kwargs`."""
    names, args, kwargs = inspect.getargs(code)
    kinds = {name: "positional" if index < code.co_argcount else "keyword" for index, name in enumerate(names)}
    kinds.update({name: kind for name, kind in ((args, "args"), (kwargs, "kwargs")) if name})
    return kinds


def wrapped(function: Callable[..., Any], around: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function or coroutine function: each call runs in the context `around(args, kwargs)`.

    If the context yields a function, that gets the value that the call returned.
    """
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            with around(args, kwargs) as returned:
                value = await function(*args, **kwargs)
                if returned:
                    returned(value)
            return value

    else:

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with around(args, kwargs) as returned:
                value = function(*args, **kwargs)
                if returned:
                    returned(value)
            return value

    return wrapper


@contextlib.contextmanager
def profiled(event: Callable[[Any, str, object], None]) -> Iterator[None]:
    """Call `event` as `sys.setprofile` does, while tracemalloc traces."""
    before, is_tracing = sys.getprofile(), tracemalloc.is_tracing()
    if not is_tracing:
        tracemalloc.start()
    sys.setprofile(event)
    try:
        yield
    finally:
        sys.setprofile(before)
        if not is_tracing:
            tracemalloc.stop()


@contextlib.contextmanager
def monitored(event: str, callback: Callable[..., object]) -> Iterator[None]:
    """Let `sys.monitoring` call `callback` at events of this name in all threads, also those that began earlier."""
    monitoring, tool, number = sys.monitoring, claim_tool("prprep"), getattr(sys.monitoring.events, event)
    monitoring.register_callback(tool, number, callback)
    monitoring.restart_events()  # what an earlier callback has switched off
    monitoring.set_events(tool, number)
    try:
        yield
    finally:
        monitoring.set_events(tool, 0)
        monitoring.register_callback(tool, number, None)
        monitoring.free_tool_id(tool)


@contextlib.contextmanager
def hooked(kind: str, hook: Callable[[Any, str, object], object]) -> Iterator[None]:
    """Set a hook, of `trace` or `profile`, in this thread and those that start meanwhile."""
    before, of_threads = getattr(sys, f"get{kind}")(), getattr(threading, f"_{kind}_hook", None)
    getattr(threading, f"set{kind}")(hook)
    getattr(sys, f"set{kind}")(hook)
    try:
        yield
    finally:
        getattr(sys, f"set{kind}")(before)
        getattr(threading, f"set{kind}")(of_threads)


def claim_tool(name: str) -> int:
    """Claim a free tool of `sys.monitoring`, if possible none that debuggers and profilers use."""
    tool = next(tool for tool in (4, 3, 5, 2, 0, 1) if sys.monitoring.get_tool(tool) is None)
    sys.monitoring.use_tool_id(tool, name)
    return tool
