from __future__ import annotations

import pytest

from tasks.benchmark_tests.writing.smaller_numbers import with_smaller_numbers
from tasks.benchmark_tests.writing.workload_body import OwnStatement, TestBody


@pytest.mark.parametrize(
    ("code", "smaller"),
    [
        ("text = 'ä' * 200_000 + 'x'", "text = 'ä' * 20_000 + 'x'"),
        ("load(range(50000), 10_000)", "load(range(5_000), 10_000)"),
        ("a = 50_000", "a = 5_000"),
        ("port = 27_017", None),
        ("rows = [\n    'ö' * 30_000,\n    2 * 20_000]", "rows = [\n    'ö' * 3_000,\n    2 * 2_000]"),
        ("load(datetime(2026, 1, 1), 8080, 1e9, True, '99999')", None),
    ],
)
def test_large_numbers_are_divided(code, smaller):
    body = TestBody(
        imports=(), definitions=(), statements=(OwnStatement("b = ['x'] * a"), OwnStatement(code)), fixtures=()
    )
    changed = with_smaller_numbers(body, 10)
    assert (changed and changed.statements[1].code) == smaller
