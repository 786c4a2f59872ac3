"""What one source says of one optimization, and what several say of the same one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ..manifest.model import Domain

Standing = Literal["kept", "discarded", "unfinished", "unknown", "none"]
"""What became of it; `none` is what is no optimization at all, such as the baseline of a series."""


@dataclass(frozen=True, slots=True)
class Lead:
    """One optimization in the words of its source; nothing in it is held against the repository yet.

    `functions` are named as what was optimized, `mentions` only occur in the text; `claims` are the numbers that are told.
    """

    source: str
    title: str = ""
    commits: tuple[str, ...] = ()
    span: tuple[str, str] | None = None
    branch: str = ""
    functions: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    domains: tuple[Domain, ...] = ()
    pull_request: int | None = None
    summary: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    standing: Standing = "unknown"
    reason: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def refers(self) -> bool:
        """Whether it says where in git the change is."""
        return bool(self.commits or self.span or self.branch)


def together(first: Lead, second: Lead) -> Lead:
    """Put what two sources say of one optimization together; what the first one says goes before."""
    notes = (*first.notes, *second.notes)
    standing, reason = first.standing, first.reason
    if standing == "unknown":
        standing, reason = second.standing, second.reason or first.reason
    elif second.standing not in {"unknown", standing}:
        notes = (*notes, f"{first.source} has it as {standing}, {second.source} as {second.standing}")
    return replace(
        first,
        source=f"{first.source}; {second.source}",
        title=first.title or second.title,
        commits=_union(first.commits, second.commits),
        span=first.span or second.span,
        branch=first.branch or second.branch,
        functions=_union(first.functions, second.functions),
        mentions=_union(first.mentions, second.mentions),
        files=_union(first.files, second.files),
        domains=first.domains or second.domains,
        pull_request=first.pull_request or second.pull_request,
        summary=first.summary or second.summary,
        claims=_union(first.claims, second.claims),
        standing=standing,
        reason=reason,
        notes=notes,
    )


def _union(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))
