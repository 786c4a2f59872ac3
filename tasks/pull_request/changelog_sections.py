"""Put an entry into a changelog that is one file for all, or the newest of several, where a person would put it.

Sections are found by their headings: `#` and underlines in Markdown, underlines in reStructuredText. An entry goes into what is
not released yet; where no such section can be told from the file, it stays as it is.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

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
_KEPT = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
_CHANGED = re.compile(r"\bchanged?\b|\bchanges\b", re.IGNORECASE)
_OTHER = re.compile(r"improve|enhance|misc|other|internal", re.IGNORECASE)
_LOOKED_AT = 6
"""Lines below a release's heading that may say that it is not released yet."""
_WIDTH = 79


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading: its first line, the first line after it, its level from 1, and its words."""

    start: int
    end: int
    level: int
    title: str


class Pages:
    """The lines of a changelog with its headings."""

    def __init__(self, text: str, *, rst: bool) -> None:
        self.lines, self.rst = text.split("\n"), rst
        headings = _rst_headings(self.lines) if rst else _md_headings(self.lines)
        self.headings = tuple(sorted([*headings, *_labels(self.lines)], key=lambda heading: heading.start))

    def close(self, heading: Heading) -> int:
        """Return the first line after a heading's section; definitions of links at its end belong to the file."""
        after = (other.start for other in self.headings if other.start > heading.start and other.level <= heading.level)
        end = next(after, len(self.lines))
        while end > heading.end and (not self.lines[end - 1].strip() or _DEFINITION.match(self.lines[end - 1])):
            end -= 1
        return end

    def below(self, heading: Heading) -> tuple[Heading, ...]:
        """Return the headings one level below, in a heading's section."""
        end, inside = self.close(heading), [other for other in self.headings if other.start > heading.start]
        here = [other for other in inside if other.start < end]
        return tuple(other for other in here if other.level == min(each.level for each in here))

    @property
    def releases(self) -> tuple[Heading, ...]:
        """Return the headings of releases, as they come in the file."""
        first = next((heading for heading in self.headings if _RELEASE.search(heading.title)), None)
        return tuple(
            heading
            for heading in self.headings
            if first and heading.level == first.level and _RELEASE.search(heading.title)
        )

    def unreleased(self) -> Heading | None:
        """Return the section of what is not released, where the file says which it is: by a word, or the one that has no date."""
        told = [
            "\n".join([each.title, *self.lines[each.end : min(each.end + _LOOKED_AT, self.close(each))]])
            for each in self.releases[:4]
        ]
        if not told:
            return None
        undated = len(told) > 1 and not _DATE.search(told[0]) and all(map(_DATE.search, told[1:]))
        return (
            self.releases[0] if _UNRELEASED.search(told[0]) or _NEXT.search(self.releases[0].title) or undated else None
        )

    def spelled(self, title: str, *, like: Heading) -> list[str]:
        """Spell a heading as another one of its level is spelled."""
        first, last = self.lines[like.start], self.lines[like.end - 1]
        if like.level == _LABEL_LEVEL:
            return [f"{title}:"]
        if first.startswith("#"):
            return [f"{'#' * like.level} {title}"]
        return [*([first[0] * len(title)] if like.end - like.start > 2 else []), title, last[0] * len(title)]

    def bullet(self, sentence: str, *, near: Heading | None = None) -> list[str]:
        """Spell an entry of a list as the nearest ones are, wrapped where the file wraps its own."""
        rows = self.lines[near.start :] if near else self.lines
        found = next((match for match in map(_BULLET.match, [*rows, *self.lines]) if match), None)
        lead = "".join(found.groups()) if found else "- "
        bullets, continued = (
            sum(bool(re.match(form, row)) for row in rows) for form in (r" {0,3}[-*+] ", r" {2,}[^\s*+-]")
        )
        wrapped = self.rst or continued * 3 > bullets
        width, rest = _WIDTH if wrapped else 10_000, " " * len(lead)
        return textwrap.wrap(sentence, width, initial_indent=lead, subsequent_indent=rest, break_long_words=False)

    def with_entry(self, heading: Heading, sentence: str) -> str:
        """Return the text with an entry at the end of a section's own list."""
        inner = self.below(heading)
        end = min([self.close(heading), *(other.start for other in inner)])
        while end > heading.end and not self.lines[end - 1].strip():
            end -= 1
        entry = self.bullet(sentence, near=heading)
        if end == heading.end:
            return self.with_lines(end, ["", *entry] if self.rst or self._airy else entry)
        if self.lines[end - 1].strip() in {"-", "*"}:  # A place that somebody kept free for the next entry.
            return "\n".join([*self.lines[: end - 1], *entry, *self.lines[end:]])
        apart = self._apart(heading.end, end) or not _in_list(self.lines, end)
        return self.with_lines(end, ["", *entry] if apart else entry)

    def with_lines(self, place: int, new: Sequence[str]) -> str:
        """Return the text with lines put in, and a blank one after them where a heading follows."""
        rest = self.lines[place:]
        gap = [""] if rest and rest[0].strip() else []
        return "\n".join([*self.lines[:place], *new, *gap, *(rest or [""])])

    @property
    def _airy(self) -> bool:
        """Whether a blank line follows most of the file's headings."""
        blank = [heading.end < len(self.lines) and not self.lines[heading.end].strip() for heading in self.headings]
        return sum(blank) * 2 >= len(blank)

    def _apart(self, start: int, end: int) -> bool:
        """Return whether blank lines stand between the entries of a list."""
        places = [place for place in range(start, end) if _BULLET.match(self.lines[place])]
        return len(places) > 1 and all(not self.lines[place - 1].strip() for place in places[1:])


