"""Put prprep's body into a project's own pull-request template: every line of the template stays, in its order.

Only a list of empty bullets is filled.

Sections of the body go to the template's sections of the same meaning. The others go into sections of their own after
the description, and so before the checklist.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from markdown_it.tree import SyntaxTreeNode

from ..text.outline import Outline, Section, heading, outline, shifted
from ..text.repair import repaired
from .meanings import Meaning, meaning_of

_RELEASE_NOTE = re.compile(r"release[-_]?notes?|changelog", re.IGNORECASE)
_EMPTY_NOTE = re.compile(r"\s*(?:\.{3}|…)?\s*")
_BEGIN_NOTES = re.compile(r"\s*<!--\s*BEGIN RELEASE NOTES\s*-->\s*", re.IGNORECASE)
_BOX = re.compile(r"\[[ xX]\]\s")
# The heading level of the sections in prprep's own body.
_LEVEL = 2
# The section for a part if none has the part's own meaning.
_SECOND = {Meaning.REPRODUCTION: Meaning.BENCHMARK, Meaning.ENVIRONMENT: Meaning.BENCHMARK}
_EVIDENCE = {Meaning.REPRODUCTION, Meaning.BENCHMARK, Meaning.TESTS, Meaning.ENVIRONMENT}


@dataclass(frozen=True, slots=True)
class ReleaseNote:
    """The entry for a template's release notes, as text and as Markdown, and the part of the project it is about."""

    text: str
    markdown: str
    area: str


@dataclass(frozen=True, slots=True)
class Part:
    title: str
    meaning: Meaning
    text: str

    def under(self, level: int, *, titled: bool) -> list[str]:
        """Return the lines for a section whose heading has `level`, with its own title one level below if `titled`."""
        own = level + titled
        shown = [heading(own, self.title), ""] if titled and self.title else []
        return ["", *shown, *shifted(self.text, own - _LEVEL).split("\n")]


@dataclass(frozen=True, slots=True)
class LineReplacement:
    """Lines that replace the template's lines up to `end`."""

    end: int
    lines: list[str]


def fill_skeleton(template: str, body: str, *, own_title: str, note: ReleaseNote | None = None) -> str:
    """Put the sections of `body` into `template`; an empty template leaves the body as it is.

    `own_title` is the heading for evidence that the template has no section for.
    """
    text = repaired(template)
    if not text.strip():
        return body
    text, body = _with_bullets(text, body)
    skeleton = outline(text)
    if len(skeleton.sections) == 1:
        parts = (body, text) if has_boxes(skeleton.root) else (text, body)
        return "\n\n".join(part.strip("\n") for part in parts) + "\n"
    body_parts, footer = parts_of(body)
    added = _additions(skeleton, body_parts, own_title)
    if footer:
        added[len(skeleton.lines)] += ["", "---", "", footer]
    return _join(skeleton.lines, added, _filled_notes(skeleton, note) if note and note.text else {})


def _with_bullets(template: str, body: str) -> tuple[str, str]:
    """Move the body's bullets into the template's first list of empty ones, if that is for a description."""
    skeleton, whole = outline(template), outline(body)
    empty = next(_empty_lists(skeleton), None)
    bullets = next((node for node in whole.root.nodes if node.type == "bullet_list"), None)
    if not (empty and bullets and empty.map and bullets.map):
        return template, body
    (start, end), (first, last) = empty.map, bullets.map
    lines = [re.sub(r"^[-*+](?=\s)", empty.markup, line) for line in whole.lines[first:last]]
    # A line of text right below would continue the last bullet.
    lines += [""] if "".join(skeleton.lines[end : end + 1]).strip() else []
    rest = [*whole.lines[:first], *whole.lines[last:]]
    return "\n".join([*skeleton.lines[:start], *lines, *skeleton.lines[end:]]), "\n".join(rest)


def _empty_lists(skeleton: Outline) -> Iterator[SyntaxTreeNode]:
    """Yield the lists of empty bullets for what changes, by their heading and by the paragraph above them."""
    for section in skeleton.sections:
        is_description = meaning_of(section.title) is Meaning.DESCRIPTION
        if section.level and not is_description:
            continue
        fits = True
        for node in section.nodes:
            if node.type == "paragraph":
                meaning = meaning_of(node.children[0].content)
                fits = meaning is Meaning.DESCRIPTION or (is_description and meaning is Meaning.OTHER)
            # A list below a tag may be folded.
            fits &= node.type != "html_block" or node.content.startswith("<!--")
            if fits and node.type == "bullet_list" and not any(item.children for item in node.children):
                yield node


def parts_of(body: str) -> tuple[list[Part], str]:
    """Split a body into its sections, the headline together with the summary, and the footer below the last rule."""
    whole = outline(body)
    nodes = [node for section in whole.sections for node in section.nodes]
    rules = [node.map[0] for node in nodes if node.type == "hr" and node.map]
    last = rules[-1] if rules else len(whole.lines)
    parts = []
    for section in _top_sections(whole):
        meaning = meaning_of(section.title) if section.title else Meaning.DESCRIPTION
        if text := "\n".join(whole.lines[section.text : min(section.end, last)]).strip("\n"):
            parts.append(Part(section.title, meaning, text))
    described = next((part for part in parts if part.title and part.meaning is Meaning.DESCRIPTION), None)
    if described and not parts[0].title:
        together = replace(described, text=f"{parts[0].text}\n\n{described.text}")
        parts = [together, *(part for part in parts[1:] if part is not described)]
    return parts, "\n".join(whole.lines[last + 1 :]).strip("\n")


