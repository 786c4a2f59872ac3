"""One optimization as its source describes it, and one that several sources describe."""

from dataclasses import dataclass, replace
from typing import Literal

from ..manifest.model import Domain

Outcome = Literal["kept", "discarded", "unfinished", "unknown", "none"]
"""`none` is for rows that are no optimization, such as the baseline of a series."""

Unresolved = Literal["", "missing", "ambiguous"]
"""Whether a commit or branch that it names is not in the repository, or ambiguous there."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An optimization to prepare, perhaps; nothing in it has been checked against the repository.

    `functions` are named as optimized, `mentions` are all other names in the text; `claims` are its measured numbers;
    `reason` says why it was discarded, or why commits look like performance work.
    """

    source: str
    title: str = ""
    commits: tuple[str, ...] = ()
    commit_range: tuple[str, str] | None = None
    branch: str = ""
    functions: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    domains: tuple[Domain, ...] = ()
    pull_request: int | None = None
    summary: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    outcome: Outcome = "unknown"
    reason: str = ""
    warnings: tuple[str, ...] = ()
    unresolved: Unresolved = ""

    @property
    def has_refs(self) -> bool:
        return bool(self.commits or self.commit_range or self.branch)

    @property
    def is_from_git(self) -> bool:
        """Whether only the log or a branch suggests it."""
        return self.source.startswith(("git log", "branch "))


def combined(first: Candidate, second: Candidate) -> Candidate:
    """Combine what two sources say about one optimization; the first takes precedence."""
    warnings = (*first.warnings, *second.warnings)
    unresolved = (first.unresolved, second.unresolved)
    outcome, reason = first.outcome, first.reason
    if outcome == "unknown":
        outcome, reason = second.outcome, second.reason or first.reason
    elif second.outcome not in {"unknown", outcome}:
        warnings = (
            *warnings,
            f"{first.source} calls it {first.outcome}, but {second.source} calls it {second.outcome}",
        )
    return replace(
        first,
        source=f"{first.source}; {second.source}",
        title=first.title or second.title,
        commits=_union(first.commits, second.commits),
        commit_range=first.commit_range or second.commit_range,
        branch=first.branch or second.branch,
        functions=_union(first.functions, second.functions),
        mentions=_union(first.mentions, second.mentions),
        files=_union(first.files, second.files),
        domains=first.domains or second.domains,
        pull_request=first.pull_request or second.pull_request,
        summary=first.summary or second.summary,
        claims=_union(first.claims, second.claims),
        outcome=outcome,
        reason=reason,
        warnings=warnings,
        unresolved="missing" if "missing" in unresolved else unresolved[0] or unresolved[1],
    )


def _union(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))
