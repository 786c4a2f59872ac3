"""Calls of known cost: what they do, how long the faster side takes, and the ratios that are compared."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ..peers.target import Work, module

RATIOS = tuple(Fraction(text) for text in ("1/20", "1/4", "1/3", "4/5", "19/20", "49/50", "1", "5/4", "4"))
"""Head over base, in units of work."""

# Every unit costs the same: integers up to 256 are made once and for all, larger ones anew.
_COMPUTING = """def {name}():{{remark}}
    total = 0
    for _ in repeat(None, {{units}}):
        total = (total + 5) & 63
    return "done"
"""
# The garbage collector tracks nothing here but one short list, so no collection begins. Collections come after so many
# objects, in no proportion to the units: 5/4 of the units of `peers.target.ALLOCATING` take 1.227 times as long. Every
# unit is a call of its own: 20 times as many take 20.0 to 20.1 times as long, but 20.1 to 20.4 times in one loop.
_ALLOCATING = """def _allocate():
    for _ in repeat(None, 50):
        kept = [bytes(300), bytes(500), bytes(700), bytes(900)]


def allocating():{remark}
    for _ in repeat(None, {units}):
        _allocate()
    return "done"
"""
# After a sleep caches are cold: without units a call costs 5 µs, and up to 18 µs beside a program that uses all of the
# memory's bandwidth. With sleeps of 0.2 ms that showed even on a quiet machine.
_SLEEPING = """def sleeping():{remark}
    for _ in repeat(None, {units}):
        time.sleep(0.001)
    return "done"
"""
_THREADS = """def threads():{remark}
    for _ in repeat(None, {units}):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(hashlib.sha256, (BYTES, BYTES)))
    return "done"
"""
_AWAITING = """async def awaiting():{remark}
    for _ in repeat(None, {units}):
        await asyncio.sleep(0)
        sum(range(500))
    return "done"
"""


@dataclass(frozen=True)
class Call:
    """A call, the seconds that its faster side should take, and roughly the seconds of one unit.

    Without units it takes at most `nothing` seconds, if that is not known.
    """

    work: Work
    seconds: float
    unit: float
    nothing: float = 0.0

    @property
    def name(self) -> str:
        return self.work.name

    def units(self, ratio: Fraction) -> dict[str, int]:
        """Return the units of base and head: exactly in `ratio`, the fewer about `seconds` long."""
        share = max(1, round(self.seconds / self.unit / min(ratio.numerator, ratio.denominator)))
        return {"base": ratio.denominator * share, "head": ratio.numerator * share}


def _computing(name: str, seconds: float) -> Call:
    return Call(Work(name, _COMPUTING.format(name=name)), seconds, unit=35e-9)


SHORT, MIDDLE, LONG = _computing("short", 20e-6), _computing("middle", 1e-3), _computing("long", 30e-3)
GROUPS = {
    "computing": (SHORT, MIDDLE, Call(Work("allocating", _ALLOCATING), 1e-3, unit=23e-6)),
    "alone": (MIDDLE,),
    "long": (LONG,),
    "waiting": (
        Call(Work("sleeping", _SLEEPING), 4e-3, unit=1.07e-3, nothing=20e-6),
        Call(Work("threads", _THREADS), 1e-3, unit=0.35e-3),
        Call(Work("awaiting", _AWAITING), 1e-3, unit=14e-6),
    ),
}
"""The calls that one comparison measures together, in one benchmark file."""
ASYNCHRONOUS = frozenset({"awaiting"})
"""What only prprep can time: the peers would time the making of the coroutine."""


def tag(side: str, ratio: Fraction) -> str:
    return f"{side}-{ratio.numerator}-{ratio.denominator}"


def tags(calls: tuple[Call, ...]) -> dict[str, dict[str, int]]:
    """Return the units of every call for the tags of all ratios, base and head one after the other."""
    return {
        tag(side, ratio): {call.name: call.units(ratio)[side] for call in calls}
        for ratio in RATIOS
        for side in ("base", "head")
    }


@dataclass(frozen=True)
class Cost:
    """Seconds of one unit, and of a call without units."""

    unit: float
    nothing: float

    def truth(self, units: dict[str, int]) -> float:
        """Return the true ratio head/base: that of the units, corrected for what a call costs without them."""
        return (units["head"] + self.nothing / self.unit) / (units["base"] + self.nothing / self.unit)


def cost_of_short() -> Cost:
    """Measure the one call in which a call without units counts, by the least of many times in turns."""
    code = """
import time
least = {}
for _ in range(300):
    for units, function in FUNCTIONS.items():
        begun = time.perf_counter_ns()
        for _ in range(200):
            function()
        took = (time.perf_counter_ns() - begun) / 200e9
        least[units] = min(took, least.get(units, took))
print((least[6000] - least[0]) / 6000, least[0])
"""
    parts = ["FUNCTIONS = {}"]
    for units in (0, 6000):
        parts += [module([SHORT.work], {"short": units}), f"FUNCTIONS[{units}] = short"]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([*parts, code])], capture_output=True, text=True, check=True, cwd=Path("/")
    )
    unit, nothing = map(float, done.stdout.split())
    return Cost(unit, nothing)
