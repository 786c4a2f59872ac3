"""Put text of others into markdown so that it stays text: no HTML, mentions, closed issues or broken tables."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

# Terminal escapes: CSI (colours, cursor), OSC and its relatives (titles, links, ended by BEL or ST), two-byte ones.
_TERMINAL = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[PX^_\]][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]")
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
# A break inside of what GitHub would link: no text of others holds this character once it is cleaned, and
# spelled as an entity a reader of the source sees it.
_BREAK = "\u200b"
_BREAK_SPELLED = "&#8203;"

# GitHub looks for these after markdown is rendered, so that a backslash does not help; a break inside does.
_MENTION = re.compile(r"(?<![A-Za-z0-9_])@(?=[A-Za-z0-9])")
_ISSUE = re.compile(r"#(?=\d)|(?<=\bgh)-(?=\d)", re.IGNORECASE)
_ISSUE_ADDRESS = re.compile(r"(?<=://)(?=[^\s/]*/[^\s/]+/[^\s/]+/(?:issues|pull|discussions|commit)/)", re.IGNORECASE)

_ALWAYS = re.compile(r"[`\[\]~$]|\\(?=[!-/:-@\[-`{-~]|$)")
_ALWAYS_BUT_EMPHASIS = re.compile(r"[`\[\]~$]|\\(?=[!-)+-/:-@\[-^`{-~]|$)")
_EMPHASIS = re.compile(r"\*|(?<![^\W_])_|_(?![^\W_])")
_LINE_START = re.compile(r"^(?:>|[-+*](?=\s|$)|-(?=-)|=+\s*$|#{1,6}(?=\s|$)|[*_][*_\s]*$|(\d{1,9})([.)])(?=\s|$))")
_LIST_ITEM = re.compile(r"^( {0,8})([-*+]|\d{1,9}[.)])\s+(?=\S)")
_FENCE = re.compile(r"^ {0,8}(`{3,}|~{3,})\s*([\w+-]*)")


class Markdown(str):
    """Markdown that is finished; every other string still has to be escaped."""

    __slots__ = ()


def plain(text: str) -> str:
    """Drop terminal escapes and invisible control characters; line ends and tabs stay."""
    if text.isprintable():
        return text
    text = (
        _TERMINAL.sub("", text)
        .replace("\r\n", "\n")
        .replace("\r", "\n")
        .replace("\u2028", "\n")
        .replace("\u2029", "\n")
    )
    return "".join(character for character in text if character in "\n\t" or not _is_control(character))


def one_line(text: str) -> str:
    """Clean as `plain` does, all white space made single blanks."""
    return " ".join(plain(text).split())


def shorten(text: str, limit: int) -> str:
    """Cut at a word so that at most `limit` characters remain, with an ellipsis."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,;:.") + "…"


def escape(text: str) -> Markdown:
    """Make one line of markdown that shows `text` as it is, in a paragraph, a list item or a cell."""
    return Markdown(_line_start(_escaped(one_line(text), emphasis=False)))


def inline(text: str, *, emphasis: bool = True) -> Markdown:
    """Make one line of markdown in which code spans, and emphasis where allowed, go on working."""
    return Markdown(_line_start(_inline(one_line(text), emphasis=emphasis)))


def prose(text: str) -> Markdown:
    """Make paragraphs, lists and fenced code of a person's text; headings, HTML, images and tables become text."""
    blocks: list[str] = []
    column = 0  # where the text of the last list item begins: a deeper indent would make code of the next one
    lines = iter(plain(text).expandtabs(4).split("\n"))
    for line in lines:
        if opening := _FENCE.match(line):
            blocks += ["", fenced("\n".join(_until_closed(lines, opening[1])), opening[2]), ""]
        elif item := _LIST_ITEM.match(line):
            marker = " " * min(len(item[1]), column) + item[2] + " "
            column = len(marker)
            blocks.append(f"{marker}{inline(line[item.end() :])}")
        else:
            column = column if not line.strip() else 0
            blocks.append(inline(line))
    return tidy("\n".join(blocks))


