from __future__ import annotations

import pytest

from tasks.stages.detect.domain import RULES, DomainEvidence, Edit, evidence, propose


def features(base, head):
    edit = Edit("f", "pages:f", base, head)
    return set(edit.added), set(edit.removed)


@pytest.mark.parametrize(
    ("base", "head", "added", "removed"),
    [
        ("f(a)", "f(a, out=b)", {"out="}, set()),
        ("import a", "from .b import c", {"import .b"}, {"import a"}),
        ("from . import a", "", set(), {"import ."}),
        ("from __future__ import annotations", "", set(), set()),
        ("for a in b: c()", "", set(), {"a loop", "c("}),
        ("x = x + y", "x += y", {"in place x"}, {"rebinds x"}),
        ("a.b.c()", "", set(), {"a.b.c(", "c(", ".c("}),
        ("await a", "await a\nawait b", {"await"}, set()),
        ("async def _():\n    async with a:\n        async for b in c: ...", "", set(), {"async with", "async for"}),
        ("def _(batch_size): ...", "", set(), {"name batch_size"}),
        ("{1, 2}", "[1, 2]", set(), {"a set"}),
        ("x: TYPE_CHECKING\nif typing.TYPE_CHECKING:\n    import a\nelse:\n    import b", "", set(), {"import b"}),
        ("a.float32", "a.float64", set(), {"float32"}),
    ],
)
def test_features_are_added_and_removed(base, head, added, removed):
    assert features(base, head) == (added, removed)


def test_equal_rules_count_once():
    edits = [Edit(f"f{number}", f"pages:f{number}", "f()", f"del x{number}") for number in range(3)]
    reasons = [f"`del x{number}` is added in pages:f{number}" for number in range(3)]
    assert evidence(edits, []) == [DomainEvidence("mem", 2, reasons)]


def test_every_domain_has_rules():
    assert {domain for domain, _, _ in RULES} == {"async", "struct", "mem", "cpu"}
    assert all(weight > 0 for _, weight, _ in RULES)


def test_an_added_async_function_alone_is_not_a_changed_one():
    edit = Edit("f", "pages:f", "", "async def _():\n    return 1", is_async=True)
    assert evidence([edit], []) == []


def test_in_place_says_little_without_code_that_works_in_place():
    message = "Fix quadratic-time parsing\n\nA useful fix to have in place until the pattern is fixed."
    assert propose([], [message]).domains == ("cpu",)
    assert propose([Edit("f", "a:f", "b = b + [c]", "b += [c]")], ["Extend the list in place"]).domains == ("mem",)


@pytest.mark.parametrize("message", ["Optimize the cache memorywise", "Use less memory", "Lower memory-wise overhead"])
def test_a_message_about_memory_names_the_domain(message):
    assert propose([], [message]).domains == ("mem",)


def test_the_prefix_of_a_performance_commit_says_nothing_of_time():
    edit = Edit("rows", "a:rows", "return [row for row in lines]", "yield from lines")
    assert propose([edit], ["perf: stream rows"]).domains == ("mem",)
