"""Known ratios: the units of all tags, what an outcome says, and the tables."""

from __future__ import annotations

import itertools
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import pytest

from benchmarks.peers import target
from benchmarks.truth import outcomes, tables, work
from benchmarks.truth.outcomes import Outcome

OUTCOME = Outcome("prprep", "short", "busy", "1/3", 1 / 3, 0.34, (0.32, 0.36), "less", 8.0, 2.5, 10.0, 1.0)


@pytest.mark.parametrize("ratio", work.RATIOS, ids=str)
@pytest.mark.parametrize("call", dict.fromkeys(itertools.chain(*work.GROUPS.values())), ids=lambda call: call.name)
def test_units_have_exactly_the_ratio_and_about_the_duration(call, ratio):
    units = call.units(ratio)
    assert Fraction(units["head"], units["base"]) == ratio
    assert min(units.values()) * call.unit >= 0.6 * call.seconds


def test_the_cost_of_a_call_without_units_moves_the_truth_towards_one():
    assert work.Cost(unit=30e-9, nothing=60e-9).truth({"base": 400, "head": 20}) == pytest.approx(22 / 402)


def test_an_outcome_compares_with_the_truth():
    assert OUTCOME.contains_truth
    assert OUTCOME.half_width == pytest.approx(0.02 / 0.34)
    assert OUTCOME.error == pytest.approx(0.02)
    above = replace(OUTCOME, interval=(0.34, 0.36))
    assert not above.contains_truth
    assert [replace(above, shifted=shifted).contains_truth for shifted in (0.335, 0.34, 0.37)] == [False, True, True]
    assert replace(OUTCOME, interval=None).contains_truth is None
    claims = ((0.5, "less"), (1.0, "less"), (1.25, "less"), (1.25, ""), (1.0, ""))
    wrong = [replace(OUTCOME, truth=truth, claim=claim).is_wrong_claim for truth, claim in claims]
    assert wrong == [False, True, True, False, False]


def test_stored_outcomes_are_read_again_without_a_line_cut_short(tmp_path):
    stored = tmp_path / "truth.jsonl"
    outcomes.append(stored, [OUTCOME, replace(OUTCOME, interval=None)])
    with stored.open("a") as stream:
        stream.write('{"tool": "prp')
    assert outcomes.read(stored) == [OUTCOME, replace(OUTCOME, interval=None)]


def test_tables_count_hits_and_errors():
    missed, peer = replace(OUTCOME, interval=(0.34, 0.36)), replace(OUTCOME, tool="pyperf", interval=None, estimate=0.5)
    text = tables.all_tables([OUTCOME, missed, replace(OUTCOME, estimate=None, interval=None, broken="it broke"), peer])
    assert "| prprep | busy | 1 of 2 (9.5 to 90.5 %) | 4.41 % | 2 of 2 | 0 | 8.0 | 1 |" in text
    assert "| pyperf | busy | 1 | 50.0 % | 50.0 % | 50.0 % | 0 |" in text


@pytest.mark.slow
def test_commits_are_made_of_the_units_and_main_stays_at_the_first(tmp_path):
    calls = work.GROUPS["waiting"]
    target.create(tmp_path / "repository", [call.work for call in calls], work.tags(calls))

    def git(*arguments):
        command = ["git", *arguments]
        return subprocess.run(command, cwd=tmp_path / "repository", capture_output=True, text=True, check=True).stdout

    head = git("show", f"{work.tag('head', Fraction(4, 5))}:work.py")
    assert all(f"in repeat(None, {call.units(Fraction(4, 5))['head']}):" in head for call in calls)
    assert git("rev-parse", "main") == git("rev-parse", f"{work.tag('base', work.RATIOS[0])}^{{commit}}")
    functions = "for name in ('sleeping', 'threads'): assert getattr(work, name)() == 'done'"
    subprocess.run([sys.executable, "-c", f"import work\n{functions}"], cwd=tmp_path / "repository", check=True)
