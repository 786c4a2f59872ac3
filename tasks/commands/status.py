"""`prprep status`: the state of every item, how old its evidence is, and what a run would do again."""

import time
from pathlib import Path
from statistics import median
from typing import Any

from doit.cmd_base import Command

from .. import pipeline
from ..graph.loader import JSON, ManifestLoader, flag, graph_of, option
from ..json_output.document import Answer, name_manifest
from ..json_output.items import items_of, measured_at, row_of
from ..stages.report import report
from ..staleness import Staleness
from ..storage import spans
from ..storage.files import read_json, write_whole
from ..text import figures
from ..text.tables import terminal_width, text_table
from ..workspace.workspace import Workspace

HEADER = ("#", "Optimization", "Compare", "Evidence", "Status")
TIMES_HEADER = ("Stage", "Items", "Median", "Most", "Together")


class Status(Command):  # type: ignore[misc]
    doc_description = "Nothing is run; `prprep explain ID` says why an item is stale."
    example = "prprep status"
    only_prints = True
    cmd_options = (
        *ManifestLoader.cmd_options,
        flag("times", "show how long each stage took when it last ran"),
        JSON,
        option("junit", "write the verdicts as JUnit XML for a CI system, too", "FILE"),
    )
    answer: Answer

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:  # noqa: ARG002 - doit's signature
        junit = Path(opt_values["junit"]).absolute() if opt_values["junit"] else None
        graph = graph_of(opt_values["manifest"])
        name_manifest(self.answer, graph)
        if opt_values["json"] or junit:
            items = tuple(items_of(graph.staleness, list(graph.workspace.plan.items)))
            self.answer["items"] = items
            if junit:
                from ..json_output.junit import junit_text

                write_whole(junit, junit_text(items))
        if opt_values["times"]:
            print(times_table(graph.workspace, width=terminal_width()))
        elif not opt_values["json"]:
            print(status_table(graph.workspace, graph.staleness, now=time.time(), width=terminal_width()))
        graph.workspace.run_cache.save()
        return 0


def status_table(workspace: Workspace, staleness: Staleness, *, now: float, width: int) -> str:
    """Return the table of all items, `width` columns wide, and their tally; `now` is seconds since the epoch."""
    rows: list[report.Row] = []
    evidence = []
    for number, item_id in enumerate(workspace.plan.items, 1):
        rows.append(row_of(staleness, item_id, number=number))
        evidence.append(evidence_age(measured_at(staleness, item_id), now))
    cells = [
        (str(row.number), row.title, row.compare, age, status)
        for row, age, status in zip(rows, evidence, report.statuses(rows), strict=True)
    ]
    return f"{text_table(HEADER, cells, width)}\n\n{report.tally([row.state for row in rows])}"


def times_table(workspace: Workspace, *, width: int) -> str:
    """Return the table of the stages' seconds over all items, and what share of their time nothing was measured.

    Stages of several items may run at the same time: time counts once.
    """
    times = [read_json(workspace.paths.item(item_id).times) for item_id in workspace.plan.items]
    seconds = {name: [each[name] for each in times if name in each] for name in pipeline.NAMES}
    together = [sum(each.get(name, 0) for name in pipeline.NAMES) for each in times if each]
    rows = [_times_row(name, values) for name, values in {**seconds, "all": together}.items()]
    table = text_table(TIMES_HEADER, [row for row in rows if row], width)
    known = [spans.read(workspace.paths.item(item_id).spans) for item_id in workspace.plan.items]
    whole = spans.union(span for each in known for span in each.ran)
    measuring = spans.union(span for each in known for span in each.measured)
    if not measuring:
        return table
    share = 100 * (1 - measuring / whole)
    return (
        f"{table}\n\nat work for {whole:.1f} s, measuring for {measuring:.1f} s of them: {share:.0f} % is anything else"
    )


def _times_row(name: str, seconds: list[float]) -> tuple[str, ...]:
    if not seconds:
        return ()
    return (name, str(len(seconds)), *(f"{value(seconds):.1f} s" for value in (median, max, sum)))


def evidence_age(measured_at: float | None, now: float) -> str:
    """Say how long ago samples were taken: `3 hours old`."""
    if measured_at is None:
        return report.NOTHING
    age = figures.age(now - measured_at)
    return f"{age} old" if age else "just taken"
