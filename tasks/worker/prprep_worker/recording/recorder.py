"""Record the calls of one function.

The file is written after every call that is kept, so that nothing is lost if this process is killed.
"""

from __future__ import annotations

import contextlib
import inspect
import itertools
import json
import os
import threading
import time
import types
import weakref
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from prprep_worker.memory.allocations import Allocations
from prprep_worker.recording.arguments import RESERVED, WrittenArguments
from prprep_worker.recording.fakes import BoundaryWatch, fake_name, is_at_boundary
from prprep_worker.recording.functions import WantedFunction
from prprep_worker.recording.makers import MOST_PARTS, MadeBy, MakerWatch, parts_of
from prprep_worker.recording.sample import LARGEST, CallSample, short
from prprep_worker.values.anatomy import size_of, summary
from prprep_worker.values.errors import CannotWriteError, UnknownConstructionError
from prprep_worker.values.privacy import Secrets
from prprep_worker.values.source import Construction, Requirements, Writer
from prprep_worker.values.texts import WHOLE

Message = dict[str, Any]

KEPT = 6
"""Calls whose arguments are written; each has to be larger than those before it."""
GROWTH = 1.5
CONSTRUCTIONS = 50_000
"""Objects whose construction is remembered."""
TIMED = 20_000
"""Calls whose time and size are kept."""
SCALES = (1, 10, 100, 1000)
DIVISORS = (10, 100, 1000)
MOST = 20_000_000
"""Characters, elements or bytes that an input is scaled up to: the machine has to hold it several times."""
LEAST_DIVIDED = 2_000
"""Characters, elements or bytes of an input that is written in smaller sizes, too, since base may never end on it."""
ATOM = 16
"""Characters, elements or bytes up to which an argument is no input that could be larger."""
OPENED = 200
"""Files of the project whose contents are compared with arguments."""
PAUSE = 0.5
"""Seconds between two writings of the sample alone."""


class ObservedCall(NamedTuple):
    """The arguments of a call of the function, and the kinds of its parameters; `size` is about how much they hold."""

    values: dict[str, Any]
    kinds: dict[str, str]
    size: int


class OpenCall(NamedTuple):
    """A call that has not returned; `kept` is what is written of it, `drawn` its place and entry in the sample."""

    began: float
    kept: Message | None = None
    drawn: tuple[int, Message | None] | None = None
    boundary: BoundaryWatch | None = None


