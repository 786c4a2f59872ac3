"""Candidates from the notes of an optimization effort, in whatever form they are.

Headings ("Kept", "Discarded experiments"), columns, labels ("Commit: ...") and signs say what is an optimization. Text
with none of these is not, such as lists of baselines, ideas or files.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from ..text.markdown import one_line
from ..text.outline import Block, CodeBlock, Inline, ListItem, MarkdownTable, Section, outline
from . import extract, headings, tables
from .candidate import Candidate
from .fields import Context, Description, Meaning, labelled, meaning_of

_EXPERIMENT: Final = re.compile(r"^\W*(?:optimi[sz]ation|experiment|exp|change|opt)\b\s*#?\d+", re.IGNORECASE)
_SHA_OR_SIGN: Final = re.compile(r"\b[0-9a-f]{7,40}\b|\W")
_AFTER_BOLD: Final = re.compile(
    r"^[\s:(\[`—–-]*(?:commits?\s*:?\s*)?[0-9a-f]{7,40}\b[^:.—–]{0,40}?(?:[)\]`]\s*[:.—–-]+|[:.—–-]+|[)\]`]+)\s*|"
    r"^[\s:.—–-]+"
)
_LOG_LINE: Final = re.compile(r"^\s*(?:[*|/\\]\s*)*([0-9a-f]{7,40})\s+(?:\([^)]*\)\s+)?(\S.*)$")


def candidates(text: str, file: str) -> tuple[Candidate, ...]:
    """Read the notes in a file; `file` is its path as messages show it."""
    found = _section(outline(text).root, Context(file))
    return tuple(candidate for candidate in found if candidate.outcome != "none")


# -- sections -----------------------------------------------------------------------------------


def _section(section: Section, above: Context) -> Iterator[Candidate]:
    context = headings.context_of(section, above) if section.level else above
    if not context.ignored and section.level and _is_one(section, above):
        yield _whole(section, context)
        return
    for block in section.blocks():
        yield from _block(block, context)
    for inner in section.sections:
        yield from _section(inner, context)


def _is_one(section: Section, above: Context) -> bool:
    """Return whether a section is about one optimization, by its heading, its labels, or the heading above it."""
    heading, blocks = section.heading.text, section.blocks()
    if headings.is_category(heading):
        return False
    if any(headings.outcome_of(inner.heading.text) or _describes_one(inner) for inner in section.sections):
        return False
    headers = [[cell.text for cell in block.header] for block in blocks if isinstance(block, MarkdownTable)]
    if any(map(tables.lists_optimizations, map(tables.meanings_of, headers))):
        return False
    items = [block for block in blocks if isinstance(block, ListItem)]
    if sum(bool(_commits(_first(item))) for item in items) > 1:
        return False
    if _describes_one(section):
        return True
    # A plain heading below "Kept", for example, unless it only groups the items of a list.
    groups = any(_commits(_first(item)) or extract.outcome_of_title(_first(item).text) for item in items)
    return above.outcome is not None and not groups and bool(blocks) and not headings.is_other_subject(heading)


def _whole(section: Section, context: Context) -> Candidate:
    """Return one candidate of a section and everything below it."""
    description = _description(section.heading, context)
    for block in (block for inner in section.walk() for block in inner.blocks()):
        _fill(description, block)
    return description.candidate()


# -- blocks -------------------------------------------------------------------------------------


def _block(block: Block, context: Context) -> Iterator[Candidate]:
    match block:
        case MarkdownTable():
            # With commits or outcomes a table lists optimizations wherever it is.
            header = [cell.text for cell in block.header]
            meanings = tables.meanings_of(header)
            if tables.lists_optimizations(meanings) or (context.outcome is not None and "title" in meanings):
                yield from tables.candidates(header, block.rows, context)
        case _ if context.ignored:
            return
        case ListItem():
            yield from _item(block, context)
        case CodeBlock():
            yield from _code(block, context)
        case Inline():
            yield from _paragraph(block, context)


def _item(item: ListItem, context: Context) -> Iterator[Candidate]:
    first, commits = _first(item), _commits(_first(item))
    if not re.search(r"\w", first.text):
        return
    if not commits and any(_commits(_first(child)) and not labelled(_first(child)) for child in item.children):
        outcome = headings.outcome_of(first.text) or context.outcome
        domains = extract.domains_in(first.text) or context.domains
        for child in item.children:
            yield from _item(child, replace(context, domains=domains, outcome=outcome))
        return
    stated = extract.outcome_of_title(first.text)
    meanings = {meaning for meaning, _ in _labels([item])}
    has_refs = bool(commits or meanings & {"commit", "branch"})
    if context.outcome is None and not (has_refs or (stated and (meanings or extract.mentions_in(first.text)))):
        return
    if context.outcome == headings.UNKNOWN_OUTCOME and not (
        has_refs or stated or first.struck or meanings & {"status", "function", "file"}
    ):
        return
    description = _description(first, context)
    _fill(description, item)
    yield description.candidate()


def _code(code: CodeBlock, context: Context) -> Iterator[Candidate]:
    """Read the output of `git log --oneline`."""
    lines = [(number, line) for number, line in enumerate(code.text.splitlines(), code.line) if line.strip()]
    matches = [(number, match) for number, line in lines if (match := _LOG_LINE.match(line))]
    if context.outcome and len(matches) == len(lines):
        for number, match in matches:
            description = _description(Inline(match[2], number), context)
            description.parts.append(("commit", Inline(match[1], number)))
            yield description.candidate()


def _paragraph(paragraph: Inline, context: Context) -> Iterator[Candidate]:
    """Read prose with commits: one sentence for each, or all of it if there is one."""
    if labelled(paragraph):
        return
    if context.outcome is None:
        stated = extract.outcome_in(paragraph.text)
        if stated is None or stated.outcome != "kept":
            return
        context = replace(context, outcome=stated)
    if len(extract.commits_in(paragraph.text) or extract.linked_commits(paragraph.links)) == 1:
        yield _prose(paragraph, context)
    else:
        sentences = filter(extract.commits_in, extract.sentences(paragraph.text))
        yield from (_prose(Inline(sentence, paragraph.line), context) for sentence in sentences)


def _prose(text: Inline, context: Context) -> Candidate:
    title, rest = _split(text)
    description = _description(title, context)
    commits = " ".join(extract.commits_in(text.text))
    description.parts.append(("commit", Inline(commits, text.line, links=text.links)))
    description.prose += rest
    return description.candidate()


def _description(title: Inline, context: Context) -> Description:
    title, rest = _split(title)
    return Description(title, context, prose=rest)


def _describes_one(section: Section) -> bool:
    """Return whether a section's own heading or labels describe one optimization."""
    heading = section.heading
    if headings.is_category(heading.text) or headings.is_other_subject(heading.text):
        return False
    if _commits(heading) or _EXPERIMENT.match(heading.text):
        return True
    if section.level == 1:
        return False
    if extract.outcome_of_title(heading.text) is not None or heading.struck:
        return True
    meanings = {meaning for meaning, _ in _labels(section.blocks())}
    return bool(meanings & {"commit", "branch", "status"}) or len(meanings & {"function", "file", "claim", "pull"}) > 1


