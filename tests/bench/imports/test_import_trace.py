"""Reading `-X importtime` of two sides."""

import pytest

from tasks.artifacts import ImportedModule
from tasks.bench.imports.imports import BEGIN, END, SHOWN, ImportTrace, TracedImport, one_sided, trace, traced_imports

TEXT = """\
import time: self [us] | cumulative | imported package
import time:       100 |        100 | site
half a line
prprep: imports begin
import time:       150 |        150 |     _json
no line feedimport time:        50 |        200 |   json.decoder
import time:         7 |          7 |   sought_in_vain
import time:      1000 |       1200 | json
import time:        40 |         40 | json
import time: what a target prints | 3 | json

prprep: imports end
import time:       900 |        900 | traceback
"""


def imported(name, own, depth=0):
    return TracedImport(name, own, depth)


def test_lines_between_the_marks_are_read():
    assert traced_imports(TEXT) == [
        imported("_json", 150, 4),
        imported("json.decoder", 50, 2),
        imported("sought_in_vain", 7, 2),
        imported("json", 1000),
        imported("json", 40),
    ]


@pytest.mark.parametrize("text", ["", "import time:       100 |        100 | json\n"])
def test_without_marks_there_are_no_lines(text):
    assert traced_imports(text) == []


def test_a_one_sided_module_is_loaded_in_all_runs_of_one_side_and_none_of_the_other():
    base = [
        (["json", "numpy", "_numpy"], [imported("_numpy", 3, 2), imported("numpy", own), imported("json", 1)])
        for own in (10_000, 30_000, 20_000)
    ]
    head = [
        (["json", "queue", *sometimes], [imported("json", 1, 2), imported("queue", own)])
        for own, sometimes in ((4_000, []), (5_000, ["random"]), (9_000, []))
    ]
    assert one_sided({"base": base, "head": head}) == ImportTrace(
        (
            ImportedModule(name="numpy", side="base", cumulative=0.020003, own=0.02),
            ImportedModule(name="queue", side="head", cumulative=0.005, own=0.005),
            ImportedModule(name="_numpy", side="base", cumulative=3e-6, own=3e-6),
        ),
        {"base": 3, "head": 2},
    )


def test_what_both_sides_import_is_not_saved():
    """`string` alone takes 1 ms; most of what it takes is `re`, which head imports as well."""
    base = (["string", "re", "enum", "_only"], [
        imported("enum", 2_000, 4), imported("_only", 10, 4), imported("re", 5_000, 2), imported("string", 1_000),
    ])  # fmt: skip
    head = (["re", "enum"], [imported("enum", 2_000, 2), imported("re", 5_000)])
    assert one_sided({"base": [base], "head": [head]}).modules == (
        ImportedModule(name="string", side="base", cumulative=0.00101, own=0.001),
        ImportedModule(name="_only", side="base", cumulative=1e-5, own=1e-5),
    )


def test_a_module_without_a_line_took_no_time_and_one_with_several_their_sum():
    lines = [imported("deep", 5, 2), imported("twice", 40), imported("twice", 2)]
    (first, *others) = one_sided({"base": [(["twice", "by_other_means"], lines)], "head": [([], [])]}).modules
    assert (first.name, first.own, first.cumulative) == ("twice", pytest.approx(42e-6), pytest.approx(42e-6))
    assert [(module.name, module.own) for module in others] == [("by_other_means", 0.0)]


def test_the_slowest_are_shown():
    many = {f"m{number}": imported(f"m{number}", number) for number in range(30)}
    traced = one_sided({"base": [([*many], [*many.values()])], "head": [([], [])]})
    assert [module.name for module in traced.modules] == [f"m{number}" for number in range(29, 29 - SHOWN, -1)]
    assert traced.loaded == {"base": 30, "head": 0}


def test_sides_take_turns():
    order = []

    def traced(side, log):
        order.append(side)
        log.write_text(f"{BEGIN}\nimport time: 2 | 3 | {side}_alone\n{END}\n")
        return [f"{side}_alone"]

    result = trace(traced)
    assert order == ["base", "head", "head", "base", "base", "head"]
    assert result.modules == tuple(
        ImportedModule(name=f"{side}_alone", side=side, cumulative=2e-6, own=2e-6) for side in ("base", "head")
    )
