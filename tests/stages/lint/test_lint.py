"""The stage: real trees, real environments, a benchmark that is run once before anything is measured."""

from __future__ import annotations

import pytest

from tasks.artifacts import Linting
from tests.support.mistakes import BENCHMARK, CODE, HEAVY, LIGHT, MEASURES, compare, item, target

pytestmark = pytest.mark.slow

OTHER = "\n\ndef count(size):\n    return len([number for number in range(size)])\n"
COUNTED = "\n\ndef count(size):\n    return size\n"


def linted(repo, **settings) -> Linting:
    run = compare(repo, item(**settings), stages=("lint",))
    assert run.code == 0, run.output
    return Linting.read(run.state() / "lint.json")


def test_executed_statements_of_the_change_are_counted(tmp_path):
    found = linted(target(tmp_path))
    assert (found.path, found.findings, found.ran) == (BENCHMARK, (), True)
    assert (found.reach.statements, found.reach.executed) == (1, 1)
    assert found.reach.share > 0.9


def test_a_benchmark_that_executes_no_changed_code_is_refused_before_measuring(tmp_path):
    repo = target(tmp_path, {CODE: HEAVY + OTHER}, {CODE: HEAVY + COUNTED})
    run = compare(repo, item())
    assert run.code == 1
    message = run.failure()
    assert message.startswith(f"faster: {BENCHMARK}: the benchmark executes no changed code (textkit:count)\n")
    assert not (run.state() / "samples.json").exists()
    assert linted(repo, lint={"ignore": "not-reached"}).reach.executed == 0


def test_code_executed_only_at_base_counts_as_reached(tmp_path):
    """Head leaves out a call of the function whose body changed, too."""
    base = (
        HEAVY.replace("    return sum", "    helped(size)\n    return sum")
        + "\n\ndef helped(size):\n    return [size] * size\n"
    )
    head = HEAVY + "\n\ndef helped(size):\n    return [size]\n"
    repo = target(tmp_path, {CODE: base}, {CODE: head})
    assert linted(repo).path == BENCHMARK


def test_a_change_outside_functions_is_ignored(tmp_path):
    repo = target(tmp_path, {CODE: "SIZE = 1\n\n\n" + HEAVY}, {CODE: "SIZE = 2\n\n\n" + HEAVY})
    assert linted(repo).reach is None


def test_findings_are_kept_and_shown_in_the_report_unless_they_are_ignored(tmp_path):
    patched = MEASURES.replace("(benchmark):", "(benchmark, monkeypatch):\n    monkeypatch.setenv('TEXTKIT', '1')")
    repo = target(tmp_path, {BENCHMARK: patched})
    found = linted(repo)
    assert [(each.rule, each.line, each.fatal) for each in found.findings] == [("configuration-patched", 5, False)]
    run = compare(repo, item(), stages=("lint", "report"))
    assert (
        "line 5: os.environ.TEXTKIT is configuration (configuration-patched)"
        in (run.folder / ".codeflash/report.md").read_text()
    )
    assert linted(repo, lint={"ignore": ["configuration-patched"]}).findings == ()


def test_a_result_that_nothing_consumes_is_fatal(tmp_path):
    lazy = LIGHT + "\n\ndef squares(size):\n    for number in range(size):\n        yield number * number\n"
    measures = "from textkit import squares\n\n\ndef test_squares(benchmark):\n    benchmark(squares, 1000)\n"
    repo = target(tmp_path, {CODE: lazy, BENCHMARK: measures}, {CODE: lazy.replace("number * number", "number**2")})
    findings = linted(repo, lint={"ignore": "not-reached"}).findings
    assert [(each.rule, each.fatal) for each in findings] == [("lazy-result", True)]


def test_a_benchmark_that_takes_too_long_to_watch_is_reported(tmp_path):
    found = linted(target(tmp_path), timeout=0.01)
    assert (found.ran, found.reach) == (False, None)
    limit = "watching the benchmark took longer than the time limit of 0.01 s"
    assert found.missing == f"not everything could be checked: {limit}; a larger `timeout` may help"


def test_an_input_far_below_what_was_recorded_is_a_toy(tmp_path):
    """A benchmark that was written from a large recorded call, and then edited by hand."""
    test = "from textkit import total\n\n\ndef test_total():\n    assert total(20_000)\n"
    repo = target(tmp_path, {BENCHMARK: None, "tests/test_textkit.py": test})
    run = compare(repo, item(benchmark=None), stages=("scaffold",))
    (written,) = run.folder.rglob("test_benchmark_*.py")
    assert "20000" in written.read_text()
    written.write_text(written.read_text().replace("20000", "600"))
    found = linted(repo, benchmark=None)
    assert [each.rule for each in found.findings] == ["toy-input"]
    assert "recorded calls took" in found.findings[0].found


