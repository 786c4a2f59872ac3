"""Write changelog fragments for towncrier, scriv and blurb; a number that is not known stays open."""

import base64
import posixpath
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ..project.files import Project, lookup, strings
from ..storage.hashing import sha256
from .changelog_sections import PERFORMANCE, ChangelogFile, is_rst

PREFERRED: Final = (
    *("performance", "perf", "optimization", "optimisation", "improvement", "improved", "improve", "enhancement"),
    *("enhance", "changed", "change", "feature", "feat", "added", "misc", "trivial"),
)
"""Kinds of changes, those that suit a performance improvement best first."""

_TOWNCRIER_TYPES = ("feature", "bugfix", "doc", "removal", "misc")
_SCRIV_CATEGORIES = ("Removed", "Added", "Changed", "Deprecated", "Fixed", "Security")
_CORE = ("Python/", "Objects/", "Parser/", "Grammar/", "Include/")


@dataclass(frozen=True, slots=True)
class ChangelogEntry:
    """One sentence with code in backticks, the pull request's number if it is known, the date of the last commit."""

    item: str
    sentence: str
    number: int | None = None
    dated: str = ""
    files: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        """The item's id without dots, which separate the fields of a fragment's name."""
        return self.item.replace(".", "-")

    def text(self, *, rst: bool) -> str:
        return re.sub(r"`([^`]+)`", r"``\1``", self.sentence) if rst else self.sentence


@dataclass(frozen=True, slots=True)
class ChangelogEdit:
    """Files of the changelog with their new content, and what a person has to do about them."""

    files: Mapping[str, str]
    todos: tuple[str, ...] = ()


def towncrier(project: Project, folder: str, entry: ChangelogEntry) -> ChangelogEdit:
    """Write a fragment of the type that the project uses for such changes; an orphan (`+name`) without a number."""
    table = project.tool("towncrier")
    table = table if isinstance(table, Mapping) else lookup(project.toml("towncrier.toml"), "tool", "towncrier")
    types = _towncrier_types(table)
    place = posixpath.join(folder, _section_folder(table))
    fragments = [path for path in project.tree.files() if posixpath.dirname(path) == place.rstrip("/")]
    changelog = str(lookup(table, "filename") or "")
    kind = _best_kind(list(types), _kind_in_use(project, types, fragments, changelog))
    suffix = _suffix(fragments, types, changelog)
    path = posixpath.join(place, f"{entry.number or f'+perf-{entry.slug}'}.{kind}{suffix}")
    todo = f"rename {path} when the number of the issue or pull request is known: NUMBER.{kind}{suffix}"
    return ChangelogEdit({path: entry.text(rst=suffix != ".md") + "\n"}, () if entry.number else (todo,))


def scriv(project: Project, folder: str, entry: ChangelogEntry) -> ChangelogEdit:
    """Write a fragment with one category in it."""
    settings = _scriv_settings(project)
    suffix = f".{settings.get('format', 'rst')}".strip()
    fragments = [path for path in project.tree.files() if posixpath.dirname(path) == folder]
    suffixes = Counter(posixpath.splitext(path)[1] for path in fragments if path.endswith((".md", ".rst")))
    if suffixes and "format" not in settings:
        suffix = suffixes.most_common(1)[0][0]
    names = settings.get("categories")
    categories = names.split(",") if isinstance(names, str) else strings(names) or _SCRIV_CATEGORIES
    kind = _best_kind([name.strip() for name in categories], "")
    underline = str(settings.get("rst_header_chars") or "=-").strip()[-1]
    title = f"{kind}\n{underline * len(kind)}" if suffix == ".rst" else f"### {kind}"
    path = posixpath.join(folder, f"perf-{entry.slug}{suffix}")
    return ChangelogEdit({path: f"{title}\n\n- {entry.text(rst=suffix == '.rst')}\n"})


def blurb(folder: str, entry: ChangelogEntry) -> ChangelogEdit:
    """Write a news entry for CPython, dated like the last commit; a person fills in the number of the issue."""
    section = "Core_and_Builtins" if any(path.startswith(_CORE) for path in entry.files) else "Library"
    nonce = base64.urlsafe_b64encode(bytes.fromhex(sha256(entry.item.encode())))[:6].decode()
    name = f"{re.sub(r'[^0-9]+', '-', entry.dated).strip('-')}.gh-issue-NUMBER.{nonce}.rst"
    path = posixpath.join(folder, section, name)
    todo = f"rename {path}: NUMBER is the number of the issue, which blurb demands"
    return ChangelogEdit({path: entry.text(rst=True) + "\n"}, (todo,))


def _towncrier_types(table: object) -> dict[str, str]:
    """Map the types of fragments to their titles in the changelog."""
    listed, named = lookup(table, "type"), lookup(table, "fragment")
    if isinstance(listed, list):
        tables = [kind for kind in listed if isinstance(kind, Mapping)]
        names = [str(kind.get("name", "")) for kind in tables]
        return {str(kind.get("directory") or name.lower()): name for kind, name in zip(tables, names, strict=True)}
    if isinstance(named, Mapping):
        return {str(key): str(lookup(value, "name") or str(key).capitalize()) for key, value in named.items()}
    return {name: name.capitalize() for name in _TOWNCRIER_TYPES}


def _section_folder(table: object) -> str:
    """Return the folder of the first section; the unnamed one is at the top."""
    sections = lookup(table, "section")
    paths = [str(lookup(each, "path") or "") for each in sections] if isinstance(sections, list) else [""]
    return "" if "" in paths else paths[0]


def _kind_in_use(project: Project, types: Mapping[str, str], fragments: Sequence[str], changelog: str) -> str:
    """Return the type used for performance in the fragments, else in the changelog; "" if in neither."""
    counts: Counter[str] = Counter()
    for path in fragments:
        kind = next((part for part in posixpath.basename(path).split(".")[1:] if part in types), "")
        if kind and PERFORMANCE.search((project.tree.read(path) or b"").decode("utf-8", "replace")):
            counts[kind] += 1
    if not counts and changelog and (content := project.tree.read(project.path(changelog))):
        file = ChangelogFile(content.decode("utf-8", "replace"), rst=is_rst(changelog))
        titles = {title.lower(): kind for kind, title in types.items() if title}
        for heading in file.headings:
            if kind := titles.get(heading.title.lower(), ""):
                counts[kind] += len(PERFORMANCE.findall("\n".join(file.lines[heading.end : file.close(heading)])))
    return max(counts, key=lambda kind: counts[kind], default="") if +counts else ""


def _best_kind(kinds: Sequence[str], in_use: str) -> str:
    """Return the kind that is named after performance, else the one in use for it, else the best name."""
    ranks = {name: rank for rank, name in enumerate(PREFERRED)}
    best = min(kinds, key=lambda kind: ranks.get(kind.lower(), len(ranks)))
    return best if PERFORMANCE.search(best) or not in_use else in_use


def _suffix(fragments: Sequence[str], types: Mapping[str, str], changelog: str) -> str:
    """Return the most common suffix of the fragments, which may be ""; the changelog's if there are no fragments."""
    suffixes: Counter[str] = Counter()
    for path in fragments:
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
