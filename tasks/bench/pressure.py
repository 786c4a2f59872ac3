"""What others take from this process's cores: other programs, a hypervisor, the quota of a container."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

import psutil

from ..processes import beside
from ..processes.cores import all_cores
from ..storage.hashing import text_of

PROC, CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")


class Pressure(NamedTuple):
    """Seconds of all cores so far, of those the ones a hypervisor took, and how long a CPU quota stopped processes."""

    all: float
    stolen: float
    throttled: float

    @classmethod
    def now(cls) -> Self:
        times = psutil.cpu_times()
        return cls(sum(times), getattr(times, "steal", 0.0), sum(_throttled()))

    def stolen_since(self, before: Pressure) -> float:
        """Return the share of all cores' time that a hypervisor took since an earlier reading."""
        return (self.stolen - before.stolen) / max(self.all - before.all, 1e-9)


def busy_share(seconds: float) -> float | None:
    """Return the share of this process's cores that programs use, watched for some `seconds`; None if not known.

    prprep and what it runs, such as what sets up another item meanwhile, do not count.
    """
    # psutil's own percentages are wrong for less than a second: it divides by a whole one.
    own, (total, idle) = _seconds_of(beside.family()), _core_seconds()
    time.sleep(seconds)
    own_after, (total_after, idle_after) = _seconds_of(beside.family()), _core_seconds()
    if total_after <= total:
        return None
    return max(0.0, 1 - (idle_after - idle + own_after - own) / (total_after - total))


def _core_seconds() -> tuple[float, float]:
    """Return the seconds of this process's cores so far, and those of them that were idle."""
    times = psutil.cpu_times(percpu=True)
    ours = [each for core, each in enumerate(times) if core in (all_cores() or range(len(times)))]
    # The time of guests counts for the user as well.
    total = sum(sum(each) - getattr(each, "guest", 0.0) - getattr(each, "guest_nice", 0.0) for each in ours)
    return total, sum(each.idle + getattr(each, "iowait", 0.0) for each in ours)


def _seconds_of(processes: Iterable[int]) -> float:
    """Return the CPU seconds of a process and its descendants so far; of those that have ended, their parents know."""
    seconds = 0.0
    for process in processes:
        with suppress(psutil.Error):
            seconds += sum(psutil.Process(process).cpu_times()[:4])
    return seconds


def quota() -> float | None:
    """Return how many cores' time the container's CPU quota allows; None without a quota."""
    quotas = list(_quotas())
    return min(quotas) if quotas else None


def _throttled() -> Iterator[float]:
    for folder in _groups():
        for line in text_of(folder / "cpu.stat").splitlines():
            match line.split():
                case ["throttled_usec", number]:
                    yield int(number) / 1e6
                case ["throttled_time", number]:  # the first version of cgroups
                    yield int(number) / 1e9


def _quotas() -> Iterator[float]:
    for folder in _groups():
        for line in text_of(folder / "cpu.max").splitlines():
            limit, period = line.split()
            if limit.isdigit():  # it is `max` without a quota
                yield int(limit) / int(period)
        # The first version of cgroups; its quota is -1 if there is none.
        limit, period = (text_of(folder / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period"))
        if limit.isdigit() and period.isdigit():
            yield int(limit) / int(period)


def _groups() -> Iterator[Path]:
    """Yield the control groups of the CPU that this process is in, up to the root: each may have a quota."""
    for line in text_of(PROC / "self/cgroup").splitlines():
        controllers, name = line.split(":", 2)[1:]
        if not controllers or "cpu" in controllers.split(","):
            root = CGROUPS / "cpu" if controllers else CGROUPS
            group = root / name.lstrip("/")
            # A container sees its own group as the root, whatever its name outside.
            yield from (folder for folder in (group, *group.parents) if folder.is_relative_to(root) and folder.is_dir())
