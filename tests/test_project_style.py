from __future__ import annotations

import ast

import pytest

from tasks.project.project_style import Style, style_of, styled

PLAIN = '''"""Benchmark of app:total.

Two lines.
"""

from app import total


def test_benchmark_total(benchmark, tmp_path):
    """Time one call of total."""
    text = """
kept as it is
"""

    benchmark(total, text)
'''


class Files:
    def __init__(self, files: dict[str, str]) -> None:
        self._files = files

    def files(self) -> tuple[str, ...]:
        return tuple(self._files)

    def read(self, path: str, /) -> bytes | None:
        return self._files[path].encode() if path in self._files else None


PLAIN_TESTS = "".join(f"def test_{number}(): ...\n" for number in range(6))


@pytest.mark.parametrize(
    ("files", "style"),
    [
        pytest.param({}, Style(), id="nothing"),
        pytest.param({"tests/test_a.py": PLAIN_TESTS}, Style(), id="plain functions"),
        pytest.param({"tests/test_a.py": PLAIN_TESTS.replace("():", "() -> None:")}, Style(annotated=True), id="annotations"),
        pytest.param({"tests/test_a.py": "def test_a() -> None: ...\n"}, Style(), id="one test is no style"),
        pytest.param({"tests/test_a.py": "from __future__ import annotations\n" + PLAIN_TESTS}, Style(future=True), id="future"),
        pytest.param({"tests/test_a.py": "class TestA:\n" + "".join(f"  def test_{number}(self): ...\n" for number in range(6))},
                     Style(in_class=True), id="classes"),
        pytest.param({"tests/test_a.py": PLAIN_TESTS, "tests/bench/test_b.py": "class TestB:\n  def test_b(self, benchmark) -> None: ...\n"},
                     Style(in_class=True, annotated=True), id="benchmarks come first"),
        pytest.param({"bench/test_b.py": "import pytest\n" + "@pytest.mark.benchmark\n@pytest.mark.slow\ndef test_b(benchmark): ...\n" * 2},
                     Style(marks=("pytest.mark.benchmark",)), id="marks of all benchmarks"),
        pytest.param({"tests/test_a.py": "def test_(:"}, Style(), id="no Python"),
    ],
)  # fmt: skip
def test_the_style_is_that_of_the_benchmarks_else_of_the_tests(files, style):
    assert style_of(Files(files), "tests/benchmarks") == style


def test_a_project_without_a_style_leaves_the_text_as_it_is():
    assert styled(PLAIN, Style()) == PLAIN


def test_annotations_come_with_their_imports():
    text = styled(PLAIN, Style(annotated=True))
    assert "def test_benchmark_total(benchmark: BenchmarkFixture, tmp_path: Path) -> None:\n" in text
    names = ("from pytest_benchmark.fixture import BenchmarkFixture", "from pathlib import Path")
    assert [line for line in text.splitlines() if line in names] == list(names)
    assert ast.get_docstring(ast.parse(text)).startswith("Benchmark of app:total.")


def test_where_annotations_are_not_evaluated_their_imports_are_for_type_checkers():
    text = styled(PLAIN, Style(annotated=True, future=True))
    assert text.index("from __future__ import annotations\n") < text.index("from typing import TYPE_CHECKING\n") < text.index("from app import")
    block = "if TYPE_CHECKING:\n    from pytest_benchmark.fixture import BenchmarkFixture\n    from pathlib import Path\n"
    assert f"from app import total\n\n{block}\n\ndef test_" in text
    compile(text, "test_x.py", "exec")


def test_what_is_handed_to_the_fixture_is_annotated_too():
    text = "def test_benchmark_f(benchmark):\n    def run():\n        return f()\n\n    benchmark(run)\n"
    assert "    def run() -> object:\n" in styled(text, Style(annotated=True))


def test_a_class_is_named_after_the_function_and_texts_stay_as_they_are():
    text = styled(PLAIN, Style(in_class=True, marks=("pytest.mark.benchmark",)))
    assert "class TestBenchmarkTotal:\n    @pytest.mark.benchmark\n    def test_benchmark_total(self, benchmark, tmp_path):\n" in text
    assert '        text = """\nkept as it is\n"""\n' in text
    assert "import pytest\n" in text
    ast.parse(text)


def test_imports_that_are_there_are_not_written_twice():
    assert styled("import pytest\n" + PLAIN.replace(", tmp_path", ", monkeypatch"), Style(annotated=True)).count("import pytest\n") == 1


CASES = """from app import total


def typical():
    return [1, 2]


def largest():
    return [9]


@pytest.mark.parametrize("recorded", [typical, largest])
def test_benchmark_total(benchmark, recorded):
    calls = recorded()

    def run():
        for number in calls:
            total(number)

    benchmark(run)
"""


def test_the_cases_of_a_benchmark_are_annotated_and_stay_outside_of_the_class():
    text = styled(CASES, Style(annotated=True, in_class=True, marks=("pytest.mark.benchmark",)))
    for line in ("def typical() -> list[Any]:", "def largest() -> list[Any]:", "        def run() -> None:", "from typing import Any"):
        assert line in text.splitlines()
    marks = '    @pytest.mark.benchmark\n    @pytest.mark.parametrize("recorded", [typical, largest])\n'
    signature = "    def test_benchmark_total(self, benchmark: BenchmarkFixture, recorded: Callable[[], list[Any]]) -> None:\n"
    assert f"class TestBenchmarkTotal:\n{marks}{signature}" in text
    ast.parse(text)
