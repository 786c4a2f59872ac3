"""Put prprep's body into a project's own pull-request template: every line of the template stays, in its order.

Both are Markdown; the sections of the body go to the template's sections of the same meaning. What has no section there
stands in one of its own after the description, and so before the checklist.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..text.outline import Outline, Section, heading, outline, shifted
from ..text.repair import repaired
from .meanings import Meaning, meaning_of

_RELEASE_NOTE = re.compile(r"release[-_]?notes?|changelog", re.IGNORECASE)
_EMPTY_NOTE = re.compile(r"\s*(?:\.{3}|…)?\s*")
_BEGIN_NOTES = re.compile(r"\s*<!--\s*BEGIN RELEASE NOTES\s*-->\s*", re.IGNORECASE)
_TASK = re.compile(r"\[[ xX]\]\s")
# The level of the sections in prprep's own body.
_LEVEL = 2
# The section that a part goes to where none has its own meaning.
_SECOND = {Meaning.REPRODUCTION: Meaning.BENCHMARK, Meaning.ENVIRONMENT: Meaning.BENCHMARK}
_EVIDENCE = {Meaning.REPRODUCTION, Meaning.BENCHMARK, Meaning.TESTS, Meaning.ENVIRONMENT}


@dataclass(frozen=True, slots=True)
class Words:
    """Words that the skeleton adds: the title of the section for evidence, and the entry for a block of release notes.

    `shown` is the entry as Markdown, `area` the part of the project that it is about, where release notes are listed by parts.
    """

    own: str
    entry: str = ""
    shown: str = ""
    area: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A section of prprep's body."""

    title: str
    meaning: Meaning
    text: str

    def under(self, level: int, *, titled: bool) -> list[str]:
        """Return the part for a section whose heading has `level`: under its own title a level below, or without one."""
        own = level + titled
        shown = [heading(own, self.title), ""] if titled else []
        return ["", *shown, *shifted(self.text, own - _LEVEL).split("\n")]


def placed(template: str, body: str, words: Words) -> str:
    """Put the sections of `body` into `template`; a template without anything in it leaves the body as it is."""
    text = repaired(template)
    if not text.strip():
        return body
    skeleton = outline(text)
    if len(skeleton.sections) == 1:
        parts = (body, text) if has_tasks(skeleton.root) else (text, body)
        return "\n\n".join(part.strip("\n") for part in parts) + "\n"
    parts_of_body, footer = parts_of(body)
    added = _added(skeleton, parts_of_body, words.own)
    _add(added, len(skeleton.lines), ["", "---", "", footer] if footer else [])
    replaced = _noted(skeleton, words) if words.entry else {}
    return _joined(skeleton.lines, added, replaced)


def parts_of(body: str) -> tuple[list[Part], str]:
    """Take a body apart: its sections, what stands at the top together with the summary, and what stands below the last rule."""
    whole = outline(body)
    nodes = [node for section in whole.sections for node in section.nodes]
    rules = [node.map[0] for node in nodes if node.type == "hr" and node.map]
    last = rules[-1] if rules else len(whole.lines)
    sections = [
        (section.title, "\n".join(whole.lines[section.text : min(section.end, last)]).strip("\n"))
        for section in _grouped(whole)
    ]
    parts = [Part(title, _meaning(title), text) for title, text in sections if text]
    described = next((part for part in parts if part.title and part.meaning is Meaning.DESCRIPTION), None)
    if described and parts[0] is not described and not parts[0].title:
        together = Part(described.title, described.meaning, f"{parts[0].text}\n\n{described.text}")
        parts = [together, *(part for part in parts[1:] if part is not described)]
    return parts, "\n".join(whole.lines[last + 1 :]).strip("\n")


def has_tasks(section: Section) -> bool:
    """Return whether a section holds boxes to tick."""
    return any(node.type == "inline" and _TASK.match(node.content) for node in section.walk_nodes())


def _grouped(whole: Outline) -> list[Section]:
    """Return the sections of the body's own level, each with those below it."""
    tops = [section for section in whole.sections if section.level <= _LEVEL]
    ends = [*(section.start for section in tops[1:]), len(whole.lines)]
    return [replace(section, end=end) for section, end in zip(tops, ends, strict=True)]


def _meaning(title: str) -> Meaning:
    return meaning_of(title) if title else Meaning.DESCRIPTION


