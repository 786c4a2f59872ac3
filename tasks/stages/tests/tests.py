"""Run the project's own tests at base and at head, each in its own tree and environment, and hold the two against each other."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...artifacts import SIDES, Detection, EndingDifference, ProjectTests, TreeSpec
from ...bench import trees
from ...bench.machine import exclusive, lock_path
from ...bench.setup import SideEnvironment, shorten_paths, side_of
from ...environments import builder
from ...environments.interpreters import resolve_path
from ...errors import EnvironmentBuildError, PrprepError
from ...project.files import FolderTree, Project
from ...workspace import nested
from . import suite_runs, suites

if TYPE_CHECKING:
    from ...artifacts import Side
    from ...bench.request import Role, SideRequest
    from ...environments.builder import Environment
    from ...git import Clone
    from ...manifest.model import Optimization
    from ...processes.progress import Report
    from ...staleness import StageInputs
    from .suite_runs import SuiteRun
    from .suites import Suite

MOST_AGAIN: Final = 200
"""Tests that are named one by one when they are run once more; beyond that all are run."""


def run(inputs: StageInputs) -> None:
    """Run the tests; that some fail, or that they cannot be run, is a result and no failure of the stage."""
    item, detection = inputs.settings, inputs.read(Detection)
    place = _Place(item, detection, inputs.folder, inputs.cache, inputs.report)
    edited = suites.edited_tests(detection.files, detection.layout.benchmarks_root)
    if why := why_not(item):
        inputs.write(ProjectTests(item=item.id, why_not=why, edited=edited))
        return
    with inputs.clone(detection.base, *(detection.picked or (detection.head,))) as clone:
        checkouts = {side: place.tree(clone, side) for side in SIDES}
    outcome = _outcome(place, checkouts)
    inputs.write(outcome.model_copy(update={"edited": edited, "seconds": item.tests_timeout}))


def why_not(item: Optimization) -> str:
    """Say why the tests are not run, "" where they are."""
    if item.tests is False:
        return "the manifest says `tests: false`"
    return "this prprep was started by another one" if nested.is_nested() else ""


def compared(item_id: str, suite: Suite, base: SuiteRun, head: SuiteRun, again: SuiteRun | None = None) -> ProjectTests:
    """Hold two runs against each other, test by test; `again` is a second run at head of what failed there alone."""
    failed = {"failed", "error"}
    at_head = tuple(test for test in head.failures if base.endings.get(test) not in failed)
    flaky = tuple(test for test in at_head if again and again.endings.get(test) in {"passed", "skipped"})
    differing = sorted(
        test for test in base.endings.keys() | head.endings.keys() if base.endings.get(test) != head.endings.get(test)
    )
    return ProjectTests(
        item=item_id,
        command=suite.commands[0],
        found=suite.found,
        by_test=bool(base.endings or head.endings),
        base=base.told(),
        head=head.told(),
        old_failures=tuple(sorted(set(head.failures) - set(at_head))),
        new_failures=tuple(sorted(set(at_head) - set(flaky))),
        flaky=tuple(sorted(flaky)),
        differences=tuple(
            EndingDifference(test=test, base=base.endings.get(test), head=head.endings.get(test)) for test in differing
        ),
    )


def repeating(suite: Suite, tests: Sequence[str]) -> str:
    """Return the command that runs tests once more: them alone where the command is ours, and all where it is not."""
    if suite.kind != "pytest" or len(tests) > MOST_AGAIN:
        return suite.commands[0]
    return f"{suite.commands[0]} {shlex.join(tests)}"


def _outcome(place: _Place, environments_by_side: Mapping[Side, tuple[str, Path]]) -> ProjectTests:
    item, layout = place.item, place.detection.layout
    asked = item.tests if isinstance(item.tests, str) else None
    head = FolderTree(environments_by_side["head"][1])
    suite = suites.suite_of(head, layout.project, benchmarks_root=layout.benchmarks_root, asked=asked)
    if suite is None:
        return ProjectTests(item=item.id, why_not="no tests were found in the project")
    built: dict[Role, SideEnvironment] = {}
    try:
        for side, (commit, tree) in environments_by_side.items():
            built[side] = SideEnvironment(commit, tree, place.environment(tree, side))
        with exclusive(lock_path(place.cache), place.report):
            made = _both(place, suite, {side: side_of(built[side], layout, item) for side in SIDES})
    except PrprepError as error:
        shorten_paths(error, built, place.cache)
        return ProjectTests(
            item=item.id, command=suite.commands[0], found=suite.found, why_not=error.what.splitlines()[0], unable=True
        )
    notes = dict.fromkeys(note for ground in built.values() for note in ground.environment.notes)
    return made.model_copy(update={"notes": (*made.notes, *place.notes, *notes)})


def _both(place: _Place, suite: Suite, sides: Mapping[Side, SideRequest]) -> ProjectTests:
    """Run at base, then at head; by the next way to call pytest where it does not know the project's own options."""
    for number, command in enumerate(suite.commands):
        tried = replace(suite, commands=(command,))
        runs: dict[Side, SuiteRun] = {}
        for side in SIDES:
            runs[side] = place.run(tried, sides[side], side)
            if (
                runs[side].code == suite_runs.USAGE_ERROR
                and suite.kind == "pytest"
                and number + 1 < len(suite.commands)
            ):
                place.notes.append(
                    "the project's options for pytest need plugins that are not installed: most of them were left out"
                )
                break
        else:
            return _judged(place, tried, sides["head"], runs)
    raise AssertionError(suite)


