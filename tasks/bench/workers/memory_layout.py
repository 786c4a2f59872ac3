"""Give all processes of one launch the same memory layout, and every launch another one, drawn by lot.

Two processes of the same code differ by what their addresses happen to be: with address space randomization a function that
filled a dictionary differed by 24 % from one process to the next, without it by half a per cent. A layout that is the same every
time would hide that as a bias of the one layout (Mytkowicz, Diwan, Hauswirth and Sweeney, "Producing wrong data without doing
anything obviously wrong", 2009), so it is drawn anew for each launch (as Curtsinger and Berger, "Stabilizer", 2013), and is common
to the sides of a launch. Linux places mappings below the stack's limit, so that this limit moves all of them against the heap.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

LOWEST_STACK = 128 << 20
"""Below this the kernel's place for mappings does not follow the limit."""
PLACES = 1 << 14
"""Pages over which the place is drawn, so that every bit of an address that caches look at varies."""
PAGE = 4096
PADDING = "PRPREP_PADDING"
LONGEST_PADDING = 1 << 16


@dataclass(frozen=True, slots=True)
class MemoryLayout:
    """One draw: `stack` is the soft limit in bytes, `offset` what arguments and environment take of the stack, modulo 64 KiB."""

    stack: int
    offset: int

    @property
    def wrapper(self) -> tuple[str, ...]:
        """Return what goes before a command to run it in this layout."""
        return (*_tools(), f"--stack={self.stack}:")

    def padded(self, environment: Mapping[str, str], command: Sequence[str | Path]) -> dict[str, str]:
        """Lengthen the environment, so that the stack begins at the same place for any side's paths."""
        taken = sum(len(os.fsencode(f"{name}={value}")) + 1 for name, value in environment.items())
        taken += sum(len(os.fsencode(word)) + 1 for word in command) + len(os.fsencode(command[0])) + len(PADDING) + 2
        return {**environment, PADDING: "x" * ((self.offset - taken) % LONGEST_PADDING)}


def draw(lots: random.Random) -> MemoryLayout | None:
    """Draw a layout; None where the system does not let a process choose (no util-linux, no Linux, a strict container)."""
    stack, offset = LOWEST_STACK + PAGE * lots.randrange(PLACES), 16 * lots.randrange(LONGEST_PADDING // 16)
    return MemoryLayout(stack, offset) if can_choose() else None


def usual_stack() -> int:
    """Return the soft limit that processes have without us, which a worker takes back on."""
    return resource.getrlimit(resource.RLIMIT_STACK)[0]


@cache
def can_choose() -> bool:
    """Try it once: containers may forbid either step."""
    tools = _tools()
    if not tools:
        return False
    tried = [*tools, f"--stack={LOWEST_STACK + PAGE * PLACES}:", "/bin/true"]
    return subprocess.run(tried, capture_output=True, check=False, stdin=subprocess.DEVNULL).returncode == 0


@cache
def _tools() -> tuple[str, ...]:
    """Return util-linux's two programs with full paths: the target's PATH may lead elsewhere."""
    setarch, prlimit = shutil.which("setarch"), shutil.which("prlimit")
    return (setarch, "-R", prlimit) if setarch and prlimit else ()
