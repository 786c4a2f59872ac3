"""One memory layout for all processes of a launch, and another one for the next."""

import random
import resource
import subprocess
import sys

import pytest

from tasks.bench.workers import memory_layout
from tasks.bench.workers.memory_layout import MemoryLayout, draw
from tests.support.pairs import both, one_launch, pair

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not memory_layout.can_choose(), reason="this system does not let a process choose its layout"),
]

SHOW = "import ctypes, os, sys; print(hex(id(object)), hex(id(sys.stdin)), open('/proc/self/stat').read().split()[27])"


def addresses(layout, *, environment, command=(sys.executable, "-S", "-c", SHOW)):
    padded = layout.padded(environment, command)
    run = subprocess.run([*layout.wrapper, *command], env=padded, capture_output=True, text=True, check=True)
    return run.stdout.split()


def test_one_layout_has_the_same_addresses():
    layout = draw(random.Random(1))
    assert addresses(layout, environment={"A": "1"}) == addresses(layout, environment={"A": "1"})


def test_another_layout_has_other_addresses():
    one, other = draw(random.Random(1)), draw(random.Random(2))
    assert one != other
    mine, theirs = (addresses(layout, environment={})[1] for layout in (one, other))
    assert mine != theirs


def test_a_longer_path_does_not_move_the_stack():
    layout = MemoryLayout(stack=memory_layout.LOWEST_STACK, offset=160)
    short, long = (addresses(layout, environment={"TREE": "x" * length})[2] for length in (10, 4000))
    assert int(short) % memory_layout.LONGEST_PADDING == int(long) % memory_layout.LONGEST_PADDING


def test_every_bit_of_a_page_number_varies():
    rng = random.Random(3)
    stacks = [draw(rng).stack for _ in range(200)]
    assert all(stack % memory_layout.PAGE == 0 for stack in stacks)
    pages = [(stack - memory_layout.LOWEST_STACK) // memory_layout.PAGE for stack in stacks]
    assert all(40 < sum(page >> bit & 1 for page in pages) < 160 for bit in range(14))


def test_the_target_sees_its_usual_stack_limit_and_environment(tmp_path):
    benchmark = """
    import os, resource

    def test_it(benchmark):
        benchmark(lambda: (resource.getrlimit(resource.RLIMIT_STACK)[0], "PRPREP_PADDING" in os.environ))
    """
    entry = one_launch(pair(tmp_path, **both({"tests/test_benchmark.py": benchmark})), share=None, describe=True).calls[
        0
    ]
    items = [item["value"] for item in entry.described["head"]["tree"]["items"]]
    assert items == [str(resource.getrlimit(resource.RLIMIT_STACK)[0]), "False"]


def test_sides_of_a_launch_have_the_same_addresses(tmp_path):
    benchmark = "def test_it(benchmark):\n    benchmark(lambda: id(object()) >> 12)\n"
    entry = one_launch(pair(tmp_path, **both({"tests/test_benchmark.py": benchmark})), share=None, describe=True).calls[
        0
    ]
    assert entry.described["base"] == entry.described["head"]


def test_nothing_is_drawn_without_the_tools(monkeypatch):
    monkeypatch.setattr(memory_layout, "can_choose", lambda: False)
    assert draw(random.Random(1)) is None
