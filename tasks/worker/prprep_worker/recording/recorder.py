"""Record the calls of one function while the project's own tests or a script run: a pytest plugin, and a program.

    pytest -p prprep_worker.recording.recorder ...
    python recorder.py script.py ... | -m module ... | -c code

PRPREP_RECORDER holds its orders as JSON: the `target` (`module:Qualified.name`), the `tree`, the `depth` of the test that
is to be written, where to write what was seen (`out`), and the `seconds` that recording itself may cost. Nothing of the
function is replaced on Python 3.12 or newer, where `sys.monitoring` watches its code alone; before, a wrapper stands around
it. What was seen is written after every call that is kept: whoever ends this process loses nothing. Standard library only.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.util
import inspect
import json
import os
import runpy
import sys
import threading
import time
import types
import weakref
from typing import TYPE_CHECKING, Any

from prprep_worker.memory.allocations import Allocations
from prprep_worker.recording.arguments import RESERVED, Spelled
from prprep_worker.recording.fakes import Watch, is_stand_in, name_of
from prprep_worker.recording.sample import LARGEST, Sample, short
from prprep_worker.values.sizes import size_of, summary
from prprep_worker.values.source import CannotWriteError, Made, UnknownMakingError, Writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEPT = 6
"""Calls whose arguments are spelled; each has to be larger than those before it."""
GROWTH = 1.5
MAKINGS = 50_000
"""Objects of which it is kept how they were made."""
COUNTED = 20_000
"""Calls of which the time is kept."""
SCALES = (1, 10, 100, 1000)
MOST = 20_000_000
"""Characters, elements or bytes that an input is scaled up to at most: the machine has to hold it, several times."""
PAUSE = 0.5
"""Seconds between two writings of the sample alone."""
EFFECTS = {
    "socket.connect": "connects to the network",
    "subprocess.Popen": "starts processes",
    "os.system": "starts processes",
    "os.remove": "removes files",
    "os.rename": "renames files",
    "shutil.rmtree": "removes files",
    "sqlite3.connect": "opens a database",
}


class Recorder:
    """What is seen of the calls of one function; never lets an error of its own through."""

    def __init__(self, orders: dict[str, Any]) -> None:
        self.module, _, self.name = orders["target"].partition(":")
        self._orders, self._left = orders, float(orders["seconds"])
        self._lock = threading.RLock()
        self._open: dict[
            int, list[tuple[float, dict[str, Any] | None, tuple[int, dict[str, Any] | None] | None] | None]
        ] = {}
        self._largest = 0
        self._sample, self._written = Sample(), 0.0
        self._seen: dict[str, Any] = {
            "calls": 0,
            "seconds": [],
            "sizes": [],
            "kept": [],
            "sample": [],
            "looked": 0,
            "unwritten": {},
            "effects": [],
            "found": False,
            "is_async": False,
        }
        self.running = ""
        self.owner: type | None = None
        """The class whose objects count alone, where it inherits the function."""
        self.fixtures: dict[str, tuple[object, str]] = {}
        self.annotations: dict[str, str] = {}
        measured = orders.get("measure") or {}
        self._measured = (measured.get("test"), measured.get("size"))
        self._allocations = Allocations(measured["wanted"], measured["profile"]) if measured else None
        self._makings: dict[int, tuple[Any, Made]] = {}
        self.watched_kinds: set[type] = set()

    # -- one call --------------------------------------------------------------------------------------

    @property
    def boundaries(self) -> set[str]:
        return set(self._orders.get("boundaries", ()))

    def begin(self, names: Sequence[str], values: dict[str, Any], kinds: dict[str, str]) -> None:
        if self._allocations is not None:
            self._measure(values)
            return
        if self.owner is not None and not isinstance(values.get(names[0]) if names else None, self.owner):
            with self._lock:
                self._open.setdefault(threading.get_ident(), []).append(None)
            return
        started = time.perf_counter()
        kept = drawn = None
        with self._lock:
            self._seen["calls"] += 1
            try:
                if self._left > 0:
                    size = sum(size_of(value) for value in values.values())
                    drawn = self._draw(names, values, kinds, size)
                    kept = self._look(names, values, kinds, size)
            except Exception as error:  # noqa: BLE001 - the target goes on whatever happens here
                self._seen["unwritten"].setdefault("the call", f"{type(error).__name__}: {error}"[:200])
            if kept is not None:
                objects = {name: values[name] for name in kept["stand_ins"]}
                kept["watch"] = Watch(objects, self._writer, self._orders["tree"], self.boundaries)
                kept["watch"].start()
            self._left -= time.perf_counter() - started
            self._open.setdefault(threading.get_ident(), []).append((time.perf_counter(), kept, drawn))

    def _measure(self, values: dict[str, Any]) -> None:
        """Let memray see what the boundary allocates in calls like the one that was chosen; nothing else is recorded."""
        like = (self.running, sum(size_of(value) for value in values.values())) == self._measured
        if like and self._allocations is not None and not self._open:
            self._open[threading.get_ident()] = [(0.0, None, None)]
            self._allocations.start(values)

    def _measured_end(self) -> None:
        if self._allocations is not None and self._open.pop(threading.get_ident(), None):
            self._allocations.stop()
            self._seen["peaks"], self._seen["why_not"] = self._allocations.peaks, self._allocations.why_not
            self.write()

    def end(self, value: object, *, well: bool) -> None:
        if self._allocations is not None:
            self._measured_end()
            return
        now = time.perf_counter()
        with self._lock:
            stack = self._open.get(threading.get_ident())
            if not stack:
                return
            last = stack.pop()
            if last is None:
                return
            begun, kept, drawn = last
            watch = kept.pop("watch", None) if kept is not None else None
            if watch is not None:
                watch.stop()
                try:
                    kept["fakes"] = watch.fakes(kept.pop("stand_ins"))
                except CannotWriteError as refused:
                    self._seen["unwritten"]["what stands for a model or the network"] = str(refused)
                    kept = None
            # A call under a profiler takes longer than it does.
            if well and len(self._seen["seconds"]) < COUNTED and (watch is None or not self._seen["seconds"]):
                self._seen["seconds"].append(now - begun)
            if well and kept is not None:
                kept["seconds"] = now - begun
                kept["returns"] = type(value).__qualname__
                self._seen["kept"] = [*self._seen["kept"], kept][-KEPT:]
            if well and drawn is not None:
                place, told = drawn
                self._sample.put(place, told and {**told, "returns": type(value).__qualname__})
            if well and (kept is not None or (drawn is not None and now - self._written > PAUSE)):
                self.write()

    def in_call(self) -> bool:
        return any(entry is not None for stack in list(self._open.values()) for entry in stack)

    def effect(self, what: str) -> None:
        if what not in self._seen["effects"]:
            self._seen["effects"].append(what)

    def _draw(
        self, names: Sequence[str], values: dict[str, Any], kinds: dict[str, str], size: int
    ) -> tuple[int, dict[str, Any] | None] | None:
        """Spell the arguments of a call that is drawn for the sample; give its place there, too."""
        place = self._sample.place()
        if place is None:
            return None
        spelled = self._spell(names, values, 1, aside=True) if size <= LARGEST else None
        told = short(spelled)
        return place, told and {**told, "kinds": kinds, "size": size}

    def _look(
        self, names: Sequence[str], values: dict[str, Any], kinds: dict[str, str], size: int
    ) -> dict[str, Any] | None:
        """Spell the arguments of a call that is larger than all before it."""
        if len(self._seen["sizes"]) < COUNTED:
            self._seen["sizes"].append(size)
        if self._seen["kept"] and size < GROWTH * self._largest:
            return None
        spelled = []
        for scale in (scale for scale in SCALES if scale == 1 or scale * size <= MOST):
            found = self._spell(names, values, scale)
            if found is None or not found["scaled"]:
                break
            spelled.append(found)
        # What is built of a sample may be refused by the function: a file holds all of it.
        kept = self._spell(names, values, 1, keep=True) if not spelled or spelled[0]["sampled"] else None
        if not spelled and kept is None:
            return None
        self._largest = max(size, 1)
        described = {name: summary(values[name]) for name in names}
        stand_ins = (spelled or [kept])[0]["stand_ins"]
        for each in (*spelled, *([kept] if kept else [])):
            del each["stand_ins"], each["sampled"]
        call = {
            "size": size,
            "test": self.running,
            "kinds": kinds,
            "described": described,
            "spelled": spelled,
            "kept": kept,
        }
        return {**call, "stand_ins": stand_ins, "fakes": []}

    def _writer(self, scale: int = 1, taken: set[str] | None = None) -> Writer:
        return Writer(self._orders["tree"], self._orders["depth"], scale, self.made, taken)

    # -- how objects are made --------------------------------------------------------------------------

    def made(self, value: object) -> Made | None:
        known = self._makings.get(id(value))
        return known[1] if known is not None and known[0]() is value else None

    def making(self, code: types.CodeType, names: Sequence[str], values: dict[str, Any], kinds: dict[str, str]) -> None:
        """Note the code of a call of a constructor; the first of `names` is the object."""
        started = time.perf_counter()
        with self._lock:
            if self._left <= 0 or len(self._makings) > MAKINGS or not names:
                return
            writer = self._writer()
            try:
                value = values[names[0]]
                if getattr(type(value).__init__, "__code__", None) is not code:
                    return  # a subclass calls this one, with arguments of its own
                words = [_word(name, kinds[name], writer.write(values[name], 1)) for name in names[1:]]
                if writer.statements:
                    return  # what it was given was itself changed after it was made
                spelled = f"{writer._imported(type(value))}({', '.join(filter(None, words))})"  # noqa: SLF001 - the other half of it
                self._makings[id(value)] = _reference(value), Made(spelled, writer)
            except Exception:  # noqa: BLE001, S110 - the object has no spelling, then
                pass
            self._left -= time.perf_counter() - started

    def _spell(
        self, names: Sequence[str], values: dict[str, Any], scale: int, *, keep: bool = False, aside: bool = False
    ) -> dict[str, Any] | None:
        """Spell the arguments; where one cannot be, or with `keep` not all of it, keep it as a file of data, or let a fixture give it.

        `aside` is for calls of which nothing is told where they cannot be spelled.
        """
        taken = {*names, *RESERVED, self.name.partition(".")[0]}
        told = Spelled(self._orders.get("stem", "benchmark"), taken)
        stand_ins = {}
        for name in names:
            if self.name.endswith("__init__") and name == names[0]:
                continue
            if name not in ("self", "cls") and is_stand_in(values[name], self.boundaries):
                stand_ins[name] = name_of(values[name], name, self.annotations)
                told.arguments[name] = f"{stand_ins[name]}()"
                continue
            try:
                told.add(name, values[name], self._writer(scale, told.taken), keep=keep)
            except CannotWriteError as refused:
                if isinstance(refused, UnknownMakingError):
                    _watch_making(refused.kind, self)
                if (keep or scale == 1) and not aside:
                    self._seen["unwritten"][name] = f"{summary(values[name])}: {refused}{self._given_by(values[name])}"
                fixture = self._fixture_of(values[name]) if keep else ""
                if not fixture:
                    return None
                told.add_fixture(name, fixture)
        if keep and not (told.data or told.fixtures):
            return None
        return {**told.message(), "scale": scale, "scaled": told.scaled or scale == 1, "stand_ins": stand_ins}

    def _given_by(self, value: object) -> str:
        """Name the fixture of a conftest that gave a value to the test that runs: what a person fills in may use it, too."""
        found = [(name, file) for name, (given, file) in self.fixtures.items() if given is value]
        return f" (the fixture `{found[0][0]}` of {found[0][1]} gives it)" if found else ""

    def _fixture_of(self, value: object) -> str:
        """Name the fixture that gave a value, where its conftest is one of those that the benchmark will see; else ""."""
        root = f"{self._orders.get('root', '')}/"
        seen = (
            name
            for name, (given, file) in self.fixtures.items()
            if given is value and root.startswith(os.path.dirname(file))
        )
        return next(seen, "")

    # -- what is written -------------------------------------------------------------------------------

    def found(self, function: types.FunctionType) -> None:
        self._seen["found"], self._seen["is_async"] = True, inspect.iscoroutinefunction(function)
        self.annotations = {name: str(kind) for name, kind in getattr(function, "__annotations__", {}).items()}

    def write(self) -> None:
        with self._lock:
            self._seen["sample"], self._seen["looked"], self._written = (
                self._sample.message(),
                self._sample.count,
                time.perf_counter(),
            )
            temporary = f"{self._orders['out']}.{os.getpid()}"
            with open(temporary, "w", encoding="utf-8") as out:
                json.dump(self._seen, out)
            os.replace(temporary, self._orders["out"])


# -- watching the function -----------------------------------------------------------------------------


class _Finder(importlib.abc.MetaPathFinder):
    """Let the recorder know of the target's module as soon as it has been executed, before others import from it."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder, self._inside = recorder, False

    def find_spec(self, name: str, _path: Any, _target: Any = None) -> Any:
        if name != self._recorder.module or self._inside:
            return None
        self._inside = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._inside = False
        if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
            return None
        execute = spec.loader.exec_module

        def executed(module: types.ModuleType) -> None:
            execute(module)
            _watch(module, self._recorder)

        spec.loader.exec_module = executed
        return spec


