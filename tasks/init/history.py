"""Candidates from git: commits that look like performance work, and branches named after it."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from ..artifacts import Commit
from . import extract
from .candidate import Candidate

_PREFIX: Final = re.compile(r"^\W*(perf(?:ormance)?|optim\w*|opt|speed-?ups?)\b(?:\([^)]*\))?!?\s*[:\]]", re.IGNORECASE)
_OTHER_WORK: Final = re.compile(
    r"^\W*(?:docs?|ci|chore|build|deps|style|tests?|release|bump|typo|typing|lint|revert|merge|benchmarks?|bench)\b"
    r"(?:\([^)]*\))?!?\s*[:\]]|"
    r"^(?:revert|merge|bump|update changelog|release|prepare|add tests?|add benchmarks?)\b",
    re.IGNORECASE,
)
_FIX: Final = re.compile(r"^\W*(?:fix(?:es|ed)?|bug-?fix|hotfix)\b", re.IGNORECASE)
_SIGNS: Final = ("⚡", ":zap:", "🚀", "🐎", ":racehorse:")
_STRONG: Final = re.compile(
    r"\b(?:(?:speed(?:s|ed|ing)?|sped)[ -]?(?:up|ups)|speed-?ups?|faster|fast[ -]?paths?|optimi[sz]\w+|"
    r"performan(?:ce|t)|perf|"
    r"quadratic|linear time|hot (?:path|loop)|slow(?:er|ness|down)?|vectori[sz]\w+|"
    r"(?:reduc\w+|lower\w*|less|cut\w*|sav\w+|improv\w+|halv\w+)\s+(?:\w+\s+){0,3}?(?:memory|allocations?|footprint|peak|"
    r"overhead|latency|copies|copying|time|rss)|memory (?:usage|consumption|footprint|efficien\w+)|peak memory|"
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


def why_performance(commit: Commit) -> str:
    """Say why a commit looks like performance work; "" if it does not."""
    title = commit.title
    if match := _PREFIX.search(title):
        return f"its title begins with {match[1]}"
    if sign := next((sign for sign in _SIGNS if sign in title), None):
        return f"{sign} in its title"
    if _OTHER_WORK.search(title):
        return ""
    if match := _STRONG.search(title) or (None if _FIX.search(title) else _WEAK.search(title)):
        return f'"{match[0]}" in its title'
    match = _MEASURED.search(commit.message)
    return f'"{match[0]}" in its message' if match else ""


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
