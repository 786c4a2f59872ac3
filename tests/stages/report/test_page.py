"""report.html: its order, its safety, and what a real browser shows of it, wide and narrow."""

from __future__ import annotations

import json
import re
import subprocess
from html import unescape

import pytest

import tasks.stages.report
from tasks.artifacts import Failure
from tasks.errors import MeasuringError
from tasks.pipeline import PAGE, report_is_fresh, summary
from tasks.stages.report import page
from tasks.stages.report.body_html import html_of
from tests.stages.report.test_report import Project
from tests.support.browser import CHROMIUM, FLAGS
from tests.support.evidence import (
    CPU_IMPROVED,
    IMPORT_IMPROVED,
    INCONCLUSIVE,
    MEMORY_IMPROVED,
    REGRESSED,
    UNCHANGED,
    Case,
    samples_of,
)

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)"> "&\' {{ 7*7 }} </title> ]]> `code`'
LONG = "a_function_whose_name_goes_on_and_on_and_on_" * 6


class Pages(Project):
    """A project whose items have samples, too."""

    def add(self, item_id, case=None, **more):
        paths = super().add(item_id, case, **more)
        if case:
            samples_of(case.comparison).model_copy(update={"item": item_id}).write(paths.samples)
        return paths

    def html(self, *, live: bool = False) -> str:
        return page.page_text(self.staleness, PAGE, live=live)


@pytest.fixture
def pages(tmp_path):
    return Pages(tmp_path)


def every_state(pages: Pages) -> None:
    """Add an item for each verdict and state, some with long and hostile names."""
    pages.add("cpu", Case(CPU_IMPROVED))
    pages.add("memory", Case(MEMORY_IMPROVED), title="Hold one page at a time")
    pages.add("imports", Case(IMPORT_IMPROVED), title=LONG)
    pages.add("regressed", Case(REGRESSED), title="Cache what is cheap to compute")
    pages.add("unchanged", Case(UNCHANGED), title="Use a set")
    pages.add("inconclusive", Case(INCONCLUSIVE), title=HOSTILE)
    failed = pages.add("blocked", title="Join `lines` once")
    error = MeasuringError(f"`pytest` ended with exit code 4:\n{HOSTILE}\n{LONG}", where="blocked", hint="see the log")
    pages.paths.item("blocked").state.mkdir(parents=True, exist_ok=True)
    Failure(item="blocked", stage="measure", message=str(error)).write(failed.failure)
    pages.add("fresh", title="Not measured yet")
    log = "== measure, 2026-03-01 10:00:00\nlaunch 3 of 8\n"
    for item_id in ("cpu", "memory"):
        pages.paths.item(item_id).log.write_text(log)
        pages.paths.item(item_id).times.write_text('{"measure": 31.5}')


@pytest.mark.slow
def test_the_order_is_that_of_what_was_saved(pages):
    every_state(pages)
    shown = re.findall(r'<details class="item" id="item-(\w+)"', pages.html())
    assert shown == ["imports", "memory", "cpu", "inconclusive", "unchanged", "regressed", "blocked", "fresh"]


@pytest.mark.slow
def test_without_a_decided_verdict_no_words_claim_an_effect(pages):
    pages.add("inconclusive", Case(INCONCLUSIVE))
    text = pages.html()
    assert '<p class="headline">Inconclusive: time \N{MINUS SIGN}2.2 % (99 % interval' in text
    assert "1.02x faster" not in text.partition('<article class="markdown">')[0]
    assert "A larger <code>budget:</code> or a quieter machine" in text


@pytest.mark.slow
def test_an_item_without_its_samples_is_shown_without_charts(pages):
    paths = pages.add("cpu", Case(CPU_IMPROVED))
    paths.samples.unlink()
    assert "<figure" not in pages.html()
    paths.samples.write_text('{"schema": 3, "kind": "Samples"}\n{"half')
    assert "1.26x faster" in pages.html()


@pytest.mark.slow
def test_an_item_is_drawn_again_only_if_it_changed(pages, monkeypatch):
    pages.add("cpu", Case(CPU_IMPROVED))
    pages.add("memory", Case(MEMORY_IMPROVED))
    first, drawn = pages.html(), []
    made = page.item_page.item_page
    monkeypatch.setattr(page.item_page, "item_page", lambda inputs: drawn.append(inputs.item_id) or made(inputs))
    assert (pages.html(), drawn) == (first, [])
    Case(REGRESSED).vary(item=pages.items[1]).write(pages.folder)
    assert "regressed" in pages.html()
    assert drawn == ["memory"]


@pytest.mark.slow
def test_without_the_extra_the_report_says_how_to_get_it(pages, monkeypatch):
    pages.add("cpu", Case(CPU_IMPROVED))
    summary(pages.staleness)
    assert (pages.paths.page.exists(), "pip install" in pages.markdown) == (True, False)
    pages.paths.page.unlink()
    monkeypatch.setattr(tasks.stages.report, "find_spec", lambda _: None)
    tasks.stages.report.has_extra.cache_clear()
    try:
        summary(pages.staleness)
        assert not pages.paths.page.exists()
        assert pages.markdown.endswith(
            "With charts, in a browser: `pip install 'prprep[html]'`, then `prprep report --open`.\n"
        )
    finally:
        tasks.stages.report.has_extra.cache_clear()


@pytest.mark.slow
def test_a_page_that_was_changed_or_removed_is_written_again_and_an_edited_one_is_kept(pages):
    pages.add("cpu", Case(CPU_IMPROVED))
    summary(pages.staleness)
    first = pages.paths.page.read_text()
    assert report_is_fresh(pages.staleness)
    pages.paths.page.unlink()
    assert not report_is_fresh(pages.staleness)
    summary(pages.staleness)
    assert pages.paths.page.read_text() == first
    pages.paths.page.write_text("mine")
    pages.add("memory", Case(MEMORY_IMPROVED))
    summary(pages.staleness)
    assert pages.paths.page.with_name("report.edited.html").read_text() == "mine"
    assert "memory" in pages.paths.page.read_text()


