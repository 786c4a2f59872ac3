"""Mistakes in what `codeflash compare` measures, reproduced and numbered; prprep makes none of them."""

import subprocess
import sys

import pytest

from tasks.artifacts import Verdict
from tests.support.mistakes import (
    BENCHMARK,
    CODE,
    HEAVY,
    LIGHT,
    MEASURES,
    PYPROJECT,
    TEST,
    change,
    compare,
    is_improved,
    item,
    measures_its_own_trees,
    target,
)

pytestmark = pytest.mark.slow(2)

SRC = "src/textkit/__init__.py"


# -- which code -------------------------------------------------------------------------------------


@pytest.fixture
def src(tmp_path):
    """Return a src project with its light version checked out."""
    return target(tmp_path, {CODE: None, SRC: HEAVY, "pyproject.toml": PYPROJECT}, {SRC: LIGHT})


def test_01_an_editable_installation_of_the_checkout_is_not_measured_for_both_refs(src, tmp_path):
    """It measured the checked-out code for both refs if that was installed with `pip install -e`."""
    python = tmp_path / "venv/bin/python"
    for arguments in (
        ["venv", str(tmp_path / "venv")],
        ["pip", "install", "--python", str(python), "-e", str(src.path)],
    ):
        subprocess.run([sys.executable, "-m", "uv", *arguments], check=True, capture_output=True)
    run = compare(
        src, item(env={"python": str(python)}), VIRTUAL_ENV=str(tmp_path / "venv"), PYTHONPATH=str(src.path / "src")
    )
    comparison = run.comparison()
    assert measures_its_own_trees(src, comparison)
    assert SRC in {module.path for module in comparison.base.modules}
    assert is_improved(comparison)


def test_01_a_head_that_imports_the_checkout_is_an_error_with_the_path(src):
    """It had no proof of where the measured modules come from."""
    src.commit({"tests/conftest.py": f"import sys\n\nsys.path.insert(0, {str(src.path / 'src')!r})\n"}, "Find the code")
    run = compare(src)
    assert run.code == 1
    path = (src.path / SRC).resolve()
    assert f"on head `textkit` is imported from elsewhere instead of the tree of head: {path}" in run.failure()


def test_02_one_benchmark_runs_at_both_refs(tmp_path):
    """It took the benchmark from each ref: less work in the test of head was a ten-fold speed-up."""
    repo = target(
        tmp_path,
        {BENCHMARK: MEASURES.replace("(total)", "(total, 5000)").replace("499_500", "12_497_500")},
        {CODE: HEAVY + "\n", BENCHMARK: MEASURES},
    )
    run = compare(repo)
    comparison = run.comparison()
    assert (change(comparison).interval.ratio, comparison.verdict) == (1.0, Verdict.UNCHANGED)
    bytes_of = [
        {module.blob for module in side.modules if module.path == BENCHMARK}
        for side in (comparison.base, comparison.head)
    ]
    assert bytes_of[0] == bytes_of[1] == {repo.git("rev-parse", f"faster:{BENCHMARK}")}
    repair = f"the benchmark {BENCHMARK} was written over both trees: base has another version"
    assert comparison.repairs == (repair,)
    assert repair in run.body()


def test_03_a_benchmark_that_fails_at_head_is_no_result(tmp_path):
    """It showed a figure for a head with a wrong result, and dashes for one that cannot be imported, with exit code 0."""
    repo = target(tmp_path, head={CODE: LIGHT.replace("range(size)", "range(size - 1)")})
    repo.branch("broken", "main")
    repo.commit({CODE: "import absent\n"})
    run = compare(repo, item(), item("broken"))
    assert run.code == 1
    assert run.failure().startswith(f"{TEST}: the benchmark failed on head:\n")
    assert "assert 498501 == 499500" in run.failure()
    assert run.failure("broken").startswith(f"{BENCHMARK}: the benchmark cannot be imported on head:\n")
    assert "No module named 'absent'" in run.failure("broken")
    assert "2 items: 2 blocked" in (run.folder / ".codeflash/report.md").read_text()


@pytest.fixture(scope="module")
def diverged(tmp_path_factory):
    """Measure a change from its fork point, and from a main that has become faster since."""
    repo = target(tmp_path_factory.mktemp("diverged"), head={CODE: HEAVY.replace("20", "10")})
    repo.checkout("main")
    repo.commit({CODE: LIGHT}, "Be fast by other means")
    return repo, compare(repo, item(), item(id="tip", base="main"))


def test_04_a_change_is_measured_from_its_fork_point(diverged):
    """It took functions from the merge base and times from the tip of base: a faster main made the change look like a loss."""
    repo, run = diverged
    comparison = run.comparison()
    assert comparison.base.commit == run.detection().base == repo.git("merge-base", "main", "faster")
    assert comparison.verdict is Verdict.IMPROVED
    assert 0.4 < change(comparison).interval.ratio < 0.6


