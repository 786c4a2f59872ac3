"""Summarize a survey: in a table cell, as a list, and as decisions for a person."""

from collections.abc import Iterable, Iterator, Sequence

from ..artifacts import Commit, PullRequest, Survey
from ..text.messages import enumeration

_RELATION = {
    "branch": "from the same branch",
    "function": "touches the same function",
    "file": "touches the same file",
    "words": "mentions the same function",
}
_SHOWN = 3


def status(survey: Survey) -> str:
    """Return a short answer to whether there is a pull request already; "none" only if GitHub was searched."""
    if survey.decision.kind == "skip":
        return f"skip: {survey.decision.reason}"
    near = [pull for pull in survey.pull_requests if pull.touches != "words"]
    listed = _listed(f"#{pull.number} {pull.state} ({_RELATION[pull.touches]})" for pull in near)
    if survey.decision.into and survey.decision.into not in {f"#{pull.number}" for pull in near}:
        listed = "; ".join(filter(None, (f"{survey.decision.into} ({survey.decision.reason})", listed)))
    if survey.unknown and not survey.older:
        return "; ".join(filter(None, (listed, f"unknown: {survey.unknown}")))
    return listed or "none"


def to_review(survey: Survey, *, named: int | None = None) -> Iterator[str]:
    """Yield what a person should decide; `named` is the pull request in the manifest."""
    decision = survey.decision
    if decision.kind == "skip":
        yield f"skip: {decision.reason}"
        return
    if decision.kind == "fold" and decision.into != f"#{named}":
        yield f"fold into {decision.into} ({decision.reason})"
    for pull in survey.pull_requests:
        if pull.number == named and pull.state in {"merged", "closed"}:
            yield f"#{pull.number}, named in the manifest, is {pull.state}"
    for pull in survey.pull_requests:
        if pull.state == "closed" and pull.same_commit and pull.number != named:
            yield f"#{pull.number} with the same commits was closed without being merged"
    if survey.conflicts:
        yield f"it conflicts with {survey.upstream_ref} in {_listed(survey.conflicts)}"
    for drift in survey.drift:
        yield f"{survey.upstream_ref} has {drift.change} {drift.function} since the merge base{_by(drift.commits)}"
    if survey.contained:
        yield f"{survey.upstream_ref} has the same patch as {_listed(map(_commit, survey.contained))}"


def details(survey: Survey, *, searched_at: str = "") -> tuple[str, ...]:
    """List everything the survey says, a line each; `searched_at` is the time of the search."""
    decision = survey.decision
    lines = [f"Decision: {' into '.join(filter(None, (decision.kind, decision.into)))}: {decision.reason}"]
    where = survey.slug if survey.host in {None, "github.com"} else f"{survey.host}/{survey.slug}"
    when = f" (searched {searched_at})" if searched_at else ""
    if survey.unknown:
        older = f"; the search of {searched_at} is used" if survey.older else ""
        lines.append(f"Pull requests: unknown: {survey.unknown}{older}")
    elif not survey.pull_requests:
        lines.append(f"Pull requests: none of {where} is related{when}")
    lines += [f"Pull request #{pull.number} {_pull(pull)}{when}" for pull in survey.pull_requests]
    if decision.kind != "skip":  # else drift and conflicts concern nobody
        lines += [
            f"Upstream has {drift.change} {drift.function} since the merge base{_by(drift.commits)}"
            for drift in survey.drift
        ]
        lines += [f"Upstream has the same patch as {_commit(commit)}" for commit in survey.contained]
        lines += [f"Conflicts with {survey.upstream_ref}: {_listed(survey.conflicts)}"] if survey.conflicts else []
    return (*lines, *survey.notes)


def _pull(pull: PullRequest) -> str:
    functions = f", {_listed(pull.functions)}" if pull.functions else ""
    by = f", by {pull.author}" if pull.author else ""
    return f"“{pull.title}” ({pull.state}{by}, branch {pull.branch}) {_RELATION[pull.touches]}{functions}: {pull.url}"


def _by(commits: Sequence[Commit]) -> str:
    return f", by {_listed(map(_commit, commits))}" if commits else ""


def _commit(commit: Commit) -> str:
    return f"{commit.sha[:12]} {commit.title}".strip()


def _listed(names: Iterable[str]) -> str:
    return enumeration(names, _SHOWN)
