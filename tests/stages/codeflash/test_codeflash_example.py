"""The example's items with `engine: codeflash`: through the graph, by the real package, time and memory."""

from __future__ import annotations

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

pytestmark = pytest.mark.slow(3)

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
  - id: merge_text
    head: perf/merge-text
    domain: cpu
    functions: pagelayout.text:merge_text
    benchmark:
      setup: |
        from pagelayout import Box, TextFragment, merge_text

        fragments = [
            TextFragment(f"word{x}", Box(130 * x, 20 * y, 130 * x + 90, 20 * y + 18))
            for x in range(6)
            for y in range(160)
        ]
      call: merge_text(fragments)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("example")
    build(place / "repository")
    write_whole(place / "prprep.yaml", MANIFEST)
    done = ran(place)
    assert done.returncode == 0, done.stdout + done.stderr
    return place


def paths(folder: Path, item: str):
    return ProjectPaths(folder / "prprep.yaml", folder / ".codeflash").item(item)


def figures(run: CodeflashRun, test: str) -> dict[str, float]:
    return {each.metric: each.head / each.base for each in run.figures if (each.test, each.function) == (test, "")}


def test_memory_without_a_time_limit(folder):
    run = CodeflashRun.read(paths(folder, "table_extraction").codeflash)
    assert (run.flags, run.findings) == ("--memory", ())
    found = figures(run, "test_benchmark_extract_tables")
    comparison = Comparison.read(paths(folder, "table_extraction").compare)
    assert (comparison.verdict, comparison.flags) == (Verdict.IMPROVED, "--memory")
    assert found["peak memory"] == pytest.approx(comparison.changes[0].interval.ratio, rel=0.1)
    assert not [message for message in comparison.contradictions if "memory" in message]


def test_time_with_the_benchmark_that_was_written(folder):
    run = CodeflashRun.read(paths(folder, "merge_text").codeflash)
    assert run.flags == "--inject tests/benchmarks/test_benchmark_merge_text.py --timeout 120"
    assert run.findings == ()
    assert figures(run, "test_benchmark_merge_text")["time"] < 0.5
    assert any("test_benchmark_extract_tables is in the same folder" in note for note in run.notes)


@pytest.mark.parametrize(("item", "function"), [("table_extraction", "extract_tables"), ("merge_text", "merge_text")])
def test_the_body_holds_the_report_unaltered(folder, item, function):
    run, text = (
        CodeflashRun.read(paths(folder, item).codeflash),
        paths(folder, item).body(function).read_text(encoding="utf-8"),
    )
    assert run.markdown.startswith("## Benchmark: `")
    assert run.markdown in text
    assert text.index("codeflash.main compare") < text.index("prprep compare:")
    assert (
        Rendering.read(paths(folder, item).render).needs_review
        == Comparison.read(paths(folder, item).compare).needs_review
    )


def test_nothing_of_it_is_left(folder):
    assert not (folder / "repository/.git/worktrees").exists()
    assert not list((folder / "cache/codeflash").glob("*/"))


def test_an_item_continues_if_codeflash_cannot_be_installed(folder, tmp_path, monkeypatch):
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("codeflash==0.0.0.dev99\n")
    monkeypatch.setattr(environment, "REQUIREMENTS", wanted)
    place, said = paths(folder, "merge_text"), []
    item = next(each for each in read(folder / "prprep.yaml").manifest.optimizations if each.id == "merge_text")
    before = place.codeflash.read_bytes()
    item = item.model_copy(update={"engine": "codeflash"})
    address, cache = folder / "repository", folder / "cache"
    run_stage("codeflash", item, place, address=address, cache=cache, report=said.append)
    run = CodeflashRun.read(place.codeflash)
    assert (run.asked, run.markdown) == (True, "")
    assert run.findings[0].startswith("codeflash compare was not run: installing codeflash failed: ")
    assert any("was not run" in line for line in said)
    place.codeflash.write_bytes(before)
