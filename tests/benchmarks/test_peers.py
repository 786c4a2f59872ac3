"""Reading the peers' output, the tables, and (slow) every tool once for real."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.peers import load, outcomes, tables, target, tools
from benchmarks.peers.outcomes import FunctionResult, Outcome, claimed_by_table

CHECKOUT = Path(__file__).parents[2]

CODEFLASH = """## Benchmark: `base` vs `head`

### test_small

| | Min | Median | Mean | OPS | Rounds |
|:---|---:|---:|---:|---:|---:|
| `base` (base) | 549.36μs | 1,000.00μs | 800.00μs | 1.22 Kops/s | 1,000 |
| `head` (head) | 508.43μs | 950.00μs | 850.00μs | 1.17 Kops/s | 2,000 |
| **Speedup** | **1.08x** | **1.02x** | **0.96x** | **0.96x** | |

| Function | base (μs) | head (μs) | Improvement | Speedup |
|:---|---:|---:|:---|---:|
| `small` | 799.56μs | 834.51μs | -4% | 0.96x |

### test_lost

| | Min | Median | Mean | OPS | Rounds |
|:---|---:|---:|---:|---:|---:|
| `base` (base) | - | - | - | - | - |
| `head` (head) | 508.43μs | 921.22μs | 852.95μs | 1.17 Kops/s | 1,020 |
"""

ASV = """
| Change   | Before [85c46e59] <base>   | After [7b44a7ce] <effect-20>   |   Ratio | Benchmark (Parameter)   |
|----------|----------------------------|--------------------------------|---------|-------------------------|
| -        | 581±200μs                  | 479±8μs                        |    0.82 | benchmarks.time_small   |
| +        | 22.7±7ms                   | 25.9±1ms                       |    1.14 | benchmarks.time_large   |
|          | 22.7±7ms                   | 22.9±1ms                       |    1.01 | benchmarks.time_allocating |
"""


def outcome(
    tool="prprep", *, scenario="effects", effect=2, function="small", ratio=0.98, claim="less", wall=20.0, inside=10.0
):
    return Outcome(scenario, tool, effect, function, ratio, claim, wall, inside, load=0.5)


def test_the_medians_of_codeflashs_markdown_are_read():
    (result,) = tools.codeflash_results(CODEFLASH)
    assert (result.function, result.ratio, result.claim) == ("small", pytest.approx(0.95), "less")
    assert result.inside == pytest.approx(0.0008 * 1000 + 0.00085 * 2000)


def test_rows_marked_by_asv_are_claims():
    assert tools.asv_claims(ASV) == {"small": "less", "large": "more"}


@pytest.mark.parametrize(
    ("ratio", "claim"), [(0.985, "less"), (0.995, ""), (1.0, ""), (1.009, ""), (1.02, "more"), (None, "")]
)
def test_a_table_without_a_verdict_claims_what_it_shows_beyond_one_per_cent(ratio, claim):
    assert claimed_by_table(ratio) == claim


def test_shares_carry_wilsons_interval():
    """Newcombe 1998, table I: 81 of 263, and 0 of 20."""
    assert tables.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert tables.wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert tables.wilson(0, 0) == (0.0, 1.0)


def test_tables_have_counts_errors_and_broken_comparisons():
    results = [
        outcome(ratio=0.985),
        outcome(ratio=0.97, claim=""),
        outcome("asv continuous", ratio=1.1, claim="more"),
        outcome("asv continuous", ratio=None, claim=""),
        outcome(scenario="identical", effect=0, ratio=1.001, claim=""),
        outcome("asv continuous", scenario="identical", effect=0, ratio=1.2, claim="more"),
        outcome(scenario="aim", ratio=0.979, wall=28.0, inside=20.0),
    ]
    text = tables.all_tables(results)
    assert "| prprep | 0 of 1 (0 to 79 %) | – | 1.001 to 1.001 |" in text
    assert "| asv continuous | 1 of 1 (21 to 100 %) | – | 1.200 to 1.200 |" in text
    assert "| prprep | small |  | 1 of 2; 0.8, 1.0 |  |  |" in text
    assert "| asv continuous | small |  | 0 of 2, 1 wrong; 12.0, 12.0 |  |  |" in text
    assert "| prprep | 3 | 2.00 (2.00 to 2.00) | 20.0 (20.0 to 20.0) |" in text
    assert (
        "found 1 of 1; 0.1, 0.1; wall time 28.0 (28.0 to 28.0) s; wall time over time inside 1.40 (1.40 to 1.40)"
        in text
    )


def test_a_line_cut_short_is_left_out_and_the_rest_continued(tmp_path):
    stored = tmp_path / "peers.jsonl"
    assert outcomes.read(stored) == []
    outcomes.append(stored, [outcome(), outcome(effect=5)])
    with stored.open("a") as stream:
        stream.write('{"scenario": "eff')
    assert outcomes.read(stored) == [outcome(), outcome(effect=5)]


@pytest.mark.slow
def test_the_true_ratio_is_that_of_the_commits():
    """Count the interpreter's operations, equally many for every unit."""
    tags = target.peers_tags()
    for effect in target.EFFECTS:
        for work in target.FUNCTIONS:
            base, head = (
                _lines(target.module(target.FUNCTIONS, tags[tag]), work.name) for tag in ("base", f"effect-{effect}")
            )
            assert head / base == pytest.approx(target.truth(effect), abs=1e-4)


def _lines(module, name):
    seen, count = {}, 0
    exec(module, seen)

    def trace(frame, event, _argument):
        nonlocal count
        count += (
            event == "line" and frame.f_globals is seen
        )  # what libraries do whenever garbage is collected is not counted
        return trace

    sys.settrace(trace)
    try:
        seen[name]()
    finally:
        sys.settrace(None)
    return count


def test_the_load_ends_with_its_block():
    before = set(_children())
    with load.LOADS["bursts"]():
        assert len(set(_children()) - before) >= len(os.sched_getaffinity(0))
    assert not [child for child in set(_children()) - before if "spawn_main" in _command(child)]


def _children():
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(process) for process in listed]


def _command(process):
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""


@pytest.mark.slow(0.4)
@pytest.mark.parametrize("name", ["asv continuous", "codeflash compare", "pytest-benchmark compare"])
def test_tools_compare_for_real(tmp_path, name):
    """A fifth less, in the shortest time that the tool allows; prprep and pyperf need far more."""
    functions = (target.SMALL, target.ALLOCATING)
    target.create(tmp_path / "repository", functions, target.peers_tags())
    (tmp_path / "one").mkdir()
    cache = Path(os.environ["PRPREP_CACHE"])
    comparison = tools.Comparison(
        tmp_path / "repository", "base", "effect-20", 3.0, tmp_path / "one", cache, functions=functions
    )
    results = tools.TOOLS[name](comparison)
    assert sorted(each.function for each in results) == ["allocating", "small"]
    assert all(isinstance(each, FunctionResult) and 0.2 < each.ratio < 3 and each.inside > 0 for each in results)


@pytest.mark.slow
def test_the_command_writes_tables_of_stored_outcomes():
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.peers", "--help"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert "--quick" in run.stdout
    assert json.dumps(list(tools.TOOLS))[2:8] in run.stdout
