"""The protocol: who runs when, for how long, and what is no result."""

import importlib.util
import random
import subprocess
import time
from itertools import islice, pairwise
from pathlib import Path
from textwrap import dedent

import pytest

from tasks.bench.time.launch_record import LaunchRecord, TimedCall
from tasks.bench.time.lockstep import LaunchPlan, Pair, launch
from tasks.bench.workers.channel import TimeLimitError
from tasks.bench.workers.workers import Settings, Worker
from tasks.errors import MeasuringError, ProvenanceError
from tests.support.pairs import CODE, block, both, by_key, one_launch, pair

pytestmark = pytest.mark.slow(0.3)


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    return one_launch(pair(tmp_path_factory.mktemp("pair"), controlled=True), share=0.3, describe=True)


def blocks_of(call):
    return [block for turn in call.turns for block in turn.values()]


def test_a_turn_is_a_block_of_every_side_and_the_next_is_reversed(record):
    (call,) = record.calls
    orders = [tuple(turn) for turn in call.turns]
    assert len(orders) >= 4
    assert sorted(orders[0]) == ["base", "control", "head"]
    assert sum(call.runs) == len(orders)
    rest = iter(orders)
    for number in call.runs:  # each child begins with an untimed turn
        run = list(islice(rest, number))
        assert run == [run[0], run[0][::-1]] * (number // 2) + [run[0]] * (number % 2)


def test_only_one_side_runs_at_any_time(record):
    blocks = blocks_of(record.calls[0])
    assert all(earlier.ended <= later.began for earlier, later in pairwise(blocks))


def test_blocks_have_cpu_time_and_context_switches(record):
    blocks = blocks_of(record.calls[0])
    assert all(block.cpu > 0 and block.wall <= block.ended - block.began for block in blocks)
    assert all(block.voluntary >= 0 and block.involuntary >= 0 for block in blocks)


def test_samples_are_seconds_per_call_without_waiting_for_a_core(record):
    call = record.calls[0]
    for clock, field in (("wall", "own"), ("cpu", "cpu")):
        launched = call.launch(clock)
        for role in ("base", "head", "control"):
            expected = [getattr(turn[role], field) / 1e9 / call.rounds[role] for turn in call.usable]
            assert getattr(launched, role) == pytest.approx(expected, rel=1e-5)
    launched = call.launch("wall")
    assert launched.iterations == call.rounds
    assert launched.left_out == len(call.turns) - len(call.usable)
    walls = [turn["head"].wall / 1e9 / call.rounds["head"] for turn in call.usable]
    both = zip(launched.head, launched.waited["head"], strict=True)
    assert [own + waited for own, waited in both] == pytest.approx(walls, rel=1e-5)


def call_of(*turns):
    return TimedCall(
        "test", ("base", "head"), seed=1, turns=[dict(zip(("base", "head"), turn, strict=True)) for turn in turns]
    )


def test_time_is_that_of_a_free_core_whatever_was_waited():
    call = call_of(*[(block(calls=10), block(seconds=0.001, calls=10, waited=0.02)) for _ in range(3)])
    assert call.launch("wall").head == (0.0001,) * 3
    assert call.launch("wall").waited["head"] == (0.002,) * 3
    assert (call.launch("cpu").head, call.launch("cpu").waited) == ((0.0001,) * 3, {})


def test_cpu_time_is_not_known_if_child_processes_mostly_outlive_the_calls():
    outlived, over = (block(), block(outliving=1)), (block(), block())
    assert call_of(outlived, outlived, over).launch("cpu") is None
    assert call_of(outlived, outlived, over).launch("wall")
    # A pool that starts its processes is no such case.
    assert call_of(outlived, over, over).launch("cpu")


def test_a_turn_with_a_reading_far_from_the_clock_is_discarded_for_all_sides():
    late = block(waited=0.001, misread=True)
    call = call_of((block(), block()), (block(), late), (late, block()), (block(), block()))
    assert call.usable == [call.turns[0], call.turns[3]]
    assert (len(call.launch("wall").base), call.launch("wall").left_out) == (2, 2)


@pytest.mark.parametrize(
    ("disturbed", "preempted"),
    [
        (block(), False),
        (block(waited=0.001), True),
        (block(waited=0.00001), False),
        (block(waited=0.0029, involuntary=0), False),
        (block(waited=0.0, wall=6_000_000, involuntary=1), False),
        (block(waited=0.0, wall=6_000_000, involuntary=1, others_waited=None), True),
        (block(waited=0.0, wall=6_000_000, involuntary=1, others_waited=2_000_000), True),
    ],
    ids=[
        "undisturbed",
        "another took the core",
        "for a moment only",
        "it waited by itself",
        "it waited for other threads",
        "threads that ended may have waited for a core",
        "other threads waited for a core",
    ],
)
def test_a_block_was_preempted_when_another_process_took_the_core(disturbed, preempted):
    assert disturbed.was_preempted is preempted


def test_if_waiting_is_not_known_only_undisturbed_turns_count_however_few():
    calm, disturbed = block(waited=None), block(waited=None, wall=4_000_000, involuntary=1)
    call = call_of((calm, disturbed), (disturbed, calm), (calm, calm), (disturbed, disturbed))
    assert call.usable == [call.turns[2]]
    assert call.launch("wall").waited == {}
    assert call_of((calm, disturbed)).launch("wall") is None


def test_calls_that_wait_for_other_threads_or_processes_count_unless_they_wait_longer_than_usual():
    """A block of 3 ms in which 2 ms were work; what waits for a lock is no other process's doing."""
    shared = {"seconds": 0.002, "elsewhere": 0.001, "involuntary": 1, "others_waited": None}
    usual, disturbed = block(wall=3_000_000, **shared), block(wall=5_000_000, **shared)
    call = call_of((usual, usual), (disturbed, usual), (usual, disturbed), (usual, usual))
    assert call.usable == [call.turns[0], call.turns[3]]


def test_if_one_side_shares_its_work_no_side_is_corrected():
    """Else what a busy machine takes would be left out on one side only."""
    shared = block(seconds=0.002, elsewhere=0.001, others_waited=None)
    call = call_of(*[(block(waited=0.001), shared)] * 2, *[(block(), shared)] * 3)
    assert call.usable == call.turns[2:]
    assert call.launch("wall").base == (0.003,) * 3
    assert call.launch("wall").waited == {}


def test_the_first_call_and_growth_within_a_process_are_kept():
    grows = [block(seconds=seconds) for seconds in (0.002, 0.002, 0.004, 0.004, 0.003, 0.003)]
    call = call_of(*((each, block()) for each in grows))
    call.runs, call.first_call = [4, 2], {"base": 0.5, "head": 0.25}
    launched = call.launch("wall")
    assert launched.first_call == {"base": 0.5, "head": 0.25}
    assert launched.growth == pytest.approx({"base": 2**0.5, "head": 1.0})
    assert (call.launch("cpu").first_call, call.launch("cpu").growth) == ({}, {})


def test_both_sides_have_the_same_seed_and_pass_the_same_tests(tmp_path):
    benchmark = """
    import os
    from project import work

    def test_work(benchmark):
        assert benchmark(lambda: (hash("text"), os.environ["PYTHONHASHSEED"]))
    """
    request = pair(tmp_path, **both({"tests/test_benchmark.py": benchmark}))
    call = one_launch(request, share=None, describe=True).calls[0]
    assert call.described["base"] == call.described["head"]
    assert call.described["base"]["tree"]["items"][1]["value"] == str(call.seed)


def test_every_module_of_the_project_has_its_blob(record):
    modules = {(module.name, module.path) for module in record.modules["head"]}
    assert modules == {("project", "src/project/__init__.py"), ("test_benchmark", "tests/test_benchmark.py")}
    hashed = subprocess.run(
        ["git", "hash-object", "--stdin"], input=dedent(CODE).lstrip(), capture_output=True, text=True, check=True
    ).stdout.strip()
    assert {module.blob for module in record.modules["base"] if module.name == "project"} == {hashed}


def test_rounds_of_an_earlier_launch_are_used(tmp_path):
    record = one_launch(pair(tmp_path), rounds={"tests/test_benchmark.py::test_work": {"base": 17, "head": 5}})
    assert record.calls[0].rounds == {"base": 17, "head": 5}
    assert {(turn["base"].calls, turn["head"].calls) for turn in record.calls[0].turns} == {(17, 5)}


# -- what is no result ----------------------------------------------------------------------------

FAILS = "from project import work\n\ndef test_work(benchmark):\n    assert benchmark(work, 1000) == 1\n"
SKIPS = "import pytest\n\ndef test_work(benchmark):\n    pytest.skip('not today')\n"
XFAILS = "import pytest\n\n@pytest.mark.xfail\ndef test_work(benchmark):\n    assert benchmark(int) == 1\n"
MODULE_SKIPS = "import pytest\n\npytest.skip('not here', allow_module_level=True)\n"
SETUP_FAILS = "import pytest\n\n@pytest.fixture\ndef broken():\n    raise OSError('no disk')\n\ndef test_work(benchmark, broken):\n    benchmark(int)\n"
TEARDOWN_FAILS = "import pytest\n\n@pytest.fixture\ndef broken():\n    yield\n    raise OSError('no disk')\n\ndef test_work(benchmark, broken):\n    benchmark(int)\n"
LATER_FAILS = "N = []\n\ndef later():\n    N.append(1)\n    assert len(N) < 5, 'too often'\n\ndef test_work(benchmark):\n    benchmark(later)\n"
NOT_IN_A_CHILD = "import os\n\nPID = os.getpid()\n\ndef same():\n    assert os.getpid() == PID, 'a child'\n\ndef test_work(benchmark):\n    benchmark(same)\n"
NO_FIXTURE = "def test_x():\n    pass\n"
UNUSED = "def test_work(benchmark):\n    pass\n"
WHERE = "tests/test_benchmark.py::test_work"


@pytest.mark.parametrize(
    ("side", "text", "what", "message", "where"),
    [
        ("head", FAILS, "the benchmark failed on {side}:", "assert 499500 == 1", WHERE),
        ("base", SKIPS, "the benchmark was skipped on {side}:", "not today", WHERE),
        ("head", XFAILS, "the benchmark failed as its xfail mark expects on {side}:", "assert 0 == 1", WHERE),
        ("base", MODULE_SKIPS, "the benchmark was skipped on {side}:", "not here", "tests/test_benchmark.py"),
        ("head", SETUP_FAILS, "the benchmark failed on {side} in its setup:", "no disk", WHERE),
        ("base", TEARDOWN_FAILS, "the benchmark failed on {side} in its teardown:", "no disk", WHERE),
        ("head", LATER_FAILS, "the benchmark failed on {side}:", "too often", WHERE),
        ("base", NOT_IN_A_CHILD + "    assert False\n", "the benchmark failed on {side}:", "assert False", WHERE),
        (
            "head",
            "import absent\n",
            "the benchmark cannot be imported on {side}:",
            "No module named 'absent'",
            "tests/test_benchmark.py",
        ),
        (
            "base",
            "def broken(:\n",
            "the benchmark cannot be imported on {side}:",
            "SyntaxError",
            "tests/test_benchmark.py",
        ),
    ],
    ids=[
        "fails",
        "skips",
        "xfails",
        "module-skips",
        "setup",
        "teardown",
        "later",
        "not in a child",
        "import",
        "syntax",
    ],
)
@pytest.mark.slow
def test_a_benchmark_that_does_not_pass_is_an_error(tmp_path, side, text, what, message, where):
    request = pair(tmp_path, **{side: {"tests/test_benchmark.py": text}})
    with pytest.raises(MeasuringError) as raised:
        one_launch(request)
    first, _, rest = raised.value.what.partition("\n")
    assert first == what.format(side=side)
    assert message in rest
    assert raised.value.where == where
    assert raised.value.hint == "a benchmark must pass at both commits; nothing was measured"


MORE = "\ndef test_more(benchmark):\n    benchmark(int)\n"
TWICE = "\ndef test_work(benchmark):\n    benchmark(int)\n    benchmark(int)\n"


@pytest.mark.parametrize(
    ("base", "head", "what", "where"),
    [
        (
            MORE,
            MORE + TWICE,
            "this test is on head but not on base; the sides cannot be compared",
            "tests/test_benchmark.py::test_work",
        ),
        (
            MORE + TWICE,
            MORE,
            "this test is on base but not on head; the sides cannot be compared",
            "tests/test_benchmark.py::test_work",
        ),
        (
            TWICE,
            TWICE.replace("    benchmark(int)\n", "", 1),
            "the sides call the `benchmark` fixture differently: next is `tests/test_benchmark.py::test_work#2` on base and none on head",
            "",
        ),
        (NO_FIXTURE, NO_FIXTURE, "no test of the benchmark uses the `benchmark` fixture", ""),
        (
            UNUSED,
            UNUSED,
            "the benchmark passes without calling its `benchmark` fixture",
            "tests/test_benchmark.py::test_work",
        ),
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
    ("death", "message"),
    [
        (
            "os._exit(3)",
            "the benchmark broke on head: its process ended with exit code 3 before the benchmark was finished",
        ),
        (
            "os.kill(os.getpid(), 9)",
            "the benchmark broke on head: its process was killed by signal 9 (SIGKILL) before the benchmark was finished",
        ),
        (
            "os.kill(os.getpid(), 11)",
            "the benchmark broke on head: its process was killed by signal 11 (SIGSEGV) before the benchmark was finished",
        ),
    ],
)
def test_a_side_that_dies_is_an_error(tmp_path, death, message):
    with pytest.raises(MeasuringError) as raised:
        one_launch(pair(tmp_path, head={"src/project/__init__.py": f"import os\n\ndef work(size):\n    {death}\n"}))
    assert raised.value.what.splitlines()[0] == message


def test_a_missing_file_is_an_error_with_pytests_message(tmp_path):
    with pytest.raises(
        MeasuringError, match=r"pytest ended with exit code 4 before it ran a test(.|\n)*file or directory not found"
    ):
        one_launch(pair(tmp_path, benchmark="tests/test_absent.py"))


def test_the_time_limit_keeps_complete_calls(tmp_path):
    benchmark = """
    import time

    def test_quick(benchmark):
        benchmark(time.sleep, 0.001)

    def test_endless(benchmark):
        benchmark(time.sleep, 3600)
    """
    request, record = pair(tmp_path, **both({"tests/test_benchmark.py": benchmark})), LaunchRecord()
    settings = Settings(1, deadline=time.monotonic() + 3)
    with Pair(request, settings) as sides, pytest.raises(TimeLimitError):
        launch(sides, LaunchPlan(share=0.02), rng=random.Random(1), record=record)
    assert not record.complete
    assert by_key(record)["test_quick"].launch("wall").base
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
    assert (
        raised.value.what == f"on head `project` is imported from an installed copy instead of the tree of head: {path}"
    )


def test_a_head_that_imports_the_other_tree_is_stopped_with_the_path(tmp_path):
    conftest = f"import sys\n\nsys.path.insert(0, {str(tmp_path / 'base/src')!r})\n"
    with pytest.raises(ProvenanceError) as raised:
        one_launch(pair(tmp_path, head={"tests/conftest.py": conftest}))
    path = (tmp_path / "base/src/project/__init__.py").resolve()
    assert (
        raised.value.what == f"on head `project` is imported from the tree of base instead of the tree of head: {path}"
    )


def test_nothing_is_timed_before_the_origin_of_the_modules_is_proved(tmp_path, monkeypatch):
    timed = []
    monkeypatch.setattr(Worker, "run", lambda *_, **__: timed.append(1))
    conftest = f"import sys\n\nsys.path.insert(0, {str(tmp_path / 'base/src')!r})\n"
    with pytest.raises(ProvenanceError):
        one_launch(pair(tmp_path, head={"tests/conftest.py": conftest}))
    assert not timed


def test_a_control_that_differs_from_base_is_an_error(tmp_path):
    request = pair(tmp_path, control={"src/project/__init__.py": CODE + "\n"}, controlled=True)
    with pytest.raises(MeasuringError) as raised:
        one_launch(request)
    assert (raised.value.what, raised.value.where) == (
        "this file of the control differs from base's",
        "src/project/__init__.py",
    )


def test_a_control_may_be_compiled_to_other_bytes(tmp_path):
    """A compiler writes the path of its folder into its output."""
    compiled = Path(importlib.util.find_spec("_json").origin)
    if compiled.suffix != ".so":
        pytest.skip("this Python has no compiled module to copy")
    request = pair(tmp_path, controlled=True, base={"src/project/__init__.py": "from project import _json\n" + CODE})
    for role, more in (("base", b""), ("head", b""), ("control", b"another folder")):
        (request.side(role).tree / "src/project" / compiled.name).write_bytes(compiled.read_bytes() + more)
    assert one_launch(request).complete
