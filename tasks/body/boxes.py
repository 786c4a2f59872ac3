"""Tick the boxes of a template that artifacts prove; everything that a person alone can say becomes a to-do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..text.markdown import one_line, shorten
from ..text.outline import Outline, Section, outline, plain
from ..text.repair import repaired
from .meanings import Meaning, meaning_of
from .skeleton import has_tasks

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

_BOX = re.compile(r"^(?P<before>[\s>]*(?:[-*+]|\d+[.)])\s+)\[ \](?=\s)")
_OPEN, _TICKED = re.compile(r"\[ \]\s+"), re.compile(r"\[[xX]\]\s+")
_LONGEST = 200

# A statement in the first person, or about persons and models, is an attestation: nothing that was measured proves it.
_ATTESTS = re.compile(
    r"\b(?:i|we|our|my(?! changes?\b)|mine|myself)\b|\bhumans?\b|\bai\b|\bllms?\b|\bread\b|\bagree|\bcla\b|\bsign|\breview"
    r"|disclos|\bpolicy\b|understand|self-|licen[cs]e|\bcoverage\b|\bci\b|actions\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Proofs:
    """What the artifacts prove of a change."""

    tests_pass: bool = False
    benchmark_added: bool = False
    results_shown: bool = False
    improved: bool = False
    changelog_changed: bool = False


_TESTS = r"(?:all |the |new |and |existing |unit |added |project'?s? |test suite|tests?)+(?: (?:is|are))? ?(?:pass(?:es|ing|ed)?|green)"
_DONE = r"(?: (?:is|are|was|were|has been|have been))?"
_STATEMENTS = {
    "tests_pass": rf"{_TESTS}(?: locally)?(?: with (?:my|these|the) changes?)?",
    "benchmark_added": rf"(?:an? |the )?(?:new )?benchmarks?(?: tests?)?{_DONE} (?:added|included)"
    r"|(?:add(?:ed|s)?|include[sd]?) (?:an? |the )?(?:new )?benchmarks?(?: tests?)?",
    "results_shown": rf"(?:performance |benchmark )(?:results|numbers|figures){_DONE} (?:included|attached|provided|shown|below)(?: below)?"
    r"|(?:include[sd]?|attach(?:ed)?) (?:performance |benchmark )(?:results|numbers|figures)",
    "changelog_changed": rf"(?:the )?change ?log(?: entry)?{_DONE} (?:updated|added)"
    r"|(?:added|updated) (?:an? |the )?change ?log(?: entry)?",
}
_KIND = (
    r"perf(?:ormance)?(?: (?:improvements?|optimi[sz]ations?|enhancements?))?|(?:code )?optimi[sz]ations?|speed-?ups?"
)


def answered(template: str, proofs: Proofs, *, name: str) -> tuple[str, tuple[str, ...]]:
    """Return the template with what is proved ticked, and what is left to a person; `name` is the template's path."""
    text = outline(repaired(template))
    lines = list(text.lines)
    todos: list[str] = []
    for section in text.sections:
        statements = list(_statements(text, section))
        proved = [line for line, words in statements if _is_proved(words, proofs, meaning_of(section.title))]
        for line in proved:
            lines[line] = _BOX.sub(r"\g<before>[x]", lines[line])
        if not (proved and meaning_of(section.title) is Meaning.TYPE):
            todos += [f"tick it if it is so: “{words}”" for line, words in statements if line not in proved]
        todos += _asked(section)
    return "\n".join(lines), tuple(f"{todo} ({name})" for todo in dict.fromkeys(todos))


def _statements(text: Outline, section: Section) -> Iterator[tuple[int, str]]:
    """Yield the lines of boxes that are not ticked, and what they say."""
    for node in section.walk_nodes():
        if node.type == "inline" and node.map and _OPEN.match(node.content) and _BOX.match(text.lines[node.map[0]]):
            yield node.map[0], _said(node)


def _said(node: SyntaxTreeNode) -> str:
    return shorten(one_line(_OPEN.sub("", plain(node), count=1)), _LONGEST)


def _is_proved(words: str, proofs: Proofs, meaning: Meaning) -> bool:
    """Return whether a statement as a whole is one that an artifact proves."""
    said = re.sub(r"[.!]+$", "", words.lower().strip())
    if _ATTESTS.search(said):
        return False
    if meaning is Meaning.TYPE and proofs.improved and re.fullmatch(rf"(?:\W*\s)?(?:{_KIND})(?:\s*\(.*\))?", said):
        return True
    return any(getattr(proofs, proof) and re.fullmatch(pattern, said) for proof, pattern in _STATEMENTS.items())


def _asked(section: Section) -> Iterator[str]:
    """Say what of a section without boxes is left to a person: issues, disclosure, what nothing of ours answers, prompts."""
    meaning, title = meaning_of(section.title), shorten(one_line(section.title), _LONGEST)
    prompts = [one_line(node.content) for node in section.walk_nodes() if node.type == "inline" and node.level == 1]
    prompts = [
        prompt for prompt in prompts if not (_OPEN.match(prompt) or _TICKED.match(prompt) or prompt.startswith("<!--"))
    ]
    if section.level and not has_tasks(section):
        asked = {
            Meaning.ISSUE: f"name the issue, or say that there is none, under “{title}”",
            Meaning.DISCLOSURE: f"answer “{title}”",
            Meaning.OTHER: f"see whether “{title}” wants an answer",
        }
        yield from [asked[meaning]] if meaning in asked else []
    for prompt in prompts[:1]:
        yield f"the template's own words are still there; delete them if they only ask: “{shorten(prompt, _LONGEST)}”"
