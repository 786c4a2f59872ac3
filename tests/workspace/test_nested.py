"""prprep run by prprep: the same program in a folder of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tasks.artifacts import Verdict
from tasks.errors import ArtifactError, CommandFailedError
from tasks.processes import locks, programs
from tasks.workspace import nested
from tests.support.targets import TargetRepo

pytestmark = pytest.mark.slow

SLOW = "def total(values=range(2_000)):\n    return sum([list(values) for _ in range(20)][0])\n"
FAST = "def total(values=range(2_000)):\n    return sum(values)\n"
BENCHMARK = "tests/benchmarks/test_benchmark_total.py"
FILES = {
    "sums/__init__.py": "",
    "sums/numbers.py": SLOW,
    BENCHMARK: """
        from sums.numbers import total


        def test_benchmark_total(benchmark):
            assert benchmark(total) == 1_999_000
        """,
}
MANIFEST = """\
version: 1
repo: target
upstream: main
optimizations:
  - {id: total, head: perf, domain: cpu, functions: 'sums.numbers:total', metrics: memory}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nested")
    repo = TargetRepo(folder / "target", FILES)
    repo.branch("perf")
    repo.commit({"sums/numbers.py": FAST})
    repo.checkout("main")
    (folder / "prprep.yaml").write_text(MANIFEST)
    return folder


def test_a_nested_prprep_knows_that_it_is_one(monkeypatch):
    monkeypatch.delenv(nested.MARK, raising=False)
    assert not nested.is_nested()
    monkeypatch.setenv(nested.MARK, "1")
    assert nested.is_nested()


def test_a_nested_prprep_waits_for_the_same_lock(monkeypatch, tmp_path):
    monkeypatch.setenv("PRPREP_LOCK", "/a lock")
    assert nested.variables(tmp_path)["PRPREP_LOCK"] == "/a lock"
    assert "PRPREP_LOCK='/a lock'" in nested.program(tmp_path, tmp_path).read_text()
    # Without the variable it is a file in the folder for temporary files, of which the nested one may have its own.
    monkeypatch.delenv("PRPREP_LOCK")
    assert nested.variables(tmp_path)["PRPREP_LOCK"] == str(locks.machine_lock())


def test_the_mark_does_not_reach_the_targets_code(monkeypatch):
    monkeypatch.setenv(nested.MARK, "1")
    assert nested.MARK not in programs.project_environment()


def test_the_program_is_this_prprep_wherever_it_is_started(tmp_path):
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "__init__.py").write_text("raise SystemExit('another package called tasks')")
    (tmp_path / "numbers.py").write_text("raise SystemExit('another module called numbers')")
    program = nested.program(tmp_path / "a bin", tmp_path / "it's a cache")
    bare = {"PATH": f"{program.parent}{os.pathsep}/usr/bin:/bin", "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        ["sh", "-c", "prprep schema"], cwd=tmp_path, env=bare, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert '"optimizations"' in done.stdout


@pytest.mark.slow
def test_a_run_that_fails_says_which_tasks_and_how_it_ended(folder, tmp_path):
    with pytest.raises(CommandFailedError, match=r"`prprep compare:nothing` ended with exit code 3:\n(.|\n)*nothing"):
        nested.run(["compare:nothing"], folder=folder, cache=tmp_path / "cache")
    with pytest.raises(ArtifactError):
        nested.comparison(folder, "nothing")


def test_a_run_that_takes_too_long_is_stopped(folder, tmp_path):
    with pytest.raises(CommandFailedError, match="`prprep detect:total` took longer than 0 s and was stopped"):
        nested.run(["detect:total"], folder=folder, cache=tmp_path / "cache", timeout=0)


@pytest.mark.slow
def test_a_comparison_in_another_folder(folder, tmp_path):
    nested.run(["detect:total"], folder=folder, cache=tmp_path / "cache")
    assert (tmp_path / "cache" / "clones").is_dir()
    lines: list[str] = []
    nested.run(["compare:total"], folder=folder, cache=Path(os.environ["PRPREP_CACHE"]), report=lines.append)
    assert nested.comparison(folder, "total").verdict is Verdict.IMPROVED
    assert any("measure:total" in line for line in lines)
    assert not (folder / ".prprep" / "total" / "render.json").exists()
    assert [path.name for path in (folder / ".codeflash").glob("report.*")] == ["report.md"]
