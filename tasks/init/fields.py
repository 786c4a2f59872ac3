"""Labels and columns by their meaning, and a candidate from the parts of its description."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar

from ..manifest.model import Domain
from ..text.markdown import shorten
from ..text.outline import Inline
from . import extract
from .candidate import Candidate
from .titles import LONGEST_SENTENCE, LONGEST_TITLE, bullets, title_of, without_commits

Meaning = Literal[
    "commit", "branch", "pull", "status", "function", "file", "domain", "claim", "reason", "summary", "title", "number"
]

_PATTERNS: Final[dict[Meaning, str]] = {
    "pull": r"prs?|prs? (?:status|number|link|url)|pull requests?",
    "commit": r"commits?|commit (?:sha|hash|id|s)|git (?:commit|sha|hash)|sha1?|hash|rev|revisions?|commits? landed|"
    r"landed (?:in|as)",
    "branch": r"branch(?:es)?|branch name|git branch|head ref",
    "status": r"status|state|verdict|decision|outcome|kept|keep|disposition|accepted|landed|merged|kept or discarded|"
    r"keep/discard|action",
    "function": r"functions?|methods?|functions? / methods?|functions? changed|changed functions?|target functions?|"
    r"optimized functions?|symbols?|callables?|targets?|where|location|hot ?spot",
    "file": r"files?|file(?:s)? changed|changed files?|paths?|modules?|files? modified|modified files?|files? touched|"
    r"touched",
    "domain": r"domains?|types?|categor(?:y|ies)|kind|area|dimension|resource|class",
    "claim": r"before|after|base(?:line)?|head|now|speed-?up|improvements?|gains?|impact|effect|deltas?|metrics?|"
    r"results?|timings?|time|memory|peak(?: memory)?|savings?|saved|reductions?|optimized|measured|"
    r"measurements?|performance|benchmarks?|perf|cpu|rss|allocations?|change \(?%\)?|wall(?: time)?|memory gb|"
    r"before/after|before (?:→|->) after|ratio|factor|evidence",
    "reason": r"reason|why (?:not|discarded|reverted)|lesson|lessons?|analysis|rationale|why",
    "summary": r"summary|what changed|mechanism|how|approach|fix|solution|technique|notes?|details?|comments?|remarks?",
    "title": r"optimi[sz]ations?|title|names?|changes?|what|ideas?|experiments?|items?|tasks?|descriptions?|patterns?|"
    r"hypothesis|subject|message",
    "number": r"#|no|nr|n|id|idx|index|order|iteration|iter|step|exp(?: id)?|rank|priority|date|time ?stamp|run",
}
# Of several columns that could be the title, the first here is.
_TITLES: Final = (
    r"optimi[sz]ation|title",
    r"change|what|subject",
    r"description",
    r"name|item|task|idea|hypothesis|message",
    r"pattern",
    r"experiment",
)
T = TypeVar("T")
_LABEL = re.compile(r"^\s*([A-Za-z][\w /()#-]{0,28}?)\s*(?::|—|–|=>?)\s+(?=\S)|^\s*([A-Za-z][\w /()#-]{0,28}):(?=\S)")


def meaning_of(label: str) -> Meaning | None:
    """Return the meaning of a label or column header; None if it is of no use here."""
    if label.strip() == "#":
        return "number"
    bare = re.sub(r"[`*_?:.]|[^\w\s/#()%→>-]", " ", label.lower().replace("(s)", "s"))
    bare = " ".join(re.sub(r"\((?!%).*?\)", " ", bare).split())
    return next((meaning for meaning, words in _PATTERNS.items() if re.fullmatch(words, bare)), None)


def title_rank(label: str) -> int:
    """Rank columns that could be the title; the lowest is the title."""
    return next((rank for rank, pattern in enumerate(_TITLES) if re.search(pattern, label.lower())), len(_TITLES))


def labelled(line: Inline) -> tuple[Meaning, Inline] | None:
    """Read `Label: value` if the label has a meaning."""
    match = _LABEL.match(line.text)
    meaning = meaning_of(match[1] or match[2]) if match else None
    if not match or not meaning or meaning in {"title", "number"}:
        return None
    return meaning, Inline(line.text[match.end() :].strip(), line.line, links=line.links)


@dataclass(frozen=True, slots=True)
class Context:
    """What the headings above, in a file that messages call `file`, say about all that is below them.

    `ignored` ignores everything but tables: below headings about future work ("ahead"), or another subject ("other").
    """

    file: str
    outcome: extract.StatedOutcome | None = None
    domains: tuple[Domain, ...] = ()
    ignored: Literal["", "ahead", "other"] = ""


@dataclass(slots=True)
class Description:
    """The parts of the text about one optimization."""

    title: Inline
    context: Context
    parts: list[tuple[Meaning, Inline]] = field(default_factory=list)
    prose: list[Inline] = field(default_factory=list)

    def of(self, *meanings: Meaning) -> list[Inline]:
        return [text for meaning, text in self.parts if meaning in meanings and text.text.strip(" -–—")]

    def candidate(self) -> Candidate:
        commits, branches, pulls = self.of("commit"), self.of("branch"), self.of("pull")
        title_and_prose = [self.title, *self.prose]
        everything = [self.title, *(text for _, text in self.parts), *self.prose]
        stated = self._outcome()
        long_title = [self.title] if len(self.title.text) > LONGEST_TITLE else []
        summary = [*self.of("summary"), *long_title, *self.prose]
        cells = [shorten(" ".join(text.text.split()), LONGEST_SENTENCE) for text in self.of("claim")]
        return Candidate(
            source=f"{self.context.file}:{self.title.line}",
            title=title_of(self.title.text),
            commits=_commits(commits or title_and_prose[:2], field=bool(commits)),
            commit_range=next(filter(None, (extract.range_in(text.text) for text in (*commits, self.title))), None),
            branch=_first(
                *(extract.branch_in(text.text, field=True) for text in branches),
                *(extract.linked_branch(text.links) for text in title_and_prose),
                *(extract.branch_in(text.text) for text in title_and_prose),
            )
            or "",
            functions=_union(extract.functions_in(text.text, field=True) for text in self.of("function"))
            or _union(extract.functions_in(text.text) for text in everything),
            mentions=_union(extract.mentions_in(text.text) for text in everything),
            files=_union(extract.files_in(text.text) for text in everything),
            domains=_union(extract.domains_in(text.text) for text in self.of("domain")) or self.context.domains,
            pull_request=_first(
                *(extract.pull_request_in(text.text, text.links, field=True) for text in pulls),
                *(extract.pull_request_in(text.text, text.links) for text in everything),
            ),
            summary=bullets(summary) if stated is None or stated.outcome in {"kept", "unknown"} else (),
            claims=_union([cells, *(extract.claims_in(text.text) for text in (self.title, *summary))]),
            outcome=stated.outcome if stated else "unknown",
            reason=self._reason(stated) if stated else "",
        )

    def _outcome(self) -> extract.StatedOutcome | None:
        # A summary with numbers may compare an optimization with the baseline.
        summaries = (text for text in self.of("summary") if not re.search(r"\d", without_commits(text.text)))
        texts = [self.title, *self.of("title"), *summaries]
        if any(extract.NO_OPTIMIZATION.fullmatch(without_commits(text.text)) for text in texts):
            return extract.StatedOutcome("none", "baseline")
        if stated := _first(*(extract.outcome_of_field(text.text) for text in self.of("status"))):
            return stated
        stated, above = extract.outcome_of_title(self.title.text), self.context.outcome
        if stated is None and self.title.struck:
            stated = extract.StatedOutcome("discarded", "struck through")
        if stated is None and (above is None or above.outcome == "unknown"):
            stated = _first(*(extract.outcome_of_field(text.text) for text in self.of("claim")))
        return stated or above

    def _reason(self, stated: extract.StatedOutcome) -> str:
        word = stated.word if stated.word[:1].isalpha() else stated.outcome
        if stated.outcome not in {"discarded", "unfinished"}:
            return word
        texts = (*self.of("reason"), *self.of("summary"), *self.prose)
        sentences = (each for text in texts for each in extract.sentences(without_commits(text.text)))
        first = next((sentence for sentence in sentences if len(sentence) > 3), "")
        return f"{word}: {shorten(first, LONGEST_SENTENCE)}" if first else word


def _commits(texts: Sequence[Inline], *, field: bool) -> tuple[str, ...]:
    commits: list[str] = []
    for text in texts:
        linked = extract.linked_commits(text.links)
        # A link has the full SHA-1 of a commit that the text may shorten.
        shas = extract.commits_in(text.text, field=field)
        commits += [*linked, *(sha for sha in shas if not any(full.startswith(sha) for full in linked))]
        if commits and not field:
            break
    return tuple(dict.fromkeys(commits))


def _union(groups: Iterable[Iterable[T]]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(item for group in groups for item in group))


def _first(*values: T | None) -> T | None:
    return next(filter(None, values), None)
