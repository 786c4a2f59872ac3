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

pytestmark = pytest.mark.slow(1)

FOLDER = "services/text"
SRC = f"{FOLDER}/src/textkit/__init__.py"
OWN = ("utils", "tasks", "templates", "process", "report", "measure", "channel", "locks")
FIRST = "import os\n\nos.environ['TEXTKIT'] = 'set'\nfrom textkit.mode import MODE\n"


# -- which code -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nested(tmp_path_factory):
    """Measure a src project in a folder, of which the checkout, with its light version, is installed.

    It has modules that are named as the tool's own, and code that must come before its imports.
    """
    folder = tmp_path_factory.mktemp("nested")
    base = {
        CODE: None,
        BENCHMARK: None,
        "services/other/pyproject.toml": PYPROJECT.replace("textkit", "other"),
        "services/other/other/__init__.py": "",
        f"{FOLDER}/pyproject.toml": PYPROJECT + "\n[tool.isort]\nfloat_to_top = true\n",
        SRC: FIRST + HEAVY,
        f"{FOLDER}/src/textkit/mode.py": "import os\n\nMODE = os.environ['TEXTKIT']\n",
        **{f"{FOLDER}/src/{name}.py": "OURS = True\n" for name in OWN},
        f"{FOLDER}/{BENCHMARK}": "".join(f"import {name}\n" for name in OWN)
        + f"assert all(each.OURS for each in ({', '.join(OWN)}))\n{MEASURES.lstrip()}",
    }
    repo = target(folder, base, {SRC: FIRST + LIGHT})
    src = str(repo.path / FOLDER / "src")
    repo.branch("elsewhere")
    repo.commit({f"{FOLDER}/tests/conftest.py": f"import sys\n\nsys.path.insert(0, {src!r})\n"}, "Find the code")
    repo.checkout("faster")
    python = folder / "venv/bin/python"
    for arguments in (["venv", str(folder / "venv")], ["pip", "install", "--python", str(python), "-e", f"{src}/.."]):
        subprocess.run([sys.executable, "-m", "uv", *arguments], check=True, capture_output=True)
    settings = {"benchmark": f"{FOLDER}/{BENCHMARK}", "env": {"python": str(python)}}
    items = (item(**settings), item("elsewhere", **settings))
    return repo, compare(repo, *items, VIRTUAL_ENV=str(folder / "venv"), PYTHONPATH=src)


def test_01_an_editable_installation_of_the_checkout_is_not_measured_for_both_refs(nested):
    """It measured the checked-out code for both refs if that was installed with `pip install -e`."""
    repo, run = nested
    comparison = run.comparison()
    assert measures_its_own_trees(repo, comparison)
    assert SRC in {module.path for module in comparison.base.modules}
    assert is_improved(comparison, test=f"{FOLDER}/{TEST}")


def test_01_a_head_that_imports_the_checkout_is_an_error_with_the_path(nested):
    """It had no proof of where the measured modules come from."""
    repo, run = nested
    assert run.code == 1
    path = (repo.path / FOLDER / "src" / f"{OWN[0]}.py").resolve()
    assert f"on head `{OWN[0]}` is imported from elsewhere instead of the tree of head: {path}" in run.failure(
        "elsewhere"
    )


def test_11_a_project_in_a_folder_of_its_repository_finds_its_own_code(nested):
    """It put the root of the repository on the path, not the folder of the project."""
    _, run = nested
    assert run.comparison().tests == (f"{FOLDER}/{TEST}",)
    measured = {module.path for module in run.comparison().head.modules}
    assert measured
    assert all(path.startswith(f"{FOLDER}/") for path in measured)


def test_12_modules_of_the_project_are_not_hidden_by_those_of_the_tool(nested):
    """It put its own folder first on the path, so its `utils` hid the project's."""
    _, run = nested
    for side in (run.comparison().base, run.comparison().head):
        assert {f"{FOLDER}/src/{name}.py" for name in OWN} <= {module.path for module in side.modules}


def test_13_the_measured_files_are_those_of_the_commit_byte_for_byte(nested):
    """It sorted the imports of the measured files, past code that must come first."""
    repo, run = nested
    for side in (run.comparison().base, run.comparison().head):
        (blob,) = [module.blob for module in side.modules if module.path == SRC]
        assert blob == repo.git("rev-parse", f"{side.commit}:{SRC}")


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
    repair = f"the benchmark {BENCHMARK} was put into both trees: base has another version"
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
    """Measure a change, which brings its benchmark, from its fork point and from a main that has become faster since.

    At the fork point there is no folder of benchmarks; the later main has one, with another benchmark.
    """
    base = {BENCHMARK: None}
    repo = target(tmp_path_factory.mktemp("diverged"), base, {CODE: HEAVY.replace("20", "10"), BENCHMARK: MEASURES})
    repo.checkout("main")
    repo.branch("before")
    repo.checkout("main")
    repo.commit({CODE: LIGHT, "tests/benchmarks/test_other.py": "def test_other():\n    pass\n"}, "Be fast otherwise")
    reverse = item("before", base="main", benchmark={"call": "total()"})
    return repo, compare(repo, item(), item(id="tip", base="main"), reverse)


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
    note = "main has 1 commit(s) that faster lacks; their effect is in the comparison too."
    assert run.detection("tip").notes == (note,)
    assert note in run.body("tip")


def test_05_the_reverse_is_measured_or_refused_with_a_reason(diverged):
    """It found no changed functions if base comes after head."""
    _, run = diverged
    assert run.failure("before").endswith(
        "`base` (main) comes after `head` (before)\n"
        "  name the commit before the change as `base` and the one with it as `head`"
    )
    assert run.comparison("tip").verdict is Verdict.REGRESSED
    assert change(run.comparison("tip")).interval.low > 2


