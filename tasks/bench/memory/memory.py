"""Measure peak memory, allocations and memory left of each benchmark call, in a fresh process per side and repeat.

memray counts what the call's own process allocates. If child processes work in the call on either side, its peak is
that of all these processes together on both sides, as samples show it; memray's count of those that it can follow
checks the samples.
"""

import json
import random
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from ...artifacts import SIDES, Held, Measurement, MetricName, Side, Site
from ...errors import CommandFailedError, MeasuringError
from ...processes import programs
from ...processes.progress import Report
from ...processes.scratch import temporary_folder
from ...storage.hashing import sha256
from ...text import figures
from ..repeats import Repeats
from ..request import MeasurementResult, Request, deadline_in
from ..workers import sandbox
from ..workers.channel import Message, TimeLimitError
from ..workers.workers import WORKER_FOLDER, WORKER_PROGRAMS, Settings, Worker, started, variables
from .process_tree import PeakTogether, ProcessTree, Repeated, Window, peak_together
from .sites import HeldMemory, changed_sites, renamed

REPEATS = 3
MOST_REPEATS = 8
"""If repeats differ: the 99 % interval of three reaches 5.7 standard deviations to either side, of eight 1.2."""
MOST_TRIES = 6
"""To see what child processes hold: on a busy machine samples are further apart."""
LONGEST_NAME = 120

READER = WORKER_PROGRAMS / "memory/flamegraphs.py"
READER_SECONDS = 300.0
FLAMEGRAPH = ".flamegraph.html"

TOO_LATE = "and the time limit was reached before their memory was sampled"

METRICS = (MetricName.PEAK, MetricName.ALLOCATIONS, MetricName.LEAKED)
"""In bytes, a number, and bytes."""


class ProfileContents(NamedTuple):
    """What is held in one benchmark call on one side: at the peak, and in bytes over the call."""

    at_peak: tuple[HeldMemory, ...]
    over_call: tuple[int, ...] = ()


def measure_memory(request: Request, rng: random.Random, report: Report) -> MeasurementResult:
    """Track every call REPEATS times a side, the sides in random order; keep the first repeat's profiles.

    If that shows that child processes work in some calls, the repeats start over, with samples of these.

    If repeats differ there are MOST_REPEATS: only whether they differ decides, so the interval holds as if their number
    had been fixed. With as many as a budget pays for, slow calls would get intervals that say nothing.
    """
    for side in SIDES:
        for stale in (*request.profiles.glob(f"{side}-*.bin"), *request.profiles.glob(f"{side}-*{FLAMEGRAPH}")):
            stale.unlink()
    tracking = _Tracking(request, deadline_in(request.memory_timeout))
    stopped = tracking.run(rng, report)
    if not tracking.repeats.number:
        raise MeasuringError(
            f"no call's memory was measured within the time limit of {request.memory_timeout:g} s",
            hint="raise `timeout`, or give the benchmark a smaller input",
        )
    measurements = tuple(map(tracking.children.marked, tracking.repeats.measurements(stopped)))
    sites, held = _read(request, tracking.profiles, report, without=frozenset(tracking.children.sides))
    return MeasurementResult(measurements, sites=sites, held=held)


@dataclass(slots=True)
class ChildProcesses:
    """The sides on which child processes work in a call, by benchmark call, and why their memory is not known."""

    sides: dict[str, set[Side]] = field(default_factory=dict)
    why_not: dict[str, str] = field(default_factory=dict)

    def marked(self, measurement: Measurement) -> Measurement:
        """Mark a measurement that does not include the child processes of its call."""
        test, metric = measurement.test, measurement.metric
        if test not in self.sides:
            return measurement
        if metric is MetricName.PEAK and test not in self.why_not:
            return measurement.model_copy(update={"together": True})
        sides = tuple(side for side in SIDES if side in self.sides[test])
        why_not = self.why_not.get(test, "") if metric is MetricName.PEAK else ""
        return measurement.model_copy(update={"children": sides, "why_not": why_not})