def _judged(place: _Place, suite: Suite, head: SideRequest, runs: Mapping[Side, SuiteRun]) -> ProjectTests:
    if suite.kind == "pytest" and all(each.code == suite_runs.NO_TESTS for each in runs.values()):
        return ProjectTests(
            item=place.item.id, command=suite.commands[0], found=suite.found, why_not="pytest found no tests to run"
        )
    first = compared(place.item.id, suite, runs["base"], runs["head"])
    if not first.new_failures:
        return first
    place.report(f"{len(first.new_failures)} failed at head alone: once more")
    again = suite_runs.run(
        head, repeating(suite, first.new_failures), folder=suite.folder, seconds=place.item.tests_timeout
    )
    return compared(place.item.id, suite, runs["base"], runs["head"], again)


@dataclass(slots=True)
class _Place:
    """What both sides are made with; `notes` tell what was done otherwise than the project's files ask for."""

    item: Optimization
    detection: Detection
    folder: Path
    cache: Path
    report: Report
    notes: list[str]

    def __init__(self, item: Optimization, detection: Detection, folder: Path, cache: Path, report: Report) -> None:
        self.item, self.detection, self.folder, self.cache, self.report, self.notes = (
            item,
            detection,
            folder,
            cache,
            report,
            [],
        )

    def tree(self, clone: Clone, side: Side) -> tuple[str, Path]:
        """Check a side out as it was committed, in a tree that nothing is measured in: tests leave files behind."""
        base, head, picked = self.detection.base, self.detection.head, self.detection.picked
        commit, picks = (base, picked) if side == "head" and picked else ({"base": base, "head": head}[side], ())
        made = clone.cherry_pick(commit, picks) if picks else commit
        spec = TreeSpec(commit=commit, picks=picks, tree=clone.tree_of(made))
        return made, trees.prepare(clone, spec, {}, cache=self.cache, copy="tests")

    def environment(self, tree: Path, side: Side) -> Environment:
        """Build the side's environment with what its tests need; where that cannot be installed, as measuring has it."""
        settings = self.item.env.model_copy(update={"python": resolve_path(self.item.env.python, self.folder)})
        layout = self.detection.layout
        wider = suites.settings_for_tests(Project(FolderTree(tree), layout.project), settings)
        self.report(f"environment of {side}")
        if wider != settings:
            try:
                return builder.build(tree, layout, wider, cache=self.cache, report=self.report)
            except EnvironmentBuildError as error:
                self.notes.append(f"what tests need could not be installed at {side}: {error.what.splitlines()[0]}")
        return builder.build(tree, layout, settings, cache=self.cache, report=self.report)

    def run(self, suite: Suite, place: SideRequest, side: Side) -> SuiteRun:
        self.report(f"{suite.commands[0]} at {side}")
        return suite_runs.run(place, suite.commands[0], folder=suite.folder, seconds=self.item.tests_timeout)