def _watch(module: types.ModuleType, recorder: Recorder) -> None:
    """Watch the target, where the module has it."""
    *owners, name = recorder.name.split(".")
    owner: Any = module
    for part in owners:
        owner = getattr(owner, part, None)
    held = inspect.getattr_static(owner, name, None) if owner is not None else None
    function = _function(held)
    if function is None:
        return
    if isinstance(owner, type) and name != "__init__":
        _watch_making(owner, recorder)
        if name not in owner.__dict__ and isinstance(held, types.FunctionType):
            recorder.owner = owner
    if sys.version_info >= (3, 12):
        _monitor(function.__code__, recorder)
    else:
        _wrap(owner, name, held, function, recorder)
    recorder.found(function)
    recorder.write()


def _function(held: object) -> types.FunctionType | None:
    """Return the function below static methods, properties and decorators that keep `__wrapped__`."""
    for attribute in ("__func__", "fget", "func"):
        held = getattr(held, attribute, None) or held
    while hasattr(held, "__wrapped__"):
        held = held.__wrapped__
    return held if isinstance(held, types.FunctionType) else None


def _monitor(code: types.CodeType, recorder: Recorder) -> None:
    monitoring = sys.monitoring
    tool = next(tool for tool in (4, 3, 5, 2, 0, 1) if monitoring.get_tool(tool) is None)
    events = monitoring.events
    monitoring.use_tool_id(tool, "prprep")

    def start(started: types.CodeType, _offset: int) -> None:
        if started is code:
            recorder.begin(*_given(code, sys._getframe(1).f_locals))  # noqa: SLF001 - there is no other way

    def finish(_code: types.CodeType, _offset: int, value: object) -> None:
        recorder.end(value, well=True)

    def unwind(unwound: types.CodeType, _offset: int, _error: BaseException) -> None:
        if unwound is code:
            recorder.end(None, well=False)

    monitoring.register_callback(tool, events.PY_START, start)
    monitoring.register_callback(tool, events.PY_RETURN, finish)
    monitoring.register_callback(tool, events.PY_UNWIND, unwind)
    monitoring.set_local_events(tool, code, events.PY_START | events.PY_RETURN)
    # Unwinding is told of all code or of none.
    monitoring.set_events(tool, events.PY_UNWIND)


