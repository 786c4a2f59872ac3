"""Titles and summary bullets from the text of notes, without commits, numbering and claims."""

import re
from collections.abc import Iterable
from typing import Final

from ..body.claims import claims, without_claims
from ..body.commit_words import is_sentence
from ..text.outline import Inline
from . import extract

LONGEST_TITLE: Final = 100
LONGEST_SENTENCE: Final = 240
_MOST_BULLETS: Final = 3
_NOT_A_TITLE: Final = re.compile(
    r"(?:[\w-]*[-_ ])?(?:exp|experiment|opt|run|iter|step|e)[-_ #]*\d+\w?|#?\d+", re.IGNORECASE
)
_SHA = r"[`*(\[]*\b[0-9a-f]{7,40}\b[`*)\]]*"
_DONE = re.compile(
    rf"^(?:committed|landed|merged|shipped|done|kept|added|implemented)\s+(?:as|in|with|by|at)\s+{_SHA}[\s:,;—–-]*",
    re.IGNORECASE,
)
_SIGNS = re.compile(r"[\U0001F300-\U0001FAFF\u2600-\u27BF\u2B00-\u2BFF\u23E9-\u23FA\u21A9\u21AA\uFE0F\u200D]+")
_NUMBERED = re.compile(
    r"^(?:\s*(?:(?:optimi[sz]ation|experiment|exp|change|opt|item|step|patch|fix)\s*#?\d+\w?|#\d+|\d+[.)]|E\d+)"
    r"\s*[:.)—–-]*\s+(?=\S))+",
    re.IGNORECASE,
)
_OUTCOMES = re.compile(
    r"[\[(]\s*(?:kept|keep|discarded|reverted|abandoned|merged|accepted|committed|landed|applied|done|wip|"
    r"rejected|win|x| )\s*[\])]|"
    r"(?:(?<=^)|(?<=\s))(?:KEPT|KEEP|DISCARDED|REVERTED|WIP|DONE|MERGED|ACCEPTED|REJECTED|COMMITTED|LANDED|WIN)(?=\W|$)",
    re.IGNORECASE,
)
_PULL = re.compile(
    r"[\[(]\s*(?:PR|pull request)\s*:?\s*#?\d+\s*[\])]|\b(?:PR|pull request)\s*:?\s*#?\d+\b|\(#\d+\)", re.IGNORECASE
)


def title_of(text: str) -> str:
    """Derive a title from a heading, cell or sentence; "" if that is impossible.

    A title must not claim numbers that prprep has not measured.
    """
    title = " ".join(text.split())
    for _ in range(2):
        title = _without_refs_and_outcomes(_SIGNS.sub(" ", title))
    title = _shortened(_without_claims(title))
    is_title = 4 <= len(title) <= LONGEST_TITLE and not _NOT_A_TITLE.fullmatch(title)
    return title if is_title and not claims(title) else ""


def bullets(texts: Iterable[Inline]) -> tuple[str, ...]:
    """Return up to three sentences that say what was done and claim nothing that prprep has not measured."""
    result: list[str] = []
    for text in texts:
        for sentence in extract.sentences(without_commits(text.text)):
            plain = _SIGNS.sub("", sentence).strip(" -–—;,:")
            if (
                is_sentence(plain)
                and not extract.makes_claims(plain)
                and 12 < len(plain) <= LONGEST_SENTENCE
                and " " in plain
            ):
                result.append(plain[0].upper() + plain[1:] + ("" if plain[-1] in ".!?" else "."))
    return tuple(dict.fromkeys(result))[:_MOST_BULLETS]


def without_commits(text: str) -> str:
    return " ".join(re.sub(rf"\(?\s*(?:commits?\s*:?\s*)?{_SHA}\s*\)?\s*:?", " ", text).split())


def _without_refs_and_outcomes(title: str) -> str:
    title = _DONE.sub("", _NUMBERED.sub("", _PULL.sub(" ", title.strip())))
    title = _OUTCOMES.sub(lambda match: " " if match[0][0] in "[(" or match[0].isupper() else match[0], title)
    title = re.sub(rf"\s*[\[(]\s*(?:commits?\s*:?\s*)?{_SHA}(?:\s*[,+&]\s*{_SHA})*\s*[\])]", " ", title)
    title = re.sub(rf"(?:\bcommits?\s*:?\s*)?{_SHA}(?:\s*[,+&]\s*{_SHA})*\s*[:—–-]*", " ", title)
    title = re.sub(r",\s*(?=[)\]])", "", title)
    title = re.sub(r"(?<!\w)\(\s*\)|(?<!\w)\[\s*\]|``", " ", " ".join(title.split()))
    title = re.sub(r"\s+(?=[:;,.](?:\s|$))", "", title)
    title = title.strip(" :;,—–-|")
    if re.fullmatch(r"\(.*\)|`[^`]*`", title) and title.count("(") < 2:
        title = title[1:-1].strip("` ")
    return title.removesuffix(".").strip()


def _without_claims(title: str) -> str:
    """Remove brackets with numbers, and a part with numbers after a dash, colon or comma."""
    title = re.sub(r"\s*\(([^()]*)\)", lambda match: "" if claims(match[1]) else match[0], title)
    parts = re.split(r"(\s[—–-]+\s|:\s|;\s|,\s|\s(?:→|->)\s)", title)
    while len(parts) > 1 and (claims("".join(parts)) or re.fullmatch(r"[\W\d_]*\d[\W\d_]*", parts[-1])):
        parts = parts[:-2]
    return without_claims("".join(parts).strip(" :;,—–-"))


def _shortened(title: str) -> str:
    """Remove the last part after a dash, colon, semicolon or bracket, until the title is short enough."""
    marks = (" — ", " – ", " - ", ": ", "; ", " (")
    while len(title) > LONGEST_TITLE and (cut := max(map(title.rfind, marks))) > 0:
        title = title[:cut].strip(" :;,—–-")
    return title
