"""The summaries of a survey."""

import pytest

from tasks.artifacts import Commit, Decision, Drift, PullRequest
from tasks.github.survey_text import details, status, to_review
from tests.support.evidence import SURVEY

TARGET = "pagelayout.text:merge_lines"
COMMIT = Commit(sha="ab" * 20, title="Merge by rows")
OPEN = PullRequest(
    number=12,
    title="Rows",
    state="open",
    url="https://github.com/acme/pagelayout/pull/12",
    branch="rows",
    author="grace",
    touches="function",
    functions=(TARGET,),
)
FOLD = Decision(kind="fold", into="#12", reason=f"it touches the same function, {TARGET}")
SKIP = Decision(kind="skip", reason="the same patch is already in origin/main (abababababab Merge by rows)")


def survey(**fields):
    return SURVEY.model_copy(update=fields)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "none"),
        ({"unknown": "no network; connect"}, "unknown: no network; connect"),
        ({"pull_requests": (OPEN,), "decision": FOLD}, "#12 open (touches the same function)"),
        (
            {"pull_requests": (OPEN,), "decision": FOLD, "unknown": "no network", "older": True},
            "#12 open (touches the same function)",
        ),
        ({"unknown": "no network", "older": True}, "none"),
        ({"pull_requests": (OPEN.model_copy(update={"touches": "words", "functions": ()}),)}, "none"),
        (
            {
                "pull_requests": tuple(
                    OPEN.model_copy(update={"number": number, "touches": "file"}) for number in range(1, 6)
                )
            },
            "#1 open (touches the same file), #2 open (touches the same file), #3 open (touches the same file) and 2 more",
        ),
        ({"decision": SKIP}, f"skip: {SKIP.reason}"),
        (
            {"decision": Decision(kind="fold", into="#7", reason="the manifest names it"), "unknown": "no network"},
            "#7 (the manifest names it); unknown: no network",
        ),
        (
            {"decision": Decision(kind="fold", into="lines", reason="that item touches it too")},
            "lines (that item touches it too)",
        ),
    ],
)
def test_status(fields, expected):
    assert status(survey(**fields)) == expected


@pytest.mark.parametrize(
    ("fields", "named", "expected"),
    [
        ({}, None, ()),
        ({"unknown": "no network"}, None, ()),
        (
            {"decision": FOLD, "pull_requests": (OPEN,)},
            None,
            (f"fold into #12 (it touches the same function, {TARGET})",),
        ),
        ({"decision": FOLD, "pull_requests": (OPEN,)}, 12, ()),
        (
            {"decision": FOLD, "pull_requests": (OPEN.model_copy(update={"state": "merged"}),)},
            12,
            ("#12, named in the manifest, is merged",),
        ),
        ({"decision": SKIP, "conflicts": ("a.py",), "contained": (COMMIT,)}, None, (f"skip: {SKIP.reason}",)),
        (
            {"pull_requests": (OPEN.model_copy(update={"state": "closed", "same_commit": True}),)},
            None,
            ("#12 with the same commits was closed without being merged",),
        ),
        (
            {
                "conflicts": ("a.py", "b.py", "c.py", "d.py"),
                "drift": (Drift(function=TARGET, change="changed", commits=(COMMIT,)),),
            },
            None,
            (
                "it conflicts with origin/main in a.py, b.py, c.py and 1 more",
                f"origin/main has changed {TARGET} since the merge base, by abababababab Merge by rows",
            ),
        ),
        (
            {"drift": (Drift(function=TARGET, change="removed", commits=()),)},
            None,
            (f"origin/main has removed {TARGET} since the merge base",),
        ),
        ({"contained": (COMMIT,)}, None, ("origin/main has the same patch as abababababab Merge by rows",)),
    ],
)
def test_decisions_for_a_person(fields, named, expected):
    assert tuple(to_review(survey(**fields), named=named)) == expected


def test_details_list_everything():
    full = survey(
        pull_requests=(OPEN,),
        decision=FOLD,
        drift=(Drift(function=TARGET, change="changed", commits=(COMMIT,)),),
        contained=(COMMIT,),
        conflicts=("a.py",),
        notes=("A note.",),
    )
    assert details(full, searched_at="2026-01-02 03:04 UTC") == (
        f"Decision: fold into #12: it touches the same function, {TARGET}",
        (
            f"Pull request #12 “Rows” (open, by grace, branch rows) touches the same function, {TARGET}: "
            "https://github.com/acme/pagelayout/pull/12 (searched 2026-01-02 03:04 UTC)"
        ),
        f"Upstream has changed {TARGET} since the merge base, by abababababab Merge by rows",
        "Upstream has the same patch as abababababab Merge by rows",
        "Conflicts with origin/main: a.py",
        "A note.",
    )


def test_details_of_a_skipped_item_are_the_reason_and_the_pull_requests():
    skipped = survey(decision=SKIP, pull_requests=(OPEN,), contained=(COMMIT,), conflicts=("a.py",))
    decided, listed = details(skipped)
    assert (decided, listed.partition(" “")[0]) == (f"Decision: skip: {SKIP.reason}", "Pull request #12")


def test_none_only_after_a_search():
    none = "Pull requests: none of acme/pagelayout is related (searched 2026-01-02 03:04 UTC)"
    assert details(SURVEY, searched_at="2026-01-02 03:04 UTC")[1] == none
    assert details(survey(host="ghe.corp"))[1] == "Pull requests: none of ghe.corp/acme/pagelayout is related"
    assert details(survey(unknown="no network; connect"))[1] == "Pull requests: unknown: no network; connect"
    older = details(survey(unknown="no network", older=True), searched_at="2026-01-02 03:04 UTC")
    assert older[1] == "Pull requests: unknown: no network; the search of 2026-01-02 03:04 UTC is used"
