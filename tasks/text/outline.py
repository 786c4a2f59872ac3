"""Read Markdown as GitHub does: sections, their blocks, and the lines that they are on.

Only top-level headings begin a section, never one in a list, a quotation, a fence or a comment.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from mdit_py_plugins.front_matter import front_matter_plugin

DEEPEST_HEADING = 6
SHELLS = frozenset({"sh", "bash", "shell"})
_MOST_NESTED_FOLDS = 50
_VOID_ELEMENTS = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"]
)
_CLOSED_BY_BROWSERS = frozenset(
    ["p", "li", "td", "th", "tr", "thead", "tbody", "tfoot", "dt", "dd", "option", "colgroup"]
)
_PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"]).use(front_matter_plugin)
_BEFORE_BOLD = re.compile(r"\b[0-9a-f]{7,40}\b|\[[ xX]\]|\W")


@dataclass(frozen=True, slots=True)
class Inline:
    """A paragraph, heading or cell as text: code keeps its backticks, other marks are dropped; `line` counts from 1.

    `bold` is the bold text that it begins with, apart from commits and punctuation; `links` are its addresses; `struck`
    says that it begins struck through.
    """

    text: str
    line: int
    bold: str = ""
    links: tuple[str, ...] = ()
    struck: bool = False


@dataclass(slots=True)
class ListItem:
    """An item of a list: its own text, and the lists below it."""

    line: int
    texts: list[Inline] = field(default_factory=list)
    children: list["ListItem"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class MarkdownTable:
    header: list[Inline]
    rows: list[list[Inline]]


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """Fenced or indented code; `line` is that of its first line of code."""

    line: int
    text: str


Block = Inline | ListItem | MarkdownTable | CodeBlock


@dataclass(slots=True)
class Section:
    """A heading with its text up to the next heading; `level` 0 is the text before the first heading.

    `start`, `text` (the first line below the heading) and `end` are 0-based lines. `is_open` says that an HTML element
    which began before the end, such as a folded part, continues after it.
    """

    heading: Inline
    title: str
    level: int
    start: int
    text: int
    end: int
    is_open: bool = False
    nodes: list[SyntaxTreeNode] = field(default_factory=list)
    sections: list["Section"] = field(default_factory=list)

    def walk(self) -> Iterator["Section"]:
        yield self
        for section in self.sections:
            yield from section.walk()

    def blocks(self) -> list[Block]:
        return list(_blocks(self.nodes))

    def walk_nodes(self) -> Iterator[SyntaxTreeNode]:
        """Yield the section's own nodes that have lines, nested ones too."""
        return (node for top in self.nodes for node in top.walk() if node.map)


@dataclass(frozen=True, slots=True)
class Outline:
    lines: tuple[str, ...]
    sections: tuple[Section, ...]

    @property
    def root(self) -> Section:
        return self.sections[0]

    def text_of(self, section: Section) -> str:
        """Return the text below a section's heading."""
        return "\n".join(self.lines[section.text : section.end]).strip("\n")


def outline(text: str) -> Outline:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = tuple(text.split("\n"))
    root = section = Section(Inline("", 1), "", 0, 0, 0, len(lines))
    ancestors = [root]
    tags = OpenTags()
    for node in parse(text).children:
        start, end = node.map or (0, 0)
        if node.type == "heading":
            section.end, section.is_open = start, bool(tags.open)
            heading = node.children[0]
            section = Section(inline(heading), plain_text(heading), int(node.tag[1:]), start, end, len(lines))
            while ancestors[-1].level >= section.level:
                ancestors.pop()
            ancestors[-1].sections.append(section)
            ancestors.append(section)
        elif node.type != "front_matter":
            section.nodes.append(node)
        for inner in node.walk():
            tags.feed_node(inner)
    section.is_open = bool(tags.open)
    return Outline(lines, tuple(root.walk()))


