"""Let prprep's coordinator decide when each call of the `benchmark` fixture is made: a pytest plugin.

The test stays an ordinary pytest-benchmark test. Instead of running its rounds, the fixture sends `ready` and obeys
orders, one JSON object per line over two inherited pipes:

    run     time a block of rounds
    settle  collect garbage and freeze what is left; say whether children can be forked
    fork    let a forked child obey `run`, until `leave`
    next    continue with the test

and those of ORDERS, whose modules are imported on the first such order: none is loaded while anything is timed.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import json
import os
import resource
import sys
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest

from prprep_worker.benchmark.calls import Calls, Message, drive
from prprep_worker.benchmark.children import fork, is_forkable
from prprep_worker.forking import adopt_orphans, write_all
from prprep_worker.places import real_path
from prprep_worker.unknown_options import DROPPED
from prprep_worker.values.description import describe
from prprep_worker.values.places import name_folders_of

VERSION = 1
EXPENSIVE_SECONDS = 0.02
"""If a call takes longer, its value is kept for the test instead of being computed again."""
ORDERS = {
    "again": "prprep_worker.values.description",
    "track": "prprep_worker.memory.tracking",
    "repeat": "prprep_worker.memory.repeating",
    "try": "prprep_worker.inputs.trying",
    "profile": "prprep_worker.profiling.functions",
    "count": "prprep_worker.profiling.instructions",
    "watch": "prprep_worker.benchmark.watch",
}
"""The module that obeys each order, in a coroutine `NAME_(order, calls, described)` that returns the answer."""
MARKERS = ("benchmark", "codspeed_benchmark")
TOLERATED = (
    "codspeed", "codeflash", "timeout", "flaky", "xdist_group", "order", "run", "repeat", "limit_memory", "limit_leaks",
)  # fmt: skip
"""Markers of plugins that are switched off."""

# Bound now: a test may replace what the module `os` offers.
_read, _leave = os.read, os._exit


class CoordinatorChannel:
    """Two pipes to the coordinator; if it is gone, this process ends."""

    def __init__(self, read: int, write: int) -> None:
        for descriptor in (read, write):
            os.set_inheritable(descriptor, False)  # noqa: FBT003
        self._in, self._out, self._rest = read, write, b""

    def send(self, kind: str, **fields: object) -> None:
        try:
            write_all(self._out, json.dumps({"kind": kind, **fields}).encode() + b"\n")
        except BrokenPipeError:
            _leave(70)

    def receive(self) -> Message:
        while b"\n" not in self._rest:
            chunk = _read(self._in, 1 << 16)
            if not chunk:
                _leave(70)
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)


class LoadedModules:
    """The project's modules that are loaded: those of its packages, and whatever lies in one of the trees."""

    def __init__(self, packages: Sequence[str], trees: Sequence[str]) -> None:
        self._packages, self._trees = set(packages), tuple(tree + os.sep for tree in trees)
        self._seen: dict[str, str] = {}
        self._ahead: list[dict[str, str]] = []

    def look_ahead(self) -> None:
        """Resolve what is loaded already, while nothing is measured."""
        self._ahead = self.new()

    def new(self) -> list[dict[str, str]]:
        """Return name and real path of each module that was not returned before."""
        modules, self._ahead, folders = self._ahead, [], {}
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if not isinstance(file, str) or self._seen.get(name) == file:
                continue
            self._seen[name] = file
            path = real_path(file, folders)
            if path and (name.partition(".")[0] in self._packages or path.startswith(self._trees)):
                modules.append({"name": name, "path": path})
        return modules


def _options() -> Message:
    options = json.loads(os.environ.pop("PRPREP_WORKER", "{}"))
    if options.get("version") != VERSION:
        raise pytest.UsageError("only prprep starts prprep_worker: it needs the pipes that prprep opens")
    # The project's code must not see what the launch's memory layout needed.
    os.environ.pop("PRPREP_PADDING", None)
    if options["stack"] is not None:
        resource.setrlimit(resource.RLIMIT_STACK, (options["stack"], resource.getrlimit(resource.RLIMIT_STACK)[1]))
    adopt_orphans()
    if options["cores"]:
        # Before the project is imported: libraries size their thread pools by the available cores.
        os.sched_setaffinity(0, options["cores"])
    return options


