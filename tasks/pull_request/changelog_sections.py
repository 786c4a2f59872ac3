"""Add an entry to a changelog file as a person would: to the section of the next release.

A file that does not say which section that is stays as it is.
"""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from ..text.outline import outline

PERFORMANCE: Final = re.compile(r"\b(?:perf\w*|optimi[sz]\w*|speed\w*)", re.IGNORECASE)
_UNRELEASED = re.compile(
    r"unreleased|not (?:yet )?released|in development|in progress|to be released|\bTBD\b|\bTBA\b|\bX{4}", re.IGNORECASE
)
_NEXT = re.compile(r"\.dev\d*\b|\bnext\b|\bupcoming\b|\bmaster\b|\bmain\b", re.IGNORECASE)
_RELEASE = re.compile(r"\bv?\d+\.\d+|\bv?\d{2,4}\b|unreleased|\bnext\b", re.IGNORECASE)
_BULLET = re.compile(r"^( {0,3})([-*+•])(\s+)\S")
_LABEL = re.compile(r"^([A-Z][\w /-]{2,40}):$")
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATE = re.compile(rf"\b\d{{4}}-\d{{2}}-\d{{2}}\b|\breleased\b|\b(?:{_MONTHS})\b", re.IGNORECASE)
_LABEL_LEVEL = 9
_UNDERLINE = re.compile(r"^([!-/:-@\[-`{-~])\1{2,}\s*$")
_DEFINITION = re.compile(r"^(?:\[[^\]]+\]:\s|\.\. _|\.\. \[)")
_KEEP_A_CHANGELOG = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
_CHANGED = re.compile(r"\bchanged?\b|\bchanges\b", re.IGNORECASE)
_OTHER = re.compile(r"improve|enhance|misc|other|internal", re.IGNORECASE)
_STATUS_LINES = 6
"""Lines below a release's heading that may say that it is not released yet."""
_WIDTH = 79


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading: its first line, the first line after it, its level from 1, and its text."""

    start: int
    end: int
    level: int
    title: str


class ChangelogFile:
    def __init__(self, text: str, *, rst: bool) -> None:
        self.lines, self.rst = text.split("\n"), rst
        headings = _rst_headings(self.lines) if rst else _md_headings(text, self.lines)
        self.headings = tuple(sorted([*headings, *_labels(self.lines)], key=lambda heading: heading.start))

    def close(self, heading: Heading) -> int:
        """Return the first line after a heading's section; link definitions at its end belong to the file."""
        after = (other.start for other in self.headings if other.start > heading.start and other.level <= heading.level)
        end = next(after, len(self.lines))
        while end > heading.end and (not self.lines[end - 1].strip() or _DEFINITION.match(self.lines[end - 1])):
            end -= 1
        return end

    def below(self, heading: Heading) -> tuple[Heading, ...]:
        """Return the headings one level below, in a heading's section."""
        end = self.close(heading)
        inside = [other for other in self.headings if heading.start < other.start < end]
        return tuple(other for other in inside if other.level == min(each.level for each in inside))

    @property
    def releases(self) -> tuple[Heading, ...]:
        named = [heading for heading in self.headings if _RELEASE.search(heading.title)]
        return tuple(heading for heading in named if heading.level == named[0].level)

    def unreleased(self) -> Heading | None:
        """Return the section of the next release, if a word says so or it is the only one without a date."""
        tops = [
            "\n".join([each.title, *self.lines[each.end : min(each.end + _STATUS_LINES, self.close(each))]])
            for each in self.releases[:4]
        ]
        if not tops:
            return None
        only_undated = len(tops) > 1 and not _DATE.search(tops[0]) and all(map(_DATE.search, tops[1:]))
        newest_release = self.releases[0]
        is_next = _UNRELEASED.search(tops[0]) or _NEXT.search(newest_release.title) or only_undated
        return newest_release if is_next else None

    def formatted(self, title: str, *, like: Heading) -> list[str]:
        """Return the lines of a new heading in the style of another one."""
        first, last = self.lines[like.start], self.lines[like.end - 1]
        if like.level == _LABEL_LEVEL:
            return [f"{title}:"]
        if first.startswith("#"):
            return [f"{'#' * like.level} {title}"]
        return [*([first[0] * len(title)] if like.end - like.start > 2 else []), title, last[0] * len(title)]

    def bullet(self, sentence: str, *, near: Heading | None = None) -> list[str]:
        """Return the lines of an entry in the style of the nearest ones, wrapped if the file wraps its own."""
        rows = self.lines[near.start :] if near else self.lines
        match = next(filter(None, map(_BULLET.match, [*rows, *self.lines])), None)
        lead = "".join(match.groups()) if match else "- "
        bullets = sum(bool(re.match(r" {0,3}[-*+] ", row)) for row in rows)
        continuations = sum(bool(re.match(r" {2,}[^\s*+-]", row)) for row in rows)
        width, indent = _WIDTH if self.rst or continuations * 3 > bullets else 10_000, " " * len(lead)
        return textwrap.wrap(sentence, width, initial_indent=lead, subsequent_indent=indent, break_long_words=False)

    def with_entry(self, heading: Heading, sentence: str) -> str:
        """Return the text with an entry at the end of a section's own list."""
        inner = self.below(heading)
        end = min([self.close(heading), *(other.start for other in inner)])
        while end > heading.end and not self.lines[end - 1].strip():
            end -= 1
        entry = self.bullet(sentence, near=heading)
        if end == heading.end:
            return self.with_lines(end, ["", *entry] if self.rst or self._airy else entry)
        if self.lines[end - 1].strip() in {"-", "*"}:  # a bullet left empty for the next entry
            return "\n".join([*self.lines[: end - 1], *entry, *self.lines[end:]])
        apart = self._apart(heading.end, end) or not _in_list(self.lines, end)
        return self.with_lines(end, ["", *entry] if apart else entry)

    def with_lines(self, position: int, new: Sequence[str]) -> str:
        """Return the text with lines inserted, and a blank one after them if text follows."""
        rest = self.lines[position:]
        gap = [""] if rest and rest[0].strip() else []
        return "\n".join([*self.lines[:position], *new, *gap, *(rest or [""])])

    @property
    def _airy(self) -> bool:
        """Whether a blank line follows most of the file's headings."""
        blank = [heading.end < len(self.lines) and not self.lines[heading.end].strip() for heading in self.headings]
        return sum(blank) * 2 >= len(blank)

    def _apart(self, start: int, end: int) -> bool:
        """Return whether blank lines separate the entries of a list."""
        bullets = [number for number in range(start, end) if _BULLET.match(self.lines[number])]
        return len(bullets) > 1 and all(not self.lines[number - 1].strip() for number in bullets[1:])


