"""Find what a project's tests need: the files and tools that list it, and what pytest imports when it starts."""

import ast
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..project.dependencies import REQUIREMENTS_NAME, uncommented
from ..project.files import Project, strings
from ..project.pytest_config import in_auxiliary_folder, pytest_arguments, pytest_lines
from ..project.syntax import last_name, parse_or_empty
from ..project.tox_and_hatch import hatch_environments, tox_ini_environments, tox_toml_environments
from .diagnoses import distribution_of

_FOLDERS = frozenset({"requirements", "reqs", "tests", "test", "testing", "ci", ".ci", "dev", "tools"})
_CONDITION = re.compile(r"^[\w.,!{}-]+:\s")
_FOLDER = re.compile(r"^\{(?:toxinidir|tox_root)\}/?")
_TESTS = re.compile(r"(?<![a-z])(unit|integration|py)?[-_ ]?test(s|ing)?(?![a-z])", re.IGNORECASE)
_DEVELOPING = re.compile(r"(?<![a-z])dev(el|elop|elopment)?(?![a-z])", re.IGNORECASE)
_HEADING = re.compile(r"\s*#+\s*(.*?)\s*[-#=:]*\s*")
_INCLUDES = re.compile(r"^(?:-r|--requirement)[\s=]*(\S+)$")


def name_of(line: str) -> str:
    """Return the normalized name of the package that a requirement is about, "" if it is none."""
    try:
        return canonicalize_name(Requirement(uncommented(line)).name)
    except InvalidRequirement:
        return ""


# -- requirements files ---------------------------------------------------------------------------


def file_for_tests(project: Project) -> tuple[str, ...]:
    """Return the requirements file that is for tests by its name, else the one for development, () for none."""
    files = sorted(_requirements_files(project), key=lambda path: (path.count("/"), path.endswith(".in"), path))
    for pattern in (_TESTS, _DEVELOPING):
        for path in files:
            if pattern.search(path.removesuffix(".txt").removesuffix(".in")):
                return (path,)
    return ()


def marked_as_tests(project: Project) -> tuple[str, ...]:
    """Return the requirements of requirements.txt below a comment that says that they are for tests."""
    if not project.has("requirements.txt"):
        return ()
    lines, marked = [], False
    for line in lines_of(project, "requirements.txt"):
        if heading := _HEADING.fullmatch(line):
            marked = bool(_TESTS.search(heading[1])) if heading[1] else marked
        elif marked and name_of(line):
            lines.append(uncommented(line))
    return tuple(lines)


def lines_of_files(project: Project) -> Iterator[str]:
    """Yield the lines of all requirements files, those for tests first."""
    for path in sorted(_requirements_files(project), key=lambda path: not _TESTS.search(path)):
        yield from lines_of(project, path)


def lines_of(project: Project, file: str) -> list[str]:
    return (project.tree.read(project.path(file)) or b"").decode("utf-8-sig", "replace").splitlines()


def _requirements_files(project: Project) -> Iterator[str]:
    for path in project.files:
        *folders, name = path.split("/")
        named = REQUIREMENTS_NAME.fullmatch(name) and not name.startswith("constraints")
        in_folder = folders[-1:] == ["requirements"] and name.endswith((".txt", ".in"))
        if (named or in_folder) and _FOLDERS.issuperset(folders):  # others hold data of tests, documentation, ...
            yield path


# -- tox and hatch --------------------------------------------------------------------------------


def listed_by_runners(project: Project) -> Iterator[str]:
    """Yield what tox and hatch install in each of their environments; conditional requirements are left out."""
    lines = [line for options, _ in tox_ini_environments(project) for line in options.get("deps", "").splitlines()]
    lines += [line for table, _ in tox_toml_environments(project) for line in _lines(table.get("deps"))]
    for table, _ in hatch_environments(project):
        for key in ("dependencies", "extra-dependencies"):
            lines += _lines(table.get(key))
    for line in lines:
        yield from _requirements(project, line)


def tox_extras(project: Project) -> tuple[str, ...]:
    listed: list[object] = [
        *(options.get("extras", "").replace(",", " ") for options, _ in tox_ini_environments(project)),
        *(table.get("extras") for table, _ in tox_toml_environments(project)),
    ]
    return tuple(name for value in listed for name in strings(value))


def _lines(value: object) -> tuple[str, ...]:
    return tuple(line for line in value if isinstance(line, str)) if isinstance(value, list) else ()


def _requirements(project: Project, line: str, folder: str = "", seen: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the requirement of a line, or those of the file that it includes; paths and options are left out.

    A file in `folder` of the project has the line; includes are relative to it.
    """
    text = uncommented(line)
    if included := _INCLUDES.match(text):
        path = posixpath.normpath(posixpath.join(folder, _FOLDER.sub("", included[1])))
        for inner in lines_of(project, path) if path not in seen and not path.startswith("..") else ():
            yield from _requirements(project, inner, posixpath.dirname(path), (*seen, path))
    elif text and not text.startswith(("-", ".", "/")) and "{" not in text and not _CONDITION.match(text):
        yield text


# -- what pytest imports when it starts -----------------------------------------------------------


def needed_at_start(project: Project, declared: Mapping[str, str]) -> tuple[str, ...]:
    """Return those of the `declared` requirements without which pytest does not start in this project."""
    modules = dict.fromkeys(module.partition(".")[0] for module in _imported_at_start(project))
    names = (canonicalize_name(distribution_of(module)) for module in modules)
    return tuple(dict.fromkeys(declared[name] for name in names if name in declared))


def _imported_at_start(project: Project) -> Iterator[str]:
    """Yield the modules that warning filters, plugins and conftest files name."""
    for line in pytest_lines(project, "filterwarnings"):
        category = (*line.split(":"), "", "")[2]
        if "." in category:
            yield category.rpartition(".")[0].strip()
    yield from re.findall(r"(?m)^-p\s?([\w.]+)$", "\n".join(pytest_arguments(project)))
    for path in sorted(project.files):
        if posixpath.basename(path) == "conftest.py" and not in_auxiliary_folder(path):
            yield from _imported_by(parse_or_empty(project.tree.read(project.path(path)) or b""))


def _imported_by(conftest: ast.Module) -> Iterator[str]:
    for node in ast.walk(conftest):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Call) and last_name(node) == "importorskip":
            yield from _texts(node.args[:1])
        elif isinstance(node, ast.Assign) and any(map(_names_plugins, node.targets)):
            value = node.value
            yield from _texts(value.elts if isinstance(value, ast.List | ast.Tuple) else [value])


def _names_plugins(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and target.id == "pytest_plugins"


def _texts(nodes: Iterable[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