def _wrap(owner: Any, name: str, held: Any, function: types.FunctionType, recorder: Recorder) -> None:
    signature = inspect.signature(function)

    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            return
        bound.apply_defaults()
        recorder.begin(*_given(function.__code__, dict(bound.arguments)))

    around = (
        _async_around(function, begin, recorder)
        if inspect.iscoroutinefunction(function)
        else _around(function, begin, recorder)
    )
    if isinstance(held, (staticmethod, classmethod)):
        setattr(owner, name, type(held)(around))
    elif isinstance(held, property):
        setattr(owner, name, property(around, held.fset, held.fdel, held.__doc__))
    elif held is function:
        setattr(owner, name, around)


def _around(function: Any, begin: Any, recorder: Recorder) -> Any:
    @functools.wraps(function)
    def around(*args: Any, **kwargs: Any) -> Any:
        begin(args, kwargs)
        try:
            value = function(*args, **kwargs)
        except BaseException:
            recorder.end(None, well=False)
            raise
        recorder.end(value, well=True)
        return value

    return around


def _async_around(function: Any, begin: Any, recorder: Recorder) -> Any:
    @functools.wraps(function)
    async def around(*args: Any, **kwargs: Any) -> Any:
        begin(args, kwargs)
        try:
            value = await function(*args, **kwargs)
        except BaseException:
            recorder.end(None, well=False)
            raise
        recorder.end(value, well=True)
        return value

    return around


