"""Labels and columns by what they mean, and a lead from what stands under them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from ..text.markdown import shorten
from ..text.outline import Inline
from . import extract as words
from .candidate import Lead

if TYPE_CHECKING:
    from ..manifest.model import Domain

Meaning = Literal[
    "commit", "branch", "pull", "status", "function", "file", "domain", "claim", "reason", "summary", "title", "number"
]

_MEANINGS: Final[tuple[tuple[Meaning, str], ...]] = (
    ("pull", r"prs?|prs? (?:status|number|link|url)|pull requests?"),
    (
        "commit",
        r"commits?|commit (?:sha|hash|id|s)|git (?:commit|sha|hash)|sha1?|hash|rev|revisions?|commits? landed|landed (?:in|as)",
    ),
    ("branch", r"branch(?:es)?|branch name|git branch|head ref"),
    (
        "status",
        r"status|state|verdict|decision|outcome|kept|keep|disposition|accepted|landed|merged|kept or discarded|keep/discard|action",
    ),
    (
        "function",
        (
            r"functions?|methods?|functions? / methods?|functions? changed|changed functions?|target functions?|"
            r"optimized functions?|symbols?|callables?|targets?|where|location|hot ?spot"
        ),
    ),
    (
        "file",
        r"files?|file(?:s)? changed|changed files?|paths?|modules?|files? modified|modified files?|files? touched|touched",
    ),
    ("domain", r"domains?|types?|categor(?:y|ies)|kind|area|dimension|resource|class"),
    (
        "claim",
        (
            r"before|after|base(?:line)?|head|now|speed-?up|improvements?|gains?|impact|effect|deltas?|metrics?|results?|timings?|time|"
            r"memory|peak(?: memory)?|savings?|saved|reductions?|optimized|measured|measurements?|performance|benchmarks?|perf|cpu|rss|"
            r"allocations?|change \(?%\)?|wall(?: time)?|memory gb|before/after|before (?:→|->) after|ratio|factor|evidence"
        ),
    ),
    ("reason", r"reason|why (?:not|discarded|reverted)|lesson|lessons?|analysis|rationale|why"),
    (
        "summary",
        r"summary|what changed|mechanism|how|approach|fix|solution|technique|notes?|details?|comments?|remarks?",
    ),
    (
        "title",
        (
            r"optimi[sz]ations?|title|names?|changes?|what|ideas?|experiments?|items?|tasks?|descriptions?|patterns?|hypothesis|subject|"
            r"message"
        ),
    ),
    ("number", r"#|no|nr|n|id|idx|index|order|iteration|iter|step|exp(?: id)?|rank|priority|date|time ?stamp|run"),
)
_PATTERNS: Final = tuple((meaning, re.compile(pattern)) for meaning, pattern in _MEANINGS)
# Of several columns that could be the title, the first here is.
_TITLES: Final = (
    r"optimi[sz]ation|title",
    r"change|what|subject",
    r"description",
    r"name|item|task|idea|hypothesis|message",
    r"pattern",
    r"experiment",
)
_NO_TITLE: Final = re.compile(
    r"(?:[\w-]*[-_ ])?(?:exp|experiment|opt|run|iter|step|e)[-_ #]*\d+\w?|#?\d+", re.IGNORECASE
)
_LABEL = re.compile(r"^\s*([A-Za-z][\w /()#-]{0,28}?)\s*(?::|—|–|=>?)\s+(?=\S)|^\s*([A-Za-z][\w /()#-]{0,28}):(?=\S)")
LONGEST_TITLE: Final = 100
_LONGEST_BULLET: Final = 240
_MOST_BULLETS: Final = 3


def meaning_of(label: str) -> Meaning | None:
    """Say what a label or the head of a column means; None for one that says nothing of use here."""
    bare = re.sub(
        r"[`*_?:.]|\(s\)|[^\w\s/#()%→>-]",
        lambda found: "s" if found[0] == "(s)" else " ",
        label.lower().replace("_", " "),
    )
    bare = " ".join(re.sub(r"\((?!%).*?\)", " ", bare).split())
    if label.strip() == "#":
        return "number"
    return next((meaning for meaning, pattern in _PATTERNS if pattern.fullmatch(bare)), None)


def title_rank(label: str) -> int:
    """Put columns that could be the title in order."""
    return next((rank for rank, pattern in enumerate(_TITLES) if re.search(pattern, label.lower())), len(_TITLES))


def labelled(line: Inline) -> tuple[Meaning, Inline] | None:
    """Read `Label: value`, where the label means something."""
    found = _LABEL.match(line.text)
    label = found and (found[1] or found[2])
    meaning = meaning_of(label) if label else None
    if not found or not meaning or meaning in {"title", "number"}:
        return None
    return meaning, Inline(line.text[found.end() :].strip(), line.line, links=line.links)


@dataclass(slots=True)
class Telling:
    """What is told of one optimization, part by part; `outcome` is what its place says of it (a heading, say)."""

    source: str
    title: Inline
    parts: list[tuple[Meaning, Inline]] = field(default_factory=list)
    prose: list[Inline] = field(default_factory=list)
    place: words.Outcome | None = None
    domains: tuple[Domain, ...] = ()

    def of(self, *meanings: Meaning) -> list[Inline]:
        return [text for meaning, text in self.parts if meaning in meanings and text.text.strip(" -–—")]

    def lead(self) -> Lead:
        """Read all of it."""
        refs = self.of("commit") or [self.title, *self.prose[:1]]
        by_field = bool(self.of("commit"))
        everything = [self.title, *(text for _, text in self.parts), *self.prose]
        outcome = self._outcome()
        told = [*self.of("summary"), *([self.title] if len(self.title.text) > LONGEST_TITLE else []), *self.prose]
        return Lead(
            source=self.source,
            title=titled(self.title.text),
            commits=_commits(refs, field=by_field),
            span=next(filter(None, (words.range_in(text.text) for text in (*self.of("commit"), self.title))), None),
            branch=self._branch(),
            functions=self._functions(everything),
            mentions=_each(words.mentions_in(text.text) for text in everything),
            files=_each(words.files_in(text.text) for text in everything),
            domains=_each(words.domains_in(text.text) for text in self.of("domain")) or self.domains,
            pull_request=self._pull_request(everything),
            summary=bullets(told) if outcome is None or outcome.standing in {"kept", "unknown"} else (),
            claims=self._claims(told),
            standing=outcome.standing if outcome else "unknown",
            reason=self._reason(outcome),
        )

    def _outcome(self) -> words.Outcome | None:
        for text in self.of("status"):
            if said := words.outcome_of_field(text.text):
                return said
        said = words.outcome_of_title(self.title.text)
        if said is None and self.title.struck:
            said = words.Outcome("discarded", "struck through")
        if said is None and (self.place is None or self.place.standing == "unknown"):
            said = next(filter(None, (words.outcome_of_field(text.text) for text in self.of("claim"))), None)
        return said or self.place

    def _branch(self) -> str:
        for text in self.of("branch"):
            if named := words.branch_in(text.text, field=True):
                return named
        texts = [self.title, *self.prose]
        linked = next(filter(None, (words.linked_branch(text.links) for text in texts)), "")
        return linked or next(filter(None, (words.branch_in(text.text) for text in texts)), "")

    def _functions(self, everything: Sequence[Inline]) -> tuple[str, ...]:
        named = _each(words.functions_in(text.text, field=True) for text in self.of("function"))
        return named or _each(words.functions_in(text.text) for text in everything)

    def _pull_request(self, everything: Sequence[Inline]) -> int | None:
        fields = [words.pull_request_in(text.text, text.links, field=True) for text in self.of("pull")]
        others = (words.pull_request_in(text.text, text.links) for text in everything)
        return next((number for number in (*fields, *others) if number), None)

    def _claims(self, told: Sequence[Inline]) -> tuple[str, ...]:
        cells = [" ".join(text.text.split()) for text in self.of("claim")]
        in_words = _each(words.claims_in(text.text) for text in (self.title, *told))
        return tuple(dict.fromkeys([*(shorten(cell, _LONGEST_BULLET) for cell in cells), *in_words]))

    def _reason(self, outcome: words.Outcome | None) -> str:
        if outcome is None:
            return ""
        parts = [*self.of("reason"), *self.of("summary"), *self.prose]
        said = parts if outcome.standing in {"discarded", "unfinished"} else []
        why = next(
            (sentence for text in said for sentence in words.sentences(_without_refs(text.text)) if len(sentence) > 3),
            "",
        )
        word = outcome.word if outcome.word[:1].isalpha() else outcome.standing
        return f"{word}: {shorten(why, _LONGEST_BULLET)}" if why else word


# -- titles and bullets -------------------------------------------------------------------------------

_SHA = r"[`*(\[]*\b[0-9a-f]{7,40}\b[`*)\]]*"
_DONE = re.compile(
    rf"^(?:committed|landed|merged|shipped|done|kept|added|implemented)\s+(?:as|in|with|by|at)\s+{_SHA}[\s:,;—–-]*",
    re.IGNORECASE,
)
_SIGNS = re.compile(r"[\U0001F300-\U0001FAFF\u2600-\u27BF\u2B00-\u2BFF\u23E9-\u23FA\u21A9\u21AA\uFE0F\u200D]+")
_NUMBERED = re.compile(
    r"^(?:\s*(?:(?:optimi[sz]ation|experiment|exp|change|opt|item|step|patch|fix)\s*#?\d+\w?|#\d+|\d+[.)]|E\d+)\s*[:.)—–-]*\s+(?=\S))+",
    re.IGNORECASE,
)
_OUTCOMES = re.compile(
    r"[\[(]\s*(?:kept|keep|discarded|reverted|abandoned|merged|accepted|committed|landed|applied|done|wip|rejected|win|x| )\s*[\])]|"
    r"(?:(?<=^)|(?<=\s))(?:KEPT|KEEP|DISCARDED|REVERTED|WIP|DONE|MERGED|ACCEPTED|REJECTED|COMMITTED|LANDED|WIN)(?=\W|$)",
    re.IGNORECASE,
)
_PULL = re.compile(
    r"[\[(]\s*(?:PR|pull request)\s*:?\s*#?\d+\s*[\])]|\b(?:PR|pull request)\s*:?\s*#?\d+\b|\(#\d+\)", re.IGNORECASE
)


def titled(text: str) -> str:
    """Make a title of a heading, a cell or the first sentence of an item; "" where none of it can be one.

    Commits, marks, numbering and claims are taken out: a title that claims what was not measured here is none.
    """
    title = " ".join(text.split())
    for _ in range(2):
        title = _SIGNS.sub(" ", title)
        title = _words_only(title)
    title = _shortened(_without_claims(title))
    none = len(title) > LONGEST_TITLE or len(title) < 4 or words.CLAIM.search(title) or _NO_TITLE.fullmatch(title)
    return "" if none else title


def _words_only(title: str) -> str:
    title = _DONE.sub("", _NUMBERED.sub("", _PULL.sub(" ", title.strip())))
    title = _OUTCOMES.sub(lambda found: " " if found[0][0] in "[(" or found[0].isupper() else found[0], title)
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
    """Leave out brackets that hold numbers, and what follows a dash, a colon or a comma and holds some."""
    title = re.sub(r"\s*\(([^()]*)\)", lambda found: "" if words.CLAIM.search(found[1]) else found[0], title)
    parts = re.split(r"(\s[—–-]+\s|:\s|;\s|,\s|\s(?:→|->)\s)", title)
    while len(parts) > 1 and words.CLAIM.search("".join(parts)):
        parts = parts[:-2]
    return "".join(parts).strip(" :;,—–-")


def _shortened(title: str) -> str:
    """Leave out what follows a dash, a colon, a semicolon or a bracket, from the end, until it is short enough."""
    while (
        len(title) > LONGEST_TITLE
        and (cut := max(title.rfind(mark) for mark in (" — ", " – ", " - ", ": ", "; ", " ("))) > 0
    ):
        title = title[:cut].strip(" :;,—–-")
    return title


def bullets(texts: Iterable[Inline]) -> tuple[str, ...]:
    """Return up to three sentences that tell what was done, none of which claims what was not measured here."""
    found: list[str] = []
    for text in texts:
        for sentence in words.sentences(_without_refs(text.text)):
            plain = _SIGNS.sub("", sentence).strip(" -–—;,:")
            if not words.asserts(plain) and 12 < len(plain) <= _LONGEST_BULLET and " " in plain:
                found.append(plain if plain[-1] in ".!?" else f"{plain}.")
    return tuple(dict.fromkeys(each[0].upper() + each[1:] for each in found))[:_MOST_BULLETS]


def _without_refs(text: str) -> str:
    return " ".join(re.sub(rf"\(?\s*(?:commits?\s*:?\s*)?{_SHA}\s*\)?\s*:?", " ", text).split())


def _commits(texts: Sequence[Inline], *, field: bool) -> tuple[str, ...]:
    found: list[str] = []
    for text in texts:
        linked = words.linked_commits(text.links)
        # The link has all digits of what the text has some of.
        short = [
            sha for sha in words.commits_in(text.text, field=field) if not any(full.startswith(sha) for full in linked)
        ]
        found += [*linked, *short]
        if found and not field:
            break
    return tuple(dict.fromkeys(found))


def _each(groups: Iterable[tuple[str, ...]]) -> tuple:  # type: ignore[type-arg]
    return tuple(dict.fromkeys(each for group in groups for each in group))