class Recorder:
    """What is seen of the calls of one function; no error of the recorder reaches the project's code."""

    def __init__(self, orders: Message) -> None:
        self.function = WantedFunction.of(orders["function"])
        self._orders, self._seconds_left = orders, float(orders["seconds"])
        self._secrets = Secrets(**orders.get("secrets", {}))
        self._lock, self._working = threading.RLock(), list[int]()
        self._open: list[OpenCall] = []
        """The calls that have not returned: those of coroutines do not end in the order in which they began."""
        self._largest = 0
        self._sample, self._written = CallSample(), 0.0
        self._seen: Message = {
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
        self.running, self._number = "", 0
        self._wanted: dict[str, list[int]] | None = orders.get("wanted")
        self._most_kept = max(KEPT, sum(map(len, (self._wanted or {}).values())))
        self.owner: type | None = None
        """The class whose objects alone count, if it inherits the function."""
        self.fixtures: dict[str, tuple[object, str]] = {}
        self.watch_constructor: Callable[[type], None] = lambda _kind: None
        """Called for a class whose constructor's arguments are unknown."""
        self.boundaries = set(orders.get("boundaries", ()))
        self.opened: dict[str, None] = {}
        """The files that were opened for reading, in this order."""
        self._annotations: dict[str, str] = {}
        measured = orders.get("measure") or {}
        self._measured_call = measured.get("test"), measured.get("size")
        self._allocations = Allocations(measured["wanted"], measured["profile"]) if measured else None
        self._constructions: dict[int, tuple[Callable[[], object], Construction]] = {}
        self._made: list[int] = []
        """Objects of the running test that functions made: some are kept alive by what is noted of them."""
        self._makers = MakerWatch(os.path.realpath(orders["tree"]), self.note_made) if orders.get("makers") else None

    @contextlib.contextmanager
    def _own_work(self) -> Iterator[None]:
        """Hold the lock; what this thread does meanwhile is no effect of a call, like that around a recursive one."""
        with self._lock:
            self._working.append(threading.get_ident())
            try:
                yield
            finally:
                self._working.pop()

    def begin(self, values: dict[str, Any], kinds: dict[str, str]) -> OpenCall | None:
        """Note a call; return it for `end`, None if it does not count.

        To describe and rebuild arguments runs the target's code, whose calls must not be recorded in turn: children
        that rebuild an object whose constructor makes such calls would fork without end.
        """
        if self._is_own_work():
            return None
        if self._allocations is not None:
            return self._begin_measured(values)
        with self._own_work():
            self._number += 1
            if self.owner is not None and not isinstance(next(iter(values.values()), None), self.owner):
                return None
            started = time.perf_counter()
            kept = drawn = boundary = None
            self._seen["calls"] += 1
            try:
                if self._seconds_left > 0:
                    call = ObservedCall(values, kinds, sum(map(size_of, values.values())))
                    drawn = self._draw(call)
                    kept = self._keep(call)
            except Exception as error:  # noqa: BLE001 - the project's code goes on whatever happens here
                self._seen["unwritten"].setdefault("the call", f"{type(error).__name__}: {error}"[:200])
            if kept is not None:
                objects = {name: values[name] for name in kept["stand_ins"]}
                boundary = BoundaryWatch(objects, self._writer, self._orders["tree"], self.boundaries)
                boundary.start()
            self._seconds_left -= time.perf_counter() - started
            call = OpenCall(time.perf_counter(), kept, drawn, boundary)
            self._open.append(call)
            return call

    def end(self, call: OpenCall | None, returned: str | None) -> None:
        """End a call; what it `returned` is a type's name, None if it raised an error."""
        now = time.perf_counter()
        if call is None:
            return
        with self._own_work():
            self._open = [each for each in self._open if each is not call]
            if self._allocations is not None:
                self._end_measured(self._allocations)
                return
            kept = self._with_fakes(call)
            if returned is not None:
                self._note(call, kept, now - call.began, returned)
                if kept is not None or (call.drawn is not None and now - self._written > PAUSE):
                    self.write()

    def _with_fakes(self, call: OpenCall) -> Message | None:
        """Return what is kept of a call with its fakes; None if one of them cannot be written."""
        if call.kept is None or call.boundary is None:
            return None
        call.boundary.stop()
        try:
            fakes = call.boundary.fakes(call.kept.pop("stand_ins"))
        except CannotWriteError as refused:
            self._seen["unwritten"]["the fake of a model or the network"] = str(refused)
            return None
        return {**call.kept, "fakes": fakes}

    def _note(self, call: OpenCall, stored: Message | None, seconds: float, returned: str) -> None:
        # A call under a profiler takes longer: it counts only as long as there is no other.
        if len(self._seen["seconds"]) < TIMED and (call.boundary is None or not self._seen["seconds"]):
            self._seen["seconds"].append(seconds)
        if stored is not None:
            self._seen["kept"] = [*self._seen["kept"], {**stored, "seconds": seconds, "returns": returned}][
                -self._most_kept :
            ]
        if call.drawn is not None:
            place, entry = call.drawn
            self._sample.put(place, entry and {**entry, "returns": returned})

    def _begin_measured(self, values: dict[str, Any]) -> OpenCall | None:
        """Let memray track what the boundary allocates in calls like the chosen one; nothing else is recorded."""
        if (self.running, sum(map(size_of, values.values()))) != self._measured_call or self._open:
            return None
        call = OpenCall(0.0)
        self._open.append(call)
        self._allocations.start(values)
        return call

    def _end_measured(self, allocations: Allocations) -> None:
        allocations.stop()
        self._seen["peaks"], self._seen["why_not"] = allocations.peaks, allocations.why_not
        self.write()

    def begin_test(self, name: str) -> None:
        """Count calls anew; the orders have the numbers of those that are `wanted`, by test."""
        self.running, self._number = name, 0
        if self._makers is not None:
            for each in self._made:
                self._constructions.pop(each, None)
            self._made.clear()
            self._makers.resume()

    def is_in_call(self) -> bool:
        return bool(self._open) and not self._is_own_work()

    def _is_own_work(self) -> bool:
        return threading.get_ident() in self._working

    def note_opened(self, path: str) -> None:
        if len(self.opened) < OPENED:
            self.opened.setdefault(path)

    def note_effect(self, effect: str) -> None:
        if effect not in self._seen["effects"]:
            self._seen["effects"].append(effect)

    def _draw(self, call: ObservedCall) -> tuple[int, Message | None] | None:
        """Write the arguments of a call if it is drawn for the sample; return its place and its entry there."""
        place = self._sample.draw()
        if place is None:
            return None
        written = self._write_arguments(call, WHOLE, is_reported=False) if call.size <= LARGEST else None
        entry = short(written)
        return place, entry and {**entry, "kinds": call.kinds, "size": call.size}

    def _keep(self, call: ObservedCall) -> Message | None:
        """Write the arguments of a call that is wanted, or else is larger than all before it, in several sizes."""
        if len(self._seen["sizes"]) < TIMED:
            self._seen["sizes"].append(call.size)
        if self._wanted is not None:
            if self._number not in self._wanted.get(self.running, ()):
                return None
        elif self._seen["kept"] and call.size < GROWTH * self._largest:
            return None
        written = (self._write_arguments(call, Fraction(scale)) for scale in self._scales(call))
        scaled = list(itertools.takewhile(lambda each: each and each["scaled"], written))
        # The function may refuse what is built from a sample: a file holds all of it.
        whole = self._write_arguments(call, WHOLE, keep=True) if not scaled or scaled[0]["sampled"] else None
        if not scaled and whole is None:
            return None
        self._largest = max(call.size, 1)
        return {
            "size": call.size,
            "test": self.running,
            "kinds": call.kinds,
            "described": {name: summary(value) for name, value in call.values.items()},
            "spelled": scaled,
            "smaller": [each for divisor in self._divisors(call) if (each := self._smaller(call, divisor))],
            "kept": whole,
            "stand_ins": (scaled or [whole])[0]["stand_ins"],
        }

    def _scales(self, call: ObservedCall) -> Iterator[int]:
        """Yield what the input's size may be multiplied by."""
        return (scale for scale in SCALES if scale == 1 or (_has_one_input(call) and scale * call.size <= MOST))

    def _divisors(self, call: ObservedCall) -> Iterator[int]:
        return (each for each in DIVISORS if _has_one_input(call) and call.size >= LEAST_DIVIDED)

    def _smaller(self, call: ObservedCall, divisor: int) -> Message | None:
        """Write the arguments with a part of their sizes; None if they cannot be written like that."""
        written = self._write_arguments(call, Fraction(1, divisor), is_reported=False)
        is_smaller = written is not None and written["scaled"]
        return {**written, "scale": 1, "divisor": divisor} if written and is_smaller else None

    def _write_arguments(
        self, call: ObservedCall, scale: Fraction, *, keep: bool = False, is_reported: bool = True
    ) -> Message | None:
        """Write the arguments as code, with `keep` also as files of data; None if one cannot be written."""
        taken = {*call.values, *RESERVED, self.function.called.partition(".")[0]}
        written = WrittenArguments(self._orders.get("stem", "benchmark"), taken)
        for number, (name, value) in enumerate(call.values.items()):
            if number == 0 and self.function.called.endswith("__init__"):
                continue
            if name not in ("self", "cls") and is_at_boundary(value, self.boundaries):
                fake = fake_name(value, name, self._annotations)
                written.stand_ins[name], written.codes[name] = fake, f"{fake}()"
                continue
            try:
                written.add(name, value, self._writer(scale, written.taken), keep=keep)
            except CannotWriteError as refused:
                if isinstance(refused, UnknownConstructionError):
                    self.watch_constructor(refused.kind)
                if is_reported and (keep or scale == 1):
                    self._seen["unwritten"][name] = f"{summary(value)}: {refused}{self._fixture_note(value)}"
                return None
        if keep and not written.data:
            return None
        return {**written.message(), "scale": int(scale), "scaled": written.scaled or scale == 1}

    def _writer(self, scale: Fraction = WHOLE, taken: set[str] | None = None) -> Writer:
        orders, files = self._orders, tuple(self.opened)
        how = (self._construction_of, taken, self._secrets, files)
        return Writer(orders["tree"], orders["depth"], scale, *how)

    def _fixture_note(self, value: object) -> str:
        """Name the fixture of a conftest that returned a value: whoever fills in the argument may use it."""
        fixtures = [(name, file) for name, (held, file) in self.fixtures.items() if held is value]
        return f" (the fixture `{fixtures[0][0]}` of {fixtures[0][1]} gives it)" if fixtures else ""

    def _construction_of(self, value: object) -> Construction | None:
        reference, construction = self._constructions.get(id(value), (None, None))
        return construction if reference is not None and reference() is value else None

    def note_construction(self, values: dict[str, Any], kinds: dict[str, str]) -> None:
        """Note the arguments of a constructor; the first of `values` is the object."""
        if self._is_own_work():
            return
        started = time.perf_counter()
        with self._own_work():
            if self._seconds_left <= 0 or len(self._constructions) > CONSTRUCTIONS:
                return
            writer = self._writer()
            try:
                (_, value), *arguments = values.items()
                codes = [code for name, held in arguments for code in _as_arguments(name, kinds[name], held, writer)]
                if not writer.statements:
                    call = f"{writer.imported_name(type(value))}({', '.join(codes)})"
                    requirements = Requirements()
                    requirements.require(writer)  # the writer itself would keep all that it wrote
                    self._constructions[id(value)] = _reference(value), Construction(call, requirements)
            except Exception:  # noqa: BLE001, S110 - the object has no construction, then
                pass
            self._seconds_left -= time.perf_counter() - started

    def note_made(self, value: object, made: MadeBy) -> None:
        """Note how a function made an object, and what is reached from it."""
        if self._is_own_work():
            return
        started = time.perf_counter()
        with self._own_work(), contextlib.suppress(Exception):  # the object has no construction, then
            if self._seconds_left > 0 and len(self._constructions) <= CONSTRUCTIONS:
                writer = self._writer()
                code = made.written(writer)
                if not writer.statements:
                    requirements = Requirements()
                    requirements.require(writer)  # the writer itself would keep all that it wrote
                    itself = [("", value)] if type(value).__module__ != "builtins" else []
                    for part, each in itertools.chain(itself, itertools.islice(parts_of(value), MOST_PARTS)):
                        construction = Construction(code + part, requirements, by_function=True)
                        self._constructions[id(each)] = _reference(each), construction
                        if self.running:
                            self._made.append(id(each))
        self._seconds_left -= time.perf_counter() - started

    def note_function(self, function: types.FunctionType) -> None:
        self._seen["found"], self._seen["is_async"] = True, inspect.iscoroutinefunction(function)
        self._annotations = {name: str(kind) for name, kind in getattr(function, "__annotations__", {}).items()}
        self.write()

    def write(self) -> None:
        with self._own_work():
            self._seen["opened"] = self._opened_in_tree()
            self._seen["sample"], self._seen["looked"] = self._sample.message(), self._sample.count
            self._written = time.perf_counter()
            temporary = f"{self._orders['out']}.{os.getpid()}"
            with open(temporary, "w", encoding="utf-8") as out:
                json.dump(self._seen, out)
            os.replace(temporary, self._orders["out"])

    def _opened_in_tree(self) -> list[str]:
        """Return the data files of the project that were opened, by their paths in the tree."""
        tree = os.path.realpath(self._orders["tree"]) + os.sep
        paths = (os.path.realpath(path) for path in self.opened)
        inside = (path[len(tree) :] for path in paths if path.startswith(tree))
        return [path.replace(os.sep, "/") for path in inside if not path.endswith((".py", ".pyc"))]


def _has_one_input(call: ObservedCall) -> bool:
    """Return whether at most one argument is of some size: several belong together."""
    return sum(size_of(value) > ATOM for value in call.values.values()) <= 1


def _reference(value: object) -> Callable[[], object]:
    try:
        return weakref.ref(value)
    except TypeError:
        return lambda: value


def _as_arguments(name: str, kind: str, value: Any, writer: Writer) -> Iterator[str]:
    """Pass an argument of a constructor, by its name if it has one of its own."""
    if kind == "args":
        yield from ([f"*{writer.write(value, 1)}"] if value else [])
    elif kind == "kwargs":
        yield from (f"{key}={writer.write(inner, 1)}" for key, inner in value.items())
    else:
        yield f"{name}={writer.write(value, 1)}"
