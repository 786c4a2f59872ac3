"""`prprep status`: the state of every item, how old its evidence is, and what a run would do again."""

import dataclasses
import time
from typing import Any

from doit.cmd_base import Command

from .. import pipeline
from ..graph.loader import ManifestLoader, graph_of
from ..stages.report import MEASURED_AT, report
from ..staleness import StageInputs, Staleness
from ..text import figures
from ..text.tables import terminal_width, text_table
from ..workspace.workspace import Workspace

HEADER = ("#", "Optimization", "Compare", "Evidence", "Status")


class Status(Command):  # type: ignore[misc]
    doc_description = "Nothing is run; `prprep explain ID` says why an item is stale."
    example = "prprep status"
    cmd_options = ManifestLoader.cmd_options

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:  # noqa: ARG002 - doit's signature
        graph = graph_of(opt_values["manifest"])
        print(status_table(graph.workspace, graph.staleness, now=time.time(), width=terminal_width()))
        graph.workspace.run_cache.save()
        return 0


def status_table(workspace: Workspace, staleness: Staleness, *, now: float, width: int) -> str:
    """Return the table of all items, `width` columns wide, and their tally; `now` is seconds since the epoch."""
    rows: list[report.Row] = []
    evidence = []
    for number, item_id in enumerate(workspace.plan.items, 1):
        stale = [stage for stage in pipeline.NAMES if not staleness.is_fresh(stage, item_id)]
        inputs = StageInputs(pipeline.REPORT, staleness.item(item_id))
        row = report.read_row(number, inputs, stale=bool(stale))
        if stale and row.state == report.STALE:
            row = dataclasses.replace(row, reasons=(f"{', '.join(stale)} will run again",))
        rows.append(row)
        evidence.append(evidence_age(inputs.value(MEASURED_AT), now))
    cells = [
        (str(row.number), row.title, row.compare, age, status)
        for row, age, status in zip(rows, evidence, report.statuses(rows), strict=True)
    ]
    return f"{text_table(HEADER, cells, width)}\n\n{report.tally(rows)}"


def evidence_age(measured_at: float | None, now: float) -> str:
    """Say how long ago samples were taken: `3 hours old`."""
    if measured_at is None:
        return report.NOTHING
    age = figures.age(now - measured_at)
    return f"{age} old" if age else "just taken"
