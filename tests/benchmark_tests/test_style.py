from __future__ import annotations

import ast
import os
import subprocess
import sys

import pytest

from tasks.benchmark_tests.style import Style, style_of
from tasks.benchmark_tests.writing.styling import styled, with_docstring_of

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
        pytest.param({"tests/test_a.py": "from __future__ import division\n" + PLAIN_TESTS}, Style(), id="another future"),
        pytest.param({"tests/test_a.py": "class TestA:\n" + "".join(f"  def test_{number}(self): ...\n" for number in range(6))},
                     Style(in_class=True), id="classes"),
        pytest.param({"tests/test_a.py": PLAIN_TESTS, "tests/bench/test_b.py": "class TestB:\n  def test_b(self, benchmark) -> None: ...\n"},
                     Style(in_class=True, annotated=True), id="benchmarks come first"),
        pytest.param({"bench/test_b.py": "import pytest\n" + "@pytest.mark.benchmark\n@pytest.mark.slow\ndef test_b(benchmark): ...\n" * 2},
                     Style(marks=("pytest.mark.benchmark",)), id="marks of all benchmarks"),
        pytest.param({"tests/pytest.ini": "[pytest]\npython_files = check_*.py\npython_functions = check_*\n",
                      "tests/check_b.py": "class TestB:\n  def check_b(self, benchmark): ...\n"}, Style(in_class=True), id="own names"),
        pytest.param({"tests/test_a.py": "def test_(:"}, Style(), id="no Python"),
    ],
)  # fmt: skip
def test_style_of_benchmarks_else_of_tests(files, style):
    assert style_of(Files(files), "tests/benchmarks") == style


def test_text_stays_without_a_style():
    assert styled(PLAIN, Style()) == PLAIN


def test_annotations_come_with_their_imports():
    text = styled(PLAIN, Style(annotated=True))
    assert "def test_benchmark_total(benchmark: BenchmarkFixture, tmp_path: Path) -> None:\n" in text
    names = ("from pytest_benchmark.fixture import BenchmarkFixture", "from pathlib import Path")
    assert [line for line in text.splitlines() if line in names] == list(names)
    assert ast.get_docstring(ast.parse(text)).startswith("Benchmark of app:total.")


def test_imports_of_postponed_annotations_are_for_type_checkers():
    text = styled(PLAIN, Style(annotated=True, future=True))
    assert (
        text.index("from __future__ import annotations\n")
        < text.index("from typing import TYPE_CHECKING\n")
        < text.index("from app import")
    )
    block = (
        "if TYPE_CHECKING:\n    from pytest_benchmark.fixture import BenchmarkFixture\n    from pathlib import Path\n"
    )
    assert f"from app import total\n\n{block}\n\ndef test_" in text
    compile(text, "test_x.py", "exec")


def test_inner_function_is_annotated_too():
    text = "def test_benchmark_f(benchmark):\n    def run():\n        return f()\n\n    benchmark(run)\n"
    assert "    def run() -> object:\n" in styled(text, Style(annotated=True))


def test_class_is_named_after_the_function_and_strings_are_not_indented():
    text = styled(PLAIN, Style(in_class=True, marks=("pytest.mark.benchmark",)))
    assert (
        "class TestBenchmarkTotal:\n    @pytest.mark.benchmark\n    def test_benchmark_total(self, benchmark, tmp_path):\n"
        in text
    )
    assert '        text = """\nkept as it is\n"""\n' in text
    assert "import pytest\n" in text
    ast.parse(text)


def test_imports_are_not_repeated():
    assert (
        styled("import pytest\n" + PLAIN.replace(", tmp_path", ", monkeypatch"), Style(annotated=True)).count(
            "import pytest\n"
        )
        == 1
    )


CASES = """from app import total


def typical():
    return [1, 2]


def largest():
    return [9]


@pytest.mark.parametrize("recorded", [typical, largest])
def test_benchmark_total(benchmark, recorded):
    calls = recorded()

    def run():
        return [total(number) for number in calls]

    benchmark(run)
"""


def test_cases_are_annotated_and_stay_outside_the_class():
    text = styled(CASES, Style(annotated=True, in_class=True, marks=("pytest.mark.benchmark",)))
    for line in (
        "def typical() -> list[Any]:",
        "def largest() -> list[Any]:",
        "        def run() -> object:",
        "from typing import Any",
    ):
        assert line in text.splitlines()
    marks = '    @pytest.mark.benchmark\n    @pytest.mark.parametrize("recorded", [typical, largest])\n'
    signature = (
        "    def test_benchmark_total(self, benchmark: BenchmarkFixture, recorded: Callable[[], list[Any]]) -> None:\n"
    )
    assert f"class TestBenchmarkTotal:\n{marks}{signature}" in text
    ast.parse(text)


