"""Tick the boxes of a template that artifacts prove; everything that only a person can say becomes a to-do."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..text.markdown import one_line, shorten
from ..text.outline import Outline, Section, outline, plain_text
from ..text.repair import repaired
from .meanings import Meaning, meaning_of
from .skeleton import has_boxes

_BOX = re.compile(r"^(?P<before>[\s>]*(?:[-*+]|\d+[.)])\s+)\[ \](?=\s)")
_OPEN, _TICKED = re.compile(r"\[ \]\s+"), re.compile(r"\[[xX]\]\s+")
_LONGEST = 200

# A statement in the first person, or about persons and models, is an attestation: no measurement proves it.
_ATTESTS = re.compile(
    r"\b(?:i|we|our|my(?! changes?\b)|mine|myself)\b|\bhumans?\b|\bai\b|\bllms?\b|\bread\b|\bagree|\bcla\b|\bsign"
    r"|\breview|disclos|\bpolicy\b|understand|self-|licen[cs]e|\bcoverage\b|\bci\b|actions\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Proofs:
    tests_pass: bool = False
    benchmark_added: bool = False
    results_shown: bool = False
    improved: bool = False
    changelog_changed: bool = False


_TESTS = (
    r"(?:all |the |new |and |existing |unit |added |project'?s? |test suite|tests?)+"
    r"(?: (?:is|are))? ?(?:pass(?:es|ing|ed)?|green)"
)
_DONE = r"(?: (?:is|are|was|were|has been|have been))?"
_STATEMENTS = {
    "tests_pass": rf"{_TESTS}(?: locally)?(?: with (?:my|these|the) changes?)?",
    "benchmark_added": rf"(?:an? |the )?(?:new )?benchmarks?(?: tests?)?{_DONE} (?:added|included)"
    r"|(?:add(?:ed|s)?|include[sd]?) (?:an? |the )?(?:new )?benchmarks?(?: tests?)?",
    "results_shown": r"(?:performance |benchmark )(?:results|numbers|figures)"
    rf"{_DONE} (?:included|attached|provided|shown|below)(?: below)?"
    r"|(?:include[sd]?|attach(?:ed)?) (?:performance |benchmark )(?:results|numbers|figures)",
    "changelog_changed": rf"(?:the )?change ?log(?: entry)?{_DONE} (?:updated|added)"
    r"|(?:added|updated) (?:an? |the )?change ?log(?: entry)?",
}
_KIND = (
    r"perf(?:ormance)?(?: (?:improvements?|optimi[sz]ations?|enhancements?))?|(?:code )?optimi[sz]ations?|speed-?ups?"
)


def tick_proved(template: str, proofs: Proofs, *, name: str) -> tuple[str, tuple[str, ...]]:
    """Return the template with proved boxes ticked, and to-dos for the rest; `name` is the template's path."""
    text = outline(repaired(template))
    lines = list(text.lines)
    todos: list[str] = []
    for section in text.sections:
        meaning = meaning_of(section.title)
        statements = dict(_statements(text, section))
        proved = [line for line, statement in statements.items() if _is_proved(statement, proofs, meaning)]
        for line in proved:
            lines[line] = _BOX.sub(r"\g<before>[x]", lines[line])
        if not (proved and meaning is Meaning.TYPE):
            todos += [f"tick if true: “{statement}”" for line, statement in statements.items() if line not in proved]
        todos += _section_todos(section, meaning)
    return "\n".join(lines), tuple(f"{todo} ({name})" for todo in dict.fromkeys(todos))


def _statements(text: Outline, section: Section) -> Iterator[tuple[int, str]]:
    """Yield the line and the statement of every box that is not ticked."""
    for node in section.walk_nodes():
        if node.type == "inline" and node.map and _OPEN.match(node.content) and _BOX.match(text.lines[node.map[0]]):
            yield node.map[0], shorten(one_line(_OPEN.sub("", plain_text(node), count=1)), _LONGEST)


def _is_proved(statement: str, proofs: Proofs, meaning: Meaning) -> bool:
    """Return whether the whole statement is one that an artifact proves."""
    statement = re.sub(r"[.!]+$", "", statement.lower().strip())
    if _ATTESTS.search(statement):
        return False
    if meaning is Meaning.TYPE and proofs.improved and re.fullmatch(rf"(?:\W*\s)?(?:{_KIND})(?:\s*\(.*\))?", statement):
        return True
    return any(getattr(proofs, proof) and re.fullmatch(pattern, statement) for proof, pattern in _STATEMENTS.items())


def _section_todos(section: Section, meaning: Meaning) -> Iterator[str]:
    """Yield what a section leaves to a person besides its boxes."""
    if section.level and not has_boxes(section):
        title = shorten(one_line(section.title), _LONGEST)
        if meaning is Meaning.ISSUE:
            yield f"name the issue, or say that there is none, under “{title}”"
        elif meaning is Meaning.DISCLOSURE:
            yield f"answer “{title}”"
        elif meaning is Meaning.OTHER:
            yield f"fill in “{title}” if it applies"
    for node in section.walk_nodes():
        prompt = one_line(node.content) if node.type == "inline" and node.level == 1 else ""
        if prompt and not (_OPEN.match(prompt) or _TICKED.match(prompt) or prompt.startswith("<!--")):
            prompt = shorten(prompt, _LONGEST)
            yield f"the template's own text is still there; delete it if it is only a prompt: “{prompt}”"
            return