def has_boxes(section: Section) -> bool:
    """Return whether a section has boxes, ticked or not."""
    return any(node.type == "inline" and _BOX.match(node.content) for node in section.walk_nodes())


def _top_sections(whole: Outline) -> list[Section]:
    """Return the sections of the body's own level, each with those below it."""
    tops = [section for section in whole.sections if section.level <= _LEVEL]
    ends = [*(section.start for section in tops[1:]), len(whole.lines)]
    return [replace(section, end=end) for section, end in zip(tops, ends, strict=True)]


def _additions(skeleton: Outline, parts: Sequence[Part], own_title: str) -> defaultdict[int, list[str]]:
    """Return the lines to put before lines of the template, by line number."""
    added: defaultdict[int, list[str]] = defaultdict(list)
    homeless: list[Part] = []
    for part in parts:
        home = _section_for(skeleton, part.meaning)
        if home is None:
            homeless.append(part)
            continue
        line = _end(skeleton, home)
        ends_with_list = bool(home.nodes) and home.nodes[-1].type in {"bullet_list", "ordered_list"}
        titled = line in added or part.meaning is not meaning_of(home.title) or ends_with_list
        added[line] += part.under(home.level, titled=titled)
    level, line, at_top = _place_of_own(skeleton)
    described = [part for part in homeless if part.meaning is Meaning.DESCRIPTION]
    for part in described:
        titled = at_top or line in added
        added[line] += part.under(level - 1, titled=titled)
    for lines in _own_sections([part for part in homeless if part not in described], level, own_title):
        added[line] += lines
    return added


def _section_for(skeleton: Outline, meaning: Meaning) -> Section | None:
    """Return the first section of a part's meaning, else the first of its second choice."""
    by_meaning = {meaning_of(section.title): section for section in reversed(skeleton.sections) if section.level}
    return by_meaning.get(meaning) or by_meaning.get(_SECOND.get(meaning, meaning))


def _end(skeleton: Outline, section: Section) -> int:
    """Return the line where a section's text can be extended: outside of folded parts, above a closing rule."""
    if section.is_open:
        later = skeleton.sections[skeleton.sections.index(section) :]
        return next((other.end for other in later if not other.is_open), len(skeleton.lines))
    last = section.nodes[-1] if section.nodes else None
    return last.map[0] if last and last.type == "hr" and last.map else section.end


def _place_of_own(skeleton: Outline) -> tuple[int, int, bool]:
    """Return level and line for sections of our own, after the description, and whether they are at the top."""
    described = _section_for(skeleton, Meaning.DESCRIPTION)
    top, first = skeleton.sections[0], skeleton.sections[1]
    if described:
        below = [section for section in skeleton.sections if section.start > described.start]
        after = next((section for section in below if section.level <= described.level), None)
        before = skeleton.sections[skeleton.sections.index(after) - 1] if after else skeleton.sections[-1]
        return described.level, _end(skeleton, before), False
    if skeleton.text_of(top).strip() and not has_boxes(top):
        return first.level, _end(skeleton, top), False
    return first.level, 0, True


def _own_sections(parts: Sequence[Part], level: int, own_title: str) -> Iterator[list[str]]:
    """Yield the sections of our own: several parts of the evidence under one heading, the others by themselves."""
    evidence = [part for part in parts if part.meaning in _EVIDENCE]
    together = len(evidence) > 1
    if together:
        yield ["", heading(level, own_title)]
    for part in evidence:
        yield part.under(level if together else level - 1, titled=True)
    for part in parts:
        if part not in evidence:
            yield part.under(level - 1, titled=True)


def _filled_notes(skeleton: Outline, note: ReleaseNote) -> dict[int, LineReplacement]:
    """Fill the template's empty blocks for release notes; keys are the first lines to replace."""
    filled: dict[int, LineReplacement] = {}
    for node in (node for section in skeleton.sections for node in section.walk_nodes()):
        start, end = node.map or (0, 0)
        if node.type == "fence" and _RELEASE_NOTE.match(node.info.strip()) and _EMPTY_NOTE.fullmatch(node.content):
            indent = " " * (len(skeleton.lines[start]) - len(skeleton.lines[start].lstrip()))
            filled[start + 1] = LineReplacement(end - 1, [indent + note.text])
        if node.type == "html_block" and _BEGIN_NOTES.fullmatch(node.content) and note.area:
            filled[end] = LineReplacement(end, ["", f"* {note.area}", f"  * {note.markdown}"])
    return filled


def _join(template: Sequence[str], added: Mapping[int, list[str]], replaced: Mapping[int, LineReplacement]) -> str:
    lines: list[str] = []
    skipped_to = 0
    for number in range(len(template) + 1):
        if number in added:
            while lines and not lines[-1].strip():
                lines.pop()
            lines += [*([""] if lines else []), *"\n".join(added[number]).strip("\n").split("\n"), ""]
        if number in replaced:
            skipped_to = replaced[number].end
            lines += replaced[number].lines
        if skipped_to <= number < len(template) and (template[number] or not lines or lines[-1] or number not in added):
            lines.append(template[number])
    return "\n".join(lines).strip("\n") + "\n"
