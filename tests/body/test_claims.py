from __future__ import annotations

import pytest

from tasks.artifacts import Verdict
from tasks.body.claims import LONGEST, CitableEvidence, objections
from tests.support.evidence import CPU_IMPROVED, IMPORT_IMPROVED, INCONCLUSIVE, MEMORY_IMPROVED, REGRESSED, UNCHANGED

DIFF = "-    pages = [join(page) for page in document]\n+    cache = LRU(maxsize=128)\n+    # for at most 35 ms\n"
EVIDENCE = CitableEvidence(CPU_IMPROVED, f"Join the lines of a page once\n{DIFF}")


@pytest.mark.parametrize(
    "bullet",
    [
        "Joins the lines of a page once, with `str.join`",
        "Takes 20.9 % less time (3.136 ms a call)",
        "From 14.99 ms to 11.85 ms, 1.26x",
        "About 15 ms fall to 12 ms",
        "Peak memory falls from 8.7 MiB to 390.6 KiB",
        "9.1 MB of peak memory are saved down to 0.4 MB",
        "1,204 allocations become 17",
        "A cache of 128 pages is kept",
        "26 % more calls a second",
        "Checked on 97 inputs",
        "22.8x less memory, 70.8x fewer allocations, and 1.26x faster",
        "20.9 % less time, with a 99 % interval of 20.0 % to 21.8 %",
        "84.35 ops/s",
        "merge_lines has 98.2 percent of the call",
        "utf-8 is decoded once, python3 alone, O(n^2) no more",
    ],
)
def test_figures_of_the_evidence_pass(bullet):
    assert objections([bullet], EVIDENCE) == ()


@pytest.mark.parametrize(
    ("bullet", "why"),
    [
        ("Takes 50 % less time", "a number that is not in the evidence (50 %)"),
        ("28.8x on our machine", "a number that is not in the evidence (28.8x)"),
        ("Saves 4 ms a call", "a number that is not in the evidence (4 ms)"),
        ("14.50 ms before", "a number that is not in the evidence (14.50 ms)"),
        ("Peak memory falls to 1 MiB", "a number that is not in the evidence (1 MiB)"),
        ("Saves 14.99 MiB", "a number that is not in the evidence (14.99 MiB)"),
        ("A cache of 256 pages", "a number that is not in the evidence (256)"),
        ("A cache of 12 pages", "a number that is not in the evidence (12)"),
        ("128 ms are saved", "a number that is not in the evidence (128 ms)"),
        ("Takes 95.6 % less time", "a number that is not in the evidence (95.6 %)"),
        ("98.2 % faster", "a number that is not in the evidence (98.2 %)"),
        ("99 % less time", "a number that is not in the evidence (99 %)"),
        ("22.8x faster", "a number that is not in the evidence (22.8x)"),
        ("1.26x less memory", "a number that is not in the evidence (1.26x)"),
        ("1e3x as fast", "a number that is not in the evidence (1e3x)"),
        ("0x the memory", "a number that is not in the evidence (0x)"),
        ("Speed: 35", "a number that is not in the evidence (35)"),
        ("Twice as fast", "an amount in words (“Twice”), which cannot be checked"),
        ("Ten times less memory", "an amount in words (“Ten times”), which cannot be checked"),
        ("A tenfold gain", "an amount in words (“A tenfold”), which cannot be checked"),
        ("<b>Fast</b>", "markup, a link or a mention"),
        ("See [this](x)", "markup, a link or a mention"),
        ("See https://example.org", "markup, a link or a mention"),
        ("Thanks @octocat", "markup, a link or a mention"),
        ("Closes #12", "markup, a link or a mention"),
        ("x" * (LONGEST + 1), f"longer than {LONGEST} characters"),
    ],
)
def test_other_figures_and_markup_are_refused(bullet, why):
    assert any(objection.startswith(f"{why}: ") for objection in objections([bullet], EVIDENCE))


@pytest.mark.parametrize("comparison", [REGRESSED, UNCHANGED, INCONCLUSIVE])
def test_no_improvement_is_claimed_without_the_verdict(comparison):
    assert comparison.verdict is not Verdict.IMPROVED
    (objection,) = objections(["Joins lines faster"], CitableEvidence(comparison, ""))
    assert objection == f"claims an improvement (“faster”), but the verdict is {comparison.verdict}: Joins lines faster"


CLAIMS = [
    "Accelerates joining", "A snappier join", "Leaner tables", "Decreases the memory", "Joins perform better",
    "Better latency", "Shaves off some work", "Slashes memory", "High-performance joins", "Sped up", "Trim peak memory",
]  # fmt: skip


@pytest.mark.parametrize("bullet", CLAIMS)
def test_an_improvement_is_recognised_in_other_words(bullet):
    assert objections([bullet], CitableEvidence(UNCHANGED))
    assert objections([bullet], CitableEvidence(CPU_IMPROVED)) == ()


@pytest.mark.parametrize(
    "bullet",
    [
        "Joins lines once", "Use Boost for snappy files", "Strip trailing slashes", "Train a boosted tree", "A better name",
        "Run on the accelerator", "Trim white space", "Keep the time zone in memory",
    ],
)  # fmt: skip
def test_other_words_claim_nothing(bullet):
    assert objections([bullet], CitableEvidence(UNCHANGED)) == ()


@pytest.mark.parametrize(
    ("bullet", "comparison", "fault"),
    [
        ("Speed up joining", MEMORY_IMPROVED, "claims less time (“Speed up”), which the evidence does not show"),
        ("Joins faster", MEMORY_IMPROVED, "claims less time (“faster”), which the evidence does not show"),
        (
            "Less peak memory",
            IMPORT_IMPROVED,
            "claims less memory (“Less peak memory”), which the evidence does not show",
        ),
        (
            "Speeds joining up",
            MEMORY_IMPROVED,
            "claims less time (“Speeds joining up”), which the evidence does not show",
        ),
        (
            "Reduce the latency",
            MEMORY_IMPROVED,
            "claims less time (“Reduce the latency”), which the evidence does not show",
        ),
        (
            "Memory is reduced",
            IMPORT_IMPROVED,
            "claims less memory (“Memory is reduced”), which the evidence does not show",
        ),
        (
            "Fewer allocations",
            IMPORT_IMPROVED,
            "claims fewer allocations (“Fewer allocations”), which the evidence does not show",
        ),
        ("Reduce time zones to names, saving lookups", MEMORY_IMPROVED, None),
        ("Speed up joining", CPU_IMPROVED, None),
        ("A faster import", IMPORT_IMPROVED, None),
        ("Reduces the peak memory", MEMORY_IMPROVED, None),
    ],
)
def test_an_improvement_is_claimed_only_of_what_improved(bullet, comparison, fault):
    assert objections([bullet], CitableEvidence(comparison)) == ((f"{fault}: {bullet}",) if fault else ())


def test_one_to_three_bullets():
    assert objections([], EVIDENCE) == ("there is no bullet",)
    assert objections(["a"] * 4, EVIDENCE) == ("there are 4 bullets; at most 3 are allowed",)
