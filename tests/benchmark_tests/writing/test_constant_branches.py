from __future__ import annotations

import pytest

from tasks.benchmark_tests.writing.constant_branches import constant_of, taken

CONSTANTS = {"kind": None, "many": True, "limit": 3}


@pytest.mark.parametrize(
    ("code", "statements"),
    [
        ("if kind is None:\n    load(1)\n    load(2)\nelse:\n    dump()", ["load(1)", "load(2)"]),
        ("if not many or limit < 3:\n    load()", []),
        ("for each in rows:\n    if many and limit == 3:\n        load()", ["for each in rows:\n    load()"]),
        ("for each in rows:\n    if kind:\n        load()", ["for each in rows:\n    pass"]),
        ("if kind:\n    load()\nelif many:\n    dump()", ["dump()"]),
        ("if rows:  # any\n    load()", ["if rows:  # any\n    load()"]),
        ("if kind < limit:\n    load()", ["if kind < limit:\n    load()"]),
        ("if check(kind):\n    load()", ["if check(kind):\n    load()"]),
        ("for many in rows:\n    if many:\n        load()", ["for many in rows:\n    if many:\n        load()"]),
    ],
)
def test_only_the_branch_of_this_case_is_left(code, statements):
    assert taken(code, CONSTANTS) == statements


def test_a_constant_is_assigned_to_a_single_name():
    assert constant_of("kind = None") == ("kind", None)
    assert constant_of("kind = load()") is None
    assert constant_of("kind = rows = 1") is None
