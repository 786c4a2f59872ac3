"""The lines of a Markdown text as GitHub shows them: what is in each, and what is around it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from markdown_it.token import Token

from .outline import OpenTags, tokens_of

Kind = Literal["text", "cell", "code", "html", "comment"]

_BREAK: Final = re.compile(r"<br\s*/?>", re.IGNORECASE)
_ONE_COMMENT: Final = re.compile(r"\s*<!--(?!-?>)(?:(?!--).)*-->\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ShownLine:
    """One line: a part of a paragraph up to a line break, a row of a table, a line of code or of HTML.

    `text` is what a reader sees of it, `spelling` its parts with their markup, `place` the blocks, HTML elements and
    marks around it: a line in the same place with the same spelling looks the same. `line` is 0-based, `block` counts.
    """

    kind: Kind
    text: str
    spelling: tuple[object, ...]
    place: tuple[str, ...]
    line: int
    block: int

    @property
    def has_image(self) -> bool:
        return any(isinstance(part, tuple) and part[0] == "image" for part in self.spelling)


class _ShownTags(OpenTags):
    """Open elements, and the text between tags."""

    def __init__(self) -> None:
        super().__init__()
        self.data: list[str] = []

    def handle_data(self, data: str) -> None:
        self.data.append(data)


def shown_lines(text: str) -> list[ShownLine]:
    """Return the lines of a text in their order, without blank ones."""
    return list(_Reader(text).lines())


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = tokens_of(text.replace("\r\n", "\n").replace("\r", "\n"))
        self._tags = _ShownTags()
        self._blocks: list[str] = []
        self._block = 0
        self._number = ""  # of the list item that has just begun

    def lines(self) -> Iterator[ShownLine]:
        row: list[ShownLine] = []
        for token in self._tokens:
            self._block += token.block
            if token.type == "list_item_open" and token.info not in {"", "1"}:
                self._number = f"{token.info}{token.markup} "
            if token.nesting > 0:
                self._blocks.append(f"{token.tag}")
            elif token.nesting < 0:
                self._blocks.pop()
                if token.type == "tr_close":
                    yield _joined(row)
                    row = []
            elif token.type == "inline":
                lines = self._inline(token)
                if "table" in self._blocks:
                    row += lines
                else:
                    yield from lines
            else:
                yield from self._leaf(token)

    def _place(self, *more: str) -> tuple[str, ...]:
        return (*self._blocks, *(f"<{tag}>" for tag in self._tags.open), *more)

    def _leaf(self, token: Token) -> Iterator[ShownLine]:
        """Yield the lines of a block without inline content: code, HTML, a rule, front matter."""
        start = token.map[0] if token.map else 0
        if token.type == "hr":
            yield ShownLine("text", "", ("hr",), self._place(), start, self._block)
        elif token.type == "html_block":
            yield from self._html(token.content, start)
        else:
            place = self._place(f"{token.type} {token.info.strip()}")
            for number, line in enumerate(token.content.split("\n"), start + (token.type == "fence")):
                if line.strip():
                    yield ShownLine("code", line.strip(), (line.rstrip(),), place, number, self._block)

    def _html(self, content: str, start: int) -> Iterator[ShownLine]:
        if _ONE_COMMENT.fullmatch(content):
            yield ShownLine("comment", "", (content.strip(),), self._place(), start, self._block)
            return
        for number, line in enumerate(content.split("\n"), start):
            place = self._place()
            self._feed(line + "\n")
            if line.strip():
                yield ShownLine("html", self._seen_data(), (line.strip(),), place, number, self._block)

    def _inline(self, token: Token) -> list[ShownLine]:
        """Return the lines of a paragraph, a heading or a cell."""
        lines: list[ShownLine] = []
        line, kind = token.map[0] if token.map else 0, "cell" if "table" in self._blocks else "text"
        marks: list[str] = []
        parts: list[object] = []
        place, seen = self._place(), [self._number]
        self._number = ""
        for child in [*(token.children or ()), Token("softbreak", "br", 0)]:
            is_break = child.type in {"softbreak", "hardbreak"}
            if is_break or (child.type == "html_inline" and _BREAK.fullmatch(child.content)):
                lines.append(ShownLine(kind, "".join(seen).strip(), tuple(parts), place, line, self._block))  # type: ignore[arg-type]
                line += is_break
                place, parts, seen = self._place(*marks), [], []
                continue
            if child.type == "html_inline":
                self._feed(child.content)
                seen.append(self._seen_data())
            elif child.nesting > 0:
                marks.append(child.tag)
            elif child.nesting < 0:
                marks.pop()
            else:
                seen.append(child.content)
            parts.append((child.type, child.markup, child.content, tuple(sorted(child.attrs.items()))))
        return [each for each in lines if each.spelling]

    def _feed(self, html: str) -> None:
        self._tags.data.clear()
        self._tags.feed(html)

    def _seen_data(self) -> str:
        return "".join(self._tags.data).strip("\n")


def _joined(cells: list[ShownLine]) -> ShownLine:
    """Return a table's row as one line."""
    spelling = tuple(part for cell in cells for part in (*cell.spelling, "|"))
    first = cells[0] if cells else ShownLine("cell", "", (), (), 0, 0)
    text = " | ".join(cell.text for cell in cells)
    return ShownLine("cell", text, spelling, first.place, first.line, first.block)
