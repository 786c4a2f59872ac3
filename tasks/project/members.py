"""Find out which projects of a repository require each other, as in a workspace or by paths."""

import posixpath
import re
from collections.abc import Iterator, Mapping

from packaging.utils import canonicalize_name

from .dependencies import REQUIREMENTS_NAME, declared
from .files import Project, normalized

_DECLARING = ("pyproject.toml", "setup.cfg", "setup.py")
# `-e ./libs/app[fast]`, `file:libs/app`, `./libs/app ; python_version > "3"`
_PATH = re.compile(r"(?:(?:-e|--editable)[\s=]+)?(?:file:(?://)?)?([\w./-]+)(?:\[[^]]*\])?\s*(?:;.*)?")


def requires_member(project: Project, member: str, projects: Mapping[str, Project]) -> bool:
    """Return whether a project requires the one in the folder `member`, directly or by others of the repository.

    `projects` are those of the repository by folder.
    """
    seen, waiting = {project.folder}, [project]
    while waiting:
        for folder in _required(waiting.pop(), projects):
            if folder == member:
                return True
            if folder not in seen:
                seen.add(folder)
                waiting.append(projects[folder])
    return False


def _required(project: Project, projects: Mapping[str, Project]) -> Iterator[str]:
    """Yield the folders of the projects that one requires, in any extra or group, by name or by path."""
    by_name = {canonicalize_name(each.name): folder for folder, each in projects.items() if each.name}
    files = [name for name in project.files if name in _DECLARING or REQUIREMENTS_NAME.fullmatch(name)]
    for name in files:
        for label in declared(project.tree, project.path(name)):
            required = label.partition(" (")[0]
            path = _PATH.fullmatch(required)
            folder = normalized(posixpath.join(project.folder, path[1])) if path else ""
            if path and "/" in path[1] and folder in projects:
                yield folder
            elif owner := by_name.get(canonicalize_name(required)):
                yield owner
