"""Describe items from their artifacts alone, for every command that says something about items."""

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

from .. import pipeline
from ..artifacts import (
    SIDES,
    Branching,
    Change,
    Comparison,
    Detection,
    LintFinding,
    Linting,
    Opening,
    Scaffolding,
    Survey,
    claimed_domains,
    optimized_function,
)
from ..bench.heads import changes_between
from ..benchmark_tests.linting import RULES, Finding
from ..body.effects import judged_effect
from ..github import survey_text
from ..stages.report import MEASURED_AT, report
from ..staleness import StageInputs, Staleness, fields_of
from ..storage.artifact import read_if_valid
from ..storage.files import read_json
from ..storage.journal import tail
from ..storage.paths import ItemPaths, relative_path
from . import models

TAIL_LINES = 30
"""Of the log of an item that failed."""


def items_of(staleness: Staleness, item_ids: list[str]) -> Iterator[models.Item]:
    numbers = {item_id: number for number, item_id in enumerate(staleness.workspace.plan.items, 1)}
    return (item_of(staleness, item_id, number=numbers[item_id]) for item_id in item_ids)


def row_of(staleness: Staleness, item_id: str, *, number: int) -> report.Row:
    """Return what the report says about an item, and which of its stages would run again."""
    stale = [stage for stage in pipeline.NAMES if not staleness.is_fresh(stage, item_id)]
    return report.read_row(number, StageInputs(pipeline.REPORT, staleness.item(item_id)), stale=stale)


def measured_at(staleness: Staleness, item_id: str) -> float | None:
    return StageInputs(pipeline.REPORT, staleness.item(item_id)).value(MEASURED_AT)


def item_of(staleness: Staleness, item_id: str, *, number: int = 1) -> models.Item:
    paths, row = staleness.workspace.paths.item(item_id), row_of(staleness, item_id, number=number)
    detection, scaffolding = read_if_valid(Detection, paths.detect), read_if_valid(Scaffolding, paths.scaffold)
    taken, stages = measured_at(staleness, item_id), tuple(stages_of(staleness, item_id))
    branching, opened = read_if_valid(Branching, paths.branch), read_if_valid(Opening, paths.opened)
    compare = next(stage for stage in stages if stage.name == "compare")
    is_current = compare.state == "fresh" and not compare.checked_after and not staleness.waits(item_id)
    return models.Item(
        id=item_id,
        title=row.title,
        state=row.state,
        reasons=row.reasons,
        next=next_command(staleness, item_id, state=row.state),
        failure=failure_of(paths),
        stages=stages,
        **_change(detection, scaffolding if staleness.is_fresh("scaffold", item_id) else None),
        benchmark=_benchmark(paths, scaffolding),
        survey=_survey(paths, staleness.item(item_id).settings["pr"]),
        comparison=_comparison(staleness, paths, fresh=is_current),
        measured_at=None if taken is None else datetime.fromtimestamp(taken, UTC).isoformat("T", "seconds"),
        body_edited=row.is_edited,
        todos=row.todos,
        branch=models.Branch.model_validate(branching) if branching else None,
        pull_request=opened.url if opened else "",
        paths=_files(paths, "" if row.body == report.NOTHING else row.body),
    )


def stages_of(staleness: Staleness, item_id: str) -> Iterator[models.StageStatus]:
    """Yield the state of every stage, in order."""
    paths = staleness.workspace.paths.item(item_id)
    failed, seconds = staleness.failed_stage(item_id), read_json(paths.times)
    checked_after: dict[str, str] = {}
    """For a stage that is not fresh, or depends on one: the first of these, after which it is checked again."""
    for stage in pipeline.STAGES:
        first = next((checked_after[before] for before in stage.reads if before in checked_after), "")
        why: list[str] = []
        state: models.StageState = "fresh"
        if staleness.waits(item_id, stage.name):
            state, why = _waiting(has_run=paths.artifact(stage.name).exists())
        elif not staleness.is_fresh(stage.name, item_id):
            if stage.name == failed:
                state = "failed"
            elif not paths.artifact(stage.name).exists():
                state = "not run yet"
            else:
                state, why = "stale", staleness.why_stale(stage, item_id)
        if first or state != "fresh":
            checked_after[stage.name] = first or stage.name
        yield models.StageStatus(
            name=stage.name,
            state=state,
            why=tuple(why),
            checked_after=first if state == "fresh" else "",
            seconds=seconds.get(stage.name),
        )


