"""Tests of a small project, run under the explorer, on the oldest and the newest Pythons here."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from tasks.artifacts import Recording, Scaffolding
from tasks.bench.observing.exploring import explore
from tasks.bench.observing.recording import record
from tasks.bench.observing.site import RecordingSite, WatchedFunction
from tasks.bench.observing.trying import try_code
from tasks.bench.request import SideRequest
from tasks.manifest.model import Optimization
from tasks.processes.progress import silent
from tasks.project.files import FolderTree
from tasks.project.layout import describe
from tasks.stages.record import lengths
from tasks.stages.record import record as stage
from tasks.storage.paths import ProjectPaths
from tests.support.evidence import DETECTION
from tests.support.projects import FLIT
from tests.support.pythons import environment, pytest_for
from tests.support.stages import run_stage
from tests.support.targets import TargetRepo

pytestmark = pytest.mark.slow(0.4)

CODE = """import asyncio
import functools
import time

from rows.inner import helper


def _scan(text):
    return sum(1 for _ in text.split(","))


def parse(text):
    return [_scan(line) for line in text.splitlines()]


def numbers(count):
    for number in range(count):
        yield number


async def fetch(count):
    await asyncio.sleep(0)
    return count


def depth(tree):
    return 1 + max(map(depth, tree), default=0)


def fails():
    raise ValueError


def naps(count):
    return sleepy(count)


def sleepy(count):
    time.sleep(0.1)
    return count and sleepy(count - 1)


def helped():
    return helper()


def _listed(kind, text):
    return kind + text


KINDS = {"b": functools.partial(_listed, "b")}


def sleeps():
    time.sleep(60)
"""
TESTS = """import asyncio
from pathlib import Path

import pytest

from rows import KINDS, depth, fails, fetch, helped, naps, numbers, parse, sleeps

DATA = Path(__file__).parent / "data.csv"


@pytest.mark.parametrize("text", ["a,b", "a,b\\nc,d\\n", ""])
def test_parse(text):
    assert len(parse(text)) == len(text.splitlines())


def test_document():
    assert len(parse(DATA.read_text())) == 2_000


def test_others():
    assert sum(numbers(4)) == 6
    assert asyncio.run(fetch(3)) == 3
    assert depth([[], [[]]]) == 3
    assert naps(2) == 0
    assert helped() == 1
    assert KINDS["b"]("old") == "bold"
    with pytest.raises(ValueError):
        fails()
