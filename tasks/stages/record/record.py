"""Record real calls for an item without a benchmark, while the project's own tests or a command run."""

import math
import posixpath
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import accumulate
from pathlib import Path

from ...artifacts import Detection, Peaks, Recording, TreeSpec, WorkloadTest
from ...bench import trees
from ...bench.exclusive import cache_lock
from ...bench.observing.exploring import explore
from ...bench.observing.importing import import_seconds
from ...bench.observing.recording import COMMAND, TestRun, Wanted, record, record_command
from ...bench.observing.site import RecordingSite, WatchedFunction
from ...bench.setup import SideEnvironment, side_of
from ...benchmark_tests.linting.boundaries import INFERENCE, NETWORK
from ...benchmark_tests.writing.recorded_benchmark import uses_sample
from ...benchmark_tests.writing.sampling import REALISTIC
from ...environments import builder, package_dates
from ...environments.declared import requirement_for
from ...environments.diagnoses import diagnose
from ...errors import PrprepError, SourceError
from ...manifest.model import Domain
from ...project.code.compiled import is_compiled
from ...project.code.imported_names import short_name
from ...project.code.sources import Sources
from ...project.files import FolderTree, Project, TreeReader
from ...project.pytest_naming import Naming, naming_of
from ...staleness import StageInputs
from ...text import figures
from . import choosing, lacks_benchmark
from .choosing import CallChooser
from .domain import domains_by_import, domains_by_peaks
from .own_tests import TestChooser, TestSide, inside_of
from .relevant_tests import relevant_tests
from .targets import (
    LEAST_SHARE,
    Candidate,
    Exploration,
    NamedReach,
    Workload,
    at_head,
    callable_of,
    candidates,
    changed_lines,
    named,
    workload,
)

MOST_SECONDS = 120.0
"""For all recording of a function, and for trying tests instead, unless the item's `timeout` is shorter."""
EXPLORING = 90.0
"""Seconds after which no further test begins to see what it reaches, unless the item's `timeout` is shorter."""
ENOUGH = 5e-5
"""Seconds of a public function's call from which on no caller of it is looked for."""
SHORT = 5
"""Times LEAST_ROUND: for shorter calls a test of the project may be the better benchmark."""
MUCH_LONGER = 4
"""It is if it spends more than so many times as long in the changed function."""
LISTED = 5
MOST_WORKLOADS = 4
MOST_FAILURES = 3
"""Tests of which a note says why they are no benchmark."""
DOCUMENT_BYTES = 1_000, 500_000


def run(inputs: StageInputs) -> None:
    """Record calls, unless a benchmark exists or the manifest describes one."""
    if not inputs.applies(lacks_benchmark):
        inputs.write(Recording(item=inputs.item_id, notes=("a benchmark exists or is described in the manifest",)))
        return
    inputs.write(_recorded(inputs, inputs.read(Detection)))


def _recorded(inputs: StageInputs, detection: Detection) -> Recording:
    if ":" not in (detection.target or "") and not any(each.status == "modified" for each in detection.functions):
        return Recording(item=inputs.item_id, notes=("no function is known that could be called",))
    domains: tuple[Domain, ...] = ()
    note = ""
    if detection.domain.domains[:1] == ("struct",):
        domains, note = _Recorder(inputs, detection).by_import()
        if not domains:
            return Recording(item=inputs.item_id, notes=("an import is measured",))
    installed: dict[str, str] = {}
    recorder = _Recorder(inputs, detection)
    recording = recorder.recording()
    while not recording.is_usable and (repair := recorder.repair(recording.notes, installed)):
        package, cause = repair
        installed[package] = cause
        try:
            recording = _Recorder(inputs, detection, tuple(installed)).recording()
        except PrprepError as error:
            failure = f"installing {package} failed: {error.what.splitlines()[0]}"
            return recording.model_copy(update={"notes": (*recording.notes, failure)})
    found, why = domains_by_peaks(detection.domain, peaks_of(recording))
    if domains and not recording.is_usable:
        return Recording(item=inputs.item_id, notes=("an import is measured",))
    recording = recording.model_copy(update={"domains": found or domains})
    recording = recording.model_copy(update={"notes": (*recording.notes, *filter(None, (note, why)))})
    repairs = (f"{package} was installed for recording, since {cause}" for package, cause in installed.items())
    return recording.model_copy(update={"notes": (*recording.notes, *repairs)})