@pytest.mark.parametrize(
    ("test", "fixtures"),
    [
        ("def test_b(benchmark, document): ...", True),
        ("def test_b(benchmark): ...", False),
        ("def test_b(benchmark, tmp_path): ...", False),
        ("@pytest.mark.parametrize('size', [1])\ndef test_b(benchmark, size): ...", False),
        ("@pytest.mark.parametrize(('size', 'kind'), [])\ndef test_b(benchmark, size, kind, document): ...", True),
        ("@pytest.mark.parametrize('size, kind', [])\ndef test_b(benchmark, size, kind): ...", False),
    ],
)
def test_inputs_by_fixtures_are_a_style(test, fixtures):
    assert style_of(Files({"tests/benchmarks/test_b.py": test}), "tests/benchmarks").fixtures is fixtures


def results(folder, *texts: str) -> list[str]:
    """Run benchmarks with the real pytest, beside a module that prints its arguments."""
    (folder / "app.py").write_text("import sys\n\ndef total(value):\n    print('got', value, file=sys.stderr)\n")
    files = [f"test_{number}.py" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        (folder / file).write_text(text)
    options = [
        "-q",
        "-s",
        "-p",
        "pytest_benchmark.plugin",
        "--benchmark-disable",
        "-p",
        "no:cacheprovider",
        "--rootdir=.",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *files],
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return [line for line in done.stderr.splitlines() if line.startswith("got")]


LOOP = """from app import total


def test_benchmark_total(benchmark):
    \"\"\"Time 2 typical calls of total.\"\"\"
    calls = [
        "a",
        "b",
    ]

    def run():
        return [total(text) for text in calls]

    benchmark(run)
"""
SCALED = """import random

from app import total


def test_benchmark_total(benchmark, tmp_path):
    \"\"\"Time one call of total.\"\"\"
    rng = random.Random(0)
    assert tmp_path.is_dir()
    number = rng.choice([7])

    benchmark(total, number)
"""


@pytest.mark.parametrize(
    "style",
    [
        Style(fixtures=True),
        Style(fixtures=True, annotated=True, in_class=True),
        Style(fixtures=True, annotated=True, future=True),
    ],
)
def test_inputs_come_from_a_fixture_of_their_name(tmp_path, style):
    loop = styled(LOOP, style)
    assert "@pytest.fixture\ndef calls()" in loop
    assert "calls = [" not in loop
    cases = styled(CASES.replace("from app", "import pytest\nfrom app"), style)
    assert "@pytest.fixture(params=[typical, largest])\ndef calls(request" in cases
    assert "parametrize" not in cases
    called = results(tmp_path, loop, styled(SCALED, style), cases)
    assert called == ["got a", "got b", "got 7", "got 1", "got 2", "got 9"]


@pytest.mark.parametrize(
    "text",
    [
        "def test_benchmark_f(benchmark):\n    first = [1]\n    second = [2]\n\n    benchmark(f, first, second)\n",
        "def test_benchmark_f(benchmark):\n    benchmark(f)\n",
        "def test_benchmark_f(benchmark, monkeypatch):\n    monkeypatch.setattr('a.b', 1)\n    first = [1]\n\n    benchmark(f, first)\n",
        "def test_benchmark_f(benchmark):\n    def inputs():\n        return [1]\n\n    benchmark.pedantic(f, setup=inputs)\n",
    ],
    ids=["two inputs", "none", "patches", "made anew"],
)
def test_several_inputs_stay_in_the_test(text):
    assert styled(text, Style(fixtures=True)) == text


def test_a_docstring_is_wrapped_at_the_width_of_the_project():
    text = (
        '"""Benchmark of total.\n\nIt has a long line of words\nand a short one.\n\nThe last.\n"""\n\nimport pytest\n'
    )
    assert with_docstring_of(text, 20) == (
        '"""Benchmark of\ntotal.\n\nIt has a long line\nof words and a short\none.\n\nThe last.\n"""\n\nimport pytest\n'
    )
    assert with_docstring_of('"""Benchmark of total."""\n\nimport pytest\n', 79) == (
        '"""Benchmark of total."""\n\nimport pytest\n'
    )
    assert with_docstring_of("import pytest\n", 79) == "import pytest\n"
