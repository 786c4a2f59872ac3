"""Faulty benchmarks, each faulty line marked with the rule it breaks (`#! rule`, or `#! run rule` where only running tells), and good ones."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tasks.bench.observing import watching
from tasks.benchmark_tests.linting import RULES, BenchmarkFile, Finding, LintContext, findings, fixes
from tasks.commands import lint
from tasks.processes.progress import silent
from tasks.project.code.sources import Sources
from tasks.project.files import FolderTree
from tests.support.pages import rules_page
from tests.support.projects import Files
from tests.support.sandboxes import demand_bubblewrap
from tests.support.targets import TargetRepo

CASES = Path(__file__).parents[1] / "lint_cases"
FAULTY = sorted((CASES / "faulty").glob("*.py"))
GOOD = sorted((CASES / "good").glob("*.py"))


def read(place: Path, source: bytes | None = None) -> BenchmarkFile:
    sources = Sources(FolderTree(CASES / "project"), ("src",))
    return BenchmarkFile(benchmark_path(place), source or place.read_bytes(), sources)


def marked(place: Path, *, run: bool) -> set[tuple[int, str]]:
    lines = enumerate(place.read_text().splitlines(), 1)
    found = ((number, re.search(r"#! (run )?([\w-]+)$", line)) for number, line in lines)
    return {(number, match[2]) for number, match in found if match and (run or not match[1])}


EXPECTED = LintContext(root="tests/benchmarks")


@pytest.mark.parametrize("place", FAULTY, ids=lambda place: place.stem)
def test_reading_finds_exactly_the_marked_lines(place):
    assert {(each.line, each.rule) for each in findings(read(place), EXPECTED)} == marked(place, run=False)


@pytest.mark.parametrize("place", GOOD, ids=lambda place: place.stem)
def test_good_benchmarks_have_no_findings(place):
    assert findings(read(place), EXPECTED) == ()


def test_every_rule_has_a_faulty_benchmark():
    shown = {rule for place in FAULTY for _, rule in marked(place, run=True)}
    assert shown == RULES.keys() - {"wrong-place"}


def test_document_is_generated_from_the_rules():
    assert (Path(__file__).parents[2] / "docs/rules.md").read_text(encoding="utf-8") == rules_page()


CHECKS = """
from pages import total


class ChecksOfTotal:
    def check_total(self, benchmark):
        benchmark(total, 100_000)
"""


def test_the_names_of_the_project_count():
    options = "[pytest]\npython_files = bench_*.py\npython_functions = check_*\npython_classes = Checks*\n"
    tree = Files({"pytest.ini": options, "pages/__init__.py": "def total(n):\n    return sum(range(n))\n"})
    file = BenchmarkFile("benchmarks/bench_total.py", CHECKS.encode(), Sources(tree, ("",)))
    assert [test.name for test in file.tests] == ["check_total"]
    context = LintContext(root="benchmarks")
    assert findings(file, context) == ()
    other = BenchmarkFile("benchmarks/test_total.py", CHECKS.encode(), Sources(tree, ("",)))
    assert [each.rule for each in findings(other, context)] == ["wrong-name"]
    assert fixes.fixed(other, context).path == "benchmarks/bench_total.py"


def test_a_benchmark_named_after_a_private_function_may_call_it_through_another():
    files = {"pages/__init__.py": "def _total(n):\n    return sum(range(n))\n\ndef pages(n):\n    return _total(n)\n"}
    code = "from pages import pages\n\n\ndef test_benchmark_total(benchmark):\n    benchmark(pages, 100_000)\n"
    path = "benchmarks/test_benchmark_total.py"
    file = BenchmarkFile(path, code.encode(), Sources(Files(files), ("",)))
    assert findings(file, LintContext(target="pages:_total", root="benchmarks")) == ()
    assert [each.rule for each in findings(file, LintContext(root="benchmarks"))] == ["wrong-name"]


MARKED = """
import pytest
from pages.text import words

{of_file}

{of_class}
class TestWords:
    {of_test}
    def test_benchmark_words(self):
        assert words("some words " * 1000)
