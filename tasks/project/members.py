"""Find out which projects of a repository require each other, as in a workspace or by paths."""

import posixpath
import re
from collections.abc import Iterator, Mapping

from packaging.utils import canonicalize_name

from ..errors import SourceError
from .dependencies import REQUIREMENTS_NAME, declared
from .files import Project, TreeReader, normalized

DECLARING = ("pyproject.toml", "setup.cfg", "setup.py")
# `-e ./libs/app[fast]`, `file:libs/app`, `./libs/app ; python_version > "3"`
_PATH = re.compile(r"(?:(?:-e|--editable)[\s=]+)?(?:file:(?://)?)?([\w./-]+)(?:\[[^]]*\])?\s*(?:;.*)?")


def described_projects(tree: TreeReader) -> dict[str, Project]:
    """Return the projects of a tree that describe themselves, by folder, without malformed ones."""
    folders = sorted({posixpath.dirname(path) for path in tree.files() if posixpath.basename(path) in DECLARING})
    return {folder: each for folder in folders if _is_described(each := Project(tree, folder))}


def _is_described(project: Project) -> bool:
    try:
        return project.describes_itself and isinstance(project.name, str)
    except SourceError:
        return False


def required_members(project: Project, projects: Mapping[str, Project]) -> frozenset[str]:
    """Return the folders of the projects that one requires, directly or by others of the repository."""
    seen, waiting = {project.folder}, [project]
    while waiting:
        new = set(_required(waiting.pop(), projects)) - seen
        seen |= new
        waiting += map(projects.__getitem__, new)
    return frozenset(seen - {project.folder})


def declared_by_members(project: Project) -> dict[str, dict[str, str]]:
    """Return what the required projects of the repository require themselves, by file."""
    projects = described_projects(project.tree)
    members = required_members(project, projects) if len(projects) > 1 else frozenset[str]()
    files = (projects[folder].path(name) for folder in members for name in DECLARING)
    return {path: found for path in sorted(files) if (found := declared(project.tree, path))}


def _required(project: Project, projects: Mapping[str, Project]) -> Iterator[str]:
    """Yield the folders of the projects that one requires, in any extra or group, by name or by path."""
    by_name = {canonicalize_name(each.name): folder for folder, each in projects.items() if each.name}
    files = [name for name in project.files if name in DECLARING or REQUIREMENTS_NAME.fullmatch(name)]
    for name in files:
        for label in declared(project.tree, project.path(name)):
            required = label.partition(" (")[0]
            path = _PATH.fullmatch(required)
            folder = normalized(posixpath.join(project.folder, path[1])) if path else ""
            if path and "/" in path[1] and folder in projects:
                yield folder
            elif owner := by_name.get(canonicalize_name(required)):
                yield owner
