"""Time the import of modules in fresh interpreters, base and head in turns (ABBA)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .. import process
from ..artifacts import SIDES, Launch, Measurement, MetricName, Module, Side
from ..errors import MeasuringError
from .channel import Channel, ClosedError, Message, TimeLimitError
from .lockstep import order
from .provenance import prove
from .sequence import Sampling
from .workers import WORKER_FOLDER, Settings, core, hash_seed, trees, variables

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from ..progress import Report
    from .request import Request

LOOKS = (8, 14, 24, 40)

Modules = dict[Side, tuple[Module, ...]]


def measure_imports(request: Request, lots: random.Random, report: Report) -> tuple[tuple[Measurement, ...], Modules]:
    """Import `request.modules` again and again; a launch is four fresh interpreters with one hash seed.

    One untimed import on either side comes first: it writes the compiled files, and shows where the modules come
    from. What a second import costs, in the same process or for lack of compiled files, is not measured.
    """
    key, modules = f"import {', '.join(request.modules)}", Modules()
    sampling = Sampling(request, metric=MetricName.IMPORT, looks=LOOKS)
    try:
        for side in SIDES:
            answer = _import(request, side, _settings(request, lots, sampling))
            modules[side] = prove(answer["modules"], side=side, request=request)
        while sampling.goes_on():
            began = time.monotonic()
            launch = _quad(request, lots, sampling)
            sampling.add({key: launch}, spent=time.monotonic() - began)
            report(f"import: {sampling.line()}")
    except TimeLimitError:
        sampling.cut()
    return sampling.measurements(), modules


def _quad(request: Request, lots: random.Random, sampling: Sampling) -> Launch:
    first: Side = "base" if lots.random() < 0.5 else "head"  # noqa: PLR2004 - a coin
    settings = _settings(request, lots, sampling)
    seconds: dict[Side, list[float]] = {"base": [], "head": []}
    for side in order(first):
        seconds[side].append(_import(request, side, settings)["wall"] / 1e9)
    return Launch(first=first, seed=settings.seed, base=tuple(seconds["base"]), head=tuple(seconds["head"]))


def _settings(request: Request, lots: random.Random, sampling: Sampling) -> Settings:
    return Settings(hash_seed(lots), core=core(pin=request.pin), deadline=sampling.deadline)


def _import(request: Request, side: Side, settings: Settings) -> Message:
    place = request.side(side)
    lists = ("\n".join(words) for words in (request.modules, request.packages, trees(request)))
    pinned = "" if settings.core is None else str(settings.core)
    with Channel() as channel:
        read, write = channel.inherited
        command: tuple[str | Path, ...] = (place.python, WORKER_FOLDER / "prprep_import_timer.py", str(write), pinned, *lists)
        environment = variables(place, settings, {})
        with process.start(command, cwd=place.tree / request.project, env=environment, pass_fds=(read, write)) as running:
            channel.handed_over()
            try:
                answer = channel.receive(settings.deadline)
            except ClosedError:
                answer = {"error": f"the interpreter ended with exit code {running.wait()}", "text": running.tail()}
            if "error" in answer:
                raise _failed(request, side, answer)
            running.wait()
            return answer


def _failed(request: Request, side: Side, answer: Message) -> MeasuringError:
    told = "\n".join(answer["text"].strip().splitlines()[-12:])
    return MeasuringError(
        f"importing {', '.join(request.modules)} failed on {side}: {answer['error']}" + (f"\n{told}" if told else ""),
        now="name modules that both commits have; nothing was measured",
    )
