"""The protocol: who runs when, for how long, and what is no result."""

import random
import subprocess
import time
from itertools import pairwise
from textwrap import dedent

import pytest

from tasks.errors import MeasuringError, ProvenanceError
from tasks.measuring import lockstep
from tasks.measuring.channel import TimeLimitError
from tasks.measuring.lockstep import Plan, launch, more_rounds
from tests.pairs import CODE, both, by_key, one_launch, pair


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    return one_launch(pair(tmp_path_factory.mktemp("pair")), share=0.3, describe=True)


def test_blocks_run_abba(record):
    (entry,) = record.keys
    sides = [side for side, _ in entry.blocks]
    second = "head" if entry.first == "base" else "base"
    assert len(sides) >= 8
    assert sides == [entry.first, second, second, entry.first] * (len(sides) // 4)


def test_only_one_side_runs_at_any_time(record):
    blocks = [block for _, block in record.keys[0].blocks]
    assert all(earlier.ended <= later.began for earlier, later in pairwise(blocks))


def test_blocks_tell_cpu_time_and_context_switches(record):
    blocks = [block for _, block in record.keys[0].blocks]
    assert all(block.cpu > 0 and block.wall <= block.ended - block.began for block in blocks)
    assert all(block.voluntary >= 0 and block.involuntary >= 0 for block in blocks)


def test_samples_are_seconds_per_call(record):
    entry = record.keys[0]
    (_, block), sample = entry.blocks[0], entry.per_call(entry.first)[0]
    assert sample == pytest.approx(block.wall / 1e9 / entry.rounds, rel=1e-5)


def test_both_sides_have_the_same_seed_and_pass_the_same_tests(tmp_path):
    benchmark = """
    import os
    from project import work

    def test_work(benchmark):
        assert benchmark(lambda: (hash("text"), os.environ["PYTHONHASHSEED"]))
    """
    request = pair(tmp_path, **both({"tests/test_benchmark.py": benchmark}))
    entry = one_launch(request, share=None, describe=True).keys[0]
    assert entry.described["base"] == entry.described["head"]
    assert entry.described["base"]["tree"]["items"][1]["value"] == str(entry.seed)


def test_every_module_of_the_project_is_told_with_its_blob(record):
    told = {(module.name, module.path) for module in record.modules["head"]}
    assert told == {("project", "src/project/__init__.py"), ("test_benchmark", "tests/test_benchmark.py")}
    hashed = subprocess.run(["git", "hash-object", "--stdin"], input=dedent(CODE).lstrip(), capture_output=True, text=True, check=True).stdout.strip()
    assert {module.blob for module in record.modules["base"] if module.name == "project"} == {hashed}


@pytest.mark.parametrize(
    ("rounds", "fast", "slow", "more"),
    [
        (1, 0.003, 0.003, 1),
        (1, 0.0025, 0.0025, 1),
        (1, 0.001, 0.001, 3),
        (1, 1e-6, 1e-6, 20),
        (10, 1e-6, 0.03, 20),
        (1, 1e-6, 0.059, 1),
        (1, 0.5, 4.0, 1),
        (7, 0.0029, 0.003, 7),
    ],
)
def test_rounds_grow_until_the_faster_block_is_long_enough_or_the_slower_too_long(rounds, fast, slow, more):
    assert more_rounds(rounds, fast, slow) == more


def test_a_call_longer_than_its_share_is_run_once_on_either_side(tmp_path):
    benchmark = """
    import time

    def test_long(benchmark):
        benchmark(time.sleep, 0.1)
    """
    entry = one_launch(pair(tmp_path, **both({"tests/test_benchmark.py": benchmark})), share=0.01).keys[0]
    assert entry.rounds == 1
    assert sorted(side for side, _ in entry.blocks) == ["base", "head"]


def test_rounds_of_an_earlier_launch_are_kept(tmp_path):
    record = one_launch(pair(tmp_path), rounds={"tests/test_benchmark.py::test_work": 17})
    assert record.keys[0].rounds == 17


# -- what is no result ----------------------------------------------------------------------------

FAILS = "from project import work\n\ndef test_work(benchmark):\n    assert benchmark(work, 1000) == 1\n"
SKIPS = "import pytest\n\ndef test_work(benchmark):\n    pytest.skip('not today')\n"
XFAILS = "import pytest\n\n@pytest.mark.xfail\ndef test_work(benchmark):\n    assert benchmark(int) == 1\n"
MODULE_SKIPS = "import pytest\n\npytest.skip('not here', allow_module_level=True)\n"
SETUP_FAILS = "import pytest\n\n@pytest.fixture\ndef broken():\n    raise OSError('no disk')\n\ndef test_work(benchmark, broken):\n    benchmark(int)\n"
TEARDOWN_FAILS = (
    "import pytest\n\n@pytest.fixture\ndef broken():\n    yield\n    raise OSError('no disk')\n\ndef test_work(benchmark, broken):\n    benchmark(int)\n"
)
LATER_FAILS = (
    "N = []\n\ndef later():\n    N.append(1)\n    assert len(N) < 5, 'too often'\n\ndef test_work(benchmark):\n    benchmark(later)\n"
)
NO_FIXTURE = "def test_x():\n    pass\n"
UNUSED = "def test_work(benchmark):\n    pass\n"
WHERE = "tests/test_benchmark.py::test_work"


@pytest.mark.parametrize("side", ["base", "head"])
@pytest.mark.parametrize(
    ("text", "what", "told", "where"),
    [
        (FAILS, "the benchmark failed on {side}:", "assert 499500 == 1", WHERE),
        (SKIPS, "the benchmark was skipped on {side}:", "not today", WHERE),
        (XFAILS, "the benchmark failed as its xfail mark expects on {side}:", "assert 0 == 1", WHERE),
        (MODULE_SKIPS, "the benchmark was skipped on {side}:", "not here", "tests/test_benchmark.py"),
        (SETUP_FAILS, "the benchmark failed on {side} in its setup:", "no disk", WHERE),
        (TEARDOWN_FAILS, "the benchmark failed on {side} in its teardown:", "no disk", WHERE),
        (LATER_FAILS, "the benchmark failed on {side}:", "too often", WHERE),
        ("import absent\n", "the benchmark cannot be imported on {side}:", "No module named 'absent'", "tests/test_benchmark.py"),
        ("def broken(:\n", "the benchmark cannot be imported on {side}:", "SyntaxError", "tests/test_benchmark.py"),
    ],
    ids=["fails", "skips", "xfails", "module-skips", "setup", "teardown", "later", "import", "syntax"],
)
@pytest.mark.slow
def test_a_benchmark_that_does_not_pass_is_an_error(tmp_path, side, text, what, told, where):
    request = pair(tmp_path, **{side: {"tests/test_benchmark.py": text}})
    with pytest.raises(MeasuringError) as raised:
        one_launch(request)
    first, _, rest = raised.value.what.partition("\n")
    assert first == what.format(side=side)
    assert told in rest
    assert raised.value.where == where
    assert raised.value.now == "a benchmark must pass at both commits; nothing was measured"


MORE = "\ndef test_more(benchmark):\n    benchmark(int)\n"
TWICE = "\ndef test_work(benchmark):\n    benchmark(int)\n    benchmark(int)\n"


@pytest.mark.parametrize(
    ("base", "head", "what", "where"),
    [
        (MORE, MORE + TWICE, "this test is on head but not on base; the sides cannot be compared", "tests/test_benchmark.py::test_work"),
        (MORE + TWICE, MORE, "this test is on base but not on head; the sides cannot be compared", "tests/test_benchmark.py::test_work"),
        (
            TWICE,
            TWICE.replace("    benchmark(int)\n", "", 1),
            "the sides call the `benchmark` fixture differently: next is `tests/test_benchmark.py::test_work#2` on base and none on head",
            "",
        ),
        (NO_FIXTURE, NO_FIXTURE, "no test of the benchmark uses the `benchmark` fixture", ""),
        (UNUSED, UNUSED, "the benchmark passes without calling its `benchmark` fixture", "tests/test_benchmark.py::test_work"),
    ],
    ids=["more on head", "more on base", "another call", "no fixture", "fixture not called"],
)
@pytest.mark.slow
def test_different_sets_of_tests_are_an_error(tmp_path, base, head, what, where):
    request = pair(tmp_path, base={"tests/test_benchmark.py": base}, head={"tests/test_benchmark.py": head})
    with pytest.raises(MeasuringError) as raised:
        one_launch(request)
    assert (raised.value.what, raised.value.where) == (what, where)


@pytest.mark.parametrize(
    ("death", "told"),
    [
        ("os._exit(3)", "the benchmark broke on head: its process ended with exit code 3 before the benchmark was finished"),
        ("os.kill(os.getpid(), 9)", "the benchmark broke on head: its process was killed by signal 9 (SIGKILL) before the benchmark was finished"),
        ("os.kill(os.getpid(), 11)", "the benchmark broke on head: its process was killed by signal 11 (SIGSEGV) before the benchmark was finished"),
    ],
)
def test_a_side_that_dies_is_an_error_that_names_how(tmp_path, death, told):
    with pytest.raises(MeasuringError) as raised:
        one_launch(pair(tmp_path, head={"src/project/__init__.py": f"import os\n\ndef work(size):\n    {death}\n"}))
    assert raised.value.what.splitlines()[0] == told


def test_a_missing_file_is_told_with_what_pytest_says(tmp_path):
    with pytest.raises(MeasuringError, match=r"pytest ended with exit code 4 before it ran a test(.|\n)*file or directory not found"):
        one_launch(pair(tmp_path, benchmark="tests/test_absent.py"))


def test_the_time_limit_keeps_what_was_complete(tmp_path):
    benchmark = """
    import time

    def test_quick(benchmark):
        benchmark(time.sleep, 0.001)

    def test_endless(benchmark):
        benchmark(time.sleep, 3600)
    """
    request, record = pair(tmp_path, **both({"tests/test_benchmark.py": benchmark})), lockstep.LaunchRecord()
    settings = lockstep.Settings(1, deadline=time.monotonic() + 4)
    with pytest.raises(TimeLimitError):
        launch(request, Plan(settings, share=0.02), random.Random(1), record)
    assert not record.complete
    assert by_key(record)["test_quick"].per_call("base")
    assert not by_key(record).get("test_endless")


# -- provenance -----------------------------------------------------------------------------------


def test_a_head_that_imports_an_installed_copy_is_stopped_with_the_path(tmp_path):
    """As with `pip install -e .` of the checkout in an environment that both sides share."""
    installed = tmp_path / "site-packages"
    (installed / "project").mkdir(parents=True)
    (installed / "project/__init__.py").write_text(CODE)
    conftest = f"import sys\n\nsys.path.insert(0, {str(installed)!r})\n"
    with pytest.raises(ProvenanceError) as raised:
        one_launch(pair(tmp_path, head={"tests/conftest.py": conftest}))
    path = (installed / "project/__init__.py").resolve()
    assert raised.value.what == f"on head `project` is imported from an installed copy and not from the tree of head: {path}"


def test_a_head_that_imports_the_other_tree_is_stopped_with_the_path(tmp_path):
    conftest = f"import sys\n\nsys.path.insert(0, {str(tmp_path / 'base/src')!r})\n"
    with pytest.raises(ProvenanceError) as raised:
        one_launch(pair(tmp_path, head={"tests/conftest.py": conftest}))
    path = (tmp_path / "base/src/project/__init__.py").resolve()
    assert raised.value.what == f"on head `project` is imported from the tree of base and not from the tree of head: {path}"


def test_nothing_is_timed_before_the_place_of_the_modules_is_proved(tmp_path, monkeypatch):
    timed = []
    monkeypatch.setattr(lockstep.Worker, "run", lambda *_, **__: timed.append(1))
    conftest = f"import sys\n\nsys.path.insert(0, {str(tmp_path / 'base/src')!r})\n"
    with pytest.raises(ProvenanceError):
        one_launch(pair(tmp_path, head={"tests/conftest.py": conftest}))
    assert not timed
