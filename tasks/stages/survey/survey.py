"""Look at what goes on around an optimization: pull requests about the same, what upstream has done since, other items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...artifacts import Decision, Detection, Survey
from ...github.cache import Lookup, LookupRequest, format_time, look_up
from ...github.client import Client, GitHubRepository
from ...github.search import SearchedFunction, SearchQuery
from ...processes.progress import Note
from . import ANSWERS, OTHERS, PLACE, RIVALS
from .drift import Upstream, upstream_since

if TYPE_CHECKING:
    from ...artifacts import ChangedFunction, PullRequest
    from ...git import Clone
    from ...github.client import NotOnGitHub
    from ...staleness import StageInputs


Detections = dict[str, tuple[Detection, int | None]]
"""What was detected of each item, with the pull request that the manifest names for it."""


def run(inputs: StageInputs) -> None:
    """Ask git and GitHub; a GitHub that does not answer is no failure."""
    detection, pr = inputs.read(Detection), inputs.settings.pr
    with inputs.clone(detection.upstream, detection.head) as clone:
        upstream = upstream_since(detection, clone)
        answer = _answer(inputs, detection, clone)
    place, rivals = inputs.value(PLACE), inputs.value(RIVALS)
    survey = survey_of(detection, answer, upstream, place=place, named=pr, rivals=rivals)
    inputs.report(f"{f'{survey.decision.kind} {survey.decision.into}'.strip()}: {survey.decision.reason}")
    if survey.unknown:
        older = f"; its answer of {format_time(answer.asked_at)} is used" if answer.asked_at is not None else ""
        inputs.report(Note(f"pull requests unknown: {survey.unknown}{older}"))
    inputs.write(survey)


def _answer(inputs: StageInputs, detection: Detection, clone: Clone) -> Lookup:
    place, item_id = inputs.value(PLACE), inputs.item_id
    if not isinstance(place, GitHubRepository):
        return Lookup(None, None, f"{place.what}; {place.hint}", "")
    others = inputs.value(OTHERS)
    return look_up(
        LookupRequest(item_id, place, questions_of({item_id: (detection, inputs.settings.pr)}, clone)[item_id]),
        client=Client(place.host),
        cache=inputs.value(ANSWERS),
        # GitHub is asked about all items of the repository at once.
        others=lambda: questions_of(others(), clone),
        report=inputs.report,
    )


def survey_of(
    detection: Detection,
    answer: Lookup,
    upstream: Upstream,
    *,
    place: GitHubRepository | NotOnGitHub,
    named: int | None,
    rivals: Mapping[str, str],
) -> Survey:
    """Put together what git and the forge said; `named` is the pull request of the manifest."""
    said = answer.result
    pulls = said.pull_requests if said else ()
    notes = [*upstream.notes, *(said.notes if said else ())]
    if said and said.parent:
        notes.append(
            f"{place} is a fork of {said.parent}: where pull requests go there, name it in the manifest, `slug: {said.parent}`."
        )
    return Survey(
        item=detection.item,
        slug=place.slug if isinstance(place, GitHubRepository) else detection.slug,
        host=place.host if isinstance(place, GitHubRepository) else None,
        answered=answer.state,
        older=bool(said and answer.unknown),
        upstream_ref=detection.upstream_ref,
        default_branch=said.default_branch if said else None,
        pull_requests=pulls,
        unknown=answer.unknown,
        drift=upstream.drift,
        contained=upstream.contained,
        conflicts=upstream.conflicts,
        decision=decide(detection, upstream, pulls, named=named, rivals=rivals, asked=said is not None),
        notes=tuple(notes),
    )


# -- the decision -----------------------------------------------------------------------------------


def decide(
    detection: Detection,
    upstream: Upstream,
    pulls: tuple[PullRequest, ...],
    *,
    named: int | None,
    rivals: Mapping[str, str],
    asked: bool = True,
) -> Decision:
    """Say what becomes of the optimization; what the manifest names goes before everything.

    `asked` tells whether the forge has answered: where it has not, that nothing was found says less.
    """
    if named:
        state = next(
            (f", and is {each.state}" for each in pulls if each.number == named and each.state in {"merged", "closed"}),
            "",
        )
        return Decision(kind="fold", into=f"#{named}", reason=f"the manifest names it{state}")
    if skipped := _skipped(detection, upstream, pulls):
        return Decision(kind="skip", reason=skipped)
    live = [each for each in pulls if each.state in {"open", "draft"}]
    if own := next((each for each in live if each.touches == "branch"), None):
        return Decision(kind="fold", into=f"#{own.number}", reason=f"it is {own.state}, from the branch {own.branch}")
    if same := next((each for each in live if each.functions), None):
        return Decision(
            kind="fold", into=f"#{same.number}", reason=f"it touches the same function, {', '.join(same.functions)}"
        )
    for function in detection.functions:
        if owner := next((rivals[key] for key in keys_of(function) if key in rivals), None):
            return Decision(kind="fold", into=owner, reason=f"that item touches the same function, {function.target}")
    known = "" if asked else "as far as git and the manifest tell (pull requests are unknown), "
    return Decision(kind="new", reason=f"{known}nothing else is about the same functions")


def _skipped(detection: Detection, upstream: Upstream, pulls: tuple[PullRequest, ...]) -> str:
    """Say why there is nothing left to propose, "" where there is."""
    if upstream.since == detection.head:
        return f"{detection.upstream_ref} contains it already"
    if upstream.contained and len(upstream.contained) == len(detection.commits):
        commits = ", ".join(f"{each.sha[:12]} {each.title}" for each in upstream.as_commits)
        return f"the same patch is already in {detection.upstream_ref} ({commits})"
    if upstream.arrived:
        return f"{detection.upstream_ref} has what it changes as head has it"
    merged = next((each for each in pulls if each.state == "merged" and each.same_commit), None)
    return f"the same commits are merged already, by #{merged.number}" if merged else ""


# -- the question -----------------------------------------------------------------------------------


def questions_of(detections: Detections, clone: Clone) -> dict[str, SearchQuery]:
    """Make a question of every item."""
    from ...git.history import commit_dates

    there = [found.base for found, _ in detections.values() if clone.resolve([found.base])[found.base]]
    dates = commit_dates(clone.path, list(dict.fromkeys(there))) if there else {}
    return {item: _question(found, pr, dates.get(found.base, "")) for item, (found, pr) in detections.items()}


def _question(detection: Detection, pr: int | None, since: str) -> SearchQuery:
    functions = [each for each in detection.functions if not each.name.startswith("<")]
    return SearchQuery(
        branch=_branch(detection),
        commit=detection.commits[-1].sha if detection.commits else "",
        number=pr,
        functions=tuple(_named(each) for each in functions),
        files=detection.files,
        since=since,
    )


def _branch(detection: Detection) -> str:
    """Return the head branch as a forge would name it, "" where head is named otherwise."""
    name = detection.head_ref.removeprefix("refs/heads/").removeprefix("origin/")
    is_commit = detection.head.startswith(name) or any(commit.sha.startswith(name) for commit in detection.commits)
    return "" if is_commit or any(character in name for character in " ,~^:@{") else name


def _named(function: ChangedFunction) -> SearchedFunction:
    paths = dict.fromkeys(path for path in (function.path, function.base_path) if path)
    names = dict.fromkeys(name for name in (function.name, function.base_name) if name)
    return SearchedFunction(function.target, tuple(paths), tuple(names))


def keys_of(function: ChangedFunction) -> tuple[str, ...]:
    """Spell where a function is, at base and at head, as `path:name`; a file's own code is nobody's in particular."""
    if function.name.startswith("<"):
        return ()
    sides = ((function.path, function.name), (function.base_path or function.path, function.base_name or function.name))
    return tuple(dict.fromkeys(f"{path}:{name}" for path, name in sides))
