"""Describe the machine that numbers are taken on."""

import os
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from ..artifacts import Load
from ..errors import CommandFailedError
from ..processes import programs
from ..processes.cores import all_cores
from ..storage.hashing import text_of
from .pressure import Pressure

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Beginning:
    """The load average and what was taken from this machine when a measurement began."""

    average: float | None
    pressure: Pressure

    @classmethod
    def now(cls) -> Self:
        return cls(load(), Pressure.now())

    def until_now(self, preempted: float) -> Load:
        """Return the load of the measurement, in which other processes took the core from a share of the blocks."""
        after = Pressure.now()
        return Load(
            before=self.average,
            after=load(),
            cores=cores(),
            preempted=preempted,
            stolen=after.stolen_since(self.pressure),
            throttled=after.throttled - self.pressure.throttled,
        )


def platform_description(python_version: str) -> str:
    """Return the machine in one line, like `Apple M3 — 8 cores, 24 GiB RAM, Python 3.12.13`."""
    return f"{kind()}, Python {python_version}"


def kind() -> str:
    """Return what machines of one kind have in common, as `platform_description` begins."""
    ram = gibibytes(psutil.virtual_memory().total)
    return f"{cpu_model()} — {cores()} core{'' if cores() == 1 else 's'}, {ram} GiB RAM"


def cpu_model() -> str:
    """Return the processor's name as its maker spells it, else the architecture."""
    if sys.platform == "darwin":
        name = _sysctl("machdep.cpu.brand_string")
    else:
        name = model_of(text_of(Path("/proc/cpuinfo")))
    return name or platform.machine() or "unknown processor"


def model_of(cpuinfo: str) -> str:
    """Find the model in the text of /proc/cpuinfo: x86 says `model name`, some Arm boards `Model` or `Hardware`."""
    for key in ("model name", "Model", "Hardware", "cpu model"):
        if match := re.search(rf"^{key}\s*:\s*(\S.*)$", cpuinfo, re.MULTILINE):
            bare = re.sub(r"\((R|TM|tm|r)\)|\bCPU\b|@.*$", "", match[1])
            return " ".join(bare.split())
    return ""


def cores() -> int:
    """Count the logical processors that this process may use."""
    return len(all_cores()) or os.cpu_count() or 1


def gibibytes(size: int) -> int:
    """Round to the size of the memory modules: the kernel reserves a little of it."""
    return max(1, round(size / GIB))


def load() -> float | None:
    """Return the 1-minute load average."""
    try:
        return os.getloadavg()[0]
    except (OSError, AttributeError):
        return None


def _sysctl(name: str) -> str:
    try:
        return programs.run(["sysctl", "-n", name], cwd=Path("/"), timeout=10).output.strip()
    except CommandFailedError:
        return ""
