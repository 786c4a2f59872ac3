"""Calibration, warm-up, and the turns in children, some with real processes."""

import gc
from itertools import pairwise

import pytest

from tasks.bench.time.turns import Turns, balanced, calibrate, is_steady, more_rounds
from tasks.errors import MeasuringError
from tests.support.pairs import block, both, one_launch, pair

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("rounds", "seconds", "more"),
    [(1, 0.003, 1), (1, 0.0025, 1), (1, 0.001, 3), (1, 1e-6, 20), (10, 0.0015, 20), (7, 0.0029, 7)],
)
def test_rounds_grow_until_the_block_is_long_enough(rounds, seconds, more):
    assert more_rounds(rounds, 0.003, block(seconds=seconds)) == more


def test_waiting_for_a_core_makes_no_block_longer_and_a_long_setup_does():
    assert more_rounds(1, 0.003, block(seconds=0.001, waited=0.002)) == 3
    assert more_rounds(1, 0.003, block(seconds=0.001, ended=11_000_000)) == 1


@pytest.mark.parametrize(
    ("rounds", "milliseconds", "more"),
    [
        ([3, 3], [1.35, 1.07], [4, 5]),
        ([3, 4], [1.0, 1.02], [4, 4]),
        ([3, 3, 3], [1.0, 1.03, 0.99], [3, 3, 3]),
        ([4, 3, 3], [1.0, 1.0, 1.2], [4, 4, 4]),
        ([2, 2], [2.5, 2.0], [3, 4]),
        ([150, 187], [0.02, 0.016], [150, 187]),
        ([1, 1], [3.9, 2.6], [2, 3]),
        ([1, 1], [5.0, 3.9], [1, 1]),
        ([1, 1], [3.5, 3.4], [1, 1]),
    ],
)
def test_blocks_have_more_calls_if_they_are_then_equally_long(rounds, milliseconds, more):
    sides = ("base", "head", "control")
    blocks = {
        side: block(seconds=number * each / 1000)
        for side, number, each in zip(sides, rounds, milliseconds, strict=False)
    }
    assert list(balanced(dict(zip(sides, rounds, strict=False)), blocks).values()) == more


@pytest.mark.parametrize(("setup", "waited", "more"), [(0.0, 0.02, [4, 5]), (0.012, 0.0, [3, 3])])
def test_blocks_are_as_long_beside_other_programs_but_not_with_a_long_setup(setup, waited, more):
    blocks = {
        side: block(seconds=3 * seconds, waited=waited, ended=round(1e9 * (3 * seconds + waited + setup)))
        for side, seconds in (("base", 0.00135), ("head", 0.00107))
    }
    assert list(balanced({"base": 3, "head": 3}, blocks).values()) == more


def test_blocks_are_made_equal_by_those_that_are_read_right():
    """Of ten blocks of a side, those read right say how long it takes, and a long setup runs but once."""

    class Side:
        def __init__(self, seconds, **fields):
            self.runs, self._seconds, self._fields = 0, seconds, fields

        def run(self, rounds, *, timed):
            assert not timed
            self.runs += 1
            is_misread = rounds > 1 and self.runs % 2 == 0
            taken = self._seconds * rounds * (0.5 if is_misread else 1)
            return block(seconds=taken, calls=rounds, misread=is_misread, **self._fields)

    sides = {"base": Side(0.00135), "head": Side(0.00107)}
    assert calibrate(sides, {"base": 0.00135, "head": 0.00107}) == {"base": 4, "head": 5}
    sides = {"base": Side(0.00135, ended=8_000_000_000), "head": Side(0.00107, ended=8_000_000_000)}
    assert calibrate(sides, {"base": 0.00135, "head": 0.00107}) == {"base": 1, "head": 1}
    assert [side.runs for side in sides.values()] == [3, 3]


SLEEPS = """
import time

def test_sleep(benchmark):
    benchmark(time.sleep, {seconds})
"""