"""
FILES = {
    "pyproject.toml": FLIT + '[project]\nname = "rows"\nversion = "1"\ndescription = "Rows of numbers"\n',
    "src/rows/__init__.py": CODE,
    "src/rows/inner.py": "def helper():\n    return 1\n",
    "tests/conftest.py": "import rows\n",
    "tests/test_rows.py": TESTS,
    "tests/data.csv": "".join(f"{number},{number * number % 97},y\n" for number in range(2_000)),
    "tests/test_broken.py": "import there_is_no_such_module\n",
}
ALL = ("_scan", "parse", "numbers", "fetch", "depth", "fails", "sleeps", "sleepy", "naps", "nothing", "_listed")


@pytest.fixture(scope="module", params=["3.9", "3.13"])
def site(request, tmp_path_factory):
    """A wrapper watches before Python 3.12, `sys.monitoring` from there on."""
    folder = tmp_path_factory.mktemp("explore")
    python = environment(request.param, pytest_for(request.param), "pytest-benchmark")
    tree = TargetRepo(folder / "tree", FILES).path
    return RecordingSite(SideRequest(tree, python, (tree / "src",)), "", 2)


def functions(*names):
    return {f"rows:{name}": WatchedFunction(f"rows:{name}") for name in names}


@pytest.fixture(scope="module")
def reached(site):
    found, _, notes = explore(site, functions(*ALL), ["tests/test_broken.py", "tests/test_rows.py"], seconds=60)
    assert notes == (
        "the run of the tests lacks something: ModuleNotFoundError: No module named 'there_is_no_such_module'",
    )
    return {(each.test.partition("::")[2], each.target.partition(":")[2]): each for each in found}


def test_calls_are_counted_by_test_whatever_another_file_raises(reached):
    assert {key: each.calls for key, each in reached.items() if key[0] != "test_parse[]"} == {
        ("test_parse[a,b]", "parse"): 1,
        ("test_parse[a,b]", "_scan"): 1,
        ("test_parse[a,b\\nc,d\\n]", "parse"): 1,
        ("test_parse[a,b\\nc,d\\n]", "_scan"): 2,
        ("test_document", "parse"): 1,
        ("test_document", "_scan"): 2_000,
        ("test_others", "numbers"): 1,
        ("test_others", "fetch"): 1,
        ("test_others", "depth"): 4,
        ("test_others", "fails"): 1,
        ("test_others", "naps"): 1,
        ("test_others", "sleepy"): 3,
        ("test_others", "_listed"): 1,
    }


def test_the_time_of_a_call_has_that_of_the_calls_in_it(reached):
    parse, scan = reached["test_document", "parse"], reached["test_document", "_scan"]
    assert 0 < scan.seconds < parse.seconds
    # A recursive function's outermost call counts, not the sum of all.
    assert 0 < reached["test_others", "sleepy"].seconds <= reached["test_others", "naps"].seconds


def test_a_name_is_watched_that_a_module_copied_when_a_conftest_imported_it(site):
    """Before Python 3.12 the wrapper has to be there first."""
    inner = {"rows.inner:helper": WatchedFunction("rows.inner:helper", "src/rows/inner.py", 1)}
    found, _, _ = explore(site, inner, ["tests/test_rows.py::test_others"], seconds=60)
    assert [(each.target, each.calls) for each in found] == [("rows.inner:helper", 1)]
    (seen,), _ = record(
        site, inner["rows.inner:helper"], [("tests/test_rows.py::test_others",)], seconds=60, report=silent
    )
    assert seen["calls"] == 1


def test_the_callers_of_the_project_are_noted(site):
    found, _, _ = explore(site, functions("_scan"), ["tests/test_rows.py::test_document"], seconds=60)
    (chain,) = found[0].chains
    first = CODE.splitlines().index("def parse(text):") + 1
    assert chain.callers == (("src/rows/__init__.py", first),)


def test_the_calls_with_the_most_time_in_a_function_are_noted(site):
    tests, case = ["tests/test_rows.py"], "tests/test_rows.py::test_parse[a,b]"
    found, _, _ = explore(
        site,
        functions("_scan", "parse"),
        tests,
        seconds=60,
        inside="rows:_scan",
        only=[case, "tests/test_rows.py::x[1]"],
    )
    assert {each.test.partition("::")[2] for each in found} == {"test_parse[a,b]", "test_document"}
    (call,) = next(each for each in found if "document" in each.test and each.target == "rows:parse").longest
    assert call.number == 1
    assert 0 < call.inside < call.seconds


def test_a_call_is_recorded_by_its_number_with_the_file_that_it_reads(site):
    """Its content is no code: it is read from where the project has it."""
    wanted = {"tests/test_rows.py::test_document": [1]}
    (seen,), _ = record(
        site, WatchedFunction("rows:parse"), [("tests/test_rows.py",)], wanted=wanted, seconds=60, report=silent
    )
    (call,) = seen["kept"]
    assert call["test"] == "tests/test_rows.py::test_document"
    assert [each["arguments"]["text"] for each in call["spelled"][:2]] == [
        '(Path(__file__).parents[2] / "tests/data.csv").read_text(encoding="utf-8")',
        '(Path(__file__).parents[2] / "tests/data.csv").read_text(encoding="utf-8") * 10',
    ]
    assert seen["opened"] == ["tests/data.csv"]


def test_a_trial_says_which_lines_are_executed_and_how_long_a_function_runs(site):
    order = {"setup": "from rows import parse", "call": "parse('a,b')", "inputs": []}
    file, line = (
        site.side.tree / "src/rows/__init__.py",
        CODE.splitlines().index('    return sum(1 for _ in text.split(","))') + 1,
    )
    assert try_code(site, {**order, "lines": {str(file): [line]}})["reached"] is True
    assert try_code(site, {**order, "lines": {str(file): [1, line]}})["executed"] == [line]
    assert try_code(site, {**order, "lines": {str(file): [1]}})["reached"] is False
    # A benchmark repeats its call, so what a cache answers does not count.
    setup = "import functools\nfrom rows import parse\ncached = functools.lru_cache(parse)"
    cached = {**order, "setup": setup, "call": "[cached('a,b'), reached()]", "tell": True, "lines": {str(file): [line]}}
    answer = try_code(site, cached)
    assert (answer["reached"], answer["reached_first"], answer["executed"]) == (False, True, [])
    assert answer["value"] == [[2], False]
    inside = [WatchedFunction("rows:_scan").message(site.side.tree)]
    assert 0.1 < try_code(site, {**order, "inside": inside})["share"] < 1
    # Neither what is allocated nor a further call with new inputs counts twice.
    long = {**order, "call": "[rows.pop(), parse('a,b' * 200_000)]", "inputs": ["rows"], "peak": True}
    changing = {**long, "setup": "from rows import parse\nrows = [1, 2]", "inside": inside}
    assert 0.5 < try_code(site, changing)["share"] <= 1
    unchanged = {**changing, "call": "parse('a,b' * 200_000)", "inputs": []}
    assert 0.5 < try_code(site, unchanged)["share"] <= 1
    # What one of several functions calls of the others counts once.
    both = [*inside, WatchedFunction("rows:parse").message(site.side.tree)]
    apart = {**order, "setup": "from rows import parse\nimport time", "call": "(time.sleep(0.1), parse('a,b'))"}
    assert try_code(site, {**apart, "inside": both})["share"] < 0.1
    whole = {**order, "setup": "from rows import parse\ntext = 'a,b' * 200_000", "call": "parse(text)", "inside": both}
    assert 0.9 < try_code(site, whole)["share"] <= 1


def test_a_test_that_takes_too_long_is_ended_and_the_others_are_run(site, monkeypatch):
    monkeypatch.setattr("tasks.bench.observing.exploring.TEST_SECONDS", 0.5)
    (site.side.tree / "tests/test_slow.py").write_text(
        "import os\nfrom rows import parse, sleeps\n\ndef test_slow():\n    sleeps()\n\n"
        "def test_killed():\n    os.kill(os.getpid(), 9)\n\ndef test_leaving():\n    os._exit(0)\n\n"
        "def test_next():\n    parse('a')\n"
    )
    found, _, notes = explore(site, functions("parse", "sleeps"), ["tests/test_slow.py"], seconds=60)
    assert [each.test.partition("::")[2] for each in found] == ["test_slow", "test_next"]
    assert notes == tuple(
        f"the run of the tests ended in tests/test_slow.py::test_{name}, which is left out"
        for name in ("killed", "leaving")
    )


def test_a_run_that_hangs_says_where(site, monkeypatch):
    monkeypatch.setattr("tasks.bench.observing.exploring.IMPORT_SECONDS", 1.0)
    monkeypatch.setattr("tasks.bench.observing.exploring.GRACE", 6.0)
    waits = "import time\n\n\ndef wait():\n    time.sleep(60)\n\n\n"
    test = "from rows import parse\n\ndef test_next():\n    parse('a')\n"
    folder = site.side.tree / "tests/waiting"
    folder.mkdir()
    (folder / "test_import.py").write_text(f"{waits}wait()\n")
    (folder / "test_next.py").write_text(test)
    found, _, notes = explore(site, functions("parse"), ["tests/waiting"], seconds=60)
    assert [each.test for each in found] == ["tests/waiting/test_next.py::test_next"]
    too_long = "left out tests/waiting/test_import.py, whose import took longer than 1 s"
    assert notes == (f"the run of the tests {too_long} (tests/waiting/test_import.py:5)",)
    (folder / "conftest.py").write_text(f"{waits}wait()\n")
    _, _, notes = explore(site, functions("parse"), ["tests/waiting/test_next.py"], seconds=1)
    stopped = "was stopped after 7 s, before its first test"
    assert notes == (f"the run of the tests {stopped} (tests/waiting/conftest.py:5)",)
    shutil.rmtree(folder)


def test_a_project_that_is_a_plugin_of_pytest_is_watched(site):
    """Its modules then have one loader, that of pytest."""
    installed = site.side.tree / "src/rows-1.dist-info"
    installed.mkdir()
    entry = "[pytest11]\nrows = rows\n"
    for name, text in {"METADATA": "Name: rows\n", "RECORD": "rows/__init__.py,,\n", "entry_points.txt": entry}.items():
        (installed / name).write_text(text)
    seen, ran, notes = explore(site, functions("parse"), ["tests/test_rows.py::test_parse"], seconds=60)
    shutil.rmtree(installed)
    assert (len(seen), ran, notes) == (3, ("tests/test_rows.py",), ())


def test_tests_with_generated_inputs_run_last(site):
    generated = "from rows import parse\n\ndef test_first():\n    parse('a')\n\ntest_first.is_hypothesis_test = True\n"
    (site.side.tree / "tests/test_generated.py").write_text(f"{generated}\ndef test_last():\n    parse('a')\n")
    found, _, _ = explore(site, functions("parse"), ["tests/test_generated.py"], seconds=60)
    assert [(each.test.partition("::")[2], each.generated) for each in found] == [
        ("test_last", False),
        ("test_first", True),
    ]


def test_the_values_of_a_parametrized_test_are_known(site, reached):
    generated = "import pytest\n\nfrom rows import parse\n\nCASES = [('a', [1]), pytest.param('b', [2], id='two')]\n\n"
    marks = "@pytest.mark.parametrize(('text', 'sizes'), CASES)\n@pytest.mark.parametrize('number', [7, 8])\n"
    fixture = "@pytest.fixture(params=['x', 'y'])\ndef kind(request): return request.param\n\n"
    test = f"{marks}def test_cases(text, sizes, number, kind): parse(text)\n"
    (site.side.tree / "tests/test_cases.py").write_text(generated + fixture + test)
    found, _, _ = explore(site, functions("parse"), ["tests/test_cases.py"], seconds=60)
    assert {each.test.partition("[")[2]: each.case for each in found}["y-8-two]"] == {
        "text": 1,
        "sizes": 1,
        "number": 1,
        "kind": 1,
    }
    cases = {test: each.case for (test, target), each in reached.items() if target == "parse"}
    assert cases["test_parse[a,b]"] == {"text": 0}
    assert cases["test_document"] == {}


def test_a_trial_says_what_one_call_returns_and_allocates(site):
    order = {"setup": "", "call": "[0] * 30_000", "inputs": [], "steady": True, "peak": True}
    answer = try_code(site, order)
    assert answer.get("steady") is True, answer
    assert 240_000 <= answer["peak"] < 270_000
    assert answer["digest"] != try_code(site, {**order, "call": "[1] * 30_000"})["digest"]
    changing = {**order, "setup": "import itertools\ncount = itertools.count()", "call": "next(count)", "peak": False}
    assert try_code(site, changing)["steady"] is False


def test_a_trial_closes_what_its_setup_opened(site):
    module = """
