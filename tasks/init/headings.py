"""What headings make of the notes below them: optimizations that were kept, or not, or something else altogether."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from . import extract as words
from .tables import Context

if TYPE_CHECKING:
    from ..text.outline import Section

_NOT_PURSUED = words.Outcome("unfinished", "not pursued")
OPEN = words.Outcome("unknown", "")
_AHEAD: Final = re.compile(
    r"\b(?:next|future|todos?|to do|follow-?ups?|remaining|opportunit\w+|strategy|plans?|planned|how to|reproduc\w+|questions?|if more)\b",
    re.IGNORECASE,
)
_BESIDE: Final = re.compile(
    r"\b(?:environment|setup|session|baseline|bottlenecks?|profil\w+|files?|commands?|verification|correctness|testing|tests?|discover\w+|"
    r"insights?|learn\w*|lessons?|caveats?|background|context|goals?|constraints?|references?|conventions?|methodology|measurements?|appendix|"
    r"final|cumulative|totals?|summary|overview|tl;?dr|risks?|contact|state|why|numbers|benchmarks?|hardware|identification)\b",
    re.IGNORECASE,
)
_NOT_PURSUED_HEADING: Final = re.compile(
    r"\bnot (?:yet )?(?:pursued|attempted|tried|explored|done)|\bideas?\b|\bparked\b|\bdeferred\b", re.IGNORECASE
)
# A heading of nothing but these, outcomes and numbers is about all that stands below it, not one optimization.
_GENERIC: Final = re.compile(
    r"\b(?:optimi[sz]ations?|experiments?|changes?|results?|wins?|improvements?|commits?|items?|list|log|table|all|the|and|of|to|by|in|on|"
    r"this|so|far|more|also|still|further|additional|for|with|as|session|effort|round|phase|part|tried|attempts?|what|was|were|we|i|made|has|have|been|are|is|work(?:ed|ing)?|perf(?:ormance)?|"
    r"order|application|implemented|last|first|previous|earlier|code|status|prs?|branch(?:es)?|shipped|ideas?|candidates?|which|that|did|not|didn|t|yet|but|into|main|"
    r"memory|mem|cpu|async|import|imports?|startup|start-up|structural|struct|time|runtime|concurrency|category|tier|group|both|other)\b",
    re.IGNORECASE,
)
_LISTS: Final = re.compile(r"optimi|experiment|change|result|commit|win|improve", re.IGNORECASE)


def context_of(section: Section, above: Context) -> Context:
    """Say what a heading makes of what stands below it."""
    heading = section.heading.text
    domains = (words.domains_in(heading) if is_category(heading) else ()) or above.domains
    if outcome := outcome_of(heading) or (_NOT_PURSUED if _NOT_PURSUED_HEADING.search(heading) else None):
        return Context(outcome, domains)
    is_title = section.level == 1 and re.search(r"optimi|perf|session|hand-?off|report", heading, re.IGNORECASE)
    if _AHEAD.search(heading) and not is_title:
        return Context(None, domains, "ahead")
    if above.shut == "ahead":
        return above
    if is_category(heading) and above.place is None and _LISTS.search(heading):
        return Context(OPEN, domains)
    if is_beside(heading) and not is_title:
        return Context(None, domains, "beside")
    return Context(above.place, domains, above.shut)


def is_beside(heading: str) -> bool:
    """Return whether a heading is about something else than optimizations: what was found, measured or run."""
    return bool(_BESIDE.search(heading)) and not words.commits_in(heading) and not words.outcome_of_title(heading)


def outcome_of(heading: str) -> words.Outcome | None:
    """Return the outcome that a heading says all below it had."""
    if not is_category(heading):
        return None
    return words.outcome_of_title(heading) or words.outcome_in(heading)


def is_category(heading: str) -> bool:
    """Return whether a heading is made of general words only."""
    rest = _GENERIC.sub(" ", heading)
    while (said := words.outcome_in(rest)) is not None:
        rest = re.sub(rf"(?<![\w-]){re.escape(said.word)}(?![\w-])", " ", rest, flags=re.IGNORECASE)
    return not re.search(r"[^\W\d_]", rest)
