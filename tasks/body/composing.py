"""Compose a whole body: prprep's own parts, put into the project's pull-request template where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..artifacts import Verdict
from ..text import markdown
from ..text.outline import visible
from ..text.repair import repaired
from ..text.templating import fill
from . import house_rules
from .boxes import Proofs, answered
from .placeholders import CPU, MEMORY, body_text, is_written
from .skeleton import Words, placed

if TYPE_CHECKING:
    from ..artifacts import Detection
    from .placeholders import Evidence, Limits

OWN_SECTION = "own-section.md.j2"
_BODIES = ("pr-body.md.j2", CPU, MEMORY)


@dataclass(frozen=True, slots=True)
class Body:
    """A body, the path of the template that it was put into, what is left to a person, and how much of it we wrote in sight."""

    text: str
    skeleton: str = ""
    todos: tuple[str, ...] = ()
    seen: int = 0


def composed(evidence: Evidence, limits: Limits, templates: Path | None) -> Body:
    """Return the body with as much detail as `limits` allow."""
    text = body_text(evidence, limits, templates)
    name, template = skeleton_of(evidence, templates)
    if not template.strip():
        return Body(text, todos=_todos(evidence), seen=len(visible(text)))
    filled, todos = answered(template, proofs_of(evidence), name=name)
    whole = placed(filled, text, _words(evidence, templates))
    return Body(whole, name, (*todos, *_todos(evidence)), len(visible(whole)) - len(visible(repaired(template))))


def skeleton_of(evidence: Evidence, templates: Path | None) -> tuple[str, str]:
    """Return path and text of the project's template, unless the manifest or a body template of the user's stands against it."""
    detection, wanted = evidence.detection, evidence.item.template
    own = templates is not None and any((templates / name).is_file() for name in _BODIES)
    if wanted == "own" or (wanted == "auto" and own) or not detection.pull_request_template:
        return "", ""
    return detection.pull_request_template, detection.template_text


def proofs_of(evidence: Evidence) -> Proofs:
    """Say what the artifacts prove of the statements that templates ask for."""
    detection, comparison, there = evidence.detection, evidence.comparison, evidence.detection.benchmark
    return Proofs(
        tests_pass=bool(evidence.tests and evidence.tests.pass_at_head),
        benchmark_added=bool(there and there.head and not there.base),
        results_shown=bool(comparison.changes),
        improved=comparison.verdict == Verdict.IMPROVED,
        changelog_changed=_changes_changelog(detection),
    )


def _changes_changelog(detection: Detection) -> bool:
    place = (detection.changelog or "").partition(" ")[2]
    return bool(place) and any(
        file == place or (place.endswith("/") and file.startswith(place)) for file in detection.files
    )


def _words(evidence: Evidence, templates: Path | None) -> Words:
    own = fill(OWN_SECTION, {}, templates).strip()
    if evidence.comparison.verdict != Verdict.IMPROVED:
        return Words(own)
    entry = markdown.one_line(evidence.item.title or evidence.detection.title)
    modules = [function.module.split(".") for function in evidence.detection.functions]
    area = next((".".join(parts[1:2]) for parts in modules if len(parts) > 1), "")
    return Words(own, entry.lstrip("`~ "), str(markdown.inline(entry, emphasis=False)), str(markdown.escape(area)))


def _todos(evidence: Evidence) -> tuple[str, ...]:
    """Return what is left to a person whatever the template: their own sentences, and what the project's rules ask of them."""
    found = ["write the sentences that are marked in the body"] if evidence.item.is_told_by_person else []
    if is_written(evidence):
        found.append("read the bullets, which a command wrote, and say so where the project asks for that")
    if evidence.comparison.verdict == Verdict.IMPROVED and (evidence.detection.changelog or "").startswith("towncrier"):
        found.append("name the changelog fragment after the issue or the pull request, whose number is not known yet")
    return (*found, *house_rules.todos(evidence.detection.contribution_rules))
