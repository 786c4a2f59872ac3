"""Find out from a project's files how its own tests are run, and what they need beside what the project needs."""

from __future__ import annotations

import ast
import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Literal

from ...bench.workers.pytest_options import carried
from ...environments.requirements import TESTING, extra_names, group_names
from ...project.files import Project, lookup, strings
from ...project.pytest_config import in_side_folder, is_test_code, is_test_file, pytest_option, python_files

if TYPE_CHECKING:
    from ...manifest.model import EnvironmentSettings
    from ...project.files import TreeReader

DEVELOPING: Final = ("dev", "develop", "development")
"""Extras and groups that tests need where the project has none for tests alone."""

_HATCH: Final = ("hatch-test", "test", "tests", "default")
_CONDITION: Final = re.compile(r"^[\w.,!{}-]+:\s")
_FOLDER: Final = re.compile(r"^\{(?:toxinidir|tox_root)\}/?")


@dataclass(frozen=True, slots=True)
class Suite:
    """How tests are run: `commands` are the ways to try, each for a shell, in `folder` of the tree; `found` tells where from.

    `kind` is what runs: pytest, unittest, or a command of the manifest's of which only the exit code may be known.
    """

    commands: tuple[str, ...]
    found: str
    folder: str
    kind: Literal["pytest", "unittest", "command"]


def suite_of(tree: TreeReader, folder: str, *, benchmarks_root: str, asked: str | None = None) -> Suite | None:
    """Return how the tests of the project in `folder` are run, None where it has none; `asked` is the manifest's command."""
    if asked:
        return Suite((asked,), "the manifest", folder, "command")
    patterns = python_files(Project(tree, folder))
    files = _test_files(tree, patterns, benchmarks_root)
    if not files:  # Benchmarks may lie among the tests.
        benchmarks_root, files = "", _test_files(tree, patterns, "")
    folder = folder if any(_below(path, folder) for path in files) else ""
    project = Project(tree, folder)
    files = tuple(path for path in files if _below(path, folder))
    if not files:
        return None
    if why := _why_pytest(project, files):
        return Suite(_pytest(project, _inside(benchmarks_root, folder)), why, folder, "pytest")
    return Suite(
        (_unittest(project, files),),
        "the tests are unittest's, and nothing of the project names pytest",
        folder,
        "unittest",
    )


def _test_files(tree: TreeReader, patterns: Sequence[str], benchmarks_root: str) -> tuple[str, ...]:
    """Return the project's test files without its benchmarks."""
    paths = (path for path in tree.files() if is_test_file(path, patterns) and not in_side_folder(path))
    return tuple(path for path in paths if not _below(path, benchmarks_root or "."))


def edited_tests(files: Iterable[str], benchmarks_root: str) -> tuple[str, ...]:
    """Return the changed files that are tests or serve them, without the benchmarks."""
    tests = (path for path in files if is_test_code(path) and not in_side_folder(path))
    return tuple(path for path in tests if not _below(path, benchmarks_root or "."))