@dataclass(slots=True)
class _Tracking:
    """The repeats; once child processes are seen in calls, these are `sampled`, and the repeats start over."""

    request: Request
    deadline: float | None
    repeats: Repeats = field(default_factory=lambda: Repeats(METRICS))
    sampled: frozenset[str] = frozenset()
    children: ChildProcesses = field(default_factory=ChildProcesses)
    profiles: dict[Side, dict[str, Path]] = field(default_factory=lambda: {side: {} for side in SIDES})

    def run(self, rng: random.Random, report: Report) -> str:
        """Repeat the calls, and return why no more often."""
        unsampled = self.repeats
        while True:
            try:
                self.repeats.add(rng, self._track, malloc=True, deadline=self.deadline)
            except TimeLimitError:
                late = self.children.sides.keys() - (self.sampled if self.repeats.number else ())
                self.children.why_not.update(dict.fromkeys(late, TOO_LATE))
                self.repeats = self.repeats if self.repeats.number else unsampled
                return "timeout"
            if self.children.sides.keys() > self.sampled:
                self.sampled, unsampled, self.repeats = frozenset(self.children.sides), self.repeats, Repeats(METRICS)
                continue
            base, head = (figures.size(max(peaks, default=0)) for peaks in self.repeats.latest(MetricName.PEAK))
            report(f"memory {self.repeats.number} of {self._planned}: peak {base} at base, {head} at head")
            if self.repeats.number >= self._planned:
                return "repeats"

    @property
    def _planned(self) -> int:
        launches = self.repeats.launches.values()
        differ = any(len({(each.base, each.head) for each in taken}) > 1 for taken in launches)
        return MOST_REPEATS if differ else REPEATS

    def _track(self, side: Side, settings: Settings) -> dict[str, tuple[float, ...]]:
        """Return the figures of METRICS for each call, and keep the profiles if these are the first."""
        measured: dict[str, tuple[float, ...]] = {}
        keeps_profiles = not (self.repeats.number or self.sampled)
        with (
            temporary_folder() as scratch,
            started(self.request, side, replace(settings, writable=(scratch,))) as worker,
        ):
            worker.collected()
            profile = scratch / "profile.bin"
            while ready := worker.advance():
                native, follow = self.request.native and keeps_profiles, ready.key in self.sampled
                answer = worker.ask("track", profile=str(profile), native=native, follow=follow)
                _check_profile(answer, side, profile)
                if answer["children"]:
                    self.children.sides.setdefault(ready.key, set()).add(side)
                peak = self._peak(worker, ready.key, answer)
                measured[ready.key] = peak, answer["allocations"], answer["left"]
                if keeps_profiles:
                    self._keep(profile, side, ready.key)
                else:
                    profile.unlink()
        return measured

    def _peak(self, worker: Worker, key: str, tracked: Message) -> float:
        """Return the peak of a call, together with its child processes if samples show that."""
        if key not in self.sampled or key in self.children.why_not:
            return float(tracked["peak"])
        together = _sampled(worker, tracked)
        if together.why_not:
            self.children.why_not[key] = together.why_not
        return float(tracked["peak"]) if together.peak is None else together.peak

    def _keep(self, profile: Path, side: Side, key: str) -> None:
        self.request.profiles.mkdir(parents=True, exist_ok=True)
        profiles = self.profiles[side]
        name = profile_name(side, key, taken={path.name for path in profiles.values()})
        profiles[key] = Path(shutil.move(profile, self.request.profiles / name))


def _check_profile(answer: Message, side: Side, profile: Path) -> None:
    """Raise MeasuringError unless a call was tracked into a whole profile."""
    if answer["kind"] == "untracked":
        raise MeasuringError(
            f"memray cannot be imported on {side}: {answer['reason']}", hint="add memray to `env: install:`"
        )
    if answer["kind"] == "incomplete":
        raise MeasuringError(
            f"the memory profile of {side} is incomplete: {answer['reason']}",
            where=str(profile.parent.parent),
            hint="free space there, or name another folder in TMPDIR, and run again",
        )


