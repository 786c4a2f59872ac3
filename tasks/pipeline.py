"""The graph: twelve stages for each item, and the report. The table of contents of prprep.

A stage's task depends on the artifacts of the stages before it and has its own artifact as target; what
makes it stale is decided by `freshness`. Nothing here knows how a stage works, and no stage knows doit.
Stages are imported where they are run: a run with nothing to do imports none of them.
"""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import ArtifactError, NeedsReviewError, PrprepError
from .staleness import Freshness, artifact_of, fields_of
from .storage.cache import keep_json
from .storage.files import fingerprint_of, read_json
from .storage.journal import Journal
from .workspace.workspace import short_name

if TYPE_CHECKING:
    from .artifacts import Detection
    from .manifest.model import Optimization
    from .processes.progress import Report
    from .storage.paths import ItemPaths
    from .workspace.plan import Settings
    from .workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Job:
    """What a stage is run with."""

    workspace: Workspace
    freshness: Freshness
    item: Optimization
    paths: ItemPaths
    fingerprint: str
    recorded_body: Path | None
    report: Report


@dataclass(frozen=True, slots=True)
class Stage:
    """One column of the graph: `doc` is what `doit list` shows, `reads` the stages before it."""

    name: str
    doc: str
    reads: tuple[str, ...]
    run: Callable[[Job], None]


def _detect(job: Job) -> None:
    from .stages.detect import detect

    refs = job.workspace.refs(job.item.id)
    detect.run(
        job.item,
        refs=refs,
        paths=job.paths,
        cache=job.workspace.cache,
        fingerprint=job.fingerprint,
        report=job.report,
    )


def _target(job: Job) -> dict[str, Any]:
    """Return what every stage that works on the target's repository is run with."""
    target = job.workspace.target(job.item.id)
    return {
        "paths": job.paths,
        "worktree": target.worktree,
        "cache": job.workspace.cache,
        "address": target.address,
        "fingerprint": job.fingerprint,
        "report": job.report,
    }


def _survey(job: Job) -> None:
    from .stages.survey import survey

    workspace, freshness = job.workspace, job.freshness
    around = survey.Around(
        place=workspace.target(job.item.id).place,
        kept=freshness.forge,
        others=partial(_detected, workspace, job.item.id),
        rivals=freshness.rivals(job.item.id),
    )
    target = _target(job)
    del target["worktree"]
    survey.run(job.item, around=around, **target)


def _detected(workspace: Workspace, item_id: str) -> dict[str, tuple[Detection, int | None]]:
    """Return what was detected of the items about the same repository, as far as they have come."""
    from .artifacts import Detection

    found = {}
    for each, settings in workspace.items_of(workspace.target(item_id)).items():
        with suppress(ArtifactError):
            found[each] = (Detection.read(workspace.paths.item(each).detect), settings["pr"])
    return found


def _record(job: Job) -> None:
    from .stages.record import record

    record.run(job.item, **_target(job))


def _scaffold(job: Job) -> None:
    from .stages.scaffold import scaffold

    scaffold.run(job.item, templates=job.workspace.templates, **_target(job))


def _inject(job: Job) -> None:
    from .stages.inject import inject

    inject.run(job.item, **_target(job))


def _lint(job: Job) -> None:
    from .stages.lint import lint

    lint.run(job.item, **_target(job))


def _tests(job: Job) -> None:
    from .stages.tests import tests

    tests.run(job.item, **_target(job))


def _measure(job: Job) -> None:
    from .stages.measure import measure

    measure.run(job.item, seed=random.SystemRandom().getrandbits(32), **_target(job))


def _codeflash(job: Job) -> None:
    from .stages.codeflash import codeflash

    codeflash.run(job.item, **_target(job))


def _compare(job: Job) -> None:
    from .stages.compare import compare

    compare.run(job.item, paths=job.paths, fingerprint=job.fingerprint)


def _verify(job: Job) -> None:
    from .stages.verify import verify

    settings = {name: value for name, value in _target(job).items() if name != "worktree"}
    verify.run(job.item, templates=job.workspace.templates, **settings)


def _render(job: Job) -> None:
    from .artifacts import Detection
    from .stages.render import render

    workspace = job.workspace
    body = body_of(workspace, job.item.id, Detection.read(job.paths.detect).function, recorded=job.recorded_body)
    _make_room(job, body)
    if job.item.summarize:
        from .stages.render import summarize

        address = workspace.target(job.item.id).address
        summarize.run(job.item, paths=job.paths, cache=workspace.cache, address=address, report=job.report)
    render.run(
        job.item,
        workspace.manifest,
        paths=job.paths,
        body=body,
        templates=workspace.templates,
        fingerprint=job.fingerprint,
    )


