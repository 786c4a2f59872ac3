"""The data behind the charts, and what is drawn of them."""

from __future__ import annotations

import datetime as dt
import math
import re

import pytest

from tasks.artifacts import Held, Interval, MetricName, Stack, Verdict
from tasks.charts import drawing, effects, functions, of_item, samples, timeline
from tasks.charts.functions import Frame, Times
from tasks.charts.timeline import Work
from tasks.charts.units import unit_for
from tests.support.evidence import CPU_IMPROVED, MEMORY_IMPROVED, TEST, change, samples_of

pytestmark = pytest.mark.slow

TIME = CPU_IMPROVED.changes[0]


def stack(*names: str, base: float, head: float) -> Stack:
    return Stack(test=TEST, functions=tuple(f"m:{name}" for name in names), base=base, head=head)


def test_a_dot_is_the_median_of_a_launch_on_one_side():
    measurement = samples_of(CPU_IMPROVED).measurements[0]
    launch = measurement.launches[0].model_copy(update={"base": (3.0, 1.0, 9.0), "head": (2.0,), "control": ()})
    assert list(samples.dots((launch,))) == [("base", 1, 3.0, 3), ("head", 1, 2.0, 1)]


def test_head_s_interval_is_that_of_the_ratio_around_the_cost_at_base():
    chart = samples.of_launches(samples_of(CPU_IMPROVED).measurements[0], TIME)
    band = next(layer for layer in chart.spec["layer"] if layer["mark"]["type"] == "bar")["data"]["values"][0]
    assert band["low"] == pytest.approx(TIME.base * TIME.interval.low * 1000)
    assert band["high"] == pytest.approx(TIME.base * TIME.interval.high * 1000)
    assert band["low"] < TIME.head * 1000 < band["high"]
    assert chart.alternative.startswith("time in 8 launches: base from 14.84 ms to 15.12 ms; control from ")
    assert chart.alternative.endswith(" Estimate: 14.99 ms at base, 11.85 ms at head.")


def test_an_effect_beyond_the_axis_is_cut_and_its_text_is_whole():
    tripled = change(MetricName.TIME, 0.1, 0.3, Verdict.REGRESSED)
    values = effects.bar(tripled).spec["data"]["values"]
    assert [values[0][name] for name in ("low", "effect", "high")] == [1.0, 1.0, 1.0]
    assert values[0]["shown"] == "time +200.0 %, 99 % interval +196.7 % to +203.3 %"


