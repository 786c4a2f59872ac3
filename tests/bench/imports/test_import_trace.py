"""Reading `-X importtime` of two sides."""

import pytest

from tasks.artifacts import ImportedModule
from tasks.bench.imports.imports import BEGIN, END, SHOWN, ImportTrace, loads, one_sided, trace

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


def test_lines_between_the_marks_are_read():
    assert loads(TEXT, ["_json", "json.decoder", "json", "by_other_means", "traceback"]) == {
        "_json": (150, 150),
        "json.decoder": (50, 200),
        "json": (1040, 1240),
        "by_other_means": (0, 0),
        "traceback": (0, 0),
    }


@pytest.mark.parametrize("text", ["", "import time:       100 |        100 | json\n"])
def test_without_marks_all_times_are_zero(text):
    assert loads(text, ["json"]) == {"json": (0, 0)}


def test_a_one_sided_module_is_loaded_in_all_runs_of_one_side_and_none_of_the_other():
    both, sometimes = {"json": (1, 1)}, {"random": (5, 5)}
    base = [{**both, "numpy": (own, 100 * own), "_numpy": (3, 3)} for own in (10_000, 30_000, 20_000)]
    head = [
        {**both, "queue": (4_000, 4_000)},
        {**both, "queue": (5_000, 5_000), **sometimes},
        {**both, "queue": (9_000, 9_000)},
    ]
    assert one_sided({"base": base, "head": head}) == ImportTrace(
        (
            ImportedModule(name="numpy", side="base", cumulative=2.0, own=0.02),
            ImportedModule(name="queue", side="head", cumulative=0.005, own=0.005),
            ImportedModule(name="_numpy", side="base", cumulative=3e-6, own=3e-6),
        ),
        {"base": 3, "head": 2},
    )


def test_the_slowest_are_shown():
    traced = one_sided({"base": [{f"m{number}": (number, number) for number in range(30)}], "head": [{}]})
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
        ImportedModule(name=f"{side}_alone", side=side, cumulative=3e-6, own=2e-6) for side in ("base", "head")
    )