def _below(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")


def _inside(path: str, folder: str) -> str:
    return posixpath.relpath(path, folder) if folder and path else path


# -- the command ----------------------------------------------------------------------------------


def _why_pytest(project: Project, files: Sequence[str]) -> str:
    """Say where it is seen that pytest runs the tests; "" where all that is seen is unittest."""
    if names := [name for name in ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml") if project.has(name)]:
        return names[0]
    if project.tool("pytest") is not None:
        return "[tool.pytest] of pyproject.toml"
    if project.ini("tox.ini").has_section("pytest") or project.setup_cfg.has_section("tool:pytest"):
        return "the configuration of pytest"
    if conftest := next((name for name in sorted(project.files) if posixpath.basename(name) == "conftest.py"), ""):
        return conftest
    modules = [(path, _parsed(project.tree.read(path) or b"")) for path in files]
    if path := next((path for path, module in modules if _is_pytests(module)), ""):
        return path
    return (
        "" if any("unittest" in _imports(module) for _, module in modules) else "nothing of the project names another"
    )


def _parsed(source: bytes) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _is_pytests(module: ast.Module) -> bool:
    """Return whether a file imports pytest, or has tests outside of unittest's classes."""
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    bare = any(isinstance(node, functions) and node.name.startswith("test") for node in module.body)
    classes = any(
        isinstance(node, ast.ClassDef) and node.name.startswith("Test") and not node.bases for node in module.body
    )
    return "pytest" in _imports(module) or bare or classes


def _imports(module: ast.Module) -> set[str]:
    return {name.partition(".")[0] for node in ast.walk(module) for name in _imported(node)}


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module


def _pytest(project: Project, benchmarks: str) -> tuple[str, ...]:
    """Return pytest without the benchmarks; then, for `addopts` that ask for plugins that nothing installs, without most of those."""
    left_out = (
        [f"--ignore={benchmarks}"] if project.has_folder(benchmarks) else [] if benchmarks else ["--benchmark-disable"]
    )
    plain = shlex.join(["python", "-m", "pytest", *left_out])
    addopts = pytest_option(project, "addopts")
    bare = shlex.join(
        ["python", "-m", "pytest", "-o", "addopts=", *carried(tuple(shlex.split(" ".join(addopts)))), *left_out]
    )
    return (plain, bare) if addopts else (plain,)


def _unittest(project: Project, files: Sequence[str]) -> str:
    names = [path[len(project.folder) + 1 :] if project.folder else path for path in files]
    folder = posixpath.commonpath([posixpath.dirname(name) for name in names])
    words = ["python", "-m", "unittest", "discover"]
    if folder:
        words += ["-s", folder, *(["-t", "."] if project.has(f"{folder}/__init__.py") else [])]
    if not any(fnmatchcase(posixpath.basename(name), "test*.py") for name in names):
        words += ["-p", "*_test.py"]
    return shlex.join(words)


# -- what they need -------------------------------------------------------------------------------


def settings_for_tests(project: Project, settings: EnvironmentSettings) -> EnvironmentSettings:
    """Return an environment's settings with what tests need and is not installed anyway; what nox runs is code, and is not read."""
    extras, groups = extra_names(project), group_names(project)
    own = any(name in TESTING for name in (*extras, *groups))
    names = () if own else DEVELOPING
    lines = (*_tox(project), *_hatch(project))
    return settings.model_copy(
        update={
            "extras": tuple(
                dict.fromkeys((*settings.extras, *(name for name in extras if name in (*names, *_tox_extras(project)))))
            ),
            "groups": tuple(dict.fromkeys((*settings.groups, *(name for name in groups if name in names)))),
            "install": tuple(dict.fromkeys((*settings.install, *lines))),
        }
    )


def _tox(project: Project) -> Iterator[str]:
    """Yield the requirements that tox installs beside the project in each of its environments; conditional ones are left out."""
    for line in project.ini("tox.ini").get("testenv", "deps", fallback="", raw=True).splitlines():
        yield from _requirements(project, line)
    for table in (project.toml("tox.toml"), project.tool("tox")):
        for line in _lines(lookup(table, "env_run_base", "deps")):
            yield from _requirements(project, line)


def _tox_extras(project: Project) -> tuple[str, ...]:
    told = project.ini("tox.ini").get("testenv", "extras", fallback="", raw=True).replace(",", " ")
    return strings(told) + strings(lookup(project.toml("tox.toml"), "env_run_base", "extras"))


def _hatch(project: Project) -> Iterator[str]:
    for name in _HATCH:
        for key in ("dependencies", "extra-dependencies"):
            for line in _lines(project.tool("hatch", "envs", name, key)):
                yield from _requirements(project, line)


def _lines(value: object) -> tuple[str, ...]:
    return tuple(line for line in value if isinstance(line, str)) if isinstance(value, list) else ()


def _requirements(project: Project, line: str, seen: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the requirements that a line comes to, those of a file that it includes too; others are left out."""
    spelled = re.sub(r"(^|\s)#.*$", "", line).strip()
    if included := re.match(r"^(?:-r|--requirement)[\s=]*(\S+)$", spelled):
        path = posixpath.normpath(_FOLDER.sub("", included[1]))
        content = project.tree.read(project.path(path)) if path not in seen and not path.startswith("..") else None
        for inner in (content or b"").decode("utf-8", "replace").splitlines():
            yield from _requirements(project, _relative_to(path, inner), (*seen, path))
    elif spelled and not spelled.startswith(("-", ".", "/")) and "{" not in spelled and not _CONDITION.match(spelled):
        yield spelled


def _relative_to(file: str, line: str) -> str:
    """Spell what a requirements file includes as seen from the project's folder."""
    found = re.match(r"^\s*(-r|--requirement)[\s=]*(\S+)", line)
    return f"{found[1]} {posixpath.join(posixpath.dirname(file), found[2])}" if found else line
