"""Choose the words of a body that others wrote: from commits what the evidence shows, from the manifest all.

What a commit claims beyond the evidence is left out; the reader of the report learns what.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..artifacts import Commit
from ..text import markdown
from ..text.markdown import Markdown
from ..text.messages import enumeration
from . import commit_words, titles
from .claims import CitableEvidence, asserts, unproven, without_claims
from .evidence import Evidence

MOST = 3
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Summary:
    """The bullets, the number of further commits, and what was left out of them, one line each."""

    bullets: tuple[Markdown, ...]
    further_commits: int = 0
    left_out: tuple[str, ...] = ()


def has_generated_bullets(evidence: Evidence) -> bool:
    """Return whether the bullets are those of the `summarize:` command."""
    return bool(evidence.generated and evidence.generated.are_used)


def citable(evidence: Evidence) -> CitableEvidence:
    """Return what the words of a body may repeat: the comparison, and the names and versions around it."""
    comparison = evidence.comparison
    texts = (comparison.platform, *comparison.base.packages, *comparison.head.packages)
    return CitableEvidence(comparison, "\n".join(texts))


def summary_of(evidence: Evidence) -> Summary:
    """Return one to three bullets: the manifest's, else those of `summarize:`, else from the commit messages."""
    if evidence.item.summary:
        lines = tuple(markdown.inline(line) for line in evidence.item.summary)
    elif evidence.generated and evidence.generated.are_used:
        lines = tuple(markdown.inline(line, emphasis=False) for line in evidence.generated.bullets)
    else:
        return _of_commits(evidence)
    return Summary(lines, left_out=tuple(dict.fromkeys(_left_out(evidence))))


def title_of(evidence: Evidence) -> str:
    """Return the item's title without what the evidence does not show."""
    title = evidence.item.title or evidence.detection.title
    return _proven(title, citable(evidence)) or evidence.item.id


def pull_request_title(evidence: Evidence) -> str:
    """Return the item's title in the project's style."""
    conventional = evidence.detection.has_conventional_titles
    return titles.pull_request_title(markdown.one_line(title_of(evidence)), conventional=conventional)


def commit_titles(evidence: Evidence) -> tuple[tuple[str, str], ...]:
    """Return SHA and title of every commit, the title without what the evidence does not show."""
    known = citable(evidence)
    return tuple((commit.sha, _proven(commit.title, known)) for commit in evidence.detection.commits)


def to_review(evidence: Evidence) -> Iterator[str]:
    """Yield what the manifest's own words claim and the evidence does not show."""
    item, known = evidence.item, citable(evidence)
    for key, text in (("title", item.title), ("summary", "\n".join(item.summary)), ("details", item.details)):
        for fault in dict.fromkeys(unproven(re.sub(r"\*|__|`", "", text or ""), known)):
            yield f"`{key}:` of the manifest: {fault}"


def _of_commits(evidence: Evidence) -> Summary:
    detection, known = evidence.detection, citable(evidence)
    commits = commit_words.about_the_change(detection.commits)
    lines = [title for commit in commits if (title := _sentence(commit, known))][:MOST]
    titles, left_out = len(lines), list(_left_out(evidence))
    if commits and titles < 2:
        paragraphs, items = commit_words.message_parts(commits[0])
        for sentences in items or paragraphs:
            left_out += filter(None, (_fault(sentence, known) for sentence in sentences))
            lines.append(_joined(sentence for sentence in sentences if not _fault(sentence, known)))
            if lines[-1] and not items:
                break
    lines = [line for line in dict.fromkeys(lines) if line][:MOST]
    bullets = [markdown.inline(line, emphasis=False) for line in lines] or [_fallback(evidence, known)]
    further = sum(map(commit_words.is_proper, detection.commits)) - max(titles, 1)
    return Summary(tuple(bullets), max(0, further), tuple(dict.fromkeys(left_out)))


def _sentence(commit: Commit, known: CitableEvidence) -> str:
    return _capitalized(_proven(commit_words.title_sentence(commit), known))


def _fallback(evidence: Evidence, known: CitableEvidence) -> Markdown:
    """Return a bullet for commits whose words cannot be used."""
    if evidence.item.title and not any(unproven(evidence.item.title, known)):
        return markdown.inline(markdown.one_line(evidence.item.title), emphasis=False)
    targets = [function.target for function in evidence.detection.functions]
    if not targets:
        return markdown.escape(evidence.item.id)
    return Markdown(f"Changes {enumeration(map(markdown.code, targets), MOST)}")


def _left_out(evidence: Evidence) -> Iterator[str]:
    """Yield what the commits' titles claim and the evidence does not show."""
    known = citable(evidence)
    yield from filter(None, (_fault(commit.title, known, title=True) for commit in evidence.detection.commits))


def _fault(sentence: str, known: CitableEvidence, *, title: bool = False) -> str:
    """Say why a sentence is left out, or shortened if it is a title; "" if it is not."""
    faults = list(unproven(sentence, known))
    if not title and asserts(sentence):
        faults.append("says what only a measurement or the tests can show")
    return f"“{markdown.shorten(markdown.one_line(sentence), _SHOWN)}”: {'; '.join(faults)}" if faults else ""


def _proven(title: str, known: CitableEvidence) -> str:
    """Return a title, shortened until the evidence shows it; "" if nothing remains."""
    if not any(unproven(title, known)):
        return title
    shortened = without_claims(title)
    return "" if any(unproven(shortened, known)) else shortened


def _joined(sentences: Iterator[str]) -> str:
    """Join as many whole sentences as fit into a bullet."""
    line = ""
    for sentence in sentences:
        if len(line) + 1 + len(sentence) > commit_words.LONGEST:
            break
        line = f"{line} {sentence}".strip()
    return line


def _capitalized(sentence: str) -> str:
    first = sentence.partition(" ")[0]
    return sentence[:1].upper() + sentence[1:] if first.isalpha() and first.islower() else sentence
