"""Fill the pull-request body from artifacts alone; a body that a person edited is kept next to the new one."""

from dataclasses import replace
from pathlib import Path

from ...artifacts import Bullets, ProjectTests, Rendering, Survey, Verification
from ...body import house_rules, summary
from ...body.composing import Body, compose
from ...body.edited_body import GITHUB_LIMIT, RENDERED
from ...body.evidence import Evidence
from ...body.placeholders import FULL, Limits, template_for
from ...errors import TemplateError
from ...github import survey_text
from ...manifest.model import Optimization
from ...processes import secrets
from ...staleness import StageInputs, fields_of
from ...storage.artifact import ArtifactReader
from ...storage.files import write_whole
from ...storage.hashing import sha256
from ...storage.paths import ItemPaths, relative_path
from ...workspace.output_files import remove_output, write_output
from . import BODY, summarize

LONGEST = 60_000
MOST_VISIBLE = 2_500
"""Characters outside of folded parts, about a screen; a body with more is composed with less detail, if that helps."""
MOST_REPORTED = 3
"""Sentences left out of a body that are reported at once; report.md has all."""
LIMITS = (
    FULL,
    Limits(40, 20_000, 60, sight=4),
    Limits(40, 20_000, 60, sight=3),
    Limits(10, 8_000, 20, sight=3),
    Limits(1, 0, 5, sight=2),
)


def run(inputs: StageInputs) -> None:
    """Write the body; one that a person edited is moved out of the way first, one that git tracks is refused."""
    item, body = inputs.settings, inputs.value(BODY)
    evidence = gather(item, inputs, inputs.folder, summarize.bullets(inputs))
    composed = bounded(evidence, inputs.templates)
    composed = replace(composed, text=secrets.masked(composed.text))
    last = inputs.last(Rendering)
    previous = inputs.folder / last.body if last else None
    if previous != body:
        _remove_old_bodies(inputs, body, previous)
    known = last.sha256 if last and previous == body else None
    write_output(body, composed.text, root=inputs.folder, last=known)
    # What a person changes in the body is found by comparing it with this copy.
    write_whole(inputs.state / RENDERED, composed.text)
    left_out = summary.summary_of(evidence).left_out
    for sentence in left_out[:MOST_REPORTED]:
        inputs.report(f"left out of the body: {sentence}")
    if (more := len(left_out) - MOST_REPORTED) > 0:
        inputs.report(f"left out of the body: {more} more, which the report lists")
    inputs.write(
        Rendering(
            item=item.id,
            body=relative_path(body, inputs.folder),
            sha256=sha256(composed.text.encode()),
            template=template_for(evidence.comparison),
            needs_review=(*to_review(evidence), *changed_commands(evidence, composed.text)),
            comparison=inputs.digest("compare"),
            headline=evidence.comparison.headline,
            skeleton=composed.skeleton,
            todos=composed.todos,
            left_out=left_out,
        )
    )


def clean(paths: ItemPaths) -> None:
    """Remove the body, unless a person edited it, and the bullets."""
    if last := fields_of(paths.render).get("body"):
        _remove_unedited(paths.folder / last, paths.render, root=paths.folder)
    paths.artifact("summarize").unlink(missing_ok=True)
    (paths.state / RENDERED).unlink(missing_ok=True)


def _remove_old_bodies(inputs: StageInputs, body: Path, previous: Path | None) -> None:
    """Remove the item's body under its old name, and another item's old body under the new name."""
    if previous:
        _remove_unedited(previous, inputs.state / "render.json", root=inputs.folder)
    if body.exists():
        for rendering in inputs.state.parent.glob("*/render.json"):
            _remove_unedited(body, rendering, root=inputs.folder)


def _remove_unedited(body: Path, rendering: Path, *, root: Path) -> None:
    """Remove `body` if it is unchanged since `rendering` was written."""
    recorded = fields_of(rendering)
    if recorded.get("body") and rendering.parents[2] / recorded["body"] == body:
        remove_output(body, root=root, last=recorded.get("sha256"))


def gather(item: Optimization, artifacts: ArtifactReader, folder: Path, bullets: Bullets | None = None) -> Evidence:
    """Read the artifacts, and the benchmark if no commit holds it."""
    return replace(
        Evidence.compared(item, artifacts, folder),
        survey=artifacts.read(Survey),
        tests=artifacts.read(ProjectTests),
        verification=artifacts.read(Verification),
        generated=bullets,
    )


def bounded(evidence: Evidence, templates: Path | None) -> Body:
    """Compose with as much detail as GitHub and a reader accept; raise TemplateError if the least is too long."""
    fitting: Body | None = None
    for limits in LIMITS:
        composed = compose(evidence, limits, templates)
        if len(composed.text) <= LONGEST:
            fitting = composed
            if composed.seen <= MOST_VISIBLE:
                break
    if fitting:
        return fitting
    what = f"this body has {len(composed.text):,} characters and GitHub accepts {GITHUB_LIMIT:,}"
    raise TemplateError(what, where=evidence.item.id, hint="shorten `details:` of the manifest, or your own template")


def to_review(evidence: Evidence) -> tuple[str, ...]:
    """Collect what a person should review before opening the pull request, the most important first."""
    by_person = evidence.item.is_written_by_person
    reasons = [*survey_text.to_review(evidence.survey, named=evidence.item.pr)] if evidence.survey else []
    reasons += evidence.comparison.needs_review
    for artifact in (evidence.tests, evidence.verification):
        reasons += artifact.needs_review if artifact else ()
    reasons += evidence.scaffolding.notes
    reasons += summary.to_review(evidence)
    reasons += house_rules.to_review(evidence.detection.contribution_rules, by_person=by_person)
    again = f"delete {evidence.item.id}/summarize.json to ask again"
    for objection in evidence.generated.objections[:3] if evidence.generated else ():
        reasons.append(f"the bullets of `summarize:` were not used, {objection}; {again}")
    reasons += ["the body has gaps for sentences that a person writes"] if by_person else []
    if names := sorted({difference.name for difference in evidence.detection.dependencies}):
        reasons.append(f"base and head ask for different dependencies: {', '.join(names)}")
    return tuple(dict.fromkeys(reasons))


def changed_commands(evidence: Evidence, text: str) -> tuple[str, ...]:
    """Report that the body has other commands than those that ran, which a user's own template can cause."""
    ran = evidence.verification.commands if evidence.verification else ()
    if all(command.text in text for command in ran):
        return ()
    return ("the commands that were run in a fresh clone are not those of the body",)
