"""What was measured: mistakes of `codeflash compare` that were made to happen, by their numbers; prprep makes none of them."""

from __future__ import annotations

import pytest

from tasks.artifacts import MetricName, Verdict
from tests.mistakes import (
    BENCHMARK,
    CODE,
    HEAVY,
    LIGHT,
    MEASURES,
    PYPROJECT,
    TEST,
    change,
    compare,
    is_improved,
    item,
    measures_its_own_trees,
    target,
)

pytestmark = pytest.mark.slow

SRC = "src/textkit/__init__.py"


# -- which code -------------------------------------------------------------------------------------


@pytest.fixture
def src(tmp_path):
    """A src project whose light version is checked out."""
    return target(tmp_path, {CODE: None, SRC: HEAVY, "pyproject.toml": PYPROJECT}, {SRC: LIGHT})


def test_01_an_editable_installation_of_the_checkout_is_not_measured_for_both_refs(src):
    """It measured the code that was checked out for both refs, where that was installed with `pip install -e`."""
    asked = item(metrics="time", env={"install": [f"-e {src.path}"]})
    run = compare(src, asked, PYTHONPATH=str(src.path / "src"), VIRTUAL_ENV=str(src.path / ".venv"))
    comparison = run.comparison()
    assert measures_its_own_trees(src, comparison)
    assert SRC in {module.path for module in comparison.base.modules}
    assert is_improved(comparison, MetricName.TIME)


def test_01_a_head_that_imports_the_checkout_is_stopped_with_the_path(src):
    """It had no proof of where the measured modules come from, and no word about it."""
    src.commit({"tests/conftest.py": f"import sys\n\nsys.path.insert(0, {str(src.path / 'src')!r})\n"}, "Find the code")
    run = compare(src)
    assert run.code == 1
    path = (src.path / SRC).resolve()
    assert f"on head `textkit` is imported from an installed copy and not from the tree of head: {path}" in run.failure()


def test_02_one_benchmark_runs_at_both_refs(tmp_path):
    """It took the benchmark from each ref: less work in the test of head came out as a speed-up of ten."""
    repo = target(tmp_path, {BENCHMARK: MEASURES.replace("1000", "5000").replace("499_500", "12_497_500")}, {CODE: HEAVY + "\n", BENCHMARK: MEASURES})
    run = compare(repo)
    comparison = run.comparison()
    assert (change(comparison).interval.ratio, comparison.verdict) == (1.0, Verdict.UNCHANGED)
    bytes_of = [{module.blob for module in side.modules if module.path == BENCHMARK} for side in (comparison.base, comparison.head)]
    assert bytes_of[0] == bytes_of[1] == {repo.git("rev-parse", f"faster:{BENCHMARK}")}
    told = f"the benchmark {BENCHMARK} was written over both trees: base has another version"
    assert comparison.repairs == (told,)
    assert told in run.body()


def test_03_a_benchmark_that_fails_at_head_is_no_result(tmp_path):
    """It showed a figure for a head whose result is wrong, and dashes for one that cannot be imported; both with exit code 0."""
    repo = target(tmp_path, head={CODE: LIGHT.replace("range(size)", "range(size - 1)")})
    repo.branch("broken", "main")
    repo.commit({CODE: "import absent\n"})
    run = compare(repo, item(metrics="time"), item("broken", metrics="time"))
    assert run.code == 1
    assert run.failure().startswith(f"{TEST}: the benchmark failed on head:\n")
    assert "assert 498501 == 499500" in run.failure()
    assert run.failure("broken").startswith(f"{BENCHMARK}: the benchmark cannot be imported on head:\n")
    assert "No module named 'absent'" in run.failure("broken")
    assert "2 items: 2 blocked" in (run.folder / ".codeflash/report.md").read_text() + run.told


def test_04_a_base_that_went_on_is_not_what_the_change_is_measured_from(tmp_path):
    """It took functions from the merge base and times from the tip of base: a faster main made the change look like a loss."""
    repo = target(tmp_path, head={CODE: HEAVY.replace("20", "10")})
    fork = repo.git("rev-parse", "main")
    repo.checkout("main")
    repo.commit({CODE: LIGHT}, "Be fast by other means")
    run = compare(repo, item(), item(id="tip", base="main"))
    comparison = run.comparison()
    assert (comparison.base.commit, comparison.verdict) == (fork, Verdict.IMPROVED)
    assert 0.4 < change(comparison).interval.ratio < 0.6
    assert run.comparison("tip").verdict is Verdict.REGRESSED
    note = "main has 1 commit(s) that faster lacks; their effect is in the comparison too."
    assert run.detection("tip").notes == (note,)
    assert note in run.body("tip")


def test_05_the_reverse_is_measured_or_refused_in_words(tmp_path):
    """It found no changed functions where base comes after head."""
    repo = target(tmp_path)
    repo.branch("back")
    repo.commit({CODE: HEAVY}, "Revert")
    run = compare(repo, item("main", base="faster"), item("back", base="faster"))
    assert run.failure("main").endswith(
        "`base` (faster) comes after `head` (main)\n  name the commit before the change as `base` and the one with it as `head`"
    )
    assert run.comparison("back").verdict is Verdict.REGRESSED
    assert change(run.comparison("back")).interval.low > 2
