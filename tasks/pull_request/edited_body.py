"""Check a body that was edited by hand: gaps filled, boxes ticked and text added are fine, changed figures are not."""

import re
from collections.abc import Iterator
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
    before, after = rendered.splitlines(), edited.splitlines()
    for kind, low, high, start, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        remaining = {_unticked(line) for line in after[start:end]}
        for line in before[low:high]:
            if line.strip() and GAP not in line and _unticked(line) not in remaining:
                yield f"this line of it was removed or changed: {_short(line)}"
        for line in after[start:end]:
            for figure in unsupported_figures(_REFERENCE.sub("", line), evidence):
                yield f"a figure was added that is not in the evidence ({figure}): {_short(line)}"


def _unticked(line: str) -> str:
    return _BOX.sub(r"\1 \2", line.rstrip())


def _short(line: str) -> str:
    return shorten(one_line(line), _LONGEST)
