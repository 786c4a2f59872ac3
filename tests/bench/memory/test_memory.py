"""Peak, allocations and leaked memory of the call alone, with real memray."""

import random
import tracemalloc
from pathlib import Path
from textwrap import dedent

import memray
import pytest

from tasks.artifacts import SIDES, MetricName
from tasks.bench.memory import memory
from tasks.bench.memory.memory import LONGEST_NAME, MOST_REPEATS, REPEATS, measure_memory, profile_name
from tasks.bench.workers.channel import TimeLimitError
from tasks.errors import MeasuringError
from tests.support.pairs import both, pair

pytestmark = pytest.mark.slow

MIB = 1 << 20
BENCHMARK = """
from project import work

def test_work(benchmark):
    kept = bytearray(64 << 20)  # the test's own, not the call's
    assert benchmark(work) == 1
"""
KEPT = ["base-test_benchmark.py-test_work.bin", "base-test_benchmark.py-test_work.flamegraph.html"]
KEPT += ["head-test_benchmark.py-test_work.bin", "head-test_benchmark.py-test_work.flamegraph.html"]


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    code = "def work():\n    return len(bytearray({size} << 20)) // ({size} << 20)\n"
    files = [
        {"src/project/__init__.py": code.format(size=size), "tests/test_benchmark.py": BENCHMARK} for size in (10, 1)
    ]
    request = pair(tmp_path_factory.mktemp("pair"), base=files[0], head=files[1], metrics=("memory",))
    lines = []
    result = measure_memory(request, random.Random(1), lines.append)
    assert {(each.side, max(each.sizes)) for each in result.held} == {
        (side, of(result.measurements, MetricName.PEAK).launches[0].model_dump()[side][0]) for side in SIDES
    }
    return request, result.measurements, result.sites, lines


def of(measurements, metric, test="test_work"):
    (measurement,) = [each for each in measurements if each.metric == metric and each.test.endswith(f"::{test}")]
    return measurement


def measure(folder, base, head=None, benchmark=BENCHMARK):
    """Measure the code of two sides, and return the measurements."""
    sides = [{"src/project/__init__.py": code, "tests/test_benchmark.py": benchmark} for code in (base, head or base)]
    return repeated(pair(folder, base=sides[0], head=sides[1], metrics=("memory",)))[0]


def repeated(request, repeats=1, most=MOST_REPEATS):
    """Measure with so many repeats, or `most` if they differ; return the measurements and sites."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "REPEATS", repeats)
        patch.setattr(memory, "MOST_REPEATS", most)
        result = measure_memory(request, random.Random(1), lambda _: None)
        return result.measurements, result.sites


def values(measurements, metric, test="test_work"):
    """Return the value of each side in the first repeat."""
    launch = of(measurements, metric, test).launches[0]
    return launch.base[0], launch.head[0]


@pytest.mark.slow(0.5)
def test_the_peak_is_that_of_the_call(measured):
    launches = of(measured[1], MetricName.PEAK).launches
    assert len(launches) == REPEATS
    for launch in launches:
        assert 10 * MIB <= launch.base[0] < 10.01 * MIB
        assert 1 * MIB <= launch.head[0] < 1.01 * MIB


@pytest.mark.slow
def test_repeats_repeat(measured):
    assert [each.metric for each in measured[1]] == [MetricName.PEAK, MetricName.ALLOCATIONS, MetricName.LEAKED]
    for measurement in measured[1]:
        assert len({(launch.base, launch.head) for launch in measurement.launches}) == 1
        assert len({launch.seed for launch in measurement.launches}) == REPEATS
        assert (measurement.looks, measurement.planned_looks, measurement.stopped) == ((REPEATS,), 1, "repeats")


@pytest.mark.slow
def test_profiles_and_flame_graphs_are_kept_under_the_same_names(measured):
    profiles = measured[0].profiles
    assert sorted(path.name for path in profiles.iterdir()) == KEPT
    assert not memray.FileReader(profiles / KEPT[0]).metadata.has_native_traces
    drawn = [(profiles / name).read_bytes() for name in KEPT if name.endswith(".html")]
    for name in ("base-of-an-earlier-benchmark.bin", "head-of-an-earlier-benchmark.flamegraph.html"):
        (profiles / name).touch()
    repeated(measured[0])
    assert sorted(path.name for path in profiles.iterdir()) == KEPT
    assert drawn == [(profiles / name).read_bytes() for name in KEPT if name.endswith(".html")]


@pytest.mark.slow
def test_the_call_sites_say_where_the_peak_changed(measured):
    (site,) = measured[2]
    assert (site.test, site.place) == ("tests/test_benchmark.py::test_work", "src/project/__init__.py:2 work")
    assert 9 * MIB <= site.base - site.head < 9.01 * MIB


@pytest.mark.slow
def test_every_repeat_is_reported(measured):
    assert measured[3] == [f"memory {number} of 3: peak 10.0 MiB at base, 1.0 MiB at head" for number in (1, 2, 3)]


SMALL = """
def small():
    return len([str(number) * 2 for number in range(COUNT)]) // COUNT
