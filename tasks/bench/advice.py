"""What makes measuring on this machine less precise, and what can be done about it."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..processes import cores
from ..storage.hashing import text_of
from . import machine, pressure
from .workers import memory_layout

CPUS, SCHEDSTAT = Path("/sys/devices/system/cpu"), Path("/proc/self/schedstat")
BUSY_LOAD = 0.5
"""Load per core above which the machine is busy with other work."""


class Advice(NamedTuple):
    """What was found, and what to do about it; `fix` is empty if nothing has to be done."""

    what: str
    fix: str = ""


def of_machine() -> Iterator[Advice]:
    """Yield what matters for measuring; base and head take turns, so none of it makes a figure wrong."""
    yield _quiet()
    if memory_layout.can_choose():
        yield Advice("the processes of a launch can share a memory layout")
    else:
        yield Advice(
            "the processes of a launch cannot share a memory layout: intervals will be wider", "install util-linux"
        )
    if not SCHEDSTAT.exists():
        what = "this system does not say how long processes wait for a core: disturbed samples are left out instead"
        yield Advice(what, "close other programs, or measure with --wait-for-quiet")
    if (quota := pressure.quota()) is not None:
        what = f"a CPU quota allows {quota:g} cores' time; when it is used up, processes are stopped"
        yield Advice(what, "measure without a quota, or with one of at least two cores")
    yield from _of_cores()


def _quiet() -> Advice:
    load, number = machine.load(), machine.cores()
    text = f"{machine.cpu_model()}, {number} cores" + (f", load {load:.1f}" if load is not None else "")
    if load is not None and load > BUSY_LOAD * number:
        return Advice(text, "other work makes intervals wider; --wait-for-quiet waits until it has ended")
    return Advice(text)


def _of_cores() -> Iterator[Advice]:
    if not (measuring := cores.one_core()):
        return
    (core,) = measuring
    governor = _setting(f"cpu{core}/cpufreq/scaling_governor")
    if governor not in {"", "performance"}:
        what = f"core {core}, which measures, changes its speed (governor {governor})"
        yield Advice(what, "cpupower frequency-set --governor performance")
    if _setting("intel_pstate/no_turbo") == "0" or _setting("cpufreq/boost") == "1":
        yield Advice("cores run faster while they are cool (turbo)", "switch it off in the system's setup")
    siblings = _setting(f"cpu{core}/topology/thread_siblings_list")
    if siblings not in {"", str(core)}:
        what = f"core {core}, which measures, shares its hardware with another one ({siblings})"
        yield Advice(what, "switch off simultaneous multithreading: echo off > /sys/devices/system/cpu/smt/control")
    if core in cores.isolated():
        yield Advice(f"core {core}, which measures, is isolated from other programs")


def _setting(name: str) -> str:
    return text_of(CPUS / name).strip()
