"""Put foreign text into Markdown so that it stays text: no HTML, mentions, closed issues or broken tables."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

# Terminal escapes: CSI (colours, cursor), OSC and its relatives (titles, links, ended by BEL or ST), two-byte ones.
_TERMINAL = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[PX^_\]][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]")
_LINE_ENDS = re.compile(r"\r\n?|[\u2028\u2029]")
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
# A zero-width space inside of what GitHub would link; spelled as an entity, so that readers of the source see it.
_BREAK = "\u200b"
_BREAK_ENTITY = "&#8203;"

# GitHub links these after rendering, so that a backslash does not prevent it; a break inside does.
_LINKED_BY_GITHUB = (
    re.compile(r"(?<![A-Za-z0-9_])@(?=[A-Za-z0-9])"),
    re.compile(r"#(?=\d)|(?<=\bgh)-(?=\d)", re.IGNORECASE),
    re.compile(r"(?<=://)(?=[^\s/]*/[^\s/]+/[^\s/]+/(?:issues|pull|discussions|commit)/)", re.IGNORECASE),
)
_SPECIAL = re.compile(r"[`\[\]~$]|\\(?=[!-/:-@\[-`{-~]|$)")
_SPECIAL_BUT_EMPHASIS = re.compile(r"[`\[\]~$]|\\(?=[!-)+-/:-@\[-^`{-~]|$)")
_EMPHASIS = re.compile(r"\*|(?<![^\W_])_|_(?![^\W_])")
_BLOCK_START = re.compile(r"^(?:>|[-+*](?=\s|$)|-(?=-)|=+\s*$|#{1,6}(?=\s|$)|[*_][*_\s]*$|(\d{1,9})([.)])(?=\s|$))")
_LIST_ITEM = re.compile(r"^( {0,8})([-*+]|\d{1,9}[.)])\s+(?=\S)")
_FENCE = re.compile(r"^ {0,8}(`{3,}|~{3,})\s*([\w+-]*)")


class Markdown(str):
    """Finished Markdown; every other string still has to be escaped."""

    __slots__ = ()


def plain(text: str) -> str:
    """Remove terminal escapes and invisible control characters, except line ends and tabs."""
    if text.isprintable():
        return text
    text = _LINE_ENDS.sub("\n", _TERMINAL.sub("", text))
    return "".join(character for character in text if character in "\n\t" or not _is_control(character))


def one_line(text: str) -> str:
    """Return `plain` text with every run of white space as one blank."""
    return " ".join(plain(text).split())


def shorten(text: str, limit: int) -> str:
    """Cut text to at most `limit` characters, between words, with an ellipsis."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,;:.") + "…"


def escape(text: str) -> Markdown:
    """Return one line of Markdown that shows `text` as it is, in a paragraph, a list item or a cell."""
    return Markdown(_escape_block_start(_escaped(one_line(text), emphasis=False)))


def inline(text: str, *, emphasis: bool = True) -> Markdown:
    """Return one line of Markdown that keeps code spans and, if allowed, emphasis."""
    text = one_line(text)
    pieces, position = [], 0
    for span in _CODE_SPAN.finditer(text):
        pieces += [_escaped(text[position : span.start()], emphasis=emphasis), code(span[2].strip())]
        position = span.end()
    return Markdown(_escape_block_start("".join([*pieces, _escaped(text[position:], emphasis=emphasis)])))


def prose(text: str) -> Markdown:
    """Return paragraphs, lists and fenced code of a person's text; headings, HTML, images and tables become text."""
    blocks: list[str] = []
    column = 0  # of the text in the last list item: with a deeper indentation the next one would be code
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
    """Reduce several empty lines to one, except in fences."""
    result: list[str] = []
    lines = iter(text.split("\n"))
    for line in lines:
        if opening := _FENCE.match(line):
            result += [line, *_until_closed(lines, opening[1]), opening[1]]
        elif line or (result and result[-1]):
            result.append(line)
    return Markdown("\n".join(result).strip("\n"))


def code(text: str) -> Markdown:
    """Return a code span that also works in a table's cell."""
    shown = one_line(text)
    if not shown:
        return Markdown("")
    if "|" in shown:
        # Parsers disagree about a backslash before a pipe in a code span in a table.
        return Markdown(f"<code>{_escaped(shown, emphasis=False)}</code>")
    fence = "`" * (_longest_backticks(shown) + 1)
    padding = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return Markdown(f"{fence}{padding}{shown}{padding}{fence}")


def fenced(text: str, language: str = "") -> Markdown:
    """Return a code block whose fence `text` cannot close."""
    shown = plain(text).strip("\n")
    fence = "`" * max(3, _longest_backticks(shown) + 1)
    return Markdown(f"{fence}{language}\n{shown}\n{fence}")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Markdown:
    """Return a table; cells that are not Markdown are escaped."""
    lines = [_row(header), "|" + "|".join(":---" for _ in header) + "|", *map(_row, rows)]
    return Markdown("\n".join(lines))


def finished(value: object) -> str:
    """Return a template's value as it is if it is Markdown, else escaped."""
    return value if isinstance(value, Markdown) else escape(str(value))


def _is_control(character: str) -> bool:
    """Return whether a character is a control, unassigned, or changes direction, which can hide text."""
    if character.isascii():
        return not character.isprintable()
    category = unicodedata.category(character)
    return category in {"Cc", "Cs", "Co", "Cn"} or (category == "Cf" and character != "\u200d")


def _longest_backticks(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _escaped(text: str, *, emphasis: bool) -> str:
    """Escape what Markdown, HTML or GitHub interprets; `emphasis` keeps * and _."""
    text = re.sub(r"&(?=#|\w+;)", "&amp;", text).replace("<", "&lt;")
    text = (_SPECIAL_BUT_EMPHASIS if emphasis else _SPECIAL).sub(r"\\\g<0>", text)
    if not emphasis:
        text = _EMPHASIS.sub(r"\\\g<0>", text)
    for linked in _LINKED_BY_GITHUB:
        text = linked.sub(rf"\g<0>{_BREAK}", text)
    return text.replace("|", "&#124;").replace(_BREAK, _BREAK_ENTITY)


def _escape_block_start(text: str) -> str:
    """Prevent a line from starting a heading, list, quotation or rule."""
    match = _BLOCK_START.match(text)
    if not match:
        return text
    return f"{match[1]}\\{match[2]}{text[match.end() :]}" if match[1] else "\\" + text


def _until_closed(lines: Iterable[str], fence: str) -> Iterable[str]:
    """Yield the lines up to the one that closes `fence`, or all."""
    closing = re.compile(rf"^ {{0,8}}{re.escape(fence[0])}{{{len(fence)},}}\s*$")
    for line in lines:
        if closing.match(line):
            return
        yield line


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(finished, cells)) + " |"
