"""Reasons not to open a pull request: evidence that is stale, failed or edited, or does not support the claim.

Each function yields its reasons as sentences with a hint; nothing is opened while there is one.
"""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from ..artifacts import (
    Branching,
    Bullets,
    Comparison,
    ContributionRule,
    ProjectTests,
    Rendering,
    Survey,
    Verdict,
    Verification,
)
from ..body import edited_body, summary
from ..body.claims import CitableEvidence, unproven
from ..errors import ArtifactError, PrprepError
from ..manifest.model import Optimization
from ..stages.compare import compare
from ..stages.render import render
from ..staleness import Staleness, fields_of
from ..storage.artifact import read_if_valid
from ..storage.hashing import digest_of, read_bytes, sha256, sha256_of
from ..storage.paths import ItemPaths
from ..text.messages import enumeration

_FORBIDDEN: Final = re.compile(
    r"\b(?:do(?:es)? not|don't|never|must not|may not|cannot|can't)\s+(?:\w+\s+)?"
    r"(?:use|generate|paste|submit|post|open|create|interact|accept|allow)\b|"
    r"\bnot\s+(?:be\s+)?(?:suitable|allowed|accepted|permitted|welcome)\b|\b(?:prohibited|forbidden|banned|reject(?:ed)?)\b|"
    r"\b(?:will|may) be closed\b|\bno (?:AI|LLM)\b|\bhumans? (?:only|submit)\b",
    re.IGNORECASE,
)
_ABOUT_PULL_REQUESTS: Final = re.compile(
    r"\bdescriptions?\b|\btext\b|(?<!review )\bcomments?\b|\bpull requests?\b|\bPRs?\b|\binteract|\bspeak for\b|"
    r"\bautonom|\bautomat",
    re.IGNORECASE,
)
_FORM_VALUE: Final = re.compile(r"\bNO AI USE\b")
"""What contributors write into a form: it forbids nothing."""


def of_stages(staleness: Staleness, item_id: str, stages: Sequence[str]) -> Iterator[str]:
    """Refuse what failed, is missing, was changed by hand, or is stale, for example because a ref moved."""
    paths = staleness.workspace.paths.item(item_id)
    if failed := fields_of(paths.failure):
        message = str(failed.get("message", "")).partition("\n")[0]
        yield f"{failed.get('stage')} failed: {message}; see `prprep explain {item_id}`"
    if staleness.waits(item_id):
        yield f"the benchmark waits for a person: {fields_of(paths.scaffold).get('needs')}"
    for stage in stages:
        artifact = paths.artifact(stage)
        if not artifact.exists():
            yield f"{stage} has not run: run `prprep render:{item_id}`"
        elif is_edited(artifact):
            yield f"{artifact.name} was changed by hand: run `prprep {stage}:{item_id}`, which writes it again"
        elif not staleness.is_fresh(stage, item_id):
            why = "; ".join(staleness.why_stale(stage, item_id))
            yield f"{stage} is stale ({why}): run `prprep render:{item_id}`"


def is_edited(artifact: Path) -> bool:
    """Return whether an artifact's content differs from the digest in its header."""
    head, _, body = (read_bytes(artifact) or b"").partition(b"\n")
    try:
        return bool(json.loads(head)["digest"] != digest_of(body))
    except (ValueError, KeyError, TypeError):
        return True


def of_body(item: Optimization, paths: ItemPaths, templates: Path | None, body: bytes | None) -> Iterator[str]:
    """Refuse a body with gaps, and one that shows other figures than the evidence; `body` is what will be published."""
    try:
        rendering = Rendering.read(paths.render)
        bullets = Bullets.read(paths.artifact("summarize")) if item.summarize and not item.summary else None
        evidence = render.gather(item, paths, paths.folder, bullets)
        rendered = render.bounded(evidence, templates).text
    except (PrprepError, OSError):
        return  # of_stages says so
    if sha256(rendered.encode()) != rendering.sha256:
        yield f"{rendering.body} would be rendered differently now: run `prprep render:{item.id}`"
        return
    yield from summary.to_review(evidence)
    if body is None:
        yield f"{rendering.body} is missing: run `prprep render:{item.id}`"
        return
    if fault := edited_body.unpublishable(body):
        yield f"{rendering.body}: {fault}"
        return
    known, template = CitableEvidence(evidence.comparison, rendered), evidence.detection.template_text
    if objections := list(edited_body.objections(rendered, body.decode(), known, template)):
        hint = f"to restore it, delete it and run `prprep render:{item.id}`; edits that claim nothing may stay"
        yield from (f"{rendering.body}: {each}" for each in edited_body.shortened(objections, hint))


