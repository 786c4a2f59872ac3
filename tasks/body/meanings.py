"""Find out what a section of a pull-request template is for, from its heading."""

import re
from enum import StrEnum


class Meaning(StrEnum):
    DISCLOSURE = "disclosure"
    TYPE = "type of change"
    TESTS = "tests"
    CHECKLIST = "checklist"
    CHANGELOG = "changelog"
    ISSUE = "issue"
    BENCHMARK = "benchmark"
    REPRODUCTION = "reproduction"
    ENVIRONMENT = "environment"
    OTHER = "other"
    DESCRIPTION = "description"


# The first match counts: "Type of changes" is no description, "AI usage disclosure" no checklist.
_PATTERNS = {
    Meaning.DISCLOSURE: r"\bai\b|\bllms?\b|disclos|generated|\bagents?\b|attest|\bcla\b|copilot|\bhuman\b",
    Meaning.TYPE: r"\b(?:type|kind|category)s? of\b|^(?:pr |change |pull request )?(?:type|kind|category)s?$",
    Meaning.CHECKLIST: (
        r"check[- ]?list|\bto-?do\b|before (?:you |the )?(?:submit|merg|open)"
        r"|^(?:checks?|requirements?|acknowledge\w*)$|sign-?off"
    ),
    Meaning.CHANGELOG: r"change[- ]?log|release[- ]?notes?|\bnews\b|what'?s ?new",
    Meaning.REPRODUCTION: r"\breproduc",
    Meaning.BENCHMARK: r"\bbench|\bperformance\b|\btimings?\b|\bresults?\b|\bmeasure",
    Meaning.TESTS: r"\btest|\bverif|\bvalidat|\bqa\b",
    Meaning.ISSUE: r"\bissues?\b|\bticket|\brelated\b|\breferences?\b|\bcloses\b|^(?:fix|resolv)es[ \d]*$|\blinked?\b",
    Meaning.ENVIRONMENT: r"\benvironment\b|\bplatform\b|\bsystem\b",
    Meaning.OTHER: (
        r"screenshot|documentation|\bdocs?\b|deploy|migrat|breaking|security|review|comment|introduc|additional|compatib|\bapi\b|\brisk"
    ),
    Meaning.DESCRIPTION: (
        r"summar|descri|overview|\bwhat\b|\bwhy\b|\bhow\b|\bchange[sd]?\b|motivat|context|purpose|propos|detail|\babout\b"
        r"|implement|solution|problem|background|rationale|\bgoals?\b|tl;?dr|\bintent"
    ),
}


def meaning_of(title: str) -> Meaning:
    """Return the meaning of a heading: `Brief description of what is fixed or changed` is a description."""
    title = re.sub(r"[^\w\s'/-]", " ", title.lower()).strip()
    return next((meaning for meaning, pattern in _PATTERNS.items() if re.search(pattern, title)), Meaning.OTHER)
