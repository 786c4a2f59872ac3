"""Say why a pull request is not to be opened: evidence that is stale, failed, edited, or does not carry the claim.

Each question gives its reasons as sentences with the way out; nothing is opened while there is one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from ..artifacts import Bullets, Comparison, ProjectTests, Rendering, Survey, Verdict, Verification
from ..body.claims import CitableEvidence
from ..errors import ArtifactError, PrprepError
from ..stages.compare import compare
from ..stages.render import render
from ..staleness import fields_of
from ..storage.artifact import ArtifactFolder
from ..storage.hashing import digest_of
from . import edited_body

if TYPE_CHECKING:
    from ..artifacts import Branching, ContributionRule
    from ..manifest.model import Optimization
    from ..staleness import Staleness
    from ..storage.paths import ItemPaths
    from ..workspace.workspace import Workspace

SHOWN = 5
T = TypeVar("T", ProjectTests, Verification, Survey)
_FORBIDDEN: Final = re.compile(
    r"\b(?:do(?:es)? not|don't|never|must not|may not|cannot|can't)\s+(?:\w+\s+)?"
    r"(?:use|generate|paste|submit|post|open|create|interact|accept|allow)\b|"
    r"\bnot\s+(?:be\s+)?(?:suitable|allowed|accepted|permitted|welcome)\b|\b(?:prohibited|forbidden|banned|reject(?:ed)?)\b|"
    r"\b(?:will|may) be closed\b|\bno (?:AI|LLM)\b|\bhumans? (?:only|submit)\b",
    re.IGNORECASE,
)
_MADE: Final = re.compile(
    r"\bdescriptions?\b|\btext\b|(?<!review )\bcomments?\b|\bpull requests?\b|\bPRs?\b|\binteract|\bspeak for\b|\bautonom|\bautomat",
    re.IGNORECASE,
)
_A_FIELD: Final = re.compile(r"\bNO AI USE\b")
"""What somebody is to write into a form, which forbids nothing."""


def of_stages(workspace: Workspace, staleness: Staleness, item_id: str, stages: Sequence[str]) -> Iterator[str]:
    """Refuse what failed, is missing, was changed by hand, or is stale; refs that moved among that."""
    paths = workspace.paths.item(item_id)
    if failed := fields_of(paths.failure):
        yield f"{failed.get('stage')} failed: {str(failed.get('message', '')).partition(chr(10))[0]}; see `prprep explain {item_id}`"
    if staleness.waits(item_id):
        yield f"the benchmark waits for a person: {fields_of(paths.scaffold).get('needs')}"
    for stage in stages:
        artifact = paths.artifact(stage)
        if not artifact.exists():
            yield f"{stage} has not run: run `prprep render:{item_id}`"
        elif is_edited(artifact):
            yield f"{artifact.name} was changed by hand since it was written: run `prprep {stage}:{item_id}`, which makes it anew"
        elif not staleness.is_fresh(stage, item_id):
            why = "; ".join(staleness.why_stale(stage, item_id))
            yield f"{stage} is stale ({why}): run `prprep render:{item_id}`"


def is_edited(artifact: Path) -> bool:
    """Return whether an artifact's content is another than its header says."""
    head, _, body = artifact.read_bytes().partition(b"\n")
    try:
        return bool(json.loads(head)["digest"] != digest_of(body))
    except (ValueError, KeyError, TypeError):
        return True


def of_body(item: Optimization, paths: ItemPaths, templates: Path | None) -> Iterator[str]:
    """Refuse a body with gaps, and one that was edited otherwise than a person may: what was measured stays as it was rendered."""
    try:
        rendering = Rendering.read(paths.render)
        body = (paths.folder / rendering.body).read_bytes()
        bullets = Bullets.read(paths.artifact("summarize")) if item.summarize and not item.summary else None
        evidence = render.gather(item, ArtifactFolder(paths), paths.folder, bullets)
        rendered = render.bounded(evidence, templates).text
    except (PrprepError, OSError):
        return  # The stages say so.
    if hashlib.sha256(rendered.encode()).hexdigest() != rendering.sha256:
        yield f"{rendering.body} would be rendered otherwise now: run `prprep render:{item.id}`"
        return
    told = tuple(
        edited_body.objections(
            rendered, body.decode("utf-8", "replace"), CitableEvidence(evidence.comparison, rendered)
        )
    )
    now = "restore that, or put your words into the manifest (`summary:`, `details:`) or a template and render it again"
    yield from (f"{rendering.body}: {each}" for each in told[:SHOWN])
    if told and len(told) > SHOWN:
        yield f"{rendering.body}: {len(told) - SHOWN} more of that; {now}"
    elif told:
        yield f"{rendering.body}: {now}"


