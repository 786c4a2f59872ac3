"""Run the project's own tests at base and at head, each in its own tree and environment, and compare the outcomes."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Final

from ...artifacts import SIDES, Detection, EndingDifference, ProjectTests, Side, TreeSpec
from ...bench import trees
from ...bench.exclusive import cache_lock, exclusive
from ...bench.node_ids import matched
from ...bench.request import Role, SideRequest
from ...bench.setup import SideEnvironment, shorten_paths, side_of
from ...bench.trees import Checkout
from ...bench.workers.pytest_options import USAGE_ERROR
from ...environments import builder, package_dates
from ...environments.builder import Environment
from ...environments.interpreters import resolve_path
from ...errors import EnvironmentBuildError, PrprepError
from ...git import Clone
from ...manifest.model import Optimization
from ...project.files import FolderTree, Project
from ...staleness import StageInputs
from ...workspace import nested
from . import suite_runs, suites
from .suite_runs import SuiteRun
from .suites import Suite

CONTINUING: Final = "--continue-on-collection-errors"
"""pytest's option to run the other tests if some files cannot be imported."""
MOST_NAMED: Final = 200
"""Tests that are named one by one in a second run; if there are more, all tests run again."""
_FAILED: Final = {"failed", "error"}


def run(inputs: StageInputs) -> None:
    """Run the tests; failing tests, or tests that cannot run, are a result and no failure of the stage."""
    item, detection = inputs.settings, inputs.read(Detection)
    edited = suites.edited_tests(detection.files, detection.layout.benchmarks_root)
    if why := why_not(item):
        inputs.write(ProjectTests(item=item.id, why_not=why, edited=edited))
        return
    runner = _Runner(inputs, detection)
    with inputs.clone(detection.base, *(detection.picked or (detection.head,))) as clone:
        checkouts = {side: runner.check_out(clone, side) for side in SIDES}
        runner.as_of = package_dates.if_old(package_dates.newest_date(clone, detection))
    outcome = runner.outcome(checkouts)
    inputs.write(outcome.model_copy(update={"edited": edited, "seconds": item.tests_timeout}))


def why_not(item: Optimization) -> str:
    """Return why the tests are not run, "" if they are."""
    if item.tests is False:
        return "the manifest says `tests: false`"
    return "this prprep was started by another one" if nested.is_nested() else ""


def compared(item_id: str, suite: Suite, base: SuiteRun, head: SuiteRun, again: SuiteRun | None = None) -> ProjectTests:
    """Compare two runs test by test; `again` is a second run at head of the tests that failed only there."""
    base, again = _renamed(base, like=head), again and _renamed(again, like=head)
    only_head = {test for test in head.failures if base.endings.get(test) not in _FAILED}
    flaky = {test for test in only_head if again and again.endings.get(test) in {"passed", "skipped"}}
    endings = {
        test: (base.endings.get(test), head.endings.get(test)) for test in sorted({*base.endings, *head.endings})
    }
    return ProjectTests(
        item=item_id,
        command=suite.commands[0],
        found=suite.source,
        by_test=bool(endings),
        base=base.counted(),
        head=head.counted(),
        old_failures=tuple(sorted(set(head.failures) - only_head)),
        new_failures=tuple(sorted(only_head - flaky)),
        flaky=tuple(sorted(flaky)),
        differences=tuple(
            EndingDifference(test=test, base=before, head=after)
            for test, (before, after) in endings.items()
            if before != after
        ),
    )


def _renamed(run: SuiteRun, *, like: SuiteRun) -> SuiteRun:
    """Rename tests whose ids differ from run to run by the ids of another run."""
    names = matched(run.endings, like.endings)
    endings = {names.get(test, test): ending for test, ending in run.endings.items()}
    return replace(run, endings=endings, running=names.get(run.running, run.running))


def repeating(suite: Suite, base: SuiteRun, head: SuiteRun, tests: Sequence[str]) -> str:
    """Return the command that runs tests of head again; all if there are too many or the command is the user's.

    Tests whose ids will differ are named by their functions.
    """
    if suite.kind != "pytest" or len(tests) > MOST_NAMED:
        return suite.commands[0]
    unstable = {test: test.partition("[")[0] for test in matched(base.endings, head.endings).values()}
    arguments = dict.fromkeys({**head.arguments, **unstable}.get(test, test) for test in tests)
    return f"{suite.commands[0]} {shlex.join(arguments)}"


