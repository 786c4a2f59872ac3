"""The bodies in a real browser: what a reader on GitHub would see of them."""

from __future__ import annotations

import itertools
import re

import pytest

from tests.stages.render.test_render import CASES, body_of
from tests.support.browser import CHROMIUM, seen_in_browser

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")]
ELEMENTS = {
    "a", "blockquote", "br", "code", "del", "details", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "input", "li", "ol", "p", "pre",
    "strong", "summary", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    return seen_in_browser({name: body_of(case) for name, case in CASES.items()}, tmp_path_factory.mktemp("browser"))


@pytest.mark.parametrize("name", CASES)
def test_every_table_is_whole_and_fits(shown, name):
    tables = shown[name]["tables"]
    assert tables
    for table in tables:
        assert len(table["cells"]) > 1
        assert len(set(table["cells"])) == 1, table
        assert not (table["seen"] and table["wide"] > 0), table
    assert shown[name]["wide"] <= 0


@pytest.mark.parametrize("name", CASES)
def test_one_table_is_in_sight(shown, name):
    assert sum(table["seen"] for table in shown[name]["tables"]) == 1


@pytest.mark.parametrize("name", CASES)
def test_details_are_closed_and_have_a_title(shown, name):
    details = shown[name]["details"]
    assert details
    assert all(not is_open and first == "summary" for is_open, first, _ in details)


@pytest.mark.parametrize("name", CASES)
def test_headings_are_in_order(shown, name):
    levels = [level for level, _ in shown[name]["headings"]]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), levels
    assert all(text.strip() for _, text in shown[name]["headings"])


@pytest.mark.parametrize("name", CASES)
def test_no_markup_is_left_over(shown, name):
    assert set(shown[name]["elements"]) <= ELEMENTS
    if name != "hostile":  # its texts hold such marks, and they are to be seen as they are
        assert not re.search(
            r"\*\*|\|:?-|```|<!--|-->|</?details|</?summary|^#+ |\{\{|\}\}|\{%|%\}", shown[name]["text"], re.MULTILINE
        )


@pytest.mark.parametrize("name", CASES)
def test_what_is_in_sight_is_short(shown, name):
    assert len(shown[name]["seen"]) <= 4000


def test_boxes_are_ticked_where_it_is_proved_and_nowhere_else(shown):
    assert shown["project-template"]["boxes"] == [
        ["checkbox", False, "Bug fix"],
        ["checkbox", True, "Performance improvement"],
        ["checkbox", True, "A benchmark was added"],
        ["checkbox", True, "Benchmark results are included"],
        ["checkbox", False, "I have read the contribution guide"],
        ["checkbox", False, "AI was used"],
    ]
