import pytest

from tasks.benchmark_tests.writing.styling import named
from tasks.project.pytest_naming import DEFAULT, Naming

CHECKS = Naming(functions=("check_*",))


@pytest.mark.parametrize(
    ("line", "renamed"),
    [
        ("def test_benchmark_total(benchmark):", "def check_benchmark_total(benchmark):"),
        (
            "    async def test_benchmark_total(self, benchmark):",
            "    async def check_benchmark_total(self, benchmark):",
        ),
        ("def test_benchmark_total(tmp_path, benchmark):", "def check_benchmark_total(tmp_path, benchmark):"),
        ("def test_total(\n    benchmark,\n):", "def check_total(\n    benchmark,\n):"),
        ("def latest_total(benchmark):", "def latest_total(benchmark):"),
    ],
)
def test_written_tests_get_names_that_pytest_collects(line, renamed):
    assert named(line, CHECKS) == renamed
    assert named(line, DEFAULT) == line