@dataclass(slots=True)
class _Runner:
    """Builds both sides and runs the suite on them; `notes` say what differs from what the project's files ask for."""

    inputs: StageInputs
    detection: Detection
    notes: list[str] = field(default_factory=list)
    as_of: date | None = None

    def outcome(self, checkouts: Mapping[Side, Checkout]) -> ProjectTests:
        item, layout, cache = self.inputs.settings, self.detection.layout, self.inputs.cache
        command = item.tests if isinstance(item.tests, str) else None
        head = FolderTree(checkouts["head"].tree)
        suite = suites.suite_of(head, layout.project, benchmarks_root=layout.benchmarks_root, command=command)
        if suite is None:
            return ProjectTests(item=item.id, why_not="no tests were found in the project")
        built: dict[Role, SideEnvironment] = {}
        try:
            for side, checkout in checkouts.items():
                environment = self._environment(checkout, side)
                built[side] = SideEnvironment(checkout.commit, checkout.tree, environment)
            with exclusive(cache_lock(cache), self.inputs.report):
                outcome = self._run_both(suite, {side: side_of(built[side], layout, item) for side in SIDES})
        except PrprepError as error:
            shorten_paths(error, built, cache)
            return self._not_run(suite, error.what.splitlines()[0], unable=True)
        notes = dict.fromkeys(note for side in built.values() for note in side.environment.notes)
        return outcome.model_copy(update={"notes": (*outcome.notes, *self.notes, *notes)})

    def check_out(self, clone: Clone, side: Side) -> Checkout:
        """Check a side out as it was committed, in a tree that nothing is measured in: tests leave files behind."""
        base, head, picked = self.detection.base, self.detection.head, self.detection.picked
        start, picks = (base, picked) if side == "head" and picked else ({"base": base, "head": head}[side], ())
        commit = clone.cherry_pick(start, picks) if picks else start
        spec = TreeSpec(commit=start, picks=picks, tree=clone.tree_of(commit))
        confined, cache = self.inputs.settings.sandbox == "bwrap", self.inputs.cache
        check_out = partial(trees.check_out, open_clone=self.inputs.clone, cache=cache, confined=confined)
        return check_out(clone, spec, {}, copy=f"{self.inputs.tree_owner} tests")

    def _environment(self, checkout: Checkout, side: Side) -> Environment:
        """Build the side's environment with what its tests need; without that if it cannot be installed."""
        env, layout = self.inputs.settings.env, self.detection.layout
        settings = env.model_copy(update={"python": resolve_path(env.python, self.inputs.folder)})
        wider = suites.settings_for_tests(Project(FolderTree(checkout.tree), layout.project), settings)
        cache, report = self.inputs.cache, self.inputs.report
        build = partial(builder.build, checkout.tree, layout, cache=cache, report=report, as_of=self.as_of)
        build = partial(build, renew=checkout.renew, pristine=checkout.pristine)
        report(f"environment of {side}")
        if wider != settings:
            try:
                return build(wider)
            except EnvironmentBuildError as error:
                self.notes.append(f"what tests need could not be installed at {side}: {error.what.splitlines()[0]}")
        return build(settings)

    def _run_both(self, suite: Suite, sides: Mapping[Side, SideRequest]) -> ProjectTests:
        """Run at base, then at head; with the suite's next command if pytest does not know the project's options.

        If some files cannot be imported, the tests of the others run.
        """
        command, *others = suite.commands
        item, report = self.inputs.settings, self.inputs.report
        run_suite = partial(suite_runs.run, folder=suite.folder, seconds=item.tests_timeout)
        runs: dict[Side, SuiteRun] = {}
        for side in SIDES:
            report(f"{command} at {side}")
            runs[side] = run_suite(sides[side], command)
            if runs[side].code == USAGE_ERROR and suite.kind == "pytest" and others:
                note = (
                    "the project's options for pytest need plugins that are not installed: some of them were left out"
                )
                self.notes += [note] if note not in self.notes else []
                return self._run_both(replace(suite, commands=tuple(others)), sides)
            if runs[side].was_interrupted and suite.kind == "pytest" and CONTINUING not in command:
                return self._run_both(replace(suite, commands=(f"{command} {CONTINUING}",)), sides)
        if suite.kind == "pytest" and all(run.code == suite_runs.NO_TESTS for run in runs.values()):
            return self._not_run(suite, "pytest found no tests to run")
        first = compared(item.id, suite, runs["base"], runs["head"])
        if not first.new_failures:
            return first
        report(f"{len(first.new_failures)} failed only at head: running them again")
        command = repeating(suite, runs["base"], runs["head"], first.new_failures)
        again = run_suite(sides["head"], command)
        return compared(item.id, suite, runs["base"], runs["head"], again)

    def _not_run(self, suite: Suite, why: str, *, unable: bool = False) -> ProjectTests:
        item_id, command = self.inputs.item_id, suite.commands[0]
        return ProjectTests(item=item_id, command=command, found=suite.source, why_not=why, unable=unable)
