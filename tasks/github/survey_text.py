"""Say in words what a survey found: in a cell, in a list, and what of it a person has to look at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..artifacts import Commit, PullRequest, Survey

_COMMON = {
    "branch": "from the same branch",
    "function": "touches the same function",
    "file": "touches the same file",
    "words": "mentions the same function",
}
_SHOWN = 3


def status(survey: Survey) -> str:
    """Answer in a few words whether there is a pull request already; "none" only where the forge said so."""
    if survey.decision.kind == "skip":
        return f"skip: {survey.decision.reason}"
    near = [each for each in survey.pull_requests if each.touches != "words"]
    told = ", ".join(f"#{each.number} {each.state} ({_COMMON[each.touches]})" for each in near[:_SHOWN])
    more = f" and {len(near) - _SHOWN} more" if len(near) > _SHOWN else ""
    if survey.decision.into and not any(survey.decision.into == f"#{each.number}" for each in near):
        told = "; ".join(filter(None, (f"{survey.decision.into} ({survey.decision.reason})", told)))
    if survey.unknown and not survey.older:
        return f"{told}; unknown: {survey.unknown}" if told else f"unknown: {survey.unknown}"
    return f"{told}{more}" if told else "none"


def to_review(survey: Survey, *, named: int | None = None) -> tuple[str, ...]:
    """List what a person should decide; `named` is the pull request that the manifest names."""
    return tuple(_to_review(survey, named))


def _to_review(survey: Survey, named: int | None) -> Iterator[str]:
    decision = survey.decision
    if decision.kind == "skip":
        yield f"skip: {decision.reason}"
        return
    if decision.kind == "fold" and decision.into != f"#{named}":
        yield f"fold into {decision.into} ({decision.reason})"
    ended = {"merged", "closed"}
    if gone := next((each for each in survey.pull_requests if each.number == named and each.state in ended), None):
        yield f"#{gone.number}, which the manifest names, is {gone.state}"
    for each in survey.pull_requests:
        if each.state == "closed" and each.same_commit and each.number != named:
            yield f"#{each.number} with the same commits was closed without being merged"
    if survey.conflicts:
        yield f"it conflicts with {survey.upstream_ref} in {_listed(survey.conflicts)}"
    for drift in survey.drift:
        yield f"{survey.upstream_ref} has {drift.change} {drift.function} since the merge base{_by(drift.commits)}"
    if survey.contained:
        yield f"{survey.upstream_ref} has the same patch as {_listed(tuple(_commit(each) for each in survey.contained))}"


def details(survey: Survey, *, asked: str = "") -> tuple[str, ...]:
    """List all that was found, a line each; `asked` is when the forge was asked, in words."""
    decision = survey.decision
    lines = [f"Decision: {' into '.join(filter(None, (decision.kind, decision.into)))}: {decision.reason}"]
    where = survey.slug if survey.host in {None, "github.com"} else f"{survey.host}/{survey.slug}"
    when = f" (asked {asked})" if asked else ""
    if survey.unknown:
        lines.append(
            f"Pull requests: unknown: {survey.unknown}{f'; its answer of {asked} is used' if survey.older else ''}"
        )
    elif not survey.pull_requests:
        lines.append(f"Pull requests: none of {where} is about the same{when}")
    lines += [f"Pull request #{each.number} {_pull(each)}{when}" for each in survey.pull_requests]
    if decision.kind == "skip":
        # What upstream did to code that it has already is no concern of anybody's.
        return (*lines, *survey.notes)
    lines += [
        f"Upstream has {each.change} {each.function} since the merge base{_by(each.commits)}" for each in survey.drift
    ]
    lines += [f"Upstream has the same patch as {_commit(each)}" for each in survey.contained]
    lines += [f"Conflicts with {survey.upstream_ref}: {_listed(survey.conflicts)}"] if survey.conflicts else []
    return (*lines, *survey.notes)


def _pull(pull: PullRequest) -> str:
    functions = f", {_listed(pull.functions)}" if pull.functions else ""
    by = f", by {pull.author}" if pull.author else ""
    return f"“{pull.title}” ({pull.state}{by}, branch {pull.branch}) {_COMMON[pull.touches]}{functions}: {pull.url}"


def _by(commits: tuple[Commit, ...]) -> str:
    return f", by {_listed(tuple(_commit(each) for each in commits))}" if commits else ""


def _commit(commit: Commit) -> str:
    return f"{commit.sha[:12]} {commit.title}".strip()


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
