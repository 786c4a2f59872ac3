"""The items that are timed in lockstep: the first that is measured times all heads, the others find their times."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from ...artifacts import Detection, Load, LockstepTimes
from ...bench import machine
from ...bench.request import MeasurementResult, Request
from ...bench.setup import BenchmarkSetup, ItemArtifacts, Sampling
from ...errors import PrprepError
from ...staleness import Item, StageInputs
from ...storage.artifact import read_if_valid
from ...storage.files import fingerprint_of
from . import LOCKSTEP, STOPPING_RULE

_FILE: Final = "lockstep.json"
_PREPARED: Final = ("detect", "record", "scaffold", "inject")
"""The stages whose artifacts measuring needs."""


def setup_of(inputs: StageInputs) -> BenchmarkSetup:
    """Build the trees and environments of an item, with packages of the same date as those of all its lockstep."""
    item, artifacts = inputs.settings, ItemArtifacts.read(inputs)
    others = (read_if_valid(Detection, other.paths.detect) for other in inputs.value(LOCKSTEP))
    alongside = tuple(other for other in others if other and other.base == artifacts.detection.base)
    artifacts = replace(artifacts, alongside=alongside)
    sampling = Sampling(item.budget, *inputs.value(STOPPING_RULE), item.cores)
    return BenchmarkSetup(item, artifacts, inputs, sampling)


def clean(state: Path) -> None:
    """Remove times that another item has measured."""
    (state / _FILE).unlink(missing_ok=True)


class LockstepHeads:
    """The heads in lockstep with an item's, and the times that one item has measured for another."""

    def __init__(self, inputs: StageInputs, setup: BenchmarkSetup) -> None:
        self._inputs, self._setup = inputs, setup
        self._file = inputs.state / _FILE
        # Before the machine is locked, which building environments does not need.
        self._others = {} if self._times() else dict(self._prepared())
        self._beginning = machine.Beginning.now()

    def times(self) -> MeasurementResult | None:
        if times := self._times():
            self._inputs.report("its times were measured with those of the other heads")
            names = ("measurements", "unmeasured", "parallel", "notes")
            return MeasurementResult(**{name: getattr(times, name) for name in names}, preempted=times.load.preempted)
        return None

    def requests(self, request: Request) -> Mapping[str, Request]:
        self._beginning = machine.Beginning.now()
        requests: dict[str, Request] = {}
        for name, (inputs, setup) in self._others.items():
            if _is_measured(inputs):  # while this item waited for the machine
                continue
            try:
                setup.adopt_packages(self._setup)
            except PrprepError as error:
                self._alone(name, error)
                continue
            other = setup.request(seed=request.seed)
            if differing := other.differs_from(request):
                self._report(name, f"timed by itself, since it has another {' and '.join(differing)}")
            else:
                requests[name] = other
        return requests

    def keep(self, name: str, times: MeasurementResult) -> None:
        inputs, setup = self._others[name]
        LockstepTimes(
            item=name,
            environments=setup.environments,
            measurements=times.measurements,
            unmeasured=times.unmeasured,
            parallel=times.parallel,
            notes=times.notes,
            load=self._beginning.until_now(times.preempted),
        ).write(inputs.state / _FILE, inputs.fingerprint)

    def load_with(self, load: Load) -> Load:
        """Return the load while the item was measured, with that while another item measured its times."""
        if (times := self._times()) is None:
            return load
        stolen, throttled = max(load.stolen, times.load.stolen), load.throttled + times.load.throttled
        return load.model_copy(update={"before": times.load.before, "stolen": stolen, "throttled": throttled})

    def _times(self) -> LockstepTimes | None:
        """Return what another item measured for this one, if it is of the same inputs and environments."""
        if fingerprint_of(self._file) != self._inputs.fingerprint:
            return None
        times = read_if_valid(LockstepTimes, self._file)
        return times if times and times.environments == self._setup.environments else None

    def _prepared(self) -> Iterator[tuple[str, tuple[StageInputs, BenchmarkSetup]]]:
        """Yield the inputs and the setup of each other item that is to be measured, too."""
        for item in self._inputs.value(LOCKSTEP):
            inputs = item.staleness.inputs("measure", item.id, partial(self._report, item.id))
            if _is_measured(inputs):
                continue
            if not _is_prepared(item):
                self._report(item.id, "timed by itself, since it is not prepared or failed before")
                continue
            try:
                yield item.id, (inputs, setup_of(inputs))
            except PrprepError as error:
                self._alone(item.id, error)

    def _report(self, name: str, message: str) -> None:
        self._inputs.report(f"{name}: {message}")

    def _alone(self, name: str, error: PrprepError) -> None:
        self._report(name, f"timed by itself: {error.what.splitlines()[0]}")


def _is_measured(inputs: StageInputs) -> bool:
    return inputs.is_fresh or fingerprint_of(inputs.state / _FILE) == inputs.fingerprint


def _is_prepared(item: Item) -> bool:
    staleness = item.staleness
    if staleness.waits(item.id) or staleness.failed_stage(item.id):
        return False
    return all(staleness.is_fresh(stage, item.id) for stage in _PREPARED)