def parse(text: str) -> SyntaxTreeNode:
    """Return the tree of blocks; the tokens of an inline node are in its `meta["spans"]`.

    Emphasis can nest thousands of levels deep, on which SyntaxTreeNode would exhaust the stack.
    """
    return SyntaxTreeNode(
        [
            token.copy(children=None, meta={"spans": token.children or []}) if token.type == "inline" else token
            for token in tokens_of(text)
        ]
    )


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of blocks, each with those of its inline content."""
    return _PARSER.parse(text) if text.strip() else []


def inline(node: SyntaxTreeNode) -> Inline:
    parts: list[str] = []
    links: list[str] = []
    bold: list[str] = []
    depth, struck = 0, False
    for span in node.meta["spans"]:
        before = "".join(parts).strip()
        if span.type == "strong_open" and (depth or not _BEFORE_BOLD.sub("", before)):
            depth += 1
        elif span.type == "strong_close":
            depth -= bool(depth)
        elif span.type == "s_open":
            struck = struck or not before
        elif span.type == "link_open":
            links.append(str(span.attrs.get("href", "")))
        elif text := _text_of(span):
            parts.append(text)
            bold += [text] if depth else []
    text, beginning = "".join(parts).strip(), "".join(bold).strip()
    return Inline(text, _line(node), beginning if beginning in text else "", tuple(links), struck)


def plain_text(node: SyntaxTreeNode) -> str:
    """Return the text of an inline node without any markup."""
    spans = [
        span for span in node.meta["spans"] if not span.type.startswith(("em_", "strong_", "link_", "html_", "s_"))
    ]
    return "".join(span.content if span.type in {"text", "code_inline"} else " " for span in spans)


def code_blocks(text: str, languages: frozenset[str]) -> tuple[str, ...]:
    """Return the content of the fenced blocks in some languages, also of those in lists, quotations and `<details>`."""
    fences = [node for node in parse(text).walk() if node.type == "fence"]
    return tuple(node.content for node in fences if node.info.strip().partition(" ")[0].lower() in languages)


def heading(level: int, title: str) -> str:
    """Return a heading, or a line in bold if Markdown has no such level."""
    return f"**{title}**" if level > DEEPEST_HEADING else f"{'#' * max(level, 1)} {title}"


def shifted(text: str, levels: int) -> str:
    """Move all headings of a text down by some levels; below the sixth level a heading becomes a line in bold."""
    if not levels:
        return text
    lines = text.split("\n")
    for node in parse(text).children:
        if node.type == "heading" and node.map and node.markup.startswith("#"):
            lines[node.map[0]] = heading(int(node.tag[1:]) + levels, node.children[0].content)
    return "\n".join(lines)


def visible(text: str) -> str:
    """Return what a reader sees before unfolding anything: no comments, and only the titles of folded parts."""
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    title = r"<summary>(?P<title>(?:(?!</?summary|<details).)*)</summary>"
    folded = re.compile(rf"<details[^>]*>(?:\s*{title})?(?:(?!<details).)*?</details>", re.DOTALL)
    for _ in range(_MOST_NESTED_FOLDS):
        text, count = folded.subn(lambda match: match["title"] or "", text)
        if not count:
            break
    return text


class OpenTags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def feed_node(self, node: SyntaxTreeNode) -> None:
        """Feed the HTML in a node, without that in its children."""
        if node.type == "html_block":
            self.feed(node.content)
        for span in node.meta.get("spans", ()):
            if span.type == "html_inline":
                self.feed(span.content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - HTMLParser's
        if tag not in _VOID_ELEMENTS | _CLOSED_BY_BROWSERS:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Browsers ignore the slash of `<details/>`.
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            del self.open[len(self.open) - 1 - self.open[::-1].index(tag) :]


def _blocks(nodes: Iterable[SyntaxTreeNode]) -> Iterator[Block]:
    for node in nodes:
        match node.type:
            case "inline":
                yield inline(node)
            case "fence" | "code_block":
                yield CodeBlock(_line(node) + (node.type == "fence"), node.content)
            case "bullet_list" | "ordered_list":
                for child in node.children:
                    yield from _list_item(child)
            case "table":
                rows = [row.children for row in node.walk() if row.type == "tr"]
                header, *others = [[inline(cell.children[0]) for cell in cells] for cells in rows]
                yield MarkdownTable(header, others)
            case _:
                yield from _blocks(node.children)


def _list_item(node: SyntaxTreeNode) -> Iterator[ListItem | MarkdownTable]:
    """Yield an item, then the tables in it; code in items is dropped."""
    blocks = list(_blocks(node.children))
    texts = [block for block in blocks if isinstance(block, Inline)]
    yield ListItem(_line(node), texts, [block for block in blocks if isinstance(block, ListItem)])
    yield from (block for block in blocks if isinstance(block, MarkdownTable))


def _line(node: SyntaxTreeNode) -> int:
    return node.map[0] + 1 if node.map else 0


def _text_of(span: Token) -> str:
    if span.type == "code_inline":
        return f"`{span.content}`"
    if span.type in {"softbreak", "hardbreak"}:
        return "\n"
    return span.content if span.type in {"text", "image"} else ""
