"""Sample the memory of a process and its child processes together, from outside, while a call lets them work.

Linux divides each page by the number of processes that map it (proportional set size, in /proc/PID/smaps_rollup), so
the sum over all of them counts each page once. Only memory that a program writes counts (anonymous and shared); what is
read from files can be dropped at any time.
"""

import resource
import threading
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from ...processes.descendants import descendants
from ...storage.hashing import text_of

MOST_UNSEEN, MOST_UNSEEN_BYTES = 0.25, 1 << 18
"""Share of the peak, and bytes, that others may count more than the samples: a short peak lies between two of them, and
the kernel's high-water marks are not exact."""
NOT_REPORTED = "and this system does not report the memory of several processes together"
NOT_SHOWN = "and samples of their memory do not show all of it"
NOT_OVER = "of which some still run after it has returned"
IDLE = 1_000_000
"""Nanoseconds of CPU time that a process may use without being part of the calls: one that waits wakes at times."""
PROC, PAGE = Path("/proc"), resource.getpagesize()
MOST_MEANWHILE = 1 << 20
"""Bytes that a process may get between two readings of one sample."""
PAUSE = 0.0005
"""Seconds between two samples."""
FIRST_TRIES = 50

_COUNTED = ("Pss_Anon", "Pss_Shmem", "SwapPss")


class Window(NamedTuple):
    """A call: nanoseconds at which it began and ended, and the bytes that its own process held before."""

    began: int
    ended: int
    held: int


class Reading(NamedTuple):
    """Memory of a process in bytes, its page faults, and nanoseconds of CPU time.

    `held` is its part of the memory, `private` what it does not share with any process; `highest` is the most that was
    ever resident, `resident` what is now.
    """

    held: int
    private: int
    highest: int
    resident: int
    faults: int
    cpu: int


class Sweep(NamedTuple):
    """Readings of all processes, by process id, that were alive from its beginning to its end."""

    began: int
    ended: int
    readings: Mapping[int, Reading]

    def held(self, *, without: Collection[int] = ()) -> int:
        """Return the bytes of all processes, without those that some of them do not share."""
        readings = self.readings.items()
        return sum(each.held - (each.private if process in without else 0) for process, each in readings)


class Ended(NamedTuple):
    """Page faults of the child processes that ended in some calls, and the processes that did not.

    `more` is by how many these are more than before the first call.
    """

    faults: int
    living: Collection[int]
    more: int = 0


class Repeated(NamedTuple):
    """Calls one after the other, at least one, and what ended in them."""

    windows: Sequence[Window]
    ended: Ended

    @property
    def faults(self) -> float:
        """Those of the processes that ended, by call on average."""
        return self.ended.faults / len(self.windows)


@dataclass(frozen=True, slots=True)
class PeakTogether:
    """The most that a call added at one time, in bytes; None if it is not known, because of `why_not`."""

    peak: float | None
    why_not: str = ""


def peak_together(
    sweeps: Sequence[Sweep], repeated: Sequence[Repeated], *, root: int, counted: int, has_children: bool
) -> PeakTogether:
    """Return the peak of calls in the process `root` and its child processes, above what `root` held before.

    The first sweep was before the calls: children that it has, and that were idle since, are not part of them.
    `counted` is the peak of the processes that memray followed, in bytes, of which none may be missing; `has_children`
    says that child processes worked in the call that it tracked.
    """
    if not sweeps:
        return PeakTogether(None, NOT_REPORTED)
    if repeated[-1].ended.more > 0:
        return PeakTogether(None, NOT_OVER)
    within = {window: _within(window, sweeps) for each in repeated for window in each.windows}
    seen = [sweep for found in within.values() for sweep in found]
    if not seen:
        return PeakTogether(None, NOT_SHOWN)
    before, last = sweeps[0].readings, _last(seen)
    if has_children and last.keys() <= {root} and not any(each.ended.faults for each in repeated):
        return PeakTogether(None, NOT_SHOWN)
    idle = {
        process for process in (before.keys() & last.keys()) - {root} if last[process].cpu - before[process].cpu < IDLE
    }
    peak = max(sweep.held(without=idle) - window.held for window, found in within.items() for sweep in found)
    # All calls do the same: if the peak of one was seen whole, the highest of all is not below it.
    between = min(_between(sweeps, found) for found in within.values() if found)
    # But those in which far fewer processes ended than in others did not do the same.
    most = max(each.faults for each in repeated)
    alike = [each for each in repeated if each.faults >= most / 2]
    after = min(_after(sweeps, window, each) for each in alike for window in each.windows)
    if max(counted - peak, between, after) > max(MOST_UNSEEN * peak, MOST_UNSEEN_BYTES):
        return PeakTogether(None, NOT_SHOWN)
    return PeakTogether(float(max(0, peak)))


