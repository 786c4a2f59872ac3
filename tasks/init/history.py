"""Commits that look like performance work, and branches that are named for it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from . import extract as words
from .candidate import Lead

if TYPE_CHECKING:
    from ..artifacts import Commit

_PREFIX: Final = re.compile(r"^\W*(perf(?:ormance)?|optim\w*|opt|speed-?ups?)\b(?:\([^)]*\))?!?\s*[:\]]", re.IGNORECASE)
_OTHER_WORK: Final = re.compile(
    r"^\W*(?:docs?|ci|chore|build|deps|style|tests?|release|bump|typo|typing|lint|revert|merge|benchmarks?|bench)\b(?:\([^)]*\))?!?\s*[:\]]|"
    r"^(?:revert|merge|bump|update changelog|release|prepare|add tests?|add benchmarks?)\b",
    re.IGNORECASE,
)
_MENDING: Final = re.compile(r"^\W*(?:fix(?:es|ed)?|bug-?fix|hotfix)\b", re.IGNORECASE)
_SIGNS: Final = ("⚡", ":zap:", "🚀", "🐎", ":racehorse:")
_STRONG: Final = re.compile(
    r"\b(?:(?:speed(?:s|ed|ing)?|sped)[ -]?(?:up|ups)|speed-?ups?|faster|fast[ -]?paths?|optimi[sz]\w+|performan(?:ce|t)|perf|quadratic|"
    r"linear time|hot (?:path|loop)|slow(?:er|ness|down)?|vectori[sz]\w+|"
    r"(?:reduc\w+|lower\w*|less|cut\w*|sav\w+|improv\w+|halv\w+)\s+(?:\w+\s+){0,3}?(?:memory|allocations?|footprint|peak|overhead|latency|"
    r"copies|copying|time|rss)|memory (?:usage|consumption|footprint|efficien\w+)|peak memory|"
    r"(?:import|start-?up|startup)[ -]time|memoi[sz]\w+|O\([^)]*\))",
    re.IGNORECASE,
)
_WEAK: Final = re.compile(
    r"\b(?:cach(?:ed|ing)|caches?(?=\s+\w)|lru_cache|laz(?:y|ily)|pre-?comput\w+|pre-?compil\w+|pre-?allocat\w+|batch(?:ed|ing)?|"
    r"in bulk|bulk|__slots__|slots|in[ -]place|"
    r"avoid\w* (?:\w+\s+){0,3}?(?:cop(?:y|ies|ying)|allocat\w+|comput\w+|pars\w+|scan\w*|import\w*|work)|"
    r"(?:instead of|rather than) (?:a |the )?(?:list|scan\w*|loop\w*|cop\w+)|reus(?:e[ds]?|ing)|stream(?:s|ed|ing)?)\b",
    re.IGNORECASE,
)
_MEASURED: Final = re.compile(
    r"(?:\d+(?:\.\d+)?\s?[x×]|\d+(?:\.\d+)?\s?%)\s+(?:faster|less|fewer|speed-?up|lower|reduction)", re.IGNORECASE
)
_FIXUP: Final = re.compile(r"^(?:fixup|squash|amend)! (?P<title>.*)$")
_REVERTS: Final = re.compile(r"\bThis reverts commit ([0-9a-f]{7,40})\b")
_EFFORT: Final = re.compile(
    r"(?:^|[/-])(?:optimi[sz]e|optimi[sz]ations?|perf(?:ormance)?|speed-?ups?|all|work|wip|main|dev|loop|experiments?|improvements?|"
    r"session[\w-]*|\d{4}-?\d\d-?\d\d[\w-]*)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Ahead:
    """A branch and its commits that upstream has not, oldest first, merges left out; `name` "" for a detached HEAD."""

    name: str
    commits: tuple[Commit, ...]
    current: bool = False


def why_performance(commit: Commit) -> str:
    """Say why a commit looks like performance work; "" where it does not."""
    title = commit.title
    if found := _PREFIX.search(title):
        return f"its title begins with {found[1]}"
    if sign := next((sign for sign in _SIGNS if sign in title), None):
        return f"{sign} in its title"
    if _OTHER_WORK.search(title):
        return ""
    found = _STRONG.search(title) or (None if _MENDING.search(title) else _WEAK.search(title))
    if found:
        return f'"{found[0]}" in its title'
    measured = _MEASURED.search(commit.message)
    return f'"{measured[0]}" in its message' if measured else ""


def reverted(commits: Sequence[Commit]) -> dict[str, str]:
    """Map commits that a later one reverts to that one; what was reverted and then put back is not among them."""
    found: dict[str, str] = {}
    for commit in commits:
        for sha in _REVERTS.findall(commit.message):
            full = next((other.sha for other in commits if other.sha.startswith(sha)), sha)
            if full in found.values():
                found = {undone: by for undone, by in found.items() if by != full}
            found[full] = commit.sha
    return found


def of_commits(commits: Sequence[Commit], told: str) -> tuple[Lead, ...]:
    """Return a lead for each commit that looks like performance work, its fixups with it; `told` names the branch."""
    by_title: dict[str, list[str]] = {}
    for commit in commits:
        if fixup := _FIXUP.match(commit.title):
            by_title.setdefault(fixup["title"], []).append(commit.sha)
    return tuple(
        Lead(
            source=told,
            commits=(commit.sha, *by_title.get(commit.title, ())),
            claims=words.claims_in(f"{commit.title}\n{commit.message}"),
            mentions=words.mentions_in(f"{commit.title}\n{commit.message}"),
            reason=why,
        )
        for commit in commits
        if not _FIXUP.match(commit.title) and (why := why_performance(commit))
    )


def of_branch(branch: Ahead, others: Sequence[Ahead], named: Sequence[Collection[str]]) -> tuple[Lead, ...]:
    """Return the leads of a branch: one where it holds one optimization, else one for each of its telling commits.

    `others` are the other branches that are named for performance work, `named` the commits of each optimization that
    notes tell of: a branch with two of them is no single one.
    """
    shas = [commit.sha for commit in branch.commits]
    told = f"branch {branch.name}" if branch.name else "git log of HEAD"
    several = sum(bool(set(shas) & set(commits)) for commits in named) > 1
    if not words.BRANCH.match(branch.name) or _EFFORT.search(branch.name) or several:
        return of_commits(branch.commits, told if not branch.current else f"git log of {branch.name or 'HEAD'}")
    below = {
        commit.sha
        for other in others
        for commit in other.commits
        if len(other.commits) < len(shas) and other.commits[-1].sha in shas
    }
    own = tuple(sha for sha in shas if sha not in below)
    whole = len(own) == len(shas)
    return (
        (Lead(source=told, branch=branch.name if whole else "", commits=own, reason="the branch is named for it"),)
        if own
        else ()
    )
