from __future__ import annotations

from textwrap import dedent

import pytest

from tasks.benchmark_tests.benchmark_file import BenchmarkFile
from tasks.benchmark_tests.reading import PytestFile
from tasks.benchmark_tests.search import benchmark_files
from tasks.benchmark_tests.style import style_of
from tasks.project.code.sources import Sources
from tests.support.projects import Files

PLACES = {
    "test": "@{mark}\ndef test_a(): pass\n",
    "class": "@{mark}\nclass TestA:\n    def test_a(self): pass\n",
    "pytestmark of the file": "pytestmark = {mark}\ndef test_a(): pass\n",
    "pytestmark of the file, a list": "pytestmark = [pytest.mark.smoke, {mark}]\ndef test_a(): pass\n",
    "pytestmark of the file, annotated": "pytestmark: list = [{mark}]\ndef test_a(): pass\n",
    "pytestmark of the class": "class TestA:\n    pytestmark = {mark}\n    def test_a(self): pass\n",
    "pytestmark of the class, a list": "class TestA:\n    pytestmark = [{mark}]\n    def test_a(self): pass\n",
    "below if": "if True:\n    @{mark}\n    def test_a(): pass\n",
}


@pytest.mark.parametrize(
    "mark", ["pytest.mark.benchmark", "pytest.mark.codspeed_benchmark", "mark.benchmark(group='a')"]
)
@pytest.mark.parametrize("code", PLACES.values(), ids=PLACES)
def test_marker_is_found_by_every_user_of_the_reader(code, mark):
    source = code.format(mark=mark).encode()
    path = "tests/test_a.py"
    sources = Sources(Files({path: source.decode()}), ("src",))
    (test,) = PytestFile.of(source).tests
    assert test.is_benchmark
    (measured,) = BenchmarkFile(path, source, sources).tests
    assert measured.is_whole
    assert [file.path for file in benchmark_files({path: source}, sources)[0]] == [path]


@pytest.mark.parametrize("code", PLACES.values(), ids=PLACES)
def test_style_has_the_marks_of_file_and_class(code):
    source = code.format(mark="pytest.mark.codspeed_benchmark")
    files = Files({"tests/test_a.py": source, "tests/test_b.py": source})
    assert style_of(files, "tests").marks == ("pytest.mark.codspeed_benchmark",)


@pytest.mark.parametrize(
    "source",
    [
        "def test_a(): pass",
        "pytestmark = pytest.mark.slow\ndef test_a(): pass",
        "class TestA:\n    pytestmark = pytest.mark.benchmark\ndef test_a(): pass",
        "def test_a():\n    def test_b(benchmark): benchmark(len, [])",
        "def test_a(:",
    ],
)
def test_other_tests_are_no_benchmarks(source):
    assert not PytestFile.of(source.encode()).has_benchmarks


@pytest.mark.parametrize("fixture", ["benchmark", "benchmark_weave"])
def test_fixture_makes_a_benchmark(fixture):
    (test,) = PytestFile.of(f"class TestA:\n    def test_a(self, *, {fixture}): pass".encode()).tests
    assert test.benchmark_fixtures == (fixture,)


def test_fixtures_go_by_the_name_that_tests_request():
    code = """
        @pytest.fixture(name="pages", autouse=True)
        def _pages(tmp_path): ...

        @fixture
        def page(pages): ...

        @pytest.mark.usefixtures("clock")
        class TestA:
            def test_a(self, request, page):
                request.getfixturevalue("later")
    """
    file = PytestFile.of(dedent(code).encode())
    assert {name: fixture.is_autouse for name, fixture in file.fixtures.items()} == {"pages": True, "page": False}
    assert file.requested_fixtures == {"tmp_path", "pages", "request", "page", "clock", "later"}
