"""The text of a manifest: decoded, with places in it as 1-based lines and columns."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from unicodedata import combining, east_asian_width

from ..errors import Problem
from ..text.messages import printable as shown

_BREAK = re.compile(r"\r\n?|\n")
# What YAML does not allow in a file (YAML 1.2, section 5.1), and what it can only spell by an escape.
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNREADABLE = "\ufffd"
_WIDTH = 120
_NAMES = {0: "NUL", 0x1B: "escape", 0x7F: "delete"}


class Source:
    """Hold the text so that every character, readable or not, stays at its place.

    Bytes that are no UTF-8 and control characters are problems, one for each line; the text has U+FFFD in
    their place, so that the rest can still be checked.
    """

    def __init__(self, raw: bytes) -> None:
        self.problems: list[Problem] = []
        self.damaged: set[int] = set()
        text = self._decoded(raw)
        self.text = _FORBIDDEN.sub(_UNREADABLE, text)
        self._report_damage([(found.start(), _control(found[0])) for found in _FORBIDDEN.finditer(text)])

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column of a character, both from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def excerpt(self, line: int) -> str:
        """Return a line as it can be shown: without tabs, control characters, and the end of a very long line."""
        if not 1 <= line <= len(self._starts):
            return ""
        begin = self._starts[line - 1]
        end = _BREAK.search(self.text, begin)
        return shown(self.text[begin : end.start() if end else None])

    def problem(self, message: str, offset: int, suggestion: str = "") -> Problem:
        line, column = self.place(offset)
        whole = self.excerpt(line)
        # A long line is shown around the column.
        start = max(0, column - _WIDTH * 3 // 4) if len(whole) > _WIDTH else 0
        before = ("…" if start else "") + whole[start : column - 1]
        after = whole[column - 1 : start + _WIDTH] + ("…" if len(whole) > start + _WIDTH else "")
        return Problem(message, line, column, before + after, suggestion, _width(before) + 1)

    def _decoded(self, raw: bytes) -> str:
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            self.problems.append(Problem("this file is UTF-16, not UTF-8", suggestion="save it as UTF-8"))
            return ""
        raw = raw.removeprefix(b"\xef\xbb\xbf")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            pass
        text = raw.decode(errors="surrogateescape")
        bad = [
            (found.start(), f"the byte 0x{ord(found[0]) - 0xDC00:02x} is no UTF-8")
            for found in re.finditer(r"[\udc80-\udcff]", text)
        ]
        self.text = re.sub(r"[\udc80-\udcff]", _UNREADABLE, text)
        self._report_damage(bad)
        return self.text

    def _report_damage(self, found: list[tuple[int, str]]) -> None:
        for offset, message in found:
            line, _ = self.place(offset)
            if line not in self.damaged:
                self.damaged.add(line)
                self.problems.append(self.problem(message, offset))

    @cached_property
    def _starts(self) -> list[int]:
        """Return the offset at which each line begins."""
        return [0, *(found.end() for found in _BREAK.finditer(self.text))]


def forbidden_in(value: str) -> str:
    """Say which character of a value is not allowed, in words; empty where all are."""
    found = _FORBIDDEN.search(value)
    return _control(found[0]) if found else ""


def _width(text: str) -> int:
    """Count the columns that a terminal takes for a text."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(each) else 2 if east_asian_width(each) in {"W", "F"} else 1 for each in text)


def _control(character: str) -> str:
    name = _NAMES.get(ord(character))
    return f"the character U+{ord(character):04X}{f' ({name})' if name else ''} is not allowed here"
