"""Write changelog fragments as towncrier, scriv and blurb take them, named so that no number is made up."""

from __future__ import annotations

import base64
import hashlib
import posixpath
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..project.files import lookup, strings
from .changelog_sections import PERFORMANCE, Pages, is_rst

if TYPE_CHECKING:
    from ..project.files import Project

PREFERRED: Final = (
    *(
        "performance",
        "perf",
        "optimization",
        "optimisation",
        "improvement",
        "improved",
        "improve",
        "enhancement",
        "enhance",
    ),
    *("changed", "change", "feature", "feat", "added", "misc", "trivial"),
)
"""Names of kinds of changes, those that suit a performance improvement best first."""

_TOWNCRIER_TYPES = ("feature", "bugfix", "doc", "removal", "misc")
_SCRIV_CATEGORIES = ("Removed", "Added", "Changed", "Deprecated", "Fixed", "Security")
_CORE = ("Python/", "Objects/", "Parser/", "Grammar/", "Include/")


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be told: one sentence, code in backticks; the pull request's number where it is known; `dated` is of the last commit."""

    item: str
    sentence: str
    number: int | None = None
    dated: str = ""
    files: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        """The item's id without dots, which part the fields of a fragment's name."""
        return self.item.replace(".", "-")

    def spelled(self, *, rst: bool) -> str:
        return re.sub(r"`([^`]+)`", r"``\1``", self.sentence) if rst else self.sentence


@dataclass(frozen=True, slots=True)
class Written:
    """Files of the changelog with their new content, and what a person has to do about them."""

    files: Mapping[str, str]
    todos: tuple[str, ...] = ()


def towncrier(project: Project, folder: str, entry: Entry) -> Written:
    """Write a fragment of the type that the project uses for such changes; an orphan (`+name`) while there is no number."""
    table = project.tool("towncrier")
    table = table if isinstance(table, Mapping) else lookup(project.toml("towncrier.toml"), "tool", "towncrier")
    types = _towncrier_types(table)
    place = posixpath.join(folder, _section_folder(table))
    there = [path for path in project.tree.files() if posixpath.dirname(path) == place.rstrip("/")]
    kind = _chosen(list(types), _used(project, types, there, str(lookup(table, "filename") or "")))
    suffix = _suffix(there, types, str(lookup(table, "filename") or ""))
    issue = str(entry.number) if entry.number else f"+perf-{entry.slug}"
    path = posixpath.join(place, f"{issue}.{kind}{suffix}")
    todos = (
        []
        if entry.number
        else [f"rename {path} when the number of the issue or pull request is known: NUMBER.{kind}{suffix}"]
    )
    return Written({path: entry.spelled(rst=suffix != ".md") + "\n"}, tuple(todos))


def scriv(project: Project, folder: str, entry: Entry) -> Written:
    """Write a fragment with one category in it."""
    settings = _scriv_settings(project)
    suffix = f".{settings.get('format', 'rst')}".strip()
    there = [
        path
        for path in project.tree.files()
        if posixpath.dirname(path) == folder and posixpath.splitext(path)[1] in {".md", ".rst"}
    ]
    if there and "format" not in settings:
        suffix = Counter(posixpath.splitext(path)[1] for path in there).most_common(1)[0][0]
    named = settings.get("categories")
    categories = [
        name.strip() for name in (named.split(",") if isinstance(named, str) else strings(named) or _SCRIV_CATEGORIES)
    ]
    kind = _chosen(categories, "")
    marks = str(settings.get("rst_header_chars") or "=-").strip()
    title = f"{kind}\n{marks[-1] * len(kind)}" if suffix == ".rst" else f"### {kind}"
    return Written(
        {posixpath.join(folder, f"perf-{entry.slug}{suffix}"): f"{title}\n\n- {entry.spelled(rst=suffix == '.rst')}\n"}
    )


