"""Small projects on which a comparison goes wrong easily, and prprep run on them as its users run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.artifacts import Change, Comparison, Detection, Failure, MetricName, Rendering, Samples
from tests.support.projects import FLIT
from tests.support.runs import CHECKOUT, prprep
from tests.support.targets import TargetRepo

HEAVY = "def total(size=1000):\n    lists = [list(range(size)) for _ in range(20)]\n    return sum(lists[0])\n"
LIGHT = "def total(size=1000):\n    return sum(range(size))\n"
"""The same result in a twentieth of the time, and with next to no memory.

Benchmarks call it without arguments, so no further inputs are tried, which would take a third of a run.
"""

CODE = "textkit/__init__.py"
BENCHMARK = "tests/benchmarks/test_benchmark_total.py"
TEST = f"{BENCHMARK}::test_total"
MEASURES = """
from textkit import total


def test_total(benchmark):
    assert benchmark(total) == 499_500
"""
PYPROJECT = f"""
{FLIT}
[project]
name = "textkit"
version = "1"
description = "Sums"
"""

Files = dict[str, str | None]

ALONE = {"tests": False, "verify": False}
"""For items of which the comparison is all that matters."""


def target(folder: Path, base: Files | None = None, head: Files | None = None) -> TargetRepo:
    """Make a repository: `main` with a heavy function and its benchmark, and `faster`, checked out, where it is light.

    `base` goes over the files of `main`, None leaves one out; `head` is all that `faster` changes.
    """
    start = {CODE: HEAVY, BENCHMARK: MEASURES, **(base or {})}
    repo = TargetRepo(folder / "repo", {path: text for path, text in start.items() if text is not None})
    repo.branch("faster")
    repo.commit({CODE: LIGHT} if head is None else head, "Sum without lists")
    return repo


def item(head: str = "faster", **settings: object) -> dict[str, object]:
    """Spell an item that is named after its head; memory, which is exact, unless `metrics` say otherwise."""
    return {
        "id": head,
        "head": head,
        "domain": "cpu",
        "metrics": "memory",
        "budget": 0.5,
        "benchmark": BENCHMARK,
        **ALONE,
        **settings,
    }


@dataclass(frozen=True)
class Run:
    """What a run of prprep said, and the folder of its manifest."""

    folder: Path
    code: int
    output: str

    def state(self, name: str = "faster") -> Path:
        return self.folder / ".prprep" / name

    def detection(self, name: str = "faster") -> Detection:
        return Detection.read(self.state(name) / "detect.json")

    def samples(self, name: str = "faster") -> Samples:
        return Samples.read(self.state(name) / "samples.json")

    def comparison(self, name: str = "faster") -> Comparison:
        assert (self.state(name) / "compare.json").exists(), self.output
        return Comparison.read(self.state(name) / "compare.json")

    def body(self, name: str = "faster") -> str:
        return (self.folder / Rendering.read(self.state(name) / "render.json").body).read_text()

    def failure(self, name: str = "faster") -> str:
        """Return the message of an item that failed, of which nothing else may be shown."""
        assert not list(self.folder.glob(".codeflash/pr-body-*")) or not (self.state(name) / "render.json").exists()
        assert not (self.state(name) / "compare.json").exists(), self.output
        return Failure.read(self.state(name) / "failure.json").message


def variables_of(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a run, with the checkout on the path, before what `extra` says there."""
    path = os.pathsep.join(filter(None, (str(CHECKOUT), extra.get("PYTHONPATH"))))
    return {**os.environ, **extra, "PYTHONPATH": path}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.support.briefly", *arguments]


def ran(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run prprep in a folder; started anew if `variables` have a PYTHONPATH."""
    env = variables_of(variables)
    if "PYTHONPATH" not in variables:
        return prprep(arguments, folder=folder, env=env)
    return subprocess.run(command(*arguments), cwd=folder, env=env, capture_output=True, text=True, check=False)


def manifest(repo: TargetRepo, *items: dict[str, object], name: str = "work") -> Path:
    """Write a manifest into a folder beside the repository, and give that folder."""
    folder = repo.path.parent / name
    folder.mkdir(exist_ok=True)
    spelled = {"version": 1, "repo": "../repo", "upstream": "main", "optimizations": items}
    (folder / "prprep.yaml").write_text(json.dumps(spelled))
    return folder


def compare(repo: TargetRepo, *items: dict[str, object], stages: tuple[str, ...] = (), **variables: str) -> Run:
    """Run prprep on the items, to its end also where one of them fails."""
    folder = manifest(repo, *(items or (item(),)))
    done = ran(folder, "run", "--continue", *stages, **variables)
    # What the target's own processes wrote may hold one; none is ours.
    assert f'File "{CHECKOUT}/tasks/' not in done.stdout + done.stderr
    return Run(folder, done.returncode, done.stdout + done.stderr)


def change(comparison: Comparison, metric: MetricName = MetricName.PEAK, test: str = TEST) -> Change:
    """Return the one change of a test's metric."""
    (found,) = [each for each in comparison.changes if (each.test, each.metric) == (test, metric)]
    return found


def measures_its_own_trees(repo: TargetRepo, comparison: Comparison, *, besides: tuple[str, ...] = ()) -> bool:
    """Hold every measured file of the project, `besides` those that were injected, against what git has at that side's commit."""
    for side in (comparison.base, comparison.head):
        measured = {module.path: module.blob for module in side.modules if module.path not in besides}
        assert measured
        assert measured == {path: repo.git("rev-parse", f"{side.commit}:{path}") for path in measured}
    return True


def is_improved(comparison: Comparison, metric: MetricName = MetricName.PEAK, test: str = TEST) -> bool:
    """Say whether a large effect is shown as one."""
    return change(comparison, metric, test).interval.high < 0.5