def of_title(branch: Branching, item: Optimization, paths: ItemPaths) -> Iterator[str]:
    """Refuse a title that claims what the evidence does not show."""
    if comparison := read_if_valid(Comparison, paths.compare):
        for fault in unproven(branch.title, CitableEvidence(comparison)):
            yield f"the title “{branch.title}”: {fault}: change `title:` of {item.id} in the manifest"


def of_comparison(item: Optimization, paths: ItemPaths, *, name: str) -> Iterator[str]:
    """Judge the samples again; refuse a comparison that differs from the result, or is no improvement."""
    try:
        recorded, again = Comparison.read(paths.compare), compare.judged(item, paths)
    except ArtifactError:
        return  # of_stages says so
    except PrprepError as error:
        yield f"{name}: the samples cannot be judged: {error.what}"
        return
    if differing := [field for field in Comparison.model_fields if getattr(recorded, field) != getattr(again, field)]:
        fields = enumeration(differing)
        yield f"{name}: compare.json does not match the samples ({fields}): run `prprep compare:{item.id}`"
    if recorded.verdict is not Verdict.IMPROVED:
        yield f"{name}: the verdict is {recorded.verdict}, not improved: {recorded.headline}"


def of_tests(paths: ItemPaths) -> Iterator[str]:
    """Refuse tests that fail only with the optimization."""
    tests = read_if_valid(ProjectTests, paths.state / "tests.json")
    if tests is None:
        return
    if tests.new_failures:
        yield f"tests of the project fail at head and not at base: {enumeration(tests.new_failures, separator='; ')}"
    elif tests.head and tests.base and not tests.base.code and tests.head.code:
        yield f"the project's tests end with exit code {tests.head.code} at head, but pass at base"


def of_verification(paths: ItemPaths) -> Iterator[str]:
    """Refuse a body whose commands do not confirm what it says."""
    verification = read_if_valid(Verification, paths.state / "verify.json")
    if verification is None or verification.why_not or verification.verified:
        return
    failed = [f"`{run.text}` ended with exit code {run.code}" for run in verification.commands if run.code]
    listed = enumeration((*verification.findings, *failed), separator="; ")
    yield f"the commands of the body do not confirm what it claims: {listed}"


def of_survey(paths: ItemPaths, *, number: int | None) -> Iterator[str]:
    """Refuse what upstream has already, and what belongs in an existing pull request."""
    survey = read_if_valid(Survey, paths.survey)
    if survey is None:
        return
    decision = survey.decision
    if decision.kind == "skip":
        yield f"skip it: {decision.reason}"
    elif decision.kind == "fold" and number is None:
        yield f"this belongs in {decision.into}, an existing pull request: {decision.reason}"
    if survey.conflicts:
        yield f"it does not merge with upstream: conflicts in {enumeration(survey.conflicts, separator='; ')}"


def of_branch(branch: Branching | None, *, fresh: bool, item_id: str, folder: Path) -> Iterator[str]:
    """Refuse a branch that is missing, stale, not measured or no improvement, or has a fatal finding.

    Refuse one without its archive of the evidence, too; `folder` is the manifest's.
    """
    if branch is None or not fresh:
        yield f"the branch is {'stale' if branch else 'not built yet'}: run `prprep branch {item_id}`"
        return
    if branch.verdict is None:
        yield f"the branch was not measured: run `prprep branch {item_id}`"
    elif branch.verdict is not Verdict.IMPROVED:
        yield f"the branch is not an improvement on upstream ({branch.verdict}): {branch.headline}"
    yield from (f"in the branch: {finding.text}" for finding in branch.fatal)
    if (actual := sha256_of(folder / branch.evidence)) != branch.evidence_sha256:
        state = "is missing" if actual is None else "was changed"
        yield f"the evidence {branch.evidence} {state}: run `prprep branch {item_id}`, which packs it again"


def of_rules(rules: Sequence[ContributionRule], despite: Collection[str]) -> Iterator[str]:
    """Refuse if the project's pages forbid pull requests by programs, except by the sentences of `despite`."""
    for rule in rules:
        place = f"{rule.path}:{rule.line}"
        if forbids(rule) and place not in despite:
            yield f"{place} says “{rule.sentence}”: if it does not apply to this pull request, pass --despite {place}"


def forbids(rule: ContributionRule) -> bool:
    """Return whether a sentence forbids text or pull requests by a program."""
    sentence = re.sub(r"[*_]", "", rule.sentence)
    return (
        rule.about == "generated text"
        and bool(_FORBIDDEN.search(sentence) and _ABOUT_PULL_REQUESTS.search(sentence))
        and not _FORM_VALUE.search(sentence)
    )