from contextlib import AsyncExitStack, asynccontextmanager
opened = []

@asynccontextmanager
async def opening():
    opened.append(1)
    yield opened
    opened.pop()
    if len(order) > 1:
        raise ValueError(f"closed after {order}")
"""
    setup = "order = []\nstack = AsyncExitStack()\nshop = await stack.enter_async_context(opening())"
    order = {"module": module, "setup": setup, "call": "order.append(len(shop))", "inputs": ["order"], "stack": "stack"}
    assert try_code(site, order).get("changes") is True
    twice = {**order, "call": "(order.append(len(shop)), order.append(len(shop)))"}
    assert try_code(site, twice)["raised"] == "ValueError: closed after [1, 1]"


def test_a_trial_leaves_out_the_time_of_a_first_call_that_fills_a_cache(site):
    setup = "import time\nkept = []\ndef load():\n    if not kept:\n        kept.append(time.sleep(0.2))"
    assert try_code(site, {"setup": setup, "call": "load()", "inputs": []})["seconds"] < 0.1


def test_what_a_trial_raises_names_no_path_of_the_machine_and_no_secret(site, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "s3cr3t-of-the-shop")
    call = "open('', mode=__file__ + 's3cr3t-of-the-shop')"
    answer = try_code(site, {"setup": "", "call": call, "inputs": []})
    assert str(site.side.tree) not in answer["raised"]
    assert "s3cr3t" not in answer["raised"]
    assert answer["raised"].startswith("ValueError: invalid mode: 'tests/benchmarks/test_trial.py")


def test_a_trial_counts_the_calls_in_each_statement(site):
    inside = [WatchedFunction("rows:_scan").message(site.side.tree)]
    # A call that fails does not count.
    fails = "try:\n    _scan(None)\nexcept AttributeError:\n    pass"
    steps = ["text = 'a\\nb'", "parsed = parse(text)", "assert len(parsed) == 2", fails]
    order = {"setup": "from rows import _scan, parse", "call": "None", "inputs": [], "steps": steps}
    assert try_code(site, {**order, "inside": inside}) == {"calls": [0, 2, 0, 0]}
    assert "AssertionError" in try_code(site, {**order, "steps": ["assert 1 == 2"], "inside": inside})["raised"]


# -- the stages -------------------------------------------------------------------------------------------


def recorded(folder: Path, files: dict[str, str], changes: dict[str, str], name: str) -> tuple[Recording, str, str]:
    """Record calls of a function of `rows` that head changes, and write the benchmark; return its notes and text."""
    repo = TargetRepo(folder / "target", files)
    base = repo.head
    repo.commit(changes, "Make it faster")
    layout = describe(FolderTree(repo.path))
    item = Optimization(id="item", head="main", domain=("cpu",))
    paths = ProjectPaths(folder / "work/prprep.yaml", folder / "work/.codeflash").item("item")
    path = "src/rows/__init__.py"
    lines, base_lines = (_lines(text, name) for text in (changes[path], files[path]))
    place = {"path": path, "module": "rows", "name": name, "status": "modified"}
    function = DETECTION.functions[0].model_copy(update={**place, "lines": lines, "base_lines": base_lines})
    changed = {"target": f"rows:{name}", "functions": (function,), "files": tuple(changes)}
    commits = {"item": "item", "base": base, "head": repo.head, "benchmark": None, "layout": layout}
    DETECTION.model_copy(update={**commits, **changed}).write(paths.detect, "d")
    for each in ("record", "scaffold"):
        run_stage(each, item, paths, address=repo.path, cache=Path(os.environ["PRPREP_CACHE"]))
    written = Scaffolding.read(paths.scaffold)
    return Recording.read(paths.record), "\n".join(written.notes), (folder / "work" / written.source).read_text()


def _lines(text: str, name: str) -> tuple[int, int]:
    before, _, code = text.partition(f"def {name}(")
    first = before.count("\n") + 1
    return first, first + code.rstrip("\n").partition("\n\n")[0].count("\n")


def test_a_private_function_is_measured_by_its_public_caller_on_the_projects_own_file(tmp_path):
    """The change is in a helper, whose calls take microseconds; what it saves is seen in a call of `parse`."""
    counting = CODE.replace('sum(1 for _ in text.split(","))', 'text.count(",") + 1')
    recording, notes, text = recorded(tmp_path, FILES, {"src/rows/__init__.py": counting}, "_scan")
    assert (recording.target, recording.changed) == ("rows:parse", "rows:_scan")
    assert recording.share > 0.4
    assert recording.call.reaches
    assert '"tests/data.csv"' in text
    assert "benchmark(parse, text)" in text
    assert "rows:parse, which spends" in notes


QUADRATIC = """import re

