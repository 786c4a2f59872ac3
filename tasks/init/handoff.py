"""The notes of an optimization effort, in whatever shape they are, as leads.

What they are about is told by headings ("Kept", "Discarded experiments"), by columns, by labels ("Commit: ...") and by
marks. What has none of these is no optimization: places that list baselines, ideas or files yield nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ..text.markdown import one_line
from ..text.outline import Block, CodeBlock, Inline, ListItem, MarkdownTable, Section, outline
from . import extract as words
from . import headings, tables
from .fields import Meaning, Telling, labelled, meaning_of
from .tables import Context

if TYPE_CHECKING:
    from .candidate import Lead

_EXPERIMENT: Final = re.compile(r"^\W*(?:optimi[sz]ation|experiment|exp|change|opt)\b\s*#?\d+", re.IGNORECASE)
_SHA_OR_SIGN: Final = re.compile(r"\b[0-9a-f]{7,40}\b|\W")
_BESIDE_BOLD: Final = re.compile(
    r"^[\s:(\[`—–-]*(?:commits?\s*:?\s*)?[0-9a-f]{7,40}\b[^:.—–]{0,40}?(?:[)\]`]\s*[:.—–-]+|[:.—–-]+|[)\]`]+)\s*|^[\s:.—–-]+"
)
_LOG_LINE: Final = re.compile(r"^\s*(?:[*|/\\]\s*)*([0-9a-f]{7,40})\s+(?:\([^)]*\)\s+)?(\S.*)$")


def leads(text: str, file: str) -> tuple[Lead, ...]:
    """Read notes; `file` is how their place is told."""
    return tuple(_Reading(file).section(outline(text).root, Context()))


class _Reading:
    def __init__(self, file: str) -> None:
        self.file = file

    # -- sections -----------------------------------------------------------------------------------

    def section(self, section: Section, above: Context) -> Iterator[Lead]:
        """Yield the leads of a section; `above` is what the headings over it say."""
        context = headings.context_of(section, above) if section.level else above
        if not context.shut and section.level and self._is_one(section, above):
            yield self._whole(section, context)
            return
        for block in section.blocks():
            yield from self._block(block, context)
        for inner in section.sections:
            yield from self.section(inner, context)

    def _is_one(self, section: Section, above: Context) -> bool:
        """Return whether a section tells of one optimization, by its heading, its labels, or the heading above it."""
        if headings.is_category(section.heading.text) or any(
            headings.outcome_of(inner.heading.text) for inner in section.sections
        ):
            return False
        if any(self._tells_of_one(inner) for inner in section.sections) or any(
            _is_strong(table) for table in _tables(section)
        ):
            return False
        items = [block for block in section.blocks() if isinstance(block, ListItem)]
        if sum(bool(_own_commits(item)) for item in items) > 1:
            return False
        if self._tells_of_one(section):
            return True
        # A plain heading below "Kept", say, unless it only groups what is listed below it.
        listed = [item for item in items if _own_commits(item) or words.outcome_of_title(_first(item).text)]
        return (
            above.place is not None
            and not listed
            and bool(section.blocks())
            and not headings.is_beside(section.heading.text)
        )

    def _tells_of_one(self, section: Section) -> bool:
        heading = section.heading
        if headings.is_category(heading.text) or headings.is_beside(heading.text):
            return False
        if words.commits_in(heading.text) or words.linked_commits(heading.links) or _EXPERIMENT.match(heading.text):
            return True
        if section.level == 1:
            return False
        named = {meaning for meaning, _ in _labels(section.blocks())}
        marked = words.outcome_of_title(heading.text) is not None or heading.struck
        return (
            marked
            or bool(named & {"commit", "branch", "status"})
            or len(named & {"function", "file", "claim", "pull"}) > 1
        )

    def _whole(self, section: Section, context: Context) -> Lead:
        """Make one lead of a section and all below it."""
        telling = self._telling(section.heading, context)
        for inner in section.walk():
            for block in inner.blocks():
                self._fill(telling, block)
        return telling.lead()

    # -- blocks -------------------------------------------------------------------------------------

    def _block(self, block: Block, context: Context) -> Iterator[Lead]:
        match block:
            case MarkdownTable():
                # With commits or outcomes in it, it is about optimizations wherever it stands.
                if _is_strong(block) or (context.place is not None and _is_titled(block)):
                    yield from self._table(block, context)
            case _ if context.shut:
                return
            case ListItem():
                yield from self._item(block, context)
            case CodeBlock():
                yield from self._fence(block, context)
            case Inline():
                yield from self._paragraph(block, context)

    def _table(self, table: MarkdownTable, context: Context) -> Iterator[Lead]:
        yield from tables.leads(self.file, [cell.text for cell in table.header], table.rows, context)

    def _item(self, item: ListItem, context: Context) -> Iterator[Lead]:
        first = _first(item)
        if not re.search(r"\w", first.text):
            return
        grouped = [child for child in item.children if _own_commits(child) and not labelled(_first(child))]
        if grouped and not _own_commits(item):
            place = headings.outcome_of(first.text) or context.place
            inner = replace(context, domains=words.domains_in(first.text) or context.domains, place=place)
            for child in item.children:
                yield from self._item(child, inner)
            return
        outcome = words.outcome_of_title(first.text)
        named = {meaning for meaning, _ in _labels([item])}
        refers = bool(_own_commits(item) or named & {"commit", "branch"})
        if context.place is None and not (refers or (outcome and (named or words.mentions_in(first.text)))):
            return
        if context.place == headings.OPEN and not (
            refers or outcome or first.struck or named & {"status", "function", "file"}
        ):
            return
        telling = self._telling(first, context)
        self._fill(telling, item)
        yield telling.lead()

    def _fence(self, fence: CodeBlock, context: Context) -> Iterator[Lead]:
        """Read what `git log --oneline` printed, where notes hold that in place of a list."""
        lines = [(place, line) for place, line in enumerate(fence.text.splitlines(), fence.line) if line.strip()]
        found = [(place, match) for place, line in lines if (match := _LOG_LINE.match(line))]
        if context.place is None or not found or len(found) < len(lines):
            return
        for place, match in found:
            telling = self._telling(Inline(match[2], place), context)
            telling.parts.append(("commit", Inline(match[1], place)))
            yield telling.lead()

    def _paragraph(self, paragraph: Inline, context: Context) -> Iterator[Lead]:
        """Read prose in which commits are named: a sentence for each, or the whole where there is one."""
        if labelled(paragraph):
            return
        if context.place is None:
            said = words.outcome_in(paragraph.text)
            if said is None or said.standing != "kept":
                return
            context = replace(context, place=said)
        named = words.commits_in(paragraph.text) or words.linked_commits(paragraph.links)
        if len(named) == 1:
            yield self._of_prose(paragraph, context)
        elif named:
            for sentence in words.sentences(paragraph.text):
                if words.commits_in(sentence):
                    yield self._of_prose(Inline(sentence, paragraph.line), context)

    def _of_prose(self, text: Inline, context: Context) -> Lead:
        head, rest = _split(text)
        telling = self._telling(head, context)
        telling.parts.append(("commit", Inline(" ".join(words.commits_in(text.text)), text.line, links=text.links)))
        telling.prose += rest
        return telling.lead()

    # -- parts --------------------------------------------------------------------------------------

    def _telling(self, title: Inline, context: Context) -> Telling:
        head, rest = _split(title)
        telling = Telling(f"{self.file}:{title.line}", head, place=context.place, domains=context.domains)
        telling.prose += rest
        return telling

    def _fill(self, telling: Telling, block: Block) -> None:
        """Add what a block tells: labelled parts, prose; code and tables only show."""
        if isinstance(block, ListItem):
            # What the telling began with is its title, and not told once more.
            texts = block.texts[1:] if block.texts and block.texts[0].line == telling.title.line else block.texts
            for text in texts:
                self._fill(telling, text)
            for child in block.children:
                self._fill(telling, child)
        elif isinstance(block, Inline):
            for line in _lines(block):
                if found := labelled(line):
                    telling.parts.append(found)
                else:
                    telling.prose.append(line)


def _is_titled(table: MarkdownTable) -> bool:
    return "title" in tables.Columns.of([cell.text for cell in table.header]).meanings


def _is_strong(table: MarkdownTable) -> bool:
    return tables.Columns.of([cell.text for cell in table.header]).tells_of_optimizations


def _tables(section: Section) -> list[MarkdownTable]:
    return [block for block in section.blocks() if isinstance(block, MarkdownTable)]


def _labels(blocks: Sequence[object]) -> Iterator[tuple[Meaning, Inline]]:
    """Yield the labelled lines of blocks, and of the items below items."""
    for block in blocks:
        if isinstance(block, ListItem):
            yield from _labels([*block.texts, *block.children])
        elif isinstance(block, Inline):
            yield from (found for line in _lines(block) if (found := labelled(line)))


def _lines(text: Inline) -> Iterator[Inline]:
    """Yield the lines of a paragraph, those put together that only go on: a label begins another."""
    lines: list[str] = []
    for line in text.text.split("\n"):
        if lines and not labelled(Inline(line, text.line)):
            lines[-1] += f" {line}"
        else:
            lines.append(line)
    yield from (Inline(line, text.line, links=text.links) for line in lines)


def _first(item: ListItem) -> Inline:
    return item.texts[0] if item.texts else Inline("", item.line)


def _own_commits(item: ListItem) -> tuple[str, ...]:
    first = _first(item)
    return words.linked_commits(first.links) or words.commits_in(first.text)


def _split(text: Inline) -> tuple[Inline, list[Inline]]:
    """Take a title apart from what follows it: what is bold, else the first sentence, else what is before a dash."""
    whole, bold = one_line(text.text), one_line(text.bold)
    before, found, rest = whole.partition(bold) if bold else (whole, "", "")
    if found and rest and words.CLAIM.sub("", _SHA_OR_SIGN.sub("", bold)) and not meaning_of(bold):
        # Commits that stand beside what is bold belong to it.
        beside = _BESIDE_BOLD.match(rest)
        rest = rest[beside.end() :] if beside else rest
        head = f"{before}{bold} {beside[0] if beside else ''}".strip(" :.—–-")
        return replace(text, text=head), [Inline(rest, text.line, links=text.links)] if rest.strip(" :.—–-") else []
    first, *others = list(words.sentences(whole)) or [whole]
    return replace(text, text=first), [Inline(" ".join(others), text.line, links=text.links)] if others else []
