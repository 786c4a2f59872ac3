"""Defects of a performance pull request that was made by hand and merged, each shown to be none that prprep can produce.

Its recipe stashed the reader's work and ran a benchmark that base did not have; it called a change a drop-in replacement that was
none; its labels were branch names cut short; it showed two factors for one change; and it said that tests passed which it had edited.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.artifacts import Interval, ProjectTests, SideRun, Verdict
from tasks.body.evidence import Evidence
from tasks.body.views import FunctionTable
from tasks.stages.render.render import bounded
from tasks.text import figures
from tests.stages.render.test_render import body_of
from tests.support.evidence import BASE, CPU_IMPROVED, DETECTION, HEAD, REGRESSED, Case
from tests.support.mistakes import compare, item, target

CLEAN = "textkit/__init__.py"
BENCHMARK = "tests/benchmarks/test_benchmark_clean.py"
BRANCH = "speed/one-pass-over-marks"
BEFORE = """
MARKS = {0x2018, 0x2019, 0x201C, 0x201D}


def clean(text):
    kept = ""
    for character in text:
        if ord(character) not in MARKS and character not in ".,;":
            kept = kept + character
    return kept
"""
AFTER = """
MARKS = {0x2018, 0x2019, 0x201C, 0x201D}


def clean(text):
    return text.translate(dict.fromkeys(map(ord, ".,;\\u2019\\u201d")))
"""
MEASURES = """
import pytest

from textkit import clean

TEXTS = ["plain words, and no more; " * 40, "\\u2018one\\u2019 " * 40]


@pytest.mark.parametrize("number", range(2))
def test_benchmark_clean(benchmark, number):
    benchmark(clean, TEXTS[number])
"""


@pytest.fixture(scope="module")
def merged(tmp_path_factory):
    """Prepare a change that drops two of four marks, whose benchmark is at head alone, in the whole way."""
    folder = tmp_path_factory.mktemp("defects")
    repo = target(
        folder, {CLEAN: BEFORE, "tests/benchmarks/test_benchmark_total.py": None}, {CLEAN: AFTER, BENCHMARK: MEASURES}
    )
    repo.git("branch", "-m", "faster", BRANCH)
    asked = item(BRANCH, id="marks", benchmark=BENCHMARK, functions=["textkit:clean"], metrics="time")
    # Nothing below depends on the figures, so the fewest launches do.
    few = {"tasks.bench.time.timing.LOOKS": [3], "tasks.bench.time.timing.SHORTEST_LAUNCH": 0.1}
    return repo, compare(repo, asked, PRPREP_BRIEFLY=json.dumps(few))


@pytest.mark.slow
def test_a_change_of_results_is_no_drop_in_replacement(merged):
    _, run = merged
    assert {output.verdict for output in run.comparison("marks").outputs} >= {"different"}
    body = run.body("marks")
    assert "**The results differ between base and head** in `test_benchmark_clean[1]`" in body
    assert "needs review" in (run.folder / ".codeflash" / "report.md").read_text()


@pytest.mark.slow
def test_the_recipe_runs_although_base_lacks_the_benchmark_and_leaves_the_readers_work_alone(merged):
    repo, run = merged
    repo.checkout("main")
    repo.write({CLEAN: "# an older idea\n" + BEFORE})
    repo.git("stash")
    repo.write({"notes.txt": "being written"})
    before = [
        repo.git(*asked)
        for asked in (("stash", "list"), ("status", "--porcelain"), ("worktree", "list"), ("rev-parse", "HEAD"))
    ]
    assert not repo.git("ls-tree", "main", "--", BENCHMARK)
    commands = [block for block in re.findall(r"```sh\n(.*?)```", run.body("marks"), re.DOTALL) if "pytest" in block]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euc", commands[0]],
        cwd=repo.path,
        # Each benchmark would run for a second.
        env={**os.environ, "PATH": path, "PYTEST_ADDOPTS": "--benchmark-max-time=0.05"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall(r"2 passed", done.stdout)) == 2
    assert before == [
        repo.git(*asked)
        for asked in (("stash", "list"), ("status", "--porcelain"), ("worktree", "list"), ("rev-parse", "HEAD"))
    ]


@pytest.mark.slow
def test_the_sides_are_named_by_commits_that_are_whole(merged):
    repo, run = merged
    body, (base, head) = run.body("marks"), (repo.git("rev-parse", ref) for ref in ("main", BRANCH))
    assert f"- Base is `{base}`" in body
    assert f"- Head is `{head}` ({BRANCH})" in body
    assert f" | Base `{base[:12]}` | Head `{head[:12]}` |" in body
    assert not re.search(re.escape(BRANCH[:12]) + rf"(?!{re.escape(BRANCH[12:])})", body)


def test_no_recipe_touches_the_readers_tree():
    for case in (Case(), Case(detection=DETECTION.model_copy(update={"picked": ("aa" * 20,)}))):
        assert not re.search(r"git (?:-\S+ \S+ )?(?:stash|checkout|switch|reset|clean)", body_of(case))


def test_a_branch_name_of_the_length_of_a_label_is_never_the_label():
    body = body_of(Case(detection=DETECTION.model_copy(update={"head_ref": "codeflash/op-long-name"})))
    assert "`codeflash/op`" not in body
    assert (f"`{BASE}`" in body, f"`{HEAD}`" in body) == (True, True)


def test_one_change_has_one_factor():
    """Tables of functions are shares of the same time, so that no second factor comes out of another run."""
    body = body_of(Case())
    factors = set(re.findall(r"\d[\d.]*x(?!\w)", body)) - {"1.00x"}
    assert len(factors) == 1
    time, table = CPU_IMPROVED.changes[0], FunctionTable.of(CPU_IMPROVED.functions)
    for share in CPU_IMPROVED.functions:
        shown = [
            figures.rough_seconds(side.share * cost, table.digits(side.share))
            for side, cost in ((share.base, time.base), (share.head, time.head))
            if side
        ]
        assert all(figure in body for figure in shown)


def test_the_headline_is_never_the_best_of_many_runs():
    time = CPU_IMPROVED.changes[0]
    lucky = time.model_copy(
        update={
            "head": time.base * 0.99,
            "interval": Interval(ratio=0.99, low=0.97, high=1.01, confidence=0.99),
        }
    )
    regressed = REGRESSED.model_copy(
        update={
            "changes": (lucky,),
            "verdict": Verdict.INCONCLUSIVE,
            "headline": "time −1.0 % (99 % interval −3.0 % to +1.0 %)",
        }
    )
    first = body_of(Case(regressed)).split("\n\n", 2)[1]
    assert first.startswith("**Inconclusive: time −1.0 % (99 % interval −3.0 % to +1.0 %).**")
    assert not re.search(r"\d+x", first)


def ran(passed: int, failed: int = 0) -> SideRun:
    return SideRun(code=1 if failed else 0, passed=passed, failed=failed, errors=0, skipped=0)


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        (None, False),
        (ProjectTests(item="merge_lines", why_not="no tests were found"), False),
        (
            ProjectTests(item="merge_lines", command="pytest", base=ran(3), head=ran(2, 1), new_failures=("a::b",)),
            False,
        ),
        (ProjectTests(item="merge_lines", command="pytest", base=ran(3), head=ran(0)), False),
    ],
)
def test_existing_tests_pass_only_behind_a_run(tests, said):
    evidence = Case().evidence
    made = Evidence(**{**{name: getattr(evidence, name) for name in Evidence.__slots__}, "tests": tests})
    assert ("Existing unit tests pass" in bounded(made, None).text) is said
