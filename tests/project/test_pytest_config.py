import pytest

from tasks.project.files import Project
from tasks.project.pytest_config import is_test_code, is_test_file, python_files
from tests.support.projects import Files


@pytest.mark.parametrize(
    ("path", "patterns", "answer"),
    [
        ("tests/test_a.py", ("test_*.py", "*_test.py"), True),
        ("src/a_test.py", ("test_*.py", "*_test.py"), True),
        ("test_data/a.py", ("test_*.py",), False),
        ("tests/test_a.txt", ("test_*",), False),
        ("perf/bench_a.py", ("test_*.py", "bench_*.py"), True),
        ("perf/a.py", ("perf/*.py",), True),
        ("src/perf/a.py", ("perf/*.py",), True),
        ("src/a.py", ("perf/*.py",), False),
    ],
)
def test_patterns_match_names_or_paths_as_in_pytest(path, patterns, answer):
    assert is_test_file(path, patterns) is answer


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("conftest.py", True),
        ("src/pages/tests/data.json", True),
        ("src/pages/testsuite/helpers.py", True),
        ("testing/helpers.py", True),
        ("src/pages/testing/helpers.py", False),
        ("src/pages/latest/contest.py", False),
    ],
)
def test_folders_of_tests_and_conftests_are_test_code(path, answer):
    assert is_test_code(path) is answer


@pytest.mark.parametrize(
    ("files", "patterns"),
    [
        ({}, ("test_*.py", "*_test.py")),
        ({"pyproject.toml": '[tool.pytest.ini_options]\npython_files = ["check_*.py"]\n'}, ("check_*.py",)),
        ({"pytest.ini": "[pytest]\npython_files = test_*.py bench_*.py\n"}, ("test_*.py", "bench_*.py")),
    ],
)
def test_a_project_may_set_python_files(files, patterns):
    assert python_files(Project(Files(files))) == patterns