STAGES = (
    Stage("detect", "find commits, changed functions, domain, benchmark and layout", (), _detect),
    Stage("survey", "look for pull requests and changes of upstream about the same", ("detect",), _survey),
    Stage("record", "record real calls of a function that has no benchmark", ("detect",), _record),
    Stage("scaffold", "keep the benchmark that exists, or write one", ("detect", "record"), _scaffold),
    Stage("inject", "make the two trees, with the same benchmark in both", ("detect", "scaffold"), _inject),
    Stage(
        "lint",
        "hold the benchmark against the rules, and see what it reaches",
        ("detect", "record", "scaffold", "inject"),
        _lint,
    ),
    Stage("tests", "run the project's own tests at base and at head", ("detect",), _tests),
    Stage("measure", "measure base and head in lockstep pairs", ("detect", "scaffold", "inject", "lint"), _measure),
    Stage(
        "codeflash",
        "have `codeflash compare` measure as well, where asked for",
        ("detect", "scaffold", "inject", "lint"),
        _codeflash,
    ),
    Stage(
        "compare",
        "judge the samples: interval and verdict for every metric",
        ("detect", "lint", "measure", "codeflash"),
        _compare,
    ),
    Stage(
        "verify",
        "run the body's commands in a fresh clone",
        ("detect", "scaffold", "inject", "codeflash", "compare"),
        _verify,
    ),
    Stage(
        "render",
        "fill the pull-request body",
        ("detect", "survey", "scaffold", "inject", "tests", "compare", "codeflash", "verify"),
        _render,
    ),
)

NAMES = tuple(stage.name for stage in STAGES)


def tasks(
    workspace: Workspace, freshness: Freshness, act: Callable[..., Any], fresh: Callable[..., Any]
) -> Iterator[dict[str, Any]]:
    """Generate every task of the graph.

    `act(perform, label)` wraps a piece of work into a doit action, `fresh(question)` a question into an
    `uptodate`.
    """
    for stage in STAGES:
        yield {"basename": stage.name, "name": None, "doc": f"{stage.doc}, for each item"}
        for item_id in workspace.plan.items:
            yield _task(workspace, freshness, stage, item_id, act, fresh)
    yield {
        "basename": "report",
        "doc": "write report.md, the table of all items",
        "actions": [act(partial(write_report, workspace, freshness), "report")],
        "targets": [_relative(workspace, workspace.paths.report)],
        "uptodate": [fresh(partial(report_is_fresh, workspace, freshness))],
        "clean": True,
    }


def _task(
    workspace: Workspace,
    freshness: Freshness,
    stage: Stage,
    item_id: str,
    act: Callable[..., Any],
    fresh: Callable[..., Any],
) -> dict[str, Any]:
    paths = workspace.paths.item(item_id)
    settings = workspace.plan.items[item_id]
    targets = [artifact_of(paths, stage.name)]
    if stage.name == "render":
        # The body of an item whose manifest names no function is known once detect has found it.
        body = (
            body_of(workspace, item_id, item_id) if settings["functions"] else _recorded(workspace, freshness, item_id)
        )
        targets += [body] if body else []
    return {
        "basename": stage.name,
        "name": item_id,
        "doc": _titled(settings),
        "actions": [act(partial(perform, workspace, freshness, stage, item_id), f"{stage.name}:{item_id}")],
        "file_dep": [_relative(workspace, artifact_of(paths, before)) for before in stage.reads],
        "targets": [_relative(workspace, target) for target in targets],
        "uptodate": [fresh(partial(freshness.is_fresh, stage.name, item_id))],
        "clean": [partial(clean, stage.name, paths)],
    }


def perform(workspace: Workspace, freshness: Freshness, stage: Stage, item_id: str, report_line: Report) -> None:
    """Run one stage of one item; keep why it failed for the report, and raise it.

    The fingerprint is taken before the work: an input that is edited meanwhile leaves the result stale.
    """
    if freshness.waits(item_id) and stage.name not in {"detect", "survey", "record", "scaffold", "tests"}:
        report_line("waits for a person: see the report")
        return
    try:
        _attempt(workspace, freshness, stage, item_id, report_line)
    finally:
        freshness.changed(stage.name)


def _attempt(workspace: Workspace, freshness: Freshness, stage: Stage, item_id: str, report_line: Report) -> None:
    paths, journal = workspace.paths.item(item_id), Journal(workspace.paths.item(item_id).log)
    journal.begin(stage.name)
    made_from = freshness.made_from(stage.name, item_id)
    try:
        stage.run(
            Job(
                workspace=workspace,
                freshness=freshness,
                item=workspace.items[item_id],
                paths=paths,
                fingerprint=freshness.fingerprint(stage.name, item_id),
                recorded_body=_recorded(workspace, freshness, item_id),
                report=journal.listening(report_line),
            )
        )
    except NeedsReviewError as error:
        journal.listening(report_line)(str(error))
    except PrprepError as error:
        journal.failed(error)
        _keep_failure(paths, stage, str(error))
        raise
    except OSError:
        # A full disk, say: told where the action ends, and nothing can be relied on to be written.
        raise
    except Exception as error:
        # The door for defects tells the user; the report has to know as well.
        _keep_failure(paths, stage, f"this is a defect of prprep: {type(error).__name__}: {error}")
        raise
    keep_json(paths.made_from, {**read_json(paths.made_from), stage.name: made_from})
    _clear_failure(paths, stage)