def test_the_axis_of_all_metrics_fits_the_largest_effect():
    small = change(MetricName.TIME, 0.1, 0.099, Verdict.INCONCLUSIVE, width=0.02)
    domain = effects.all_metrics([small]).spec["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert domain == [-0.05, 0.05]


@pytest.mark.parametrize(
    ("values", "unit", "expected"),
    [
        ([0.0149, 0.0002], "s", (1e-3, "ms")),
        ([2.5], "s", (1.0, "s")),
        ([3 * 2.0**20], "B", (2.0**20, "MiB")),
        ([0.0], "B", (1.0, "B")),
        ([4_000.0], "1", (1.0, "")),
        ([], "s", (1e-9, "ns")),
    ],
)
def test_an_axis_has_the_unit_of_its_largest_value(values, unit, expected):
    assert unit_for(values, unit) == expected


def test_frames_lie_below_their_callers_and_say_what_changed():
    stacks = [
        stack("run", base=0.1, head=0.2),
        stack("run", "parse", base=0.6, head=0.2),
        stack("run", "write", base=0.2, head=0.4),
    ]
    times = Times(10.0, 5.0, known=True)
    assert list(functions.frames(stacks, "base", times)) == [
        Frame("m:run", 1, 0.0, pytest.approx(0.9), pytest.approx(-0.5)),
        Frame("m:parse", 2, 0.0, 0.6, pytest.approx(-0.5)),
        Frame("m:write", 2, 0.6, 0.2, pytest.approx(0.0)),
    ]
    assert [(frame.function, frame.width) for frame in functions.frames(stacks, "head", times)] == [
        ("m:run", pytest.approx(0.8)),
        ("m:parse", 0.2),
        ("m:write", 0.4),
    ]
    drawn = functions.flame_graphs(stacks, times, width=800).spec["data"]["values"]
    # A call of head takes half of the time, so its graph is half as wide.
    assert [row["right"] for row in drawn if row["label"].startswith(("base", "head"))] == [10.0, 5.0]
    assert {row["label"]: row["tint"] for row in drawn} == {
        "base, 10.00 s: the benchmark's call": "much-less",
        "head, 5.000 s: the benchmark's call": "much-less",
        "run": "much-less",
        "parse": "much-less",
        "write": "same",
    }


def test_the_sentence_of_flame_graphs_sums_up_a_function_over_its_callers():
    stacks = [
        stack("read", "parse", base=0.3, head=0.1),
        stack("read", "parse", "parse", base=0.3, head=0.2),
        stack("write", "parse", base=0.4, head=0.4),
    ]
    chart = functions.flame_graphs(stacks, Times(1.0, 1.0, known=False), width=800)
    assert chart.alternative.partition("shares of base's call: ")[2] == (
        "m:read \N{MINUS SIGN}30.0 %; m:parse \N{MINUS SIGN}30.0 %; m:write 0 %."
    )


def test_functions_have_at_most_eight_rows_and_none_below_one_percent():
    share = CPU_IMPROVED.functions[0]
    many = [
        share.model_copy(
            update={"function": f"m:f{number}", "base": share.base.model_copy(update={"own": own}), "head": None}
        )
        for number, own in enumerate([0.3, 0.2, 0.1, 0.09, 0.08, 0.07, 0.06, 0.05, 0.04, 0.009])
    ]
    assert [each.function for each in functions.shown_functions(many, Times(1.0, 1.0, known=False))] == [
        f"m:f{number}" for number in range(8)
    ]
    assert [each.function for each in functions.shown_functions(many[8:], Times(1.0, 1.0, known=False))] == ["m:f8"]


def test_functions_are_in_the_order_of_their_time_rather_than_of_their_share():
    (first, second), times = CPU_IMPROVED.functions, Times(10.0, 0.1, known=True)
    mostly_head = first.model_copy(update={"base": None, "head": first.head.model_copy(update={"own": 0.9})})
    mostly_base = second.model_copy(update={"base": second.base.model_copy(update={"own": 0.1})})
    assert functions.shown_functions([mostly_head, mostly_base], times) == [mostly_base, mostly_head]


def test_the_timeline_shows_the_last_run_alone():
    log = "== measure, 2026-03-01 08:00:00\n== compare, 2026-03-01 10:00:00\nx\n== measure, 2026-03-01 09:59:00\n== lint, 20"
    work = timeline.work_of("a", log, {"measure": 50.0, "compare": 1.0, "lint": 2.0})
    at = dt.datetime.fromisoformat("2026-03-01 10:00:00")
    assert work == [
        Work("a", "measure", at - dt.timedelta(minutes=1), 50.0),
        Work("a", "compare", at, 1.0),
    ]
    before = Work("b", "measure", at - dt.timedelta(hours=5), 600.0)
    assert timeline.last_run([*work, before]) == work
    chart = timeline.chart(work, {"a": "Merge"}, width=880)
    assert chart.alternative == "1 item in 61 seconds. Most time went into: measure 50 s, compare 1 s."


@pytest.mark.parametrize("compared", [CPU_IMPROVED, MEMORY_IMPROVED], ids=["cpu", "memory"])
def test_pictures_are_the_same_every_time_and_need_no_style_sheet(compared):
    taken = samples_of(compared)
    hostile = taken.model_copy(update={"held": (*taken.held, Held(test=TEST, side="base", sizes=(1, 2)))})
    files = of_item.pictures_of(compared.changes[0], compared, hostile)
    assert files == of_item.pictures_of(compared.changes[0], compared, hostile)
    assert {"effect-light.svg", "effect-dark.svg", "samples-light.svg", "samples-dark.svg", "README.md"} <= files.keys()
    for name, svg in files.items():
        if name.endswith(".svg"):
            assert svg.startswith('<svg role="img" aria-label="')
            assert "var(" not in svg
            # Nor anything by an id, which several charts of a page would share.
            assert not re.search(r"<script|<style|href|url\(| id=", svg)
    assert files["samples-light.svg"] != files["samples-dark.svg"]
    assert "<picture>" in files["README.md"]


@pytest.mark.parametrize(
    ("base", "head", "interval"),
    [
        (0.0, 5.0, (math.inf, math.inf, math.inf)),
        (0.0, 5.0, (0.0, math.inf, math.inf)),
        (0.0, 0.0, (1.0, 1.0, 1.0)),
        (5.0, 0.0, (0.0, 0.0, 0.0)),
        (1e-9, 1e12, (0.0, 1e21, math.inf)),
    ],
)
def test_effects_without_a_finite_ratio_are_drawn(base, head, interval):
    low, ratio, high = interval
    odd = change(MetricName.TIME, 1.0, 1.0, Verdict.INCONCLUSIVE).model_copy(
        update={"base": base, "head": head, "interval": Interval(low=low, ratio=ratio, high=high, confidence=0.99)}
    )
    measurement = samples_of(CPU_IMPROVED).measurements[0]
    launches = [each.model_copy(update={"base": (base,), "head": (head,)}) for each in measurement.launches]
    measurement = measurement.model_copy(update={"launches": tuple(launches)})
    stacks = [stack("run", base=0.5, head=0.0)]
    flames = functions.flame_graphs(stacks, functions.times_of(TEST, [odd]), width=340)
    for chart in (effects.bar(odd), effects.all_metrics([odd]), samples.of_launches(measurement, odd), flames):
        assert not re.search(r"NaN|Infinity|undefined", drawing.svg_of(chart))


def test_text_in_a_chart_is_no_markup():
    name = '<script>alert(1)</script>"&'
    hostile = TIME.model_copy(update={"test": name})
    stacks = [Stack(test=name, functions=(f"m:{name}",), base=0.9, head=0.5)]
    for chart in (effects.bar(hostile), functions.flame_graphs(stacks, Times(1.0, 1.0, known=False), width=800)):
        assert "<script" not in drawing.svg_of(chart)
