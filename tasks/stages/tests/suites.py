"""Find out from a project's files how its own tests are run, and what they need in addition to the project."""

import ast
import posixpath
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, Literal

from ...bench.workers.pytest_options import without_disturbing, without_plugins
from ...benchmark_tests.reading import PytestFile
from ...environments.declared import TESTING, dependency_groups, extra_names
from ...environments.testing_requirements import listed_by_runners, tox_extras
from ...manifest.model import EnvironmentSettings
from ...project.code.imported_names import imports
from ...project.files import Project, TreeReader
from ...project.pytest_config import in_auxiliary_folder, is_test_code, is_test_file, pytest_option, python_files
from ...project.syntax import parse_or_empty

DEVELOPING: Final = ("dev", "develop", "development")
"""Extras and groups that tests need if the project has none just for tests."""


@dataclass(frozen=True, slots=True)
class Suite:
    """How tests are run: shell `commands` to try in turn, in `folder` of the tree; `source` says where they come from.

    `kind` is `command` for the manifest's own command, which may report only its exit code.
    """

    commands: tuple[str, ...]
    source: str
    folder: str
    kind: Literal["pytest", "unittest", "command"]


def suite_of(tree: TreeReader, folder: str, *, benchmarks_root: str, command: str | None = None) -> Suite | None:
    """Return how the tests of the project in `folder` are run, None if it has none; `command` is the manifest's."""
    if command:
        return Suite((command,), "the manifest", folder, "command")
    patterns = python_files(Project(tree, folder))
    files = _test_files(tree, patterns, benchmarks_root)
    if not files:  # Benchmarks may lie among the tests.
        benchmarks_root, files = "", _test_files(tree, patterns, "")
    if not files:
        return None
    own = tuple(path for path in files if _below(path, folder))
    folder, files = (folder, own) if own else ("", files)
    project = Project(tree, folder)
    if why := _why_pytest(project, files):
        return Suite(_pytest(project, _inside(benchmarks_root, folder)), why, folder, "pytest")
    why = "the tests use unittest, and nothing in the project names pytest"
    return Suite((_unittest(project, files),), why, folder, "unittest")


def _test_files(tree: TreeReader, patterns: Sequence[str], benchmarks_root: str) -> tuple[str, ...]:
    """Return the project's test files, benchmarks excluded."""
    paths = (path for path in tree.files() if is_test_file(path, patterns) and not in_auxiliary_folder(path))
    return tuple(path for path in paths if not _below(path, benchmarks_root or "."))


def edited_tests(files: Iterable[str], benchmarks_root: str) -> tuple[str, ...]:
    """Return the changed files that are tests or support them, benchmarks excluded."""
    tests = (path for path in files if is_test_code(path) and not in_auxiliary_folder(path))
    return tuple(path for path in tests if not _below(path, benchmarks_root or "."))


def _below(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")


def _inside(path: str, folder: str) -> str:
    return posixpath.relpath(path, folder) if folder and path else path


# -- the command ----------------------------------------------------------------------------------


def _why_pytest(project: Project, files: Sequence[str]) -> str:
    """Return what shows that pytest runs the tests; "" if everything points to unittest."""
    if names := [name for name in ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml") if project.has(name)]:
        return names[0]
    if project.tool("pytest") is not None:
        return "[tool.pytest] of pyproject.toml"
    if project.ini("tox.ini").has_section("pytest") or project.setup_cfg.has_section("tool:pytest"):
        return "the configuration of pytest"
    if conftest := next((name for name in sorted(project.files) if posixpath.basename(name) == "conftest.py"), ""):
        return conftest
    modules = {path: parse_or_empty(project.tree.read(path) or b"") for path in files}
    for path, module in modules.items():
        if "pytest" in _imports(module) or any(map(_is_plain_test, module.body)):
            return path
    uses_unittest = any("unittest" in _imports(module) for module in modules.values())
    return "" if uses_unittest else "nothing in the project names another runner"


def _has_benchmarks(project: Project, *, besides: str) -> bool:
    """Return whether pytest would run benchmarks that are not in the folder `besides`."""
    patterns = python_files(project)
    paths = (path for path in sorted(project.files) if is_test_file(path, patterns) and not _below(path, besides))
    sources = (project.tree.read(project.path(path)) or b"" for path in paths)
    return any(b"benchmark" in source and PytestFile.of(source).has_benchmarks for source in sources)


def _imports(module: ast.Module) -> set[str]:
    return {name.partition(".")[0] for _, (name, _) in imports(module)}


def _is_plain_test(node: ast.stmt) -> bool:
    """Return whether this is a test outside of unittest's classes."""
    if isinstance(node, ast.ClassDef):
        return node.name.startswith("Test") and not node.bases
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")


def _pytest(project: Project, benchmarks: str) -> tuple[str, ...]:
    """Return pytest without benchmarks; then the same with fewer of its `addopts`, which may need missing plugins.

    Benchmarks elsewhere run once each. Options of a conftest may be required, those of plugins are not needed if these
    are missing.
    """
    left_out = [f"--ignore={benchmarks}"] if project.has_folder(benchmarks) else []
    if not benchmarks or _has_benchmarks(project, besides=benchmarks):
        left_out.append("--benchmark-disable")
    pytest = ["python", "-m", "pytest"]
    commands = [[*pytest, *left_out]]
    if addopts := pytest_option(project, "addopts"):
        options = tuple(shlex.split(" ".join(addopts)))
        commands += [
            [*pytest, "-o", "addopts=", *fewer(options), *left_out] for fewer in (without_disturbing, without_plugins)
        ]
    return tuple(dict.fromkeys(map(shlex.join, commands)))


def _unittest(project: Project, files: Sequence[str]) -> str:
    names = [_inside(path, project.folder) for path in files]
    folder = posixpath.commonpath([posixpath.dirname(name) for name in names])
    arguments = ["python", "-m", "unittest", "discover"]
    if folder:
        arguments += ["-s", folder, *(["-t", "."] if project.has(f"{folder}/__init__.py") else [])]
    if not any(fnmatchcase(posixpath.basename(name), "test*.py") for name in names):
        arguments += ["-p", "*_test.py"]
    return shlex.join(arguments)


# -- what they need -------------------------------------------------------------------------------


def settings_for_tests(project: Project, settings: EnvironmentSettings) -> EnvironmentSettings:
    """Add to an environment's settings what tests need; noxfile.py is code and not read."""
    extras, groups = extra_names(project), dependency_groups(project)
    wanted = () if any(name in TESTING for name in (*extras, *groups)) else DEVELOPING
    additions = {
        "extras": (name for name in extras if name in (*wanted, *tox_extras(project))),
        "groups": (name for name in groups if name in wanted),
        "install": listed_by_runners(project),
    }
    return settings.model_copy(
        update={name: tuple(dict.fromkeys((*getattr(settings, name), *more))) for name, more in additions.items()}
    )