def test_04_commits_on_base_after_the_fork_point_are_noted(diverged):
    """It took functions from the merge base and times from the tip of base, without a note."""
    _, run = diverged
    assert run.comparison("tip").verdict is Verdict.REGRESSED
    note = "main has 1 commit(s) that faster lacks; their effect is in the comparison too."
    assert run.detection("tip").notes == (note,)
    assert note in run.body("tip")


def test_05_the_reverse_is_measured_or_refused_with_a_reason(tmp_path):
    """It found no changed functions if base comes after head."""
    repo = target(tmp_path)
    repo.branch("back")
    repo.commit({CODE: HEAVY}, "Revert")
    run = compare(repo, item("main", base="faster"), item("back", base="faster"))
    assert run.failure("main").endswith(
        "`base` (faster) comes after `head` (main)\n  name the commit before the change as `base` and the one with it as `head`"
    )
    assert run.comparison("back").verdict is Verdict.REGRESSED
    assert change(run.comparison("back")).interval.low > 2


# -- which functions --------------------------------------------------------------------------------

TEXTKIT = """
import functools
import pathlib

SIZE = 20


class Table:
    def total(self, size=1000):
        return sum([list(range(size)) for _ in range(20)][0])


@functools.lru_cache(maxsize=0)
def decorated(size=1000):
    return sum([list(range(size)) for _ in range(20)][0])


def by_constant(size=1000):
    return sum([list(range(size)) for _ in range(SIZE)][0])


def by_file(size=1000):
    times = int(pathlib.Path(__file__).with_name("times.txt").read_text())
    return sum([list(range(size)) for _ in range(times)][0])
"""
CHANGES = {
    "method": (
        "Table().total",
        {CODE: TEXTKIT.replace("[list(range(size)) for _ in range(20)][0]", "range(size)", 1)},
        ("textkit:Table.total",),
    ),
    "decorator": ("decorated", {CODE: TEXTKIT.replace("maxsize=0", "maxsize=9")}, ("textkit:decorated",)),
    "constant": ("by_constant", {CODE: TEXTKIT.replace("SIZE = 20", "SIZE = 1")}, ("textkit:<module>",)),
    "file": ("by_file", {"textkit/times.txt": "1\n"}, ()),
}


def calling(call):
    name = call.partition("()")[0]
    return MEASURES.replace("import total", f"import {name}").replace("benchmark(total", f"benchmark({call}")


@pytest.fixture(scope="module")
def undetected(tmp_path_factory):
    """Measure changes outside of functions, each on its own branch."""
    benchmarks = {f"tests/benchmarks/test_{name}.py": calling(call) for name, (call, _, _) in CHANGES.items()}
    base = {CODE: TEXTKIT, "textkit/times.txt": "20\n", BENCHMARK: None, **benchmarks}
    repo = target(tmp_path_factory.mktemp("undetected"), base, {})
    for name, (_, files, _) in CHANGES.items():
        repo.branch(name, "main")
        repo.commit(files, f"Change the {name}")
    return repo, compare(repo, *(item(name, benchmark=f"tests/benchmarks/test_{name}.py") for name in CHANGES))


@pytest.mark.parametrize("name", CHANGES)
def test_06_changes_outside_of_functions_are_measured(undetected, name):
    """It refused to measure changes of methods, decorators, module constants and data files."""
    _, run = undetected
    assert is_improved(run.comparison(name), test=f"tests/benchmarks/test_{name}.py::test_total")
    assert tuple(function.target for function in run.detection(name).functions) == CHANGES[name][2]


def test_20_a_change_of_a_method_has_its_memory_in_the_body(undetected):
    """It printed the memory of such a change, but wrote no Markdown and ended with exit code 1."""
    _, run = undetected
    assert run.code == 0, run.told
    assert "| Ref | Peak Memory | Allocations |" in run.body("method")
    assert run.comparison("method").headline in run.body("method")


def test_07_functions_come_from_the_refs_not_the_work_tree(tmp_path):
    """It read changed functions from the checked-out files, and treated tests as functions of the project."""
    head = {CODE: LIGHT, "tests/test_unit.py": "def test_unit():\n    assert 1\n"}
    repo = target(
        tmp_path,
        {"tests/test_unit.py": "def test_unit():\n    assert 2\n", "textkit/other.py": "def other():\n    return 1\n"},
        head,
    )
    functions = []
    for ref in ("faster", "main"):
        repo.checkout(ref)
        functions.append(compare(repo, stages=("detect",)).detection().functions)
        repo.write({"textkit/other.py": "def other():\n    return 2\n", CODE: "\n\n\n" + LIGHT})
        (repo.path.parent / "work/.prprep/faster/detect.json").unlink()
        functions.append(compare(repo, stages=("detect",)).detection().functions)
        repo.git("checkout", "--quiet", "--force", "HEAD")
    assert [function.target for function in functions[0]] == ["textkit:total"]
    assert functions == [functions[0]] * 4


