"""Record real calls for an item without a benchmark, while the project's own tests or a command run."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

from ...artifacts import Detection, Peaks, Recording, WorkloadTest
from ...bench.observing.exploring import Reach, explore
from ...bench.observing.importing import import_seconds
from ...bench.observing.recording import TestRun
from ...benchmark_tests.writing.sampling import REALISTIC
from ...body import commit_words
from ...errors import SourceError
from ...manifest.model import Domain
from ...project.code.compiled import is_compiled
from ...project.code.sources import Sources
from ...staleness import StageInputs
from ...text import figures
from . import lacks_benchmark, lengths
from .calls import MOST_SECONDS, recorded_calls
from .candidates import Candidate, callable_of, candidates
from .domain import domains_by_import, domains_by_peaks
from .exploration import Exploration, NamedReach, Workload, named, undisturbed, workload
from .generated_code import writes_changed_code
from .lengths import refusal, round_of
from .own_tests import TestChooser, TestSide, inside_of
from .repairs import repaired
from .sides import RUNNING_SECONDS, SECONDS_FOR_TESTS, RecordedSide, Sides

EXPLORING_SECONDS = 90.0
"""Seconds after which no further test begins to see what it reaches, unless the item's `timeout` is shorter."""
MOST_RUNS, REPEATING_SECONDS = 3, 10.0
"""How often tests are run to see what their calls take; after so many seconds they are not run again."""
MUCH_LONGER = 4
"""A test is preferred to a recorded call if it spends more than so many times as long in the changed function."""
LISTED = 5
MOST_WORKLOADS = 4
MOST_FAILURES = 3
"""Tests of which a note says why they are no benchmark."""


def run(inputs: StageInputs) -> None:
    """Record calls, unless a benchmark exists or the manifest describes one."""
    if not inputs.applies(lacks_benchmark):
        inputs.write(Recording(item=inputs.item_id, notes=("a benchmark exists or is described in the manifest",)))
        return
    inputs.write(_recorded(inputs, inputs.read(Detection)))


def _recorded(inputs: StageInputs, detection: Detection) -> Recording:
    if ":" not in (detection.target or "") and not any(each.status == "modified" for each in detection.functions):
        return Recording(item=inputs.item_id, notes=("no function is known that could be called",))
    if ":" not in (detection.target or ":") and not (detection.domain.given or inputs.settings.drive):
        note = f"an import is measured: of {detection.target} only code that runs when it is imported changed"
        return Recording(item=inputs.item_id, domains=("struct",), notes=(note,))
    sides = Sides(inputs, detection)
    domains: tuple[Domain, ...] = ()
    note = ""
    by_import = Recording(item=inputs.item_id, notes=("an import is measured",))
    if detection.domain.domains[:1] == ("struct",):
        domains, note = _Recorder(sides).by_import()
        if not domains:
            return by_import
    recording = repaired(sides, lambda sides: _Recorder(sides).recording())
    if domains and not recording.is_usable:
        return by_import
    of_objects = recording.target.endswith(".__init__")
    found, why = domains_by_peaks(detection.domain, peaks_of(recording), of_objects=of_objects)
    notes = (*recording.notes, *filter(None, (note, why)))
    return recording.model_copy(update={"domains": found or domains, "notes": notes})


