"""Items of a manifest that are timed in the same turns."""

from __future__ import annotations

import json

import pytest

from tests.support.mistakes import BENCHMARK, CODE, HEAVY, MEASURES, compare, item, ran, target

FEW = {"PRPREP_BRIEFLY": json.dumps({"tasks.bench.time.sequence.MINIMUM_LAUNCHES": 3})}
"""The fewest launches that have an interval: a twentieth of the time shows in it."""
OTHER = "tests/benchmarks/test_benchmark_other.py"


def seeds(run, name):
    return [launch.seed for launch in run.samples(name).measurements[0].launches]


def shared(run, first, second):
    """Return the seeds of the launches in which both heads took part, if one of them has no other."""
    common = set(seeds(run, first)) & set(seeds(run, second))
    assert len(common) in {0, len(seeds(run, first)), len(seeds(run, second))}
    return common


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    repo = target(tmp_path_factory.mktemp("lockstep"), {OTHER: MEASURES.replace("test_total", "test_other")})
    for name, code in {
        "same": HEAVY + "\n# the same\n",
        "broken": HEAVY.replace("lists[0])", "lists[99])"),
        "elsewhere": HEAVY + "\n# elsewhere\n",
    }.items():
        repo.branch(name, "main")
        repo.commit({CODE: code}, f"Change {name}")
    return repo


@pytest.mark.slow
def test_heads_share_their_launches_and_whoever_cannot_is_alone(repo):
    """One head fails, and one has another benchmark. Whose samples are lost is measured again, alone."""
    settings = {"metrics": "time", "lockstep": "sums", "budget": 0.3}
    benchmarks = {"faster": BENCHMARK, "broken": BENCHMARK, "same": BENCHMARK, "elsewhere": OTHER}
    items = [item(name, benchmark=path, **settings) for name, path in benchmarks.items()]
    run = compare(repo, *items, stages=("lint", "compare"), **FEW)
    assert shared(run, "faster", "same")
    assert not shared(run, "faster", "elsewhere")
    assert "faster: broken: timed by itself, since it is not prepared or failed before" in run.output
    assert "faster: elsewhere: timed by itself, since it has another benchmark" in run.output
    assert "measure:same: its times were measured with those of the other heads" in run.output
    assert "list index out of range" in run.failure("broken")
    assert (run.comparison("faster").verdict, run.comparison("faster").outputs[0].verdict) == ("improved", "equal")
    assert run.samples("same").outputs[0].verdict == "equal"
    assert run.samples("same").load.preempted <= 1
    assert not list(run.folder.glob(".prprep/*/lockstep.json"))

    before = seeds(run, "faster")
    (run.state("same") / "samples.json").unlink()
    run = compare(repo, *items, stages=("lint", "compare"), **FEW)
    assert seeds(run, "faster") == before
    assert not shared(run, "faster", "same")

    repo.checkout("same")
    repo.commit({CODE: HEAVY + "\n# still the same\n"}, "Say it otherwise")
    assert "the items in the same lockstep changed" in ran(run.folder, "explain", "faster").stdout
