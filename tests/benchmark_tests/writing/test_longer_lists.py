from __future__ import annotations

import pytest

from tasks.artifacts import WorkloadTest
from tasks.benchmark_tests.writing.longer_lists import with_longer_list


def longer(code: str) -> list[str]:
    workload = WorkloadTest(test="t", body=("a = 1", code))
    return [each.body[1] for each in with_longer_list(workload, 10)]


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ('data = {"ä": [{"name": "ö"}]}', ['data = {"ä": [{"name": "ö"}] * 10}']),
        ("load(['a', 'b'], [1])", ["load(['a', 'b'] * 10, [1])", "load(['a', 'b'], [1] * 10)"]),
        ("rows = [\n    Row(1),\n    Row(2),\n]", ["rows = [\n    Row(1),\n    Row(2),\n] * 10"]),
        ("rows = [[1, 2], [3, 4]]", ["rows = [[1, 2], [3, 4]] * 10"]),
        ("rows = [(i, 'ä') for i in range(5)]", ["rows = [(i, 'ä') for i in range(50)]"]),
        ("load('ä', {i for i in range(3)})", ["load('ä', {i for i in range(30)})"]),
        ("rows = [i for i in range(1, 5)]", ["rows = [i for i in range(1, 41)]"]),
        ("rows = [i for i in range(1, 9, 2)]", []),
        ("load([1, 'a'])", []),
        ("load([{'a': 1}, {'b': 1}])", []),
        ("load([])", []),
        ("load([0] * 4)", []),
        ("for each in [1, 2]:\n    load(each)", []),
        ("class A:\n    fields = ['a']", []),
    ],
)
def test_lists_of_like_elements_become_longer_one_at_a_time(code, changed):
    assert longer(code) == changed


def test_setup_and_result_have_lists_too():
    workload = WorkloadTest(test="t", setup=("rows = [1]",), result="load(rows, [2])")
    first, second = with_longer_list(workload, 100)
    assert (first.setup, first.result, first.scale) == (("rows = [1] * 100",), "load(rows, [2])", 100)
    assert (second.setup, second.result) == (("rows = [1]",), "load(rows, [2] * 100)")
