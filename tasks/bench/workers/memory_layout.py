"""Start all processes of one launch in the same memory layout, and every launch in another, random one.

Two processes of the same code differ by their addresses: with address space randomization a function that filled a
dictionary differed by 24 % from one process to the next, without it by half a per cent. One layout for all launches
would hide its bias (Mytkowicz, Diwan, Hauswirth and Sweeney, "Producing wrong data without doing anything obviously
wrong", 2009), so each launch draws its own (as Curtsinger and Berger, "Stabilizer", 2013), common to its sides. Linux
places mappings below the stack's limit, so that this limit moves all of them against the heap.
"""

import os
import random
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LOWEST_STACK = 128 << 20
"""Below this limit the kernel's place for mappings does not follow it."""
PLACES = 1 << 14
"""Pages that the place is drawn from, so that every bit of an address that caches use varies."""
PAGE = 4096
PADDING = "PRPREP_PADDING"
LONGEST_PADDING = 1 << 16


@dataclass(frozen=True, slots=True)
class MemoryLayout:
    """The stack's soft limit, and what arguments and environment take of it modulo LONGEST_PADDING, in bytes."""

    stack: int
    offset: int

    @property
    def wrapper(self) -> tuple[str, ...]:
        return (*_tools(), f"--stack={self.stack}:")

    def padded(self, environment: Mapping[str, str], command: Sequence[str | Path]) -> dict[str, str]:
        """Lengthen the environment, so that the stack begins at the same place whatever the paths of a side."""
        taken = sum(len(os.fsencode(f"{name}={value}")) + 1 for name, value in environment.items())
        taken += sum(len(os.fsencode(word)) + 1 for word in command) + len(os.fsencode(command[0])) + len(PADDING) + 2
        return {**environment, PADDING: "x" * ((self.offset - taken) % LONGEST_PADDING)}


def draw(rng: random.Random) -> MemoryLayout | None:
    """Draw a layout; None if a process cannot choose (no util-linux, no Linux, a strict container)."""
    stack, offset = LOWEST_STACK + PAGE * rng.randrange(PLACES), 16 * rng.randrange(LONGEST_PADDING // 16)
    return MemoryLayout(stack, offset) if can_choose() else None


@cache
def can_choose() -> bool:
    """Try both steps, since containers may forbid either."""
    tools = _tools()
    if not tools:
        return False
    command = [*tools, f"--stack={LOWEST_STACK + PAGE * PLACES}:", "/bin/true"]
    return subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL).returncode == 0


@cache
def _tools() -> tuple[str, ...]:
    """Return the command of util-linux, with full paths: the project's PATH may find other programs."""
    setarch, prlimit = shutil.which("setarch"), shutil.which("prlimit")
    return (setarch, "-R", prlimit) if setarch and prlimit else ()
