"""Time the import of modules in fresh interpreters, all sides in turns, and tell which modules came and went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...artifacts import SIDES, MetricName, Module, Side
from ...errors import MeasuringError
from ..provenance import prove
from ..request import MeasurementResult
from ..time.sequence import Sampling, deadline_of
from ..workers.channel import TimeLimitError
from . import import_trace
from .fresh import LOOKS, Clocks, Program, answer, drawn, lines, listed, told

if TYPE_CHECKING:
    import random

    from ...processes.progress import Report
    from ..request import Request, Role
    from ..workers.channel import Message
    from ..workers.workers import Settings

Modules = dict[Side, tuple[Module, ...]]


def time_imports(request: Request, lots: random.Random, report: Report) -> MeasurementResult:
    """Import `request.modules` again and again; a launch is two fresh interpreters a side, with one hash seed and memory layout.

    One untimed import on every side comes first: it shows where the modules come from, and leaves compiled files of
    all that it loads, even where the target has Python write none. So what is timed is the first import in a process,
    with compiled files, which is what an installed package costs.
    """
    key = f"import {', '.join(request.modules)}"
    sampling = Sampling(request, metric=MetricName.IMPORT, looks=LOOKS)
    clocks, modules = Clocks(request, lots, sampling), Modules()
    try:
        modules = _prepared(request, drawn(request, lots, sampling.deadline))
        while sampling.goes_on():
            clocks.sample({key: partial(_import, request)})
            report(f"import: {sampling.line()}")
    except TimeLimitError:
        sampling.cut()
    timed = MeasurementResult(measurements=clocks.measurements(), modules=modules)
    trace = _trace(request, lots, report)
    return replace(timed, imported=trace.modules, notes=tuple(_notes(request, trace)))


def _prepared(request: Request, settings: Settings) -> Modules:
    """Import once on every side, compile what is not, and prove where the project's modules come from."""
    found = {}
    for role in request.roles:
        modules = _import(request, role, settings, prepare=True)["modules"]
        found[role] = prove(modules, side=role, request=request)
    base, control = ({module.path: module.blob for module in found.get(role, ())} for role in ("base", "control"))
    if other := sorted(path for path in base.keys() & control.keys() if base[path] != control[path]):
        raise MeasuringError(
            "this file of the control is not base's", where=other[0], hint="delete prprep's cache and run doit again"
        )
    return {side: found[side] for side in SIDES}


def _trace(request: Request, lots: random.Random, report: Report) -> import_trace.Trace:
    """Let Python itself tell what it imports, after the timing and in interpreters of its own."""

    def traced(role: Role, log: Path) -> list[str]:
        names: list[str] = _import(request, role, settings, log=log)["names"]
        return names

    report("import: tracing what is imported")
    settings = drawn(request, lots, deadline_of(request))
    try:
        return import_trace.trace(traced)
    except TimeLimitError:
        return import_trace.Trace()


def _notes(request: Request, trace: import_trace.Trace) -> Iterator[str]:
    if trace.loaded:
        names = ", ".join(f"`{module}`" for module in request.modules)
        yield f"Importing {names} loads {trace.loaded['base']:,} modules at base and {trace.loaded['head']:,} at head."
    else:
        yield "Which modules came and went is not known: tracing the imports took longer than the time limit."


def _import(
    request: Request, role: Role, settings: Settings, *, prepare: bool = False, log: Path | None = None
) -> Message:
    """Import in one fresh interpreter; with `log`, that gets the lines of `-X importtime`."""
    words = (lines(request.modules), *listed(request), "prepare" if prepare else "")
    options = ("-X", "importtime") if log else ()
    message = answer(request, role, settings, Program("startup/import_timer.py", words, options=options, log=log))
    if "early" in message:
        raise _early(message["early"], role)
    if "error" in message:
        now = "name modules that both commits have; nothing was measured"
        raise MeasuringError(_named(request, role) + message["error"] + told(message["text"]), hint=now)
    return message


def _named(request: Request, role: Role) -> str:
    return f"importing {', '.join(request.modules)} failed on {role}: "


def _early(names: list[str], role: Role) -> MeasuringError:
    what = f"`{names[0]}` is imported on {role} as soon as Python starts, so its import cannot be timed"
    now = "remove what imports it in every interpreter (a sitecustomize module, a .pth file); nothing was measured"
    return MeasuringError(what, hint=now)
