"""Say where every item stands now: what it has come to, how old its evidence is, and what a run would do again."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..stages.report import report
from ..text.tables import text_table

if TYPE_CHECKING:
    from ..stages.report.report import Row
    from ..staleness import Freshness
    from ..workspace.workspace import Workspace

HEADER = ("#", "Optimization", "Compare", "Evidence", "Status")
_STEPS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def standing(workspace: Workspace, freshness: Freshness, stages: Sequence[str], *, now: float, width: int) -> str:
    """Return the table of all items and their tally, for a terminal of `width` columns; `now` is seconds since the epoch."""
    rows, cells = [], []
    for number, item in enumerate(workspace.manifest.optimizations, 1):
        late = [stage for stage in stages if not freshness.is_fresh(stage, item.id)]
        paths = workspace.paths.item(item.id)
        row = _told(report.read_row(number, item, paths, stale=bool(late), forge=freshness.forge), late)
        rows.append(row)
        cells.append((str(number), row.title, row.compare, evidence_age(paths.samples, now), row.status))
    return f"{text_table(HEADER, cells, width)}\n\n{report.tally(rows)}"


def evidence_age(samples: Path, now: float) -> str:
    """Say how long ago samples were taken, in the largest unit that fits: `3 hours old`."""
    try:
        seconds = now - samples.stat().st_mtime
    except OSError:
        return report.NOTHING
    for length, unit in _STEPS:
        if (count := int(seconds // length)) >= 1:
            return f"{count} {unit}{'s' if count > 1 else ''} old"
    return "just taken"


def _told(row: Row, late: Sequence[str]) -> Row:
    """Name the steps that a run would do, where the item has been through them before."""
    return (
        dataclasses.replace(row, reasons=(f"{', '.join(late)} to be done again",))
        if row.state == report.STALE and late
        else row
    )
