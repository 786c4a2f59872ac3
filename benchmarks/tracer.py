"""What finding the tests that reach a change costs: a project's tests with and without the watching plugin, in turns.

`python -m benchmarks.tracer MANIFEST ITEM [--repeats 3]`, after `prprep run detect:ITEM`

Prints the CPU time of pytest and its child processes, as the ratio with / without (median, least and most), and the
tests whose outcomes differ.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

from tasks.artifacts import Detection
from tasks.bench.observing.exploring import PLUGIN_OPTIONS, TEST_SECONDS
from tasks.bench.observing.site import RecordingSite
from tasks.bench.workers.pytest_options import options
from tasks.pipeline import staleness_of
from tasks.processes.progress import silent
from tasks.stages.record.candidates import candidates
from tasks.stages.record.record import EXPLORING
from tasks.stages.record.sides import Sides
from tasks.staleness import StageInputs
from tasks.workspace.workspace import Workspace

PLUGIN = "prprep_worker.exploring.plugin"
LONGEST = 1200.0
"""Seconds of a run of the tests."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("item")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    workspace = Workspace.open(arguments.manifest)
    staleness = staleness_of(workspace)
    inputs = StageInputs(staleness.stages["record"], staleness.item(arguments.item), fingerprint="", report=silent)
    sides = Sides(inputs, inputs.read(Detection))
    found = candidates(sides.detection, (), sides.base.sources, sides.head.sources)
    _, tests = sides.tests(found)[0]
    functions = sides.functions(sides.base, found)
    site = sides.base.site
    targets = {name: function.message(site.side.tree) for name, function in functions.items()}
    seconds: dict[bool, list[float]] = {False: [], True: []}
    outcomes: dict[bool, dict[str, str]] = {}
    for _ in range(arguments.repeats):
        for is_watched in (False, True):
            took, outcomes[is_watched] = run(site, tests, targets, is_watched=is_watched)
            seconds[is_watched].append(took)
    ratios = [watched / plain for plain, watched in zip(seconds[False], seconds[True], strict=True)]
    python = site.side.python.resolve().name
    print(
        f"{arguments.item}, {python}: {len(outcomes[False])} tests in {len(tests)} files, {len(targets)} functions; "
        f"{statistics.median(seconds[False]):.1f} s without, ratio {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f}) of {len(ratios)}"
    )
    differing = [
        test for test in outcomes[False] | outcomes[True] if outcomes[False].get(test) != outcomes[True].get(test)
    ]
    print(f"  outcomes: {len(differing)} differ {', '.join(differing[:5])}")


def run(
    site: RecordingSite, tests: tuple[str, ...], targets: dict[str, object], *, is_watched: bool
) -> tuple[float, dict[str, str]]:
    """Return seconds of CPU time, and the outcome of each test."""
    index = PLUGIN_OPTIONS.index(PLUGIN)
    own = PLUGIN_OPTIONS if is_watched else (*PLUGIN_OPTIONS[: index - 1], *PLUGIN_OPTIONS[index + 1 :])
    with tempfile.TemporaryDirectory(prefix="prprep-tracer-") as folder:
        report, out = Path(folder) / "report.xml", Path(folder) / "reached.jsonl"
        order = {"targets": targets, "tree": str(site.side.tree), "out": str(out), "seconds": TEST_SECONDS}
        order |= {"session": 10 * EXPLORING, "inside": "", "chains": True}
        command = [str(site.side.python), "-m", "pytest", *options(site.side.tree, *tests, own=own)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        site.run(
            [*command, f"--junitxml={report}"],
            seconds=LONGEST,
            writable=Path(folder),
            PRPREP_EXPLORER=json.dumps(order),
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return took, dict(map(outcome, ET.parse(report).iter("testcase")))  # noqa: S314 - pytest wrote it


def outcome(test: ET.Element) -> tuple[str, str]:
    ended = next((child.tag for child in test if child.tag in {"failure", "error", "skipped"}), "passed")
    return f"{test.get('classname')}::{test.get('name')}", ended


if __name__ == "__main__":
    main()
