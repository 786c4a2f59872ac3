"""Collect what the launches of a benchmark return besides their samples."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...artifacts import SIDES, Module, Output, Side
from ...processes.cores import all_cores
from ...processes.progress import Report
from ..outputs.witness import CallResults, compare_outputs
from ..request import Request
from .launch_record import LaunchRecord, TimedCall


@dataclass
class BenchmarkRun:
    """The launches of one head and its base: what they returned besides samples, and notes about them."""

    tests: tuple[str, ...] = ()
    outputs: tuple[Output, ...] = ()
    modules: dict[Side, set[Module]] = field(default_factory=lambda: {"base": set(), "head": set()})
    records: list[LaunchRecord] = field(default_factory=list)
    shared: tuple[str, ...] = ()
    """The calls that used other threads or processes in the first launch."""
    shared_by_others: tuple[str, ...] = ()
    """The calls that used them only on another head in the same turns."""
    parallel: tuple[str, ...] = ()
    """The calls that were timed on all cores."""

    def add(self, record: LaunchRecord) -> None:
        for side in SIDES:
            self.modules[side] |= record.modules[side]
        self.tests = self.tests or record.tests
        self.records.append(record)

    def compare(self, request: Request, rng: random.Random, report: Report) -> None:
        """Compare what the calls of the first launch returned."""
        calls = [call for call in self.records[0].calls if len(call.again) == len(SIDES)]
        results = [CallResults(call.key, call.described, call.again, call.attributes) for call in calls]
        self.outputs = compare_outputs(request, results, rng, report)

    @property
    def notes(self) -> tuple[str, ...]:
        keys = dict.fromkeys(call.key for call in self.timed)
        return (
            *self._notes_on_options(),
            *self._notes_on_cores(),
            *(note for key in keys for note in self._notes_on(key)),
        )

    @property
    def unknown_options(self) -> tuple[str, ...]:
        """Return those of the project's own options for pytest that nothing registers here."""
        return self.records[0].unknown_options if self.records else ()

    @property
    def unmeasured(self) -> tuple[str, ...]:
        """Return the calls without a single turn that can be used."""
        usable = {call.key for call in self.timed if call.usable}
        return tuple(dict.fromkeys(call.key for call in self.timed if call.key not in usable))

    @property
    def refused(self) -> dict[str, str]:
        """Return, by call, why its inputs cannot be varied; only the first launch asks."""
        return {call.key: call.refused for record in self.records[:1] for call in record.calls if call.refused}

    @property
    def timed(self) -> list[TimedCall]:
        return [call for record in self.records for call in record.timed]

    def _notes_on_options(self) -> Iterator[str]:
        if unknown := ", ".join(self.unknown_options):
            yield f"No conftest or installed plugin defines these options of the project for pytest: {unknown}."

    def _notes_on_cores(self) -> Iterator[str]:
        if len(all_cores()) == 1:
            return
        for key in self.shared:
            uses = f"{key.rpartition('::')[2]}: the calls use several threads or processes"
            if key in self.parallel:
                yield f"{uses}, so they ran on all {len(all_cores())} cores."
            else:
                yield f"{uses}, but they ran on one core (`cores: 1`)."
        for key in set(self.shared_by_others) & set(self.parallel):
            uses = f"{key.rpartition('::')[2]}: the calls of another head use several threads or processes"
            yield f"{uses}, so those of all heads ran on all {len(all_cores())} cores."

    def _notes_on(self, key: str) -> Iterator[str]:
        calls, name = [call for call in self.timed if call.key == key], key.rpartition("::")[2]
        if falling := sum(not call.steady for call in calls):
            yield f"{name}: in {falling} of {len(calls)} launches times were still falling when warming up ended."
        if any(call.is_outlived for call in calls):
            yield (
                f"{name}: the CPU time is not known, because child processes of the call still run after it, "
                "or because this system does not report what they use."
            )
        turns = sum(len(call.turns) for call in calls)
        if discarded := turns - sum(len(call.usable) for call in calls):
            yield (
                f"{name}: {discarded:,} of {turns:,} turns were left out on all sides, "
                "because another process took the core in them."
            )

    @property
    def preempted(self) -> float:
        """Return the share of blocks from which another process took the core."""
        blocks = [block for call in self.timed for turn in call.turns for block in turn.values()]
        return sum(block.was_preempted for block in blocks) / len(blocks) if blocks else 0.0