def _keep_failure(paths: ItemPaths, stage: Stage, message: str) -> None:
    from .artifacts import Failure

    Failure(item=paths.id, stage=stage.name, message=message).write(paths.failure)


def _clear_failure(paths: ItemPaths, stage: Stage) -> None:
    """Drop the failure that an earlier run left, once its stage went well; one that cannot be read tells nothing."""
    if paths.failure.exists() and fields_of(paths.failure).get("stage") in {stage.name, None}:
        paths.failure.unlink()


def clean(stage: str, paths: ItemPaths) -> None:
    """Remove what a stage made; a body or a benchmark that a person edited stays."""
    if stage == "render" and (body := fields_of(paths.render).get("body")):
        _remove_unedited(paths.folder / body, paths.render)
    if stage == "render":
        paths.summarize.unlink(missing_ok=True)
    if stage == "measure":
        shutil.rmtree(paths.profiles, ignore_errors=True)
        for side in ("base", "head"):
            (paths.state / f"{side}.benchmark.json").unlink(missing_ok=True)
    artifact_of(paths, stage).unlink(missing_ok=True)


def _titled(settings: Settings) -> str:
    """Say what an item is in a line: its title, else what it is about."""
    about = settings["functions"] or [ref for ref in (settings["head"], *settings["commits"]) if ref]
    return settings["title"] or ", ".join(about)


def body_of(workspace: Workspace, item_id: str, function: str, *, recorded: Path | None = None) -> Path:
    """Name the item's body after its function; where another item has that name already, after both.

    `recorded` is the body that the item had last.
    """
    paths = workspace.paths.item(item_id)
    named = workspace.plan.items[item_id]["functions"]
    name = short_name(named[0]) if named else function
    body = paths.body(name)
    owner = workspace.function_owners.get(name)
    taken = owner != item_id if owner else body.exists() and recorded != body
    return paths.body(f"{name}-{item_id}") if taken else body


def _make_room(job: Job, body: Path) -> None:
    """Remove bodies that names have left behind: the item's own under its old name, another item's under its new one.

    What a person edited stays, and render moves it out of the way.
    """
    if job.recorded_body == body:
        return
    if job.recorded_body:
        _remove_unedited(job.recorded_body, job.paths.render)
    if body.exists():
        for rendering in job.workspace.paths.state.glob("*/render.json"):
            _remove_unedited(body, rendering)


def _remove_unedited(body: Path, rendering: Path) -> None:
    """Remove `body` if it is what `rendering` says that was written there."""
    recorded = fields_of(rendering)
    named = recorded.get("body") and rendering.parents[2] / recorded["body"] == body
    if named and body.exists() and hashlib.sha256(body.read_bytes()).hexdigest() == recorded.get("sha256"):
        body.unlink()


def _recorded(workspace: Workspace, freshness: Freshness, item_id: str) -> Path | None:
    body = freshness.recorded_body(item_id)
    return workspace.folder / body if body else None


def write_report(workspace: Workspace, freshness: Freshness, report_line: Report) -> None:
    """Write report.md and keep its table."""
    report_line("writing report.md")
    summary(workspace, freshness)


def summary(workspace: Workspace, freshness: Freshness) -> str:
    """Return the table of all items, made anew only where an item has changed or the terminal's width has."""
    from .text.tables import terminal_width

    _drop_settled_failures(workspace, freshness)
    width, made_from = terminal_width(), freshness.report_fingerprint()
    kept = _kept_table(workspace, f"{made_from} {width}")
    if kept is None or not workspace.paths.report.exists():
        from .artifacts import Table
        from .stages.report import report

        kept = report.run(workspace.manifest, workspace.paths, stale=frozenset(), width=width)
        Table(text=kept, made_from=made_from).write(_table(workspace), f"{made_from} {width}")
    return kept


def _drop_settled_failures(workspace: Workspace, freshness: Freshness) -> None:
    """Forget failures whose cause was taken back: what the stage made before that is fresh again."""
    names = {stage.name for stage in STAGES}
    for item_id in workspace.plan.items:
        failed = freshness.failed_stage(item_id)
        if failed in names and freshness.is_fresh(failed, item_id):
            workspace.paths.item(item_id).failure.unlink(missing_ok=True)
            freshness.changed()


def report_is_fresh(workspace: Workspace, freshness: Freshness) -> bool:
    """Return whether report.md shows what the items have come to."""
    recorded = fingerprint_of(_table(workspace))
    return (
        workspace.paths.report.exists()
        and recorded is not None
        and recorded.split()[0] == freshness.report_fingerprint()
    )


def _kept_table(workspace: Workspace, fingerprint: str) -> str | None:
    if fingerprint_of(_table(workspace)) != fingerprint:
        return None
    text: str | None = fields_of(_table(workspace)).get("text")
    return text


def _table(workspace: Workspace) -> Path:
    return workspace.paths.state / "report.json"


def _relative(workspace: Workspace, path: Path) -> str:
    """Spell a path as seen from the manifest's folder, where doit runs."""
    return str(path).removeprefix(f"{workspace.folder}/")