def _within(window: Window, sweeps: Iterable[Sweep]) -> list[Sweep]:
    return [sweep for sweep in sweeps if window.began <= sweep.began and sweep.ended <= window.ended]


def _between(sweeps: Sequence[Sweep], of_call: Sequence[Sweep]) -> int:
    """Return the most bytes that were resident in one process of a call without being so in any sample."""
    last = _last(of_call)
    resident = dict.fromkeys(last, 0)
    for sweep in sweeps:
        for process in resident.keys() & sweep.readings.keys():
            resident[process] = max(resident[process], sweep.readings[process].resident)
    return max(each.highest - resident[process] for process, each in last.items())


def _after(sweeps: Sequence[Sweep], window: Window, repeated: Repeated) -> float:
    """Return how many bytes processes that have ended got, in one of the calls, after they were last sampled.

    Each page is a fault. How many there were is known for all the calls together, so each is taken to have the average.
    """
    before = _last(sweep for sweep in sweeps if sweep.ended <= window.began)
    seen = {
        process: each.faults
        for process, each in _last(_within(window, sweeps)).items()
        if process not in repeated.ended.living
    }
    earlier = sum(before[process].faults for process in before.keys() & seen.keys())
    return PAGE * (repeated.faults - sum(seen.values()) + earlier)


def _last(sweeps: Iterable[Sweep]) -> dict[int, Reading]:
    return {process: each for sweep in sweeps for process, each in sweep.readings.items()}


class ProcessTree:
    """Sample a process and its descendants until the context ends; `sweeps` is empty if the system does not tell."""

    def __init__(self, root: int) -> None:
        self.root, self.sweeps = root, list[Sweep]()
        before = _faults(self.processes())
        self._faults, self._before = before.faults, len(before.living)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        for process in self.processes():
            # Reset the high-water mark (proc_pid_clear_refs(5)).
            with suppress(OSError):
                Path(f"{PROC}/{process}/clear_refs").write_text("5", encoding="ascii")
        # Processes may come or go during a sweep, but hardly in so many one after the other.
        tries = (self._sweep() for _ in range(FIRST_TRIES) if self._alive())
        if first := next(filter(None, tries), None):
            self.sweeps.append(first)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self.sweeps:
            self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(PAUSE):
            if sweep := self._sweep():
                self.sweeps.append(sweep)

    def _sweep(self) -> Sweep | None:
        """Read all; None if processes came or went meanwhile, since then others' parts of shared pages have changed."""
        began, alive = time.monotonic_ns(), self._alive()
        rollups = {process: _rollup(process) for process in alive}
        if self.root not in alive or not all(rollups.values()):
            return None
        readings = {
            process: _reading(process, rollup)
            for process, rollup in rollups.items()
            if process == self.root or not _borrows(process, alive, rollups)
        }
        whole = {process: each for process, each in readings.items() if each}
        is_whole = len(whole) == len(readings) and alive == self._alive()
        return Sweep(began, time.monotonic_ns(), whole) if is_whole else None

    def processes(self) -> tuple[int, ...]:
        return (self.root, *descendants(self.root))

    def ended(self) -> Ended:
        """Return what is known of the processes that have ended since this was asked last, or the tree was made."""
        now = _faults(self.processes())
        faults, self._faults = now.faults - self._faults, now.faults
        return Ended(faults, now.living, len(now.living) - self._before)

    def _alive(self) -> dict[int, str]:
        """Return the first address of each process that has memory; another program has another one.

        None at all if the system does not report which processes there are.
        """
        if not Path(f"{PROC}/{self.root}/task/{self.root}/children").exists():
            return {}
        first = {process: _first_address(process) for process in self.processes()}
        return {process: address for process, address in first.items() if address}