def keep_a_changelog(text: str, sentence: str, *, rst: bool) -> str | None:
    """Add the entry under [Unreleased], to the section for performance or Changed; both are created if needed.

    Return None for a file without releases.
    """
    file = ChangelogFile(text, rst=rst)
    if not file.releases:
        return None
    unreleased, kind = file.unreleased(), _category(file)
    if unreleased:
        return _in_category(file, unreleased, kind, sentence)
    return _opened(file, file.releases[0], kind, sentence)


def follows_keep_a_changelog(text: str, *, rst: bool) -> bool:
    """Return whether a file has the sections of Keep a Changelog, even if it does not name it."""
    file = ChangelogFile(text, rst=rst)
    inner = [heading.title for release in file.releases for heading in file.below(release)]
    return bool(inner) and sum(title in _KEEP_A_CHANGELOG for title in inner) * 2 > len(inner)


def _in_category(file: ChangelogFile, unreleased: Heading, kind: str, sentence: str) -> str:
    inner = file.below(unreleased)
    if there := next((heading for heading in inner if heading.title == kind), None):
        return file.with_entry(there, sentence)
    if not kind:
        return file.with_entry(unreleased, sentence)
    section = _section(file, kind, sentence, like=unreleased)
    after = _KEEP_A_CHANGELOG[_KEEP_A_CHANGELOG.index(kind) + 1 :] if kind in _KEEP_A_CHANGELOG else ()
    if later := next((heading for heading in inner if heading.title in after), None):
        return file.with_lines(later.start, section)
    return file.with_lines(file.close(unreleased), ["", *section])


def whatsnew(text: str, sentence: str, *, rst: bool) -> tuple[str, str] | None:
    """Add the entry to the section on performance or enhancements; return its title and the text, None without one."""
    file = ChangelogFile(text, rst=rst)
    for wanted in (PERFORMANCE, re.compile(r"enhancement|improvement", re.IGNORECASE)):
        for heading in file.headings:
            if wanted.search(heading.title):
                return heading.title, file.with_entry(heading, sentence)
    return None