def _watch_making(kind: type, recorder: Recorder) -> None:
    """Note from now on how objects of a class are made, where Python code does that."""
    constructor = next(base.__dict__["__init__"] for base in kind.__mro__ if "__init__" in base.__dict__)
    if kind in recorder.watched_kinds or not isinstance(constructor, types.FunctionType):
        return
    recorder.watched_kinds.add(kind)
    if sys.version_info >= (3, 12):
        _monitor_makings(constructor.__code__, recorder)
        return
    signature = inspect.signature(constructor)

    @functools.wraps(constructor)
    def around(*args: Any, **kwargs: Any) -> None:
        constructor(*args, **kwargs)
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            return
        recorder.making(around.__code__, *_given(constructor.__code__, dict(bound.arguments)))

    kind.__init__ = around


def _monitor_makings(code: types.CodeType, recorder: Recorder) -> None:
    monitoring = sys.monitoring
    if not hasattr(recorder, "making_tool"):
        recorder.making_tool = next(tool for tool in (4, 3, 5, 2, 0, 1) if monitoring.get_tool(tool) is None)
        recorder.making_codes = set()
        monitoring.use_tool_id(recorder.making_tool, "prprep, makings")

        def start(started: types.CodeType, _offset: int) -> None:
            if started in recorder.making_codes:
                recorder.making(started, *_given(started, sys._getframe(1).f_locals))  # noqa: SLF001 - there is no other way

        monitoring.register_callback(recorder.making_tool, monitoring.events.PY_START, start)
    recorder.making_codes.add(code)
    monitoring.set_local_events(recorder.making_tool, code, monitoring.events.PY_START)