def tidy(text: str) -> Markdown:
    """Leave one empty line where there are several, but inside of fences."""
    kept: list[str] = []
    lines = iter(text.split("\n"))
    for line in lines:
        if opening := _FENCE.match(line):
            kept += [line, *_until_closed(lines, opening[1]), opening[1]]
        elif line or (kept and kept[-1]):
            kept.append(line)
    return Markdown("\n".join(kept).strip("\n"))


def code(text: str) -> Markdown:
    """Show `text` as a code span, in a table's cell too."""
    shown = one_line(text)
    if not shown:
        return Markdown("")
    if "|" in shown:
        # Parsers disagree on how a backslash before a pipe is read inside a code span in a table.
        return Markdown(f"<code>{_escaped(shown, emphasis=False)}</code>")
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    padding = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return Markdown(f"{fence}{padding}{shown}{padding}{fence}")


def fenced(text: str, language: str = "") -> Markdown:
    """Show `text` as a code block whose fence nothing inside can close."""
    shown = plain(text).strip("\n")
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", shown)), 3)
    return Markdown(f"{fence}{language}\n{shown}\n{fence}")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Markdown:
    """Lay out a table; cells are Markdown, or text that is escaped here."""
    lines = [_row(header), "|" + "|".join(":---" for _ in header) + "|", *map(_row, rows)]
    return Markdown("\n".join(lines))


def finished(value: object) -> str:
    """Return what a template prints for `value`: Markdown as it is, anything else escaped."""
    return value if isinstance(value, Markdown) else escape(str(value))


def _is_control(character: str) -> bool:
    """Tell control, unassigned and direction-changing characters, which can hide what a text says."""
    if character.isascii():
        return not character.isprintable()
    category = unicodedata.category(character)
    return category in {"Cc", "Cs", "Co", "Cn"} or (category == "Cf" and character != "\u200d")


def _inline(text: str, *, emphasis: bool) -> str:
    pieces, position = [], 0
    for span in _CODE_SPAN.finditer(text):
        pieces += [_escaped(text[position : span.start()], emphasis=emphasis), code(span[2].strip())]
        position = span.end()
    return "".join([*pieces, _escaped(text[position:], emphasis=emphasis)])


def _escaped(text: str, *, emphasis: bool) -> str:
    """Escape what markdown, HTML or GitHub would take for more than text; `emphasis` keeps * and _."""
    text = re.sub(r"&(?=#|\w+;)", "&amp;", text).replace("<", "&lt;")
    text = (_ALWAYS_BUT_EMPHASIS if emphasis else _ALWAYS).sub(_backslashed, text)
    if not emphasis:
        text = _EMPHASIS.sub(_backslashed, text)
    for linked in (_MENTION, _ISSUE, _ISSUE_ADDRESS):
        text = linked.sub(lambda found: found[0] + _BREAK, text)
    return text.replace("|", "&#124;").replace(_BREAK, _BREAK_SPELLED)


def _backslashed(found: re.Match[str]) -> str:
    return "\\" + found[0]


def _line_start(text: str) -> str:
    """Keep a line from opening a heading, list, quote or rule."""
    found = _LINE_START.match(text)
    if not found:
        return text
    if found[1]:
        return f"{found[1]}\\{found[2]}{text[found.end() :]}"
    return "\\" + text


def _until_closed(lines: Iterable[str], fence: str) -> Iterable[str]:
    """Yield the lines up to the one that closes `fence`, or all where none does."""
    closing = re.compile(rf"^ {{0,8}}{re.escape(fence[0])}{{{len(fence)},}}\s*$")
    for line in lines:
        if closing.match(line):
            return
        yield line


def _row(cells: Sequence[str]) -> str:
    shown = (cell if isinstance(cell, Markdown) else escape(cell) for cell in cells)
    return "| " + " | ".join(shown) + " |"
