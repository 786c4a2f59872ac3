"""Fill the pull-request body from artifacts alone; a body that a person edited is kept beside the new one."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...artifacts import Bullets, ProjectTests, Rendering, Survey, Verification
from ...errors import ArtifactError, TemplateError
from ...github import survey_text
from ...storage.files import write_whole
from ...storage.hashing import digest

if TYPE_CHECKING:
    from ...body.composing import Body
    from ...body.evidence import Evidence
    from ...body.placeholders import Limits
    from ...manifest.model import Manifest, Optimization
    from ...storage.paths import ItemPaths

GITHUB_TAKES = 65_536
LONGEST = 60_000
IN_SIGHT = 4_000
"""Characters that we write outside of folded parts, where less detail can bring it about."""


def run(
    item: Optimization,
    manifest: Manifest,  # noqa: ARG001 - part of every stage that needs to know the whole
    *,
    paths: ItemPaths,
    body: Path,
    templates: Path | None,
    fingerprint: str,
) -> None:
    """Read what the stages before wrote, write `body` and render.json."""
    from ...body.placeholders import template_for

    evidence = gather(item, paths)
    made = bounded(evidence, templates)
    keep_edited(body, made.text, paths)
    write_whole(body, made.text)
    Rendering(
        item=item.id,
        body=os.path.relpath(body, paths.folder).replace(os.sep, "/"),
        sha256=_sha256(made.text.encode()),
        template=template_for(evidence.comparison),
        needs_review=(*to_review(evidence), *unprinted(evidence, made.text)),
        comparison=digest(paths.compare) or "",
        headline=evidence.comparison.headline,
        skeleton=made.skeleton,
        todos=made.todos,
    ).write(paths.render, fingerprint)


def gather(item: Optimization, paths: ItemPaths) -> Evidence:
    """Read the artifacts, and the benchmark where it stands in no commit."""
    from ...body.evidence import Evidence

    return replace(
        Evidence.compared(item, paths),
        survey=Survey.read(paths.survey),
        tests=ProjectTests.read(paths.tests),
        verification=Verification.read(paths.verify),
        generated=Bullets.read(paths.summarize) if item.summarize and not item.summary else None,
    )


def bounded(evidence: Evidence, templates: Path | None) -> Body:
    """Compose with as much detail as GitHub takes and a reader wants in sight; raise TemplateError where even the least is too long."""
    from ...body.composing import compose

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
    from ...body import house_rules

    by_person = evidence.item.is_told_by_person
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


def keep_edited(body: Path, text: str, paths: ItemPaths) -> Path | None:
    """Move a body that is not as prprep left it out of the way of `text`, to the first free `<name>.edited.md`."""
    if not body.exists() or _sha256(body.read_bytes()) in {_sha256(text.encode()), _last_written(body, paths)}:
        return None
    kept = body.with_name(f"{body.stem}.edited{body.suffix}")
    number = 2
    while kept.exists():
        kept = body.with_name(f"{body.stem}.edited-{number}{body.suffix}")
        number += 1
    body.replace(kept)
    return kept


def _limits() -> tuple[Limits, ...]:
    from ...body.placeholders import FULL, Limits

    return (
        FULL,
        Limits(1, 40, 20_000, 60, sight=4, details=400),
        Limits(1, 40, 20_000, 60, sight=3, commands=False, details=0),
        Limits(1, 10, 8_000, 20, sight=3, commands=False, details=0),
        Limits(1, 0, 0, 5, sight=2, commands=False, details=0),
    )


def _last_written(body: Path, paths: ItemPaths) -> str | None:
    """Return the hash of what prprep last wrote at `body`, None where it does not know."""
    try:
        last = Rendering.read(paths.render)
    except ArtifactError:
        return None
    return last.sha256 if paths.folder / last.body == body else None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