def _reference(value: object) -> Any:
    try:
        return weakref.ref(value)
    except TypeError:
        return lambda: value


def _word(name: str, kind: str, code: str) -> str:
    """Pass an argument of a constructor: by its name where it has one of its own."""
    if kind == "args":
        return "" if code == "()" else f"*{code}"
    if kind == "kwargs":
        return "" if code == "{}" else f"**{code}"
    return f"{name}={code}"


def _given(code: types.CodeType, values: dict[str, Any]) -> tuple[list[str], dict[str, Any], dict[str, str]]:
    """Return names, values and kinds of the parameters: `positional`, `keyword`, `args` or `kwargs`."""
    count, keyword = code.co_argcount, code.co_kwonlyargcount
    kinds = dict.fromkeys(code.co_varnames[:count], "positional")
    kinds.update(dict.fromkeys(code.co_varnames[count : count + keyword], "keyword"))
    more = count + keyword
    for flag, kind in ((inspect.CO_VARARGS, "args"), (inspect.CO_VARKEYWORDS, "kwargs")):
        if code.co_flags & flag:
            kinds[code.co_varnames[more]] = kind
            more += 1
    # A variable that a closure shares is not among the fast ones until it is set.
    names = [name for name in kinds if name in values]
    return names, {name: values[name] for name in names}, {name: kinds[name] for name in names}


def _audit(recorder: Recorder) -> None:
    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        told = EFFECTS.get(event)
        if event == "open" and len(arguments) > 1 and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            told = "writes files"
        if told and recorder.in_call():
            recorder.effect(told)

    sys.addaudithook(hook)


def _start() -> Recorder:
    recorder = Recorder(json.loads(os.environ.pop("PRPREP_RECORDER")))
    sys.meta_path.insert(0, _Finder(recorder))
    loaded = sys.modules.get(recorder.module)
    if loaded is not None:
        _watch(loaded, recorder)
    _audit(recorder)
    return recorder


# -- pytest's hooks ------------------------------------------------------------------------------------

RECORDER: Recorder | None = None


def pytest_configure(config: Any) -> None:  # noqa: ARG001 - pytest's
    global RECORDER  # noqa: PLW0603 - one process records one function
    if RECORDER is None:
        RECORDER = _start()


def pytest_runtest_logstart(nodeid: str, location: Any) -> None:  # noqa: ARG001 - pytest's
    if RECORDER is not None:
        RECORDER.running = nodeid


def pytest_runtest_call(item: Any) -> None:
    if RECORDER is not None:
        RECORDER.fixtures = dict(_fixtures(item, str(item.config.rootpath)))


def _fixtures(item: Any, root: str) -> Iterator[tuple[str, tuple[object, str]]]:
    """Yield the fixtures of the project's conftest files that a test has asked for: name, value, and the file."""
    known = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    for name, value in getattr(item, "funcargs", {}).items():
        code = getattr(getattr((known.get(name) or [None])[-1], "func", None), "__code__", None)
        file = getattr(code, "co_filename", "")
        if os.path.basename(file) == "conftest.py" and file.startswith(root + os.sep):
            yield name, (value, os.path.relpath(file, root).replace(os.sep, "/"))


def pytest_sessionfinish(session: Any, exitstatus: int) -> None:  # noqa: ARG001 - pytest's
    if RECORDER is not None:
        RECORDER.write()


def main(words: list[str]) -> None:
    """Run a script, a module or code as Python itself would, and record meanwhile."""
    recorder = _start()
    sys.path.pop(0)
    try:
        if words[:1] == ["-m"]:
            sys.argv = words[1:]
            sys.path.insert(0, os.getcwd())
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        elif words[:1] == ["-c"]:
            sys.argv = ["-c", *words[2:]]
            sys.path.insert(0, "")
            exec(compile(words[1], "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - what the user asked for
        else:
            sys.argv = words
            sys.path.insert(0, os.path.dirname(os.path.abspath(words[0])))
            runpy.run_path(words[0], run_name="__main__")
    finally:
        recorder.write()


if __name__ == "__main__":
    # Not the module `__main__`: pytest plugins that the script loads find this one by its own name.
    importlib.import_module("prprep_worker.recording.recorder").main(sys.argv[1:])
