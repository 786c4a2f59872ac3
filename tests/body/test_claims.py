from __future__ import annotations

import pytest

from tasks.artifacts import Verdict
from tasks.body.claims import LONGEST, Held, objections
from tests.support.evidence import CPU_IMPROVED, INCONCLUSIVE, REGRESSED, UNCHANGED

DIFF = "-    pages = [join(page) for page in document]\n+    cache = LRU(maxsize=128)\n"
HELD = Held(CPU_IMPROVED, f"Join the lines of a page once\n{DIFF}")


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
        "merge_lines has 98.2 percent of the call",
        "utf-8 is decoded once, python3 alone, O(n^2) no more",
    ],
)
def test_what_the_evidence_holds_is_let_through(bullet):
    assert objections([bullet], HELD) == ()


@pytest.mark.parametrize(
    ("bullet", "why"),
    [
        ("Takes 50 % less time", "a number that the evidence does not hold (50 %)"),
        ("28.8x on our machine", "a number that the evidence does not hold (28.8x)"),
        ("Saves 4 ms a call", "a number that the evidence does not hold (4 ms)"),
        ("14.50 ms before", "a number that the evidence does not hold (14.50 ms)"),
        ("Peak memory falls to 1 MiB", "a number that the evidence does not hold (1 MiB)"),
        ("Saves 14.99 MiB", "a number that the evidence does not hold (14.99 MiB)"),
        ("A cache of 256 pages", "a number that the evidence does not hold (256)"),
        ("A cache of 12 pages", "a number that the evidence does not hold (12)"),
        ("128 ms are saved", "a number that the evidence does not hold (128 ms)"),
        ("Twice as fast", "an amount in words (“Twice”), which cannot be looked up"),
        ("Ten times less memory", "an amount in words (“Ten times”), which cannot be looked up"),
        ("A tenfold gain", "an amount in words (“tenfold”), which cannot be looked up"),
        ("<b>Fast</b>", "markup, a link or a mention"),
        ("See [this](x)", "markup, a link or a mention"),
        ("See https://example.org", "markup, a link or a mention"),
        ("Thanks @octocat", "markup, a link or a mention"),
        ("Closes #12", "markup, a link or a mention"),
        ("x" * (LONGEST + 1), f"longer than {LONGEST} characters"),
    ],
)
def test_what_it_does_not_hold_is_refused(bullet, why):
    assert any(told.startswith(f"{why}: ") for told in objections([bullet], HELD)), objections([bullet], HELD)


@pytest.mark.parametrize("comparison", [REGRESSED, UNCHANGED, INCONCLUSIVE])
def test_no_improvement_is_claimed_without_the_verdict(comparison):
    assert comparison.verdict is not Verdict.IMPROVED
    (told,) = objections(["Joins lines faster"], Held(comparison, ""))
    assert told == f"an improvement (“faster”), and the verdict is {comparison.verdict}: Joins lines faster"
    assert objections(["Joins lines once"], Held(comparison, "")) == ()


def test_one_to_three_bullets():
    assert objections([], HELD) == ("there is no bullet",)
    assert objections(["a"] * 4, HELD) == ("there are 4 bullets, and 3 are the most",)