@dataclass(frozen=True)
class _Side:
    """A side whose tests can be run."""

    site: RecordingSite
    sources: Sources
    tracked: frozenset[str]
    """The files of the commit; building adds others to the tree."""

    @property
    def tree(self) -> Path:
        return self.site.side.tree


@dataclass(frozen=True)
class _Recorder:
    """Records for one item, with further packages to `install`."""

    inputs: StageInputs
    detection: Detection
    install: tuple[str, ...] = ()

    def recording(self) -> Recording:
        item, detection = self.inputs.settings, self.detection
        found = candidates(detection, item.functions, self.base.sources, self.head.sources)
        if item.drive or not found:
            named_target = detection.target or ""
            driven = callable_of(self.base.sources, named_target)
            located = self.base.sources.try_find(named_target)
            if located and is_compiled(located.path):
                why_not = f"{named_target} is compiled from {located.path}, whose calls are not recorded"
                note = f"{why_not}: name its benchmark"
                return Recording(item=item.id, target=named_target, notes=(note,))
            if driven is None or not driven.called_as:
                why_not = _unnamed(driven) if driven else f"{named_target} is no function of this commit"
                return Recording(item=item.id, target=named_target, notes=(why_not,))
            return self._of(driven, (), {}, changed=driven)
        exploration, ran, notes = self._explored(found)
        target = exploration.target
        if target is None:
            first, failed = found[0].watched, "" if ran else "; ".join(notes)
            files = tuple(path for _, tests in self._tests(found) for path in tests)
            notes = (*notes, *([] if failed else [_unreached([each.watched for each in found], files, ran)]))
            return Recording(item=item.id, target=first, changed=first, ran=ran, failed=failed, notes=notes)
        self.inputs.report(exploration.reason)
        return self._best(exploration, target, notes)

    def repair(self, notes: Sequence[str], installed: Collection[str]) -> tuple[str, str] | None:
        """Return a package that was missing in a run, and the cause; None if no other one is known."""
        layout = self.detection.layout
        project = Project(self.base.sources.tree, layout.project)
        matches = filter(None, (diagnose(note, "benchmark") for note in notes))
        known = ((requirement_for(match, project, layout.packages), match.cause) for match in matches)
        return next(((package, cause) for package, cause in known if package and package not in installed), None)

    # -- the sides

    @cached_property
    def base(self) -> _Side:
        """Base's side; head's for a function that head adds, such as a method that base inherits."""
        detection = self.detection
        added = {function.target for function in detection.functions if function.status == "added"}
        return self._side(detection.head if detection.target in added else detection.base)

    @cached_property
    def head(self) -> _Side:
        return self._side(self.detection.head)

    def _side(self, commit: str) -> _Side:
        item, cache, layout = self.inputs.settings, self.inputs.cache, self.detection.layout
        with self.inputs.clone(commit, *self.detection.picked) as clone:
            if commit == self.detection.head and self.detection.picked:
                # A head that consists of picked commits may have to be created again.
                commit = clone.cherry_pick(self.detection.base, self.detection.picked)
            spec, confined = TreeSpec(commit=commit, tree=clone.tree_of(commit)), item.sandbox == "bwrap"
            tree = trees.prepare(clone, spec, {}, cache=cache, confined=confined)
            as_of = package_dates.if_old(package_dates.newest_date(clone, self.detection))
            tracked = frozenset(clone.files(commit))
        renew = trees.renewal(self.inputs.address, spec, {}, cache=cache, confined=confined)
        settings = item.env.model_copy(update={"install": (*item.env.install, *self.install)})
        build = partial(builder.build, tree, layout, settings, cache=cache, report=self.inputs.report)
        environment = build(as_of=as_of, renew=renew)
        site = RecordingSite(
            side_of(SideEnvironment(commit, tree, environment), layout, item),
            layout.project,
            depth=posixpath.join(layout.benchmarks_root, "test.py").count("/"),
            boundaries=tuple(sorted(INFERENCE | NETWORK | set(item.lint.boundaries))),
            lock=cache_lock(cache),
            root=layout.benchmarks_root,
        )
        return _Side(site, Sources(FolderTree(tree), layout.import_roots), tracked)

    def by_import(self) -> tuple[tuple[Domain, ...], str]:
        """Return `cpu` and why, if the import of the target's module takes as long on both sides; else ()."""
        module, _, name = (self.detection.target or "").partition(":")
        if self.detection.domain.given or not name:
            return (), ""
        base, head = import_seconds(self.base.site, self.head.site, module)
        domains = domains_by_import(self.detection.domain, base, head)
        return domains, f"time is measured, not an import: that of {module} takes as long at head" if domains else ""

    # -- what the tests reach

    @property
    def _exploring(self) -> float:
        return min(EXPLORING, self.inputs.settings.timeout or EXPLORING)

    def _explored(self, found: Sequence[Candidate]) -> tuple[Exploration, tuple[str, ...], tuple[str, ...]]:
        """Run the tests at base, and at head those that it adds or changes: they may be of what it optimizes."""
        reached: list[NamedReach] = []
        ran: list[str] = []
        notes: list[str] = []
        for side, tests in self._tests(found):
            if tests:
                self.inputs.report(f"running {figures.counted(len(tests), 'test file')} to see what they reach")
                seen, files, more = explore(side.site, self._functions(side, found), tests, seconds=self._exploring)
                ran += files
                reached += [named(each, side.sources, self.detection.layout) for each in seen]
                notes += more
        # Generated inputs differ from run to run, and nobody would write them.
        reached = [each for each in reached if not each.generated] or reached
        return Exploration(tuple(found), tuple(reached), self.base.sources), tuple(ran), tuple(notes)

    def _tests(self, found: Sequence[Candidate]) -> tuple[tuple[_Side, tuple[str, ...]], ...]:
        layout, definitions = self.detection.layout, [each.located for each in found]
        patterns = self._naming.files
        tests = relevant_tests(self.base.sources, definitions, packages=layout.packages, patterns=patterns)
        here = tuple(path for path in tests if path not in self._new_tests)
        if not self._new_tests:
            return ((self.base, here),)
        new = relevant_tests(self.head.sources, definitions, packages=layout.packages, patterns=patterns)
        return (self.base, here), (self.head, tuple(path for path in new if path in self._new_tests))

    @cached_property
    def _naming(self) -> Naming:
        return naming_of(Project(self.base.sources.tree, self.detection.layout.project))

    @cached_property
    def _new_tests(self) -> frozenset[str]:
        """The tests that head adds or changes, if base is not head itself."""
        return frozenset(
            path for path in self.detection.files if self._naming.is_file(path) and (self.head.tree / path).exists()
        )

    # -- what is called

    def _best(self, exploration: Exploration, target: Candidate, notes: tuple[str, ...]) -> Recording:
        """Return the recording of the changed function or of a caller of it that is the best benchmark."""
        tests = exploration.tests(target.watched)
        notes = notes if target.called_as else (*notes, _unnamed(target))
        tried: list[Recording] = []
        short: Recording | None = None
        is_memory = self.detection.domain.domains[:1] == ("mem",)
        for each in self._workloads(exploration, target, tests)[:MOST_WORKLOADS]:
            called = each.called.called_as
            if self.head.sources.try_find(called) is None:
                notes = (*notes, f"{called} is not at head: no benchmark of it can run on both sides")
                continue
            recording = self._of(each.called, each.tests, each.wanted, changed=target)
            if not refusal(recording, is_memory=is_memory):
                chosen = {"called_as": self._public_name(each.called), "reason": exploration.reason}
                recording = recording.model_copy(update={**chosen, "notes": (*notes, *recording.notes)})
                if is_memory or round_of(recording) >= SHORT * choosing.LEAST_ROUND:
                    return recording
                short = recording
                break
            tried.append(recording)
        if not tried and not short and self._at_head(target) is None:
            what = f"{target.watched} exists at base but not at head: no benchmark of it can run on both sides"
            hint = (
                "name under `functions:` a function that both sides have and the change makes cheaper, like its caller"
            )
            raise SourceError(what, where=f"{self.inputs.item_id}: functions", hint=hint)
        workload, why_not = self._own_test(exploration, target)
        if short and not (workload and inside_of(workload) > MUCH_LONGER * short.share * round_of(short)):
            return short
        first = next((each for each in tried if each.target == target.watched), None)
        if workload:
            empty = Recording(item=self.inputs.item_id, target=target.watched, changed=target.watched)
            found: dict[str, object] = {"call": None, "sample": None, "workload": workload, "share": workload.share}
            origin: dict[str, object] = {"ran": (workload.test.partition("::")[0],), "reason": exploration.reason}
            update = {**found, **origin, "notes": notes, "called_as": target.called_as}
            return (first or empty).model_copy(update=update)
        notes = (*notes, *why_not)
        if not tried:
            return Recording(item=self.inputs.item_id, target=target.watched, changed=target.watched, notes=notes)
        refusals = tuple(f"{each.target}: {refusal(each)}" for each in tried if each.call or each.sample)
        gap = {"call": None, "sample": None, "reason": exploration.reason}
        failures = tuple(dict.fromkeys(note for each in tried for note in each.notes))
        return (first or tried[0]).model_copy(update={**gap, "notes": (*notes, *failures, *refusals)})

    def _own_test(self, exploration: Exploration, target: Candidate) -> tuple[WorkloadTest | None, tuple[str, ...]]:
        """Choose a test whose body is measured; return why there is none as well."""
        there = self._at_head(target)
        if there is None:
            return None, ()
        self.inputs.report("running tests as code, since no call will do")
        base = TestSide(self.base.site, self.base.sources, target)
        head = TestSide(self.head.site, self.head.sources, there)
        chooser = TestChooser(base, head, self.detection.layout, self._lines, self._new_tests)
        seconds = min(MOST_SECONDS, self.inputs.settings.timeout or MOST_SECONDS)
        workload, failures = chooser.best(exploration.longest_tests(target.watched), seconds=seconds)
        return workload, tuple(f"the body of {each}" for each in failures[:MOST_FAILURES])

    def _workloads(self, exploration: Exploration, target: Candidate, tests: Sequence[TestRun]) -> tuple[Workload, ...]:
        """Return what could be called, the best first.

        The target itself goes first if it is public and its calls are long enough; then public functions that spend
        most of their time in it: those that the project exports, then the longer (up to a millisecond) the better; then
        others that do. The rest may do so on one of the project's documents.
        """
        callers = exploration.callers(target.watched)
        reached: list[NamedReach] = []
        for side, nodes in ((self.base, self._old(tests)), (self.head, self._new(tests))):
            if nodes:
                functions, flat = self._functions(side, (target, *callers)), [node for run in nodes for node in run]
                seen, _, _ = explore(side.site, functions, flat, seconds=self._exploring, inside=target.watched)
                reached += [named(each, side.sources, self.detection.layout) for each in seen]
        candidates = (each for each in (target, *callers) if each.called_as)
        found = [each for candidate in candidates if (each := workload(candidate, reached))]

        def rank(each: Workload) -> tuple[bool, bool, bool, bool, int, float]:
            is_first = each.called is target and each.is_public and each.inside >= ENOUGH
            mostly = each.share >= LEAST_SHARE
            # Durations within a factor of two are alike.
            duration = round(math.log2(max(min(each.inside, REALISTIC), 1e-9)))
            is_exported = "." not in self._public_name(each.called).partition(":")[0]
            return is_first, each.is_public and mostly, mostly, is_exported, duration, each.share

        return tuple(sorted(found, key=rank, reverse=True))

    def _public_name(self, called: Candidate) -> str:
        """Return the target by which both sides export a function from the outermost package, else its own."""
        module, _, name = called.called_as.partition(":")
        first = name.partition(".")[0]
        own = f"{module}:{first}"
        packages = accumulate(module.split("."), "{}.{}".format)
        for package in packages:
            exported = f"{package}:{first}"
            sides = (self.base.sources, self.head.sources)
            if all((found := each.try_find(exported)) and found == each.try_find(own) for each in sides):
                return f"{package}:{name}"
        return called.called_as

    def _functions(self, side: _Side, candidates: Sequence[Candidate]) -> dict[str, WatchedFunction]:
        """Return where a side has candidates of base, by their targets."""
        here = {each.watched: each if side is self.base else self._at_head(each) for each in candidates}
        return {target: each.function for target, each in here.items() if each}

    def _at_head(self, candidate: Candidate) -> Candidate | None:
        return at_head(candidate, self.detection, self.head.sources)

    def _new(self, tests: Sequence[TestRun]) -> list[TestRun]:
        return [each for each in tests if each[0].partition("::")[0] in self._new_tests]

    def _old(self, tests: Sequence[TestRun]) -> list[TestRun]:
        return [each for each in tests if each[0].partition("::")[0] not in self._new_tests]

    def _of(self, called: Candidate, tests: Sequence[TestRun], wanted: Wanted, *, changed: Candidate) -> Recording:
        """Record the calls of one function, and choose among them."""
        item, report = self.inputs.settings, self.inputs.report
        seconds = min(MOST_SECONDS, item.timeout or MOST_SECONDS)
        stem = f"benchmark_{short_name(called.watched)}"
        site = replace(self.base.site, stem=stem)
        if item.drive:
            runs: tuple[str, ...] = (COMMAND,)
            recordings, notes = record_command(site, called.function, item.drive, seconds=seconds, report=report)
        else:
            runs = tuple(each[0].partition("::")[0] for each in tests)
            record_calls = partial(record, wanted=wanted, seconds=seconds, report=report)
            recordings, notes = record_calls(site, called.function, self._old(tests))
            new, there = self._new(tests), self._at_head(called)
            if new and there:
                more, why_not = record_calls(replace(self.head.site, stem=stem), there.function, new)
                recordings, notes = [*recordings, *more], [*notes, *why_not]
        chooser = CallChooser(
            item,
            called,
            changed,
            site,
            head=replace(self.head.site, stem=stem),
            lines=self._lines,
            documents=self._documents,
        )
        return chooser.recording(recordings, runs, notes)

    @cached_property
    def _lines(self) -> dict[str, tuple[int, ...]]:
        return changed_lines(self.detection.functions, self.base.sources, self.head.sources)

    @cached_property
    def _documents(self) -> tuple[str, ...]:
        paths = self.base.tracked & self.head.tracked
        return documents_of(paths, self.base.sources.tree, self.head.sources.tree)