import rows.inner


def strip(text):
    return re.sub(r"[ ]*;", ";", text)
"""
LINEAR = """    if text.startswith("x "):
        pattern = r"(?<! )[ ]*;"
        return re.sub(pattern, ";", text)
    return"""
TEXTS = """from rows import strip


class Text(str):
    pass


def test_strip():
    for text in {texts}:
        assert len(strip(text)) <= len(text)
"""


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("str", "sizes are 1/{divisor} of those, on which base takes too long"),
        ("Text", "Its large numbers are 1/{divisor} of those in the test, on which base takes too long"),
    ],
)
def test_the_input_of_a_test_that_head_adds_is_made_smaller_if_base_does_not_end(tmp_path, monkeypatch, kind, words):
    monkeypatch.setattr(lengths, "LATE", 1.0)
    monkeypatch.setattr(stage, "MOST_RUNS", 1)
    files = {name: text for name, text in FILES.items() if not name.startswith("tests/")}
    short, long = (
        TEXTS.format(texts=texts) for texts in ('["a  ;" * 20_000]', f'[{kind}("x" + " " * 200_000 + "y;")]')
    )
    base = {**files, "src/rows/__init__.py": QUADRATIC, "tests/test_strip.py": short}
    linear = QUADRATIC.replace("    return", LINEAR)
    _, _, text = recorded(tmp_path, base, {"src/rows/__init__.py": linear, "tests/test_long.py": long}, "strip")
    code = re.search(r'"x" \+ " " \* (.*) \+ "y;"', text)
    divisor = 200_000 // int(code[1])
    assert divisor in {10, 100}
    assert words.format(divisor=divisor) in " ".join(text.split())
