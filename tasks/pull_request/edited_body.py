"""Say what somebody may do by hand to a body that was rendered: fill its gaps, tick boxes, add words; never change what was measured."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

from ..body.claims import unsupported_figures
from ..text.markdown import one_line, shorten

if TYPE_CHECKING:
    from ..body.claims import CitableEvidence

GAP: Final = "[To be written by a person"
"""What marks a gap in the templates."""
_BOX: Final = re.compile(r"^(\s*(?:[-*+]|\d+[.)])\s+\[)[ xX](\])", re.MULTILINE)
_REFERENCE: Final = re.compile(r"#\d+|https?://\S+|`[^`]*`")
_LONGEST: Final = 80


def objections(rendered: str, edited: str, evidence: CitableEvidence) -> Iterator[str]:
    """Yield what keeps an edited body from going out, one sentence each; nothing where it is as it was rendered.

    A line may go where it marks a gap; a box may be ticked or cleared; anything may be added that brings no figure with a unit which
    the evidence does not hold.
    """
    if any(GAP in line for line in edited.splitlines()):
        yield "it still has a gap that a person is to fill"
    for gone, come in _changes(rendered.splitlines(), edited.splitlines()):
        yield from (f"this line of it was removed or changed: {_shown(line)}" for line in _missed(gone, come))
        yield from (
            f"a figure was added that the evidence does not hold ({figure}): {_shown(line)}"
            for line in come
            for figure in unsupported_figures(_REFERENCE.sub("", line), evidence)
        )


def _changes(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    for kind, low, high, start, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            yield before[low:high], after[start:end]


def _missed(gone: Sequence[str], come: Sequence[str]) -> Iterator[str]:
    """Yield the lines that were rendered and are not there any more, gaps left out; a box is the same ticked or not."""
    there = {_cleared(line) for line in come}
    yield from (line for line in gone if line.strip() and GAP not in line and _cleared(line) not in there)


def _cleared(line: str) -> str:
    return _BOX.sub(r"\1 \2", line.rstrip())


def _shown(line: str) -> str:
    return shorten(one_line(line), _LONGEST)