def _waiting(*, has_run: bool) -> tuple[models.StageState, list[str]]:
    return ("stale" if has_run else "not run yet"), ["a person has to complete the benchmark"]


def failure_of(paths: ItemPaths) -> models.Failure | None:
    failure = fields_of(paths.failure)
    if not failure:
        return None
    return models.Failure(
        stage=str(failure.get("stage")),
        message=str(failure.get("message", "")),
        where=str(failure.get("where", "")),
        hint=str(failure.get("hint", "")),
        log=_path(paths, paths.log),
        log_end=tail(paths.log, TAIL_LINES),
    )


def next_command(staleness: Staleness, item_id: str, *, state: str) -> str:
    """Return the command to run next; "" if a person has to decide something first, or nothing is left to do."""
    paths = staleness.workspace.paths.item(item_id)
    if staleness.waits(item_id) or state == report.REVIEW:
        return ""
    if state != report.READY:
        return f"prprep {pipeline.NAMES[-1]}:{item_id}"
    if not read_if_valid(Branching, paths.branch):
        return f"prprep branch {item_id}"
    opened = read_if_valid(Opening, paths.opened)
    return "" if opened and opened.number else f"prprep open {item_id}"


def comparison_alone(manifest: str, item: models.Item) -> models.Item:
    """Describe an item that becomes no pull request: its state is that of its comparison."""
    state: dict[str, Any]
    if item.failure:
        state = {"next": f"prprep -m {shlex.quote(manifest)} explain {item.id}"}
    elif item.benchmark and item.benchmark.needs:
        state = {}
    elif item.comparison and item.comparison.fresh:
        to_review = item.comparison.needs_review
        state = {"state": report.REVIEW if to_review else report.READY, "reasons": to_review, "next": ""}
    else:
        state = {"state": report.NOT_RUN, "reasons": (), "next": ""}
    return item.model_copy(update=state)


def linted(finding: LintFinding | Finding, path: str) -> models.LintFinding:
    """Join a finding with what is known of its rule."""
    rule = RULES[finding.rule]
    return models.LintFinding(
        path=path,
        line=finding.line,
        rule=rule.name,
        test=finding.test,
        found=finding.message if isinstance(finding, Finding) else finding.found,
        why=rule.why,
        fix=rule.fix,
        fatal=rule.fatal,
    )


def _change(detection: Detection | None, scaffolding: Scaffolding | None) -> dict[str, Any]:
    """Return the fields of an item that say what changed."""
    if detection is None:
        unknown = dict.fromkeys(("base", "head", "upstream", "target"))
        return {
            **unknown, **dict.fromkeys(("commits", "files", "functions", "domains"), ()),
            **dict.fromkeys(("target_reason", "domain_reason"), ""),
        }  # fmt: skip
    sides = (*SIDES, "upstream")
    return {
        **{
            side: models.NamedCommit(ref=getattr(detection, f"{side}_ref"), sha=getattr(detection, side))
            for side in sides
        },
        "commits": tuple(map(models.CommitTitle.model_validate, detection.commits)),
        "files": detection.files,
        "functions": tuple(map(models.Function.model_validate, detection.functions)),
        "target": detection.target,
        "target_reason": detection.target_reason,
        "domains": detection.domain.domains,
        "domain_reason": detection.domain.reason,
        **(_chosen(detection, scaffolding) if scaffolding else {}),
    }