def keep_a_changelog(text: str, sentence: str, *, rst: bool) -> str | None:
    """Put the entry under [Unreleased], in the section for performance or in Changed, both made where there are none.

    None where the file tells of no release.
    """
    pages = Pages(text, rst=rst)
    if not pages.releases:
        return None
    unreleased, kind = pages.unreleased(), _category(pages)
    if unreleased is None:
        return _opened(pages, pages.releases[0], kind, sentence)
    return _in_category(pages, unreleased, kind, sentence)


def follows_keep_a_changelog(text: str, *, rst: bool) -> bool:
    """Return whether a file has the form of Keep a Changelog without naming it: releases with its sections."""
    pages = Pages(text, rst=rst)
    inner = [heading.title for release in pages.releases for heading in pages.below(release)]
    return bool(inner) and sum(title in _KEPT for title in inner) * 2 > len(inner)


def _in_category(pages: Pages, unreleased: Heading, kind: str, sentence: str) -> str:
    inner = pages.below(unreleased)
    if there := next((heading for heading in inner if heading.title == kind), None):
        return pages.with_entry(there, sentence)
    if not kind:
        return pages.with_entry(unreleased, sentence)
    later = [heading for heading in inner if kind in _KEPT and heading.title in _KEPT[_KEPT.index(kind) + 1 :]]
    place = later[0].start if later else pages.close(unreleased)
    gap = [] if later else [""]
    return pages.with_lines(place, [*gap, *_section(pages, kind, sentence, like=unreleased)])


def whatsnew(text: str, sentence: str, *, rst: bool) -> tuple[str, str] | None:
    """Put the entry into the section on performance, else on enhancements; give its title and the text, None where there is none."""
    pages = Pages(text, rst=rst)
    for wanted in (PERFORMANCE, re.compile(r"enhancement|improvement", re.IGNORECASE)):
        if found := next((heading for heading in pages.headings if wanted.search(heading.title)), None):
            return found.title, pages.with_entry(found, sentence)
    return None


def plain(text: str, sentence: str, *, rst: bool) -> tuple[str, str] | None:
    """Put the entry into what is not released; give that section's title and the text, None where the file does not say which it is."""
    pages = Pages(text, rst=rst)
    unreleased = pages.unreleased()
    if unreleased is None:
        return None
    made = _in_category(pages, unreleased, _category(pages), sentence)
    return unreleased.title, made


