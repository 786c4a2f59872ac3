"""Candidates from git: commits that look like performance work, and branches named after it."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from ..artifacts import Commit
from ..body.commit_words import why_performance
from . import extract
from .candidate import Candidate

_FIXUP: Final = re.compile(r"^(?:fixup|squash|amend)! (?P<title>.*)$")
_REVERTS: Final = re.compile(r"\bThis reverts commit ([0-9a-f]{7,40})\b")
# A branch for a whole effort, not for one optimization.
_EFFORT_BRANCH: Final = re.compile(
    r"(?:^|[/-])(?:optimi[sz]e|optimi[sz]ations?|perf(?:ormance)?|speed-?ups?|all|work|wip|main|dev|loop|experiments?|"
    r"improvements?|session[\w-]*|\d{4}-?\d\d-?\d\d[\w-]*)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class BranchCommits:
    """The commits that only a branch has, oldest first, without merges; `name` is "" for a detached HEAD."""

    name: str
    commits: tuple[Commit, ...]
    is_current: bool = False


def reverted(commits: Sequence[Commit]) -> dict[str, str]:
    """Map each reverted commit to the commit that reverts it, unless that one is reverted in turn."""
    reverting: dict[str, str] = {}
    for commit in commits:
        for prefix in _REVERTS.findall(commit.message):
            sha = next((other.sha for other in commits if other.sha.startswith(prefix)), prefix)
            reverting = {undone: by for undone, by in reverting.items() if by != sha}
            reverting[sha] = commit.sha
    return reverting


def candidates_of_commits(commits: Sequence[Commit], source: str) -> tuple[Candidate, ...]:
    """Return a candidate for each commit that looks like performance work, with its fixups."""
    fixups: dict[str, list[str]] = {}
    for commit in commits:
        if fixup := _FIXUP.match(commit.title):
            fixups.setdefault(fixup["title"], []).append(commit.sha)
    candidates = []
    for commit in commits:
        if not _FIXUP.match(commit.title) and (reason := why_performance(commit)):
            shas, text = (commit.sha, *fixups.get(commit.title, ())), f"{commit.title}\n{commit.message}"
            claims, mentions = extract.claims_in(text), extract.mentions_in(text)
            candidates.append(Candidate(source, commits=shas, claims=claims, mentions=mentions, reason=reason))
    return tuple(candidates)


def candidates_of_branch(
    branch: BranchCommits, others: Sequence[BranchCommits], noted: Sequence[Collection[str]]
) -> tuple[Candidate, ...]:
    """Return one candidate for a branch with one optimization, else one per commit that looks like performance work.

    `others` are the other branches named after performance work; `noted` are the commits of each optimization in notes:
    a branch with two of them is not one optimization.
    """
    shas = [commit.sha for commit in branch.commits]
    has_several = sum(bool(set(shas) & set(commits)) for commits in noted) > 1
    if not extract.OPTIMIZATION_BRANCH.match(branch.name) or _EFFORT_BRANCH.search(branch.name) or has_several:
        is_log = branch.is_current or not branch.name
        source = f"git log of {branch.name or 'HEAD'}" if is_log else f"branch {branch.name}"
        return candidates_of_commits(branch.commits, source)
    below = [other.commits for other in others if len(other.commits) < len(shas)]
    stacked_on = {commit.sha for commits in below if commits and commits[-1].sha in shas for commit in commits}
    own = tuple(sha for sha in shas if sha not in stacked_on)
    if not own:
        return ()
    name = branch.name if len(own) == len(shas) else ""
    return (Candidate(f"branch {branch.name}", branch=name, commits=own, reason="the branch is named after it"),)