def plain(text: str, sentence: str, *, rst: bool) -> tuple[str, str] | None:
    """Add the entry to the next release; return its title and the text, None if the file does not say which that is."""
    file = ChangelogFile(text, rst=rst)
    unreleased = file.unreleased()
    if unreleased is None:
        return None
    return unreleased.title, _in_category(file, unreleased, _category(file), sentence)


def newest(paths: Sequence[str]) -> str | None:
    """Return the path with the highest version in its name."""
    versioned = [(tuple(map(int, re.findall(r"\d+", path.rpartition("/")[2]))), path) for path in paths]
    return max(((version, path) for version, path in versioned if version), default=(None, None))[1]


def is_rst(path: str) -> bool:
    return not path.lower().endswith((".md", ".markdown"))


def _category(file: ChangelogFile) -> str:
    """Return the title of the file's section for performance or changes; "" if its releases have no sections."""
    inner = [heading.title for release in file.releases for heading in file.below(release)]
    for wanted in (PERFORMANCE, _CHANGED, _OTHER):
        if used := [title for title in inner if wanted.search(title)]:
            return used[0]
    is_new = [release.title.strip("[]").lower() for release in file.releases] == ["unreleased"]
    return "Changed" if inner or is_new else ""


def _opened(file: ChangelogFile, newest_release: Heading, kind: str, sentence: str) -> str:
    """Return the text with a section for the next release, above the newest one."""
    title = "[Unreleased]" if newest_release.title.startswith("[") else "Unreleased"
    section = _section(file, kind, sentence, like=newest_release) if kind else file.bullet(sentence)
    lines = [*file.formatted(title, like=newest_release), "", *section, ""]
    return "\n".join([*file.lines[: newest_release.start], *lines, *file.lines[newest_release.start :]])


def _section(file: ChangelogFile, kind: str, sentence: str, *, like: Heading) -> list[str]:
    inner = next((heading for release in file.releases for heading in file.below(release)), None)
    new = [kind, "~" * len(kind)] if file.rst else [f"{'#' * (like.level + 1)} {kind}"]
    title = file.formatted(kind, like=inner) if inner else new
    blank = inner is None or (inner.end < len(file.lines) and not file.lines[inner.end].strip())
    return [*title, *([""] if blank else []), *file.bullet(sentence)]


def _in_list(lines: Sequence[str], end: int) -> bool:
    """Return whether the paragraph that ends before line `end` belongs to a list."""
    return any(map(_BULLET.match, takewhile(str.strip, reversed(lines[:end]))))


def _labels(lines: Sequence[str]) -> list[Heading]:
    """Return lines like `Performance:` between a blank line and a list, which are used as headings."""
    windows = zip(lines, lines[1:], lines[2:], lines[3:], strict=False)
    return [
        Heading(number, number + 1, _LABEL_LEVEL, match[1])
        for number, (before, line, after, bullet) in enumerate(windows, 1)
        if (match := _LABEL.match(line)) and not before.strip() and not after.strip() and _BULLET.match(bullet)
    ]


def _md_headings(text: str, lines: Sequence[str]) -> list[Heading]:
    return [
        # As it is written: `[Unreleased]` may be a link, and keeps its brackets.
        Heading(
            section.start, section.text, section.level, re.sub(r"^ {0,3}#+|\s#+\s*$", "", lines[section.start]).strip()
        )
        for section in outline(text).sections[1:]
    ]


def _rst_headings(lines: Sequence[str]) -> list[Heading]:
    headings: list[Heading] = []
    styles: list[tuple[str, bool]] = []
    for number in range(1, len(lines)):
        title, underline = lines[number - 1], _UNDERLINE.match(lines[number])
        if not underline or not title.strip() or title != title.lstrip():
            continue
        if _UNDERLINE.match(title) or len(lines[number].rstrip()) < len(title.strip()):
            continue
        above = lines[number - 2] if number > 1 else ""
        has_overline = bool(_UNDERLINE.match(above)) and above[0] == lines[number][0]
        style = (lines[number][0], has_overline)
        if style not in styles:
            styles.append(style)
        start = number - 2 if has_overline else number - 1
        headings.append(Heading(start, number + 1, styles.index(style) + 1, title.strip()))
    return headings
