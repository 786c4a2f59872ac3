"""Watch the recorded function, the constructors of objects, and effects outside the process.

On Python 3.12 or newer `sys.monitoring` watches the function's code; on older versions its calls are
diverted to a wrapper.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from prprep_worker.recording.functions import ModuleWatch, divert, find_functions, with_code_of
from prprep_worker.recording.recorder import OpenCall, Recorder
from prprep_worker.watching import claim_tool, parameters, wrapped

EFFECTS = {
    "open": "writes files",
    "socket.connect": "connects to the network",
    "subprocess.Popen": "starts processes",
    "os.system": "starts processes",
    "os.remove": "removes files",
    "os.rename": "renames files",
    "shutil.rmtree": "removes files",
    "sqlite3.connect": "opens a database",
}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
GENERATORS = {inspect.CO_GENERATOR: "generator", inspect.CO_ASYNC_GENERATOR: "async_generator"}
"""The types of what the call of a function returns, by the flag of its code."""
KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: "positional",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "positional",
    inspect.Parameter.VAR_POSITIONAL: "args",
    inspect.Parameter.KEYWORD_ONLY: "keyword",
    inspect.Parameter.VAR_KEYWORD: "kwargs",
}
HAS_MONITORING = sys.version_info >= (3, 12)

_signature = functools.cache(inspect.signature)


class FunctionWatch:
    """Watch the recorder's function, now or as soon as its module was executed, before others import from it."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._code: types.CodeType | None = None
        self._begun: dict[int, OpenCall | None] = {}
        """The open calls, by the identity of their frames: to refer to a frame would keep what it holds alive."""
        self._watched_kinds: set[type] = set()
        self._constructors: set[types.CodeType] = set()
        self._tool: int | None = None
        recorder.watch_constructor = self._watch_constructor
        ModuleWatch({recorder.function.module}, self._watch)

    def _watch(self, module: types.ModuleType) -> None:
        (found,) = find_functions(module, [self._recorder.function])
        if found is None:
            return
        owner, name, held, function = found
        if isinstance(owner, type) and name != "__init__":
            self._watch_constructor(owner)
            if name not in owner.__dict__ and isinstance(held, types.FunctionType):
                self._recorder.owner = owner
        if HAS_MONITORING:
            self._code = function.__code__
            events = sys.monitoring.events
            self._monitor(function.__code__, events.PY_START | events.PY_YIELD | events.PY_RETURN)
        else:
            for each in with_code_of(function) if held is None else [function]:
                divert(each, lambda original: wrapped(original, functools.partial(self._recorded, original)))
        self._recorder.note_function(function)

    def _watch_constructor(self, kind: type) -> None:
        """Note from now on how objects of a class are made, if its constructor is written in Python."""
        constructor = next(base.__dict__["__init__"] for base in kind.__mro__ if "__init__" in base.__dict__)
        if kind in self._watched_kinds or not isinstance(constructor, types.FunctionType):
            return
        self._watched_kinds.add(kind)
        if HAS_MONITORING:
            self._constructors.add(constructor.__code__)
            self._monitor(constructor.__code__, sys.monitoring.events.PY_START)
        else:
            wrapper = wrapped(constructor, lambda args, kwargs: self._noted(wrapper, args, kwargs))
            kind.__init__ = wrapper

    # -- Python 3.12 or newer

    def _monitor(self, code: types.CodeType, events: int) -> None:
        monitoring = sys.monitoring
        if self._tool is None:
            self._tool = claim_tool("prprep")
            monitoring.register_callback(self._tool, monitoring.events.PY_START, self._start)
            monitoring.register_callback(self._tool, monitoring.events.PY_YIELD, self._yield)
            monitoring.register_callback(self._tool, monitoring.events.PY_RETURN, self._return)
            monitoring.register_callback(self._tool, monitoring.events.PY_UNWIND, self._unwind)
            # Unwinding is no local event: it is reported for all code or for none.
            monitoring.set_events(self._tool, monitoring.events.PY_UNWIND)
        monitoring.set_local_events(self._tool, code, events | monitoring.get_local_events(self._tool, code))

    def _start(self, code: types.CodeType, _offset: int) -> None:
        frame = sys._getframe(1)  # noqa: SLF001 - there is no other way
        values, kinds = _arguments(code, frame.f_locals)
        if code is self._code:
            self._begun[id(frame)] = self._recorder.begin(values, kinds)
        if code in self._constructors:
            args, kwargs = _passed(values, kinds)
            constructor = type(args[0]).__init__ if args else None
            # A subclass calls its base's constructor with arguments of its own.
            if getattr(constructor, "__code__", None) is code:
                self._note_construction(constructor, args, kwargs)

    def _yield(self, code: types.CodeType, _offset: int, _value: object) -> None:
        """End the call of a generator, as one without monitoring ends when it has made the generator."""
        if code is self._code and not code.co_flags & inspect.CO_COROUTINE:
            self._end(code, None)

    def _return(self, code: types.CodeType, _offset: int, value: object) -> None:
        if code is self._code:
            self._end(code, value)

    def _unwind(self, code: types.CodeType, _offset: int, _error: BaseException) -> None:
        if code is self._code:
            self._recorder.end(self._begun.pop(id(sys._getframe(1)), None), None)  # noqa: SLF001 - as above

    def _end(self, code: types.CodeType, value: object) -> None:
        kinds = (kind for flag, kind in GENERATORS.items() if code.co_flags & flag)
        call = self._begun.pop(id(sys._getframe(2)), None)  # noqa: SLF001 - as above
        self._recorder.end(call, next(kinds, type(value).__qualname__))

    # -- older versions

    @contextlib.contextmanager
    def _recorded(
        self, function: types.FunctionType, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Iterator[Callable[[object], None] | None]:
        bound = _bound(function, args, kwargs)
        if bound is None:
            yield None
            return
        call = self._recorder.begin(*bound)
        try:
            yield lambda value: self._recorder.end(call, type(value).__qualname__)
        except BaseException:
            self._recorder.end(call, None)
            raise

    @contextlib.contextmanager
    def _noted(self, wrapper: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[None]:
        yield
        # As above.
        if args and type(args[0]).__init__ is wrapper:
            self._note_construction(wrapper.__wrapped__, args, kwargs)

    def _note_construction(self, constructor: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        bound = _bound(constructor, args, kwargs)
        if bound and bound[0]:
            self._recorder.note_construction(*bound)


def _bound(
    function: types.FunctionType, args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, str]] | None:
    """Return the values and the kinds of the parameters; None if they do not fit, which the call itself reports.

    Those of a decorator's function are the parameters of what it wraps, since these say what a call has to pass.
    """
    try:
        bound = _signature(function).bind(*args, **kwargs)
    except TypeError:
        return None
    bound.apply_defaults()
    values = dict(bound.arguments)
    kinds = {name: KINDS[_signature(function).parameters[name].kind] for name in values}
    return values, _as_class_takes(values, kinds, function.__code__)


def _passed(values: Mapping[str, Any], kinds: Mapping[str, str]) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of a call by position, and those by name, from the values of a function's parameters."""
    by_kind: dict[str, list[str]] = {kind: [name for name in values if kinds[name] == kind] for kind in KINDS.values()}
    args = [values[name] for name in by_kind["positional"]]
    args += [each for name in by_kind["args"] for each in values[name]]
    kwargs = {name: values[name] for name in by_kind["keyword"]}
    return args, {**kwargs, **{name: each for held in by_kind["kwargs"] for name, each in values[held].items()}}


def _arguments(code: types.CodeType, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values and the kinds of the parameters."""
    # A variable that a closure shares is not among the fast ones until it is set.
    kinds = {name: kind for name, kind in parameters(code).items() if name in values}
    values = {name: values[name] for name in kinds}
    return values, _as_class_takes(values, kinds, code)


def _as_class_takes(values: Mapping[str, Any], kinds: dict[str, str], code: types.CodeType) -> dict[str, str]:
    """Return the kinds of a constructor's parameters in a call of the class, whose `__new__` has parameters of its own.

    Those for which `__new__` has no position are passed by name.
    """
    owner = type(values[next(iter(values))]) if values and code.co_name == "__init__" else object
    new = owner.__new__
    if not isinstance(new, types.FunctionType) or new.__code__.co_flags & inspect.CO_VARARGS:
        return kinds
    by_position = [name for name, kind in kinds.items() if kind == "positional"]
    return {**kinds, **dict.fromkeys(by_position[new.__code__.co_argcount :], "keyword")}


def report_effects(recorder: Recorder) -> None:
    """Note from now on what a recorded call does outside of the process."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and _is_read(*arguments):
            recorder.note_opened(arguments[0])
        elif event in EFFECTS and recorder.is_in_call() and not _is_harmless(event, arguments):
            recorder.note_effect(EFFECTS[event])

    sys.addaudithook(hook)


def _is_read(file: object = None, mode: object = None, flags: object = None) -> bool:
    """Return whether a file, by its path, is opened as Python's `open` does, to be read only."""
    return isinstance(file, str) and isinstance(mode, str) and isinstance(flags, int) and not flags & WRITING


def _is_harmless(event: str, arguments: tuple[Any, ...]) -> bool:
    """Return whether a file is only read, was open already, or is the compiled code of an import."""
    file, flags = arguments[0] if arguments else "", arguments[-1]
    if event == "open" and (isinstance(file, int) or file == os.devnull or not isinstance(flags, int)):
        return True
    return (event == "open" and not flags & WRITING) or (event in {"open", "os.rename"} and ".pyc." in str(file))
