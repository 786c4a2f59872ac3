"""Markdown as an outline: sections with their paragraphs, lists and tables, by a real parser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n.*?^(?:---|\.\.\.)[ \t]*$", re.DOTALL | re.MULTILINE)
_BEFORE_BOLD = re.compile(r"\b[0-9a-f]{7,40}\b|\[[ xX]\]|\W")
_MARKS = ("text", "code_inline", "image", "html_inline")


@dataclass(frozen=True, slots=True)
class Inline:
    """A run of text: code in backticks, other marks dropped; `bold` is what it begins with, but for commits and signs.

    `links` are the addresses in it, `struck` says that it begins struck through; `line` counts from 1.
    """

    text: str
    line: int
    bold: str = ""
    links: tuple[str, ...] = ()
    struck: bool = False


@dataclass(slots=True)
class Item:
    """An item of a list: its own text, and what is indented below it."""

    line: int
    texts: list[Inline] = field(default_factory=list)
    children: list[Item] = field(default_factory=list)


@dataclass(slots=True)
class Table:
    line: int
    header: list[Inline] = field(default_factory=list)
    rows: list[list[Inline]] = field(default_factory=list)


@dataclass(slots=True)
class Fence:
    line: int
    text: str


Block = Inline | Item | Table | Fence


@dataclass(slots=True)
class Section:
    """A heading and what stands below it up to the next one; `level` 0 is what stands before any."""

    heading: Inline
    level: int
    blocks: list[Block] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)

    def walk(self) -> Iterator[Section]:
        """Yield this section and all below it, in their order."""
        yield self
        for section in self.sections:
            yield from section.walk()


def outline(text: str) -> Section:
    """Read markdown; whatever it is, something comes of it."""
    from markdown_it import MarkdownIt

    # Metadata before the text would be read as a heading; its lines stay, so that places are right.
    text = _FRONT_MATTER.sub(lambda found: "\n" * found[0].count("\n"), text.replace("\r\n", "\n"), count=1)
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    return _Reading().read(parser.parse(text))


class _Reading:
    """One pass over the parser's tokens."""

    def __init__(self) -> None:
        self.root = Section(Inline("", 1), 0)
        self.path = [self.root]
        self.items: list[Item] = []
        self.table: Table | None = None
        self.heading = 0

    def read(self, tokens: list[Token]) -> Section:
        for token in tokens:
            self._take(token)
        return self.root

    def _take(self, token: Token) -> None:
        line = token.map[0] + 1 if token.map else 0
        match token.type:
            case "heading_open":
                self.heading = int(token.tag[1:])
            case "inline":
                self._inline(_inline(token, line))
            case "list_item_open":
                self._open_item(Item(line))
            case "list_item_close":
                self.items.pop()
            case "table_open":
                self.table = Table(line)
                self._blocks.append(self.table)
            case "tr_open" if self.table is not None:
                self.table.rows.append([])
            case "table_close":
                self._close_table()
            case "fence" | "code_block" if not self.items:
                self._blocks.append(Fence(line + 1, token.content))

    @property
    def _blocks(self) -> list[Block]:
        return self.path[-1].blocks

    def _inline(self, text: Inline) -> None:
        if self.heading:
            level, self.heading = self.heading, 0
            if not self.items:
                self._open_section(Section(text, level))
                return
        if self.table is not None and self.table.rows:
            self.table.rows[-1].append(text)
        elif self.items:
            self.items[-1].texts.append(text)
        else:
            self._blocks.append(text)

    def _open_section(self, section: Section) -> None:
        while self.path[-1].level >= section.level:
            self.path.pop()
        self.path[-1].sections.append(section)
        self.path.append(section)

    def _open_item(self, item: Item) -> None:
        if self.items:
            self.items[-1].children.append(item)
        else:
            self._blocks.append(item)
        self.items.append(item)

    def _close_table(self) -> None:
        if self.table is not None and self.table.rows:
            self.table.header = self.table.rows.pop(0)
        self.table = None


def _inline(token: Token, line: int) -> Inline:
    parts: list[str] = []
    links: list[str] = []
    bold: list[str] = []
    depth, struck = 0, False
    for child in token.children or ():
        begun = "".join(parts).strip()
        if child.type == "strong_open" and (depth or not _BEFORE_BOLD.sub("", begun)):
            depth += 1
        elif child.type == "strong_close":
            depth -= bool(depth)
        elif child.type == "s_open":
            struck = struck or not begun
        elif child.type == "link_open":
            links.append(str(child.attrs.get("href", "")))
        elif told := _told(child):
            parts.append(told)
            bold += [told] if depth else []
    text = "".join(parts).strip()
    lead = "".join(bold).strip()
    return Inline(text, line, lead if lead in text else "", tuple(links), struck)


def _told(child: Token) -> str:
    if child.type == "code_inline":
        return f"`{child.content}`"
    if child.type in {"softbreak", "hardbreak"}:
        return "\n"
    return child.content if child.type in _MARKS and child.type != "html_inline" else ""
