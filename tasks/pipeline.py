"""The graph on one screen: the stages of each item, in order, and the report.

A stage is declared in `tasks/stages/NAME/__init__.py` and does its work in `tasks/stages/NAME/NAME.py`, by a function
`run(inputs)`, and `clean(paths)` if it leaves more than its artifact. That module is imported when the stage runs: a
run with nothing to do imports none. What makes an artifact stale is decided by `staleness`; nothing here knows doit.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .errors import NeedsReviewError, PrprepError, SystemCallError
from .processes.progress import Report, silent
from .processes.secrets import pass_variables
from .staleness import Stage, StageInputs, Staleness, fields_of
from .storage import spans
from .storage.cache import keep_json
from .storage.files import fingerprint_of, read_json
from .storage.journal import Journal
from .storage.links import refuse_links_in

if TYPE_CHECKING:
    from .storage.paths import ItemPaths
    from .workspace.workspace import Workspace

Elsewhere = Callable[[Stage], Callable[[StageInputs], None]]

NAMES = (
    "detect",
    "survey",
    "record",
    "scaffold",
    "inject",
    "lint",
    "tests",
    "measure",
    "codeflash",
    "compare",
    "verify",
    "render",
)
STAGES: tuple[Stage, ...] = tuple(import_module(f".stages.{name}", __package__).STAGE for name in NAMES)
_REPORTING = import_module(".stages.report", __package__)
REPORT: Stage = _REPORTING.STAGE
PAGE: Stage = _REPORTING.PAGE
_RUNNING: Counter[str] = Counter()
_ENDED = threading.Condition()
"""How many items each stage runs for in this process, and when that changes."""
_NOTING = threading.Lock()
"""Held to add to a file that all stages of an item write."""


def staleness_of(workspace: Workspace, *, not_before: float = 0.0) -> Staleness:
    return Staleness(workspace, STAGES, (REPORT, PAGE), not_before=not_before)


def tasks(
    staleness: Staleness, act: Callable[..., Any], fresh: Callable[..., Any], *, elsewhere: Elsewhere | None = None
) -> Iterator[dict[str, Any]]:
    """Yield every task of the graph.

    `act(perform, label)` wraps a piece of work into a doit action, `fresh(question)` a question into an `uptodate`;
    `elsewhere(stage)` returns what does the work of a stage, if that is not this process.
    """
    for stage in STAGES:
        yield {"basename": stage.name, "name": None, "doc": f"{stage.doc}, for each item"}
        for item_id in staleness.workspace.plan.items:
            yield _task(staleness, stage, item_id, act, fresh, elsewhere(stage) if elsewhere else None)
    workspace = staleness.workspace
    yield {
        "basename": REPORT.name,
        "doc": REPORT.doc,
        "actions": [act(partial(write_report, staleness), REPORT.name)],
        "targets": [_relative(workspace, workspace.paths.report)],
        "uptodate": [fresh(partial(report_is_fresh, staleness))],
        "clean": [partial(clean_report, workspace)],
    }


def _task(
    staleness: Staleness,
    stage: Stage,
    item_id: str,
    act: Callable[..., Any],
    fresh: Callable[..., Any],
    run: Callable[[StageInputs], None] | None,
) -> dict[str, Any]:
    workspace, item = staleness.workspace, staleness.item(item_id)
    settings, products = item.settings, stage.products(item) if stage.products else []
    refs = [ref for ref in (settings["head"], *settings["commits"]) if ref]
    return {
        "basename": stage.name,
        "name": item_id,
        "doc": settings["title"] or ", ".join(settings["functions"] or refs),
        "actions": [act(partial(perform, staleness, stage, item_id, run=run), f"{stage.name}:{item_id}")],
        "file_dep": [_relative(workspace, item.paths.file(before)) for before in stage.reads],
        "targets": [_relative(workspace, target) for target in (item.paths.artifact(stage.name), *products)],
        "uptodate": [fresh(partial(staleness.is_fresh, stage, item_id))],
        "clean": [partial(clean, stage, item.paths)],
    }


def perform(
    staleness: Staleness,
    stage: Stage,
    item_id: str,
    report_line: Report,
    *,
    run: Callable[[StageInputs], None] | None = None,
) -> None:
    """Run one stage of one item, or what `run` does instead; keep why it failed for the report, and raise it."""
    with _turn(stage):
        _perform(staleness, stage, item_id, report_line, run or (lambda inputs: work_of(stage).run(inputs)))


def _perform(
    staleness: Staleness, stage: Stage, item_id: str, report_line: Report, run: Callable[[StageInputs], None]
) -> None:
    if staleness.waits(item_id, stage.name):
        report_line("waits for a person: see the report")
        return
    paths = staleness.workspace.paths.item(item_id)
    refuse_links_in(paths.state, paths.folder)
    # Once more in each of doit's processes, which may not inherit it.
    pass_variables(staleness.item(item_id).settings["env"]["passed"])
    journal = Journal(paths.log)
    journal.begin(stage.name)
    began = time.monotonic()
    try:
        made_from = staleness.made_from(stage, item_id)
        # The fingerprint is taken before the work: an input that is edited meanwhile leaves the result stale.
        inputs = staleness.inputs(stage, item_id, journal.listening(report_line))
        run(inputs)
    except NeedsReviewError as error:
        journal.listening(report_line)(str(error))
    except PrprepError as error:
        journal.failed(error)
        _keep_failure(paths, stage, error)
        raise
    except OSError as error:
        # If the disk is full, the failure may not fit on it either; the action reports it in any case.
        with suppress(OSError):
            journal.failed(failure := SystemCallError(error))
            _keep_failure(paths, stage, failure)
        raise
    except Exception as error:
        # The action reports a defect; the report has to know as well.
        _keep_failure(paths, stage, PrprepError(f"this is a defect of prprep: {type(error).__name__}: {error}"))
        raise
    else:
        # This stage passed: drop the failure that an earlier run stored for it, also one that cannot be read.
        if paths.failure.exists() and fields_of(paths.failure).get("stage") in {stage.name, None}:
            paths.failure.unlink()
    finally:
        staleness.changed()
    with _NOTING:
        keep_json(paths.made_from, {**read_json(paths.made_from), stage.name: made_from})
        took, ended = time.monotonic() - began, time.time()
        keep_json(paths.times, {**read_json(paths.times), stage.name: round(took, 2)})
        spans.keep(paths.spans, stage.name, (ended - took, ended), inputs.measured)


@contextmanager
def _turn(stage: Stage) -> Iterator[None]:
    """Wait until no stage runs, for any item, that this one comes after."""
    with _ENDED:
        _ENDED.wait_for(lambda: not any(_RUNNING[name] for name in stage.after_others))
        _RUNNING[stage.name] += 1
    try:
        yield
    finally:
        with _ENDED:
            _RUNNING[stage.name] -= 1
            _ENDED.notify_all()


def work_of(stage: Stage) -> ModuleType:
    return import_module(f".stages.{stage.name}.{stage.name}", __package__)


def clean(stage: Stage, paths: ItemPaths) -> None:
    """Remove what a stage wrote; a body or a benchmark that a person edited stays."""
    refuse_links_in(paths.state, paths.folder)
    if extra := getattr(work_of(stage), "clean", None):
        extra(paths)
    paths.artifact(stage.name).unlink(missing_ok=True)


def write_report(staleness: Staleness, report_line: Report) -> None:
    report_line("writing report.md and report.html" if _REPORTING.has_page() else "writing report.md")
    summary(staleness, report_line)


def summary(staleness: Staleness, report_line: Report = silent, *, draws: bool = True) -> str:
    """Return the table of all items; it is written again only if an item or the terminal's width has changed.

    Without `draws`, report.html is left as it is.
    """
    from .text.tables import terminal_width

    _drop_settled_failures(staleness)
    workspace, width = staleness.workspace, terminal_width()
    made_from, stored = staleness.fingerprint_of_all(REPORT), workspace.paths.table
    is_current = fingerprint_of(stored) == f"{made_from} {width}" and workspace.paths.report.is_file()
    if is_current and (not draws or page_is_fresh(staleness)) and (text := fields_of(stored).get("text")):
        return str(text)
    from .artifacts import Table

    written: tuple[str, str] = work_of(REPORT).run(staleness, REPORT, width=width, last=_written(workspace)[0][1])
    table, report = written
    page_made_from, page = _write_page(staleness, report_line) if draws else _last_page(staleness)
    artifact = Table(text=table, made_from=made_from, report=report, page=page, page_made_from=page_made_from)
    artifact.write(stored, f"{made_from} {width}")
    return table


def _write_page(staleness: Staleness, report_line: Report) -> tuple[str, str]:
    """Update report.html; return the hashes of its inputs and of its content, without the extra those of last time."""
    if page_is_fresh(staleness):
        return _last_page(staleness)
    made_from, last = staleness.fingerprint_of_all(PAGE), _last_page(staleness)[1]
    page = import_module(".stages.report.page", __package__)
    return made_from, page.run(staleness, PAGE, last=last or None, report=report_line)


def _last_page(staleness: Staleness) -> tuple[str, str]:
    before = fields_of(staleness.workspace.paths.table)
    return before.get("page_made_from", ""), before.get("page", "")


def page_is_fresh(staleness: Staleness) -> bool:
    """Return whether report.html is up to date, or is not written."""
    paths = staleness.workspace.paths
    if not _REPORTING.has_page():
        return True
    recorded = fields_of(paths.table).get("page_made_from")
    return paths.page.is_file() and recorded == staleness.fingerprint_of_all(PAGE)


def result_of(staleness: Staleness, item_id: str) -> tuple[str, str]:
    """Return the state of an item and its result as one line: state, effect, body."""
    number = list(staleness.workspace.plan.items).index(item_id) + 1
    row = work_of(REPORT).read_row(number, StageInputs(REPORT, staleness.item(item_id)))
    parts = (row.status, row.compare.partition(" (")[0], row.body.rpartition("/")[2])
    return row.state, "; ".join(parts)


def check_report(workspace: Workspace) -> None:
    """Raise OutputError, before hours of work, if the report could not be written after them."""
    from .workspace.output_files import check_output

    for target, last in _written(workspace):
        check_output(target, root=workspace.folder, last=last)


def clean_report(workspace: Workspace) -> None:
    from .workspace.output_files import remove_output

    for target, last in _written(workspace):
        remove_output(target, root=workspace.folder, last=last)


def _written(workspace: Workspace) -> list[tuple[Path, str | None]]:
    """Return report.md and report.html with the SHA-256 of what prprep wrote last, None if it does not know."""
    fields = fields_of(workspace.paths.table)
    pages = [(workspace.paths.page, fields.get("page") or None)] if _REPORTING.has_page() else []
    return [(workspace.paths.report, fields.get("report")), *pages]


def report_is_fresh(staleness: Staleness) -> bool:
    paths = staleness.workspace.paths
    recorded, _, _ = (fingerprint_of(paths.table) or "").partition(" ")
    return paths.report.is_file() and recorded == staleness.fingerprint_of_all(REPORT) and page_is_fresh(staleness)


def _keep_failure(paths: ItemPaths, stage: Stage, error: PrprepError) -> None:
    from .artifacts import Failure

    fields = {"message": str(error), "where": error.where, "hint": error.hint, "kind": error.kind}
    Failure(item=paths.id, stage=stage.name, **fields).write(paths.failure)


def _drop_settled_failures(staleness: Staleness) -> None:
    """Forget failures whose cause was taken back: what the stage wrote before is fresh again."""
    for item_id in staleness.workspace.plan.items:
        failed = staleness.failed_stage(item_id)
        if failed in NAMES and staleness.is_fresh(failed, item_id):
            staleness.workspace.paths.item(item_id).failure.unlink(missing_ok=True)
            staleness.changed()


def _relative(workspace: Workspace, path: str | Path) -> str:
    """Return a path relative to the manifest's folder, in which doit runs."""
    return str(path).removeprefix(f"{workspace.folder}/")