def _sampled(worker: Worker, tracked: Message) -> PeakTogether:
    """Sample the memory of a worker and its child processes while it repeats the call that it has tracked."""
    repeated, peak = list[Repeated](), PeakTogether(None)
    with ProcessTree(worker.process_id(tracked["pid"])) as tree:
        for _ in range(MOST_TRIES):
            answer = worker.ask("repeat")
            repeated.append(Repeated([Window(*each) for each in answer["windows"]], tree.ended()))
            counted, has_children = tracked["together"], tracked["children"]
            peak = peak_together(tree.sweeps, repeated, root=tree.root, counted=counted, has_children=has_children)
            if peak.peak is not None:
                break
    return peak


def profile_name(side: Side, key: str, *, taken: set[str] | None = None) -> str:
    """Name a profile after its side and test, the same every time; a name too long or `taken` gets a digest."""
    path, _, test = key.partition("::")
    name = f"{side}-{re.sub('[^A-Za-z0-9_.]+', '-', path.rpartition('/')[2] + '-' + test).strip('-')}"
    if len(name) > LONGEST_NAME or f"{name}.bin" in (taken or ()):
        name = f"{name[:LONGEST_NAME]}-{sha256(key.encode())[:12]}"
    return f"{name}.bin"


def _read(
    request: Request, profiles: Mapping[Side, Mapping[str, Path]], report: Report, *, without: frozenset[str]
) -> tuple[tuple[Site, ...], tuple[Held, ...]]:
    """Compare the call sites of each benchmark call whose profiles could be read on both sides.

    Those `without` are left out: what only one of several processes holds is no part of their peak.
    """
    contents = {side: read_profiles(request, side, profiles[side], report) for side in SIDES}
    base, head = contents["base"], contents["head"]
    moved, keys = renamed(request.functions), [key for key in base if key in head and key not in without]
    sites = (changed_sites(key, base[key].at_peak, head[key].at_peak, renamed=moved) for key in keys)
    curves = ((key, side, contents[side][key].over_call) for key in keys for side in SIDES)
    held = (Held(test=key, side=side, sizes=sizes) for key, side, sizes in curves if sizes)
    return tuple(chain.from_iterable(sites)), tuple(held)


def read_profiles(
    request: Request, side: Side, profiles: Mapping[str, Path], report: Report
) -> dict[str, ProfileContents]:
    """Return the contents of each of `profiles` (by benchmark call), and draw a flame graph next to each.

    Failures are reported and left out: the measurements are valid without them.
    """
    side_request = request.side(side)
    tree = side_request.tree
    jobs = [
        {"key": key, "profile": str(profile), "flamegraph": str(profile).removesuffix(".bin") + FLAMEGRAPH}
        for key, profile in profiles.items()
    ]
    order = {"side": side, "tree": str(tree.absolute()), "profiles": jobs}
    confinement = sandbox.wrapper(side_request, tree, worker=WORKER_FOLDER, writable=(request.profiles,))
    command: tuple[str | Path, ...] = (*confinement, side_request.python, READER)
    environment = variables(side_request, Settings(seed=1), {}, folder=tree)
    try:
        output = programs.run(
            command, cwd=tree, env=environment, timeout=READER_SECONDS, stdin=json.dumps(order).encode(), limit=None
        ).raw
    except CommandFailedError as error:
        report(f"no call sites and flame graphs of {side}: {error.what.splitlines()[-1]}")
        return {}
    answers = json.loads(output.splitlines()[-1])
    for key, answer in answers.items():
        if answer["failed"]:
            missing = "call sites" if answer["sites"] is None else "flame graph"
            report(f"no {missing} of {side}, {key}: {answer['failed']}")
    return {
        key: ProfileContents(tuple(HeldMemory(*site) for site in answer["sites"]), tuple(answer["held"]))
        for key, answer in answers.items()
        if answer["sites"] is not None
    }
