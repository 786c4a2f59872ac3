"""Check a body that was edited by hand: gaps filled, boxes ticked and text added are fine, changed figures are not."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Final

from ..body.claims import CitableEvidence, unsupported_figures
from ..text.markdown import one_line, shorten

GAP: Final = "[To be written by a person"
"""Marks a gap in the templates."""
_BOX: Final = re.compile(r"^(\s*(?:[-*+]|\d+[.)])\s+\[)[ xX](\])", re.MULTILINE)
_REFERENCE: Final = re.compile(r"#\d+|https?://\S+|`[^`]*`")
_LONGEST: Final = 80


def objections(rendered: str, edited: str, evidence: CitableEvidence) -> Iterator[str]:
    """Yield a sentence for each edit that keeps the body from being published.

    Lines with a gap may go, boxes may be ticked or cleared, and text may be added unless it brings a figure with a unit
    that is not in the evidence.
    """
    if any(GAP in line for line in edited.splitlines()):
        yield "it still has a gap that a person must fill"
    for removed, added in _changes(rendered.splitlines(), edited.splitlines()):
        yield from (f"this line of it was removed or changed: {_short(line)}" for line in _lost(removed, added))
        for line in added:
            for figure in unsupported_figures(_REFERENCE.sub("", line), evidence):
                yield f"a figure was added that is not in the evidence ({figure}): {_short(line)}"


def _changes(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    for kind, low, high, start, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            yield before[low:high], after[start:end]


def _lost(removed: Sequence[str], added: Sequence[str]) -> Iterator[str]:
    """Yield the rendered lines that are gone, except gaps; a box is the same ticked or not."""
    remaining = {_unticked(line) for line in added}
    yield from (line for line in removed if line.strip() and GAP not in line and _unticked(line) not in remaining)


def _unticked(line: str) -> str:
    return _BOX.sub(r"\1 \2", line.rstrip())


def _short(line: str) -> str:
    return shorten(one_line(line), _LONGEST)