def newest(paths: Sequence[str]) -> str | None:
    """Return the path with the highest version in its name."""
    versioned = [(tuple(map(int, re.findall(r"\d+", path.rpartition("/")[2]))), path) for path in paths]
    return max(((version, path) for version, path in versioned if version), default=(None, None))[1]


def is_rst(path: str) -> bool:
    return not path.lower().endswith((".md", ".markdown"))


def _category(pages: Pages) -> str:
    """Return the name of the section that this file has for performance, else Changed; "" where its releases have no sections."""
    inner = [heading.title for release in pages.releases for heading in pages.below(release)]
    for wanted in (PERFORMANCE, _CHANGED, _OTHER):
        if used := [title for title in inner if wanted.search(title)]:
            return used[0]
    return (
        "Changed"
        if inner or (len(pages.releases) == 1 and pages.releases[0].title.strip("[]").lower() == "unreleased")
        else ""
    )


def _opened(pages: Pages, newest_release: Heading, kind: str, sentence: str) -> str:
    """Return the text with a section for what is not released, above the newest release."""
    title = "[Unreleased]" if newest_release.title.startswith("[") else "Unreleased"
    section = _section(pages, kind, sentence, like=newest_release) if kind else pages.bullet(sentence)
    lines = [*pages.spelled(title, like=newest_release), "", *section, ""]
    return "\n".join([*pages.lines[: newest_release.start], *lines, *pages.lines[newest_release.start :]])


def _section(pages: Pages, kind: str, sentence: str, *, like: Heading) -> list[str]:
    inner = next((heading for release in pages.releases for heading in pages.below(release)), None)
    new = [kind, "~" * len(kind)] if pages.rst else [f"{'#' * (like.level + 1)} {kind}"]
    title = pages.spelled(kind, like=inner) if inner else new
    blank = inner is None or (inner.end < len(pages.lines) and not pages.lines[inner.end].strip())
    return [*title, *([""] if blank else []), *pages.bullet(sentence)]


def _in_list(lines: Sequence[str], end: int) -> bool:
    """Return whether the paragraph that ends before line `end` belongs to a list."""
    for line in reversed(lines[:end]):
        if not line.strip():
            return False
        if _BULLET.match(line):
            return True
    return False


def _labels(lines: Sequence[str]) -> list[Heading]:
    """Find lines like `Performance:` between a blank line and a list, which stand for headings."""
    found = []
    for place in range(1, len(lines) - 2):
        match = _LABEL.match(lines[place])
        if match and not lines[place - 1].strip() and not lines[place + 1].strip() and _BULLET.match(lines[place + 2]):
            found.append(Heading(place, place + 1, _LABEL_LEVEL, match[1]))
    return found


def _md_headings(lines: Sequence[str]) -> list[Heading]:
    found, fence = [], ""
    for place, line in enumerate(lines):
        if marker := re.match(r"^ {0,3}(```|~~~)", line):
            fence = "" if fence == marker[1] else fence or marker[1]
        elif not fence and (match := re.match(r"^(#{1,6})\s+(.*?)\s*#*\s*$", line)):
            found.append(Heading(place, place + 1, len(match[1]), match[2]))
        elif (
            not fence
            and place
            and re.match(r"^(=+|-{2,})\s*$", line)
            and re.match(r"(?! {0,3}[-*+] )\s*\S", lines[place - 1])
        ):
            found.append(Heading(place - 1, place + 1, 1 if line[0] == "=" else 2, lines[place - 1].strip()))
    return found


def _rst_headings(lines: Sequence[str]) -> list[Heading]:
    found: list[Heading] = []
    styles: list[tuple[str, bool]] = []
    for place in range(1, len(lines)):
        title, under = lines[place - 1], _UNDERLINE.match(lines[place])
        if not under or not title.strip() or title != title.lstrip():
            continue
        if _UNDERLINE.match(title) or len(lines[place].rstrip()) < len(title.strip()):
            continue
        over = place > 1 and bool(_UNDERLINE.match(lines[place - 2])) and lines[place - 2][0] == lines[place][0]
        style = (lines[place][0], over)
        if style not in styles:
            styles.append(style)
        found.append(Heading(place - 2 if over else place - 1, place + 1, styles.index(style) + 1, title.strip()))
    return found
