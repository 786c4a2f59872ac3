"""Write the changelog entry of an optimization in the project's form and in its users' terms."""

import posixpath
import re
from collections.abc import Sequence
from typing import Final

from ..body.claims import claims
from ..body.commit_words import CONVENTIONAL_PREFIX, IN_PULL_REQUEST
from ..body.titles import with_lower_start
from ..project.files import Project
from ..text.target_names import shared_name
from . import changelog_sections as sections
from . import fragments
from .fragments import ChangelogEdit, ChangelogEntry

_SAYS = re.compile(
    r"\b(?:fast\w*|quick\w*|speed\w*|sped|perf\w*|optimi[sz]\w*|memory|alloc\w*|slow\w*|cheap\w*|lazily|cach\w+|"
    r"import time)\b",
    re.IGNORECASE,
)
_LEADS: Final = {"mem": "Reduce the peak memory of", "struct": "Reduce the import time of"}


def sentence(title: str, function: str | None, domains: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the entry, written from the item's title, and what a person should check.

    `function` is like `pagelayout.tables:Table.rows`. Figures are left out: they belong to one machine and input.
    """
    text = IN_PULL_REQUEST.sub("", CONVENTIONAL_PREFIX.sub("", " ".join(title.split()))).rstrip(".")
    claimed = claims(text)
    lead = _LEADS.get(domains[0] if domains else "", "Improve the performance of")
    # Users know the function, not its implementation for one type.
    name = f"`{shared_name(function).replace(':', '.')}`" if function else ""
    listed = ", ".join(map(repr, claimed))
    remove = f"the title says {listed}, the changelog entry does not: consider removing it from the title"
    todos = (remove,) if claimed else ()
    if claimed or not text:
        return (f"{lead} {name}." if name else "Improve performance."), todos
    if _SAYS.search(text) or not name:
        if function:
            short = name.strip("`").rpartition(".")[2]
            text = re.sub(rf"(?<![\w`.]){re.escape(short)}\b(?:\(\))?(?!`)", f"`{short}`", text, count=1)
        return f"{text[0].upper()}{text[1:]}.", todos
    return f"{lead} {name}: {with_lower_start(text)}.", todos


def write(project: Project, changelog: str, entry: ChangelogEntry) -> ChangelogEdit:
    """Return the edit that adds the entry; `changelog` is like `towncrier changes/`, from `conventions.changelog`."""
    kind, _, path = changelog.partition(" ")
    folder = path.rstrip("/")
    if kind == "towncrier":
        return fragments.towncrier(project, folder, entry)
    if kind == "scriv":
        return fragments.scriv(project, folder, entry)
    if kind == "blurb":
        return fragments.blurb(folder, entry)
    return _into_file(project, kind, path, entry)


def _into_file(project: Project, kind: str, path: str, entry: ChangelogEntry) -> ChangelogEdit:
    if kind == "whatsnew":
        folder = path.rstrip("/")
        path = sections.newest([name for name in project.tree.files() if posixpath.dirname(name) == folder]) or ""
        if not path:
            todo = f"{folder}/ has no file for the next release: add this there: {entry.sentence}"
            return ChangelogEdit({}, (todo,))
    content = project.tree.read(path)
    if content is None:
        return ChangelogEdit({}, (f"{path} is missing: add this to the changelog: {entry.sentence}",))
    text, rst = content.decode("utf-8", "surrogateescape"), sections.is_rst(path)
    sentence = entry.text(rst=rst)
    by_hand = ChangelogEdit({}, (f"{path} does not say what is unreleased: add this where it belongs: {sentence}",))
    if kind == "keep-a-changelog" or (kind == "plain" and sections.follows_keep_a_changelog(text, rst=rst)):
        changed = sections.keep_a_changelog(text, sentence, rst=rst)
        return ChangelogEdit({path: changed}) if changed else by_hand
    insertion = (sections.whatsnew if kind == "whatsnew" else sections.plain)(text, sentence, rst=rst)
    if insertion is None:
        return by_hand
    title, changed = insertion
    return ChangelogEdit({path: changed}, (f"check that {title!r} in {path} is about the next release",))