"""
MARK = "pytest.mark.benchmark"
PLACES = [
    {"of_test": f"@{MARK}"},
    {"of_test": "@pytest.mark.codspeed_benchmark"},
    {"of_class": f"@{MARK}(group='words')"},
]
PLACES += [{"of_file": f"pytestmark = {MARK}"}, {"of_file": f"pytestmark = [pytest.mark.smoke, {MARK}]"}]


def marked_alone(places: dict[str, str], files: dict[str, str], more: str = "") -> tuple[Finding, ...]:
    """Return the findings of a test that has a marker but not the fixture, in a project of these files."""
    source = MARKED.format(**{"of_file": "", "of_class": "", "of_test": "", **places}) + more
    tree = Files({"src/pages/text.py": "def words(text):\n    return text.split()\n", **files})
    return findings(
        BenchmarkFile("tests/benchmarks/test_benchmark_words.py", source.encode(), Sources(tree, ("src",))), EXPECTED
    )


@pytest.mark.parametrize("places", PLACES, ids=lambda places: str(*places.values()))
def test_marker_alone_needs_codspeed(places):
    (found,) = marked_alone(places, {"pyproject.toml": '[dependency-groups]\ntest = ["pytest-benchmark"]\n'})
    assert (found.rule, found.test) == ("no-benchmark", "test_benchmark_words")
    assert "pytest-benchmark does not measure it" in found.message
    assert marked_alone(places, {"pyproject.toml": '[dependency-groups]\ntest = ["pytest-codspeed"]\n'}) == ()


@pytest.mark.parametrize(
    ("files", "uses"),
    [
        ({"pyproject.toml": '[project.optional-dependencies]\ntest = ["Pytest_Codspeed[compat]>=3"]\n'}, True),
        ({"requirements-dev.txt": "pytest\npytest-codspeed==3.2.0\n"}, True),
        ({"uv.lock": '[[package]]\nname = "pytest-codspeed"\nversion = "3.2.0"\n'}, True),
        ({"setup.cfg": "[options.extras_require]\ntest =\n    pytest-codspeed\n"}, True),
        ({"requirements.txt": "pytest-benchmark  # rather than pytest-codspeed\n"}, False),
        ({"requirements.txt": "pytest-codspeed-more\n"}, False),
        ({"uv.lock": '[[package]]\nname = "pytest-codspeed\n'}, False),
        ({"tests/data/requirements.md": "pytest-codspeed\n"}, False),
        ({}, False),
    ],
)
def test_codspeed_is_used_if_a_file_requires_it(files, uses):
    assert [each.rule for each in marked_alone(PLACES[0], files)] == ([] if uses else ["no-benchmark"])


def test_a_file_that_imports_codspeed_uses_it():
    assert marked_alone(PLACES[0], {}, more="\nfrom pytest_codspeed import BenchmarkFixture\n") == ()


def test_setup_in_a_whole_test_is_found_under_codspeed():
    more = (
        f"\n@{MARK}\ndef test_benchmark_words_of_a_file(tmp_path):\n    assert words((tmp_path / 'text').read_text())\n"
    )
    (found,) = marked_alone(PLACES[0], {"requirements.txt": "pytest-codspeed"}, more)
    assert (found.rule, found.test) == ("setup-measured", "test_benchmark_words_of_a_file")
    assert "`(tmp_path / 'text').read_text()` makes the input within the test" in found.message


def test_file_in_the_wrong_place_is_moved():
    file = read(GOOD[0])
    elsewhere = LintContext(root="benchmarks")
    assert [each.rule for each in findings(file, elsewhere)] == ["wrong-place"]
    new = fixes.fixed(file, elsewhere)
    assert new.path == f"benchmarks/{GOOD[0].name}"
    assert new.source == file.source


def test_property_is_patched_on_its_type():
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
    assert "mock-not-at-boundary" not in {
        each.rule for each in findings(file, LintContext(boundaries=frozenset({"words"})))
    }


def benchmark_path(place: Path) -> str:
    return f"tests/benchmarks/{place.name if place.name.startswith('test_') else f'test_{place.name}'}"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The project with all cases in its benchmarks root, committed but for one that is being written."""
    files = {
        place.relative_to(CASES / "project").as_posix(): place.read_text()
        for place in (CASES / "project").rglob("*.*")
        if place.is_file()
    }
    cases = {benchmark_path(place): place.read_text() for place in (*FAULTY, *GOOD)}
    written = next(path for path in cases if "toy_input" in path)
    repo = TargetRepo(
        tmp_path_factory.mktemp("lint") / "project",
        {**files, **{path: text for path, text in cases.items() if path != written}},
    )
    (repo.path / written).write_text(cases[written])
    return repo.path


@pytest.mark.slow(0.4)
def test_a_benchmark_runs_in_the_sandbox_of_the_folders_manifest(tmp_path):
    demand_bubblewrap()
    repo, escaped = tmp_path / "repo", tmp_path / "escaped"
    text = f"def test_total(benchmark):\n    open({str(escaped)!r}, 'w').close()\n    benchmark(sum, [1])\n"
    TargetRepo(repo, {"pages.py": "", "tests/benchmarks/test_benchmark_x.py": text})

    def notes() -> tuple[str, ...]:
        subject = lint.Subject.of(repo / "tests/benchmarks/test_benchmark_x.py")
        return lint.lint(subject, cache=Path(os.environ["PRPREP_CACHE"]), run=True, report=silent).notes

    (repo / "prprep.yaml").write_text("version: 1\noptimizations: [{id: a, head: main, sandbox: bwrap}]\n")
    assert [re.search("FileNotFoundError", note) is not None for note in notes()] == [True]
    assert not escaped.exists()
    (repo / "prprep.yaml").write_text("version: 1\noptimizations: [{id: a, head: main}]\n")
    assert notes() == ()
    assert escaped.exists()


@pytest.mark.slow
@pytest.mark.parametrize("place", [*FAULTY, *GOOD], ids=lambda place: place.stem)
def test_running_finds_exactly_the_marked_lines(project, place, monkeypatch):
    monkeypatch.setattr(watching, "SECONDS", 0.1)
    cache = Path(os.environ["PRPREP_CACHE"])
    subject = lint.Subject.of(project / benchmark_path(place))
    file = lint.lint(subject, cache=cache, run=True, report=silent)
    assert {(each.line, each.rule) for each in file.findings} == marked(place, run=True), file.notes
    # These two break so much that the benchmark itself fails.
    fails = place.stem in {"mock_wrong_type", "property_on_instance"}
    assert ["AttributeError" in note for note in file.notes] == [True] * fails
