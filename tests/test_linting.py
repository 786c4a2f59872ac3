"""Faulty benchmarks, each faulty line marked with the rule it breaks (`#! rule`, or `#! run rule` where only running tells), and good ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tasks import lint_files
from tasks.linting import RULES, BenchmarkFile, Expected, findings, fixes, rules
from tasks.progress import silent
from tasks.project.project_files import FolderTree
from tasks.reading.sources import Sources

from .targets import TargetRepo

CASES = Path(__file__).parent / "lint_cases"
FAULTY = sorted((CASES / "faulty").glob("*.py"))
GOOD = sorted((CASES / "good").glob("*.py"))


def read(place: Path, source: bytes | None = None) -> BenchmarkFile:
    sources = Sources(FolderTree(CASES / "project"), ("src",))
    return BenchmarkFile(benchmark_path(place), source or place.read_bytes(), sources)


def marked(place: Path, *, run: bool) -> set[tuple[int, str]]:
    lines = enumerate(place.read_text().splitlines(), 1)
    found = ((number, re.search(r"#! (run )?([\w-]+)$", line)) for number, line in lines)
    return {(number, match[2]) for number, match in found if match and (run or not match[1])}


EXPECTED = Expected(root="tests/benchmarks")


@pytest.mark.parametrize("place", FAULTY, ids=lambda place: place.stem)
def test_reading_finds_what_is_marked_and_nothing_else(place):
    assert {(each.line, each.rule) for each in findings(read(place), EXPECTED)} == marked(place, run=False)


@pytest.mark.parametrize("place", GOOD, ids=lambda place: place.stem)
def test_good_benchmarks_have_no_findings(place):
    assert findings(read(place), EXPECTED) == ()


def test_every_rule_has_a_faulty_benchmark():
    shown = {rule for place in FAULTY for _, rule in marked(place, run=True)}
    assert shown == RULES.keys() - {"wrong-place"}


def test_the_document_is_what_the_table_says():
    assert (Path(__file__).parents[1] / "docs/rules.md").read_text(encoding="utf-8") == rules.document()


def test_a_file_in_the_wrong_place_is_told_and_moved():
    file = read(GOOD[0])
    elsewhere = Expected(root="benchmarks")
    assert [each.rule for each in findings(file, elsewhere)] == ["wrong-place"]
    new = fixes.fixed(file, elsewhere)
    assert new.path == f"benchmarks/{GOOD[0].name}"
    assert new.source == file.source


def test_a_property_is_patched_on_its_type_and_nothing_else_is_changed():
    file = read(CASES / "faulty/property_on_instance.py")
    new = fixes.fixed(file, EXPECTED)
    assert new.source == file.source.replace(b"patch.object(settings,", b"patch.object(type(settings),")
    assert new.done == ("line 8: the property is patched on type(settings)",)
    assert findings(read(CASES / "faulty/property_on_instance.py", new.source), EXPECTED) == ()


def test_a_test_is_named_after_its_function():
    place = CASES / "faulty/test_benchmark_wrong_name.py"
    new = fixes.fixed(read(place), EXPECTED)
    assert b"def test_benchmark_count_words(benchmark)" in new.source


def test_a_manifest_can_add_boundaries():
    file = read(CASES / "faulty/mock_not_at_boundary.py")
    assert "mock-not-at-boundary" not in {each.rule for each in findings(file, Expected(boundaries=frozenset({"words"})))}


def benchmark_path(place: Path) -> str:
    return f"tests/benchmarks/{place.name if place.name.startswith('test_') else f'test_{place.name}'}"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The project with all cases in its benchmarks root, committed but for one that is being written."""
    files = {place.relative_to(CASES / "project").as_posix(): place.read_text() for place in (CASES / "project").rglob("*.*") if place.is_file()}
    cases = {benchmark_path(place): place.read_text() for place in (*FAULTY, *GOOD)}
    written = next(path for path in cases if "toy_input" in path)
    repo = TargetRepo(tmp_path_factory.mktemp("lint") / "project", {**files, **{path: text for path, text in cases.items() if path != written}})
    (repo.path / written).write_text(cases[written])
    return repo.path


@pytest.mark.slow
@pytest.mark.parametrize("place", [*FAULTY, *GOOD], ids=lambda place: place.stem)
def test_running_finds_what_is_marked_and_nothing_else(project, tmp_path_factory, place):
    cache = tmp_path_factory.getbasetemp() / "lint-cache"
    subject = lint_files.Subject.of(project / benchmark_path(place))
    found, notes = lint_files.lint(subject, cache=cache, run=True, report=silent)
    assert {(each.line, each.rule) for each in found} == marked(place, run=True), notes
    # These two break so much that the benchmark itself fails.
    fails = place.stem in {"mock_wrong_type", "property_on_instance"}
    assert ["AttributeError" in note for note in notes] == [True] * fails