def test_blocks_take_as_long_on_all_sides(tmp_path):
    """A block of head holds so many calls that it takes as long as one call of base."""
    seconds = {"base": 0.04, "head": 0.002}
    files = {side: {"tests/test_benchmark.py": SLEEPS.format(seconds=each)} for side, each in seconds.items()}
    request = pair(tmp_path, **files)
    calls = (one_launch(request, share=0.3).calls[0] for _ in range(4))
    # A timer is late, never early: on a busy machine a call may sleep twice as long for a while.
    call = next(call for call in calls if call.rounds["head"] >= 13)
    assert call.rounds["base"] == 1
    assert call.rounds["head"] <= 20
    assert all(0.6 < turn["head"].own / turn["base"].own < 1.4 for turn in call.usable)


def test_a_call_longer_than_its_share_is_run_once_on_either_side(tmp_path):
    benchmark = """
    import time

    def test_long(benchmark):
        benchmark(time.sleep, 0.1)
    """
    call = one_launch(pair(tmp_path, **both({"tests/test_benchmark.py": benchmark})), share=0.01).calls[0]
    assert call.rounds == {"base": 1, "head": 1}
    assert [sorted(turn) for turn in call.turns] == [["base", "head"]]


@pytest.mark.parametrize(
    ("walls", "steady"),
    [
        ([10, 10, 10, 10, 10, 10], True),
        ([30, 20, 15, 12, 11, 10], False),
        ([100, 10, 10, 10, 10, 10], True),
        ([10, 10, 10, 11, 12, 13], True),
        ([30, 20, 10, 10, 10, 10, 10, 10], True),
    ],
    ids=["level", "falling", "one long block", "rising", "fell before"],
)
def test_blocks_are_steady_when_they_no_longer_fall(walls, steady):
    assert is_steady(walls) is steady


class Replay:
    """A side whose blocks take the given times."""

    def __init__(self, *walls):
        self._walls, self.phases = iter(walls), []

    def run(self, _rounds, *, phase, timed):
        assert not timed
        self.phases.append(phase)
        wall = next(self._walls)
        return block(seconds=wall / 1e9)


@pytest.mark.parametrize(
    ("base", "head", "ratio"),
    [
        ((100, 100, 100, 100, 100), (50, 20, 60, 50, 10), 0.6),
        ((100, 100, 100, 100, 100), (50, 20, 120, 50, 10), 1.0),
        ((100, 100, 100, 100, 100), (300, 200, 170, 400, 900), 1.7),
        ((100, 100, 100, 100, 100), (100, 100, 100, 100, 100), 1.0),
    ],
    ids=["less in every turn", "a turn disagrees", "more in every turn", "the same"],
)
def test_an_effect_is_plain_only_if_every_turn_shows_it(base, head, ratio):
    sides, rounds = {"base": Replay(*base), "head": Replay(*head)}, {"base": 1, "head": 1}
    turns = Turns(sides, ("base", "head"), rounds=rounds, seconds=1e-7, taken=[])
    assert turns.rough_ratios(["head"]) == {"head": pytest.approx(ratio)}


def test_turns_cover_the_collectors_cycle_evenly_with_both_sides_in_the_same_phase():
    sides = {"base": Replay(*[100] * 40), "head": Replay(*[100] * 40)}
    turns = Turns(sides, ("base", "head"), rounds={"base": 1, "head": 1}, seconds=1e-7, taken=[], phase=0.3)
    for _ in range(8):
        turns.rough_ratios(["head"])
    assert sides["base"].phases == sides["head"].phases
    gaps = [after - before for before, after in pairwise([0.0, *sorted(sides["base"].phases), 1.0])]
    assert max(gaps) < 2.5 / 40


COLLECTING = """
import gc

MOST = [0]


def full(phase, info):
    if phase == "start" and info["generation"] == 2:
        MOST[0] += 1


def work():
    containers = [[] for _ in range({containers})]
    return len(containers)


def watched():
    before = MOST[0]
    gc.callbacks.append(full)
    work()
    gc.callbacks.remove(full)
    with open("{output}", "a") as output:
        output.write(f"{{MOST[0] - before}} ")
"""


