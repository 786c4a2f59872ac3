"""Check a body that was edited by hand: gaps filled, boxes ticked and text added are fine, other figures are not.

The body is compared as GitHub shows it, line by line, so that nothing that was measured can be hidden or disguised.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby
from typing import Final

from ..text import amounts
from ..text.markdown import one_line, plain, shorten
from ..text.shown import ShownLine, shown_lines
from .claims import CitableEvidence, unproven
from .composing import TITLE

RENDERED: Final = "body.md"
"""A copy of the body as it was rendered, in the item's folder of .prprep."""
GAP: Final = "[To be written by a person"
"""Marks a gap in the templates."""
GITHUB_LIMIT: Final = 65_536
"""Characters of a body that GitHub accepts."""
MOST_NAMED: Final = 5
"""Objections to one body that are shown; of the others their number."""
_BOX: Final = re.compile(r"^\[[xX]\](?=\s)")
_HARMLESS_TAG: Final = re.compile(
    r"</?(?:a|b|br|code|em|i|ins|kbd|strong|sub|sup)(?: href=\"[^\"<>]*\")? ?/?>", re.IGNORECASE
)
_WAITS: Final = re.compile(r"^\D*(?:[:#\u2026]|\.\.\.)$")
_TAG_START: Final = re.compile(r"<[a-z/!?]", re.IGNORECASE)
_FORMULA: Final = re.compile(r"\$\$|\$\S[^$]*\$|\[\^[^\]]+\]")
_DEFINITION: Final = re.compile(r"[\s>*+.)\d-]*\[[^\]]+\]:")
# Addresses of attachments, which GitHub shows as players of videos.
_ATTACHMENT: Final = re.compile(
    r"//(?:github\.com/(?:user-attachments|[\w.-]+/[\w.-]+)/assets/|[\w-]*user-images\.githubusercontent\.com/)",
    re.IGNORECASE,
)
_LANGUAGES: Final = frozenset(
    ["python", "py", "pycon", "sh", "bash", "shell", "console", "toml", "yaml", "json", "diff", "c", "cython"]
)
_DIAGRAMS: Final = frozenset({"mermaid", "math", "geojson", "topojson", "stl"})
# In a paragraph that has lines of the body as well, these could reach into them.
_MARKUP: Final = re.compile(r"[~$<>\[\]`*_\\|]")
_LONGEST: Final = 80


def unpublishable(body: bytes) -> str:
    """Return why GitHub would not take the bytes of a body; "" if it would."""
    try:
        length = len(body.decode())
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        return f"line {line} is not UTF-8: save it as UTF-8"
    if length > GITHUB_LIMIT:
        return f"{length:,} characters are more than GitHub accepts ({GITHUB_LIMIT:,}): shorten it"
    return ""


def shortened(objections: Sequence[str], hint: str) -> list[str]:
    """Return the first objections, and last how many more there are, with what to do."""
    more = len(objections) - MOST_NAMED
    return [*objections[:MOST_NAMED], f"{more} more like these; {hint}" if more > 0 else hint]


def objections(rendered: str, edited: str, evidence: CitableEvidence, template: str = "") -> Iterator[str]:
    """Yield a sentence for each edit that keeps the body from being published.

    Lines with a gap may go, boxes may be ticked or cleared, lines of the project's `template` completed, and words
    added that claim nothing beyond the evidence.
    """
    if GAP in edited:
        yield "it still has a gap that a person must fill"
    before, after = shown_lines(rendered), shown_lines(edited)
    source, new_source = rendered.split("\n"), edited.replace("\r\n", "\n").split("\n")
    matcher = SequenceMatcher(None, list(map(_key, before)), list(map(_key, after)), autojunk=False)
    changes = [change for change in matcher.get_opcodes() if change[0] != "equal"]
    still_there, waiting = set(new_source), {line.text for line in shown_lines(template) if _WAITS.search(line.text)}
    for _, low, high, start, end in changes:
        for shown in before[low:high]:
            line = source[shown.line]
            if GAP in line or shown.kind == "comment":
                continue
            if shown.text in waiting and _is_completed(shown, after[start:end]):
                continue
            hidden = line in still_there and "is no longer shown as it was (hidden, folded, struck out or quoted)"
            yield f"this line {hidden or 'was removed or changed'}: {_short(line)}"
    unchanged = (after[match.b : match.b + match.size] for match in matcher.get_matching_blocks())
    kept_blocks = {shown.block for lines in unchanged for shown in lines}
    added = [shown for _, _, _, start, end in changes for shown in after[start:end]]
    for _, block in groupby(added, key=lambda shown: shown.block):
        lines = list(block)
        yield from _objections_to_added(lines, evidence, within=lines[0].block in kept_blocks)
    yield from _unseen(source, new_source)


