import pytest

from tasks.project.files import Project
from tasks.project.pytest_naming import Naming, naming_for, naming_of
from tests.support.projects import Files


@pytest.mark.parametrize(
    ("files", "naming"),
    [
        ({}, Naming()),
        (
            {"pytest.ini": "[pytest]\npython_files = bench_*.py check_*.py\n"},
            Naming(files=("bench_*.py", "check_*.py")),
        ),
        (
            {"pyproject.toml": '[tool.pytest.ini_options]\npython_functions = ["check_*"]\npython_classes = "Suite"\n'},
            Naming(functions=("check_*",), classes=("Suite",)),
        ),
        ({"setup.cfg": "[tool:pytest]\naddopts = -q -o python_files=perf_*.py\n"}, Naming(files=("perf_*.py",))),
        ({"tox.ini": "[pytest]\naddopts = --override-ini=python_functions=bench\n"}, Naming(functions=("bench",))),
        ({"tox.ini": "[pytest]\naddopts = -k 'open quote\n"}, Naming()),
        (
            {"pyproject.toml": '[tool.pytest.ini_options]\naddopts = ["-o", "python_files=a_*.py b_*.py"]\n'},
            Naming(files=("a_*.py", "b_*.py")),
        ),
    ],
)
def test_names_that_pytest_collects(files, naming):
    assert naming_of(Project(Files(files))) == naming


def test_the_nearest_configuration_counts():
    files = {"pyproject.toml": '[tool.pytest.ini_options]\npython_files = "a_*.py"\n'}
    files["benchmarks/pytest.ini"] = "[pytest]\npython_files = b_*.py\n"
    assert naming_for(Files(files), "benchmarks/deep/b_x.py").files == ("b_*.py",)
    assert naming_for(Files(files), "tests/a_x.py").files == ("a_*.py",)


@pytest.mark.parametrize(
    ("patterns", "path"),
    [
        (("test_*.py", "*_test.py"), "perf/test_benchmark_total.py"),
        (("bench_*.py",), "perf/bench_total.py"),
        (("*_bench.py",), "perf/total_bench.py"),
        (("*_check.py",), "perf/benchmark_total_check.py"),
        (("*_test.py",), "perf/benchmark_total_test.py"),
        (("check_*.py", "test_*.py"), "perf/test_benchmark_total.py"),
        (("tests/test_*.py", "perf/bench_*.py"), "perf/bench_total.py"),
        (("all.py",), "perf/test_benchmark_total.py"),  # no other name than that
        (("*.py",), "perf/test_benchmark_total.py"),
    ],
)
def test_the_path_of_a_new_file(patterns, path):
    assert Naming(files=patterns).file("perf", "benchmark_total") == path


@pytest.mark.parametrize(
    ("patterns", "name"),
    [
        (("test",), "test_benchmark_total"),
        (("check_*",), "check_benchmark_total"),
        (("check",), "check_benchmark_total"),
        (("bench_*",), "bench_total"),
        (("*_bench",), "total_bench"),
        (("it_*", "test_*"), "test_benchmark_total"),
        (("[a-c]*",), "test_benchmark_total"),
    ],
)
def test_the_name_of_a_new_function(patterns, name):
    assert Naming(functions=patterns).function("benchmark_total") == name


def test_the_name_of_a_new_class():
    assert Naming().class_("BenchmarkTotal") == "TestBenchmarkTotal"
    assert Naming(classes=("Suite",)).class_("BenchmarkTotal") == "SuiteBenchmarkTotal"
    assert Naming(classes=("*Checks",)).class_("BenchmarkTotal") == "BenchmarkTotalChecks"
