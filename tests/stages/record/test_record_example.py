"""The example's item that stands or falls with its fake of a model, with its benchmark taken away."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from examples.build import build
from tasks.artifacts import Comparison, Linting, MetricName, Verdict
from tasks.storage.files import write_whole
from tests.support.mistakes import ran

BENCHMARK = "tests/benchmarks/test_benchmark_extract_tables.py"
DRIVE = """\
from pagelayout import Box, Page, extract_tables

class Model:
    def predict(self, ink):
        height, width = ink.shape
        return [Box(0, 0, width, height // 3)]

ink = tuple(Box(50, top, 800, top + 7) for top in range(60, 1000, 20))
extract_tables([Page(number, 850, 1100, ink) for number in range(6)], Model())
"""
MANIFEST = """
version: 1
repo: repository
upstream: bare
defaults: {budget: 1, metrics: memory, tests: false, verify: false}
optimizations:
  - id: tables
    head: faster
    domain: mem
    functions: pagelayout.tables:extract_tables
    drive: python scripts/scan.py
    boundary_bytes: 8388608
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("example")
    build(place / "repository")

    def git(*words: str) -> None:
        names = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        subprocess.run(["git", *names, *words], cwd=place / "repository", check=True, capture_output=True)

    git("checkout", "--quiet", "-b", "bare", "main")
    git("rm", "--quiet", BENCHMARK)
    write_whole(place / "repository/scripts/scan.py", DRIVE)
    git("add", "scripts")
    git("commit", "--quiet", "--message", "Scan without a benchmark")
    git("checkout", "--quiet", "-b", "faster")
    git("cherry-pick", "perf/table-extraction")
    git("checkout", "--quiet", "bare")
    (place / "prprep.yaml").write_text(MANIFEST)
    return place


def run(folder: Path, *words: str) -> str:
    done = ran(folder, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow(0.3)
def test_the_written_benchmark_shows_the_effect_and_is_caught_where_its_fake_allocates_nothing(folder):
    run(folder)
    state = folder / ".prprep/tables"
    comparison = Comparison.read(state / "compare.json")
    peak = next(change for change in comparison.changes if change.metric is MetricName.PEAK)
    assert comparison.verdict is Verdict.IMPROVED
    assert peak.interval.ratio < 0.6
    assert Linting.read(state / "lint.json").findings == ()

    benchmark = folder / ".codeflash/benchmarks/tables/test_benchmark_extract_tables.py"
    text = benchmark.read_text()
    assert "PREDICT_BYTES = 8 * 1024 * 1024" in text
    benchmark.write_text(re.sub(r"\n *_buffer = .*", "", text))
    run(folder, "lint:tables")
    (finding,) = Linting.read(state / "lint.json").findings
    assert finding.rule == "mock-allocates-nothing"
    assert "FakeTableModel.predict" in finding.found