def blurb(folder: str, entry: Entry) -> Written:
    """Write a news entry of CPython's, dated like the last commit; its issue's number is for a person to fill in."""
    section = "Core_and_Builtins" if any(path.startswith(_CORE) for path in entry.files) else "Library"
    nonce = base64.urlsafe_b64encode(hashlib.sha256(entry.item.encode()).digest())[:6].decode()
    name = f"{re.sub(r'[^0-9]+', '-', entry.dated).strip('-')}.gh-issue-NUMBER.{nonce}.rst"
    path = posixpath.join(folder, section, name)
    return Written(
        {path: entry.spelled(rst=True) + "\n"},
        (f"rename {path}: NUMBER is the number of the issue, which blurb demands",),
    )


def _towncrier_types(table: object) -> dict[str, str]:
    """Map the types of fragments to what they are called in the changelog."""
    listed, named = lookup(table, "type"), lookup(table, "fragment")
    if isinstance(listed, list):
        tables = [each for each in listed if isinstance(each, Mapping)]
        return {
            str(each.get("directory") or str(each.get("name", "")).lower()): str(each.get("name", ""))
            for each in tables
        }
    if isinstance(named, Mapping):
        return {str(key): str(lookup(value, "name") or str(key).capitalize()) for key, value in named.items()}
    return {name: name.capitalize() for name in _TOWNCRIER_TYPES}


def _section_folder(table: object) -> str:
    """Return the folder of the first section; the unnamed one is at the top."""
    sections = lookup(table, "section")
    paths = [str(lookup(each, "path") or "") for each in sections] if isinstance(sections, list) else [""]
    return "" if "" in paths else paths[0]


def _used(project: Project, types: Mapping[str, str], there: Sequence[str], changelog: str) -> str:
    """Return the type that the project told of performance by before: in its fragments, else in its changelog."""
    counted: Counter[str] = Counter()
    for path in there:
        kind = next((part for part in posixpath.basename(path).split(".")[1:] if part in types), "")
        counted[kind] += bool(kind) and bool(_about(project.tree.read(path)))
    if not +counted and changelog and (text := project.tree.read(project.path(changelog))):
        pages = Pages(text.decode("utf-8", "replace"), rst=is_rst(changelog))
        titles = {title.lower(): kind for kind, title in types.items() if title}
        for heading in pages.headings:
            if kind := titles.get(heading.title.lower(), ""):
                counted[kind] += len(PERFORMANCE.findall("\n".join(pages.lines[heading.end : pages.close(heading)])))
    best = (+counted).most_common(1)
    return best[0][0] if best else ""


def _about(content: bytes | None) -> bool:
    return bool(PERFORMANCE.search((content or b"").decode("utf-8", "replace")))


def _chosen(kinds: Sequence[str], used: str) -> str:
    """Choose a kind by its name where that speaks of performance, else the one that was used for it, else the next best name."""
    named = sorted(
        kinds, key=lambda kind: PREFERRED.index(kind.lower()) if kind.lower() in PREFERRED else len(PREFERRED)
    )
    return named[0] if PERFORMANCE.search(named[0]) or not used else used


def _suffix(there: Sequence[str], types: Mapping[str, str], changelog: str) -> str:
    """Return the suffix that the fragments have, "" where they have none; without any, the changelog's."""
    suffixes: Counter[str] = Counter()
    for path in there:
        parts = posixpath.basename(path).split(".")
        if any(part in types for part in parts[1:]):
            suffixes["" if parts[-1] in types or parts[-1].isdigit() else f".{parts[-1]}"] += 1
    if suffixes:
        return suffixes.most_common(1)[0][0]
    return ".md" if changelog.lower().endswith((".md", ".markdown")) else ".rst"


def _scriv_settings(project: Project) -> Mapping[str, object]:
    table = project.tool("scriv")
    if isinstance(table, Mapping):
        return table
    for name in ("changelog.d/scriv.ini", "scriv.ini", "setup.cfg", "tox.ini"):
        parser = project.ini(name)
        for section in ("scriv", "tool:scriv"):
            if parser.has_section(section):
                return dict(parser[section])
    return {}
