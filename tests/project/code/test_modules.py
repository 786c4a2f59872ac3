import pytest

from tasks.artifacts import Layout
from tasks.project.code.modules import is_own_module, is_test, module_of

LAYOUT = Layout(
    kind="src",
    project="",
    import_roots=("src",),
    packages=("pages",),
    installable=True,
    benchmarks_root="perf",
    benchmarks_root_reason="",
    runner="python",
    runner_reason="",
)


@pytest.mark.parametrize(
    ("path", "roots", "module"),
    [
        ("src/pages/tables.py", ("src",), "pages.tables"),
        ("src/pages/__init__.py", ("src",), "pages"),
        ("src/pages/__main__.py", ("src",), "pages.__main__"),
        ("pages/tables.py", ("",), "pages.tables"),
        ("src/pages/tables.py", ("", "src"), "pages.tables"),
        ("packages/two/src/two/a.py", ("packages/one/src", "packages/two/src"), "two.a"),
        ("srcs/pages/a.py", ("src",), None),
        ("src/pages/a.pyx", ("src",), None),
        ("src/pages/my-script.py", ("src",), None),
        ("src/__init__.py", ("src",), None),
        ("pages/tables.py", (), None),
    ],
)
def test_module_is_named_from_the_innermost_import_root(path, roots, module):
    assert module_of(path, roots) == module


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("src/pages/tables.py", False),
        ("src/pages/testing.py", False),
        ("src/pages/latest/contest.py", False),
        ("src/pages/tests/tables.py", True),
        ("src/pages/test_tables.py", True),
        ("src/pages/tables_test.py", True),
        ("conftest.py", True),
        ("perf/speed.py", True),
        ("performance/speed.py", False),
    ],
)
def test_tests_are_recognized_by_folder_and_name(path, answer):
    assert is_test(path, LAYOUT) is answer


def test_own_modules_are_in_the_packages():
    assert is_own_module("pages.tables", LAYOUT)
    assert is_own_module("pages", LAYOUT)
    assert not is_own_module("pagesetup", LAYOUT)
    assert not is_own_module("", LAYOUT)
