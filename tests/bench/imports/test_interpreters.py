"""Launches of fresh interpreters, from literal times."""

import random
from types import SimpleNamespace

import pytest

from tasks.bench.imports import interpreters
from tasks.bench.workers.workers import Settings


def launched(*messages):
    """Launch once with what the timers return, one after the other."""
    answers = iter(messages)
    request = SimpleNamespace(roles=["base", "head"])
    return interpreters._launch(request, random.Random(1), Settings(7), lambda *_: next(answers))


def message(wall, waited, cpu, involuntary=0):
    return {"wall": wall, "waited": waited, "cpu": cpu, "involuntary": involuntary}


def test_a_sample_is_the_time_without_waiting_for_a_core():
    launches = launched(*[message(30_000_000, 10_000_000, 19_000_000, 4)] * 4)
    assert launches["wall"].base == launches["wall"].head == (0.02, 0.02)
    assert launches["wall"].waited == {"base": (0.01, 0.01), "head": (0.01, 0.01)}
    assert (launches["cpu"].base, launches["cpu"].waited) == ((0.019, 0.019), {})


@pytest.mark.parametrize(("involuntary", "is_kept"), [(0, True), (3, False)])
def test_if_waiting_is_not_reported_a_disturbed_launch_is_left_out(involuntary, is_kept):
    calm, other = message(20_000_000, None, 19_900_000), message(30_000_000, None, 19_000_000, involuntary)
    launches = launched(calm, calm, other, calm)
    assert bool(launches) is is_kept
    assert not is_kept or launches["wall"].waited == {}
