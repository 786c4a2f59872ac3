"""The two sides of an item with what is known of their code: tests, changed functions, documents."""

import posixpath
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from ...artifacts import Detection, TreeSpec
from ...bench import trees
from ...bench.exclusive import cache_lock
from ...bench.observing.recording import TestRun
from ...bench.observing.site import RecordingSite, RunningTime, WatchedFunction
from ...bench.setup import SideEnvironment, side_of
from ...benchmark_tests.linting.boundaries import INFERENCE, NETWORK
from ...environments import builder, package_dates
from ...project.code.sources import Sources
from ...project.files import FolderTree, Project, TreeReader
from ...project.pytest_naming import Naming, naming_of
from ...staleness import StageInputs
from .candidates import Candidate, at_head, changed_lines
from .relevant_tests import relevant_tests

RUNNING_SECONDS = 240.0
"""What tests and calls may take in all to find a benchmark; what has begun then still ends."""
SECONDS_FOR_TESTS = 40.0
"""The part of these that is kept for trying tests as code."""
LEAST_SECONDS = 5.0
"""Nothing further is run in less."""
DOCUMENT_BYTES = 1_000, 500_000


@dataclass(frozen=True)
class RecordedSide:
    """A side whose tests can be run."""

    site: RecordingSite
    sources: Sources
    python_version: str
    tracked: frozenset[str]
    """The files of the commit; building adds others to the tree."""

    @property
    def tree(self) -> Path:
        return self.site.side.tree


@dataclass(frozen=True)
class Sides:
    """Base and head of an item, each built when it is needed, with further packages to `install`.

    What runs on them takes `running` in all.
    """

    inputs: StageInputs
    detection: Detection
    install: tuple[str, ...] = ()
    running: RunningTime = field(default_factory=RunningTime, compare=False)

    @property
    def seconds_left(self) -> float:
        """What else may run."""
        return RUNNING_SECONDS - self.running.seconds

    def seconds_for(self, most: float, *, least: float = LEAST_SECONDS) -> float:
        """Return the seconds for something that may take `most`: no more than the item's `timeout` and what is left."""
        return min(most, self.inputs.settings.timeout or most, max(self.seconds_left, least))

    def build(self) -> None:
        """Build both sides now, so that what cannot be installed fails here."""
        _ = self.base, self.head

    @cached_property
    def base(self) -> RecordedSide:
        """Base's side; head's for a function that head adds, such as a method that base inherits."""
        detection = self.detection
        added = {function.target for function in detection.functions if function.status == "added"}
        return self._side(detection.head if detection.target in added else detection.base)

    @cached_property
    def head(self) -> RecordedSide:
        return self._side(self.detection.head)

    def _side(self, commit: str) -> RecordedSide:
        item, cache, layout = self.inputs.settings, self.inputs.cache, self.detection.layout
        with self.inputs.clone(commit, *self.detection.picked) as clone:
            if commit == self.detection.head and self.detection.picked:
                # A head that consists of picked commits may have to be created again.
                commit = clone.cherry_pick(self.detection.base, self.detection.picked)
            spec, confined = TreeSpec(commit=commit, tree=clone.tree_of(commit)), item.sandbox == "bwrap"
            check_out = partial(trees.check_out, open_clone=self.inputs.clone, cache=cache, confined=confined)
            checkout = check_out(clone, spec, {}, copy=self.inputs.tree_owner)
            as_of = package_dates.if_old(package_dates.newest_date(clone, self.detection))
            tracked = frozenset(clone.files(commit))
        settings = item.env.model_copy(update={"install": (*item.env.install, *self.install)})
        tree = checkout.tree
        build = partial(builder.build, tree, layout, settings, cache=cache, report=self.inputs.report)
        environment = build(as_of=as_of, renew=checkout.renew, pristine=checkout.pristine)
        site = RecordingSite(
            side_of(SideEnvironment(commit, tree, environment), layout, item),
            layout.project,
            depth=posixpath.join(layout.benchmarks_root, "test.py").count("/"),
            boundaries=tuple(sorted(INFERENCE | NETWORK | set(item.lint.boundaries))),
            lock=cache_lock(cache),
            root=layout.benchmarks_root,
            running=self.running,
        )
        sources = Sources(FolderTree(tree), layout.import_roots)
        return RecordedSide(site, sources, environment.python_version, tracked)

    # -- tests

    def tests(self, found: Sequence[Candidate]) -> tuple[tuple[RecordedSide, tuple[str, ...]], ...]:
        layout, definitions = self.detection.layout, [each.located for each in found]
        patterns = self._naming.files
        tests = relevant_tests(self.base.sources, definitions, packages=layout.packages, patterns=patterns)
        here = tuple(path for path in tests if path not in self.new_tests)
        if not self.new_tests:
            return ((self.base, here),)
        new = relevant_tests(self.head.sources, definitions, packages=layout.packages, patterns=patterns)
        return (self.base, here), (self.head, tuple(path for path in new if path in self.new_tests))

    @cached_property
    def _naming(self) -> Naming:
        return naming_of(Project(self.base.sources.tree, self.detection.layout.project))

    @cached_property
    def new_tests(self) -> frozenset[str]:
        """The tests that head adds or changes, if base is not head itself."""
        return frozenset(
            path for path in self.detection.files if self._naming.is_file(path) and (self.head.tree / path).exists()
        )

    def new(self, tests: Sequence[TestRun]) -> list[TestRun]:
        """Return the runs of test files that head adds or changes."""
        return [each for each in tests if each[0].partition("::")[0] in self.new_tests]

    def old(self, tests: Sequence[TestRun]) -> list[TestRun]:
        return [each for each in tests if each[0].partition("::")[0] not in self.new_tests]

    def is_added(self, test: str) -> bool:
        """Return whether head adds a test, by its id, or changes it."""
        path, *names = test.partition("[")[0].split("::")
        if path not in self.new_tests:
            return False
        sides = (side.sources.definitions(path) for side in (self.base, self.head))
        before, after = ({each.name: each.code for each in found}.get(".".join(names)) for found in sides)
        return before != after

    # -- functions

    def functions(self, side: RecordedSide, candidates: Sequence[Candidate]) -> dict[str, WatchedFunction]:
        """Return where a side has candidates of base, by their targets."""
        here = {each.watched: each if side is self.base else self.at_head(each) for each in candidates}
        return {target: each.function for target, each in here.items() if each}

    def at_head(self, candidate: Candidate) -> Candidate | None:
        return at_head(candidate, self.detection, self.head.sources)

    @cached_property
    def lines(self) -> dict[str, tuple[int, ...]]:
        return changed_lines(self.detection.functions, self.base.sources, self.head.sources)

    @cached_property
    def documents(self) -> tuple[str, ...]:
        paths = self.base.tracked & self.head.tracked
        return documents_of(paths, self.base.sources.tree, self.head.sources.tree)


def documents_of(paths: Collection[str], base: TreeReader, head: TreeReader) -> tuple[str, ...]:
    """Return those of the `paths` that are data and the same on both sides, the largest first."""
    least, most = DOCUMENT_BYTES
    contents = ((path, base.read(path) or b"") for path in paths if not path.endswith(".py"))
    sizes = {path: len(text) for path, text in contents if least <= len(text) <= most and text == head.read(path)}
    return tuple(sorted(sizes, key=lambda path: (-sizes[path], path)))
