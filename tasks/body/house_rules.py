"""Hold a body against what a project's own pages say about pull requests: what to review, and what is left to a person."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..text.markdown import shorten

if TYPE_CHECKING:
    from ..artifacts import ContributionRule

# What forbids or binds, and not every negation: "we can't tell how you write" forbids nothing.
_BINDS = re.compile(
    r"\b(?:do(?: not|n['\u2019]t)|(?:must|may|should)(?: not|n['\u2019]t)|never|forbidden|prohibit\w*)\b"
    r"|\b(?:refuse[sd]?|banned|closed?|reject\w*)\b"
    r"|\b(?<!not )only\b|(?:\bnot|n['\u2019]t)(?: be)? (?:accept|allow|permit|welcome|suitable)|own words"
    r"|\bno (?:ai|llm|agent)s?[- ]?(?:generated|written|made|text)",
    re.IGNORECASE,
)
_OF_TEXT = re.compile(
    r"descriptions?\b|\btext\b|\b(?:pull|merge) requests?\b|\bPRs?\b|\bwritten\b|\bprose\b|\bcommunicat\w*|own words|speak for",
    re.IGNORECASE,
)
_FIRST = re.compile(r"descriptions?\b|\btext\b|own words", re.IGNORECASE)
_LONGEST = 220
_QUOTED = 2


def refusals(rules: Sequence[ContributionRule]) -> tuple[ContributionRule, ...]:
    """Return the sentences that refuse, or bind, text in a pull request that a program or model wrote; about descriptions first."""
    about = (rule for rule in rules if rule.about == "generated text")
    found = (rule for rule in about if _BINDS.search(rule.sentence) and _OF_TEXT.search(rule.sentence))
    return tuple(sorted(found, key=lambda rule: not _FIRST.search(rule.sentence)))


def to_review(rules: Sequence[ContributionRule], *, by_person: bool) -> tuple[str, ...]:
    """Say what to review: sentences of the project about generated descriptions, quoted, unless a person writes this one."""
    found = () if by_person else refusals(rules)
    if not found:
        return ()
    quoted = "; ".join(f"“{shorten(rule.sentence, _LONGEST)}” ({place(rule)})" for rule in found[:_QUOTED])
    more = f", and {len(found) - _QUOTED} more in the report" if len(found) > _QUOTED else ""
    way_out = "write the sentences yourself (`summary: human` leaves gaps)"
    return (f"the project has rules for text that programs write: {quoted}{more}; {way_out}",)


def todos(rules: Sequence[ContributionRule]) -> Iterator[str]:
    """Yield what the rules leave to a person: one line of disclosure, a sign-off, an issue before the pull request."""
    for about, asked in (
        ("disclosure", "disclose, in one line of your own, whether models were used"),
        ("sign-off", "sign the commits off"),
        ("issue first", "see that there is an issue"),
    ):
        if rule := next((rule for rule in rules if rule.about == about), None):
            yield f"{asked}: “{shorten(rule.sentence, _LONGEST)}” ({place(rule)})"


def place(rule: ContributionRule) -> str:
    return f"{rule.path}, line {rule.line}"
