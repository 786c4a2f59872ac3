from __future__ import annotations

import pytest

from tasks.init import extract


@pytest.mark.parametrize(
    ("text", "commits"),
    [
        ("`6c45a8265`: reuse (from ef629a99e)", ("6c45a8265",)),
        ("1112064 code points, colour #a1b2c3d, defaced, /tmp/abc1234f", ()),
        ("see src/abc1234f/x.py and abc1234f.py", ()),
        ("supersedes `abc1234f`; reverts abc1234e", ()),
        ("a1b2c3d, b2c3d4e", ("a1b2c3d", "b2c3d4e")),
    ],
)
def test_commits(text, commits):
    assert extract.commits_in(text) == commits


def test_a_field_for_commits():
    assert extract.commits_in("ABC1, 1234567", field=True) == ("abc1", "1234567")


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("keep", "kept"),
        ("kept (no regression)", "kept"),
        ("✅ merged", "kept"),
        ("kept, then reverted", "discarded"),
        ("❌", "discarded"),
        ("not kept", "discarded"),
        ("no gain", "discarded"),
        ("didn't help", "discarded"),
        ("in progress", "unfinished"),
        ("baseline", "none"),
    ],
)
def test_outcomes_of_fields(text, outcome):
    assert extract.outcome_of_field(text).outcome == outcome


@pytest.mark.parametrize(
    "text", ["Reuse buffers", "Drop the copy", "Skip ASCII text", "Removed a lock", "Keep rows sorted", "CPU work"]
)
def test_verbs_in_titles_are_not_outcomes(text):
    assert extract.outcome_of_title(text) is None


def test_functions_and_files():
    assert extract.functions_in("`src/a.py::C::f` and b.py:g, foo.py:12") == ("src/a.py::C.f", "b.py::g")
    assert extract.functions_in("`foo()`, Bar.baz", field=True) == ("foo", "Bar.baz")
    assert extract.mentions_in("use `as_tensor(x)`, `a b`, `6c45a8265` and resize()") == ("as_tensor", "resize")
    assert extract.files_in("`src/a.py`, ./b.py, x.pyc, https://x.org/a.py") == ("src/a.py", "b.py")


def test_claims_without_units():
    assert extract.claims_in("No list is made. Calls went down from 1203 to 411. Twice as quick.") == (
        "1203",
        "411",
        "Twice",
    )


def test_claims():
    assert extract.claims_in("2.31ms → 2.29ms, +0.9%, 1.12-1.14x; 40 MiB in 247 tests with FP32") == (
        "2.31ms → 2.29ms",
        "+0.9%",
        "1.12-1.14x",
        "40 MiB",
    )
