"""The flags by domain, the limits, and what is named where codeflash would find nothing."""

import shlex

import pytest

from tasks.artifacts import ChangedFunction
from tasks.stages.codeflash import command
from tests.stages.codeflash.test_findings import LAYOUT


@pytest.mark.parametrize(
    ("metrics", "timeout", "expected"),
    [
        (("memory",), None, ("--memory",)),
        (("time",), None, ("--timeout", "120")),
        (("time",), 300.0, ("--timeout", "300")),
        (("time",), 0.4, ("--timeout", "1")),
        (("memory", "time"), None, ("--memory", "--timeout", "120")),
        (("memory",), 90.0, ("--memory", "--timeout", "90")),
        (("import",), None, ("--timeout", "120")),
    ],
)
def test_flags_follow_what_is_measured(metrics, timeout, expected):
    assert command.flags(metrics, timeout, injected=()) == expected


def test_what_is_injected_comes_first_and_is_quoted():
    flags = command.flags(("time",), None, injected=("a b.py", "c.py"), functions="x.py::f")
    assert flags == ("--inject", "a b.py", "c.py", "--functions", "x.py::f", "--timeout", "120")
    assert shlex.join(flags).startswith("--inject 'a b.py' c.py --functions x.py::f")


def test_the_whole_run_is_bounded_by_its_passes():
    assert command.longest(("time",), None) == 2 * 120 + command.PREPARING_SECONDS
    assert command.longest(("memory",), None) == 4 * command.OWN_TIMEOUT + command.PREPARING_SECONDS


def changed(path, name, status="modified"):
    return ChangedFunction(path=path, module="m", name=name, status=status)


@pytest.mark.parametrize(
    ("project", "module_root", "expected"),
    [
        ("", ".", "src/textkit/a.py::rows,cells"),
        ("", "src/textkit", "textkit/a.py::rows,cells"),
        ("", "src", "src/textkit/a.py::rows,cells"),
        ("src", ".", "textkit/a.py::rows,cells"),
    ],
)
def test_methods_are_named_by_paths_from_where_codeflash_begins(project, module_root, expected):
    methods = (
        changed("src/textkit/a.py", "Table.rows"),
        changed("src/textkit/a.py", "Table.cells.setter"),
        changed("data.txt", "x.y"),
    )
    assert command.functions(methods, LAYOUT.model_copy(update={"project": project}), module_root) == expected


def test_nothing_is_named_where_codeflash_finds_something_itself():
    assert command.functions((changed("a.py", "work"), changed("a.py", "Table.rows")), LAYOUT, ".") == ""
    assert command.functions((changed("a.py", "Table.rows", "removed"),), LAYOUT, ".") == ""


def test_variables_are_those_that_a_reader_sets():
    assert command.assigned(command.variables(("memory",), ("src", ""))) == "PYTHONPATH=src:. PYTHONMALLOC=malloc"
    assert command.variables(("memory", "time"), ("src",)) == {"PYTHONPATH": "src"}
