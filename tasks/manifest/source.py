"""The text of a manifest, with the line and column of every character."""

import re
from bisect import bisect_right
from functools import cached_property

from ..errors import Problem
from ..text.messages import printable_line

_LINE_END = re.compile(r"\r\n?|\n")
# Characters that YAML does not allow in a file (YAML 1.2, section 5.1), not even escaped ones in our values.
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNREADABLE = "\ufffd"
_EXCERPT_WIDTH = 120
_LONGEST_MESSAGE = 500
"""A key, an id or an alias in a message may be as long as the file."""
_CHARACTER_NAMES = {0: "NUL", 0x1B: "escape", 0x7F: "delete"}


class ManifestText:
    """Decode a file, and replace every invalid byte and control character by U+FFFD, so that positions stay the same.

    Each is a problem, one for each line; the rest of the file can still be checked.
    """

    def __init__(self, raw: bytes) -> None:
        self.problems: list[Problem] = []
        self.damaged_lines: set[int] = set()
        self.text = ""
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            self.problems.append(Problem("this file is UTF-16, not UTF-8", suggestion="save it as UTF-8"))
            return
        text = raw.removeprefix(b"\xef\xbb\xbf").decode(errors="surrogateescape")
        self.text = _FORBIDDEN.sub(_UNREADABLE, text)
        for match in _FORBIDDEN.finditer(text):
            line, _ = self.position(match.start())
            if line not in self.damaged_lines:
                self.damaged_lines.add(line)
                byte = ord(match[0]) - 0xDC00  # as surrogateescape decodes it
                message = f"the byte 0x{byte:02x} is not UTF-8" if 0x80 <= byte <= 0xFF else _not_allowed(match[0])
                self.report(message, match.start())

    def position(self, offset: int) -> tuple[int, int]:
        """Return the line and column of a character, both counted from 1."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def excerpt(self, line: int) -> str:
        """Return a line that is safe to print."""
        begin = self._line_starts[line - 1]
        end = _LINE_END.search(self.text, begin)
        return printable_line(self.text[begin : end.start() if end else None])

    def problem(self, message: str, offset: int, suggestion: str = "") -> Problem:
        from rich.cells import cell_len

        line, column = self.position(offset)
        whole = self.excerpt(line)
        # A long line is cut around the column.
        start = max(0, column - _EXCERPT_WIDTH * 3 // 4) if len(whole) > _EXCERPT_WIDTH else 0
        if len(message) > _LONGEST_MESSAGE:
            message = f"{message[:_LONGEST_MESSAGE]}…"
        before = ("…" if start else "") + whole[start : column - 1]
        after = whole[column - 1 : start + _EXCERPT_WIDTH] + ("…" if len(whole) > start + _EXCERPT_WIDTH else "")
        return Problem(message, line, column, before + after, suggestion, cell_len(before) + 1)

    def report(self, message: str, offset: int, suggestion: str = "") -> None:
        self.problems.append(self.problem(message, offset, suggestion))

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]


def forbidden_character(value: str) -> str:
    """Say which character of a value is not allowed; "" if all are."""
    match = _FORBIDDEN.search(value)
    return _not_allowed(match[0]) if match else ""


def _not_allowed(character: str) -> str:
    name = _CHARACTER_NAMES.get(ord(character))
    return f"the character U+{ord(character):04X}{f' ({name})' if name else ''} is not allowed here"