"""
COUNTS = (3000, 3090)
LEAKS = """
import asyncio

log, by_number, last = [], {}, None

def fill():
    return by_number.setdefault("once", bytearray(1 << 20))

def swap():
    global last
    last = bytearray(1 << 20)

def cycle():
    ring = [bytearray(1 << 20)]
    ring.append(ring)

def give():
    return bytearray(1 << 20)

def grow():
    log.append(bytearray(SIZE))

async def grow_awaited():
    await asyncio.sleep(0)
    log.append(bytearray(SIZE))
"""
MANY = """
import pytest, project

def test_nothing(benchmark):
    benchmark(lambda: None)

async def nothing():
    pass

def test_nothing_awaited(benchmark):
    benchmark(nothing)

def test_setup(benchmark):
    create = lambda: ((bytearray(30 << 20),), {})
    benchmark.pedantic(lambda page: bytearray(1 << 20), setup=create, teardown=lambda page: bytearray(40 << 20))

def test_small(benchmark):
    assert benchmark(project.small) == 1

@pytest.mark.parametrize("name", ["fill", "swap", "cycle", "give", "grow", "grow_awaited"])
def test_leak(benchmark, name):
    benchmark(getattr(project, name))

def test_teardown(benchmark):
    benchmark.pedantic(project.grow, setup=lambda: bytearray(5000) and None, teardown=project.log.clear)

def test_arguments(benchmark):
    benchmark.pedantic(lambda rows: rows.append(bytearray(5000)), setup=lambda: (([],), {}))

class TestIt:
    def test_work(self, benchmark):
        benchmark(bytearray, 1 << 20)

SIZES = [(2 << 20, "a/b"), (3 << 20, "a-b"), (4 << 20, "x" * 300)]

@pytest.mark.parametrize("size", [pytest.param(size, id=name) for size, name in SIZES])
def test_work(benchmark, size):
    benchmark(bytearray, size)
"""


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Return the request, measurements and call sites of a file with many benchmark calls."""
    path = "tests/my-bench/of tables/test_many.py"
    sides = [
        {"src/project/__init__.py": (SMALL + LEAKS).replace("COUNT", str(count)).replace("SIZE", str(size)), path: MANY}
        for count, size in zip(COUNTS, (20_000, 10_000), strict=True)
    ]
    request = pair(tmp_path_factory.mktemp("many"), base=sides[0], head=sides[1], benchmark=path, metrics=("memory",))
    return request, *repeated(request)


@pytest.mark.slow
def test_small_objects_are_seen_through_pythons_own_allocator(many):
    """pymalloc's arenas would show a mebibyte for the first one, or nothing for 3 % more of them."""
    peaks = values(many[1], MetricName.PEAK, "test_small")
    for peak, count in zip(peaks, COUNTS, strict=True):
        assert abs(peak / traced_peak(SMALL.replace("COUNT", str(count))) - 1) < 0.01
    assert 1.025 < peaks[1] / peaks[0] < 1.035
    base, head = values(many[1], MetricName.ALLOCATIONS, "test_small")
    assert base >= 2 * 3000
    assert 1.025 < head / base < 1.035


