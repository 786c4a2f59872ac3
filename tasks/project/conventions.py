"""Find a repository's changelog, pull-request template and benchmark tool."""

import posixpath
import re
from collections.abc import Iterator
from typing import Literal

from .files import Project, TreeReader, lookup

CHANGELOG_NAME = re.compile(
    r"(changelog|changes|history|news|release[-_]?notes)(\.(md|rst|txt|adoc|markdown))?", re.IGNORECASE
)
_RELEASE = re.compile(
    r"\W*(?:(?:version|release|v|changes in|new in|what's new in)\s*)?(?:[\w.-]+\s+)?"
    r"v?\d+\.\d+[\w.]*\W*(?:$|\d{4}|\d+\W|released?\b)"
    r"|\W*(?:unreleased|upcoming|next)\b|.*keepachangelog\.com|\W*\d{4}-\d\d-\d\d|\W*\d{4}\.\d+",
    re.IGNORECASE,
)
_FILE_NAME = re.compile(r"[\w./-]+\.(?:md|rst|txt|adoc|markdown)\b", re.IGNORECASE)
_LONGEST_STUB = 12
"""Lines; what is longer and has no release is some other form of changelog."""
WHATSNEW = ("docs/whatsnew", "doc/whatsnew", "docs/source/whatsnew", "doc/source/whatsnew")
BLURB = "Misc/NEWS.d/next"
TEMPLATE_NAME = re.compile(r"pull_request_template(\.(md|txt|markdown|rst))?", re.IGNORECASE)
ONE_OF_SEVERAL = re.compile(r".*\.(md|txt)", re.IGNORECASE)
TEMPLATE_FOLDERS = (".github", "", "docs")
"""The folders in which GitHub looks for a template, in its order."""
ASV_NAME = re.compile(r"asv\.conf[\w.-]*\.jsonc?")
PYPERF = re.compile(rb"\bpyperf(?:ormance)?\b")
PYPERF_PAGES = re.compile(
    r"pyproject\.toml|setup\.cfg|tox\.ini|noxfile\.py|[\w/-]*requirements[\w./-]*\.(txt|in)"
    r"|(\.github/|docs?/)?contributing\.(md|rst|txt)|(benchmarks?|docs?)/readme\.(md|rst|txt)",
    re.IGNORECASE,
)


def changelog(tree: TreeReader, *, project: str = "") -> str | None:
    """Return the kind of changelog and its path, like `keep-a-changelog CHANGELOG.md` or `towncrier changes/`.

    The kinds are towncrier, scriv, blurb, whatsnew, keep-a-changelog and plain; `project` goes before the root.
    """
    for folder in dict.fromkeys((project, "")):
        for find in (_towncrier, _scriv, _blurb, _whatsnew, _changelog_file):
            if kind_and_path := find(Project(tree, folder)):
                return kind_and_path
    return None


def _towncrier(project: Project) -> str | None:
    table = project.tool("towncrier")
    if table is None:
        table = lookup(project.toml("towncrier.toml"), "tool", "towncrier")
    if not isinstance(table, dict):
        return None
    package = str(table.get("package") or "").replace(".", "/")
    above = posixpath.join(str(table.get("package_dir", ".")), package) if package else ""
    folder = table.get("directory") or posixpath.join(above, "newsfragments")
    return f"towncrier {project.path(str(folder))}/"


def _scriv(project: Project) -> str | None:
    settings: object = project.tool("scriv")
    if settings is None:
        for name in ("changelog.d/scriv.ini", "scriv.ini", "setup.cfg", "tox.ini"):
            parser = project.ini(name)
            section = next((section for section in ("scriv", "tool:scriv") if parser.has_section(section)), None)
            if section or (name.endswith("scriv.ini") and project.has(name)):
                settings = dict(parser[section]) if section else {}
                break
    if not isinstance(settings, dict):
        return None
    return f"scriv {project.path(str(settings.get('fragment_directory', 'changelog.d')))}/"


def _blurb(project: Project) -> str | None:
    return f"blurb {project.path(BLURB)}/" if project.has_folder(BLURB) else None


def _whatsnew(project: Project) -> str | None:
    return next((f"whatsnew {project.path(folder)}/" for folder in WHATSNEW if project.has_folder(folder)), None)


def _changelog_file(project: Project) -> str | None:
    near = (path for path in project.files if posixpath.dirname(path) in {"", "docs", "doc"})
    named = [path for path in near if CHANGELOG_NAME.fullmatch(posixpath.basename(path))]
    named.sort(key=lambda each: (each.count("/"), not posixpath.basename(each).lower().startswith("change"), each))
    texts = {path: _text(project, path) for path in named}
    # A stub may name the changelog that replaced it.
    for stub in (path for path in named if not _has_entries(texts[path])):
        texts |= {path: _text(project, path) for path in _named_files(project, stub, texts[stub])}
    path = next((path for path, text in texts.items() if _has_entries(text)), None)
    if path is None:
        return None
    text = texts[path].lower()
    structured = "keepachangelog.com" in text or re.search(r"^##\s*\[unreleased\]", text, re.MULTILINE)
    return f"{'keep-a-changelog' if structured else 'plain'} {project.path(path)}"


def _has_entries(text: str) -> bool:
    """Return whether a changelog has a release; a stub only says where the changes are listed."""
    lines = [line for line in text.splitlines() if line.strip()]
    return len(lines) > _LONGEST_STUB or any(map(_RELEASE.match, lines))


def _named_files(project: Project, path: str, text: str) -> Iterator[str]:
    """Yield the project's files that a stub names."""
    for match in _FILE_NAME.finditer(text):
        named = posixpath.normpath(posixpath.join(posixpath.dirname(path), match[0]))
        yield from (each for each in (named, posixpath.normpath(match[0])) if each in project.files)


def _text(project: Project, path: str) -> str:
    return (project.tree.read(project.path(path)) or b"").decode("utf-8", "replace")


def pull_request_template(tree: TreeReader) -> str | None:
    """Return the path of the template that GitHub would use, else of the first of several to choose from."""
    files = sorted(tree.files())
    names = [(folder, TEMPLATE_NAME) for folder in TEMPLATE_FOLDERS]
    names += [(posixpath.join(folder, "pull_request_template"), ONE_OF_SEVERAL) for folder in TEMPLATE_FOLDERS]
    for folder, name in names:
        for path in files:
            if posixpath.dirname(path).lower() == folder and name.fullmatch(posixpath.basename(path)):
                return path
    return None


def benchmark_tool(tree: TreeReader) -> Literal["asv", "pyperf"] | None:
    """Return asv if it is configured, pyperf if requirements or pages name it: reviewers know that tool's tables."""
    if any(ASV_NAME.fullmatch(posixpath.basename(path)) and path.count("/") <= 2 for path in tree.files()):
        return "asv"
    pages = (path for path in tree.files() if PYPERF_PAGES.fullmatch(path))
    return "pyperf" if any(PYPERF.search(tree.read(path) or b"") for path in pages) else None
