"""One optimization as its source describes it, and one that several sources describe."""

from dataclasses import dataclass, replace
from typing import Any, Literal

from ..manifest.model import Domain

Outcome = Literal["kept", "discarded", "unfinished", "unknown", "none"]
"""`none` is for rows that are no optimization, such as the baseline of a series."""

Unresolved = Literal["", "missing", "ambiguous"]
"""Whether a commit or branch that it names is missing from the repository, or ambiguous."""
_MERGED = ("commits", "functions", "mentions", "files", "claims")
_FIRST_KNOWN = ("title", "commit_range", "branch", "domains", "pull_request", "summary")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible optimization; nothing in it has been checked against the repository.

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
    outcome, reason, warnings = first.outcome, first.reason, (*first.warnings, *second.warnings)
    if outcome == "unknown":
        outcome, reason = second.outcome, second.reason or first.reason
    elif second.outcome not in {"unknown", outcome}:
        disagreement = f"{first.source} calls it {first.outcome}, but {second.source} calls it {second.outcome}"
        warnings = (*warnings, disagreement)
    values: dict[str, Any] = {name: getattr(first, name) or getattr(second, name) for name in _FIRST_KNOWN}
    for name in _MERGED:
        values[name] = tuple(dict.fromkeys((*getattr(first, name), *getattr(second, name))))
    return replace(
        first,
        source=f"{first.source}; {second.source}",
        outcome=outcome,
        reason=reason,
        unresolved=max(first.unresolved, second.unresolved, key=("", "ambiguous", "missing").index),
        warnings=warnings,
        **values,
    )