def traced_peak(code):
    """Return the peak in bytes that Python's own tracing sees."""
    names = {}
    exec(compile(dedent(code), "code", "exec"), names)
    names["small"]()
    tracemalloc.start()
    try:
        names["small"]()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_an_empty_call_shows_only_memrays_own_allocations(many):
    """`domains.ALMOST_NOTHING` depends on this."""
    for test in ("test_nothing", "test_nothing_awaited"):
        assert 0 < values(many[1], MetricName.PEAK, test)[0] < 1024
        assert values(many[1], MetricName.ALLOCATIONS, test) == (0, 0)
        assert values(many[1], MetricName.LEAKED, test) == (0, 0)


@pytest.mark.slow
def test_setup_and_teardown_do_not_count(many):
    assert MIB < values(many[1], MetricName.PEAK, "test_setup")[0] < 1.01 * MIB


@pytest.mark.slow
def test_leaked_memory_is_what_each_further_call_adds(many):
    for test in (
        "test_leak[fill]",
        "test_leak[swap]",
        "test_leak[cycle]",
        "test_leak[give]",
        "test_teardown",
        "test_arguments",
    ):
        assert values(many[1], MetricName.LEAKED, test) == (0, 0), test
    for test in ("test_leak[grow]", "test_leak[grow_awaited]"):
        base, head = values(many[1], MetricName.LEAKED, test)
        # The bytes, the object around them, and its place in the list.
        assert 20_000 < base < 20_200, test
        assert 10_000 < head < 10_200, test


@pytest.mark.slow
def test_classes_folders_and_colliding_names_get_different_file_names(many):
    request, measured, sites = many
    tests = ["TestIt::test_work", "test_work[a/b]", "test_work[a-b]", f"test_work[{'x' * 300}]"]
    peaks = [each.test for each in measured if each.metric is MetricName.PEAK]
    assert peaks[-len(tests) :] == [f"{request.benchmark}::{test}" for test in tests]
    assert [round(values(measured, MetricName.PEAK, test)[0] / MIB) for test in tests] == [1, 2, 3, 4]
    assert not [site for site in sites if site.test in peaks[-len(tests) :]]
    assert len(list(request.profiles.glob("*.bin"))) == len(list(request.profiles.glob("*.html"))) == 2 * len(peaks)


WITH_CHILDREN = """
import multiprocessing
import os
import subprocess
import sys
import time

FORK = multiprocessing.get_context("fork")
POOL = None

def longest(size=20_000, seconds=0.1):
    texts = [str(number) * 75 for number in range(size)]
    time.sleep(seconds)  # long enough for samples on a busy machine
    return len(max(texts))

def alone():
    return longest(seconds=0)

def nothing():
    return 300

def smallest(size=20_000):
    time.sleep(0.1)
    return len(max(str(number) * 75 for number in range(size)))

def in_new_process(function):
    with FORK.Pool(1) as pool:
        return pool.apply(function)

def in_kept_process():
    global POOL
    POOL = POOL or FORK.Pool(1)
    return POOL.apply(longest)

def in_program():
    texts = "[str(number) * 75 for number in range(20_000)]"
    code = f"import time; texts = {{texts}}; time.sleep(0.1); print(len(max(texts)))"
    return int(subprocess.run([sys.executable, "-c", code], capture_output=True).stdout)

def in_daemon():
    # nobody is the parent of the process that works
    read, write = os.pipe()
    if not (child := os.fork()):
        os.setsid()
        if os.fork():
            os._exit(0)
        os.write(write, str(longest()).encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with open(read) as answer:
        return int(answer.read())

def left_behind():
    subprocess.Popen(["sleep", "60"], start_new_session=True)
    time.sleep(0.05)  # or there were hundreds of them
    return 300

def in_short_programs():
    return 300 + sum(subprocess.run(["true"]).returncode for _ in range(20))

def saved():
    return in_new_process({saved})

def moved():
    return {moved}()

def short():
    return {short}()

def moved_to_program():
    return {program}()

def moved_to_daemon():
    return {daemon}()

def outlived():
    return {outlived}()
"""
CHILDREN_BENCHMARK = """
import pytest
import project

NAMES = "saved moved moved_to_program moved_to_daemon short outlived alone".split()

@pytest.mark.parametrize("name", NAMES)
def test_work(benchmark, name):
    assert benchmark(getattr(project, name)) == 300
"""
needs_proportional_sizes = pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="the system does not report the memory of processes together"
)


