"""The example's item about memory with `engine: codeflash`, through the graph, by the real package."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from examples.build import build
from tasks.artifacts import CodeflashRun, Comparison, Rendering, Verdict
from tasks.manifest.reader import read
from tasks.stages.codeflash import environment
from tasks.storage.files import write_whole
from tasks.storage.paths import ProjectPaths
from tests.support.mistakes import ran
from tests.support.stages import run_stage

pytestmark = pytest.mark.slow(1)

MANIFEST = """
version: 1
repo: repository
upstream: main
defaults: {engine: codeflash, budget: 1, tests: false, verify: false}
optimizations:
  - id: table_extraction
    head: perf/table-extraction
    domain: mem
    functions: pagelayout.tables:extract_tables
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("example")
    build(place / "repository")
    write_whole(place / "prprep.yaml", MANIFEST)
    done = ran(place)
    assert done.returncode == 0, done.stdout + done.stderr
    return place


def paths(folder: Path):
    return ProjectPaths(folder / "prprep.yaml", folder / ".codeflash").item("table_extraction")


def cache() -> Path:
    return Path(os.environ["PRPREP_CACHE"])


def figures(run: CodeflashRun, test: str) -> dict[str, float]:
    return {each.metric: each.head / each.base for each in run.figures if (each.test, each.function) == (test, "")}


def test_memory_without_a_time_limit(folder):
    run = CodeflashRun.read(paths(folder).codeflash)
    assert (run.flags, run.findings) == ("--memory", ())
    found = figures(run, "test_benchmark_extract_tables")
    comparison = Comparison.read(paths(folder).compare)
    assert (comparison.verdict, comparison.flags) == (Verdict.IMPROVED, "--memory")
    assert found["peak memory"] == pytest.approx(comparison.changes[0].interval.ratio, rel=0.1)
    assert not [message for message in comparison.contradictions if "memory" in message]


def test_the_body_holds_the_report_unaltered(folder):
    place = paths(folder)
    run, text = CodeflashRun.read(place.codeflash), place.body("extract_tables").read_text(encoding="utf-8")
    assert run.markdown.startswith("## Benchmark: `")
    assert run.markdown in text
    assert text.index("prprep compare:") < text.index("codeflash.main compare")
    assert Rendering.read(place.render).needs_review == Comparison.read(place.compare).needs_review


def test_nothing_of_it_is_left(folder):
    assert not (folder / "repository/.git/worktrees").exists()
    (cached,) = {path.suffix for path in cache().joinpath("codeflash").iterdir()}
    assert cached == ".lock"


def test_an_item_continues_if_codeflash_cannot_be_installed(folder, tmp_path, monkeypatch):
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("codeflash==0.0.0.dev99\n")
    monkeypatch.setattr(environment, "REQUIREMENTS", wanted)
    place, lines = paths(folder), []
    (item,) = read(folder / "prprep.yaml").manifest.optimizations
    before = place.codeflash.read_bytes()
    item = item.model_copy(update={"engine": "codeflash"})
    run_stage("codeflash", item, place, address=folder / "repository", cache=cache(), report=lines.append)
    run = CodeflashRun.read(place.codeflash)
    assert (run.asked, run.markdown) == (True, "")
    assert run.findings[0].startswith("codeflash compare was not run: installing codeflash failed: ")
    assert any("was not run" in line for line in lines)
    place.codeflash.write_bytes(before)
