"""Peak and allocations of the call alone, with real memray."""

import random

import pytest

from tasks.artifacts import MetricName
from tasks.errors import MeasuringError
from tasks.measuring.memory import REPEATS, measure_memory, profile_name
from tests.pairs import both, pair

MIB = 1 << 20
BENCHMARK = """
from project import work

def test_work(benchmark):
    kept = bytearray(64 << 20)  # the test's own, not the call's
    assert benchmark(work) == 1
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    code = "def work():\n    return len(bytearray({size} << 20)) // ({size} << 20)\n"
    base = {"src/project/__init__.py": code.format(size=10), "tests/test_benchmark.py": BENCHMARK}
    head = {"src/project/__init__.py": code.format(size=1), "tests/test_benchmark.py": BENCHMARK}
    request = pair(tmp_path_factory.mktemp("pair"), base=base, head=head, metrics=("memory",))
    lines = []
    return request, measure_memory(request, random.Random(1), lines.append), lines


def of(measurements, metric):
    (found,) = [measurement for measurement in measurements if measurement.metric == metric]
    return found


@pytest.mark.slow
def test_the_peak_is_that_of_the_call(measured):
    launches = of(measured[1], MetricName.PEAK).launches
    assert len(launches) == REPEATS
    for launch in launches:
        assert 10 * MIB <= launch.base[0] < 10.5 * MIB
        assert 1 * MIB <= launch.head[0] < 1.5 * MIB


@pytest.mark.slow
def test_repeats_repeat(measured):
    for metric in (MetricName.PEAK, MetricName.ALLOCATIONS):
        launches = of(measured[1], metric).launches
        assert len({(launch.base, launch.head) for launch in launches}) == 1
        assert len({launch.seed for launch in launches}) == REPEATS


@pytest.mark.slow
def test_profiles_are_kept_under_the_same_names(measured):
    profiles = measured[0].profiles
    names = ["base-test_benchmark.py-test_work.bin", "head-test_benchmark.py-test_work.bin"]
    assert sorted(path.name for path in profiles.iterdir()) == names
    (profiles / "base-of-an-earlier-benchmark.bin").touch()
    measure_memory(measured[0], random.Random(1), lambda _: None)
    assert sorted(path.name for path in profiles.iterdir()) == names


@pytest.mark.slow
def test_progress_is_told(measured):
    assert measured[2] == [f"memory {number} of 3: peak 10.0 MiB at base, 1.0 MiB at head" for number in (1, 2, 3)]


@pytest.mark.slow
def test_small_objects_are_seen_through_pythons_own_allocator(tmp_path):
    """pymalloc's arenas would hide them, or show a mebibyte for the first one."""
    code = "def work():\n    return len([object() for _ in range({count})]) // {count}\n"
    files = [{"src/project/__init__.py": code.format(count=count), "tests/test_benchmark.py": BENCHMARK} for count in (3000, 3090)]
    measurements = measure_memory(pair(tmp_path, base=files[0], head=files[1], metrics=("memory",)), random.Random(1), lambda _: None)
    allocations, peak = of(measurements, MetricName.ALLOCATIONS).launches[0], of(measurements, MetricName.PEAK).launches[0]
    # An object and the number of the range for each: what is freed meanwhile is not counted again.
    assert 180 <= allocations.head[0] - allocations.base[0] <= 185
    assert 1.01 < peak.head[0] / peak.base[0] < 1.06


@pytest.mark.slow
def test_what_one_side_alone_measures_is_an_error(tmp_path):
    twice = {"tests/test_benchmark.py": "def test_work(benchmark):\n    benchmark(int)\n    benchmark(int)\n"}
    once = {"tests/test_benchmark.py": "def test_work(benchmark):\n    benchmark(int)\n"}
    with pytest.raises(MeasuringError, match="this call was measured on head only"):
        measure_memory(pair(tmp_path, base=once, head=twice, metrics=("memory",)), random.Random(1), lambda _: None)


def test_no_time_for_a_single_repeat_is_an_error(tmp_path):
    slow = both({"tests/test_benchmark.py": "import time\n\ndef test_work(benchmark):\n    benchmark(time.sleep, 3600)\n"})
    with pytest.raises(MeasuringError) as raised:
        measure_memory(pair(tmp_path, **slow, metrics=("memory",), memory_timeout=1.5), random.Random(1), lambda _: None)
    assert str(raised.value) == (
        "no call's memory was measured within the time limit of 1.5 s\n  raise `timeout`, or give the benchmark a smaller input"
    )


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("tests/bench/test_x.py::test_a", "head-test_x.py-test_a.bin"),
        ("tests/bench/test_x.py::TestA::test_b[1-x y]#2", "head-test_x.py-TestA-test_b-1-x-y-2.bin"),
        ("test_x.py::test_b[a/b]", "head-test_x.py-test_b-a-b.bin"),
    ],
)
def test_profiles_are_named_after_side_and_test(key, name):
    assert profile_name("head", key) == name
