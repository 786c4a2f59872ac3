"""Lines of text from fragments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pagelayout.geometry import Box


@dataclass(frozen=True, slots=True)
class TextFragment:
    """A piece of text as the recogniser found it."""

    text: str
    box: Box

    @property
    def baseline(self) -> int:
        return self.box.bottom


@dataclass(frozen=True, slots=True)
class TextLine:
    """All fragments of one line, from left to right."""

    text: str
    box: Box


def merge_text(fragments: Iterable[TextFragment], line_height: int = 20) -> list[TextLine]:
    """Merge fragments whose baselines fall into one row of `line_height` pixels, uppermost row first."""
    lines: list[list[TextFragment]] = []
    for fragment in fragments:
        for line in lines:
            if line[0].baseline // line_height == fragment.baseline // line_height:
                line.append(fragment)
                break
        else:
            lines.append([fragment])
    lines.sort(key=lambda line: line[0].baseline // line_height)
    return [_merged(line) for line in lines]


def _merged(fragments: list[TextFragment]) -> TextLine:
    ordered = sorted(fragments, key=lambda fragment: (fragment.box.left, fragment.text))
    box = ordered[0].box
    for fragment in ordered[1:]:
        box = box.union(fragment.box)
    return TextLine(" ".join(fragment.text for fragment in ordered), box)
