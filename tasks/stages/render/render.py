"""Fill the pull-request body from artifacts alone; a body that a person edited is kept beside the new one."""

import os
from dataclasses import replace
from pathlib import Path

from ...artifacts import Bullets, ProjectTests, Rendering, Survey, Verification
from ...body import house_rules
from ...body.composing import Body, compose
from ...body.evidence import Evidence
from ...body.placeholders import FULL, Limits, template_for
from ...errors import TemplateError
from ...github import survey_text
from ...manifest.model import Optimization
from ...staleness import StageInputs, fields_of
from ...storage.artifact import ArtifactReader
from ...storage.files import write_whole
from ...storage.hashing import sha256, sha256_of
from ...storage.paths import ItemPaths
from . import BODY, summarize

GITHUB_TAKES = 65_536
LONGEST = 60_000
IN_SIGHT = 4_000
"""Characters that we write outside of folded parts, where less detail can bring it about."""


def run(inputs: StageInputs) -> None:
    """Write the body; one that a person edited is moved out of the way first."""
    item, body = inputs.settings, inputs.value(BODY)
    evidence = gather(item, inputs, inputs.folder, summarize.bullets(inputs))
    made = bounded(evidence, inputs.templates)
    last = inputs.last(Rendering)
    _remove_left_behind(inputs, body, last)
    keep_edited(body, made.text, _last_written(body, last, inputs.folder))
    write_whole(body, made.text)
    inputs.write(
        Rendering(
            item=item.id,
            body=os.path.relpath(body, inputs.folder).replace(os.sep, "/"),
            sha256=sha256(made.text.encode()),
            template=template_for(evidence.comparison),
            needs_review=(*to_review(evidence), *unprinted(evidence, made.text)),
            comparison=inputs.digest("compare"),
            headline=evidence.comparison.headline,
            skeleton=made.skeleton,
            todos=made.todos,
        )
    )


def clean(paths: ItemPaths) -> None:
    """Remove the body, unless a person edited it, and the bullets."""
    if last := fields_of(paths.render).get("body"):
        _remove_unedited(paths.folder / last, paths.render)
    paths.artifact("summarize").unlink(missing_ok=True)


def _remove_left_behind(inputs: StageInputs, body: Path, last: Rendering | None) -> None:
    """Remove bodies that names left behind: the item's own under its old name, another item's under its new one."""
    previous = inputs.folder / last.body if last else None
    if previous == body:
        return
    if previous:
        _remove_unedited(previous, inputs.state / "render.json")
    if body.exists():
        for rendering in inputs.state.parent.glob("*/render.json"):
            _remove_unedited(body, rendering)


def _remove_unedited(body: Path, rendering: Path) -> None:
    """Remove `body` if it is what `rendering` says was written there."""
    recorded = fields_of(rendering)
    named = recorded.get("body") and rendering.parents[2] / recorded["body"] == body
    if named and sha256_of(body) == recorded.get("sha256"):
        body.unlink(missing_ok=True)


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
    """Compose with as much detail as GitHub takes and a reader wants in sight; raise TemplateError where even the least is too long."""
    fitting: Body | None = None
    for limits in _limits():
        made = compose(evidence, limits, templates)
        if len(made.text) <= LONGEST:
            fitting = made
            if made.seen <= IN_SIGHT:
                break
    if fitting:
        return fitting
    what = f"this body has {len(made.text):,} characters and GitHub takes {GITHUB_TAKES:,}"
    raise TemplateError(what, where=evidence.item.id, hint="shorten `details:` of the manifest, or your own template")


def to_review(evidence: Evidence) -> tuple[str, ...]:
    """Collect what a person should look at before the pull request is opened, the weightiest first."""
    by_person = evidence.item.is_written_by_person
    around = survey_text.to_review(evidence.survey, named=evidence.item.pr) if evidence.survey else ()
    run = [
        *(evidence.tests.needs_review if evidence.tests else ()),
        *(evidence.verification.needs_review if evidence.verification else ()),
    ]
    found = [*around, *evidence.comparison.needs_review, *run, *evidence.scaffolding.notes]
    found += house_rules.to_review(evidence.detection.contribution_rules, by_person=by_person)
    if evidence.generated and evidence.generated.objections:
        again = f"delete {evidence.item.id}/summarize.json to ask again"
        found += [
            f"the bullets of `summarize:` were not used, {told}; {again}" for told in evidence.generated.objections[:3]
        ]
    found += ["the body has gaps for sentences that a person writes"] if by_person else []
    if evidence.detection.dependencies:
        names = sorted({difference.name for difference in evidence.detection.dependencies})
        found.append(f"base and head ask for different dependencies: {', '.join(names)}")
    return tuple(dict.fromkeys(found))


def unprinted(evidence: Evidence, text: str) -> tuple[str, ...]:
    """Say so where the body gives other commands than those that were run, as a template of the user's may make it."""
    ran = evidence.verification.commands if evidence.verification else ()
    return (
        ()
        if all(each.text in text for each in ran)
        else ("the commands that were run in a fresh clone are not those of the body",)
    )


def keep_edited(body: Path, text: str, last_written: str | None) -> Path | None:
    """Move a body that prprep did not leave like this out of the way of `text`, to the first free `<name>.edited.md`."""
    if sha256_of(body) in {None, sha256(text.encode()), last_written}:
        return None
    kept = body.with_name(f"{body.stem}.edited{body.suffix}")
    number = 2
    while kept.exists():
        kept = body.with_name(f"{body.stem}.edited-{number}{body.suffix}")
        number += 1
    body.replace(kept)
    return kept


def _limits() -> tuple[Limits, ...]:
    return (
        FULL,
        Limits(1, 40, 20_000, 60, sight=4, details=400),
        Limits(1, 40, 20_000, 60, sight=3, commands=False, details=0),
        Limits(1, 10, 8_000, 20, sight=3, commands=False, details=0),
        Limits(1, 0, 0, 5, sight=2, commands=False, details=0),
    )


def _last_written(body: Path, last: Rendering | None, folder: Path) -> str | None:
    """Return the SHA-256 of what prprep last wrote at `body`, None if it does not know."""
    return last.sha256 if last and folder / last.body == body else None
