"""Close what a Markdown text leaves open, so that text after it is not swallowed."""

import re

from markdown_it.tree import SyntaxTreeNode

from .outline import OpenTags, parse

_MOST_REPAIRS = 50
# HTML that continues to the end of the text unless it is closed, and what closes it.
_RAW_HTML = (
    (re.compile(r"<!--"), "-->"),
    (re.compile(r"<\?"), "?>"),
    (re.compile(r"<!\[CDATA\["), "]]>"),
    (re.compile(r"<![A-Za-z]"), ">"),
    (re.compile(r"<script\b", re.IGNORECASE), "</script>"),
    (re.compile(r"<pre\b", re.IGNORECASE), "</pre>"),
    (re.compile(r"<style\b", re.IGNORECASE), "</style>"),
    (re.compile(r"<textarea\b", re.IGNORECASE), "</textarea>"),
)


def repaired(text: str) -> str:
    """Return a template with Unix line ends, without front matter, and with every fence, comment and element closed.

    Only closing fences, comment ends and closing tags are added; nothing else changes.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff").replace("\0", "")
    lines = text.split("\n")
    if front_matter := next((node for node in parse(text).children if node.type == "front_matter"), None):
        lines = lines[front_matter.map[1] if front_matter.map else 0 :]
    lines = "\n".join(lines).strip("\n").split("\n")
    for _ in range(_MOST_REPAIRS):
        nodes = [node for top in parse("\n".join(lines)).children for node in top.walk()]
        if not _close_block(lines, nodes):
            return "\n".join(lines + _closing_tags(nodes))
    return "\n".join(lines)


def _closing_tags(nodes: list[SyntaxTreeNode]) -> list[str]:
    tags = OpenTags()
    for node in nodes:
        tags.feed_node(node)
    return ["", *(f"</{tag}>" for tag in reversed(tags.open))] if tags.open else []


def _close_block(lines: list[str], nodes: list[SyntaxTreeNode]) -> bool:
    """Close the first fence or raw HTML that runs to the end of its parent, and return whether there was one."""
    for node in nodes:
        start, end = node.map or (0, 0)
        if node.type == "fence" and not _is_closed_fence(lines, node):
            opening = lines[start]
            before = opening[: opening.index(node.markup[0] * 3)]
            prefix = "".join(character if character in "> \t" else " " for character in before)
            lines.insert(_last_written(lines, start, end) + 1, prefix + node.markup)
            return True
        if node.type == "html_block" and (closer := _missing_closer(node.content)):
            lines[_last_written(lines, start, end)] += f" {closer}" if closer == "-->" else closer
            return True
    return False


def _is_closed_fence(lines: list[str], node: SyntaxTreeNode) -> bool:
    start, end = node.map or (0, 0)
    closing = re.compile(rf"[\s>]*{re.escape(node.markup[0])}{{{len(node.markup)},}}\s*")
    return end - start > 1 and bool(closing.fullmatch(lines[end - 1]))


def _last_written(lines: list[str], start: int, end: int) -> int:
    return next((number for number in range(end - 1, start, -1) if lines[number].strip()), start)


def _missing_closer(content: str) -> str:
    start = content.lstrip()
    for opener, closer in _RAW_HTML:
        if match := opener.match(start):
            return "" if closer in start[match.end() :].lower() or closer in start[match.end() :] else closer
    # A comment may also begin after another tag.
    begin = content.rfind("<!--")
    return "-->" if begin >= 0 and "-->" not in content[begin + 4 :] else ""