def test_mocks_that_allocate_nothing_count_only_if_memory_is_measured(tmp_path):
    fake = "class FakeModel:\n    def predict(self, size):\n        return size\n\n\n"
    model = (
        "from textkit import total\n\n\n"
        + fake
        + "def test_total(benchmark):\n    benchmark(total, 1000, FakeModel())\n"
    )
    heavy = HEAVY.replace("(size=1000)", "(size, model)", 1).replace(
        "    return", "    size = model.predict(size)\n    return"
    )
    light = heavy.replace("range(20)", "range(2)")
    repo = target(tmp_path, {CODE: heavy, BENCHMARK: model}, {CODE: light})
    assert [each.rule for each in linted(repo, metrics="memory").findings] == ["mock-allocates-nothing"]
    assert linted(repo, metrics="time").findings == ()


DEFINITIONS = """
from functools import singledispatch


def total(numbers):
    \"\"\"Add.\"\"\"
    result = 0
    for number in numbers:
        result += number
    return result


@singledispatch
def show(value):
    return str(value)


@show.register
def _(value: int):
    text = str(value)
    return text


@show.register
def _(value: list):
    return ", ".join([show(each) for each in value])


class Table:
    def __init__(self):
        self.kept = []

    @property
    def rows(self):
        return list(self.kept)

    @rows.setter
    def rows(self, rows):
        self.kept = [row for row in rows]
"""
MOVED = "from textkit.sums import total\n" + DEFINITIONS.replace(
    DEFINITIONS[DEFINITIONS.index("def total") : DEFINITIONS.index("@single")], ""
)
SUMS = (
    DEFINITIONS[DEFINITIONS.index("def total") : DEFINITIONS.index("@single")]
    .rstrip()
    .replace("result += number", "result = result + number")
)
CALLS = {
    "total": "benchmark(textkit.total, list(range(300)))",
    "texts": "benchmark(textkit.show, ['a', 'b'] * 300)",
    "numbers": "benchmark(textkit.show, [1, 2] * 300)",
    "rows": "benchmark.pedantic(lambda table: table.rows, setup=prepared, rounds=3)",
}
PREPARED = """
import textkit


def prepared():
    table = textkit.Table()
    table.rows = list(range(300))
    return (table,), {}
"""


@pytest.fixture(scope="module")
def definitions_run(tmp_path_factory):
    tests = {
        f"tests/benchmarks/test_{name}.py": f"{PREPARED}\n\ndef test_it(benchmark):\n    {call}\n"
        for name, call in CALLS.items()
    }
    folder = tmp_path_factory.mktemp("definitions")
    repo = target(folder, {CODE: DEFINITIONS, BENCHMARK: None, **tests})
    changes = {
        "moved": ("total", {CODE: MOVED, "textkit/sums.py": SUMS}),
        "unreached": ("texts", {CODE: DEFINITIONS.replace("text = str(value)", "text = repr(value)")}),
        "reached": ("numbers", {CODE: DEFINITIONS.replace("text = str(value)", "text = repr(value)")}),
        "setter": ("rows", {CODE: DEFINITIONS.replace("[row for row in rows]", "list(rows)")}),
    }
    for name, (_, files) in changes.items():
        repo.checkout("main")
        repo.branch(name)
        repo.commit(files, name.title())
    items = [item(name, benchmark=f"tests/benchmarks/test_{test}.py") for name, (test, _) in changes.items()]
    return compare(repo, *items, stages=("lint",))


@pytest.mark.parametrize(
    ("name", "changed"), [("unreached", "textkit:show.register(int)"), ("setter", "textkit:Table.rows.setter")]
)
def test_another_definition_of_the_name_is_no_reach(definitions_run, name, changed):
    """Nor is a setter that only the untimed setup calls."""
    assert f"the benchmark executes no changed code ({changed})" in definitions_run.failure(name)


@pytest.mark.parametrize("name", ["moved", "reached"])
def test_changed_statements_are_those_of_the_definition_that_changed(definitions_run, name):
    """Lines of a function that moved are not changed by that."""
    reach = Linting.read(definitions_run.state(name) / "lint.json").reach
    assert reach
    assert (reach.executed, reach.statements) == (1, 1)