@dataclass(frozen=True)
class _Recorder:
    """Records for one item."""

    sides: Sides

    @property
    def _inputs(self) -> StageInputs:
        return self.sides.inputs

    @property
    def _detection(self) -> Detection:
        return self.sides.detection

    @property
    def _sources(self) -> tuple[Sources, Sources]:
        return self.sides.base.sources, self.sides.head.sources

    def recording(self) -> Recording:
        item, detection = self._inputs.settings, self._detection
        found = candidates(detection, item.functions, *self._sources)
        if item.drive or not found:
            return self._of_named(detection.target or "")
        if not item.functions and (writer := writes_changed_code(detection.functions, *self._sources)):
            note = (
                f"{writer} writes code, which is other code at head: a call of it does not show what that takes. "
                "Name under `functions:` what the change makes cheaper, or fill in a call of the code that is written"
            )
            return Recording(item=item.id, target=writer, changed=writer, notes=(note,))
        exploration, ran, notes = self._explored(found)
        target = exploration.target
        if target is None:
            first, failed = found[0].watched, "" if ran else "; ".join(notes)
            files = tuple(path for _, tests in self.sides.tests(found) for path in tests)
            notes = (*notes, *([] if failed else [_unreached([each.watched for each in found], files, ran)]))
            return Recording(item=item.id, target=first, changed=first, ran=ran, failed=failed, notes=notes)
        self._inputs.report(exploration.reason)
        return self._best(exploration, target, notes)

    def _of_named(self, name: str) -> Recording:
        """Record calls of the function that the manifest or the commit names, without a look at what changed."""
        named_function = callable_of(self.sides.base.sources, name)
        located = self.sides.base.sources.try_find(name)
        if located and is_compiled(located.path):
            why_not = f"{name} is compiled from {located.path}, whose calls are not recorded: name its benchmark"
        elif named_function is None:
            why_not = f"{name} is no function of this commit"
        elif not named_function.called_as:
            why_not = _unnamed(named_function)
        else:
            return recorded_calls(self.sides, named_function, (), {}, changed=named_function)
        return Recording(item=self._inputs.item_id, target=name, notes=(why_not,))

    # -- the sides

    def by_import(self) -> tuple[tuple[Domain, ...], str]:
        """Return `cpu` and why, if the import of the target's module takes as long on both sides; else ()."""
        module, _, name = (self._detection.target or "").partition(":")
        if self._detection.domain.given or not name:
            return (), ""
        base, head = import_seconds(self.sides.base.site, self.sides.head.site, module)
        domains = domains_by_import(self._detection.domain, base, head)
        return domains, f"time is measured, not an import: that of {module} takes as long at head" if domains else ""

    # -- what the tests reach

    def _explored(self, found: Sequence[Candidate]) -> tuple[Exploration, tuple[str, ...], tuple[str, ...]]:
        """Run the tests at base, and at head those that it adds or changes: they may be of what it optimizes."""
        reached: list[NamedReach] = []
        ran: list[str] = []
        notes: list[str] = []
        for side, tests in self.sides.tests(found):
            if tests:
                self._inputs.report(f"running {figures.counted(len(tests), 'test file')} to see what they reach")
                functions = self.sides.functions(side, found)
                seen, files, more = explore(
                    side.site, functions, tests, seconds=self.sides.seconds_for(EXPLORING_SECONDS)
                )
                ran += files
                reached += (self._named(each, side) for each in seen)
                notes += more
        # Generated inputs differ from run to run, and nobody would write them.
        reached = [each for each in reached if not each.generated] or reached
        describing = commit_words.about_the_change(self._detection.commits)
        titles = tuple(map(commit_words.title_sentence, describing))
        explored = Exploration(tuple(found), tuple(reached), self.sides.base.sources, titles)
        return explored, tuple(ran), tuple(notes)

    def _named(self, reach: Reach, side: RecordedSide) -> NamedReach:
        return named(reach, side.sources, self._detection.layout, is_added=self.sides.is_added(reach.test))

    # -- what is called

    def _best(self, exploration: Exploration, target: Candidate, notes: tuple[str, ...]) -> Recording:
        """Return the recording of the changed function, of a caller of it, or of a test that is the best benchmark."""
        notes = notes if target.called_as else (*notes, _unnamed(target))
        recording, tried, failures = self._best_call(exploration, target)
        notes = (*notes, *failures)
        reached = exploration.longest_tests(target.watched)
        is_enough = recording is not None and (self._is_memory or round_of(recording) >= lengths.ENOUGH)
        if recording:
            recording = recording.model_copy(update={"notes": (*notes, *recording.notes)})
            # A test that head adds may execute more of what changes than any call that could be written.
            reached = self._added_besides(recording, reached) if is_enough else reached
            if not reached:
                return recording
        if not tried and not recording and self.sides.at_head(target) is None:
            what = f"{target.watched} exists at base but not at head: no benchmark of it can run on both sides"
            hint = (
                "name under `functions:` a function that both sides have and the change makes cheaper, like its caller"
            )
            raise SourceError(what, where=f"{self._inputs.item_id}: functions", hint=hint)
        workload, why_not = self._own_test(exploration, target, reached)
        if recording and not (workload and _is_better(workload, recording, is_enough=is_enough)):
            return recording
        empty = Recording(item=self._inputs.item_id, target=target.watched, changed=target.watched)
        of_target = next((each for each in tried if each.target == target.watched), None)
        if not workload:
            first = of_target or next(iter(tried), empty)
            return _gap(first, tried, notes=(*notes, *why_not), reason=exploration.reason)
        found: dict[str, object] = {"call": None, "sample": None, "workload": workload, "share": workload.share}
        origin: dict[str, object] = {"ran": (workload.test.partition("::")[0],), "reason": exploration.reason}
        update = {**found, **origin, "notes": notes, "called_as": target.called_as}
        return (of_target or empty).model_copy(update=update)

    def _added_besides(self, recording: Recording, reached: Sequence[NamedReach]) -> tuple[NamedReach, ...]:
        """Return the tests that head adds, unless the recorded call is one of theirs."""
        if recording.call is None or self.sides.is_added(recording.call.test):
            return ()
        return tuple(each for each in reached if each.is_added)

    def _best_call(
        self, exploration: Exploration, target: Candidate
    ) -> tuple[Recording | None, list[Recording], tuple[str, ...]]:
        """Return the first recording that is long enough, those tried before it, and notes on others."""
        tried: list[Recording] = []
        workloads, why_none = self._workloads(exploration, target, exploration.tests(target.watched))
        notes = why_none if not workloads else ()
        # The target itself is tried in any case.
        own = (each for each in workloads[MOST_WORKLOADS:] if each.called is target)
        for each in (*workloads[:MOST_WORKLOADS], *own):
            called = each.called.called_as
            if self.sides.seconds_left < SECONDS_FOR_TESTS:
                minutes = figures.counted(round(RUNNING_SECONDS / 60), "minute")
                notes = (*notes, f"after {minutes} of running tests, calls of {called} were not tried any more")
                break
            if self.sides.at_head(each.called) is None:
                notes = (*notes, f"{called} is not at head: no benchmark of it can run on both sides")
                continue
            recording = recorded_calls(self.sides, each.called, each.tests, each.wanted, changed=target)
            if not refusal(recording, is_memory=self._is_memory):
                chosen = {"called_as": self._public_name(each.called), "reason": exploration.reason}
                return recording.model_copy(update=chosen), tried, notes
            tried.append(recording)
        return None, tried, notes

    @property
    def _is_memory(self) -> bool:
        return self._detection.domain.domains[:1] == ("mem",)

    def _own_test(
        self, exploration: Exploration, target: Candidate, reached: Sequence[NamedReach]
    ) -> tuple[WorkloadTest | None, tuple[str, ...]]:
        """Choose a test whose body is measured; return why there is none as well."""
        there = self.sides.at_head(target)
        if there is None:
            return None, ()
        self._inputs.report("running tests as code, since no call will do")
        base, head = (
            TestSide(side.site, side.sources, own, (*self.sides.functions(side, exploration.candidates).values(),))
            for side, own in ((self.sides.base, target), (self.sides.head, there))
        )
        chooser = TestChooser(base, head, self._detection.layout, self.sides.lines, self.sides.new_tests)
        seconds = self.sides.seconds_for(MOST_SECONDS, least=SECONDS_FOR_TESTS)
        workload, failures = chooser.best(reached, seconds=seconds)
        return workload, tuple(f"the body of {each}" for each in failures[:MOST_FAILURES])

    def _workloads(
        self, exploration: Exploration, target: Candidate, tests: Sequence[TestRun]
    ) -> tuple[tuple[Workload, ...], tuple[str, ...]]:
        """Return what could be called, the best first, and notes on the run of the tests in which that was seen.

        The target itself goes first if it is public and its calls are long enough; then public functions that spend
        most of their time in it: those that the project exports, then the longer (up to a millisecond) the better; then
        others that do. The rest may do so on one of the project's documents.
        """
        callers = exploration.callers(target.watched)
        cases = exploration.cases(target.watched)
        longest = partial(self._with_longest_calls, target, callers, tests, cases)
        first, notes = longest()
        runs, end = [first], time.monotonic() + REPEATING_SECONDS
        while len(runs) < MOST_RUNS and time.monotonic() < end:
            runs.append(longest()[0])
        reached = tuple(undisturbed(runs))
        candidates = (each for each in (target, *callers) if each.called_as)
        found = [each for candidate in candidates if (each := workload(candidate, reached))]

        def rank(each: Workload) -> tuple[bool, bool, bool, bool, int, float]:
            is_first = each.called is target and each.is_public and each.inside >= lengths.ENOUGH
            # Durations within a factor of two are alike. Shares are larger the nearer a caller is.
            duration = round(math.log2(max(min(each.inside, REALISTIC), 1e-9)))
            is_exported = "." not in self._public_name(each.called).partition(":")[0]
            return is_first, each.is_public and each.is_mostly, each.is_mostly, is_exported, duration, each.share

        if not notes and not any(each.longest for each in reached):
            ran = figures.counted(sum(map(len, tests)), "test")
            notes = (f"run again by themselves, {ran} made no call of {target.watched}",)
        return tuple(sorted(found, key=rank, reverse=True)), notes

    def _with_longest_calls(
        self, target: Candidate, callers: Sequence[Candidate], tests: Sequence[TestRun], cases: Sequence[str]
    ) -> tuple[tuple[NamedReach, ...], tuple[str, ...]]:
        """Run `cases` of the tests again; return the calls with the most time in the target, of it and its callers.

        The second value is notes on how that ended.
        """
        calls: list[NamedReach] = []
        notes: tuple[str, ...] = ()
        for side, nodes in ((self.sides.base, self.sides.old(tests)), (self.sides.head, self.sides.new(tests))):
            if nodes:
                functions = self.sides.functions(side, (target, *callers))
                flat = [node for run in nodes for node in run]
                explored = partial(
                    explore, side.site, functions, flat, seconds=self.sides.seconds_for(EXPLORING_SECONDS)
                )
                seen, _, more = explored(inside=target.watched, chains=False, only=cases)
                calls += (self._named(each, side) for each in seen)
                notes = (*notes, *more)
        return tuple(calls), notes

    def _public_name(self, called: Candidate) -> str:
        """Return the target by which both sides export a function from the outermost package, else its own."""
        module, _, name = called.called_as.partition(":")
        first = name.partition(".")[0]
        own = f"{module}:{first}"
        packages = accumulate(module.split("."), "{}.{}".format)
        for package in packages:
            exported = f"{package}:{first}"
            if all((found := each.try_find(exported)) and found == each.try_find(own) for each in self._sources):
                return f"{package}:{name}"
        return called.called_as


