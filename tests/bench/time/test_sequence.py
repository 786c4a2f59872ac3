"""When sampling stops, on literal launches."""

import pytest

from tasks.artifacts import Launch, MetricName
from tasks.bench.time.sequence import LaunchSequence, looks_for
from tasks.errors import MeasuringError
from tests.support.pairs import pair

LAUNCH = Launch(first="base", seed=1, base=(1.0,), head=(2.0,))


def never(launches):
    return False


def sampled(tmp_path, *, looks=(6, 8, 12), decided=never, spent=0.1, limit=50, keys=("a",), **settings):
    sequence = LaunchSequence(pair(tmp_path, **settings), metric=MetricName.TIME, looks=looks, decided=decided)
    while sequence.should_continue() and sequence.number < limit:
        sequence.add(dict.fromkeys(keys, LAUNCH), spent=spent)
    return sequence


@pytest.mark.parametrize(
    ("settings", "launches", "looks", "stopped"),
    [
        ({"budget": 100.0}, 12, (6, 8, 12), "budget"),
        ({"budget": 100.0, "decided": bool}, 6, (6,), "decided"),
        ({"budget": 100.0, "decided": lambda launches: len(launches) > 7}, 8, (6, 8), "decided"),
        ({"budget": 100.0, "decided": lambda launches: len(launches) in (7, 9)}, 12, (6, 8, 12), "budget"),
        ({"budget": 1.0, "spent": 10.0}, 5, (5,), "budget"),
        ({"budget": 1.0, "spent": 0.16}, 7, (6, 7), "budget"),
        ({"budget": 100.0, "timeout": 1e-9}, 1, (1,), "timeout"),
    ],
    ids=[
        "undecided",
        "at the first look",
        "at the second look",
        "not between looks",
        "long calls",
        "budget",
        "timeout",
    ],
)
def test_sampling_stops(tmp_path, settings, launches, looks, stopped):
    settings = {"timeout": None, **settings}
    sequence = sampled(tmp_path, **settings) if settings["timeout"] is None else _at_once(tmp_path, settings)
    (measurement,) = sequence.measurements()
    assert (len(measurement.launches), measurement.looks, measurement.stopped) == (launches, looks, stopped)
    assert measurement.planned_looks == 3


@pytest.mark.parametrize(("budget", "spent", "last"), [(100.0, 0.1, 12), (1.0, 10.0, 5), (1.0, 0.24, None)])
def test_the_last_launch_is_known_before_it_runs_if_no_clock_decides(tmp_path, budget, spent, last):
    """No processes of another launch are started beside it."""
    sequence = LaunchSequence(
        pair(tmp_path, budget=budget, timeout=None), metric=MetricName.TIME, looks=(6, 8, 12), decided=never
    )
    known = []
    while sequence.should_continue():
        known.append(sequence.next_is_last)
        sequence.add({"a": LAUNCH}, spent=spent)
    assert known == [number == last for number in range(1, sequence.number + 1)]


def _at_once(tmp_path, settings):
    """Time is up after the first launch."""
    sequence = LaunchSequence(pair(tmp_path, **settings), metric=MetricName.TIME, looks=(6, 8, 12), decided=never)
    sequence.add({"a": LAUNCH}, spent=0.1)
    assert not sequence.should_continue()
    return sequence


def test_all_calls_of_the_benchmark_must_decide(tmp_path):
    lengths = []
    sequence = sampled(
        tmp_path,
        keys=("a", "b"),
        decided=lambda launches: lengths.append(len(launches)) or len(lengths) > 1,
        budget=100.0,
        timeout=None,
    )
    assert sequence.stopped == "decided"
    assert len(sequence.measurements()[0].launches) == 8


def test_a_call_cut_by_the_time_limit_keeps_its_launches(tmp_path):
    sequence = LaunchSequence(pair(tmp_path), metric=MetricName.TIME, looks=(6, 8, 12), decided=never)
    sequence.add({"a": LAUNCH, "b": LAUNCH}, spent=0.1)
    sequence.stopped = "timeout"
    sequence.add({"a": LAUNCH}, spent=0.1)
    assert not sequence.should_continue()
    assert {
        measurement.test: (len(measurement.launches), measurement.stopped) for measurement in sequence.measurements()
    } == {
        "a": (2, "timeout"),
        "b": (1, "timeout"),
    }


def test_launches_without_a_usable_sample_decide_nothing_and_are_an_error(tmp_path):
    sequence = LaunchSequence(pair(tmp_path), metric=MetricName.TIME, looks=(2, 3), decided=never)
    while sequence.should_continue():
        sequence.add({}, spent=0.1)
    assert (sequence.number, sequence.stopped) == (3, "budget")
    with pytest.raises(MeasuringError, match="other processes interrupted every measurement"):
        sequence.measurements()


def test_no_launch_within_the_time_limit_is_an_error(tmp_path):
    sequence = LaunchSequence(pair(tmp_path, timeout=3.0), metric=MetricName.TIME, looks=(6,), decided=never)
    sequence.stopped = "timeout"
    with pytest.raises(MeasuringError) as raised:
        sequence.measurements()
    assert str(raised.value) == (
        "not one launch was finished within the time limit of 3 s\n  raise `timeout`, or give the benchmark a smaller input"
    )


@pytest.mark.parametrize(
    ("budget", "looks"), [(0.1, (6,)), (7.9, (6,)), (8.0, (6, 10)), (20.0, (6, 10, 16, 24)), (1e6, (6, 10, 16, 24))]
)
def test_looks_are_planned_by_the_budget(budget, looks):
    assert looks_for(budget, (6, 10, 16, 24), 0.8) == looks


def test_the_line_shows_where_the_interval_lies(tmp_path):
    sequence = LaunchSequence(pair(tmp_path), metric=MetricName.TIME, looks=(6, 8), decided=never)
    for head in (0.5, 0.5, 0.5):
        sequence.add({"a": Launch(first="base", seed=1, base=(1.0,), head=(head,))}, spent=0.1)
    assert sequence.line() == "launch 3 of at most 8, head costs -50.0 % to -50.0 %"
    sequence.add({"b": LAUNCH}, spent=0.1)
    assert sequence.line() == "launch 4 of at most 8"


@pytest.mark.parametrize(
    ("heads", "launches", "stopped"),
    [((0.5, 0.51), 8, "decided"), ((0.5, 1.9), 12, "budget"), ((1.0, 1.001), 8, "decided")],
)
def test_the_sequential_rule_stops_when_the_data_decide(tmp_path, heads, launches, stopped):
    sequence = LaunchSequence(pair(tmp_path, budget=100.0, timeout=None), metric=MetricName.TIME, looks=(8, 12))
    while sequence.should_continue():
        sequence.add({"a": Launch(first="base", seed=1, base=(1.0,), head=(heads[sequence.number % 2],))}, spent=0.1)
    assert (sequence.number, sequence.stopped) == (launches, stopped)
