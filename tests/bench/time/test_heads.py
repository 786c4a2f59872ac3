"""Several heads with one base, measured in the same turns."""

import random
from pathlib import Path

import pytest

from tasks.artifacts import MetricName
from tasks.bench.statistics import ratio_interval
from tasks.bench.time import timing
from tasks.bench.time.launch_record import LaunchRecord
from tasks.bench.time.launches import Launches
from tasks.bench.time.lockstep import LaunchPlan
from tasks.bench.time.timing import measure_heads
from tests.support.pairs import CODE, with_heads

pytestmark = pytest.mark.slow

NOTED = "import os\n\nopen(f'{os.getpid()}.pid', 'w').close()\n"
SAME = {"src/project/__init__.py": NOTED + CODE + "\n# the same\n"}
SLOWER = {"src/project/__init__.py": CODE.replace("return sum", "sum(range(3 * size))\n    return sum")}
BROKEN = {"src/project/__init__.py": CODE.replace("sum(range(size))", "1 / 0")}


def test_each_head_is_measured_until_its_own_data_decide(tmp_path, monkeypatch):
    """Base is measured once for all heads; the head whose verdict is plain leaves first, though it is named first."""
    monkeypatch.setattr(timing, "LOOKS", (8, 9))  # launches of each side
    monkeypatch.setattr(timing, "LAUNCHES", (40, 40))  # so many pay for short ones
    lines = []
    requests = with_heads(tmp_path, {"slower": SLOWER, "same": SAME}, negligible=0.0, budget=12.0)
    heads = measure_heads(requests, random.Random(1), lines.append)
    slower, same = (heads[name].measurements[0] for name in ("slower", "same"))
    assert (slower.stopped, len(slower.launches)) == ("decided", 8)
    assert (same.stopped, len(same.launches)) == ("budget", 9)
    for launched, alongside in zip(slower.launches, same.launches[:8], strict=True):
        assert launched.seed == alongside.seed
        # A turn that was disturbed on one head only is left out of that head's samples, with its block of base.
        assert launched.base == alongside.base or launched.left_out or alongside.left_out
    assert ratio_interval(slower.launches, 0.99).low > 2
    assert 0.9 < ratio_interval(same.launches, 0.99).ratio < 1.1
    assert lines == [f"launch {number} of at most 9, {2 if number < 9 else 1} of 2 heads" for number in range(1, 10)]
    assert [each.metric for each in heads["same"].measurements] == [MetricName.TIME, MetricName.CPU]
    # The first head's outputs are compared; whoever asks for another head's compares them with a run of its own.
    assert [len(heads[name].run.outputs) for name in ("slower", "same")] == [1, 0]


def test_a_head_that_fails_leaves_the_others_together(tmp_path, monkeypatch):
    monkeypatch.setattr(timing, "LOOKS", (1,))
    lines = []
    requests = with_heads(tmp_path, {"slower": SLOWER, "broken": BROKEN, "same": SAME}, budget=0.3)
    heads = measure_heads(requests, random.Random(1), lines.append)
    assert list(heads) == ["slower", "same"]
    assert lines[0].startswith("not all 3 heads can be measured together: the benchmark failed on head")
    seeds = [[launch.seed for launch in heads[name].measurements[0].launches] for name in heads]
    assert seeds[0] == seeds[1] != []


def test_the_processes_of_a_head_end_when_it_is_dropped(tmp_path):
    requests = with_heads(tmp_path, {"slower": SLOWER, "same": SAME})
    heads = {"head": requests["slower"], "head-2": requests["same"]}
    with Launches(requests["slower"], random.Random(1), deadline=None, heads=heads) as launches:
        first, second = LaunchRecord(), LaunchRecord()
        launches.run(LaunchPlan(share=0.1), first)
        launches.keep(["head"])
        launches.run(LaunchPlan(share=0.1), second, last=True)
        assert set(first.calls[0].order) == {"base", "head", "head-2", "control"}
        assert set(second.calls[0].order) == set(second.calls[0].turns[0]) == {"base", "head", "control"}
        of_second = first.of_head("head-2").calls[0]
        assert set(of_second.order) == set(of_second.rounds) == set(of_second.turns[0]) == {"base", "head", "control"}
        assert of_second.turns[0]["head"] is first.calls[0].turns[0]["head-2"]
    assert not any(Path(f"/proc/{path.stem}").exists() for path in tmp_path.glob("*/*.pid"))