@pytest.fixture(scope="module")
def with_children(tmp_path_factory):
    names = ("saved", "moved", "program", "daemon", "short", "outlived")
    base = WITH_CHILDREN.format_map({**dict.fromkeys(names, "longest"), "short": "nothing", "outlived": "nothing"})
    functions = ("smallest", "in_kept_process", "in_program", "in_daemon", "in_short_programs", "left_behind")
    head = WITH_CHILDREN.format_map(dict(zip(names, functions, strict=True)))
    folder = tmp_path_factory.mktemp("children")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "MOST_REPEATS", 1)
        return measure(folder, base, head, benchmark=CHILDREN_BENCHMARK)


@needs_proportional_sizes
@pytest.mark.slow
def test_a_saving_in_child_processes_shows(with_children):
    peak = of(with_children, MetricName.PEAK, "test_work[saved]")
    assert (peak.together, peak.children, len(peak.launches)) == (True, (), 1)
    base, head = values(with_children, MetricName.PEAK, "test_work[saved]")
    # The list and its strings take 7 MiB, without what a fork costs.
    assert base > 7 * MIB
    assert base - head > 5 * MIB


@needs_proportional_sizes
@pytest.mark.slow
@pytest.mark.parametrize("how", ["moved", "moved_to_program", "moved_to_daemon"])
def test_work_that_moves_to_other_processes_saves_nothing(with_children, how):
    peak = of(with_children, MetricName.PEAK, f"test_work[{how}]")
    assert peak.together
    base, head = values(with_children, MetricName.PEAK, f"test_work[{how}]")
    assert 7 * MIB < base < 9.5 * MIB
    assert head > base


@needs_proportional_sizes
@pytest.mark.slow
@pytest.mark.parametrize(("how", "why"), [("short", "do not show all"), ("outlived", "after it has returned")])
def test_the_memory_of_programs_that_are_too_short_or_too_long_is_not_known(with_children, how, why):
    peak = of(with_children, MetricName.PEAK, f"test_work[{how}]")
    assert (peak.together, peak.children) == (False, ("head",))
    assert why in peak.why_not


@needs_proportional_sizes
@pytest.mark.slow
def test_allocations_of_child_processes_are_not_counted(with_children):
    for metric in (MetricName.ALLOCATIONS, MetricName.LEAKED):
        assert of(with_children, metric, "test_work[saved]").children == ("base", "head")
        assert of(with_children, metric, "test_work[alone]").children == ()
    alone = of(with_children, MetricName.PEAK, "test_work[alone]")
    assert (alone.together, alone.children, alone.why_not) == (False, (), "")
    assert len(set(values(with_children, MetricName.PEAK, "test_work[alone]"))) == 1


@pytest.mark.slow
def test_without_time_for_samples_the_rest_is_known(tmp_path, monkeypatch):
    def too_late(*_):
        raise TimeLimitError

    monkeypatch.setattr(memory, "_sampled", too_late)
    code = "import os\n\ndef work():\n    if child := os.fork():\n        return os.waitpid(child, 0)[0] == child\n    os._exit(0)\n"
    measured = measure(tmp_path, code)
    peak = of(measured, MetricName.PEAK)
    assert (peak.stopped, peak.together, peak.children) == ("timeout", False, SIDES)
    assert "time limit" in peak.why_not


@pytest.fixture(scope="module")
def varying(tmp_path_factory):
    """Return the request, measurements and call sites of a call that differs each time, with native stacks."""
    code = "import os\n\ndef work():\n    return len([bytearray(os.urandom(1)[0] * 100), sorted(range({count}))]) - 1\n"
    files = [
        {"src/project/__init__.py": code.format(count=count), "tests/test_benchmark.py": BENCHMARK}
        for count in (10_000, 20_000)
    ]
    folder = tmp_path_factory.mktemp("varying")
    request = pair(folder, base=files[0], head=files[1], metrics=("memory",), native=True, budget=0.001)
    return request, *repeated(request, repeats=2, most=3)


@pytest.mark.slow
def test_repeats_that_differ_are_followed_by_more_whatever_the_budget(varying):
    peak = of(varying[1], MetricName.PEAK)
    assert len(peak.launches) == 3
    assert (peak.looks, peak.stopped) == ((3,), "repeats")
    assert len(of(varying[1], MetricName.LEAKED).launches) == 3


