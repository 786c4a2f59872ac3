"""report.html: the table of all items, a section for each, and the timeline of the run, in one file."""

import base64
import gzip
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from markupsafe import Markup

from ...artifacts import Verdict
from ...charts import drawing, timeline
from ...processes import secrets
from ...processes.progress import Report, silent
from ...staleness import Stage, Staleness
from ...storage.artifact import read_if_valid
from ...storage.files import fingerprint_of, read_json
from ...storage.hashing import sha256, text_of
from ...storage.links import refuse_links_in
from ...workspace.output_files import write_output
from . import item_page
from .html_templates import file, filled
from .item_page import NARROW, WIDE, ItemPage
from .report import BLOCKED, NOT_RUN, READY, REVIEW, STALE, tally

PLAIN_SECTIONS = 40
"""Items whose sections are in the page as they are; those of others are compressed, and unpacked when opened."""
REPORTED = 25
"""Items after which progress is reported: drawing the charts of one takes some 0.2 seconds."""
OPEN = 1
"""Items up to which sections are open."""
NOT_MEASURED = 1e9
_VERDICTS = (Verdict.IMPROVED, Verdict.REGRESSED, Verdict.INCONCLUSIVE, Verdict.UNCHANGED)


class Entry(NamedTuple):
    """An item as the page's template sees it."""

    page: ItemPage
    number: int
    """Its place in the manifest."""
    rank: float
    """Its place in the order of what was saved: what costs less at head first, what was not measured last."""
    section: Markup
    is_open: bool


def run(staleness: Staleness, stage: Stage, *, last: str | None, report: Report = silent) -> str:
    """Write report.html if its text changes, and return its SHA-256; `last` is that of the one written before."""
    paths = staleness.workspace.paths
    text = page_text(staleness, stage, report=report)
    write_output(paths.page, text, root=paths.folder, last=last)
    return sha256(text.encode())


def page_text(staleness: Staleness, stage: Stage, *, live: bool = False, report: Report = silent) -> str:
    """Return the page; a `live` one asks the server that it comes from for news."""
    items = entries(list(item_pages(staleness, stage, report)))
    script = file("report.js") + (file("live.js") if live else "")
    chart = _timeline(staleness, {entry.page.item: entry.page.title for entry in items})
    return secrets.masked(
        filled(
            "page.html.j2",
            policy=policy(script, live=live),
            styles=Markup(drawing.style_sheet() + file("report.css")),  # noqa: S704 - ours
            script=Markup(script),  # noqa: S704 - ours
            project=staleness.workspace.plan.top.get("slug") or "",
            tally=tally([item.page.state for item in items]),
            counts=list(_counts(items)),
            items=items,
            timeline=chart,
            stage_times=list(_stage_times(staleness)),
        )
    )


def policy(script: str, *, live: bool = False) -> str:
    """Return the Content-Security-Policy: this script alone, and nothing from anywhere."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        f"script-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join([*allowed, "connect-src 'self'"] if live else allowed)


def item_pages(staleness: Staleness, stage: Stage, report: Report) -> Iterator[ItemPage]:
    """Yield every item's part; one that is stale is made again."""
    ids = list(staleness.workspace.plan.items)
    for number, item_id in enumerate(ids, 1):
        paths = staleness.workspace.paths.item(item_id)
        made_from = staleness.fingerprint(stage, item_id)
        stored = read_if_valid(ItemPage, paths.page) if fingerprint_of(paths.page) == made_from else None
        if stored is None:
            if number % REPORTED == 0:
                report(f"charts of item {number} of {len(ids)}")
            stored = item_page.item_page(staleness.inputs(stage, item_id))
            if paths.state.is_dir():
                refuse_links_in(paths.state, paths.folder)
                stored.write(paths.page, made_from)
        yield stored


def entries(pages: Sequence[ItemPage]) -> list[Entry]:
    """Return the items in the order of what was saved."""
    ranks = {page.item: NOT_MEASURED if page.ratio is None else page.ratio - 1 for page in pages}
    numbered = sorted(enumerate(pages, 1), key=lambda each: (ranks[each[1].item], each[0]))
    return [
        Entry(page, number, ranks[page.item], _section(page, is_packed=place >= PLAIN_SECTIONS), len(pages) <= OPEN)
        for place, (number, page) in enumerate(numbered)
    ]


def _section(page: ItemPage, *, is_packed: bool) -> Markup:
    if not is_packed:
        return Markup(page.section)  # noqa: S704 - filled by a template
    packed = base64.b64encode(gzip.compress(page.section.encode(), mtime=0)).decode()
    note = "<noscript><p>This section needs JavaScript: it is compressed.</p></noscript>"
    return Markup(f'<script type="application/gzip" data-packed>{packed}</script>{note}')  # noqa: S704 - base64


def _counts(items: Sequence[Entry]) -> Iterator[tuple[str, int, str]]:
    """Yield verdicts and states with the number of their items, and the class of their colour."""
    verdicts, states = Counter(item.page.verdict for item in items), Counter(item.page.state for item in items)
    yield from ((verdict, verdicts[verdict], verdict) for verdict in _VERDICTS if verdicts[verdict])
    kinds = {READY: "", REVIEW: "inconclusive", BLOCKED: "regressed", STALE: "", NOT_RUN: ""}
    yield from ((state, states[state], kind) for state, kind in kinds.items() if states[state])


def _timeline(staleness: Staleness, titles: dict[str, str]) -> item_page.Drawing | None:
    """Draw the last run, from logs and times; None if there was none, or it had too many items to show."""
    work = [each for item_id in titles for each in _work(staleness.workspace.paths.item(item_id).log, item_id)]
    last = timeline.last_run(work)
    if not last or len({each.item for each in last}) > timeline.MOST_ITEMS:
        return None
    wide, narrow = (timeline.chart(last, titles, width=width) for width in (WIDE, NARROW))
    return item_page.Drawing(wide, item_page.drawn(wide), item_page.drawn(narrow))


def _work(log: Path, item_id: str) -> list[timeline.Work]:
    return timeline.work_of(item_id, text_of(log), _seconds(log.with_name("times.json")))


def _seconds(times: Path) -> dict[str, float]:
    return {stage: float(took) for stage, took in read_json(times).items() if isinstance(took, (int, float))}


def _stage_times(staleness: Staleness) -> Iterator[tuple[str, ...]]:
    workspace = staleness.workspace
    times = [_seconds(workspace.paths.item(item_id).times) for item_id in workspace.plan.items]
    for name in staleness.stages:
        if took := [each[name] for each in times if name in each]:
            yield (name, str(len(took)), *(f"{value(took):.1f} s" for value in (median, max, sum)))
