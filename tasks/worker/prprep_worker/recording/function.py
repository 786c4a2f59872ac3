"""Watch the recorded function, the constructors of objects, and effects outside the process.

On Python 3.12 or newer `sys.monitoring` watches the function's code; on older versions a wrapper replaces it.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.abc
import importlib.util
import inspect
import sys
import types
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from prprep_worker.watching import claim_tool, parameters, wrapped

if TYPE_CHECKING:
    from prprep_worker.recording.recorder import Recorder

EFFECTS = {
    "socket.connect": "connects to the network",
    "subprocess.Popen": "starts processes",
    "os.system": "starts processes",
    "os.remove": "removes files",
    "os.rename": "renames files",
    "shutil.rmtree": "removes files",
    "sqlite3.connect": "opens a database",
}
_watched_kinds: set[type] = set()
_constructors: set[types.CodeType] = set()
HAS_MONITORING = sys.version_info >= (3, 12)


class _Finder(importlib.abc.MetaPathFinder):
    """Watch the function as soon as its module was executed, before others import from it."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder, self._is_searching = recorder, False

    def find_spec(self, name: str, _path: Any, _target: Any = None) -> Any:
        if name != self._recorder.module or self._is_searching:
            return None
        self._is_searching = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._is_searching = False
        if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
            return None
        execute = spec.loader.exec_module

        def execute_and_watch(module: types.ModuleType) -> None:
            execute(module)
            _watch(module, self._recorder)

        spec.loader.exec_module = execute_and_watch
        return spec


def watch_function(recorder: Recorder) -> None:
    """Watch the recorder's function, now or when its module is imported."""
    sys.meta_path.insert(0, _Finder(recorder))
    module = sys.modules.get(recorder.module)
    if module is not None:
        _watch(module, recorder)


def _watch(module: types.ModuleType, recorder: Recorder) -> None:
    *owners, name = recorder.name.split(".")
    owner: Any = module
    for part in owners:
        owner = getattr(owner, part, None)
    held = inspect.getattr_static(owner, name, None) if owner is not None else None
    function = _innermost(held)
    if function is None:
        return
    if isinstance(owner, type) and name != "__init__":
        watch_constructor(owner, recorder)
        if name not in owner.__dict__ and isinstance(held, types.FunctionType):
            recorder.owner = owner
    if HAS_MONITORING:
        _monitor(function.__code__, recorder)
    else:
        _wrap(owner, name, held, function, recorder)
    recorder.note_function(function)


def _innermost(held: object) -> types.FunctionType | None:
    """Return the function below static methods, properties and decorators that keep `__wrapped__`."""
    for attribute in ("__func__", "fget", "func"):
        held = getattr(held, attribute, None) or held
    while hasattr(held, "__wrapped__"):
        held = held.__wrapped__
    return held if isinstance(held, types.FunctionType) else None


def _monitor(code: types.CodeType, recorder: Recorder) -> None:
    monitoring, events = sys.monitoring, sys.monitoring.events
    tool = claim_tool("prprep")

    def start(started: types.CodeType, _offset: int) -> None:
        if started is code:
            recorder.begin(*_arguments(code, sys._getframe(1).f_locals))  # noqa: SLF001 - there is no other way

    def finish(_code: types.CodeType, _offset: int, value: object) -> None:
        recorder.end(value, well=True)

    def unwind(unwound: types.CodeType, _offset: int, _error: BaseException) -> None:
        if unwound is code:
            recorder.end(None, well=False)

    monitoring.register_callback(tool, events.PY_START, start)
    monitoring.register_callback(tool, events.PY_RETURN, finish)
    monitoring.register_callback(tool, events.PY_UNWIND, unwind)
    monitoring.set_local_events(tool, code, events.PY_START | events.PY_RETURN)
    # Unwinding is no local event: it is reported for all code or for none.
    monitoring.set_events(tool, events.PY_UNWIND)


def _wrap(owner: Any, name: str, held: Any, function: types.FunctionType, recorder: Recorder) -> None:
    signature = inspect.signature(function)

    @contextlib.contextmanager
    def recorded(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Callable[[object], None]]:
        values = _bound(signature, args, kwargs)
        if values is None:
            yield lambda _value: None
            return
        recorder.begin(*_arguments(function.__code__, values))
        try:
            yield lambda value: recorder.end(value, well=True)
        except BaseException:
            recorder.end(None, well=False)
            raise

    wrapper = wrapped(function, recorded)
    if isinstance(held, (staticmethod, classmethod)):
        setattr(owner, name, type(held)(wrapper))
    elif isinstance(held, property):
        setattr(owner, name, property(wrapper, held.fset, held.fdel, held.__doc__))
    elif held is function:
        setattr(owner, name, wrapper)


def watch_constructor(kind: type, recorder: Recorder) -> None:
    """Note from now on how objects of a class are made, if its constructor is written in Python."""
    constructor = next(base.__dict__["__init__"] for base in kind.__mro__ if "__init__" in base.__dict__)
    if kind in _watched_kinds or not isinstance(constructor, types.FunctionType):
        return
    _watched_kinds.add(kind)
    if HAS_MONITORING:
        _monitor_constructor(constructor.__code__, recorder)
        return
    signature = inspect.signature(constructor)

    @contextlib.contextmanager
    def noted(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Callable[[object], None]]:
        yield lambda _value: None
        values = _bound(signature, args, kwargs)
        # A subclass calls its base's constructor with arguments of its own.
        if values is not None and type(args[0]).__init__ is wrapper:
            recorder.note_construction(*_arguments(constructor.__code__, values))

    wrapper = kind.__init__ = wrapped(constructor, noted)


def _monitor_constructor(code: types.CodeType, recorder: Recorder) -> None:
    _constructors.add(code)
    sys.monitoring.set_local_events(_constructor_tool(recorder), code, sys.monitoring.events.PY_START)


@functools.cache
def _constructor_tool(recorder: Recorder) -> int:
    tool = claim_tool("prprep, constructors")

    def start(started: types.CodeType, _offset: int) -> None:
        if started in _constructors:
            values, kinds = _arguments(started, sys._getframe(1).f_locals)  # noqa: SLF001 - as above
            if values and getattr(type(next(iter(values.values()))).__init__, "__code__", None) is started:
                recorder.note_construction(values, kinds)

    sys.monitoring.register_callback(tool, sys.monitoring.events.PY_START, start)
    return tool


def _bound(signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any] | None:
    """Return the arguments by parameter; None if they do not fit, which the call itself reports."""
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError:
        return None
    bound.apply_defaults()
    return dict(bound.arguments)


def _arguments(code: types.CodeType, values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values and the kinds of the parameters."""
    # A variable that a closure shares is not among the fast ones until it is set.
    kinds = {name: kind for name, kind in parameters(code).items() if name in values}
    return {name: values[name] for name in kinds}, kinds


def report_effects(recorder: Recorder) -> None:
    """Note from now on what a recorded call does outside of the process."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        effect = EFFECTS.get(event)
        if event == "open" and len(arguments) > 1 and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            effect = "writes files"
        if effect and recorder.is_in_call():
            recorder.note_effect(effect)

    sys.addaudithook(hook)