def _chosen(detection: Detection, scaffolding: Scaffolding) -> dict[str, Any]:
    """Return the fields in which what the benchmark is about differs from what detect proposes."""
    target, domains = optimized_function(scaffolding, detection), claimed_domains(scaffolding, detection)
    fields: dict[str, Any] = {}
    if target != detection.target:
        before = f"detect proposes {detection.target or 'none'}: {detection.target_reason}"
        fields |= {"target": target, "target_reason": f"the written benchmark is about that; {before}"}
    if domains != detection.domain.domains:
        before = f"detect proposes {', '.join(detection.domain.domains)}: {detection.domain.reason}"
        fields |= {"domains": domains, "domain_reason": f"the written benchmark is about that; {before}"}
    return fields


def _benchmark(paths: ItemPaths, scaffolding: Scaffolding | None) -> models.Benchmark | None:
    if scaffolding is None:
        return None
    linting = read_if_valid(Linting, paths.lint)
    reach = linting.reach if linting else None
    fields = ("path", "test", "origin", "source", "needs", "notes")
    return models.Benchmark(
        **{name: getattr(scaffolding, name) for name in fields},
        findings=tuple(linted(each, linting.path) for each in linting.findings) if linting else (),
        changed_statements=reach.statements if reach else None,
        executed_statements=reach.executed if reach else None,
    )


def _survey(paths: ItemPaths, named: int | None) -> models.Survey | None:
    survey = read_if_valid(Survey, paths.survey)
    if survey is None:
        return None
    return models.Survey(
        decision=survey.decision.kind,
        into=survey.decision.into,
        reason=survey.decision.reason,
        unknown=survey.unknown,
        pull_requests=tuple(map(models.PullRequest.model_validate, survey.pull_requests)),
        conflicts=survey.conflicts,
        to_review=tuple(survey_text.to_review(survey, named=named)),
    )


def _comparison(staleness: Staleness, paths: ItemPaths, *, fresh: bool) -> models.Comparison | None:
    comparison = read_if_valid(Comparison, paths.compare)
    if comparison is None:
        return None
    fields = ("verdict", "headline", "reason", "needs_review", "unmeasured", "unreached")
    return models.Comparison(
        **{name: getattr(comparison, name) for name in fields},
        fresh=fresh,
        changes=tuple(map(_changed_metric, comparison.changes)),
        first_calls=tuple(models.FirstCall(**_figures(first, models.FirstCall)) for first in comparison.first_calls),
        returned=tuple(map(models.Returned.model_validate, comparison.outputs)),
        other_heads=tuple(_other_heads(staleness, paths)) if fresh else (),
    )


def _changed_metric(change: Change) -> models.Change:
    return models.Change(**_figures(change, models.Change), effect=judged_effect(change))


def _other_heads(staleness: Staleness, paths: ItemPaths) -> Iterator[models.OtherHead]:
    plan = staleness.workspace.plan.items
    name = plan[paths.id]["lockstep"]
    before = takewhile(lambda item_id: item_id != paths.id, plan)
    for item_id in (each for each in before if name and plan[each]["lockstep"] == name):
        other = staleness.workspace.paths.item(item_id)
        if staleness.is_fresh("compare", item_id) and (
            changes := tuple(map(_changed_metric, changes_between(other, paths)))
        ):
            yield models.OtherHead(item=item_id, changes=changes)


def _figures(measured: Any, model: type[models.Output]) -> dict[str, Any]:
    """Return the fields of a model that a change or its interval has."""
    fields = {**measured.interval.model_dump(), **measured.model_dump()}
    return {name: fields[name] for name in model.model_fields if name in fields}


def _files(paths: ItemPaths, body: str) -> models.Files:
    profiles = sorted(path for path in paths.profiles.rglob("*") if path.is_file())
    return models.Files(
        body=body,
        samples=_path(paths, paths.samples),
        profiles=tuple(relative_path(path, paths.folder) for path in profiles),
        log=_path(paths, paths.log),
    )


def _path(paths: ItemPaths, file: Path) -> str:
    return relative_path(file, paths.folder) if file.exists() else ""