def _borrows(process: int, alive: Mapping[int, str], rollups: Mapping[int, Mapping[str, int]]) -> bool:
    """Return whether a process still uses its parent's memory, before it starts a program (vfork).

    Both count it in full then. Numbers of a process that has just been forked are alike as well, but its parent runs.
    """
    parent = next((int(word) for word in _statistics(process)[1:2]), 0)
    if alive.get(parent) != alive[process]:
        return False
    meanwhile = abs(rollups[process]["Anonymous"] - rollups[parent]["Anonymous"])
    return meanwhile < MOST_MEANWHILE and any(_statistics(parent, thread)[:1] == ["D"] for thread in _threads(parent))


def _reading(process: int, rollup: Mapping[str, int]) -> Reading | None:
    status, statistics = dict(line.partition(":")[::2] for line in _lines(process, "status")), _statistics(process)
    cpu = _cpu_time(process)
    if "VmHWM" not in status or not statistics or cpu is None:
        return None
    highest, resident = (int(status[name].split()[0]) << 10 for name in ("VmHWM", "VmRSS"))
    return Reading(
        held=sum(rollup[name] for name in _COUNTED),
        private=rollup["Private_Dirty"],
        highest=highest,
        resident=resident,
        faults=int(statistics[7]),
        cpu=cpu,
    )


def _cpu_time(process: int) -> int | None:
    """Return the nanoseconds of all threads; `schedstat` of a process is that of its first thread."""
    # clock_getcpuclockid(3), which Python has for threads only: CPUCLOCK_SCHED of the process.
    with suppress(OSError):
        return time.clock_gettime_ns((~process << 3) | 2)
    return None


def _faults(processes: Iterable[int]) -> Ended:
    """Return the page faults of all that have ended below some processes, and which of these have not.

    Nobody may have waited for one that has ended: then it is still listed.
    """
    statistics = {process: words for process in processes if (words := _statistics(process))}
    living = tuple(process for process, words in statistics.items() if words[0] != "Z")
    # Its own minor and major ones are the 8th and 10th field, those of the children that it waited for follow each.
    of_children = sum(int(words[8]) + int(words[10]) for words in statistics.values())
    own = sum(int(words[7]) + int(words[9]) for process, words in statistics.items() if process not in living)
    return Ended(of_children + own, living)


def _rollup(process: int) -> dict[str, int]:
    """Return the fields of a process's smaps_rollup in bytes; none if it has ended."""
    lines = [line.split() for line in _lines(process, "smaps_rollup")]
    fields = {words[0].rstrip(":"): int(words[1]) << 10 for words in lines if words[-1] == "kB"}
    return fields if fields.keys() >= {*_COUNTED} else {}


def _statistics(process: int, thread: int | None = None) -> list[str]:
    """Return state, parent and so on of a process or thread, as proc_pid_stat(5) lists them after its name."""
    # A name may hold anything, also parentheses and line breaks, which only `status` escapes.
    name = "stat" if thread is None else f"task/{thread}/stat"
    return text_of(Path(f"{PROC}/{process}/{name}")).rpartition(")")[2].split()


def _threads(process: int) -> list[int]:
    with suppress(OSError):
        return [int(thread.name) for thread in Path(f"{PROC}/{process}/task").iterdir()]
    return []


def _first_address(process: int) -> str:
    """Return where a process's memory begins; "" if it has none: it has ended, although it is listed."""
    with suppress(OSError), Path(f"{PROC}/{process}/maps").open(encoding="utf-8", errors="replace") as maps:
        return maps.readline().partition("-")[0]
    return ""


def _lines(process: int, name: str) -> list[str]:
    # Not splitlines(), which also splits at what a name may hold.
    return [line for line in text_of(Path(f"{PROC}/{process}/{name}")).split("\n") if line]