def documents_of(paths: Collection[str], base: TreeReader, head: TreeReader) -> tuple[str, ...]:
    """Return those of the `paths` that are data and the same on both sides, the largest first."""
    least, most = DOCUMENT_BYTES
    contents = ((path, base.read(path) or b"") for path in paths if not path.endswith(".py"))
    sizes = {path: len(text) for path, text in contents if least <= len(text) <= most and text == head.read(path)}
    return tuple(sorted(sizes, key=lambda path: (-sizes[path], path)))


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


def round_of(recording: Recording, *, is_memory: bool = False) -> float:
    """Return the seconds of the longest round of a benchmark that would be written from a recording."""
    large = recording.call.spelling.seconds if recording.call else 0.0
    sample = recording.sample if uses_sample(recording, is_memory=is_memory) else None
    return max(large, sample.seconds) if sample else large


def refusal(recording: Recording, *, is_memory: bool = False) -> str:
    """Return why no benchmark of time, or of memory, is written from a recording; "" if it is."""
    if not recording.call and not recording.sample:
        return "no call can be written as code"
    if recording.share < LEAST_SHARE:
        return f"only {figures.share(round(recording.share, 2))} of its time is spent in {recording.changed}"
    if recording.call and not recording.call.reaches and not (recording.sample and recording.sample.reaching):
        return "no recorded call executes what head changes"
    # Of memory the benchmark makes many objects.
    is_small_object = is_memory and recording.target.endswith(".__init__") and recording.call
    least = choosing.LEAST_ROUND if uses_sample(recording, is_memory=is_memory) else choosing.LEAST_CALL
    longest = round_of(recording, is_memory=is_memory)
    if longest < least and not is_small_object:
        return f"its calls take {figures.seconds(longest)} at most, which is too short to show anything"
    return ""