def _is_better(workload: WorkloadTest, recording: Recording, *, is_enough: bool) -> bool:
    """Return whether a test is a better benchmark than a recorded call, which may take long enough."""
    if is_enough:
        return recording.call is not None and workload.executed > recording.call.executed
    return inside_of(workload) > MUCH_LONGER * recording.share * round_of(recording)


def _gap(first: Recording, tried: Sequence[Recording], *, notes: Sequence[str], reason: str) -> Recording:
    """Return a recording without a benchmark that says what was tried."""
    if not tried:
        return first.model_copy(update={"notes": tuple(notes)})
    refusals = (
        f"{each.target}: {refusal(each) if each.call or each.sample else _unwritten(each)}"
        for each in tried
        if each.call or each.sample or each.unwritten
    )
    failures = dict.fromkeys(note for each in tried for note in each.notes)
    gap = {"call": None, "sample": None, "reason": reason, "notes": (*notes, *failures, *refusals)}
    return first.model_copy(update=gap)


def _unwritten(recording: Recording) -> str:
    name, why = next(iter(recording.unwritten.items()))
    return f"its calls cannot be written as code, because of {name}: {why}"


def _unnamed(candidate: Candidate) -> str:
    return f"no name refers to {candidate.watched}, so no code can call it"


def _unreached(targets: Sequence[str], files: Sequence[str], ran: Sequence[str]) -> str:
    names = f"the {len(targets)} changed functions" if len(targets) > 1 else targets[0]
    if not files:
        return f"no test of the project calls {names}; none imports the project"
    listed = ", ".join(ran or files) if len(ran or files) <= LISTED else f"{len(ran or files)} files"
    if not ran:
        return f"no test of the project calls {names}: {listed} {'has' if len(files) == 1 else 'have'} none"
    return f"no test of the project calls {names}: {listed} {'was' if len(ran) == 1 else 'were'} run"


def peaks_of(recording: Recording) -> Peaks | None:
    chosen = recording.call or recording.workload
    return chosen.peaks if chosen else None
