"""Write the changelog entry of an optimization, in the project's own form and in its users' terms."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from . import changelog_sections as sections
from . import fragments
from .fragments import Entry, Written
from .titles import lower

if TYPE_CHECKING:
    from ..project.files import Project

_PREFIX = re.compile(r"^\w+(?:\([^)]*\))?!?:\s+|^\[[^\]]*\]\s*")
_REFERENCE = re.compile(r"\s*\((?:gh-|#|GH-)\d+\)\s*$")
_CLAIM = re.compile(r"~?\d[\d.,]*\s*(?:[x\u00d7%]|-?fold\b|times\b|[mµun]?s\b|[kMGT]i?B\b)", re.IGNORECASE)
_SAYS = re.compile(
    r"\b(?:fast\w*|quick\w*|speed\w*|sped|perf\w*|optimi[sz]\w*|memory|alloc\w*|slow\w*|cheap\w*|lazily|cach\w+|import time)\b",
    re.IGNORECASE,
)
_LEADS: Final = {"mem": "Reduce the peak memory of", "struct": "Reduce the import time of"}


def sentence(title: str, function: str | None, domains: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Word the entry from the item's title: what users notice, and no number; give it with what a person should look at.

    `function` is like `pagelayout.tables:Table.rows`. Numbers of gains are left out: they belong to one machine and one input.
    """
    words = _REFERENCE.sub("", _PREFIX.sub("", " ".join(title.split()))).rstrip(".")
    claims = tuple(match[0] for match in _CLAIM.finditer(words))
    lead = _LEADS.get(domains[0] if domains else "", "Improve the performance of")
    name = f"`{function.replace(':', '.')}`" if function else ""
    todos = tuple(
        f"the title says {claim!r}: the changelog entry leaves that out, and the title had better, too"
        for claim in claims
    )
    if claims or not words:
        return (f"{lead} {name}." if name else "Improve performance."), todos
    if _SAYS.search(words) or not name:
        short = function.replace(":", ".").rpartition(".")[2] if function else ""
        told = (
            re.sub(rf"(?<![\w`.]){re.escape(short)}\b(?:\(\))?(?!`)", f"`{short}`", words, count=1) if short else words
        )
        return f"{told[0].upper()}{told[1:]}.", todos
    return f"{lead} {name}: {lower(words)}.", todos


def write(project: Project, changelog: str, entry: Entry) -> Written:
    """Return the files that hold the entry; `changelog` is as `conventions.changelog` tells it, like `towncrier changes/`."""
    kind, _, place = changelog.partition(" ")
    folder = place.rstrip("/")
    if kind == "towncrier":
        return fragments.towncrier(project, folder, entry)
    if kind == "scriv":
        return fragments.scriv(project, folder, entry)
    if kind == "blurb":
        return fragments.blurb(folder, entry)
    return _into_file(project, kind, place, entry)


def _into_file(project: Project, kind: str, place: str, entry: Entry) -> Written:
    path = place
    if kind == "whatsnew":
        below = [name for name in project.tree.files() if posixpath.dirname(name) == place.rstrip("/")]
        path = sections.newest(below) or ""
    content = project.tree.read(path) if path else None
    if content is None:
        return Written({}, (f"{place} holds no file for the next release: tell of this there: {entry.sentence}",))
    text, rst = content.decode("utf-8", "surrogateescape"), sections.is_rst(path)
    told = entry.spelled(rst=rst)
    if kind == "keep-a-changelog" or (kind == "plain" and sections.follows_keep_a_changelog(text, rst=rst)):
        made = sections.keep_a_changelog(text, told, rst=rst)
        return Written({path: made}) if made else _by_hand(path, told)
    found = (sections.whatsnew if kind == "whatsnew" else sections.plain)(text, told, rst=rst)
    if found is None:
        return _by_hand(path, told)
    title, made = found
    return Written({path: made}, (f"see that {title!r} in {path} is where the next release's changes are told",))


def _by_hand(path: str, told: str) -> Written:
    return Written({}, (f"{path} does not say what is not released yet: put this where it belongs: {told}",))
