"""Survey what concerns an optimization: pull requests, changes of upstream, other items; then decide what to do."""

from ...artifacts import ChangedFunction, Decision, Detection, PullRequest, Survey
from ...git import Clone
from ...git.history import commit_dates
from ...github.cache import Lookup, format_time, look_up
from ...github.client import Client, GitHubRepository, NotOnGitHub
from ...github.search import SearchedFunction, SearchQuery, SearchResult
from ...processes.progress import Note
from ...staleness import StageInputs
from . import ANSWERS, GITHUB, OTHERS, RIVALS, Detections, locations
from .drift import Upstream, upstream_since


def run(inputs: StageInputs) -> None:
    """Ask git and GitHub; it is no failure if GitHub does not answer."""
    detection = inputs.read(Detection)
    with inputs.clone(detection.upstream, detection.head) as clone:
        upstream = upstream_since(detection, clone)
        lookup = _look_up(inputs, detection, clone)
    github, rivals = inputs.value(GITHUB), inputs.value(RIVALS)
    survey = survey_of(detection, lookup, upstream, github=github, pr=inputs.settings.pr, rivals=rivals)
    inputs.report(f"{f'{survey.decision.kind} {survey.decision.into}'.strip()}: {survey.decision.reason}")
    if survey.unknown:
        older = f"; its answer of {format_time(lookup.asked_at)} is used" if lookup.asked_at is not None else ""
        inputs.report(Note(f"pull requests unknown: {survey.unknown}{older}"))
    inputs.write(survey)


def _look_up(inputs: StageInputs, detection: Detection, clone: Clone) -> Lookup:
    github, item_id = inputs.value(GITHUB), inputs.item_id
    if not isinstance(github, GitHubRepository):
        return Lookup(None, None, f"{github.what}; {github.hint}", "")
    others = inputs.value(OTHERS)
    query = queries_of({item_id: (detection, inputs.settings.pr)}, clone)[item_id]
    return look_up(
        item_id,
        github,
        query,
        client=Client(github.host),
        cache=inputs.value(ANSWERS),
        # One search covers all items of the repository.
        others=lambda: queries_of(others(), clone),
        report=inputs.report,
    )


def survey_of(
    detection: Detection,
    lookup: Lookup,
    upstream: Upstream,
    *,
    github: GitHubRepository | NotOnGitHub,
    pr: int | None,
    rivals: dict[str, str],
) -> Survey:
    """Combine the answers of git and GitHub; `pr` is the pull request that the manifest names."""
    result, repository = lookup.result or SearchResult(), github if isinstance(github, GitHubRepository) else None
    notes = [*upstream.notes, *result.notes]
    if result.parent:
        notes.append(
            f"{github} is a fork of {result.parent}: "
            f"if pull requests go there, set `slug: {result.parent}` in the manifest."
        )
    pulls = result.pull_requests if lookup.result else None
    return Survey(
        item=detection.item,
        slug=repository.slug if repository else detection.slug,
        host=repository.host if repository else None,
        answered=lookup.state,
        older=bool(lookup.result and lookup.unknown),
        upstream_ref=detection.upstream_ref,
        default_branch=result.default_branch,
        pull_requests=result.pull_requests,
        unknown=lookup.unknown,
        drift=upstream.drift,
        contained=upstream.contained,
        conflicts=upstream.conflicts,
        decision=decide(detection, upstream, pulls, pr=pr, rivals=rivals),
        notes=tuple(notes),
    )


# -- the decision -----------------------------------------------------------------------------------


def decide(
    detection: Detection,
    upstream: Upstream,
    pulls: tuple[PullRequest, ...] | None,
    *,
    pr: int | None,
    rivals: dict[str, str],
) -> Decision:
    """Decide between a new pull request, another one and none; the manifest has priority.

    `pulls` is None if they are unknown, `rivals` maps `path:name` to an earlier item that changes the function too.
    """
    known = pulls or ()
    if pr:
        ended = (each.state for each in known if each.number == pr and each.state in {"merged", "closed"})
        state = next((f", and is {state}" for state in ended), "")
        return Decision(kind="fold", into=f"#{pr}", reason=f"the manifest names it{state}")
    if reason := _reason_to_skip(detection, upstream, known):
        return Decision(kind="skip", reason=reason)
    live = [each for each in known if each.state in {"open", "draft"}]
    if own := next((each for each in live if each.touches == "branch"), None):
        return Decision(kind="fold", into=f"#{own.number}", reason=f"it is {own.state}, from the branch {own.branch}")
    if same := next((each for each in live if each.functions), None):
        reason = f"it touches the same function, {', '.join(same.functions)}"
        return Decision(kind="fold", into=f"#{same.number}", reason=reason)
    for function in detection.functions:
        keys = locations(function.path, function.name, function.base_path, function.base_name)
        if owner := next((rivals[key] for key in keys if key in rivals), None):
            return Decision(kind="fold", into=owner, reason=f"that item touches the same function, {function.target}")
    unknown = " (pull requests are unknown)" if pulls is None else ""
    return Decision(kind="new", reason=f"nothing else touches the same functions{unknown}")


def _reason_to_skip(detection: Detection, upstream: Upstream, pulls: tuple[PullRequest, ...]) -> str:
    """Say why there is nothing left to propose; "" if there is."""
    if upstream.since == detection.head:
        return f"{detection.upstream_ref} already contains it"
    if upstream.contained and len(upstream.contained) == len(detection.commits):
        commits = ", ".join(f"{each.sha[:12]} {each.title}" for each in upstream.as_commits)
        return f"the same patch is already in {detection.upstream_ref} ({commits})"
    if upstream.arrived:
        return f"{detection.upstream_ref} already has every changed function as it is at head"
    merged = next((each for each in pulls if each.state == "merged" and each.same_commit), None)
    return f"#{merged.number} already merged the same commits" if merged else ""


# -- the search -------------------------------------------------------------------------------------


def queries_of(detections: Detections, clone: Clone) -> dict[str, SearchQuery]:
    """Return what to search for, by item."""
    bases = {detection.base for detection, _ in detections.values()}
    present = [base for base, commit in clone.resolve(sorted(bases)).items() if commit] if bases else []
    dates = commit_dates(clone.path, present) if present else {}
    return {item: _query(detection, pr, dates.get(detection.base, "")) for item, (detection, pr) in detections.items()}


def _query(detection: Detection, pr: int | None, since: str) -> SearchQuery:
    return SearchQuery(
        branch=_branch(detection),
        commit=detection.commits[-1].sha if detection.commits else "",
        number=pr,
        functions=tuple(_searched(each) for each in detection.functions if not each.name.startswith("<")),
        files=detection.files,
        since=since,
    )


def _branch(detection: Detection) -> str:
    """Return the head branch by its name on GitHub; "" if head is no branch."""
    name = detection.head_ref.removeprefix("refs/heads/").removeprefix("origin/")
    is_commit = detection.head.startswith(name) or any(commit.sha.startswith(name) for commit in detection.commits)
    return "" if is_commit or any(character in name for character in " ,~^:@{") else name


def _searched(function: ChangedFunction) -> SearchedFunction:
    base_path, base_name = function.at_base
    paths, names = dict.fromkeys((function.path, base_path)), dict.fromkeys((function.name, base_name))
    return SearchedFunction(function.target, tuple(paths), tuple(names))