def test_08_a_function_that_moved_is_measured_on_both_sides(tmp_path):
    """It found no base for a file that was moved or is new, and showed dashes with exit code 0."""
    repo = target(
        tmp_path, head={CODE: "from textkit.sums import total\n", "textkit/sums.py": HEAVY.replace("20", "2")}
    )
    run = compare(repo)
    assert is_improved(run.comparison())
    (reached,) = [each for each in run.comparison().functions if each.function.endswith(":total")]
    assert reached.base
    assert reached.head


def test_08_a_function_that_base_lacks_is_no_result(tmp_path):
    """It found no base for a file that was moved or is new, and showed dashes with exit code 0."""
    repo = target(
        tmp_path, {BENCHMARK: None}, {"textkit/sums.py": LIGHT, BENCHMARK: MEASURES.replace("textkit", "textkit.sums")}
    )
    run = compare(repo)
    assert run.code == 1
    assert run.failure().startswith(f"{BENCHMARK}: the benchmark cannot be imported on base:\n")
    assert "No module named 'textkit.sums'" in run.failure()


@pytest.mark.parametrize("folder_at_base", [True, False], ids=["the folder is at base", "no folder at base"])
def test_09_a_benchmark_that_base_lacks_is_measured_on_both_sides(tmp_path, folder_at_base):
    """It measured only head if base has the folder but not the file, and failed without the folder if base is checked out."""
    other = {"tests/benchmarks/test_other.py": "def test_other():\n    pass\n"} if folder_at_base else {}
    repo = target(tmp_path, {BENCHMARK: None, **other}, {CODE: LIGHT, BENCHMARK: MEASURES})
    repo.checkout("main")
    comparison = compare(repo).comparison()
    assert is_improved(comparison)
    assert comparison.tests == (TEST,)
    assert comparison.repairs == (f"the benchmark {BENCHMARK} was written over both trees: base has none",)


# -- where it is ------------------------------------------------------------------------------------


def test_10_functions_are_named_as_python_imports_them_in_any_layout(tmp_path):
    """It made a function's path relative to the parent of the module root, and skipped what it then did not find."""
    deep = "src/textkit/sums.py"
    base = {
        CODE: None,
        "src/textkit/__init__.py": "",
        deep: HEAVY,
        BENCHMARK: MEASURES.replace("textkit", "textkit.sums"),
    }
    repo = target(tmp_path, base, {deep: LIGHT})
    run = compare(repo, item(functions="textkit.sums:total"), stages=("detect",))
    assert (run.code, run.detection().target, run.detection().functions[0].path) == (0, "textkit.sums:total", deep)
    for wrong in ("textkit:total", "src.textkit.sums:totals", f"{deep}::total"):
        assert compare(repo, item(functions=wrong), stages=("detect",)).code == 3


def test_11_a_project_in_a_folder_of_its_repository_finds_its_own_code(tmp_path):
    """It put the root of the repository on the path, not the folder of the project."""
    folder = "services/text"
    files = {
        f"{folder}/{path}": text
        for path, text in {CODE: HEAVY, BENCHMARK: MEASURES, "pyproject.toml": PYPROJECT}.items()
    }
    files["services/other/pyproject.toml"] = PYPROJECT.replace("textkit", "other")
    repo = target(
        tmp_path,
        {CODE: None, BENCHMARK: None, "services/other/other/__init__.py": "", **files},
        {f"{folder}/{CODE}": LIGHT},
    )
    comparison = compare(repo, item(benchmark=f"{folder}/{BENCHMARK}")).comparison()
    assert measures_its_own_trees(repo, comparison)
    assert is_improved(comparison, test=f"{folder}/{TEST}")


OWN = ("utils", "tasks", "templates", "process", "report", "measure", "channel", "locks")


def test_12_modules_of_the_project_are_not_hidden_by_those_of_the_tool(tmp_path):
    """It put its own folder first on the path, so its `utils` hid the project's."""
    base = {f"{name}.py": "OURS = True\n" for name in OWN}
    imports = (
        "".join(f"import {name}\n" for name in OWN) + "assert all(each.OURS for each in (" + ", ".join(OWN) + "))\n"
    )
    repo = target(tmp_path, {**base, BENCHMARK: imports + MEASURES.lstrip()})
    comparison = compare(repo).comparison()
    assert measures_its_own_trees(repo, comparison)
    assert {f"{name}.py" for name in OWN} <= {module.path for module in comparison.head.modules}


def test_13_the_measured_files_are_those_of_the_commit_byte_for_byte(tmp_path):
    """It sorted the imports of the measured files, past code that must come first."""
    first = "import os\n\nos.environ['TEXTKIT'] = 'set'\nfrom textkit.mode import MODE\n"
    base = {
        "textkit/mode.py": "import os\n\nMODE = os.environ['TEXTKIT']\n",
        "pyproject.toml": PYPROJECT + "\n[tool.isort]\nfloat_to_top = true\n",
        CODE: first + HEAVY,
    }
    repo = target(tmp_path, base, {CODE: first + LIGHT})
    comparison = compare(repo).comparison()
    assert measures_its_own_trees(repo, comparison)
    assert is_improved(comparison)