@pytest.mark.parametrize("name", ["faster", "tip"], ids=["no folder at base", "the folder is at base"])
def test_09_a_benchmark_that_base_lacks_is_measured_on_both_sides(diverged, name):
    """Only head was measured if base has the folder but not the file; without the folder it was an error."""
    repo, run = diverged
    comparison = run.comparison(name)
    folders = repo.git("ls-tree", "-d", "--name-only", comparison.base.commit, "tests/")
    assert bool(folders) == (name == "tip")
    assert comparison.tests == (TEST,)
    assert comparison.repairs == (f"the benchmark {BENCHMARK} was put into both trees: base has none",)


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
    with open(pathlib.Path(__file__).with_name("times.txt")) as times:
        number = int(times.read())
    return sum([list(range(size)) for _ in range(number)][0])


def moved(size=1000):
    lists = [list(range(size)) for _ in range(20)]
    return sum(lists[0])
"""
BEFORE, _, MOVED = TEXTKIT.partition("def moved")
CHANGES = {
    "method": (
        "Table().total",
        {CODE: TEXTKIT.replace("[list(range(size)) for _ in range(20)][0]", "range(size)", 1)},
        ("textkit:Table.total",),
    ),
    "decorator": ("decorated", {CODE: TEXTKIT.replace("maxsize=0", "maxsize=9")}, ("textkit:decorated",)),
    "constant": ("by_constant", {CODE: TEXTKIT.replace("SIZE = 20", "SIZE = 1")}, ("textkit:<module>",)),
    "move": (
        "moved",
        {CODE: BEFORE + "from textkit.sums import moved\n", "textkit/sums.py": "def moved" + MOVED.replace("20", "2")},
        ("textkit:<module>", "textkit.sums:moved"),
    ),
    "file": ("by_file", {"textkit/times.txt": "1\n"}, ()),
}
TOGETHER = BEFORE.replace("[list(range(size)) for _ in range(20)][0]", "range(size)", 1).replace(
    "maxsize=0", "maxsize=9"
)
TOGETHER = TOGETHER.replace("SIZE = 20", "SIZE = 1")


def calling(call):
    name = call.partition("()")[0]
    return MEASURES.replace("import total", f"import {name}").replace("benchmark(total", f"benchmark({call}")


def benchmark_of(name):
    return f"tests/benchmarks/test_{name}.py"


@pytest.fixture(scope="module")
def undetected(tmp_path_factory):
    """Make a repository with changes outside of functions, each on its own branch, and those of the code together."""
    benchmarks = {benchmark_of(name): calling(call) for name, (call, _, _) in CHANGES.items()}
    tests = [
        calling(call).replace("test_total", f"test_{name}") for name, (call, _, _) in CHANGES.items() if name != "file"
    ]
    base = {
        CODE: TEXTKIT,
        "textkit/times.txt": "20\n",
        BENCHMARK: None,
        **benchmarks,
        benchmark_of("all"): "".join(tests),
    }
    repo = target(tmp_path_factory.mktemp("undetected"), base, {})
    branches = {name: files for name, (_, files, _) in CHANGES.items()}
    for name, files in {
        **branches,
        "all": {**branches["move"], CODE: TOGETHER + "from textkit.sums import moved\n"},
    }.items():
        repo.branch(name, "main")
        repo.commit(files, f"Change the {name}")
    return repo


@pytest.fixture(scope="module")
def accepted(undetected):
    """Prepare each change by itself, up to the trees that are measured."""
    return compare(undetected, *(item(name, benchmark=benchmark_of(name)) for name in CHANGES), stages=("inject",))


@pytest.fixture(scope="module")
def together(undetected):
    """Measure the change of a file alone, and all others."""
    return compare(undetected, *(item(name, benchmark=benchmark_of(name)) for name in ("file", "all")))


@pytest.mark.parametrize("name", CHANGES)
def test_06_changes_outside_of_functions_are_measured(accepted, together, name):
    """It refused to measure changes of methods, decorators, module constants and data files."""
    assert accepted.code == 0, accepted.output
    assert tuple(function.target for function in accepted.detection(name).functions) == CHANGES[name][2]
    measured, test = ("file", "total") if name == "file" else ("all", name)
    assert is_improved(together.comparison(measured), test=f"{benchmark_of(measured)}::test_{test}")


def test_08_a_function_that_moved_is_measured_on_both_sides(together):
    """It found no base for a file that was moved or is new, and showed dashes with exit code 0."""
    test = f"{benchmark_of('all')}::test_move"
    (reached,) = [each for each in together.comparison("all").functions if each.test == test]
    assert reached.function == "textkit.sums:moved"
    assert reached.base
    assert reached.head


def test_20_a_change_of_a_method_has_its_memory_in_the_body(together):
    """It printed the memory of such a change, but wrote no Markdown and ended with exit code 1."""
    assert together.code == 0, together.output
    assert "\n| peak memory | " in together.body("all").partition("### `test_method`")[2]


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


def test_08_a_function_that_base_lacks_is_no_result(tmp_path):
    """It found no base for a file that was moved or is new, and showed dashes with exit code 0."""
    repo = target(
        tmp_path, {BENCHMARK: None}, {"textkit/sums.py": LIGHT, BENCHMARK: MEASURES.replace("textkit", "textkit.sums")}
    )
    run = compare(repo)
    assert run.code == 1
    assert run.failure().startswith(f"{BENCHMARK}: the benchmark cannot be imported on base:\n")
    assert "No module named 'textkit.sums'" in run.failure()


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
