"""The meaning of headings in notes: optimizations that were kept or not, or another subject."""

import re
from dataclasses import replace
from typing import Final

from ..text.outline import Section
from . import extract
from .fields import Context

UNKNOWN_OUTCOME: Final = extract.StatedOutcome("unknown", "")
_NOT_PURSUED: Final = re.compile(
    r"\bnot (?:yet )?(?:pursued|attempted|tried|explored|done)|\bideas?\b|\bparked\b|\bdeferred\b", re.IGNORECASE
)
_AHEAD: Final = re.compile(
    r"\b(?:next|future|todos?|to do|follow-?ups?|remaining|opportunit\w+|strategy|plans?|planned|how to|reproduc\w+|"
    r"questions?|if more)\b",
    re.IGNORECASE,
)
_OTHER_SUBJECT: Final = re.compile(
    r"\b(?:environment|setup|session|baseline|bottlenecks?|profil\w+|files?|commands?|verification|correctness|testing|tests?|"
    r"discover\w+|insights?|learn\w*|lessons?|caveats?|background|context|goals?|constraints?|references?|conventions?|"
    r"methodology|measurements?|appendix|final|cumulative|totals?|summary|overview|tl;?dr|risks?|contact|state|why|numbers|"
    r"benchmarks?|hardware|identification)\b",
    re.IGNORECASE,
)
# A heading of these words, outcomes and numbers alone is about everything below it, not about one optimization.
_GENERAL_WORDS: Final = re.compile(
    r"\b(?:optimi[sz]ations?|experiments?|changes?|results?|wins?|improvements?|commits?|items?|list|log|table|all|the|and|of|to|by|"
    r"in|on|this|so|far|more|also|still|further|additional|for|with|as|session|effort|round|phase|part|tried|attempts?|what|was|"
    r"were|we|i|made|has|have|been|are|is|work(?:ed|ing)?|perf(?:ormance)?|order|application|implemented|last|first|previous|"
    r"earlier|code|status|prs?|branch(?:es)?|shipped|ideas?|candidates?|which|that|did|not|didn|t|yet|but|into|main|memory|mem|"
    r"cpu|async|import|imports?|startup|start-up|structural|struct|time|runtime|concurrency|category|tier|group|both|other)\b",
    re.IGNORECASE,
)
_LISTS: Final = re.compile(r"optimi|experiment|change|result|commit|win|improve", re.IGNORECASE)


def context_of(section: Section, above: Context) -> Context:
    """Return what a heading, and those above it, say about everything below it."""
    heading = section.heading.text
    domains = (extract.domains_in(heading) if is_category(heading) else ()) or above.domains
    not_pursued = extract.StatedOutcome("unfinished", "not pursued") if _NOT_PURSUED.search(heading) else None
    if outcome := outcome_of(heading) or not_pursued:
        return Context(above.file, outcome, domains)
    is_title = section.level == 1 and re.search(r"optimi|perf|session|hand-?off|report", heading, re.IGNORECASE)
    if _AHEAD.search(heading) and not is_title:
        return Context(above.file, None, domains, "ahead")
    if above.ignored == "ahead":
        return above
    if is_category(heading) and above.outcome is None and _LISTS.search(heading):
        return Context(above.file, UNKNOWN_OUTCOME, domains)
    if is_other_subject(heading) and not is_title:
        return Context(above.file, None, domains, "other")
    return replace(above, domains=domains)


def is_other_subject(heading: str) -> bool:
    is_described = extract.commits_in(heading) or extract.outcome_of_title(heading)
    return bool(_OTHER_SUBJECT.search(heading)) and not is_described


def outcome_of(heading: str) -> extract.StatedOutcome | None:
    """Return the outcome that a heading states for everything below it."""
    if not is_category(heading):
        return None
    return extract.outcome_of_title(heading) or extract.outcome_in(heading)


def is_category(heading: str) -> bool:
    """Return whether a heading has general words only."""
    rest = _GENERAL_WORDS.sub(" ", heading)
    while stated := extract.outcome_in(rest):
        rest = re.sub(rf"(?<![\w-]){re.escape(stated.word)}(?![\w-])", " ", rest, flags=re.IGNORECASE)
    return not re.search(r"[^\W\d_]", rest)
