"""Read Markdown as sections of lines, by a parser that knows where each block stands; close what a text leaves open.

Only top-level headings begin a section, so that nothing is ever put into a list, a quotation, a fence or a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?:(?!---|\.\.\.).*\n)*?(?:---|\.\.\.)[ \t]*(?:\n|\Z)")
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"]
)
# Browsers end these by themselves.
_ENDED = frozenset(["p", "li", "td", "th", "tr", "thead", "tbody", "tfoot", "dt", "dd", "option", "colgroup"])
# What begins a block of HTML that goes on to the end of the text unless it is closed, and what closes it.
_RAW = (
    (re.compile(r"<!--"), "-->"),
    (re.compile(r"<\?"), "?>"),
    (re.compile(r"<!\[CDATA\["), "]]>"),
    (re.compile(r"<![A-Za-z]"), ">"),
    (re.compile(r"<script\b", re.IGNORECASE), "</script>"),
    (re.compile(r"<pre\b", re.IGNORECASE), "</pre>"),
    (re.compile(r"<style\b", re.IGNORECASE), "</style>"),
    (re.compile(r"<textarea\b", re.IGNORECASE), "</textarea>"),
)
_MOST_REPAIRS = 50
DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what follows it up to the next one: 0-based lines, `level` 0 for what stands before the first heading.

    `is_open` tells that an element of HTML that began before (a folded part, say) goes on at the end.
    """

    level: int
    title: str
    start: int
    text: int
    end: int
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Outline:
    """A text in lines, its sections in order, and the parser's blocks."""

    lines: tuple[str, ...]
    sections: tuple[Section, ...]
    tokens: tuple[Token, ...]

    def of(self, section: Section) -> str:
        """Return the text below a section's heading."""
        return "\n".join(self.lines[section.text : section.end]).strip("\n")

    def within(self, section: Section) -> Iterator[Token]:
        """Return the blocks of a section, without its heading."""
        return (token for token in self.tokens if token.map and section.text <= token.map[0] < section.end)


def outline(text: str) -> Outline:
    """Read a text into sections."""
    lines, tokens = tuple(text.split("\n")), parsed(text)
    headings = [
        (token, tokens[index + 1])
        for index, token in enumerate(tokens)
        if token.type == "heading_open" and not token.level
    ]
    places = [token.map or [0, 0] for token, _ in headings]
    ends = [*(start for start, _ in places[1:]), len(lines)][: len(places)]
    depths = _depths(tokens)
    first = places[0][0] if places else len(lines)
    sections = [Section(0, "", 0, 0, first, _depth(depths, first) > 0)]
    for (token, words), (start, after), end in zip(headings, places, ends, strict=True):
        sections.append(Section(int(token.tag[1]), plain(words), start, after, end, _depth(depths, end) > 0))
    return Outline(lines, tuple(sections), tuple(tokens))


def mended(text: str) -> str:
    """Return a template of others with plain line ends, without YAML front matter, and with everything closed that it opens.

    What is added is a closing fence, the end of a comment, or a closing tag; nothing else changes.
    """
    text = _FRONT_MATTER.sub(
        "", text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff").replace("\0", "")
    )
    lines = text.strip("\n").split("\n")
    for _ in range(_MOST_REPAIRS):
        tokens = parsed("\n".join(lines))
        if not _close_block(lines, tokens):
            left = _open_tags(tokens)
            return "\n".join(lines + (["", *(f"</{tag}>" for tag in reversed(left))] if left else []))
    return "\n".join(lines)


def shifted(text: str, by: int) -> str:
    """Move all headings of a text by some levels; what would lie deeper than the sixth becomes a line in bold."""
    if not by:
        return text
    lines = text.split("\n")
    tokens = parsed(text)
    for index, token in enumerate(tokens):
        if token.type == "heading_open" and token.map and token.markup.startswith("#"):
            lines[token.map[0]] = heading(int(token.tag[1]) + by, tokens[index + 1].content)
    return "\n".join(lines)