def _added(skeleton: Outline, parts: Sequence[Part], own: str) -> dict[int, list[str]]:
    """Say what is put before which line of the template."""
    added: dict[int, list[str]] = {}
    left: list[Part] = []
    for part in parts:
        home = _home(skeleton, part.meaning)
        if home is None:
            left.append(part)
            continue
        line = _end(skeleton, home)
        titled = line in added or part.meaning is not meaning_of(home.title) or _ends_with_list(home)
        _add(added, line, part.under(home.level, titled=titled))
    level, line, above = _place_of_own(skeleton)
    for part in [part for part in left if part.meaning is Meaning.DESCRIPTION]:
        _add(added, line, part.under(level - 1, titled=above or line in added))
    for lines in _own_sections([part for part in left if part.meaning is not Meaning.DESCRIPTION], level, own):
        _add(added, line, lines)
    return added


def _add(added: dict[int, list[str]], line: int, lines: list[str]) -> None:
    if lines:
        added.setdefault(line, []).extend(lines)


def _home(skeleton: Outline, meaning: Meaning) -> Section | None:
    """Find the section for a part: the first of its meaning, else the first of the meaning that comes next."""
    for wanted in filter(None, (meaning, _SECOND.get(meaning))):
        found = next(
            (section for section in skeleton.sections if section.level and meaning_of(section.title) is wanted), None
        )
        if found:
            return found
    return None


def _end(skeleton: Outline, section: Section) -> int:
    """Return the line before which a section's text can go on: not in a folded part, and above a rule that ends the section."""
    later = skeleton.sections[skeleton.sections.index(section) :]
    if section.is_open:
        return next((each.end for each in later if not each.is_open), len(skeleton.lines))
    last = section.nodes[-1] if section.nodes else None
    return last.map[0] if last and last.type == "hr" and last.map else section.end


def _ends_with_list(section: Section) -> bool:
    return bool(section.nodes) and section.nodes[-1].type in {"bullet_list", "ordered_list"}


def _place_of_own(skeleton: Outline) -> tuple[int, int, bool]:
    """Return level and line for sections of our own, and whether they begin the text: behind the description and all below it."""
    described = _home(skeleton, Meaning.DESCRIPTION)
    top, first = skeleton.sections[0], skeleton.sections[1]
    if described:
        below = [section for section in skeleton.sections if section.start > described.start]
        after = next((section for section in below if section.level <= described.level), None)
        before = skeleton.sections[skeleton.sections.index(after) - 1] if after else skeleton.sections[-1]
        return described.level, _end(skeleton, before), False
    if skeleton.text_of(top).strip() and not has_tasks(top):
        return first.level, _end(skeleton, top), False
    return first.level, 0, True


def _own_sections(parts: Sequence[Part], level: int, own: str) -> Iterator[list[str]]:
    """Yield the sections of our own: one for evidence where there is more than one part of it, and the others by themselves."""
    evidence = [part for part in parts if part.meaning in _EVIDENCE]
    together = len(evidence) > 1
    if together:
        yield ["", heading(level, own)]
    for part in evidence:
        yield part.under(level if together else level - 1, titled=True)
    for part in parts:
        if part not in evidence:
            yield part.under(level - 1, titled=True)


def _noted(skeleton: Outline, words: Words) -> dict[int, tuple[int, list[str]]]:
    """Fill the blocks that hold release notes where nothing stands in them: first line to the line after, and what is put there."""
    found: dict[int, tuple[int, list[str]]] = {}
    for node in (node for section in skeleton.sections for node in section.walk_nodes()):
        start, end = node.map or (0, 0)
        if node.type == "fence" and _RELEASE_NOTE.match(node.info.strip()) and _EMPTY_NOTE.fullmatch(node.content):
            indent = " " * (len(skeleton.lines[start]) - len(skeleton.lines[start].lstrip()))
            found[start + 1] = (end - 1, [indent + words.entry])
        if node.type == "html_block" and _BEGIN_NOTES.fullmatch(node.content) and words.area:
            found[end] = (end, ["", f"* {words.area}", f"  * {words.shown}"])
    return found


def _joined(template: Sequence[str], added: dict[int, list[str]], replaced: dict[int, tuple[int, list[str]]]) -> str:
    lines: list[str] = []
    skipped_to = 0
    for number in range(len(template) + 1):
        if number in added:
            _drop_blanks(lines)
            lines += [*([""] if lines else []), *"\n".join(added[number]).strip("\n").split("\n"), ""]
        if number in replaced:
            skipped_to, new = replaced[number]
            lines += new
        if skipped_to <= number < len(template) and (template[number] or not lines or lines[-1] or number not in added):
            lines.append(template[number])
    return "\n".join(lines).strip("\n") + "\n"


def _drop_blanks(lines: list[str]) -> None:
    while lines and not lines[-1].strip():
        lines.pop()