def _is_completed(shown: ShownLine, added: Sequence[ShownLine]) -> bool:
    """Return whether words were added to a line that waits for more, such as `Closes #`."""
    return any(line.place == shown.place and line.text.startswith(shown.text) for line in added)


def _objections_to_added(lines: Sequence[ShownLine], evidence: CitableEvidence, *, within: bool) -> Iterator[str]:
    """Yield what is wrong with the new lines of one block; `within` says that it has lines of the body as well."""
    text = "\n".join(line.text for line in lines)
    text += "".join(f"\n{title}" for line in lines for title in _titles(line))
    joined = " ".join(text.split())
    prose = "\n".join(line.text for line in lines if not _is_code(line))
    faults = (*unproven(joined, evidence), *unproven(text, evidence))
    faults += (*unproven(amounts.without_names(prose), evidence, bare=True),)
    for fault in dict.fromkeys(faults):
        yield f"text was added: {fault}: {_short(text)}"
    if plain(text) != text:
        yield f"invisible characters were added: {_short(text)}"
    if any(line.has_image for line in lines) or _ATTACHMENT.search(text):
        yield f"an image or video was added, whose content cannot be checked: {_short(text)}"
    if any(str(line.spelling[0]).startswith(TITLE) for line in lines if line.kind == "comment"):
        yield f"the title is edited in the manifest (`title:`), not here: {_short(str(lines[0].spelling[0]))}"
    elif any(line.kind in {"html", "comment"} for line in lines) or _has_tag(lines):
        yield f"HTML was added, which can hide something: {_short(text.strip() or str(lines[0].spelling[0]))}"
    if _FORMULA.search(text) or _DIAGRAMS & {part.split(" ")[-1] for line in lines for part in line.place[-1:]}:
        yield f"a formula, footnote or diagram was added, which cannot be checked: {_short(text)}"
    if within and lines[0].kind == "text" and _MARKUP.search(text):
        yield f"markup was added to a paragraph of the body; put it into a paragraph of its own: {_short(text)}"


def _titles(line: ShownLine) -> Iterator[str]:
    """Yield what a reader sees over a link."""
    attributes = (pair for part in line.spelling if isinstance(part, tuple) for pair in part[3])
    return (str(value) for name, value in attributes if name == "title")


def _is_code(line: ShownLine) -> bool:
    kind, _, language = line.place[-1].partition(" ") if line.place else ("", "", "")
    return kind == "fence" and language in _LANGUAGES


def _has_tag(lines: Sequence[ShownLine]) -> bool:
    parts = [part for line in lines for part in line.spelling if isinstance(part, tuple)]
    tags = [part[2] for part in parts if part[0] == "html_inline"]
    texts = [part[2] for part in parts if part[0] == "text"]
    return not all(map(_HARMLESS_TAG.fullmatch, tags)) or any(map(_TAG_START.search, texts))


def _unseen(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """Yield what was added and is not shown itself, but may change or hide what is."""
    known = set(before)
    for line in after:
        if line not in known and plain(line) != line:
            yield f"invisible characters were added: {_short(line)}"
        if line not in known and _DEFINITION.match(line):
            yield f"a definition of a link or footnote was added, which can hide the lines below it: {_short(line)}"


def _key(line: ShownLine) -> tuple[object, ...]:
    """Return what makes two lines look the same; a box may be ticked."""
    return line.kind, _BOX.sub("[ ]", line.text), tuple(map(_unticked, line.spelling)), line.place


def _unticked(part: object) -> object:
    return (*part[:2], _BOX.sub("[ ]", part[2]), *part[3:]) if isinstance(part, tuple) else part


def _short(line: str) -> str:
    return shorten(one_line(line), _LONGEST)
