"""Compose a whole body: prprep's own sections, inside the project's pull-request template if there is one."""

import re
from dataclasses import dataclass
from pathlib import Path

from ..artifacts import Detection, Verdict
from ..text import markdown
from ..text.outline import visible
from ..text.repair import repaired
from ..text.templating import fill
from . import house_rules
from .boxes import Proofs, tick_proved
from .evidence import Evidence
from .placeholders import CPU, MEMORY, Limits, filled_template, template_for
from .skeleton import ReleaseNote, fill_skeleton
from .summary import has_generated_bullets, pull_request_title, title_of

OWN_SECTION = "own-section.md.j2"
TITLE = "<!-- Title: "
_BODIES = ("pr-body.md.j2", CPU, MEMORY)


@dataclass(frozen=True, slots=True)
class Body:
    """A body, the path of the template around it, what a person has to do, and how many visible characters are ours."""

    text: str
    skeleton: str = ""
    todos: tuple[str, ...] = ()
    seen: int = 0


def compose(evidence: Evidence, limits: Limits, templates: Path | None) -> Body:
    """Return the body with as much detail as `limits` allow."""
    title = title_line(evidence)
    text = filled_template(template_for(evidence.comparison), evidence, limits, templates)
    name, template = skeleton_of(evidence, templates)
    if not template.strip():
        return Body(title + text, todos=_todos(evidence), seen=len(visible(text)))
    ticked, todos = tick_proved(template, proofs_of(evidence), name=name)
    own_title = fill(OWN_SECTION, {}, templates).strip()
    whole = fill_skeleton(ticked, text, own_title=own_title, note=_release_note(evidence))
    seen = len(visible(whole)) - len(visible(repaired(template)))
    return Body(title + whole, name, (*todos, *_todos(evidence)), seen)


def title_line(evidence: Evidence) -> str:
    """Return a comment with the pull request's title, which GitHub does not show, to be copied."""
    # Two hyphens may end a comment.
    title = re.sub("-{2,}", "\N{EN DASH}", pull_request_title(evidence))
    return f"{TITLE}{title} -->\n\n"


def skeleton_of(evidence: Evidence, templates: Path | None) -> tuple[str, str]:
    """Return path and text of the project's template, unless the manifest or the user's own overrides it."""
    detection, setting = evidence.detection, evidence.item.template
    own = templates is not None and any((templates / name).is_file() for name in _BODIES)
    if setting == "own" or (setting == "auto" and own) or not detection.pull_request_template:
        return "", ""
    return detection.pull_request_template, detection.template_text


def proofs_of(evidence: Evidence) -> Proofs:
    """Return what the artifacts prove of the statements that templates ask for."""
    comparison, benchmark = evidence.comparison, evidence.detection.benchmark
    return Proofs(
        tests_pass=bool(evidence.tests and evidence.tests.pass_at_head),
        benchmark_added=bool(benchmark and benchmark.head and not benchmark.base),
        results_shown=bool(comparison.changes),
        improved=comparison.verdict == Verdict.IMPROVED,
        changelog_changed=_changes_changelog(evidence.detection),
    )


def _changes_changelog(detection: Detection) -> bool:
    path = (detection.changelog or "").partition(" ")[2]
    return bool(path) and any(
        file == path or (path.endswith("/") and file.startswith(path)) for file in detection.files
    )


def _release_note(evidence: Evidence) -> ReleaseNote | None:
    if evidence.comparison.verdict != Verdict.IMPROVED:
        return None
    entry = markdown.one_line(title_of(evidence))
    modules = [function.module.split(".") for function in evidence.detection.functions]
    area = next((parts[1] for parts in modules if len(parts) > 1), "")
    return ReleaseNote(entry.lstrip("`~ "), markdown.inline(entry, emphasis=False), markdown.escape(area))


def _todos(evidence: Evidence) -> tuple[str, ...]:
    """Return what a person has to do whatever the template says."""
    todos = ["write the sentences that are marked in the body"] if evidence.item.is_written_by_person else []
    if has_generated_bullets(evidence):
        todos.append("read the bullets, which a command wrote, and say so if the project asks for that")
    if evidence.comparison.verdict == Verdict.IMPROVED and (evidence.detection.changelog or "").startswith("towncrier"):
        todos.append("name the changelog fragment after the issue or the pull request, whose number is not known yet")
    return (*todos, *house_rules.todos(evidence.detection.contribution_rules))
