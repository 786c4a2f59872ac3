"""Apply what the project's own pages say about pull requests: what to review, and what a person has to do."""

import re
from collections.abc import Iterator, Sequence

from ..artifacts import ContributionRule
from ..text.markdown import shorten

# What forbids or binds, not every negation: "we can't tell how you write" forbids nothing.
_BINDS = re.compile(
    r"\b(?:do(?: not|n['\u2019]t)|(?:must|may|should)(?: not|n['\u2019]t)|never|forbidden|prohibit\w*)\b"
    r"|\b(?:refuse[sd]?|banned|closed?|reject\w*)\b"
    r"|\b(?<!not )only\b|(?:\bnot|n['\u2019]t)(?: be)? (?:accept|allow|permit|welcome|suitable)|own words"
    r"|\bno (?:ai|llm|agent)s?[- ]?(?:generated|written|made|text)",
    re.IGNORECASE,
)
_OF_TEXT = re.compile(
    r"descriptions?\b|\btext\b|\b(?:pull|merge) requests?\b|\bPRs?\b|\bwritten\b|\bprose\b|\bcommunicat\w*"
    r"|own words|speak for",
    re.IGNORECASE,
)
_FIRST = re.compile(r"descriptions?\b|\btext\b|own words", re.IGNORECASE)
_LONGEST = 220
_QUOTED = 2
_TODOS = {
    "disclosure": "disclose, in one line of your own, whether models were used",
    "sign-off": "sign the commits off",
    "issue first": "make sure that there is an issue",
}


def refusals(rules: Sequence[ContributionRule]) -> tuple[ContributionRule, ...]:
    """Return the sentences that forbid or restrict generated text in pull requests, those about descriptions first."""
    about = (rule for rule in rules if rule.about == "generated text")
    binding = (rule for rule in about if _BINDS.search(rule.sentence) and _OF_TEXT.search(rule.sentence))
    return tuple(sorted(binding, key=lambda rule: not _FIRST.search(rule.sentence)))


def to_review(rules: Sequence[ContributionRule], *, by_person: bool) -> tuple[str, ...]:
    """Quote the project's sentences about generated descriptions, unless a person writes this one."""
    binding = () if by_person else refusals(rules)
    if not binding:
        return ()
    quoted = "; ".join(map(_quoted, binding[:_QUOTED]))
    more = f", and {len(binding) - _QUOTED} more in the report" if len(binding) > _QUOTED else ""
    hint = "write the sentences yourself (`summary: human` leaves gaps)"
    return (f"the project has rules about generated text: {quoted}{more}; {hint}",)


def todos(rules: Sequence[ContributionRule]) -> Iterator[str]:
    """Yield what the rules ask of a person, each with the first sentence that says so."""
    for about, todo in _TODOS.items():
        if rule := next((rule for rule in rules if rule.about == about), None):
            yield f"{todo}: {_quoted(rule)}"


def _quoted(rule: ContributionRule) -> str:
    return f"“{shorten(rule.sentence, _LONGEST)}” ({rule.path}, line {rule.line})"