@pytest.mark.slow
def test_the_policy_allows_the_page_s_own_script_alone(pages):
    text = unescape(pages.html())
    allowed = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    assert re.fullmatch(
        r"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-[\w+/=]+'; "
        r"base-uri 'none'; form-action 'none'",
        allowed,
    )
    assert "connect-src 'self'" in unescape(pages.html(live=True))
    assert "Nothing to show yet" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("<script>alert(1)</script>a", "a"),
        ('<img src="https://example.org/x.png" onerror="alert(1)">b', "<p>b</p>\n"),
        ('<a href="javascript:alert(1)" onclick="x()">c</a>', '<p><a rel="noopener noreferrer">c</a></p>\n'),
        ("[d](data:text/html,x)", "<p>[d](data:text/html,x)</p>\n"),
        ('<p style="position:fixed;text-align:right">e</p>', "<p>e</p>"),
        ('<style>*{display:none}</style><svg onload="x()"></svg><form action="/"><b>f</b></form>', "f"),
        ("- [x] done", 'type="checkbox"'),
        ("| a |\n|--:|\n| 1 |", '<td style="text-align:right">1</td>'),
        ("<details open><summary>g</summary>h</details>", '<details open=""><summary>g</summary>h</details>'),
    ],
)
def test_a_body_is_shown_without_anything_active(markdown, html):
    shown = str(html_of(markdown))
    assert html in shown
    assert not re.search(r"<(?:script|style|img|svg|form)|on\w+=|javascript:|position", shown.replace(markdown, ""))


# The page in a frame as wide as a phone and one as wide as a screen, all of its parts open; what is too wide, and which
# charts have no text.
WIDTHS = (390, 1280)
LOOK = """
<!doctype html><meta charset="utf-8"><script>
const wait = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));
const look = async (WIDTH) => {
  const frame = document.createElement('iframe');
  frame.style = `width:${WIDTH}px;height:3000px;border:0`;
  frame.src = 'report.html';
  await new Promise((done) => { frame.onload = done; document.body.append(frame); });
  const page = frame.contentDocument;
  page.querySelectorAll('details').forEach((each) => { each.open = true; });
  await wait(1);
  page.querySelectorAll('details').forEach((each) => { each.open = true; });
  page.querySelector('thead button')?.click();
  await wait(0.5);
  const scrolls = (each) => each && (/auto|scroll/.test(frame.contentWindow.getComputedStyle(each).overflowX) || scrolls(each.parentElement));
  const wide = [...page.body.querySelectorAll('*')].filter((each) => each.checkVisibility() && each.getBoundingClientRect().width
    && each.getBoundingClientRect().right > WIDTH + 0.5 && !scrolls(each) && !each.closest('svg g') && !each.closest('thead'));
  return {
    wide: wide.map((each) => each.outerHTML.slice(0, 120)),
    overflow: page.documentElement.scrollWidth - WIDTH,
    packed: page.querySelectorAll('script[data-packed]').length,
    items: page.querySelectorAll('details.item').length,
    sections: page.querySelectorAll('.headline').length,
    charts: page.querySelectorAll('figure svg').length,
    unnamed: page.querySelectorAll('svg:not([role=img][aria-label])').length,
    scripts: [...page.scripts].filter((each) => !each.type).length,
    images: page.images.length,
    requests: frame.contentWindow.performance.getEntriesByType('resource').map((each) => each.name),
    first: page.querySelector('#overview-table tbody tr')?.dataset.title,
  };
};
window.onload = async () => {
  const found = [];
  for (const width of WIDTHS) found.push(await look(width));
  const result = document.createElement('script');
  result.type = 'application/json'; result.id = 'found'; result.textContent = JSON.stringify(found).replaceAll('<', '\\\\u003c');
  document.body.append(result);
};
</script>
"""


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
def test_a_browser_shows_everything_and_asks_nobody(pages, tmp_path):
    every_state(pages)
    body = pages.paths.item("cpu").body("cpu")
    body.write_text(f"{body.read_text()}\n\n{HOSTILE}\n\n{LONG}\n\n|{'a|' * 30}\n|{'-|' * 30}\n", encoding="utf-8")
    for number in range(page.PLAIN_SECTIONS):
        pages.add(f"more_{number}", Case(UNCHANGED), title=f"Optimization {number}", rendered=False)
    (tmp_path / "report.html").write_text(pages.html(), encoding="utf-8")
    (tmp_path / "look.html").write_text(LOOK.replace("WIDTHS", str([*WIDTHS])), encoding="utf-8")
    command = [
        *(CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--allow-file-access-from-files"),
        *("--enable-logging=stderr", "--virtual-time-budget=40000", "--dump-dom"),
        (tmp_path / "look.html").as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    looks = json.loads(re.search(r'id="found">(.*?)</script>', done.stdout, re.DOTALL)[1])
    assert len(looks) == len(WIDTHS)
    for found in looks:
        assert found.pop("charts") > 20
        assert found == {
            "wide": [],
            "overflow": 0,
            "packed": 0,
            "unnamed": 0,
            "images": 0,
            "requests": [],
            "scripts": 1,
            "items": 8 + page.PLAIN_SECTIONS,
            "sections": 8 + page.PLAIN_SECTIONS,
            "first": HOSTILE.lower(),
        }
    # Among these would be whatever the policy stops.
    assert not re.findall(r":CONSOLE.*", done.stderr)