@pytest.mark.skipif(
    gc.get_threshold() != (700, 10, 10), reason="counted in the collector's cycle of 84,700 allocations"
)
def test_a_call_begins_anywhere_in_the_collectors_cycle(tmp_path):
    """One that allocates half as much as a cycle has a full collection in every second call, not in none."""
    output = tmp_path / "output"
    files = {
        "project.py": COLLECTING.format(containers=42_350, output=output),
        "tests/test_benchmark.py": "from project import watched\n\ndef test_work(benchmark):\n    benchmark(watched)\n",
    }
    sides, collections = pair(tmp_path, **both(files)), []
    for _ in range(10):  # a launch on a loaded machine makes few calls
        one_launch(sides, share=0.8)
        collections = [int(word) for word in output.read_text().split()]
        if len(collections) > 50:
            break
    assert len(collections) > 50
    assert 0.3 < sum(collections) / len(collections) < 0.7


COUNTS = """
import os

LOG = "{log}"

def work():
    with open(LOG, "a") as stream:
        stream.write(f"{{os.getpid()}} {{os.getppid()}}\\n")
"""
CHECKED = "\ndef test_work(benchmark):\n    benchmark(checked)\n"
CALLS = "from project import work\n\ndef test_work(benchmark):\n    benchmark(work)\n"


def processes(tmp_path, benchmark=CALLS, **settings):
    """Return the pairs of process and parent that called the function, for base."""
    log = tmp_path / "log"
    files = {"tests/test_benchmark.py": benchmark}
    base = files | {"src/project/__init__.py": COUNTS.format(log=log)}
    head = files | {"src/project/__init__.py": COUNTS.format(log=tmp_path / "of head")}
    record = one_launch(pair(tmp_path, base=base, head=head), **settings)
    return record, list(dict.fromkeys(tuple(map(int, line.split())) for line in log.read_text().splitlines()))


def test_samples_come_from_several_children_of_one_process(tmp_path):
    record, calls = processes(tmp_path, share=1.0)
    worker = calls[0][0]
    children = [process for process, parent in calls if parent == worker]
    assert len(children) >= 3
    assert len(calls) == 1 + len(children)
    assert record.calls[0].launch("wall").base


@pytest.mark.parametrize(
    "text",
    [
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n" + CALLS,
        "import os, project\n\nPID = os.getpid()\n\ndef checked():\n    assert os.getpid() == PID\n    project.work()\n"
        + CHECKED,
        "import project\n\nasync def awaited():\n    project.work()\n\ndef test_work(benchmark):\n    benchmark(awaited)\n",
    ],
    ids=["threads", "fails in a child", "coroutine"],
)
def test_a_call_that_cannot_fork_is_timed_in_its_own_process(tmp_path, text):
    record, calls = processes(tmp_path, text, share=0.5)
    assert len(calls) == 1
    assert len(record.calls[0].turns) >= 8


def test_a_seeded_benchmark_has_the_same_numbers_in_every_child(tmp_path):
    log = tmp_path / "log"
    benchmark = f"""
    import random

    def draw():
        with open({str(log)!r}, "a") as stream:
            stream.write(f"{{random.random()}}\\n")
        random.seed(5)

    def test_work(benchmark):
        random.seed(5)
        benchmark(draw)
    """
    one_launch(pair(tmp_path, **both({"tests/test_benchmark.py": benchmark})), share=0.5)
    assert len(set(log.read_text().splitlines())) == 1


@pytest.mark.parametrize(
    ("fails", "output"),
    [
        ("raise OSError('too often')", "the benchmark failed on head, called again:"),
        ("os.kill(os.getpid(), 11)", "the benchmark broke on head, called again: it was killed by signal 11 (SIGSEGV)"),
    ],
)
def test_a_failure_in_a_later_child_is_an_error(tmp_path, fails, output):
    """The calls before went well, in a child as well: then it is the benchmark's own failure."""
    log = tmp_path / "log"
    head = f"""
    import os

    last = None

    def work(size):
        global last
        if os.getpid() != last:
            last = os.getpid()
            with open({str(log)!r}, "ab") as stream:
                stream.write(b"x")
                third = stream.tell() > 3
            if third:
                {fails}
        return 499500
    """
    with pytest.raises(MeasuringError) as raised:
        one_launch(pair(tmp_path, head={"src/project/__init__.py": head}), share=3.0)
    assert raised.value.what.splitlines()[0] == output
    assert raised.value.hint == "a benchmark must pass at both commits; nothing was measured"
