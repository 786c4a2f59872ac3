"""Watch calls of Python functions: their parameters, wrappers, profilers and monitoring tools."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import tracemalloc
import types
from collections.abc import Callable, Iterator
from typing import Any


def parameters(code: types.CodeType) -> dict[str, str]:
    """Return the kind of each parameter by its name: `positional`, `keyword`, `args` or `kwargs`."""
    count, more = code.co_argcount, code.co_argcount + code.co_kwonlyargcount
    kinds = dict.fromkeys(code.co_varnames[:count], "positional")
    kinds.update(dict.fromkeys(code.co_varnames[count:more], "keyword"))
    for flag, kind in ((inspect.CO_VARARGS, "args"), (inspect.CO_VARKEYWORDS, "kwargs")):
        if code.co_flags & flag:
            kinds[code.co_varnames[more]] = kind
            more += 1
    return kinds


def wrapped(function: Callable[..., Any], around: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function or coroutine function: each call runs in the context `around(args, kwargs)`.

    The context yields a function, which gets the value that the call returned.
    """
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            with around(args, kwargs) as returned:
                value = await function(*args, **kwargs)
                returned(value)
            return value

    else:

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with around(args, kwargs) as returned:
                value = function(*args, **kwargs)
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


def claim_tool(name: str) -> int:
    """Claim a free tool of `sys.monitoring`, if possible none that debuggers and profilers use."""
    tool = next(tool for tool in (4, 3, 5, 2, 0, 1) if sys.monitoring.get_tool(tool) is None)
    sys.monitoring.use_tool_id(tool, name)
    return tool