def of_comparison(item: Optimization, paths: ItemPaths, *, name: str) -> Iterator[str]:
    """Judge the samples once more, and refuse a comparison that says something else than they do, or no improvement."""
    try:
        kept, again = Comparison.read(paths.compare), compare.judged(item, ArtifactFolder(paths))
    except ArtifactError:
        return  # The stages say so.
    except PrprepError as error:
        yield f"{name}: the samples cannot be judged: {error.what}"
        return
    if differing := [field for field in Comparison.model_fields if getattr(kept, field) != getattr(again, field)]:
        yield f"{name}: compare.json does not say what the samples say ({', '.join(differing[:SHOWN])}): run `prprep compare:{item.id}`"
    if kept.verdict is not Verdict.IMPROVED:
        yield f"{name}: the verdict is {kept.verdict}, not improved: {kept.headline}"


def of_tests(paths: ItemPaths) -> Iterator[str]:
    """Refuse failures that the optimization brought."""
    tests = _read(ProjectTests, paths.state / "tests.json")
    if tests is None:
        return
    if tests.new_failures:
        yield f"tests of the project fail at head and not at base: {_some(tests.new_failures)}"
    elif tests.head and tests.base and not tests.base.code and tests.head.code:
        yield f"the project's tests end with exit code {tests.head.code} at head, and went well at base"


def of_verification(paths: ItemPaths) -> Iterator[str]:
    """Refuse a body whose commands do not come to what it says."""
    verification = _read(Verification, paths.state / "verify.json")
    if verification is None or verification.why_not or verification.verified:
        return
    failed = [f"`{each.text}` ended with exit code {each.code}" for each in verification.commands if each.code]
    yield f"the commands of the body do not come to what it claims: {_some((*verification.findings, *failed))}"


def of_survey(paths: ItemPaths, *, number: int | None) -> Iterator[str]:
    """Refuse what upstream has already, and what belongs into another's pull request."""
    survey = _read(Survey, paths.survey)
    if survey is None:
        return
    decision = survey.decision
    if decision.kind == "skip":
        yield f"this is to be skipped: {decision.reason}"
    elif decision.kind == "fold" and number is None:
        yield f"this belongs into {decision.into}, which has a pull request of its own: {decision.reason}"
    if survey.conflicts:
        yield f"it does not merge with upstream: conflicts in {_some(survey.conflicts)}"


def of_branch(branch: Branching | None, *, fresh: bool, item_id: str) -> Iterator[str]:
    """Refuse a branch that is not there, stale, not measured, not improved, or holds what must not go out."""
    if branch is None or not fresh:
        yield f"the branch is {'stale' if branch else 'not made yet'}: run `prprep branch {item_id}`"
        return
    if branch.verdict is None:
        yield f"the branch was not measured: run `prprep branch {item_id}`"
    elif branch.verdict is not Verdict.IMPROVED:
        yield f"the branch, as it is, is not an improvement on upstream ({branch.verdict}): {branch.headline}"
    yield from (f"in the branch: {finding.text}" for finding in branch.fatal)


def of_rules(rules: Sequence[ContributionRule], despite: Collection[str]) -> Iterator[str]:
    """Refuse where the project's pages forbid that a program does this.

    `despite` names the sentences (`PATH:LINE`) that a person has weighed.
    """
    for rule in rules:
        place = f"{rule.path}:{rule.line}"
        if forbids(rule) and place not in despite:
            yield f"{place} says “{rule.sentence}”: where that does not hold for this pull request, say so with --despite {place}"


def forbids(rule: ContributionRule) -> bool:
    """Return whether a sentence forbids text or pull requests that a machine made."""
    words = re.sub(r"[*_]", "", rule.sentence)
    return (
        rule.about == "generated text"
        and bool(_FORBIDDEN.search(words) and _MADE.search(words))
        and not _A_FIELD.search(words)
    )


def _read(kind: type[T], path: Path) -> T | None:
    try:
        return kind.read(path)
    except ArtifactError:
        return None


def _some(names: Sequence[str]) -> str:
    rest = len(names) - SHOWN
    return "; ".join(names[:SHOWN]) + (f"; and {rest} more" if rest > 0 else "")