@pytest.mark.slow
def test_native_stacks_are_recorded_on_request(varying):
    request, _, (site,) = varying
    assert site.place == "src/project/__init__.py:4 work"
    assert [
        memray.FileReader(request.profiles / KEPT[0].replace("base", side)).metadata.has_native_traces for side in SIDES
    ] == [
        True,
        True,
    ]
    assert (request.profiles / KEPT[1]).stat().st_size > 0


@pytest.mark.slow
def test_a_test_that_fails_is_an_error(tmp_path):
    with pytest.raises(MeasuringError, match="the benchmark failed on head"):
        measure(tmp_path, "def work():\n    return 1\n", "def work():\n    return 2\n")


@pytest.mark.slow
def test_an_environment_without_memray_is_an_error(tmp_path):
    files = {"src/memray.py": "raise ImportError('no memray here')\n"}
    with pytest.raises(MeasuringError) as raised:
        measure_memory(pair(tmp_path, **both(files), metrics=("memory",)), random.Random(1), lambda _: None)
    assert str(raised.value) in {
        f"memray cannot be imported on {side}: no memray here\n  add memray to `env: install:`" for side in SIDES
    }


@pytest.mark.slow
@pytest.mark.parametrize("limit", [20_000, 300_000])
def test_a_profile_that_could_not_be_written_to_its_end_is_an_error(tmp_path, limit):
    """On a full disk, here a limit of the size of files, memray reports no error, and peaks are too small."""
    code = f"""
    import resource

    def work():
        resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, resource.RLIM_INFINITY))
        return len([[number] for number in range(100_000)]) // 100_000
    """
    with pytest.raises(MeasuringError) as raised:
        measure(tmp_path, code)
    assert "the memory profile of " in raised.value.what
    assert " is incomplete: memray c" in raised.value.what
    assert "TMPDIR" in raised.value.hint


@pytest.mark.slow
def test_a_process_that_ends_instead_of_answering_is_an_error(tmp_path):
    code = (
        "import pytest\n\nCALLS = []\n\ndef work():\n    CALLS.append(1)\n    if len(CALLS) > 3:\n"
        "        pytest.exit('over', 5)\n    return 1\n"
    )
    with pytest.raises(MeasuringError, match=r"pytest ended with exit code 5|the benchmark ended"):
        measure(tmp_path, code)


@pytest.mark.slow
def test_a_call_on_one_side_only_is_an_error(tmp_path):
    twice = {"tests/test_benchmark.py": "def test_work(benchmark):\n    benchmark(int)\n    benchmark(int)\n"}
    once = {"tests/test_benchmark.py": "def test_work(benchmark):\n    benchmark(int)\n"}
    with pytest.raises(MeasuringError, match="only head makes this call"):
        measure_memory(pair(tmp_path, base=once, head=twice, metrics=("memory",)), random.Random(1), lambda _: None)


@pytest.mark.slow
def test_a_time_limit_before_the_first_repeat_is_an_error(tmp_path):
    slow = both(
        {"tests/test_benchmark.py": "import time\n\ndef test_work(benchmark):\n    benchmark(time.sleep, 3600)\n"}
    )
    with pytest.raises(MeasuringError) as raised:
        measure_memory(
            pair(tmp_path, **slow, metrics=("memory",), memory_timeout=1.0), random.Random(1), lambda _: None
        )
    assert str(raised.value) == (
        "no call's memory was measured within the time limit of 1 s\n"
        "  raise `timeout`, or give the benchmark a smaller input"
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


def test_profiles_of_two_tests_have_different_names():
    first, second = "test_x.py::test_b[a/b]", "test_x.py::test_b[a-b]"
    name = profile_name("base", second, taken={profile_name("base", first)})
    assert name.startswith("base-test_x.py-test_b-a-b-")
    assert name == profile_name("base", second, taken={profile_name("base", first)})
    long = [profile_name("base", f"test_x.py::test[{'x' * 300}{end}]") for end in "ab"]
    assert len(set(long)) == 2
    assert max(map(len, long)) <= LONGEST_NAME + len("-0123456789ab.bin")
