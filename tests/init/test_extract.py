from __future__ import annotations

import pytest

from tasks.init import extract as words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("`6c45a8265`: reuse (from ef629a99e)", ("6c45a8265",)),
        ("1112064 code points, colour #a1b2c3d, defaced, /tmp/abc1234f", ()),
        ("see src/abc1234f/x.py and abc1234f.py", ()),
        ("supersedes `abc1234f`; reverts abc1234e", ()),
        ("a1b2c3d, b2c3d4e", ("a1b2c3d", "b2c3d4e")),
    ],
)
def test_commits(text, found):
    assert words.commits_in(text) == found


def test_a_field_for_commits_may_hold_what_prose_may_not():
    assert words.commits_in("ABC1, 1234567", field=True) == ("abc1", "1234567")


@pytest.mark.parametrize(
    ("text", "standing"),
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
def test_outcomes_of_fields(text, standing):
    assert words.outcome_of_field(text).standing == standing


@pytest.mark.parametrize(
    "text", ["Reuse buffers", "Drop the copy", "Skip ASCII text", "Removed a lock", "Keep rows sorted", "CPU work"]
)
def test_verbs_of_a_title_are_no_outcomes(text):
    assert words.outcome_of_title(text) is None


def test_functions_and_files():
    assert words.functions_in("`src/a.py::C::f` and b.py:g, foo.py:12") == ("src/a.py::C.f", "b.py::g")
    assert words.functions_in("`foo()`, Bar.baz", field=True) == ("foo", "Bar.baz")
    assert words.mentions_in("use `as_tensor(x)`, `a b`, `6c45a8265` and resize()") == ("as_tensor", "resize")
    assert words.files_in("`src/a.py`, ./b.py, x.pyc, https://x.org/a.py") == ("src/a.py", "b.py")


def test_claims():
    assert words.claims_in("2.31ms → 2.29ms, +0.9%, 1.12-1.14x; 40 MiB in 247 tests with FP32") == (
        "2.31ms → 2.29ms",
        "+0.9%",
        "1.12-1.14x",
        "40 MiB",
    )