def heading(level: int, words: str) -> str:
    """Spell a heading, as a line in bold where there is no such level."""
    if level > DEEPEST:
        return f"**{words}**"
    return f"{'#' * max(level, 1)} {words}"


def visible(text: str) -> str:
    """Return what a reader sees before anything is unfolded: a text without folded parts, but for their titles, and comments."""
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    title = r"<summary>(?P<title>(?:(?!</?summary|<details).)*)</summary>"
    folded = re.compile(rf"<details[^>]*>(?:\s*{title})?(?:(?!<details).)*?</details>", re.DOTALL)
    for _ in range(_MOST_REPAIRS):
        text, found = folded.subn(lambda match: match["title"] or "", text)
        if not found:
            break
    return text


def parsed(text: str) -> Sequence[Token]:
    """Parse as GitHub does, as far as blocks go."""
    return _parser().parse(text)


def plain(inline: Token) -> str:
    """Return the words of a heading or paragraph without markup."""
    children = (child for child in inline.children or [] if not _is_mark(child))
    return "".join(child.content if child.type in {"text", "code_inline"} else " " for child in children)


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


def _is_mark(child: Token) -> bool:
    return child.type.startswith(("em_", "strong_", "link_", "html_"))


# -- what is left open ------------------------------------------------------------------------------


def _close_block(lines: list[str], tokens: Sequence[Token]) -> bool:
    """Close the first fence or raw block of HTML that runs to the end of what it stands in."""
    for token in tokens:
        if token.type == "fence" and token.map and not _is_closed(lines, token):
            _close_fence(lines, token)
            return True
        if token.type == "html_block" and token.map and (closer := _missing_closer(token.content)):
            last = _last_written(lines, *token.map)
            lines[last] = f"{lines[last]} {closer}" if closer == "-->" else lines[last] + closer
            return True
    return False


def _is_closed(lines: list[str], token: Token) -> bool:
    start, end = token.map or (0, 0)
    shut = re.compile(rf"[\s>]*{re.escape(token.markup[0])}{{{len(token.markup)},}}\s*")
    return end - start > 1 and bool(shut.fullmatch(lines[end - 1]))


def _close_fence(lines: list[str], token: Token) -> None:
    start, end = token.map or (0, 0)
    opening = lines[start]
    before = opening[: opening.index(token.markup[0] * 3)]
    prefix = "".join(character if character in "> \t" else " " for character in before)
    lines.insert(_last_written(lines, start, end) + 1, prefix + token.markup)


def _last_written(lines: list[str], start: int, end: int) -> int:
    return next((number for number in range(end - 1, start, -1) if lines[number].strip()), start)


def _missing_closer(content: str) -> str:
    start = content.lstrip()
    for opener, closer in _RAW:
        if found := opener.match(start):
            return "" if closer in start[found.end() :].lower() or closer in start[found.end() :] else closer
    # A comment may also begin further on, after another tag.
    begun = content.rfind("<!--")
    return "-->" if begun >= 0 and "-->" not in content[begun + 4 :] else ""


class _Tags(HTMLParser):
    """The elements that are open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - HTMLParser's
        if tag not in _VOID | _ENDED:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # The slash means nothing to a browser.
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            del self.open[len(self.open) - 1 - self.open[::-1].index(tag) :]


def _open_tags(tokens: Sequence[Token]) -> list[str]:
    tags = _Tags()
    for token in tokens:
        _feed(tags, token)
    return tags.open


def _depths(tokens: Sequence[Token]) -> list[tuple[int, int]]:
    """Give, after each block with HTML in it, its end and how many elements are open then."""
    tags = _Tags()
    return [(token.map[1], len(tags.open)) for token in tokens if _feed(tags, token) and token.map]


def _depth(depths: list[tuple[int, int]], line: int) -> int:
    return next((depth for end, depth in reversed(depths) if end <= line), 0)


def _feed(tags: _Tags, token: Token) -> bool:
    if token.type == "html_block":
        tags.feed(token.content)
        return True
    found = [child.content for child in token.children or [] if child.type == "html_inline"]
    for content in found:
        tags.feed(content)
    return bool(found)