def _fill(description: Description, block: Block) -> None:
    """Add labelled lines and prose of a block; code and tables are only illustrations."""
    if isinstance(block, ListItem):
        is_title = _first(block).line == description.title.line
        blocks: list[Block] = [*block.texts[is_title:], *block.children]
        for inner in blocks:
            _fill(description, inner)
    elif isinstance(block, Inline):
        for line in _lines(block):
            if part := labelled(line):
                description.parts.append(part)
            else:
                description.prose.append(line)


def _labels(blocks: Sequence[Block]) -> Iterator[tuple[Meaning, Inline]]:
    """Yield the labelled lines of blocks, nested ones too."""
    for block in blocks:
        if isinstance(block, ListItem):
            yield from _labels([*block.texts, *block.children])
        elif isinstance(block, Inline):
            yield from filter(None, map(labelled, _lines(block)))


def _lines(text: Inline) -> Iterator[Inline]:
    """Yield the logical lines of a paragraph: each label begins one."""
    lines: list[str] = []
    for line in text.text.split("\n"):
        if lines and not labelled(Inline(line, text.line)):
            lines[-1] += f" {line}"
        else:
            lines.append(line)
    yield from (Inline(line, text.line, links=text.links) for line in lines)


def _first(item: ListItem) -> Inline:
    return item.texts[0] if item.texts else Inline("", item.line)


def _commits(text: Inline) -> tuple[str, ...]:
    return extract.linked_commits(text.links) or extract.commits_in(text.text)


def _split(text: Inline) -> tuple[Inline, list[Inline]]:
    """Split a title from the text after it: the bold part, else the first sentence."""
    whole, bold = one_line(text.text), one_line(text.bold)
    before, _, rest = whole.partition(bold) if bold else (whole, "", "")
    if rest and extract.CLAIM.sub("", _SHA_OR_SIGN.sub("", bold)) and not meaning_of(bold):
        # A commit right after the bold part belongs to it.
        commit = _AFTER_BOLD.match(rest)
        title = f"{before}{bold} {commit[0] if commit else ''}".strip(" :.—–-")
        rest = rest[commit.end() :] if commit else rest
        return replace(text, text=title), [Inline(rest, text.line, links=text.links)] if rest.strip(" :.—–-") else []
    first, *others = list(extract.sentences(whole)) or [whole]
    return replace(text, text=first), [Inline(" ".join(others), text.line, links=text.links)] if others else []
