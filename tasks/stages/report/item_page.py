"""One item's part of report.html: a row of the table, and a section with its evidence."""

import math
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

from markupsafe import Markup

from ...artifacts import Change, Comparison, Samples, Share, Verdict
from ...body.effects import effect
from ...body.views import leading, leading_change
from ...charts import drawing, effects, functions, of_item, samples
from ...processes import secrets
from ...staleness import StageInputs
from ...storage.artifact import Artifact
from ...storage.hashing import read_bytes
from ...storage.paths import PROFILES, relative_path
from ...text import figures
from ..report import report as texts
from .body_html import html_of
from .html_templates import filled

WIDE, NARROW = 880, 340
"""Pixels of a chart that is drawn twice: for a window, and for a phone."""
MOST_TESTS = 4
"""Tests of which charts are drawn."""
_DECIDED = (Verdict.IMPROVED, Verdict.REGRESSED)
_ADVICE = {
    Verdict.REGRESSED: "The functions and flame graphs below show what takes more.",
    Verdict.INCONCLUSIVE: "A larger `budget:` or a quieter machine (`--wait-for-quiet`) may decide it.",
    Verdict.UNCHANGED: "An input on which the change matters more may show an effect; else leave the item out.",
}
_NEXT = {
    texts.READY: "Read the body below, then run `prprep branch {id}`.",
    texts.REVIEW: "Settle these points. `prprep branch {id}` builds the branch if you agree with the body.",
    texts.BLOCKED: "`prprep explain {id}` shows the log. Fix it and run `prprep` again.",
    texts.STALE: "The inputs have changed since: run `prprep` again.",
    texts.NOT_RUN: "Run `prprep`.",
}


class ItemPage(Artifact):
    """An item's row and section; `ratio` is that of its leading change, None without a comparison."""

    SCHEMA = 1
    STAGE = "page"

    item: str
    title: str
    state: str
    verdict: str = ""
    change: str = ""
    """The leading change, like `+26.4 %`."""
    effect: str = ""
    """In words, like `1.26x faster`; without a decided verdict, the interval."""
    costs: str = ""
    ratio: float | None = None
    bar: str = ""
    section: str


class Drawing(NamedTuple):
    """A chart in the page: drawn for a wide and for a narrow window, if they differ."""

    chart: drawing.Chart
    wide: Markup
    narrow: Markup | None = None


class TestCharts(NamedTuple):
    """The charts of one benchmark test, and its launches and functions as tables."""

    name: str
    drawings: list[Drawing]
    launches: list[tuple[str, ...]]
    functions: list[tuple[str, ...]]


def item_page(inputs: StageInputs) -> ItemPage:
    """Make an item's part from its artifacts; whatever is missing or broken is left out."""
    row = texts.read_row(0, inputs)
    comparison, taken = texts.read_if_written(inputs, Comparison), texts.read_if_written(inputs, Samples)
    change = leading(comparison) if comparison else None
    tests = list(_tests(comparison, taken)) if comparison and taken else []
    body = read_bytes(inputs.folder / row.body) if row.body != texts.NOTHING else None
    section = filled(
        "item.html.j2",
        row=row,
        comparison=comparison,
        headline=_headline(comparison, change) if comparison and change else "",
        tests=tests,
        more_tests=max(0, len(_test_names(comparison)) - MOST_TESTS) if comparison else 0,
        old_samples=bool(taken and taken.functions and not taken.stacks and not taken.held),
        flame_graphs=_flame_graphs(inputs),
        body=html_of(body.decode(errors="replace")) if body is not None else None,
        what_next=_NEXT[row.state].format(id=row.id),
        advice=_ADVICE.get(comparison.verdict, "") if comparison and row.state == texts.REVIEW else "",
    )
    return ItemPage(
        item=row.id,
        title=row.title,
        state=row.state,
        section=secrets.masked(section),
        **_row_of(change, comparison.verdict) if change and comparison else {},
    )


def _headline(comparison: Comparison, change: Change) -> str:
    """Return the effect in words; without a decided verdict, no words that would claim one."""
    is_decided = comparison.verdict in _DECIDED
    return effect(change) if is_decided else f"{comparison.verdict.capitalize()}: {comparison.headline}"


def _row_of(change: Change, verdict: Verdict) -> dict[str, object]:
    low, ratio, high = change.interval.low, change.interval.ratio, change.interval.high
    base, head = (figures.quantity(cost, change.unit) for cost in (change.base, change.head))
    return {
        "verdict": verdict,
        "change": figures.change(ratio, low, high),
        "effect": effect(change).partition(" (")[0] if verdict in _DECIDED else figures.interval(low, high),
        "costs": f"{base} → {head}",
        "ratio": ratio if math.isfinite(ratio) else None,
        "bar": drawing.svg_of(effects.bar(change, verdict)),
    }


def _test_names(comparison: Comparison) -> list[str]:
    """Return the tests that the claim rests on, else all."""
    primary = dict.fromkeys(change.test for change in comparison.changes if change.primary)
    return list(primary or dict.fromkeys(change.test for change in comparison.changes))


def _tests(comparison: Comparison, taken: Samples) -> Iterator[TestCharts]:
    for test in _test_names(comparison)[:MOST_TESTS]:
        shares = [share for share in comparison.functions if share.test == test]
        times = functions.times_of(test, comparison.changes)
        change = leading_change([each for each in comparison.changes if each.test == test], comparison.verdict)
        if change:
            yield TestCharts(
                test.rpartition("::")[2],
                list(_drawings(change, comparison, taken)),
                list(_launch_rows(change, taken)),
                [
                    _function_row(each.function, each.base, each.head)
                    for each in functions.shown_functions(shares, times)
                ],
            )


def _drawings(change: Change, comparison: Comparison, taken: Samples) -> Iterator[Drawing]:
    """Draw the charts of a test for which there are data."""
    for _, chart in of_item.charts_of(change, comparison, taken):
        yield Drawing(chart, drawn(chart))
    wide, narrow = (of_item.flame_graphs_of(change.test, comparison, taken, width=width) for width in (WIDE, NARROW))
    if wide and narrow:
        yield Drawing(wide, drawn(wide), drawn(narrow))


def drawn(chart: drawing.Chart) -> Markup:
    return Markup(drawing.svg_of(chart))  # noqa: S704 - Vega escapes what it writes


def _launch_rows(change: Change, taken: Samples) -> Iterator[tuple[str, ...]]:
    for measurement in taken.measurements:
        if (measurement.test, measurement.metric) == (change.test, change.metric):
            by_launch: dict[int, dict[str, str]] = {}
            for dot in samples.dots(measurement.launches):
                by_launch.setdefault(dot.launch, {})[dot.side] = figures.quantity(dot.value, change.unit)
            for number, values in by_launch.items():
                yield (str(number), *(values.get(side, figures.NOT_DEFINED) for side in ("base", "control", "head")))


def _function_row(name: str, *sides: Share | None) -> tuple[str, ...]:
    shown = [
        (functions.percent(each.own), functions.percent(each.share), figures.count(each.calls)) if each else None
        for each in sides
    ]
    cells = [each or (figures.NOT_DEFINED,) * 3 for each in shown]
    return (name, *(cell for pair in zip(*cells, strict=True) for cell in pair))


def _flame_graphs(inputs: StageInputs) -> list[tuple[str, str]]:
    """Return memray's flame graphs: their names, and their addresses in a page of the output folder."""
    found = sorted((inputs.state / PROFILES).glob("*.html"))
    return [(path.name.partition(".flamegraph")[0], quote(relative_path(path, inputs.output))) for path in found]