OPTIONS = _options()
name_folders_of(OPTIONS["trees"])
if OPTIONS["watch"]:
    importlib.import_module("prprep_worker.opened").install()
CHANNEL = CoordinatorChannel(OPTIONS["read"], OPTIONS["write"])
LOADED_MODULES = LoadedModules(OPTIONS["packages"], OPTIONS["trees"])
_turns = {}


def take_over(node: str, calls: Calls, fixture: object = None) -> object:
    """Serve the coordinator instead of running the fixture's rounds, then return what the call returned.

    Under a running event loop a coroutine function's benchmark is itself a coroutine, for the test to await.
    """
    if OPTIONS["watch"]:
        importlib.import_module(ORDERS["watch"]).before(calls)
    calls.begin()
    served = _serve(node, calls, fixture)
    if not calls.awaited:
        return drive(served)
    if _under_a_loop():
        return served
    return _run_in_a_loop(served)


async def _serve(node: str, calls: Calls, fixture: object) -> object:
    value = await calls.result()
    CHANNEL.send("ready", modules=LOADED_MODULES.new(), **_introduction(node, calls))
    samples, described = [], None
    if OPTIONS["describe"]:
        described = await _described(value, calls)
        CHANNEL.send("described", value=described)
    keep = calls.seconds >= EXPENSIVE_SECONDS and not (described and described["consumed"])
    if not keep:
        value = None
    try:
        while True:
            order = CHANNEL.receive()
            if order["do"] == "next":
                break
            if order["do"] == "settle":
                described = None
            if order["do"] == "fork":
                fork(CHANNEL, calls)
                continue
            CHANNEL.send(**await _obey(order, calls, described=described, samples=samples))
    finally:
        gc.unfreeze()
    if fixture is not None:
        _fill_stats(fixture, samples or [calls.seconds])
    return value if keep else await calls.value()


async def _described(value: object, calls: Calls) -> Message:
    """Describe what a call returned; if that says little, also what the changed functions returned."""
    described = describe(value)
    module = importlib.import_module("prprep_worker.benchmark.returned")
    little = described["tree"]["type"] in module.SAYING_LITTLE
    functions = await module.returned(calls, **OPTIONS["describe"]) if little else []
    return {**described, "functions": functions}


async def _obey(order: Message, calls: Calls, *, described: Message | None, samples: list[float]) -> Message:
    if order["do"] == "run":
        block = await calls.block(order["rounds"], order["phase"])
        if order["timed"]:
            samples.append(block["wall"] / 1e9 / (order["rounds"] * calls.iterations))
        return {"kind": "block", **block}
    if order["do"] == "settle":
        gc.collect()
        gc.freeze()
        return {"kind": "settled", "forkable": is_forkable(calls)}
    obey = getattr(importlib.import_module(ORDERS[order["do"]]), order["do"] + "_")
    return await obey(order, calls, described)


def _introduction(node: str, calls: Calls) -> Message:
    _turns[node] = turn = _turns.get(node, 0) + 1
    return {
        "node": node,
        "turn": turn,
        "seconds": calls.seconds,
        "elsewhere": calls.elsewhere,
        "iterations": calls.iterations,
        "warmup": calls.warmup,
        "awaited": calls.awaited,
    }


def _fill_stats(fixture: Any, samples: list[float]) -> None:
    """Let the test read `benchmark.stats` as after pytest-benchmark's own rounds."""
    stats = fixture._make_stats(1)  # noqa: SLF001
    for seconds in samples:
        stats.update(seconds)


def _under_a_loop() -> bool:
    asyncio, trio = sys.modules.get("asyncio"), sys.modules.get("trio")
    if asyncio and asyncio._get_running_loop() is not None:  # noqa: SLF001 - the public one raises
        return True
    return bool(trio) and trio.lowlevel.in_trio_run()


def _run_in_a_loop(served: Coroutine[Any, Any, object]) -> object:
    import asyncio

    loop = asyncio.new_event_loop()
    try:
        value = loop.run_until_complete(served)
        loop.run_until_complete(loop.shutdown_asyncgens())
        return value
    finally:
        loop.close()


