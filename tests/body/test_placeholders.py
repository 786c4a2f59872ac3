from __future__ import annotations

import pytest

from tasks.artifacts import Commit, MetricName, Verdict
from tasks.body.summary import summary_of
from tasks.body.views import leading
from tests.support.evidence import DETECTION, HEAD, ITEM, Case, change, comparison


@pytest.mark.parametrize(
    ("commits", "expected"),
    [
        (
            [("Title", "Title\n\nFirst paragraph\nof two lines.\n\nSecond.\n")],
            ["Title", "First paragraph of two lines."],
        ),
        ([("Title", "Title\n\n- one\n- two\n- three\n")], ["Title", "one", "two"]),
        ([("Title", "Title\n\nFixes #3\nSigned-off-by: Ada <a@b.c>\n")], ["Title"]),
        ([("One", ""), ("Two", ""), ("Three", ""), ("Four", "")], ["One", "Two", "Three"]),
        ([("Use `a_b`", "")], ["Use `a_b`"]),
        ([], ["Changes `pagelayout.text:merge_lines`"]),
    ],
)
def test_bullets_from_commits(commits, expected):
    made = tuple(Commit(sha=HEAD, title=title, message=message) for title, message in commits)
    assert list(summary_of(Case(detection=DETECTION.model_copy(update={"commits": made})).evidence).bullets) == expected


def test_the_manifests_bullets_win_and_may_use_emphasis():
    item = ITEM.model_copy(update={"summary": ("**Joins** `once` <b>",)})
    assert summary_of(Case(item=item).evidence).bullets == ("**Joins** `once` &lt;b>",)


def test_the_leading_change_is_a_primary_one_with_the_comparisons_verdict():
    time = change(MetricName.TIME, 1.0, 1.0, Verdict.UNCHANGED)
    peak = change(MetricName.PEAK, 2.0, 1.0, Verdict.IMPROVED)
    beside = change(MetricName.ALLOCATIONS, 2.0, 1.0, Verdict.IMPROVED, primary=False)
    assert leading(comparison((beside, time, peak), Verdict.IMPROVED)) == peak
    assert leading(comparison((beside, time), Verdict.INCONCLUSIVE)) == time
    assert leading(comparison((beside,), Verdict.IMPROVED)) == beside