def _patch(fixture_class: Any) -> None:
    signature = inspect.signature(fixture_class.pedantic)

    def call(self: Any, function_to_benchmark: Any, *args: Any, **kwargs: Any) -> object:
        self._mode = "benchmark(...)"
        return take_over(self.fullname, Calls(function_to_benchmark, args, kwargs, disable_gc=self._disable_gc), self)

    def pedantic(self: Any, *args: Any, **kwargs: Any) -> object:
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        options = bound.arguments
        self._mode = "benchmark.pedantic(...)"
        calls = Calls(
            options["target"],
            options["args"],
            options["kwargs"],
            setup=options["setup"],
            teardown=options.get("teardown"),
            iterations=options["iterations"],
            warmup=options["warmup_rounds"],
            disable_gc=self._disable_gc,
        )
        return take_over(self.fullname, calls, self)

    fixture_class.__call__, fixture_class.pedantic = call, pedantic


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    try:
        from pytest_benchmark.fixture import BenchmarkFixture
    except ImportError as error:
        raise pytest.UsageError(f"pytest-benchmark cannot be imported: {error}") from None
    _patch(BenchmarkFixture)
    for marker in (*MARKERS, *TOLERATED):
        config.addinivalue_line("markers", f"{marker}: known to prprep")
    if OPTIONS["watch"]:
        importlib.import_module(ORDERS["watch"]).install()
    CHANNEL.send("hello", version=VERSION)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that measure nothing; the others get pytest-benchmark's fixture."""
    others = [item for item in items if not (_uses_fixture(item) or _is_marked(item))]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if _uses_fixture(item) or _is_marked(item)]
    for item in items:
        _drop_fallbacks(item)


def _drop_fallbacks(item: Any) -> None:
    """Leave out what a conftest defines in place of pytest-benchmark's fixture, if a plugin is not installed."""
    definitions = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    known = definitions.get("benchmark", ())
    if len(used := _without_fallbacks(known)) < len(known):
        definitions["benchmark"] = used
        item._initrequest()  # noqa: SLF001 - before version 9 pytest has copied the definitions


def _without_fallbacks(definitions: Sequence[Any]) -> Sequence[Any]:
    """Return the first definition and those that extend the one before them, as they request `benchmark` themselves."""
    own = next((index for index, each in enumerate(definitions) if not each.baseid), -1)
    return [each for index, each in enumerate(definitions) if index <= own or "benchmark" in each.argnames]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    # This takes time, and the process may be one that starts while another one is measured.
    LOADED_MODULES.look_ahead()
    gc.collect()
    gc.freeze()
    CHANNEL.send("collected", tests=[item.nodeid for item in session.items], unknown=DROPPED)
    CHANNEL.receive()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Measure the whole test if it has codspeed's or codeflash's marker but lacks the fixture."""
    if _uses_fixture(pyfuncitem) or not _is_marked(pyfuncitem):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}  # noqa: SLF001
    take_over(pyfuncitem.nodeid, Calls(pyfuncitem.obj, (), arguments))
    return True


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.outcome != "passed":
        CHANNEL.send("uncollected", node=report.nodeid, outcome=report.outcome, text=_text(report))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.outcome != "passed":
        outcome = "xfailed" if report.outcome == "skipped" and hasattr(report, "wasxfail") else report.outcome
        CHANNEL.send("test", node=report.nodeid, outcome=outcome, when=report.when, text=_text(report))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if "hypothesis" not in sys.modules:
        # Its plugin imports it only to summarize that it did nothing: a third of a short launch.
        session.config.pluginmanager.set_blocked("hypothesispytest")
    # Five collections of pytest's and one of the interpreter's follow, which took a quarter of a short launch.
    gc.freeze()
    CHANNEL.send("end", status=int(exitstatus))


def _uses_fixture(item: pytest.Item) -> bool:
    return bool({"benchmark", "benchmark_weave"} & set(getattr(item, "fixturenames", ())))


def _is_marked(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(marker) for marker in MARKERS)


def _text(report: pytest.CollectReport | pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[-1])
    return "\n".join(report.longreprtext.splitlines()[-25:])
